//! [`Gather`]: runs the lines of a batch through a pipeline and sorts what is left by series.
//!
//! Series are told apart by bytes first; labels are made once for each series of a batch. Lines
//! with an error fail the query unless it asks for errors (spec `logql.md` §11).

use foldhash::HashMap;
use narvi_model::Labels;

use super::room::label_cells;
use super::{SeriesKey, TooManySeries};
use crate::batch::Batch;
use crate::limits::MAX_CELLS;
use crate::running::{Halt, Running, Share};
use crate::stage::row::RowKey;
use crate::stage::{Machine, Pipeline, Row};

/// A line that a stage could not make sense of, in a query that does not ask for such lines;
/// Loki's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "pipeline error: '{error}' for series: '{series}'.\n\
     Use a label filter to intentionally skip this error. (e.g | __error__!=\"{error}\").\n\
     To skip all potential errors you can match empty errors.(e.g __error__=\"\")\n\
     The label filter can also be specified after unwrap. \
     (e.g | unwrap latency | __error__=\"\" )\n"
)]
pub struct PipelineError {
    /// The value of `__error__`.
    pub error: String,
    /// The labels of the line.
    pub series: Labels,
}

/// Why the lines of a batch cannot be sorted by series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// A line that a stage could not make sense of.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The labels of the batch alone take more memory than allowed.
    #[error(transparent)]
    TooManySeries(#[from] TooManySeries),
    /// The query was stopped, or its parts hold too much together.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// What tells the series of a scan apart, once the pipeline is compiled.
#[derive(Debug)]
pub(crate) struct Series {
    key: SeriesKey,
    row_key: RowKey,
    keeps_errors: bool,
}

impl Series {
    pub(crate) fn new(key: &SeriesKey, pipeline: &mut Pipeline) -> Self {
        let mut ids = |names: &[String]| names.iter().map(|name| pipeline.name(name)).collect();
        let (row_key, keeps_errors) = match key {
            SeriesKey::All => (RowKey::Without(Vec::new()), false),
            SeriesKey::By(names) => (
                RowKey::By(ids(names)),
                names.iter().any(|name| name == "__error__"),
            ),
            SeriesKey::Without(names) => (RowKey::Without(ids(names)), false),
        };
        Self {
            key: key.clone(),
            row_key,
            keeps_errors,
        }
    }

    fn check(&self, row: &Row<'_>) -> Result<(), PipelineError> {
        if !row.has_error() || self.keeps_errors {
            return Ok(());
        }
        let series = row.labels();
        let error = series.get("__error__").unwrap_or_default().to_owned();
        Err(PipelineError { error, series })
    }
}

/// The lines of one series of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a> {
    /// Its labels.
    pub(crate) labels: &'a Labels,
    /// Nanoseconds, ascending.
    pub(crate) times: &'a [i64],
    /// Bytes of each line behind the pipeline.
    pub(crate) bytes: &'a [u32],
    /// The number that each line stands for; empty where none is taken.
    pub(crate) values: &'a [f64],
}

/// Buffers of one worker, used again for each batch.
#[derive(Debug)]
pub struct Gather {
    places: HashMap<Box<[u8]>, u32>,
    labels: Vec<Labels>,
    /// What they take, in cells of 8 bytes.
    label_cells: usize,
    share: Share,
    key: Vec<u8>,
    /// The series of each line, and what is counted of it.
    series: Vec<u32>,
    times: Vec<i64>,
    bytes: Vec<u32>,
    values: Vec<f64>,
    /// The same sorted by series, and where each series ends.
    sorted_times: Vec<i64>,
    sorted_bytes: Vec<u32>,
    sorted_values: Vec<f64>,
    ends: Vec<u32>,
}

