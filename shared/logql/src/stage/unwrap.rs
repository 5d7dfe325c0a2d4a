//! `| unwrap x`: the number that a line stands for in a metric (spec `logql.md` §12).

use std::io::Write as _;

use super::convert::{self, Refusal};
use super::label_filter::LabelFilter;
use super::row::RowError;
use super::{NameId, Names, Row};
use crate::plan::PlanError;
use crate::syntax::ast::{self, Conversion};

/// Reads a label as a number, and filters what comes of it.
#[derive(Debug)]
pub(super) struct Unwrap {
    label: NameId,
    conversion: Conversion,
    filters: Vec<LabelFilter>,
}

impl Unwrap {
    pub(super) fn compile(unwrap: &ast::Unwrap, names: &mut Names) -> Result<Self, PlanError> {
        let label = names.id(&unwrap.label);
        let mut filters = Vec::new();
        for filter in &unwrap.filters {
            filters.extend(LabelFilter::compile(filter, names)?);
        }
        Ok(Self {
            label,
            conversion: unwrap.conversion,
            filters,
        })
    }

    /// The labels that it and its filters read.
    pub(super) fn reads(&self, names: &mut Vec<NameId>) {
        names.push(self.label);
        self.filters.iter().for_each(|filter| filter.reads(names));
    }

    /// The number of a line; `None` where the line has no such label or a filter drops it. What is
    /// no number counts as 0 and makes the line one with an error.
    pub(super) fn value(&self, row: &mut Row<'_>) -> Option<f64> {
        let text = row.label(self.label).filter(|text| !text.is_empty())?;
        let value = self.read(text).ok();
        if value.is_none() {
            row.fail_with(RowError::Sample, |row, details| {
                if let Err(refusal) = self.read(row.label(self.label).unwrap_or_default()) {
                    // Writing to memory cannot fail.
                    let _ = write!(details, "{refusal}");
                }
            });
        }
        let kept = self.filters.iter().all(|filter| filter.keeps(row));
        kept.then_some(value.unwrap_or_default())
    }

    fn read<'t>(&self, text: &'t [u8]) -> Result<f64, Refusal<'t>> {
        match self.conversion {
            Conversion::Plain => convert::float(text),
            Conversion::Bytes => convert::size(text).map(|bytes| bytes as f64),
            Conversion::Duration | Conversion::DurationSeconds => {
                convert::duration(text).map(seconds)
            }
        }
    }
}

/// Seconds of a duration in nanoseconds, with the rounding of Go.
fn seconds(nanos: i64) -> f64 {
    const SECOND: i64 = 1_000_000_000;
    (nanos / SECOND) as f64 + (nanos % SECOND) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use crate::batch::tests::batch;
    use crate::running::Running;
    use crate::stage::{Demand, Pipeline};
    use crate::syntax::ast::{MetricKind, Query};
    use narvi_model::Labels;

    /// The value of a line of a stream with the label `a`, and the error that it carries then.
    #[track_caller]
    fn check(unwrap: &str, value: &str, want: Option<(f64, &str)>) {
        let query = format!(r#"sum_over_time({{app="x"}} | unwrap {unwrap} [5m])"#);
        let Query::Metric(metric) = crate::syntax::parse(&query).unwrap() else {
            panic!("a metric query")
        };
        let MetricKind::Range(range) = metric.kind else {
            panic!("a range aggregation")
        };
        let unwrap = range.range.unwrap.as_ref();
        let pipeline = Pipeline::sampling(&[], unwrap, Demand::All).unwrap();
        let mut lines = batch(&["line"]);
        lines.stream = Labels::from_pairs([("a", value), ("b", "x")]);
        let mut machine = pipeline.machine(&Running::default());
        machine.start_chunk(&lines);
        let mut row = machine.start_row(&lines, 0);
        let got = pipeline.value(&mut row);
        let labels = row.labels();
        let error = labels.get("__error_details__").unwrap_or_default();
        assert_eq!(got.map(|value| (value, error)), want, "{query} {value}");
    }

    #[test]
    fn numbers() {
        check("a", "1e3", Some((1000.0, "")));
        check("a", "-Inf", Some((f64::NEG_INFINITY, "")));
        check("a", "", None);
        check("nope", "1", None);
        check("bytes(a)", "1.5KiB", Some((1536.0, "")));
        check("duration(a)", "1m0.25s", Some((60.25, "")));
        check("duration_seconds(a)", "-1ms", Some((-0.001, "")));
    }

    #[test]
    fn no_numbers() {
        let float = r#"strconv.ParseFloat: parsing "1,000": invalid syntax"#;
        check("a", "1,000", Some((0.0, float)));
        let unit = "unhandled size name: xb";
        check("bytes(a)", "5xb", Some((0.0, unit)));
        let duration = r#"time: missing unit in duration "5""#;
        check("duration(a)", "5", Some((0.0, duration)));
    }

    #[test]
    fn filters_see_the_error() {
        check(r#"a | __error__="""#, "x", None);
        check(r#"a | __error__="""#, "5", Some((5.0, "")));
        check("a | a > 5", "5", None);
        let float = r#"strconv.ParseFloat: parsing "x": invalid syntax"#;
        check("a | b > 5", "x", Some((0.0, float)));
        check("a | nope > 5", "5", None);
        check(
            r#"a | __error__="SampleExtractionErr""#,
            "x",
            Some((0.0, float)),
        );
    }
}
