//! [`stored`]: every line of a selector, and [`Ledger`]: which lines must, may and may not be
//! among them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::client::{Ask, Client};

/// More lines than any test pushes; configurations of tests allow as many.
pub const LIMIT: &str = "100000";

/// Limits that let a test read everything, and no compaction but the one that it asks for.
pub const CONFIG: &str = "limits_config: {max_entries_limit_per_query: 100000}\n\
                          compactor: {compaction_interval: 24h}\n";

/// A day before and after now, in nanoseconds: the window of every question here.
#[must_use]
pub fn window() -> (String, String) {
    let (now, day) = (crate::now(), 86_400_000_000_000);
    ((now - day).to_string(), (now + day).to_string())
}

/// How often each line of a query is there.
///
/// # Panics
/// Where the answer is no list of streams.
#[must_use]
#[track_caller]
pub fn stored(client: &Client, query: &str) -> BTreeMap<String, usize> {
    try_stored(client, query).expect("the server answers")
}

/// The same of a server that may be gone; `None` where it is.
///
/// # Panics
/// Where the answer is no list of streams.
#[must_use]
#[track_caller]
pub fn try_stored(client: &Client, query: &str) -> Option<BTreeMap<String, usize>> {
    let mut lines = BTreeMap::new();
    for (_, _, line) in try_entries(client, query)? {
        *lines.entry(line).or_default() += 1;
    }
    Some(lines)
}

/// Labels, time and line of each entry of a query, sorted.
///
/// # Panics
/// Where the answer is no list of streams.
#[must_use]
#[track_caller]
pub fn entries(client: &Client, query: &str) -> Vec<(String, String, String)> {
    try_entries(client, query).expect("the server answers")
}

#[track_caller]
fn try_entries(client: &Client, query: &str) -> Option<Vec<(String, String, String)>> {
    let (start, end) = window();
    let params = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("limit", LIMIT),
    ];
    let ask = Ask {
        path: "/loki/api/v1/query_range",
        params: &params,
        ..Ask::default()
    };
    let answer = client.try_ask(&ask).ok()?.json();
    assert!(answer.get("warnings").is_none(), "{}", answer["warnings"]);
    let data = &answer["data"];
    assert_eq!(data["resultType"], "streams");
    let mut entries = Vec::new();
    for stream in data["result"].as_array().expect("result is a list") {
        let labels = stream["stream"].to_string();
        for value in stream["values"].as_array().expect("values is a list") {
            let text = |at: usize| value[at].as_str().expect("time and line").to_owned();
            entries.push((labels.clone(), text(0), text(1)));
        }
    }
    entries.sort();
    Some(entries)
}

/// `count_over_time` of a selector over a day, in all of its series.
///
/// # Panics
/// Where the answer is no vector.
#[must_use]
#[track_caller]
pub fn count(client: &Client, selector: &str) -> f64 {
    let query = format!("count_over_time({selector}[24h])");
    // Lines may be a little ahead of the clock that is read here.
    let time = (crate::now() + 1_000_000_000).to_string();
    let params = [("query", query.as_str()), ("time", &time)];
    let answer = client.get("/loki/api/v1/query", &params).json();
    let series = answer["data"]["result"]
        .as_array()
        .expect("result is a list")
        .clone();
    let value = |one: &Value| {
        one["value"][1]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
    };
    series.iter().map(|one| value(one).expect("a number")).sum()
}

/// Lines that were sent, and of these those that were acknowledged. For many threads.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: Mutex<BTreeMap<String, Fate>>,
}

/// What is known of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// May be there once.
    Sent,
    /// Must be there once.
    Acknowledged,
}

impl Ledger {
    /// Before a push: these lines may be there from now on.
    pub fn send(&self, lines: &[String]) {
        self.note(lines, Fate::Sent);
    }

    /// After its 204: these must be there.
    pub fn acknowledge(&self, lines: &[String]) {
        self.note(lines, Fate::Acknowledged);
    }

    /// Lines that must be there, as of now.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<String> {
        let lines = self.lock();
        let acknowledged = lines
            .iter()
            .filter(|(_, fate)| **fate == Fate::Acknowledged);
        acknowledged.map(|(line, _)| line.clone()).collect()
    }

    /// How many lines may be there, as of now.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.lock().len()
    }

    /// Holds an answer to what was acknowledged before it was asked for, and to what was sent.
    ///
    /// # Panics
    /// Where a line is missing, doubled or nobody's.
    #[track_caller]
    pub fn check(&self, acknowledged: &[String], found: &BTreeMap<String, usize>) {
        let missing: Vec<_> = acknowledged
            .iter()
            .filter(|line| !found.contains_key(*line))
            .collect();
        let (count, first) = (missing.len(), missing.first());
        assert!(
            missing.is_empty(),
            "{count} acknowledged lines are missing, as {first:?}"
        );
        let doubled: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
        let (count, first) = (doubled.len(), doubled.first());
        assert!(
            doubled.is_empty(),
            "{count} lines are there more than once, as {first:?}"
        );
        let sent = self.lock();
        let strange = found.keys().find(|line| !sent.contains_key(*line));
        assert_eq!(strange, None, "a line that nobody has sent");
    }

    fn note(&self, lines: &[String], fate: Fate) {
        let noted = lines.iter().map(|line| (line.clone(), fate));
        self.lock().extend(noted);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Fate>> {
        self.lines.lock().expect("nobody panics with the ledger")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `a` (acknowledged) and `b` (only sent) these were found.
    fn check(found: &[(&str, usize)]) {
        let ledger = Ledger::default();
        let (a, b) = (["a".to_owned()], ["b".to_owned()]);
        ledger.send(&[a.clone(), b].concat());
        ledger.acknowledge(&a);
        let found = found
            .iter()
            .map(|(line, count)| ((*line).to_owned(), *count));
        ledger.check(&ledger.acknowledged(), &found.collect());
    }

    #[test]
    fn what_was_not_acknowledged_may_be_there_or_not() {
        check(&[("a", 1)]);
        check(&[("a", 1), ("b", 1)]);
    }

    #[test]
    #[should_panic(expected = "1 acknowledged lines are missing")]
    fn a_lost_line_is_found() {
        check(&[("b", 1)]);
    }

    #[test]
    #[should_panic(expected = "1 lines are there more than once")]
    fn a_doubled_line_is_found() {
        check(&[("a", 2)]);
    }

    #[test]
    #[should_panic(expected = "a line that nobody has sent")]
    fn a_strange_line_is_found() {
        check(&[("a", 1), ("c", 1)]);
    }
}
