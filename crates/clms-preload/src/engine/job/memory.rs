//! The memory that builds take together.

use tokio::sync::{Semaphore, SemaphorePermit};

use super::JobRun;
use crate::{BuildOrder, Problem};

/// Memory is counted in these: a semaphore has no more permits than fit into 32 bits on some machines.
const UNIT: u64 = 1 << 20;

/// A limited amount of memory, which is given out first come, first served.
#[derive(Debug)]
pub(in crate::engine) struct Memory {
    units: u32,
    free: Semaphore,
}

impl Memory {
    pub(in crate::engine) fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let units = units.min(most);
        Self {
            units,
            free: Semaphore::new(units as usize),
        }
    }

    /// How many units so many bytes take. What needs more than there is takes all of it, and so is alone.
    fn units_of(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .min(self.units)
    }
}

impl JobRun {
    /// The memory that a build takes, as soon as it is free; `None` if there is no limit, or nobody knows what it takes.
    pub(super) async fn memory_for(
        &self,
        build: BuildOrder<'_>,
    ) -> Result<Option<SemaphorePermit<'_>>, Problem> {
        let Some(memory) = &self.parts.memory else {
            return Ok(None);
        };
        let Some(bytes) = self.parts.builder.memory(build).await? else {
            return Ok(None);
        };
        let permits = memory.free.acquire_many(memory.units_of(bytes));
        self.turn(permits).await.map(Some)
    }
}
