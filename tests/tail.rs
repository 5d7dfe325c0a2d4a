//! Live tails of the local host, with a WebSocket client that shares nothing with it: what was
//! pushed before a tail and what is pushed while it is open comes once, a client that is slow is
//! told what it missed, and what is no tail is refused in Loki's words.
#![cfg(test)]

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use narvi_tests::client::{Client, escaped};
use narvi_tests::host::Narvi;
use narvi_tests::lines::{CONFIG, Ledger};
use narvi_tests::push::{Entry, Push};
use narvi_tests::{noise, now};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

const WRITERS: usize = 4;
/// Longer than those who store take to be told of a tail.
const HANDOVER: Duration = Duration::from_secs(4);
/// No frame takes longer; a test that waits for more has found a fault.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Lets a test push faster than a tenant may by default.
const FAST: &str = "limits_config: {ingestion_rate_mb: 1000, ingestion_burst_size_mb: 1000, \
     per_stream_rate_limit: 1000MB, per_stream_rate_limit_burst: 1000MB}\n";

/// An open tail.
struct Tail(WebSocket<TcpStream>);

/// A connection that was not let in.
#[derive(Debug, PartialEq)]
struct Refusal {
    status: u16,
    text: String,
}

impl Tail {
    fn open(
        narvi: &Narvi,
        headers: &[(&'static str, &str)],
        params: &str,
    ) -> Result<Self, Refusal> {
        Self::at(narvi, headers, &format!("/loki/api/v1/tail?{params}"))
    }

    fn at(narvi: &Narvi, headers: &[(&'static str, &str)], target: &str) -> Result<Self, Refusal> {
        let address = narvi.client().base().trim_start_matches("http://");
        let url = format!("ws://{address}{target}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                let text = answer.body().clone().unwrap_or_default();
                Err(Refusal {
                    status: answer.status().as_u16(),
                    text: String::from_utf8(text).unwrap(),
                })
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn of(narvi: &Narvi, query: &str) -> Self {
        let params = format!("query={}", escaped(query, b""));
        Self::open(narvi, &[], &params).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// The next frame that is neither ping nor pong.
    fn next(&mut self) -> Message {
        loop {
            match self.0.read().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                other => return other,
            }
        }
    }

    fn frame(&mut self) -> Value {
        match self.next() {
            Message::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// How often each of so many lines has come.
    fn lines(&mut self, count: usize) -> BTreeMap<String, usize> {
        let mut lines = BTreeMap::new();
        let mut left = count;
        while left > 0 {
            let frame = self.frame();
            assert_eq!(frame["dropped_entries"], Value::Null, "{frame}");
            for stream in frame["streams"].as_array().unwrap() {
                let line = stream["values"][0][1].as_str().unwrap().to_owned();
                *lines.entry(line).or_default() += 1;
                left -= 1;
            }
        }
        lines
    }
}

fn push(client: &Client, app: &str, lines: &[String]) {
    let entries = lines.iter().map(|line| Entry::new(now(), line.as_str()));
    let push = Push::of(&[("app", app)], entries.collect()).protobuf();
    let answer = client.ask(&push.ask());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// Tells those who push to stop, also where a test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Pushes until it is told to stop.
fn write(client: &Client, writer: usize, ledger: &Ledger, stop: &AtomicBool) {
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        let lines: Vec<String> = (0..1 + n % 3)
            .map(|line| format!("{writer}/{n}/{line}"))
            .collect();
        ledger.send(&lines);
        push(client, "tailed", &lines);
        ledger.acknowledge(&lines);
        push(client, "other", &[format!("not {writer}/{n}")]);
        n += 1;
    }
}

/// Reads until all lines that were acknowledged have come.
fn catch_up(tail: &mut Tail, ledger: &Ledger, found: &mut BTreeMap<String, usize>) {
    let acknowledged = ledger.acknowledged();
    while !acknowledged.iter().all(|line| found.contains_key(line)) {
        let frame = tail.frame();
        assert_eq!(frame["dropped_entries"], Value::Null, "{frame}");
        for stream in frame["streams"].as_array().unwrap() {
            let line = stream["values"][0][1].as_str().unwrap().to_owned();
            *found.entry(line).or_default() += 1;
        }
    }
    ledger.check(&acknowledged, found);
}

/// A tail that begins in the middle of pushes: its past, its first seconds, which are looked for,
/// and what it is told of. It ends and comes back in the middle as well.
#[test]
fn a_tail_gets_every_line_once() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let client = narvi.client();
    let (ledger, stop) = (Ledger::default(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        let stops = Stop(&stop);
        for writer in 0..WRITERS {
            let (ledger, stop) = (&ledger, &stop);
            threads.spawn(move || write(client, writer, ledger, stop));
        }
        while ledger.acknowledged().len() < 100 {
            std::thread::yield_now();
        }
        let limit = "{app=\"tailed\"}";
        let params = format!("query={}&limit=100000", escaped(limit, b""));
        let open = || Tail::open(&narvi, &[], &params).unwrap_or_else(|e| panic!("{e:?}"));
        for _ in 0..2 {
            let (mut all, begun) = (open(), Instant::now());
            let mut found = BTreeMap::new();
            while begun.elapsed() < HANDOVER {
                catch_up(&mut all, &ledger, &mut found);
            }
            // Told by who stores, and not looked for.
            let before = ledger.acknowledged().len();
            while ledger.acknowledged().len() < before + 100 {
                catch_up(&mut all, &ledger, &mut found);
            }
        }
        let mut all = open();
        drop(stops);
        let mut found = BTreeMap::new();
        catch_up(&mut all, &ledger, &mut found);
    });
}

#[test]
fn history_is_the_newest_lines_that_match() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let ago = |seconds: i64| now() - seconds * 1_000_000_000;
    let entries = [
        (7200, "old 1"),
        (60, "1"),
        (50, "2"),
        (40, "3 no"),
        (30, "4"),
        (20, "5"),
    ];
    let entries = entries.map(|(seconds, line)| Entry::new(ago(seconds), line));
    narvi.push("", &Push::of(&[("app", "x")], entries.into()).json());
    let query = escaped("{app=\"x\"} != \"no\"", b"");
    let start = ago(35);
    for (params, want) in [
        (String::new(), &["1", "2", "4", "5"][..]),
        ("&limit=2".to_owned(), &["4", "5"]),
        (format!("&start={start}"), &["4", "5"]),
        (
            format!("&start={}&limit=5000", ago(86_400)),
            &["old 1", "1", "2", "4", "5"],
        ),
    ] {
        let params = format!("query={query}{params}");
        let mut tail = Tail::open(&narvi, &[], &params).unwrap_or_else(|e| panic!("{e:?}"));
        let frame = tail.frame();
        let streams = frame["streams"].as_array().unwrap().iter();
        let lines: Vec<_> = streams
            .map(|one| one["values"][0][1].as_str().unwrap())
            .collect();
        assert_eq!(lines, want, "{params}");
    }
}

#[test]
fn legacy_frames_are_lokis() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    push(narvi.client(), "x", &["first".to_owned()]);
    let path = "/api/prom/tail?query=%7Bapp%3D%22x%22%7D";
    let mut tail = Tail::at(&narvi, &[], path).unwrap_or_else(|e| panic!("{e:?}"));
    let frame = tail.frame();
    let stream = &frame["streams"][0];
    let labels = r#"{app="x", detected_level="unknown", service_name="x"}"#;
    assert_eq!(stream["labels"], labels, "{frame}");
    assert_eq!(stream["entries"][0]["line"], "first", "{frame}");
    let time = stream["entries"][0]["ts"].as_str().unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{frame}");
}

/// More than all buffers between the two ends hold.
#[test]
fn a_slow_client_is_told_what_it_missed() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), FAST);
    let mut tail = Tail::of(&narvi, "{app=\"x\"}");
    for n in 0..12 {
        let line = |l: u64| format!("{n}/{l} {}", noise::text(l, 100_000));
        let lines: Vec<String> = (0..50).map(line).collect();
        push(narvi.client(), "x", &lines);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let _stops = Stop(&stop);
        // What was missed is told with a later line.
        threads.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                push(narvi.client(), "x", &["more".to_owned()]);
            }
        });
        while tail.frame()["dropped_entries"].is_null() {}
    });
}

