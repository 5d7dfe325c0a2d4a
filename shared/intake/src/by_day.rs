//! [`by_day`]: the entries of a push by UTC day and stream, which is how they are stored.
//!
//! A stream that was sent in several parts is one again; streams are in the order of their ids, so
//! the same push makes the same bytes.

use std::collections::BTreeMap;

use narvi_model::{Day, Entry, Labels, StreamId};
use narvi_protocol::push::PushStream;

/// The streams of one day.
pub(crate) type Streams = BTreeMap<StreamId, (Labels, Vec<Entry>)>;

/// Splits streams by the day of their entries.
pub(crate) fn by_day(streams: Vec<PushStream>) -> BTreeMap<Day, Streams> {
    let mut days: BTreeMap<Day, Streams> = BTreeMap::new();
    for stream in streams {
        let id = stream.labels.stream_id();
        for (day, part) in split(stream.entries) {
            let streams = days.entry(day).or_default();
            match streams.get_mut(&id) {
                Some((_, entries)) => entries.extend(part),
                None => drop(streams.insert(id, (stream.labels.clone(), part))),
            }
        }
    }
    days
}

/// Nearly every push lies within a day, so its entries are moved as a whole.
fn split(entries: Vec<Entry>) -> Vec<(Day, Vec<Entry>)> {
    let Some(first) = entries.first().map(|entry| Day::of(entry.timestamp)) else {
        return Vec::new();
    };
    let (start, end) = (first.start(), first.end());
    if entries
        .iter()
        .all(|entry| start <= entry.timestamp && entry.timestamp < end)
    {
        return vec![(first, entries)];
    }
    let mut days: BTreeMap<Day, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        days.entry(Day::of(entry.timestamp))
            .or_default()
            .push(entry);
    }
    days.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;

    fn stream(app: &str, seconds: &[i64]) -> PushStream {
        let entry = |at: &i64| Entry {
            timestamp: Timestamp::from_seconds(*at),
            line: at.to_string().as_str().into(),
            metadata: Labels::empty(),
        };
        PushStream {
            labels: Labels::from_pairs([("app", app)]),
            entries: seconds.iter().map(entry).collect(),
        }
    }

    #[test]
    fn one_part_for_each_day_and_stream() {
        let days = by_day(vec![
            stream("a", &[86_399, 86_400, 1]),
            stream("b", &[5]),
            stream("a", &[7, 86_401]),
        ]);
        let mut got = Vec::new();
        for (day, streams) in &days {
            for (labels, entries) in streams.values() {
                let times: Vec<_> = entries.iter().map(|e| e.timestamp.seconds()).collect();
                got.push(format!("{day} {labels} {times:?}"));
            }
        }
        got.sort();
        assert_eq!(
            got,
            [
                r#"1970-01-01 {app="a"} [86399, 1, 7]"#,
                r#"1970-01-01 {app="b"} [5]"#,
                r#"1970-01-02 {app="a"} [86400, 86401]"#,
            ]
        );
    }
}
