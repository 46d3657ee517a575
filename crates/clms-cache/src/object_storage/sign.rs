//! Signs of life: objects that are changed again and again by whoever lives.
//!
//! A sign whose holder is dead is recognised by an observer who sees it unchanged for as long as it says that it lives
//! without being renewed, by the observer's own clock. The holder acts only while, by his own, less than half of that has
//! passed since he renewed it last; what he began before is given up when three quarters have passed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use object_store::{ObjectStore, ObjectStoreExt, UpdateVersion, path::Path};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, sync::OnceCell, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    clock::{Clock, Moment},
    swap::{self, Versioned},
};
use crate::{CacheError, Generation};

/// The version of this document.
const VERSION: u32 = 1;

/// Signs that are renewed too late are given longer lives, up to this: so long may others have to wait for one who died.
const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// A sign of life as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sign {
    version: u32,
    /// Who gives it, in its own words; `None` if it was given back.
    holder: Option<String>,
    /// Which of all that were ever given: no two are the same.
    id: Generation,
    /// How often it was renewed.
    beat: u64,
    /// How long it lives without being renewed.
    lives_ms: u64,
}

impl Sign {
    fn lives(&self) -> Duration {
        Duration::from_millis(self.lives_ms)
    }
}

/// Gives and observes signs of life in one storage.
#[derive(Debug)]
pub(super) struct Signs {
    store: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    /// How long the next sign lives without being renewed.
    lives: Mutex<Duration>,
    /// Since when others' signs have been seen unchanged.
    seen: Mutex<HashMap<Path, (Sign, Moment)>>,
    /// Those of dropped owners, while they are given back.
    ending: Mutex<Vec<JoinHandle<()>>>,
    conditions_checked: OnceCell<()>,
}

/// What came of the attempt to give a sign.
#[derive(Debug)]
pub(super) enum Attempt {
    Given(Heartbeat),
    /// Somebody else gives it.
    Held(String),
}

