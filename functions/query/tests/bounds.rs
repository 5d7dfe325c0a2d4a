//! Queries that are held to memory and to a number of series while they run.

#![cfg(test)]

mod support;

use support::{Fixture, NOW, Stored};

/// Steps of a range query, one second each.
const STEPS: i64 = 10_000;

/// Series that fill nearly what one partial result may hold at so many steps.
const SERIES: usize = 1_650;

const SEGMENTS: i64 = 4;

/// The values of all samples of a query over [`STEPS`] seconds, and how many series have them.
async fn ask(fixture: &Fixture, query: &str) -> Result<(usize, f64), String> {
    let (start, end) = (NOW.to_string(), (NOW + STEPS).to_string());
    let params = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("step", "1s"),
    ];
    let (status, body) = fixture.get("/loki/api/v1/query_range", &params).await;
    if status != 200 {
        return Err(format!("{status} {body}"));
    }
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let series = answer["data"]["result"].as_array().unwrap();
    let samples = series.iter().flat_map(|s| s["values"].as_array().unwrap());
    let values = samples.map(|sample| sample[1].as_str().unwrap().parse::<f64>().unwrap());
    Ok((series.len(), values.sum()))
}

/// Each segment is a share of its own and has every series: two of them side by side leave no room
/// for a third, and yet all of them have their turn.
#[tokio::test]
async fn parts_that_do_not_fit_side_by_side_run_one_after_the_other() {
    let mut fixture = Fixture::new("limits_config: {max_query_series: 0}").await;
    let padding = "x".repeat(3_000);
    for segment in 0..SEGMENTS {
        let line = |n| (100 + segment * 10, format!("n={n} padding={padding}"));
        let lines: Vec<(i64, String)> = (0..SERIES).map(line).collect();
        let lines: Vec<(i64, &str)> = lines.iter().map(|(at, line)| (*at, &**line)).collect();
        fixture.store(Stored::AsObject, "a", &lines).await;
    }
    let query = r#"sum by (n) (count_over_time({app="a"} | logfmt [1s]))"#;
    let all = SERIES as f64 * SEGMENTS as f64;
    assert_eq!(ask(&fixture, query).await, Ok((SERIES, all)));
}

#[tokio::test]
async fn only_series_of_the_answer_are_too_many() {
    let mut fixture = Fixture::new("limits_config: {max_query_series: 2}").await;
    for app in ["a", "b", "c"] {
        fixture.store(Stored::InRow, app, &[(100, app)]).await;
    }
    let refused = "400 maximum number of series (2) reached for a single query";
    for (query, want) in [
        ("rate(#)", Err(refused)),
        ("sort(2 * rate(#))", Err(refused)),
        ("rate(#) > 0", Err(refused)),
        ("rate(#) < 0", Ok((0, 0.0))),
        (r#"rate(# |= "a")"#, Ok((1, 1.0))),
        ("sum(rate(#))", Ok((1, 3.0))),
        ("max(rate(#))", Ok((1, 1.0))),
        ("topk(1, rate(#))", Ok((1, 1.0))),
        ("rate(#) unless rate(#)", Ok((0, 0.0))),
    ] {
        let (log, filter) = (r#"{app=~".+"}"#, r#" |= "a""#);
        let written = query
            .replace(&format!("#{filter}"), &format!("{log}{filter} [1s]"))
            .replace('#', &format!("{log}[1s]"));
        match (ask(&fixture, &written).await, want) {
            (Err(got), Err(want)) => assert!(got.starts_with(want), "{written}: {got}"),
            (got, want) => assert_eq!(got, want.map_err(str::to_owned), "{written}"),
        }
    }
}
