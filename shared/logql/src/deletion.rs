//! [`Deletion`]: which lines a tenant has asked to delete. The same is asked by who hides them from
//! a query and by who writes segments without them; neither is known here.

use narvi_model::{Labels, Matcher, TimeRange, Timestamp, matches_all};

use crate::batch::Batch;
use crate::plan::PlanError;
use crate::required::Required;
use crate::running::{Halt, Running};
use crate::stage::{Demand, Pipeline};
use crate::syntax::{self, SyntaxError};

/// A request to delete, compiled.
#[derive(Debug)]
pub struct Deletion {
    matchers: Vec<Matcher>,
    range: Option<TimeRange>,
    pipeline: Pipeline,
}

/// Why a text names no lines that could be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// It is no log query.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// It cannot run.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl Deletion {
    /// The lines that a log query lets through, from the first instant to the last. The selector
    /// may be `{}`, which names every stream.
    ///
    /// # Errors
    /// What is no log query, or none that can run.
    pub fn new(query: &str, first: Timestamp, last: Timestamp) -> Result<Self, DeletionError> {
        let log = syntax::parse_open_log(query)?;
        Ok(Self {
            // What a parser extracts matters to the filters behind it alone.
            pipeline: Pipeline::compile(&log.stages, Demand::Only(&[]))?,
            matchers: log.selector.matchers,
            range: TimeRange::inclusive(first, last),
        })
    }

    /// Whether it names lines of a stream, whose labels are those that it was stored with.
    #[must_use]
    pub fn is_of(&self, labels: &Labels) -> bool {
        matches_all(&self.matchers, labels)
    }

    /// Whether it may name lines from `first` to `last`.
    #[must_use]
    pub fn touches(&self, first: Timestamp, last: Timestamp) -> bool {
        self.range.is_some_and(|range| range.touches(first, last))
    }

    /// Whether it names every line from `first` to `last` of the streams that it is of.
    #[must_use]
    pub fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.pipeline.is_empty() && self.range.is_some_and(|range| range.covers(first, last))
    }

    /// Whether time alone decides which lines of a stream it names.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.pipeline.is_empty()
    }

    /// Whether structured metadata may decide.
    #[must_use]
    pub fn reads_metadata(&self) -> bool {
        !self.pipeline.only_filters()
    }

    /// What a chunk must hold for a line of it to be named.
    #[must_use]
    pub fn required(&self) -> Required {
        self.pipeline.required()
    }

    /// Takes the lines that it names out of the selection of a batch of a stream that it is of. The
    /// batch has the labels that the stream was stored with; its lines unless time alone decides,
    /// and its metadata where that may.
    ///
    /// # Errors
    /// Where the work was stopped; the selection is of no use then.
    pub fn strike(&self, batch: &mut Batch, running: &Running) -> Result<(), Halt> {
        let Some(range) = self.range else {
            return Ok(());
        };
        let all = batch.selection.clone();
        batch.clip(range.start().nanos(), range.end().nanos());
        self.pipeline.filter(batch, running)?;
        let mut named: Vec<u32> = batch.selection.iter().collect();
        if !self.pipeline.only_filters() && !named.is_empty() {
            let mut machine = self.pipeline.machine(running);
            machine.start_chunk(batch);
            let mut kept = Vec::with_capacity(named.len());
            for at in named {
                if self.pipeline.keeps(&mut machine.start_row(batch, at))? {
                    kept.push(at);
                }
            }
            named = kept;
        }
        batch.selection = all;
        batch.selection.subtract(&named);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::batch;

    const LINES: [&str; 5] = ["a=1", "b=2", "a=3 x", "", "a=5 x"];

    /// What is left of [`LINES`], at 1 to 5 ns, where `query` deletes from `first` to `last`.
    #[track_caller]
    fn check(query: &str, (first, last): (i64, i64), want: &[i64]) {
        let (first, last) = (Timestamp::from_nanos(first), Timestamp::from_nanos(last));
        let deletion = Deletion::new(query, first, last).unwrap();
        let mut batch = batch(&LINES);
        batch.stream = Labels::from_pairs([("app", "x")]);
        assert!(deletion.is_of(&batch.stream), "{query}");
        deletion.strike(&mut batch, &Running::default()).unwrap();
        let left: Vec<i64> = batch
            .selection
            .iter()
            .map(|row| batch.timestamps[row as usize])
            .collect();
        assert_eq!(left, want, "{query}");
    }

    #[test]
    fn lines_are_struck() {
        check(r#"{app="x"}"#, (2, 4), &[1, 5]);
        check("{}", (2, 4), &[1, 5]);
        check(r#"{app=~".*"} | logfmt"#, (1, 5), &[]);
        check(r#"{app="x"} |= "x""#, (1, 4), &[1, 2, 4, 5]);
        check(r#"{app="x"} != "x""#, (1, 5), &[3, 5]);
        check(r#"{app="x"} | logfmt | a>=3"#, (1, 5), &[1, 2, 4]);
        check(
            r#"{app="x"} |= "x" | logfmt | a="5""#,
            (1, 5),
            &[1, 2, 3, 4],
        );
        check(r#"{app="x"} | app="y""#, (1, 5), &[1, 2, 3, 4, 5]);
        check(r#"{app="x"}"#, (6, 9), &[1, 2, 3, 4, 5]);
        check(r#"{app="x"}"#, (4, 3), &[1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_decides() {
        for (query, whole, metadata) in [
            (r#"{app="x"}"#, true, false),
            (r#"{app="x"} | json"#, true, false),
            (r#"{app="x"} |= "y""#, false, false),
            (r#"{app="x"} | level="y""#, false, true),
        ] {
            let deletion = Deletion::new(query, Timestamp::MIN, Timestamp::MAX).unwrap();
            assert_eq!(deletion.is_whole(), whole, "{query}");
            assert_eq!(deletion.reads_metadata(), metadata, "{query}");
            let time = Timestamp::from_seconds(7);
            assert_eq!(deletion.covers(time, time), whole, "{query}");
            assert!(!deletion.is_of(&Labels::from_pairs([("app", "z")])));
        }
    }

    #[test]
    fn what_names_no_lines() {
        for query in [
            "",
            "x",
            r#"count_over_time({app="x"}[1m])"#,
            r#"{app="x"} |= "#,
            r#"{app="x"} | line_format "{{""#,
            r#"{app=~"("}"#,
        ] {
            let deletion = Deletion::new(query, Timestamp::MIN, Timestamp::MAX);
            assert!(deletion.is_err(), "{query}");
        }
    }
}