impl Gather {
    /// For batches of one query.
    pub(crate) fn new(running: &Running) -> Self {
        Self {
            places: HashMap::default(),
            labels: Vec::new(),
            label_cells: 0,
            share: Share::new(running),
            key: Vec::new(),
            series: Vec::new(),
            times: Vec::new(),
            bytes: Vec::new(),
            values: Vec::new(),
            sorted_times: Vec::new(),
            sorted_bytes: Vec::new(),
            sorted_values: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Runs the selected lines of a batch through the stages of `pipeline`; answers how many are
    /// left.
    pub(crate) fn run(
        &mut self,
        (pipeline, series): (&Pipeline, &Series),
        machine: &mut Machine,
        batch: &Batch,
    ) -> Result<usize, GatherError> {
        self.clear();
        machine.start_chunk(batch);
        for at in batch.selection.iter() {
            let mut row = machine.start_row(batch, at);
            if !pipeline.keeps(&mut row)? {
                continue;
            }
            if pipeline.takes_values() {
                let Some(value) = pipeline.value(&mut row) else {
                    continue;
                };
                self.values.push(value);
            }
            series.check(&row)?;
            let place = self.place(series, &row)?;
            self.series.push(place);
            self.times.push(row.timestamp());
            self.bytes.push(row.line_len() as u32);
        }
        self.sort();
        Ok(self.times.len())
    }

    fn clear(&mut self) {
        self.places.clear();
        self.labels.clear();
        self.label_cells = 0;
        self.share.settle(0);
        self.series.clear();
        self.times.clear();
        self.bytes.clear();
        self.values.clear();
    }

    fn place(&mut self, series: &Series, row: &Row<'_>) -> Result<u32, GatherError> {
        self.key.clear();
        row.write_key(&series.row_key, &mut self.key);
        if let Some(place) = self.places.get(&*self.key) {
            return Ok(*place);
        }
        let place = self.labels.len() as u32;
        self.places.insert(self.key.as_slice().into(), place);
        let labels = row.labels_of(&series.key);
        // The bytes that tell series apart are as long as the labels.
        self.label_cells += 2 * label_cells(&labels);
        self.labels.push(labels);
        if self.label_cells > MAX_CELLS {
            return Err(TooManySeries.into());
        }
        self.share.hold(self.label_cells * size_of::<f64>())?;
        Ok(place)
    }

    /// Sorts by series, keeping the order of time.
    fn sort(&mut self) {
        self.ends.clear();
        self.ends.resize(self.labels.len(), 0);
        for &series in &self.series {
            self.ends[series as usize] += 1;
        }
        let mut end = 0;
        for count in &mut self.ends {
            // For now the start of each; filling moves it to its end.
            let start = end;
            end += *count;
            *count = start;
        }
        self.sorted_times.resize(self.times.len(), 0);
        self.sorted_bytes.resize(self.times.len(), 0);
        self.sorted_values.resize(self.values.len(), 0.0);
        for (at, &series) in self.series.iter().enumerate() {
            let to = &mut self.ends[series as usize];
            self.sorted_times[*to as usize] = self.times[at];
            self.sorted_bytes[*to as usize] = self.bytes[at];
            if let Some(value) = self.values.get(at) {
                self.sorted_values[*to as usize] = *value;
            }
            *to += 1;
        }
    }

    /// What was left, by series.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Samples<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(&self.ends);
        self.labels
            .iter()
            .zip(ranges)
            .map(|(labels, (start, end))| {
                let range = start as usize..*end as usize;
                Samples {
                    labels,
                    times: &self.sorted_times[range.clone()],
                    bytes: &self.sorted_bytes[range.clone()],
                    values: self.sorted_values.get(range).unwrap_or_default(),
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::MetadataColumn;
    use crate::batch::tests::batch;
    use crate::plan::LogPlan;
    use crate::stage::Demand;
    use crate::syntax::ast::{MetricKind, Query};

    /// What is gathered of lines at 1 ns, 2 ns, … of a stream with the labels `app` and `v`: for
    /// each series its labels, times, bytes and values.
    #[track_caller]
    fn check(range: &str, key: &SeriesKey, want: &[&str]) {
        let query = format!(r#"sum_over_time({{app="x"}} {range} [5m])"#);
        let Query::Metric(metric) = crate::syntax::parse(&query).unwrap() else {
            panic!("a metric query")
        };
        let MetricKind::Range(range) = &metric.kind else {
            panic!("a range aggregation")
        };
        let mut plan = LogPlan::sampling(&range.range, Demand::All).unwrap();
        let series = Series::new(key, &mut plan.pipeline);
        let mut lines = batch(&["a", "bb", "ccc", "d"]);
        lines.stream = Labels::from_pairs([("app", "x")]);
        lines.metadata = vec![MetadataColumn {
            name: "v".into(),
            values: ["1", "2"].into_iter().collect(),
            refs: vec![1, 2, 0, 1],
        }];
        let running = Running::default();
        let mut gather = Gather::new(&running);
        let mut machine = plan.pipeline.machine(&running);
        let left = gather.run((&plan.pipeline, &series), &mut machine, &lines);
        let shown = |s: Samples<'_>| {
            let Samples {
                labels,
                times,
                bytes,
                values,
            } = s;
            format!("{labels} {times:?} {bytes:?} {values:?}")
        };
        let got: Vec<String> = gather.samples().map(shown).collect();
        assert_eq!(got, want, "{query}");
        let samples: usize = gather.samples().map(|samples| samples.times.len()).sum();
        assert_eq!(left, Ok(samples), "{query}");
    }

    #[test]
    fn values_by_series() {
        let by = |name: &str| SeriesKey::By(vec![name.to_owned()]);
        let one = r#"{app="x"} [1, 2, 4] [1, 2, 1] [1.0, 2.0, 1.0]"#;
        check("| unwrap v", &by("app"), &[one]);
        let two = [
            r#"{v="1"} [1, 4] [1, 1] [1.0, 1.0]"#,
            r#"{v="2"} [2] [2] [2.0]"#,
        ];
        check("| unwrap v", &by("v"), &two);
        let without = SeriesKey::Without(vec!["v".to_owned()]);
        check("| unwrap v", &without, &[one]);
        let filtered = r#"{app="x"} [2] [2] [2.0]"#;
        check("| unwrap v | v > 1", &without, &[filtered]);
        check(r#"| v="3" | unwrap v"#, &without, &[]);
    }
}
