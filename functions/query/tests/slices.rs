//! Log queries over a day that nobody has merged yet: what they open, and that cutting the day into
//! slices changes no answer.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;

use support::{Fixture, NOW, Stored};

const RANGE: &str = "/loki/api/v1/query_range";

/// Segments that overlap with their neighbours and repeat a line of the one before.
const SEGMENTS: i64 = 300;

/// Seconds after [`NOW`], and texts that tell them, of a small segment.
fn small(place: i64) -> Vec<(i64, String)> {
    let own = [0, 5, 14].map(|second| place * 10 + second);
    let repeated = (place > 0).then_some(place * 10 + 4);
    let times = own.into_iter().chain(repeated);
    times.map(|at| (at, format!("at {at:05}"))).collect()
}

/// A merged segment over all of that time, of several chunks.
fn merged() -> Vec<(i64, String)> {
    let texts = (0..SEGMENTS * 10).step_by(3);
    texts
        .map(|at| (at, format!("merged {at:05} {at:0200}")))
        .collect()
}

/// Stores everything; the lines that there are.
async fn fill(fixture: &mut Fixture) -> BTreeSet<(i64, String)> {
    let mut all = BTreeSet::new();
    let mut parts = vec![(Stored::Merged, merged())];
    parts.extend((0..SEGMENTS).map(|place| (Stored::AsObject, small(place))));
    for (how, mut lines) in parts {
        lines.sort();
        let texts: Vec<(i64, &str)> = lines.iter().map(|(at, text)| (*at, &**text)).collect();
        fixture.store(how, "a", &texts).await;
        all.extend(lines);
    }
    all
}

/// The lines of an answer, and the objects that were read for it.
async fn ask(fixture: &Fixture, query: &str, more: [(&str, &str); 2]) -> (Vec<String>, u64) {
    let (start, end) = (NOW.to_string(), (NOW + SEGMENTS * 10 + 60).to_string());
    let params = [("query", query), ("start", &start), ("end", &end)];
    let params: Vec<_> = params.into_iter().chain(more).collect();
    let before = fixture.counted();
    let data = fixture.data(RANGE, &params).await;
    let gets = fixture.since(&before).get("s3.GetObject").copied();
    let values = data["result"][0]["values"].as_array().unwrap().iter();
    let texts = values.map(|value| value[1].as_str().unwrap().to_owned());
    (texts.collect(), gets.unwrap_or_default())
}

#[tokio::test]
async fn slices_change_no_answer_and_open_what_is_needed() {
    let mut fixture = Fixture::new("").await;
    let all = fill(&mut fixture).await;
    let forward: Vec<&str> = all.iter().map(|(_, text)| &**text).collect();
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    for (query, kept) in [(r#"{app="a"}"#, ""), (r#"{app="a"} |= "merged""#, "merged")] {
        let want: Vec<&str> = forward
            .iter()
            .copied()
            .filter(|text| text.starts_with(kept))
            .collect();
        for direction in ["FORWARD", "BACKWARD"] {
            let direction = ("direction", direction);
            let (got, _) = ask(&fixture, query, [direction, ("limit", "5000")]).await;
            assert_eq!(got.len(), want.len(), "{query} {direction:?}");
            let mut want: Vec<String> = want.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(sorted(got.clone()), sorted(want.clone()));
            // Of a few the same ones, and in order of time.
            if direction.1 == "BACKWARD" {
                want.reverse();
            }
            let time = |text: &String| text.split(' ').nth(1).unwrap().to_owned();
            assert!(got.iter().map(time).eq(want.iter().map(time)), "{query}");
            let (few, _) = ask(&fixture, query, [direction, ("limit", "70")]).await;
            assert_eq!(few, got[..70], "{query} {direction:?}");
        }
    }
}

#[tokio::test]
async fn the_last_lines_of_a_day_open_its_last_segments() {
    let mut fixture = Fixture::new("").await;
    fill(&mut fixture).await;
    for direction in ["FORWARD", "BACKWARD"] {
        fixture.forget();
        let few = [("direction", direction), ("limit", "10")];
        let (lines, gets) = ask(&fixture, r#"{app="a"}"#, few).await;
        assert!(
            lines.len() == 10 && gets < 40,
            "{gets} objects, {direction}"
        );
    }
}
