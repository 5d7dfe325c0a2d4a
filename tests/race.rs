//! Readers beside pushes and compaction: at no moment is an acknowledged line missing, or any line
//! there twice, in lines and in counts.
#![cfg(test)]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use narvi_tests::client::Client;
use narvi_tests::host::Narvi;
use narvi_tests::lines::{CONFIG, Ledger, count, stored};
use narvi_tests::push::{Entry, Push};
use narvi_tests::{noise, now};

const WRITERS: usize = 3;
/// Pushes of each writer; 64 in a partition are enough for a merge.
const PUSHES: usize = 150;
const STREAMS: usize = 3;
/// Bytes of a line that no row takes.
const LARGE: usize = 12_000;

fn write(client: &Client, writer: usize, ledger: &Ledger) {
    for n in 0..PUSHES {
        let stream = format!("s{}", n % STREAMS);
        // Every tenth push is too large for its row.
        let padding = if n % 10 == 0 {
            noise::text(n as u64, LARGE)
        } else {
            String::new()
        };
        let line = [format!("{writer}/{n} {padding}")];
        let labels = [("app", "race"), ("stream", stream.as_str())];
        let push = Push::of(&labels, vec![Entry::new(now(), line[0].as_str())]).protobuf();
        ledger.send(&line);
        let answer = client.ask(&push.ask());
        assert_eq!(answer.status, 204, "{}", answer.text());
        ledger.acknowledge(&line);
    }
}

/// One question for lines and one for a number.
fn read(client: &Client, ledger: &Ledger) {
    let before = ledger.acknowledged();
    let found = stored(client, "{app=\"race\"}");
    ledger.check(&before, &found);
    let before = ledger.acknowledged().len() as f64;
    let counted = count(client, "{app=\"race\"}");
    let after = ledger.sent() as f64;
    let is_between = before <= counted && counted <= after;
    assert!(
        is_between,
        "{counted} lines counted, want {before} to {after}"
    );
}

#[test]
fn readers_see_every_line_once_while_segments_move() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let client = narvi.client();
    let ledger = Ledger::default();
    let writing = AtomicUsize::new(WRITERS);
    let compacting = AtomicBool::new(true);
    let (merges, reads) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (ledger, writing) = (&ledger, &writing);
            scope.spawn(move || {
                let _done = Done(|| _ = writing.fetch_sub(1, Ordering::SeqCst));
                write(client, writer, ledger);
            });
        }
        scope.spawn(|| {
            let _done = Done(|| compacting.store(false, Ordering::SeqCst));
            while writing.load(Ordering::SeqCst) > 0 {
                merges.fetch_add(narvi.compact(), Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            while compacting.load(Ordering::SeqCst) {
                read(client, &ledger);
                reads.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    read(client, &ledger);
    let (merges, reads) = (merges.into_inner(), reads.into_inner());
    eprintln!("{} lines, {merges} merges, {reads} reads", ledger.sent());
    assert!(merges > 0 && reads > 0, "{merges} merges, {reads} reads");
    assert_eq!(ledger.sent(), WRITERS * PUSHES);
}

/// Runs at the end of a scope, also where the scope fails, so that no other thread waits for ever.
struct Done<F: Fn()>(F);

impl<F: Fn()> Drop for Done<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
