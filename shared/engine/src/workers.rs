//! [`Workers`]: a thread for each core, each with the buffers that it uses again for every chunk.
//!
//! Threads of their own that take work from one queue, and not tasks of the runtime: while there is
//! work, a core goes on to the next without anybody being woken first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::error::EngineError;
use crate::scan::Worker;

/// What a worker does next.
type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// The cores of the machine, shared by all queries. Buffers outlive a query: memory that is fresh
/// from the system costs as much to touch as it costs to decompress into it.
pub(crate) struct Workers {
    jobs: Sender<Job>,
    count: usize,
    /// Does the work where there are no threads.
    own: Mutex<Worker>,
}

impl Workers {
    /// Starts `count` threads, which end when this is dropped; without any, work is done by who
    /// asks for it.
    pub(crate) fn new(count: usize) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name("scan".to_owned());
            // Where not all can be started the others do the work; where none can, `run` says so.
            let _ = thread.spawn(move || serve(&queue));
        }
        let own = Mutex::default();
        Self { jobs, count, own }
    }

    /// How much work is done at once.
    pub(crate) fn count(&self) -> usize {
        self.count.max(1)
    }

    /// Does work for the processor beside the runtime, as soon as a core is free. Work that nobody
    /// waits for any more is not begun.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Worker) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        if self.count == 0 {
            return work(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let (done, result) = oneshot::channel();
        let job = move |worker: &mut Worker| {
            if !done.is_closed() {
                // Whoever stopped waiting meanwhile needs no result.
                let _ = done.send(work(worker));
            }
        };
        let gone = || EngineError::Worker("it panicked, or none could be started".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        result.await.map_err(|_| gone())?
    }
}

/// Takes work until there will be no more.
fn serve(queue: &Mutex<Receiver<Job>>) {
    let mut worker = Worker::default();
    loop {
        // One thread waits with the lock held, the others for the lock.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| job(&mut worker))).is_err() {
            worker = Worker::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_survives_what_panics() {
        let workers = Workers::new(1);
        let broken = workers.run(|_| -> Result<(), _> { panic!("on purpose") });
        assert!(matches!(broken.await, Err(EngineError::Worker(_))));
        assert_eq!(workers.run(|_| Ok(7)).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn without_threads_work_is_done_where_it_is_asked_for() {
        let workers = Workers::new(0);
        let here = std::thread::current().id();
        let there = workers.run(|_| Ok(std::thread::current().id())).await;
        assert_eq!(there.unwrap(), here);
        assert_eq!(workers.count(), 1);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_left_out() {
        let workers = Workers::new(1);
        let (hold, held) = channel::<()>();
        let (begun, seen) = channel();
        let first = workers.run(move |_| Ok(held.recv().is_err()));
        let mut first = std::pin::pin!(first);
        let second = workers.run(move |_| Ok(begun.send(())));
        // Polled once each, so that both are in the queue; then the second is given up.
        assert!(futures::poll!(&mut first).is_pending());
        {
            let mut second = std::pin::pin!(second);
            assert!(futures::poll!(&mut second).is_pending());
        }
        drop(hold);
        assert!(first.await.unwrap());
        assert_eq!(workers.run(|_| Ok(7)).await.unwrap(), 7);
        assert!(seen.recv().is_err(), "the second never ran");
    }
}
