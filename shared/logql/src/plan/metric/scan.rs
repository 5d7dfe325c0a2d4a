//! [`Scan`]: one range aggregation over the lines of a selector, from batches to a partial result.

use crate::batch::Batch;
use crate::logs::Arrival;
use crate::metric::{
    Counting, Function, Gather, GatherError, Partial, PartialError, PipelineError, SampleOrder,
    Sampling, Series, SeriesKey, TooManySeries, TooManyValues, Window,
};
use crate::plan::{LogPlan, PlanError};
use crate::running::{Halt, Running};
use crate::stage::{Demand, Machine};
use crate::syntax::ast::{RangeAggregation, RangeOp};

/// One range aggregation over the lines of a selector.
#[derive(Debug)]
pub struct Scan {
    /// Which lines.
    pub source: LogPlan,
    /// What is computed of the lines in a window.
    pub function: Function,
    /// Which labels tell the series apart.
    pub key: SeriesKey,
    /// The same, as the stages know it.
    series: Series,
    /// Length of the window in nanoseconds.
    pub range: i64,
    /// How far back the window lies, in nanoseconds; negative is ahead.
    pub offset: i64,
}

/// What a worker needs to scan, used again for each batch.
#[derive(Debug)]
pub struct ScanState {
    window: Window,
    machine: Machine,
    gather: Gather,
}

/// Why a batch cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// More than memory allows.
    #[error(transparent)]
    TooManyValues(#[from] TooManyValues),
    /// The query was stopped, or its parts hold too much memory together.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// A line that a stage could not make sense of.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

impl From<GatherError> for ScanError {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::Pipeline(error) => error.into(),
            GatherError::TooManySeries(error) => error.into(),
            GatherError::Halt(halt) => halt.into(),
        }
    }
}

impl From<TooManySeries> for ScanError {
    fn from(error: TooManySeries) -> Self {
        Self::TooManyValues(error.into())
    }
}

impl From<PartialError> for ScanError {
    fn from(error: PartialError) -> Self {
        match error {
            PartialError::TooManyValues(error) => error.into(),
            PartialError::Halt(halt) => halt.into(),
        }
    }
}

impl Scan {
    /// A scan whose series are told apart by `key`.
    pub(super) fn new(range: &RangeAggregation, key: SeriesKey) -> Result<Self, PlanError> {
        let mut source = LogPlan::sampling(&range.range, demand(range, &key))?;
        let series = Series::new(&key, &mut source.pipeline);
        Ok(Self {
            source,
            function: function(range),
            key,
            series,
            range: range.range.range,
            offset: range.range.offset,
        })
    }

    /// A partial result with nothing in it.
    #[must_use]
    pub fn start(&self, window: Window, running: &Running) -> Partial {
        Partial::new(self.function, window, running)
    }

    /// What a worker needs.
    #[must_use]
    pub fn state(&self, window: Window, running: &Running) -> ScanState {
        ScanState {
            window,
            machine: self.source.pipeline.machine(running),
            gather: Gather::new(running),
        }
    }

    /// Whether the length of each line is all that is read of it.
    #[must_use]
    pub fn counts_bytes(&self) -> bool {
        matches!(self.function, Function::Counting(counting) if counting.counts_bytes())
    }

    /// Counts a whole chunk by its numbers, as [`crate::metric::RangePartial::add_chunk`] does;
    /// answers whether it did.
    ///
    /// # Errors
    /// Too many series.
    pub fn count(
        &self,
        partial: &mut Partial,
        labels: &narvi_model::Labels,
        times: (i64, i64),
        size: (u64, u64),
    ) -> Result<bool, ScanError> {
        match partial {
            Partial::Counted(partial) => {
                Ok(partial.add_chunk(&self.key.of(labels), times, size)?)
            }
            Partial::Sampled(_) => Ok(false),
        }
    }