impl Signs {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        clock: Arc<dyn Clock>,
        lives: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            clock,
            lives: Mutex::new(lives),
            seen: Mutex::default(),
            ending: Mutex::default(),
            conditions_checked: OnceCell::new(),
        })
    }

    /// The same with another time that signs live without being renewed.
    pub(super) fn living(&self, lives: Duration) -> Arc<Self> {
        Self::new(Arc::clone(&self.store), Arc::clone(&self.clock), lives)
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// How long a sign lives without being renewed.
    pub(super) fn lives(&self) -> Duration {
        *self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sign that lives so long was renewed too late. On a slow machine or behind a slow network that will happen again, and work would begin
    /// again for ever: from now on signs live twice as long, within reason.
    fn was_late(&self, lived: Duration) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        *lives = (lived * 2).min(LONGEST_LIFE).max(*lives);
    }

    /// Gives the sign at `path`, unless it is held by somebody alive.
    pub(super) async fn give(
        self: &Arc<Self>,
        path: Path,
        holder: &str,
    ) -> Result<Attempt, CacheError> {
        self.settle().await;
        loop {
            let found: Option<Versioned<Sign>> = swap::read(&*self.store, &path).await?;
            if let Some(Versioned { value: sign, .. }) = &found
                && let Some(holder) = &sign.holder
                && !self.is_dead(&path, sign)
            {
                return Ok(Attempt::Held(holder.clone()));
            }
            let sign = Sign {
                version: VERSION,
                holder: Some(holder.to_owned()),
                id: Generation::random(),
                beat: 0,
                lives_ms: u64::try_from(self.lives().as_millis()).unwrap_or(u64::MAX),
            };
            let renewed = self.clock.now();
            let known = found.as_ref().map(|found| &found.version);
            // If another was faster, the next turn says who.
            if let Some(version) = swap::swap(&*self.store, &path, &sign, known).await? {
                if found.is_some_and(|found| found.value.holder.is_some()) {
                    tracing::info!(%path, "took over from one who gave no sign of life");
                }
                self.conditions_checked
                    .get_or_try_init(|| swap::check_conditions(&*self.store, &path, &sign))
                    .await?;
                let state = State { sign, version };
                return Ok(Attempt::Given(Heartbeat::start(
                    Arc::clone(self),
                    path,
                    state,
                    renewed,
                )));
            }
        }
    }

    /// True if nobody gives the sign at `path`. One who gave none for too long is kept from giving it again.
    pub(super) async fn is_over(&self, path: &Path) -> Result<bool, CacheError> {
        loop {
            let Some(Versioned { value, version }) = swap::read::<Sign>(&*self.store, path).await?
            else {
                return Ok(true);
            };
            if value.holder.is_none() {
                return Ok(true);
            }
            if !self.is_dead(path, &value) {
                return Ok(false);
            }
            let ended = Sign {
                holder: None,
                id: Generation::random(),
                ..value
            };
            // If it has changed just now, the next turn says how.
            if swap::swap(&*self.store, path, &ended, Some(&version))
                .await?
                .is_some()
            {
                return Ok(true);
            }
        }
    }

    /// Who gives the sign at `path`, if anybody does who may be alive.
    pub(super) async fn holder(&self, path: &Path) -> Result<Option<String>, CacheError> {
        let found = swap::read::<Sign>(&*self.store, path).await?;
        let living = found.filter(|found| !self.is_dead(path, &found.value));
        Ok(living.and_then(|found| found.value.holder))
    }

    /// True if `sign` has been seen unchanged at `path` for as long as it lives.
    fn is_dead(&self, path: &Path, sign: &Sign) -> bool {
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(path) {
            Some((before, since)) if before == sign => {
                let is_dead = now.at_least_since(*since) >= sign.lives();
                if is_dead {
                    seen.remove(path);
                }
                is_dead
            }
            _ => {
                seen.insert(path.clone(), (sign.clone(), now));
                false
            }
        }
    }

    /// Does `work` in the background, if there is a runtime to do it.
    pub(super) fn in_background(&self, work: BoxFuture<'static, ()>) {
        if let Ok(runtime) = Handle::try_current() {
            let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
            ending.retain(|task| !task.is_finished());
            ending.push(runtime.spawn(work));
        }
    }

    /// Waits for what is done in the background.
    pub(super) async fn settle(&self) {
        loop {
            let next = {
                let mut ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
                ending.pop()
            };
            match next {
                // Whether it worked shows in the storage.
                Some(task) => drop(task.await),
                None => return,
            }
        }
    }
}

/// A sign of life of this process, renewed until this is dropped.
#[derive(Debug)]
pub(super) struct Heartbeat {
    pulse: Arc<Pulse>,
}

#[derive(Debug)]
struct Pulse {
    signs: Arc<Signs>,
    path: Path,
    /// How long it lives without being renewed.
    lives: Duration,
    state: tokio::sync::Mutex<State>,
    renewed: Mutex<Moment>,
    /// Cancelled when another has taken the sign over.
    lost: CancellationToken,
    /// Cancelled when it is to be renewed no more. A renewal under way is not cut short: nobody would know its outcome.
    stop: CancellationToken,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct State {
    sign: Sign,
    version: UpdateVersion,
}

impl Heartbeat {
    fn start(signs: Arc<Signs>, path: Path, state: State, renewed: Moment) -> Self {
        let pulse = Arc::new(Pulse {
            signs,
            path,
            lives: state.sign.lives(),
            state: tokio::sync::Mutex::new(state),
            renewed: Mutex::new(renewed),
            lost: CancellationToken::new(),
            stop: CancellationToken::new(),
            is_over: AtomicBool::new(false),
        });
        tokio::spawn(Arc::clone(&pulse).renew_for_ever());
        Self { pulse }
    }

    /// True if another one may have taken the sign over.
    pub(super) fn is_lost(&self) -> bool {
        self.pulse.lost.is_cancelled() || self.pulse.is_late()
    }

