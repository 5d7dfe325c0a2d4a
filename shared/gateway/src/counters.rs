//! What this process has counted since it started, in the text format of Prometheus.
//!
//! Fed by [`crate::Metrics`], so it holds what is told to CloudWatch too, summed. On AWS a process
//! is one container of one function: CloudWatch has the sum of all of them. Names are constants of
//! the program, so the table has a bound.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use crate::{Metric, Unit};

/// Sums by name of the metric, then by function and class of status.
type Sums = BTreeMap<String, BTreeMap<(&'static str, u16), f64>>;

static COUNTED: Mutex<Sums> = Mutex::new(BTreeMap::new());

/// Adds what one request or run measured.
pub(crate) fn add(function: &'static str, status: u16, metrics: &[Metric]) {
    // A thread that panicked between two additions leaves sums that are sums.
    let mut counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    let class = status / 100;
    let mut sum = |name: String, value: f64| {
        *counted
            .entry(name)
            .or_default()
            .entry((function, class))
            .or_default() += value;
    };
    sum("narvi_requests_total".to_owned(), 1.0);
    for metric in metrics {
        sum(name(metric), metric.value);
    }
}

/// Everything counted so far; `version` is the program's.
#[must_use]
pub fn exposition(version: &str) -> String {
    let mut out = format!(
        "# HELP narvi_build_info The version of this program.\n\
         # TYPE narvi_build_info gauge\n\
         narvi_build_info{{version=\"{version}\"}} 1\n"
    );
    let counted = COUNTED.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, sums) in counted.iter() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# TYPE {name} counter");
        for ((function, class), sum) in sums {
            let labels = format!("function=\"{function}\",status=\"{class}xx\"");
            let _ = writeln!(out, "{name}{{{labels}}} {sum}");
        }
    }
    out
}

/// `AcceptedBytes` as `narvi_accepted_bytes_total`.
fn name(metric: &Metric) -> String {
    let mut name = "narvi".to_owned();
    for c in metric.name.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    let unit = match metric.unit {
        Unit::Count => "",
        Unit::Bytes => "_bytes",
        Unit::Milliseconds => "_milliseconds",
    };
    if !name.ends_with(unit) {
        name.push_str(unit);
    }
    name + "_total"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sums() {
        for _ in 0..2 {
            let measured = [
                Metric::bytes("AcceptedBytes", 5),
                Metric::millis("Duration", 1_500_000),
                Metric::count("Refused", 1),
            ];
            add("counters-test", 204, &measured);
        }
        add("counters-test", 503, &[]);
        let text = exposition("1.2.3");
        for want in [
            "narvi_build_info{version=\"1.2.3\"} 1\n",
            "# TYPE narvi_requests_total counter\n",
            "narvi_requests_total{function=\"counters-test\",status=\"2xx\"} 2\n",
            "narvi_requests_total{function=\"counters-test\",status=\"5xx\"} 1\n",
            "narvi_accepted_bytes_total{function=\"counters-test\",status=\"2xx\"} 10\n",
            "narvi_duration_milliseconds_total{function=\"counters-test\",status=\"2xx\"} 3\n",
            "narvi_refused_total{function=\"counters-test\",status=\"2xx\"} 2\n",
        ] {
            assert!(text.contains(want), "{text} lacks {want}");
        }
    }
}
