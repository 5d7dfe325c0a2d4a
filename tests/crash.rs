//! `kill -9` in the middle of pushes, compaction and retention, with a reader beside them: all the
//! time, and after a restart, every acknowledged line is there once, and every other line at most
//! once.
#![cfg(test)]

use std::path::Path;
use std::sync::mpsc::{Sender, channel};

use narvi_tests::client::{Ask, Client};
use narvi_tests::host::{Narvi, counted};
use narvi_tests::lines::{CONFIG, Ledger, count, stored, try_stored};
use narvi_tests::push::{Entry, Push};
use narvi_tests::{noise, now};

const WRITERS: usize = 4;
/// Pushes that are acknowledged before the kill; enough for a merge in each round.
const PUSHES: usize = 150;
const ROUNDS: usize = 6;
/// Bytes of a line that no row takes.
const LARGE: usize = 12_000;

/// Pushes until the server is gone: one or three lines each, every seventh push too large for a
/// row.
fn write_until_killed(client: &Client, name: &str, ledger: &Ledger, acknowledged: &Sender<()>) {
    for n in 0_i64.. {
        let padding = if n % 7 == 0 {
            noise::text(n as u64, LARGE)
        } else {
            String::new()
        };
        let count = if n % 2 == 0 { 1 } else { 3 };
        let lines: Vec<String> = (0..count)
            .map(|k| format!("{name}/{n}/{k} {padding}"))
            .collect();
        let time = now();
        let entries = lines.iter().enumerate();
        let entries = entries.map(|(k, line)| Entry::new(time + k as i64, line.as_str()));
        let body = Push::of(&[("app", "crash")], entries.collect()).protobuf();
        ledger.send(&lines);
        match client.try_ask(&body.ask()) {
            Ok(answer) if answer.status == 204 => ledger.acknowledge(&lines),
            Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
            Err(_) => return,
        }
        // The killer stops to listen when it has heard enough.
        let _ = acknowledged.send(());
    }
}

/// Pushes from all writers, merges, drops and reads beside them, and kills in the middle. How many
/// merges were told of.
fn round(narvi: Narvi, name: &str, ledger: &Ledger) -> u64 {
    let (acknowledged, heard) = channel();
    let client = narvi.client().clone();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (client, acknowledged) = (client.clone(), acknowledged.clone());
            let name = format!("{name}/{writer}");
            scope.spawn(move || write_until_killed(&client, &name, ledger, &acknowledged));
        }
        drop(acknowledged);
        let jobs = ["compact", "retention"].map(|job| {
            let client = client.clone();
            scope.spawn(move || run_until_killed(&client, job))
        });
        let reader = client.clone();
        scope.spawn(move || read_until_killed(&reader, ledger));
        for _ in 0..PUSHES {
            heard.recv().expect("writers go on until the kill");
        }
        narvi.kill();
        jobs.into_iter().map(|job| job.join().unwrap()).sum()
    })
}

/// Runs a job again and again; how many merges its reports tell of.
fn run_until_killed(client: &Client, job: &str) -> u64 {
    let path = format!("/narvi/run/{job}");
    let ask = Ask {
        method: "POST",
        path: &path,
        ..Ask::default()
    };
    let mut merges = 0;
    while let Ok(answer) = client.try_ask(&ask) {
        let report = answer.text();
        assert_eq!(answer.status, 200, "{job}: {report}");
        merges += counted(&report, "merges").unwrap_or(0);
    }
    merges
}

/// At no moment is an acknowledged line missing, or any there twice.
fn read_until_killed(client: &Client, ledger: &Ledger) {
    loop {
        let before = ledger.acknowledged();
        let Some(found) = try_stored(client, "{app=\"crash\"}") else {
            return;
        };
        ledger.check(&before, &found);
    }
}

#[track_caller]
fn check(narvi: &Narvi, ledger: &Ledger) {
    let found = stored(narvi.client(), "{app=\"crash\"}");
    ledger.check(&ledger.acknowledged(), &found);
    assert_eq!(count(narvi.client(), "{app=\"crash\"}"), found.len() as f64);
}

fn start(data: &Path) -> Narvi {
    Narvi::start_with(data, CONFIG)
}

#[test]
fn what_was_acknowledged_outlives_kills() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ledger = Ledger::default();
    let mut merges = 0;
    for number in 0..ROUNDS {
        merges += round(start(&data), &number.to_string(), &ledger);
        let narvi = start(&data);
        check(&narvi, &ledger);
        merges += narvi.compact();
        drop(narvi.run("retention"));
        check(&narvi, &ledger);
        if number % 2 == 0 {
            assert!(narvi.stop().success());
        }
    }
    let (acknowledged, sent) = (ledger.acknowledged().len(), ledger.sent());
    eprintln!("{acknowledged} of {sent} lines acknowledged, {merges} merges");
    assert!(merges > 0, "nothing was merged");
    assert!(acknowledged >= ROUNDS * PUSHES);
}

#[test]
fn a_stop_is_graceful() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ledger = Ledger::default();
    let narvi = start(&data);
    let client = narvi.client().clone();
    let (acknowledged, heard) = channel();
    let status = std::thread::scope(|scope| {
        let writer = || write_until_killed(&client, "stop", &ledger, &acknowledged);
        scope.spawn(writer);
        for _ in 0..10 {
            heard.recv().unwrap();
        }
        narvi.stop()
    });
    assert!(status.success(), "{status}");
    check(&start(&data), &ledger);
}