#[test]
fn frames_are_lokis() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let params = format!("query={}&limit=10&delay_for=5", escaped("{app=\"x\"}", b""));
    let mut plain = Tail::open(&narvi, &[], &params).unwrap_or_else(|e| panic!("{e:?}"));
    let flags = [("x-loki-response-encoding-flags", "categorize-labels")];
    let mut apart = Tail::open(&narvi, &flags, &params).unwrap_or_else(|e| panic!("{e:?}"));
    let time = now();
    let entries = vec![
        Entry::new(time + 1, "second"),
        Entry::new(time, "first").with("id", "7"),
    ];
    narvi.push("", &Push::of(&[("app", "x")], entries).json());
    let stamp = |n: i64| (time + n).to_string();
    let stream = json!({"app": "x", "service_name": "x"});
    let labels = |id: Option<&str>| {
        let mut labels = stream.clone();
        labels["detected_level"] = json!("unknown");
        if let Some(id) = id {
            labels["id"] = json!(id);
        }
        labels
    };
    assert_eq!(
        plain.frame(),
        json!({"streams": [
            {"stream": labels(Some("7")), "values": [[stamp(0), "first"]]},
            {"stream": labels(None), "values": [[stamp(1), "second"]]},
        ]})
    );
    let first = json!({"structuredMetadata": {"detected_level": "unknown", "id": "7"}});
    let second = json!({"structuredMetadata": {"detected_level": "unknown"}});
    assert_eq!(
        apart.frame(),
        json!({"streams": [
            {"stream": stream, "values": [[stamp(0), "first", first]]},
            {"stream": stream, "values": [[stamp(1), "second", second]]},
        ], "encodingFlags": ["categorize-labels"]})
    );
    // What a client says changes nothing.
    plain
        .0
        .send(Message::text("{\"query\":\"{app=\\\"y\\\"}\"}"))
        .unwrap();
    push(narvi.client(), "y", &["other".to_owned()]);
    push(narvi.client(), "x", &["third".to_owned()]);
    assert_eq!(plain.lines(1).into_keys().collect::<Vec<_>>(), ["third"]);
}

