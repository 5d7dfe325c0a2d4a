//! [`within`]: an answer before the time is up, and no work after it.
//!
//! A future that is dropped takes the work of the threads along: they look at its query's
//! [`Running`] between lines. Why it is dropped, a time-out or a client that went away, is not
//! known here.

use std::time::Duration;

use narvi_logql::running::Running;

use crate::error::EngineError;

/// Waits for an answer, but no longer than `patience`. When this ends, however it does, the work on
/// the query ends as well.
pub(crate) async fn within<T>(
    patience: Duration,
    running: &Running,
    answer: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    let _end = StopAtEnd(running);
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(EngineError::Timeout),
    }
}

/// Stops a query when it is dropped.
struct StopAtEnd<'a>(&'a Running);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use narvi_logql::batch::{Batch, LineColumn, Selection};
    use narvi_logql::logs::{Arrival, LogPartial};
    use narvi_logql::plan::Plan;
    use narvi_logql::syntax::parse;
    use narvi_model::Direction;

    use super::*;
    use crate::workers::Workers;

    /// More lines than a query can get through while a test is waited for: each takes milliseconds.
    const LINES: usize = 1 << 20;

    fn lines() -> Batch {
        Batch {
            timestamps: (0..LINES as i64).collect(),
            lines: LineColumn {
                bytes: vec![b'\n'; LINES],
                ends: (0..LINES as u32).collect(),
                has_newlines: false,
            },
            selection: Selection::Run(0..LINES as u32),
            ..Batch::default()
        }
    }

    /// Has the worker run lines through a dear template; says which line it came to.
    fn dear_work(
        workers: &Workers,
        running: &Running,
    ) -> (
        impl Future<Output = Result<(), EngineError>>,
        Receiver<usize>,
    ) {
        let query = "{a=`b`} | line_format `{{range 50000}}{{end}}`";
        let Ok(Plan::Log(plan)) = Plan::new(&parse(query).unwrap()) else {
            panic!("not a log query")
        };
        let (seen, lines_seen) = channel();
        let running = running.clone();
        let work = workers.run(move |_| {
            let mut partial = LogPartial::new(Direction::Forward, LINES, &running);
            let mut machine = plan.pipeline.machine(&running);
            let into = (&plan.pipeline, &mut machine);
            let added = partial.add_rows(into, &lines(), Arrival(0));
            let _ = seen.send(partial.len());
            Ok(added.map(drop)?)
        });
        (work, lines_seen)
    }

    #[tokio::test]
    async fn work_ends_when_the_time_is_up() {
        let (workers, running) = (Workers::new(1), Running::new(0));
        let (work, seen) = dear_work(&workers, &running);
        let late = within(Duration::from_millis(20), &running, work).await;
        assert!(matches!(late, Err(EngineError::Timeout)));
        // The one worker is free for this, or the test hangs.
        assert_eq!(workers.run(|_| Ok(7)).await.unwrap(), 7);
        assert!(seen.recv().unwrap() < LINES);
    }

    #[tokio::test]
    async fn work_ends_when_the_client_is_gone() {
        let (workers, running) = (Workers::new(1), Running::new(0));
        let (work, seen) = dear_work(&workers, &running);
        {
            let mut query = Box::pin(within(Duration::MAX, &running, work));
            assert!(futures::poll!(&mut query).is_pending());
        }
        assert_eq!(workers.run(|_| Ok(7)).await.unwrap(), 7);
        // Where it was given up before it was begun, no line was seen.
        assert!(seen.recv().unwrap_or_default() < LINES);
    }
}
