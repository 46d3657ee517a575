//! The right to work on one cube.

use std::{any::Any, fmt};

use async_trait::async_trait;

use crate::{CacheError, CubeName};

/// The right to work on one cube; see [`CacheStore::lease`](crate::CacheStore::lease).
///
/// [`give_back`](Self::give_back) gives it back at once. So does dropping it where a lock of the operating system is behind
/// it; on object storage a dropped one is given back by a task of the runtime, if that lives on.
pub struct Lease {
    name: CubeName,
    hold: Box<dyn Hold>,
}

/// What an implementation of [`CacheStore`](crate::CacheStore) holds while one of its leases lives. Dropping it gives the lease back as well as
/// can be done without waiting.
#[async_trait]
pub trait Hold: Send + Sync + 'static {
    /// True if another one may have the lease by now, because it could not be renewed in time.
    fn is_lost(&self) -> bool;

    /// Gives the lease back and waits until others can have it.
    ///
    /// # Errors
    /// If the storage refuses; the lease then ends as that of a dead process does.
    async fn give_back(self: Box<Self>) -> Result<(), CacheError>;
}

impl Lease {
    /// A lease that is given back when `guard` is dropped, and cannot be lost before.
    #[must_use]
    pub fn new(name: CubeName, guard: impl Any + Send + Sync) -> Self {
        Self::held_by(name, Guard(guard))
    }

    /// A lease that `hold` keeps.
    #[must_use]
    pub fn held_by(name: CubeName, hold: impl Hold) -> Self {
        Self {
            name,
            hold: Box::new(hold),
        }
    }

    /// The cube that it is for.
    #[must_use]
    pub fn name(&self) -> &CubeName {
        &self.name
    }

    /// True if another one may have it by now, because it could not be renewed in time: whoever holds it should stop.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.hold.is_lost()
    }

    /// Gives it back, and returns when others can have it.
    ///
    /// # Errors
    /// If the storage refuses; the lease then ends as that of a dead process does.
    pub async fn give_back(self) -> Result<(), CacheError> {
        self.hold.give_back().await
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("name", &self.name)
            .field("is_lost", &self.is_lost())
            .finish_non_exhaustive()
    }
}

/// Something whose end gives the lease back.
struct Guard<T>(T);

#[async_trait]
impl<T: Send + Sync + 'static> Hold for Guard<T> {
    fn is_lost(&self) -> bool {
        false
    }

    async fn give_back(self: Box<Self>) -> Result<(), CacheError> {
        drop(self);
        Ok(())
    }
}