    /// Does `work` on the storage while the sign is surely given; `Err` if it is not, or is not any more.
    pub(super) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, LostSign> {
        self.pulse.guard(work).await
    }

    /// Takes the sign back: the object is removed if it is nobody else's ever (`is_unique`), else marked as free.
    pub(super) async fn end(&self, is_unique: bool) -> Result<(), CacheError> {
        self.pulse.end(is_unique).await
    }

    /// Takes the sign back without waiting until that is done, if there is a runtime to do it.
    pub(super) fn end_in_background(&self) {
        self.pulse.stop.cancel();
        if !self.pulse.is_over.load(Ordering::Acquire) {
            let pulse = Arc::clone(&self.pulse);
            self.pulse.signs.in_background(Box::pin(async move {
                if let Err(error) = pulse.end(false).await {
                    tracing::debug!(%error, path = %pulse.path, "a sign of life was not taken back");
                }
            }));
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.end_in_background();
    }
}

/// Another one may have taken a sign over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this process gave no sign of life for too long, and another one may have taken over")]
pub(crate) struct LostSign;

impl Pulse {
    fn age(&self) -> Duration {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        self.signs.clock.now().at_most_since(renewed)
    }

    /// True if it was not renewed for so long that it must not be trusted before it is.
    fn is_late(&self) -> bool {
        let is_late = self.age() >= self.lives / 2;
        if is_late {
            self.signs.was_late(self.lives);
        }
        is_late
    }

    async fn renew_for_ever(self: Arc<Self>) {
        while !self.lost.is_cancelled() {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.signs.clock.sleep(self.lives / 4) => {}
            }
            match self.renew().await {
                Ok(()) => {}
                Err(Some(error)) => {
                    tracing::warn!(%error, path = %self.path, "a sign of life was not renewed");
                }
                Err(None) => tracing::warn!(path = %self.path, "another one has taken over"),
            }
        }
    }

    /// Renews the sign; `Err(None)` if it is another one's.
    async fn renew(&self) -> Result<(), Option<CacheError>> {
        let mut state = self.state.lock().await;
        if self.is_over.load(Ordering::Acquire) {
            return Err(None);
        }
        let now = self.signs.clock.now();
        let sign = Sign {
            beat: state.sign.beat + 1,
            ..state.sign.clone()
        };
        let swapped = swap::swap(&*self.signs.store, &self.path, &sign, Some(&state.version)).await;
        match swapped.map_err(Some)? {
            Some(version) => {
                *state = State { sign, version };
                *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = now;
                Ok(())
            }
            None => {
                self.lost.cancel();
                Err(None)
            }
        }
    }

    async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, LostSign> {
        if self.lost.is_cancelled() || (self.is_late() && self.renew().await.is_err()) {
            return Err(LostSign);
        }
        tokio::select! {
            biased;
            () = self.too_old() => Err(LostSign),
            done = work => Ok(done),
        }
    }

    /// Returns when what was begun must not go on.
    async fn too_old(&self) {
        let limit = self.lives * 3 / 4;
        loop {
            let age = self.age();
            if age >= limit {
                return;
            }
            tokio::select! {
                () = self.lost.cancelled() => return,
                () = self.signs.clock.sleep(limit - age) => {}
            }
        }
    }

    async fn end(&self, is_unique: bool) -> Result<(), CacheError> {
        self.stop.cancel();
        let state = self.state.lock().await;
        if self.lost.is_cancelled() || self.is_over.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let store = &*self.signs.store;
        if is_unique {
            return Ok(store.delete(&self.path).await?);
        }
        let free = Sign {
            holder: None,
            beat: state.sign.beat + 1,
            ..state.sign.clone()
        };
        let freed = swap::swap(store, &self.path, &free, Some(&state.version)).await?;
        if freed.is_none()
            && let Some(there) = swap::read::<Sign>(store, &self.path).await?
            && there.value.id == state.sign.id
        {
            // A renewal that seemed to have failed.
            swap::swap(store, &self.path, &free, Some(&there.version)).await?;
        }
        Ok(())
    }
}
