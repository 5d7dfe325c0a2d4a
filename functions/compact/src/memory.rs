//! [`Memory`]: how much all merges that are under way may take together.

use tokio::sync::{Semaphore, SemaphorePermit};

/// One unit: what the smallest merge counts as.
const UNIT: u64 = 1 << 20;

/// Memory that merges share.
pub(crate) struct Memory {
    free: Semaphore,
    units: u32,
}

impl Memory {
    /// So many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let units = units(bytes);
        Self {
            free: Semaphore::new(units as usize),
            units,
        }
    }

    /// Waits until so many bytes are free, and holds them until the answer is dropped. Who asks for
    /// more than there is gets all of it, alone. Who asks first gets first.
    pub(crate) async fn take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        // Nobody closes the semaphore, which is the only error there is.
        let wanted = units(bytes).min(self.units);
        self.free.acquire_many(wanted).await.ok()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_taken_is_not_there_for_others() {
        let memory = Memory::new(10 << 20);
        let first = memory.take(7 << 20).await;
        assert!(memory.take(4 << 20).now_or_never().is_none());
        let second = memory.take(1).await;
        assert!(memory.take(3 << 20).now_or_never().is_none());
        assert!(memory.take(2 << 20).now_or_never().is_some());
        drop((first, second));
        let all = memory.take(1 << 40).now_or_never();
        assert!(all.flatten().is_some(), "more than there is: all, alone");
    }
}
