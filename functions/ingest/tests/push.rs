//! Pushes from the event to what is stored, with every request to S3 and DynamoDB counted.

#[cfg(test)]
#[path = "push/endpoints.rs"]
mod endpoints;
#[cfg(test)]
#[path = "push/firehose.rs"]
mod firehose;
#[cfg(test)]
#[path = "push/limits.rs"]
mod limits;
#[cfg(test)]
mod support;

use std::collections::BTreeMap;

use http::Method;
use narvi_gateway::Call;
use narvi_storage::Place;
use support::{Answer, Fixture, JSON, NOW, PROTOBUF, bulk, protobuf, push, stored};

const TODAY: &str = "2024-01-10";

fn requests(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn what_is_acknowledged_is_there() {
    let narvi = Fixture::new("").await;
    let body = protobuf(&[
        (r#"{app="a"}"#, &[(0, b"one"), (-5, b"two")]),
        (r#"{app="b", env="x"}"#, &[(1, b"three")]),
        (r#"{app="c"}"#, &[]),
    ]);
    assert_eq!(narvi.push(PROTOBUF, body).await, stored());
    let json = format!(
        r#"{{"streams":[{{"stream":{{"app":"d"}},"values":[["{}","four"],null]}}]}}"#,
        NOW.nanos()
    );
    assert_eq!(narvi.push(JSON, json).await, stored());
    assert_eq!(
        narvi.lines("t", TODAY).await,
        [
            r#"{app="a", service_name="a"} -5 two"#,
            r#"{app="a", service_name="a"} 0 one"#,
            r#"{app="b", env="x", service_name="b"} 1 three"#,
            r#"{app="d", service_name="d"} 0 four"#,
        ]
    );
    assert!(narvi.lines("other", TODAY).await.is_empty());
}

#[tokio::test]
async fn requests_are_the_bill() {
    let narvi = Fixture::new("").await;
    let first = bulk(12, 1 << 20);
    let counted = narvi.count(&first).await;
    let want = [
        ("dynamodb.BatchWriteItem", 1),
        ("dynamodb.PutItem", 1),
        ("s3.PutObject", 1),
    ];
    assert_eq!(counted, requests(&want), "new streams");
    let known = bulk(12, (1 << 20) + (12 << 10));
    let want = [("dynamodb.PutItem", 1), ("s3.PutObject", 1)];
    assert_eq!(narvi.count(&known).await, requests(&want), "known streams");
    let small = bulk(12, 4 << 10);
    assert_eq!(
        narvi.count(&small).await,
        requests(&[("dynamodb.PutItem", 1)]),
        "a small push"
    );
    let segments = narvi.segments("t", TODAY).await;
    let inline = segments
        .iter()
        .filter(|row| matches!(row.place, Place::Inline(_)))
        .count();
    assert_eq!((segments.len(), inline), (3, 1));
}

#[tokio::test]
async fn each_day_has_its_segment() {
    let narvi = Fixture::new("").await;
    let body = protobuf(&[(r#"{app="a"}"#, &[(0, b"today"), (-43_201, b"yesterday")])]);
    let want = [("dynamodb.BatchWriteItem", 2), ("dynamodb.PutItem", 2)];
    assert_eq!(narvi.count(&body).await, requests(&want));
    let label = r#"{app="a", service_name="a"}"#;
    assert_eq!(narvi.lines("t", TODAY).await, [format!("{label} 0 today")]);
    assert_eq!(
        narvi.lines("t", "2024-01-09").await,
        [format!("{label} -43201 yesterday")]
    );
}

#[tokio::test]
async fn a_push_sent_again_is_stored_once() {
    let narvi = Fixture::new("").await;
    let body = bulk(3, 100 << 10);
    for _ in 0..3 {
        assert_eq!(narvi.push(PROTOBUF, body.as_slice()).await, stored());
    }
    assert_eq!(narvi.segments("t", TODAY).await.len(), 1);
}

#[tokio::test]
async fn a_fault_that_passes_is_503_and_loses_nothing() {
    let narvi = Fixture::new("").await;
    let body = bulk(3, 100 << 10);
    narvi.objects.fail_next(1);
    let want = Answer {
        status: 503,
        text: "storage is unavailable, try again\n".to_owned(),
        retry_after: Some("1".to_owned()),
    };
    assert_eq!(narvi.push(PROTOBUF, body.as_slice()).await, want);
    assert!(narvi.segments("t", TODAY).await.is_empty());
    assert_eq!(narvi.push(PROTOBUF, body.as_slice()).await, stored());
    assert_eq!(narvi.segments("t", TODAY).await.len(), 1);
}

#[tokio::test]
async fn valid_entries_are_stored_beside_refused_ones() {
    let narvi = Fixture::new("").await;
    let body = protobuf(&[
        (r#"{app="a"}"#, &[(0, b"good"), (700, b"too new")]),
        (r#"{app="b",app="c"}"#, &[(0, b"twice")]),
    ]);
    let answer = narvi.push(PROTOBUF, body).await;
    let want = concat!(
        r#"1 errors like: stream '{app="b", app="c"}' has duplicate label name: 'app'; "#,
        r#"1 errors like: entry for stream '{app="a", service_name="a"}' has timestamp too new: "#,
        "2024-01-10T12:11:40Z\n",
    );
    assert_eq!((answer.status, answer.text.as_str()), (400, want));
    assert_eq!(
        narvi.lines("t", TODAY).await,
        [r#"{app="a", service_name="a"} 0 good"#]
    );
}

#[tokio::test]
async fn service_names_can_be_turned_off() {
    let narvi = Fixture::new("limits_config: {discover_service_name: []}").await;
    let body = protobuf(&[(r#"{app="a"}"#, &[(0, b"x")]), ("{}", &[(0, b"y")])]);
    let answer = narvi.push(PROTOBUF, body).await;
    let want = "error at least one label pair is required per stream\n";
    assert_eq!((answer.status, answer.text.as_str()), (400, want));
    assert_eq!(narvi.lines("t", TODAY).await, [r#"{app="a"} 0 x"#]);
}

/// Name, body, status and a part of the answer.
type BadPush = (&'static str, Vec<u8>, i64, &'static str);

fn bad_pushes() -> Vec<BadPush> {
    let good = protobuf(&[(r#"{app="a"}"#, &[(0, b"x")])]);
    let many: Vec<_> = (0..10_000).map(|n| format!("l{n}=\"v\"")).collect();
    let many = format!("{{{}}}", many.join(","));
    let long = vec![b'x'; 300_000];
    let burst = bulk(1, 7 << 20);
    vec![
        (
            "truncated snappy",
            good[..good.len() - 2].to_vec(),
            400,
            "snappy: corrupt input",
        ),
        (
            "snappy bomb",
            vec![0x80, 0xc2, 0xd7, 0x2f, 0x00, b'x'],
            413,
            "request body too large: message decompressed size too large than max \
             (100000000 vs 67108864)",
        ),
        (
            "invalid UTF-8",
            protobuf(&[(r#"{app="a"}"#, &[(0, b"\xff")])]),
            400,
            "invalid protobuf push: line of stream 0 contains invalid UTF-8 at byte 25; \
             convert the text to UTF-8 before sending",
        ),
        (
            "10,000 labels",
            protobuf(&[(&many, &[(0, b"x")])]),
            400,
            "has 10000 label names; limit 15",
        ),
        (
            "a line of 300 KB",
            protobuf(&[(r#"{app="a"}"#, &[(0, &long)])]),
            400,
            r#"max entry size '262144' bytes exceeded for stream '{app="a", service_name="a"}'"#,
        ),
        (
            "no streams",
            protobuf(&[]),
            422,
            "error at least one valid stream is required",
        ),
        (
            "broken labels",
            protobuf(&[("{a=}", &[(0, b"x")])]),
            400,
            "couldn't parse labels: 1:4:",
        ),
        (
            "more than the burst",
            burst,
            429,
            "ingestion rate limit exceeded for user t (limit: 4194304 bytes/sec) while attempting \
             to ingest '35288' lines totaling '7339904' bytes, reduce log volume",
        ),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_and_nothing_is_stored() {
    let narvi = Fixture::new("").await;
    for (name, body, status, text) in bad_pushes() {
        let answer = narvi.push(PROTOBUF, body).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        let shown: String = answer.text.chars().take(200).collect();
        assert!(answer.text.contains(text), "{name}: {shown}");
        assert!(
            answer.text.ends_with('\n') && answer.text.len() < 100_000,
            "{name}"
        );
    }
    assert!(narvi.segments("t", TODAY).await.is_empty());
    assert_eq!(narvi.requests.count_of("s3.PutObject"), 0);
    assert_eq!(narvi.requests.count_of("dynamodb.PutItem"), 0);
}

#[tokio::test]
async fn requests_that_are_no_push() {
    let narvi = Fixture::new("").await;
    let good = || protobuf(&[(r#"{app="a"}"#, &[(0, b"x")])]);
    let call = |method, path| Call::new(method, path).header("content-type", PROTOBUF);
    let path = "/loki/api/v1/push";
    let without_type = Call::new(Method::POST, path)
        .header("x-scope-orgid", "t")
        .body("{}");
    for (call, status, text) in [
        (call(Method::POST, path).body(good()), 401, "no org id\n"),
        (
            call(Method::POST, path)
                .header("x-scope-orgid", "a|b")
                .body(good()),
            400,
            "multiple org IDs present\n",
        ),
        (without_type, 400, "mime: no media type\n"),
        (
            push(JSON, "{}").header("content-encoding", "br"),
            400,
            "Content-Encoding \"br\" not supported\n",
        ),
        (call(Method::GET, path), 405, ""),
        (call(Method::POST, "/nope"), 404, "404 page not found\n"),
        (
            call(Method::POST, "/loki/api/v1/push?a=%zz"),
            400,
            "query string: ",
        ),
    ] {
        let answer = narvi.call(call).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.text.starts_with(text), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_above_the_bound_says_what_to_set() {
    let mut narvi = Fixture::new("").await;
    narvi.handler = narvi.handler.with_max_body_bytes(10);
    let answer = narvi.push(JSON, " ".repeat(11)).await;
    assert_eq!(answer.status, 413);
    let want = "request body too large: message size too large than max (11 vs 10); send smaller \
                batches: `batch_size` in Alloy";
    assert!(answer.text.starts_with(want), "{answer:?}");
}
