//! What real clients send and cannot do without, one row a trap: asked of the local host as the
//! client asks. `from` says whose trap it is; facts about clients are from their sources and from
//! what they were seen to send. Those of live tails are in `tail.rs`, those of Alertmanager in the
//! tests of the rules.
#![cfg(test)]

#[path = "traps/drilldown.rs"]
mod drilldown;
#[path = "traps/grafana.rs"]
mod grafana;
#[path = "traps/pushers.rs"]
mod pushers;
#[path = "conformance/strict.rs"]
mod strict;
#[path = "traps/writers.rs"]
mod writers;

use narvi_model::Timestamp;
use narvi_tests::client::{Ask, Client};
use narvi_tests::host::Narvi;
use narvi_tests::now;
use narvi_tests::push::{Entry, Push};
use serde_json::Value;

const QUERY: &str = "/loki/api/v1/query";
const RANGE: &str = "/loki/api/v1/query_range";
const CATEGORIZE: (&str, &str) = ("X-Loki-Response-Encoding-Flags", "categorize-labels");
const DRILLDOWN: (&str, &str) = ("X-Query-Tags", "Source=grafana-lokiexplore-app");
const SECOND: i64 = 1_000_000_000;

/// What an answer must be beside its status.
enum Want {
    /// The whole text.
    Is(&'static str),
    /// A part of the text.
    Has(&'static str),
    /// The JSON at a pointer.
    At(&'static str, Value),
}
use Want::{At, Has, Is};

/// Whose trap it is, the question, status and answer.
struct Trap<'a> {
    from: &'a str,
    ask: Ask<'a>,
    status: u16,
    want: Want,
}

fn get<'a>(path: &'a str, params: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    Ask {
        path,
        params,
        ..Ask::default()
    }
}

/// The trap of a question with some headers that is answered 200.
fn trap<'a>(
    from: &'a str,
    mut ask: Ask<'a>,
    headers: &'a [(&'a str, &'a str)],
    want: Want,
) -> Trap<'a> {
    ask.headers = headers;
    Trap {
        from,
        ask,
        status: 200,
        want,
    }
}

fn refused<'a>(from: &'a str, ask: Ask<'a>, status: u16, want: Want) -> Trap<'a> {
    Trap {
        from,
        ask,
        status,
        want,
    }
}

#[track_caller]
fn spring(client: &Client, trap: &Trap<'_>) {
    let (from, ask) = (trap.from, &trap.ask);
    let answer = client.ask(ask);
    let text = answer.text();
    assert_eq!(answer.status, trap.status, "{from}: {text}");
    match &trap.want {
        Is(want) => assert_eq!(&text, want, "{from}"),
        Has(want) => assert!(text.contains(want), "{from}: {text}"),
        At(place, want) => {
            let json: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json.pointer(place), Some(want), "{from}: {text}");
        }
    }
    if answer.status == 200 && [QUERY, RANGE].contains(&ask.path) {
        let read = strict::read_query(&answer.body, strict::Order::Kept);
        assert_eq!(read, Ok(()), "{from}: {text}");
    }
}

/// Four lines of one stream, a second apart; answers the time of the first.
fn filled(narvi: &Narvi) -> i64 {
    let first = now() / SECOND * SECOND - 60 * SECOND;
    let line = |n: i64| {
        let line = format!("{{\"level\":\"info\",\"n\":{n},\"d\":\"1.5s\",\"q\":\"<a&b>\"}}");
        Entry::new(first + n * SECOND, line).with("trace_id", "t1")
    };
    narvi.push(
        "",
        &Push::of(&[("app", "shop")], (0..4).map(line).collect()).protobuf(),
    );
    for app in ["x", "y", "z"] {
        let push = Push::of(
            &[("app", app), ("set", "many")],
            vec![Entry::new(first, "l")],
        );
        narvi.push("", &push.json());
    }
    first
}

const LIMITS: &str = "limits_config: {max_query_series: 2}\n\
                      compactor: {compaction_interval: 24h}\n";

/// A host with lines, and the times around them.
struct Shop {
    narvi: Narvi,
    first: i64,
    start: String,
    end: String,
    _data: tempfile::TempDir,
}

fn shop() -> Shop {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), LIMITS);
    let first = filled(&narvi);
    Shop {
        narvi,
        first,
        start: first.to_string(),
        end: (first + 10 * SECOND).to_string(),
        _data: data,
    }
}

impl Shop {
    /// As Grafana asks for a range.
    fn range<'a>(&'a self, query: &'a str) -> [(&'a str, &'a str); 5] {
        [
            ("query", query),
            ("start", &self.start),
            ("end", &self.end),
            ("direction", "backward"),
            ("step", "1000ms"),
        ]
    }
}
