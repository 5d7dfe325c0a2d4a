//! [`Metrics`]: counts and times of one function as CloudWatch embedded metric format (EMF) lines.
//!
//! A line on stdout becomes metrics without any API call and its price; [`crate::exposition`] has
//! the sums since the process started. Knows no metric by name:
//! each function chooses its own. Format:
//! "Embedded metric format specification" of the CloudWatch user guide.

use std::io::Write as _;

use narvi_model::Timestamp;
use serde_json::{Map, Value, json};

use crate::counters;

/// The CloudWatch namespace.
const NAMESPACE: &str = "Narvi";

/// The metrics of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    function: &'static str,
    sink: Sink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Stdout,
    Nowhere,
}

/// One value of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name, in CloudWatch's style: `AcceptedBytes`.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// How much.
    pub value: f64,
}

/// What a metric counts in; the names are CloudWatch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

impl Metric {
    /// A number of things.
    #[must_use]
    pub const fn count(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: Unit::Count,
            value: value as f64,
        }
    }

    /// A number of bytes.
    #[must_use]
    pub const fn bytes(name: &'static str, value: u64) -> Self {
        Self {
            name,
            unit: Unit::Bytes,
            value: value as f64,
        }
    }

    /// A length of time.
    #[must_use]
    pub const fn millis(name: &'static str, nanos: i64) -> Self {
        Self {
            name,
            unit: Unit::Milliseconds,
            value: nanos as f64 / 1e6,
        }
    }
}

impl Metrics {
    /// Metrics for CloudWatch: lines on stdout.
    #[must_use]
    pub const fn new(function: &'static str) -> Self {
        Self {
            function,
            sink: Sink::Stdout,
        }
    }

    /// Metrics that are counted and not written: local mode and tests.
    #[must_use]
    pub const fn off(function: &'static str) -> Self {
        Self {
            function,
            sink: Sink::Nowhere,
        }
    }

    /// Writes what one request or run with this HTTP status measured (200 and 500 for runs).
    pub fn record(&self, status: u16, time: Timestamp, metrics: &[Metric]) {
        counters::add(self.function, status, metrics);
        if self.sink == Sink::Nowhere || metrics.is_empty() {
            return;
        }
        let mut line = self.line(status, time, metrics);
        line.push('\n');
        // One write, so that lines of parallel requests stay whole.
        if let Err(error) = std::io::stdout().lock().write_all(line.as_bytes()) {
            tracing::warn!(%error, "metrics are lost: stdout cannot be written");
        }
    }

    /// The EMF line, without a line feed.
    #[must_use]
    pub fn line(&self, status: u16, time: Timestamp, metrics: &[Metric]) -> String {
        let definitions: Vec<Value> = metrics
            .iter()
            .map(|metric| json!({"Name": metric.name, "Unit": metric.unit.name()}))
            .collect();
        let mut root = Map::new();
        root.insert("_aws".to_owned(), {
            json!({
                "Timestamp": time.millis(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Function", "Status"]],
                    "Metrics": definitions,
                }],
            })
        });
        root.insert("Function".to_owned(), self.function.into());
        root.insert("Status".to_owned(), format!("{}xx", status / 100).into());
        for metric in metrics {
            root.insert(metric.name.to_owned(), metric.value.into());
        }
        Value::Object(root).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, metrics: &[Metric], want: &Value) {
        let time = Timestamp::from_nanos(1_768_471_200_123_456_789);
        let line = Metrics::new("ingest").line(status, time, metrics);
        assert!(!line.contains('\n'));
        assert_eq!(&serde_json::from_str::<Value>(&line).unwrap(), want);
    }

    #[test]
    fn lines_are_emf() {
        let aws = |definitions: Value| {
            json!({
                "Timestamp": 1_768_471_200_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Narvi",
                    "Dimensions": [["Function", "Status"]],
                    "Metrics": definitions,
                }],
            })
        };
        check(204, &[Metric::bytes("AcceptedBytes", 1 << 40)], &{
            json!({
                "_aws": aws(json!([{"Name": "AcceptedBytes", "Unit": "Bytes"}])),
                "Function": "ingest", "Status": "2xx", "AcceptedBytes": 1_099_511_627_776.0,
            })
        });
        let two = [
            Metric::count("Refused", 3),
            Metric::millis("Duration", 1_500_000),
        ];
        check(429, &two, &{
            json!({
                "_aws": aws(json!([
                    {"Name": "Refused", "Unit": "Count"},
                    {"Name": "Duration", "Unit": "Milliseconds"},
                ])),
                "Function": "ingest", "Status": "4xx", "Refused": 3.0, "Duration": 1.5,
            })
        });
    }
}
