//! A disk that is full: pushes are answered 503 with a time to come again, what was acknowledged
//! stays readable, nothing is corrupt, and as soon as there is room everything goes on.
//!
//! Files of the process are held to a size, which needs no rights and no file system of its own.
//! The embedded DynamoDB fills up first, by its log; the objects do where they are larger.
#![cfg(test)]

use std::path::Path;

use narvi_tests::client::{Answer, Ask, Client};
use narvi_tests::host::Narvi;
use narvi_tests::lines::{Ledger, count, stored};
use narvi_tests::push::{Entry, Push};
use narvi_tests::{noise, now};

/// Bytes of a file. The log of the embedded DynamoDB is written anew at 4 MiB, so it fails before.
const ROOM: u64 = 1 << 20;

/// More pushes than there is room for.
const PUSHES: usize = 2000;

/// Pushes in a row that must fail: the disk stays full.
const FULL: usize = 5;

/// As of other tests, for long lines.
const LIMITS: &str = "
limits_config:
  max_entries_limit_per_query: 100000
  max_line_size: 4MB
  ingestion_rate_mb: 1000
  ingestion_burst_size_mb: 1000
  per_stream_rate_limit: 1GB
  per_stream_rate_limit_burst: 1GB
compactor: {compaction_interval: 24h}
";

const ALL: &str = "{app=\"disk\"}";

/// Pushes one line of so many bytes.
fn push(client: &Client, number: usize, bytes: usize, ledger: &Ledger) -> Answer {
    let line = [format!("{number} {}", noise::text(number as u64, bytes))];
    let entries = vec![Entry::new(now(), line[0].as_str())];
    let body = Push::of(&[("app", "disk")], entries).protobuf();
    ledger.send(&line);
    let answer = client.ask(&body.ask());
    match answer.status {
        204 => ledger.acknowledge(&line),
        503 => assert!(answer.retry_after.is_some(), "no Retry-After"),
        other => panic!("{other}: {}", answer.text()),
    }
    answer
}

#[track_caller]
fn check(narvi: &Narvi, ledger: &Ledger) {
    let found = stored(narvi.client(), ALL);
    ledger.check(&ledger.acknowledged(), &found);
    assert_eq!(count(narvi.client(), ALL), found.len() as f64);
}

/// A run that may fail in a part, and must be answered.
fn run(client: &Client, job: &str) {
    let path = format!("/narvi/run/{job}");
    let ask = Ask {
        method: "POST",
        path: &path,
        ..Ask::default()
    };
    let answer = client.ask(&ask);
    assert!(
        matches!(answer.status, 200 | 500 | 503),
        "{job}: {}",
        answer.text()
    );
}

/// Fills the disk with lines of so many bytes; answers how many there was room for.
fn fill(data: &Path, bytes: usize) -> usize {
    let ledger = Ledger::default();
    let narvi = Narvi::start_in_little_room(data, LIMITS, ROOM);
    let client = narvi.client();
    let mut failed = 0;
    let mut number = 0;
    while failed < FULL {
        number += 1;
        assert!(number < PUSHES, "the disk is never full");
        failed += usize::from(push(client, number, bytes, &ledger).status == 503);
    }
    let fitted = ledger.acknowledged().len();
    check(&narvi, &ledger);
    for job in ["compact", "retention"] {
        run(client, job);
    }
    check(&narvi, &ledger);
    narvi.give_room();
    for _ in 0..20 {
        number += 1;
        assert_eq!(
            push(client, number, bytes, &ledger).status,
            204,
            "there is room"
        );
    }
    check(&narvi, &ledger);
    assert!(narvi.compact() > 0, "nothing is merged");
    check(&narvi, &ledger);
    narvi.kill();
    let narvi = Narvi::start_with(data, LIMITS);
    check(&narvi, &ledger);
    fitted
}

#[test]
fn a_full_disk_loses_nothing_and_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let rows = fill(&folder.path().join("rows"), 5_000);
    assert!(rows > 10, "{rows} pushes fit");
    // Of 1.5 MB no object fits, while the catalog has room.
    let objects = fill(&folder.path().join("objects"), 1_500_000);
    assert_eq!(objects, 0);
}