#[test]
fn what_is_no_tail_is_refused_before_the_upgrade() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_with(&data.path().join("data"), &config);
    let good = "query=%7Bapp%3D%22x%22%7D";
    for (tenant, params, status, text) in [
        (
            "a",
            "query=%7B",
            400,
            "parse error at line 1, col 2: syntax error",
        ),
        (
            "a",
            &format!("{good}&delay_for=6"),
            400,
            "delay_for can't be greater than 5",
        ),
        (
            "a",
            "query=rate(%7Bapp%3D%22x%22%7D%5B1m%5D)",
            400,
            "parse error : only log selector",
        ),
        ("a", "query=%zz", 400, "query string: invalid URL escape"),
        ("a|b", good, 400, "multiple org IDs present"),
        ("", good, 401, "no org id\n"),
    ] {
        let headers = [("x-scope-orgid", tenant)];
        let headers = if tenant.is_empty() { &[][..] } else { &headers };
        let refusal = Tail::open(&narvi, headers, params).err().unwrap();
        assert_eq!(refusal.status, status, "{params}: {refusal:?}");
        assert!(refusal.text.starts_with(text), "{params}: {refusal:?}");
    }
    let params = [("query", "{app=\"x\"}")];
    let answer = narvi.client().tenant("a").get("/loki/api/v1/tail", &params);
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// `alloy` writes and `grafana` reads, both with the password "secret".
const CREDENTIALS: &str = "
users:
  alloy: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, write: [a]}
  grafana: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, read: [a]}
