//! [`Job`]: a function that runs by the clock; [`run_jobs`]: the clock, in the place of
//! EventBridge.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use narvi_model::{Period, Timestamp};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// One run of a function: what it did, or why it could not.
pub(crate) type Run = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

/// A function with its interval. Never runs twice at once.
pub(crate) struct Job {
    name: &'static str,
    every: Duration,
    start: Box<dyn Fn(Timestamp) -> Run + Send + Sync>,
    turn: Mutex<()>,
}

impl Job {
    /// A job that `start` runs `every` so often.
    pub(crate) fn new(
        name: &'static str,
        every: Period,
        start: impl Fn(Timestamp) -> Run + Send + Sync + 'static,
    ) -> Self {
        let every = Duration::from_nanos(every.nanos().unsigned_abs());
        Self {
            name,
            every,
            start: Box::new(start),
            turn: Mutex::new(()),
        }
    }

    /// The function's name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it once, after the run that may be under way.
    ///
    /// # Errors
    /// What the function says.
    pub(crate) async fn run(&self) -> Result<String, String> {
        let _turn = self.turn.lock().await;
        // A task of its own, so that a bug in it ends this run and not the clock.
        let run = tokio::spawn((self.start)(narvi_gateway::now()));
        run.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

/// Starts the clocks of all jobs; each ends, after the run that is under way, when `stop` turns
/// true.
pub(crate) fn run_jobs(jobs: &[Arc<Job>], stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut clocks = JoinSet::new();
    for job in jobs {
        clocks.spawn(clock(Arc::clone(job), stop.clone()));
    }
    clocks
}

async fn clock(job: Arc<Job>, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(job.every);
    // After a run that took longer than the interval the next one is a whole interval away.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|&stop| stop) => return,
        }
        match job.run().await {
            Ok(report) => tracing::debug!(job = job.name, report, "run"),
            Err(error) => {
                tracing::error!(
                    job = job.name,
                    error,
                    "run failed; it is tried again next time"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A job that fails each time and counts its runs; the clock is tokio's paused one.
    fn failing(runs: &Arc<AtomicU32>) -> Arc<Job> {
        let runs = Arc::clone(runs);
        Arc::new(Job::new("test", Period::from_seconds(60), move |_| {
            runs.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Err("broken".to_owned()) })
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn runs_again_after_an_error_and_stops_when_told() {
        let runs = Arc::new(AtomicU32::new(0));
        let (stop, stopped) = watch::channel(false);
        let mut clocks = run_jobs(&[failing(&runs)], &stopped);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        while runs.load(Ordering::Relaxed) < 3 {
            tokio::time::advance(Duration::from_secs(20)).await;
            tokio::task::yield_now().await;
        }
        stop.send(true).unwrap();
        assert!(clocks.join_next().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn never_overlaps_itself_and_outlives_a_panic() {
        let running = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&running);
        let job = Arc::new(Job::new("test", Period::from_seconds(60), move |_| {
            let running = Arc::clone(&seen);
            Box::pin(async move {
                assert_eq!(running.fetch_add(1, Ordering::Relaxed), 0, "two at once");
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::Relaxed);
                Ok("done".to_owned())
            })
        }));
        let mut runs = JoinSet::new();
        for _ in 0..10 {
            let job = Arc::clone(&job);
            runs.spawn(async move { job.run().await });
        }
        assert!(
            runs.join_all()
                .await
                .iter()
                .all(|run| run == &Ok("done".to_owned()))
        );
        let panics = Job::new("test", Period::from_seconds(1), |_| {
            Box::pin(async { panic!("bug") })
        });
        assert!(panics.run().await.unwrap_err().contains("panic"));
    }
}
