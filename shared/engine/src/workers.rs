//! [`Workers`]: one for each core, each with the buffers that it uses again for every chunk.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::error::EngineError;
use crate::scan::Worker;

/// The cores of the machine, shared by all queries. Buffers outlive a query: memory that is fresh
/// from the system costs as much to touch as it costs to decompress into it.
pub(crate) struct Workers {
    permits: Arc<Semaphore>,
    /// At most one for each permit.
    idle: Arc<Mutex<Vec<Worker>>>,
    count: usize,
}

impl Workers {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(count)),
            idle: Arc::default(),
            count,
        }
    }

    /// How much work is done at once.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Does work for the processor beside the runtime, as soon as a core is free.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|e| EngineError::Worker(e.to_string()))?;
        let idle = Arc::clone(&self.idle);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            // What a panic leaves behind is a list of whole workers all the same.
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut worker = taken.unwrap_or_default();
            let result = work(&mut worker);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(worker);
            result
        });
        task.await.map_err(|e| EngineError::Worker(e.to_string()))?
    }
}