";

#[test]
fn who_tails_needs_a_password_and_the_tenant() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_closed(&data.path().join("data"), &config, CREDENTIALS);
    let basic = |pair| format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair));
    let (alloy, right, wrong) = (
        basic("alloy:secret"),
        basic("grafana:secret"),
        basic("grafana:Secret"),
    );
    let query = "query=%7Bapp%3D%22x%22%7D";
    for path in ["/loki/api/v1/tail", "/api/prom/tail"] {
        let target = format!("{path}?{query}");
        for (authorization, tenant, status) in [
            (&wrong, "a", 401),
            (&right, "b", 403),
            (&right, "a|b", 403),
            (&alloy, "a", 403),
            (&right, "", 401),
        ] {
            let headers = [
                ("authorization", authorization.as_str()),
                ("x-scope-orgid", tenant),
            ];
            let refusal = Tail::at(&narvi, &headers, &target).err().unwrap();
            assert_eq!(
                refusal.status, status,
                "{tenant} {authorization}: {refusal:?}"
            );
        }
        let refusal = Tail::at(&narvi, &[("x-scope-orgid", "a")], &target);
        assert_eq!(refusal.err().unwrap().status, 401);
    }
    let headers = [("authorization", right.as_str()), ("x-scope-orgid", "a")];
    let mut tail = Tail::open(&narvi, &headers, query).unwrap_or_else(|error| panic!("{error:?}"));
    let line = Push::of(&[("app", "x")], vec![Entry::new(now(), "hello")]).json();
    let mut ask = line.ask();
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", alloy.as_str()),
    ];
    ask.headers = &headers;
    let pushed = narvi.client().tenant("a").ask(&ask);
    assert_eq!(pushed.status, 204, "{}", pushed.text());
    assert_eq!(tail.lines(1).into_keys().collect::<Vec<_>>(), ["hello"]);
}

#[test]
fn one_too_many_is_closed_with_lokis_words_and_ends_make_room() {
    let data = tempfile::tempdir().unwrap();
    let config = format!(
        "{}\noverrides: {{fake: {{max_concurrent_tail_requests: 2}}}}\n",
        CONFIG.trim_end()
    );
    let narvi = Narvi::start_with(&data.path().join("data"), &config);
    let query = "{app=\"x\"}";
    let mut first = Tail::of(&narvi, query);
    let mut second = Tail::of(&narvi, query);
    let Message::Close(Some(close)) = Tail::of(&narvi, query).next() else {
        panic!("not closed")
    };
    assert_eq!(u16::from(close.code), 1011);
    assert_eq!(
        close.reason.as_str(),
        "max concurrent tail requests limit exceeded, count > limit (3 > 2)"
    );
    first.0.close(None).unwrap();
    let end = loop {
        if let Err(end) = first.0.read() {
            break end;
        }
    };
    let is_answered = matches!(end, tungstenite::Error::ConnectionClosed);
    assert!(is_answered, "a close is answered: {end}");
    // The end of a connection is written down a moment after it.
    let mut third = (0..1000)
        .map(|_| Tail::of(&narvi, query))
        .find_map(|mut tail| {
            push(narvi.client(), "x", &["one more".to_owned()]);
            matches!(tail.next(), Message::Text(_)).then_some(tail)
        });
    assert!(third.is_some());
    assert!(narvi.stop().success(), "an open tail holds nobody up");
    let ended = |tail: &mut Tail| loop {
        match tail.0.read() {
            Ok(Message::Close(close)) => panic!("closed with words: {close:?}"),
            Ok(_) => {}
            Err(_) => return,
        }
    };
    ended(&mut second);
    third.iter_mut().for_each(ended);
}