    /// Runs the selected rows of a batch through the pipeline into `partial`; answers how many
    /// lines are left.
    ///
    /// # Errors
    /// A line with an error in a query that does not ask for errors, too many series, or a query
    /// that was stopped.
    pub fn run(
        &self,
        (partial, state): (&mut Partial, &mut ScanState),
        batch: &mut Batch,
        arrival: Arrival,
    ) -> Result<usize, ScanError> {
        let pipeline = &self.source.pipeline;
        if state.window.has_gaps() && !pipeline.is_empty() {
            skip_gaps(&state.window, batch);
        }
        pipeline.filter(batch, state.machine.running())?;
        if let Partial::Counted(partial) = partial
            && pipeline.only_filters()
        {
            partial.add_batch(&self.key, batch)?;
            return Ok(batch.selection.len());
        }
        let work = (pipeline, &self.series);
        let left = state.gather.run(work, &mut state.machine, batch)?;
        let order = SampleOrder {
            stream: batch.stream.stable_hash(),
            arrival: arrival.0,
        };
        for samples in state.gather.samples() {
            match partial {
                Partial::Counted(partial) => partial.add_samples(samples)?,
                Partial::Sampled(partial) => {
                    partial.add(samples.labels, order, samples.times, samples.values)?;
                }
            }
        }
        Ok(left)
    }
}

/// Drops the rows that no window holds: what is wrong with them does not matter.
fn skip_gaps(window: &Window, batch: &mut Batch) {
    let times = &batch.timestamps;
    batch
        .selection
        .retain(|row| !window.steps(times[row as usize]).is_empty());
}

fn function(range: &RangeAggregation) -> Function {
    let counting = Function::Counting;
    let sampling = Function::Sampling;
    match range.op {
        RangeOp::Count | RangeOp::Absent => counting(Counting::Lines),
        RangeOp::Rate if range.range.unwrap.is_none() => counting(Counting::LinesPerSecond),
        RangeOp::Bytes => counting(Counting::Bytes),
        RangeOp::BytesRate => counting(Counting::BytesPerSecond),
        RangeOp::Rate => sampling(Sampling::Rate),
        RangeOp::RateCounter => sampling(Sampling::RateCounter),
        RangeOp::Sum => sampling(Sampling::Sum),
        RangeOp::Avg => sampling(Sampling::Avg),
        RangeOp::Min => sampling(Sampling::Min),
        RangeOp::Max => sampling(Sampling::Max),
        RangeOp::Stddev => sampling(Sampling::Stddev),
        RangeOp::Stdvar => sampling(Sampling::Stdvar),
        RangeOp::First => sampling(Sampling::First),
        RangeOp::Last => sampling(Sampling::Last),
        // The parser demands the parameter.
        RangeOp::Quantile => sampling(Sampling::Quantile(range.parameter.unwrap_or(f64::NAN))),
    }
}

/// Which labels are worth extracting. Where Loki extracts all, so do we: lines that cannot be
/// parsed show only where something is read of them (spec `logql.md` §11).
fn demand<'a>(range: &RangeAggregation, key: &'a SeriesKey) -> Demand<'a> {
    let is_sum = matches!(
        range.op,
        RangeOp::Count | RangeOp::Rate | RangeOp::Bytes | RangeOp::BytesRate | RangeOp::Sum
    );
    match key {
        SeriesKey::By(names) if is_sum || range.grouping.is_some() => Demand::Only(names),
        _ => Demand::All,
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::batch::tests::batch;
    use crate::metric::Grid;
    use crate::plan::Plan;
    use crate::syntax::parse;

    #[test]
    fn a_query_that_was_stopped_reads_no_further() {
        for query in [
            "count_over_time({a=`b`} |= `x` [1m])",
            "count_over_time({a=`b`} |~ `x.y` or `z` [1m])",
            "count_over_time({a=`b`} | json [1m])",
            "sum_over_time({a=`b`} | label_format x=`1` | unwrap x [1m])",
        ] {
            let Ok(Plan::Metric(plan)) = Plan::new(&parse(query).unwrap()) else {
                panic!("not a metric query: {query}");
            };
            let (scan, running) = (&plan.scans[0], Running::default());
            let window = Grid::instant(Timestamp::from_seconds(1)).window(scan.range, 0);
            let mut state = scan.state(window, &running);
            let mut run = || {
                let mut partial = scan.start(window, &running);
                let into = (&mut partial, &mut state);
                let ran = scan.run(into, &mut batch(&["x", "x.y"]), Arrival(0));
                ran.map(drop).map_err(|error| error.to_string())
            };
            let before = run();
            running.stop();
            assert_eq!(run(), Err(Halt::Stopped.to_string()), "{query}");
            assert_ne!(before, run(), "{query}");
        }
    }
}
