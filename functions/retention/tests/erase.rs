//! Requests to delete, until their bytes are gone: what stays, what a killed run leaves, what other
//! tenants notice.

#![cfg(test)]
// As in the binaries: a query is a future in a future in a future.
#![recursion_limit = "256"]

#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../../compact/tests/support/mod.rs"]
mod support;

mod emptied;

use std::pin::Pin;
use std::sync::Arc;

use narvi_engine::{Caller, Engine, Request, Span};
use narvi_gateway::Config;
use narvi_model::answer::QueryResult;
use narvi_model::{Day, Direction, Limits, NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_retention::{Handler, Report, RetentionError};
use narvi_storage::{DeleteRow, Lease, Partition, Progress, Put};

use support::{Kept, Line, Storage, advance, key_of};

/// 2024-01-31T12:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_706_702_400);

const ON: &str = "compactor: {retention_enabled: true}";

const HOUR: i64 = 3600;

/// A run may go on on any thread, as local mode needs it.
type Run<'a> = Pin<Box<dyn Future<Output = Result<Report, RetentionError>> + Send + 'a>>;

fn later(seconds: i64) -> Timestamp {
    NOW.plus(seconds * NANOS_PER_SECOND)
}

fn handler(storage: &Storage, yaml: &str) -> Handler {
    let config = Arc::new(Config::from_yaml(yaml).unwrap());
    Handler::new(storage.objects.clone(), storage.catalog.clone(), config)
}

fn tenant() -> TenantId {
    TenantId::parse("t").unwrap()
}

/// Asks at [`NOW`] for what is between two seconds of 2024-01-30, or of days around it.
async fn ask(storage: &Storage, id: &str, query: &str, (first, last): (i64, i64)) {
    let midnight = later(-36 * HOUR);
    let at = |second| midnight.plus(second * NANOS_PER_SECOND);
    let row = DeleteRow {
        id: id.to_owned(),
        query: query.to_owned(),
        start: at(first),
        end: at(last),
        created: NOW,
        progress: Progress::Received,
    };
    let put = storage.reader.put_delete(&tenant(), &row).await.unwrap();
    assert_eq!(put, Put::Stored);
}

async fn progress(storage: &Storage) -> Vec<Progress> {
    let rows = storage.reader.deletes(&tenant()).await.unwrap();
    rows.into_iter().map(|row| row.progress).collect()
}

/// What a query answers, as `app second text`, sorted.
async fn seen(storage: &Storage) -> Vec<String> {
    let engine = Engine::new(storage.directory.clone(), storage.reader.clone());
    let request = Request {
        tenant: tenant(),
        limits: Limits::default(),
        query: r#"{app=~".+"}"#.to_owned(),
        span: Span::Range {
            start: later(-96 * HOUR),
            end: later(0),
            step: 1,
        },
        direction: Direction::Forward,
        limit: 5000,
        interval: 0,
        now: NOW,
        caller: Caller::default(),
    };
    let QueryResult::Streams(streams) = engine.query(&request).await.unwrap().result else {
        panic!("lines")
    };
    let mut lines = Vec::new();
    for stream in &streams {
        for entry in &stream.entries {
            let second = entry.timestamp.since(later(-36 * HOUR)) / NANOS_PER_SECOND;
            let text = String::from_utf8(entry.line.as_bytes().to_vec()).unwrap();
            let app = stream.labels.get("app").unwrap();
            lines.push(format!("{app} {second} {text}"));
        }
    }
    lines.sort();
    lines
}

const LINES: &[Line<'_>] = &[
    ("a", 10, "x card", ""),
    ("a", 20, "y", ""),
    ("b", 10, "x card", "id"),
    ("b", 30, "z card", ""),
];

const DAY: &str = "t/2024-01-30/0";

#[tokio::test]
async fn lines_go_when_a_request_cannot_be_taken_back() {
    let storage = Storage::new().await;
    for (partition, kept) in [(DAY, Kept::Object), ("u/2024-01-30/0", Kept::Object)] {
        storage.push(partition, NOW, kept, LINES).await;
    }
    let more: &[Line<'_>] = &[("b", 40, "w card", "")];
    storage.push(DAY, NOW, Kept::Inline, more).await;
    ask(&storage, "01", r#"{app=~".+"} |= "card""#, (0, 30)).await;
    let left = ["a 20 y", "b 40 w card"];
    assert_eq!(seen(&storage).await, left);
    let handler = handler(&storage, ON);
    // Not while it can be taken back.
    let report = handler.run(later(24 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.processed), (0, 0));
    assert_eq!(storage.lines(DAY).await.len(), 5);
    let report = handler.run(later(25 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.processed, report.failed), (3, 1, 0));
    let mut lines = storage.lines(DAY).await;
    lines.sort();
    assert_eq!(lines, left);
    assert_eq!(
        progress(&storage).await,
        [Progress::Processed(later(25 * HOUR))]
    );
    // Heeded for a while yet, then among those of the past.
    handler.run(later(25 * HOUR + 1799)).await.unwrap();
    assert_eq!(progress(&storage).await.len(), 1);
    let report = handler.run(later(28 * HOUR)).await.unwrap();
    assert_eq!(progress(&storage).await, []);
    let past = storage.reader.past_deletes(&tenant()).await.unwrap();
    assert_eq!(past[0].progress, Progress::Processed(later(25 * HOUR)));
    assert_eq!(seen(&storage).await, left);
    // The bytes are gone, and nothing of the other tenant's is.
    assert_eq!(report.deleted, 1);
    let keys = storage.keys("t").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    for key in keys {
        let size = storage
            .rows(DAY)
            .await
            .iter()
            .map(|row| row.summary.size)
            .max()
            .unwrap();
        let bytes = storage.directory.get_range(&key, 0..size).await;
        let text = String::from_utf8_lossy(&bytes.unwrap()).into_owned();
        assert!(!text.contains("card"), "{text}");
    }
    assert_eq!(storage.lines("u/2024-01-30/0").await.len(), 4);
}

#[tokio::test]
async fn what_time_alone_decides_is_not_read() {
    let storage = Storage::new().await;
    storage.push(DAY, NOW, Kept::Object, LINES).await;
    storage
        .push("t/2024-01-29/0", NOW, Kept::Object, LINES)
        .await;
    ask(&storage, "01", "{}", (-24 * HOUR, 30)).await;
    let before = storage.requests.count_of("s3.GetObject");
    let report = handler(&storage, ON).run(later(25 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.emptied, report.processed), (8, 2, 1));
    assert_eq!(storage.requests.count_of("s3.GetObject"), before);
    assert!(storage.rows(DAY).await.is_empty());
}

#[tokio::test]
async fn streams_are_forgotten_when_their_day_is_closed() {
    let storage = Storage::new().await;
    let old = "t/2024-01-10/0";
    storage.push(old, NOW, Kept::Object, LINES).await;
    storage.push(DAY, NOW, Kept::Object, LINES).await;
    ask(&storage, "01", r#"{app="a"}"#, (-30 * 24 * HOUR, 30)).await;
    let report = handler(&storage, ON).run(later(25 * HOUR)).await.unwrap();
    // One row goes, and one gets a note.
    assert_eq!((report.erased, report.processed, report.streams), (4, 1, 2));
    for (partition, want) in [(old, 1), (DAY, 2)] {
        let day = partition.parse::<narvi_storage::Partition>().unwrap().day;
        let streams = storage.reader.streams(&tenant(), day).await.unwrap();
        // A push to an open day may count on the rows of its streams.
        assert_eq!(streams.len(), want, "{partition}");
    }
}

#[tokio::test]
async fn only_hidden_where_nothing_is_to_be_erased() {
    let storage = Storage::new().await;
    storage.push(DAY, NOW, Kept::Object, LINES).await;
    ask(&storage, "01", "{}", (0, 30)).await;
    let yaml = format!("{ON}\nlimits_config: {{deletion_mode: filter-only}}");
    let report = handler(&storage, &yaml)
        .run(later(99 * HOUR))
        .await
        .unwrap();
    assert_eq!((report.erased, report.processed), (0, 0));
    assert_eq!(storage.lines(DAY).await.len(), 4);
    assert_eq!(seen(&storage).await, [""; 0]);
}

#[tokio::test]
async fn a_busy_day_is_left_to_the_next_run() {
    let storage = Storage::new().await;
    for day in ["t/2024-01-28/0", "t/2024-01-29/0", DAY] {
        storage.push(day, NOW, Kept::Object, LINES).await;
    }
    ask(&storage, "01", r#"{app="a"} |= "card""#, (-50 * HOUR, 30)).await;
    let name = Lease::name_of(&"t/2024-01-29/0".parse().unwrap());
    let long = std::time::Duration::from_secs(60 * 3600);
    let lease = storage.reader.acquire(&name, "compactor", NOW, long);
    let lease = lease.await.unwrap().unwrap();
    let handler = handler(&storage, ON);
    let report = handler.run(later(25 * HOUR)).await.unwrap();
    // The day behind is done all the same.
    assert_eq!((report.erased, report.processed, report.busy), (2, 0, 1));
    let [left, day] = ["t/2024-01-29/0", DAY].map(day_of);
    let want = Progress::Through {
        day,
        percent: 66,
        left: vec![left],
    };
    assert_eq!(progress(&storage).await, [want]);
    storage.reader.release(&lease).await.unwrap();
    let report = handler.run(later(26 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.processed, report.busy), (1, 1, 0));
    assert_eq!(seen(&storage).await.len(), 9);
}

fn day_of(partition: &str) -> Day {
    partition.parse::<Partition>().unwrap().day
}

#[tokio::test]
async fn a_damaged_segment_does_not_have_all_other_days_done_again() {
    let storage = Storage::new().await;
    let days = ["t/2024-01-27/0", "t/2024-01-28/0", "t/2024-01-29/0", DAY];
    let mut rows = Vec::new();
    for day in days {
        rows.push(storage.push(day, NOW, Kept::Object, LINES).await);
    }
    ask(
        &storage,
        "01",
        r#"{app="a"} |= "nothing""#,
        (-80 * HOUR, 30),
    )
    .await;
    let key = key_of(&rows[1]);
    let size = rows[1].summary.size;
    let whole = storage.directory.get_range(&key, 0..size).await.unwrap();
    let gone = std::slice::from_ref(&key);
    storage.directory.delete(gone).await.unwrap();
    let handler = handler(&storage, ON);
    let report = handler.run(later(25 * HOUR)).await.unwrap();
    assert_eq!((report.stuck, report.processed), (1, 0));
    let want = Progress::Through {
        day: day_of(DAY),
        percent: 75,
        left: vec![day_of(days[1])],
    };
    assert_eq!(progress(&storage).await, std::slice::from_ref(&want));
    // Lines of a segment that comes back are still named, and nothing else is read again.
    let before = storage.requests.count_of("s3.GetObject");
    let report = handler.run(later(26 * HOUR)).await.unwrap();
    assert_eq!((report.stuck, report.processed), (1, 0));
    assert_eq!(storage.requests.count_of("s3.GetObject"), before + 1);
    assert_eq!(progress(&storage).await, [want]);
    storage.directory.put(&key, whole).await.unwrap();
    let report = handler.run(later(27 * HOUR)).await.unwrap();
    assert_eq!((report.stuck, report.processed), (0, 1));
    assert_eq!(storage.requests.count_of("s3.GetObject"), before + 2);
}

#[tokio::test]
async fn a_day_that_is_left_and_then_forgotten_keeps_no_request() {
    let storage = Storage::new().await;
    storage.push(DAY, NOW, Kept::Object, LINES).await;
    ask(&storage, "01", r#"{app="a"} |= "card""#, (0, 30)).await;
    let left = Progress::Through {
        day: day_of(DAY),
        percent: 50,
        left: vec![day_of("t/2024-01-20/0")],
    };
    let tenant = tenant();
    let there = storage.reader.advance_delete(&tenant, "01", &left);
    assert!(there.await.unwrap());
    let report = handler(&storage, ON).run(later(25 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.processed), (0, 1));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_holds_up_no_other() {
    let storage = Storage::new().await;
    storage.push(DAY, NOW, Kept::Object, LINES).await;
    ask(&storage, "01", "no query", (0, 30)).await;
    ask(&storage, "02", r#"{app="a"} |= "card""#, (0, 30)).await;
    let report = handler(&storage, ON).run(later(25 * HOUR)).await.unwrap();
    assert_eq!((report.erased, report.processed, report.failed), (1, 1, 1));
    let done = [Progress::Received, Progress::Processed(later(25 * HOUR))];
    assert_eq!(progress(&storage).await, done);
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        storage.push(DAY, NOW, Kept::Object, LINES).await;
        storage
            .push("t/2024-01-29/0", NOW, Kept::Inline, LINES)
            .await;
        ask(&storage, "01", r#"{app="b"} |= "card""#, (-24 * HOUR, 30)).await;
        let first = handler(&storage, ON).with_owner("a");
        let mut run: Run<'_> = Box::pin(first.run(later(25 * HOUR)));
        let ended = advance(&mut run, &storage.requests, count).await.is_some();
        drop(run);
        let left = ["a -86380 y", "a -86390 x card", "a 10 x card", "a 20 y"];
        assert_eq!(seen(&storage).await, left, "killed after {count} requests");
        let second = handler(&storage, ON).with_owner("b");
        let report = second.run(later(26 * HOUR)).await.unwrap();
        assert_eq!(
            (report.failed, report.busy),
            (0, 0),
            "after {count} requests"
        );
        let done = progress(&storage).await;
        // Of a run that came to its end but for the sweep the request is one of the past by now.
        assert!(
            matches!(done[..], [Progress::Processed(_)] | []),
            "{count}: {done:?}"
        );
        assert_eq!(storage.lines(DAY).await, ["a 10 x card", "a 20 y"]);
        second.run(later(60 * HOUR)).await.unwrap();
        // What was written for a commit that never came is the sweep's to find.
        let keys = storage.keys("t").await.len();
        assert!((2..=3).contains(&keys), "{keys} after {count} requests");
        assert!(storage.garbage().await.is_empty());
        assert_eq!(seen(&storage).await, left, "killed after {count} requests");
        if ended {
            break;
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A request as a model has it: app (any where empty), text, first and last second.
type Named = (&'static str, &'static str, i64, i64);

fn is_named((app, text, first, last): &Named, line: &(String, i64, String)) -> bool {
    (app.is_empty() || line.0 == *app)
        && line.2.contains(text)
        && (*first..=*last).contains(&line.1)
}

#[tokio::test]
async fn whatever_is_asked_is_hidden_first_and_gone_then() {
    for seed in 1..=12_u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let storage = Storage::new().await;
        let mut all = Vec::new();
        for _ in 0..=numbers.below(4) {
            let kept = [Kept::Inline, Kept::Object][numbers.below(2) as usize];
            let mut lines: Vec<(String, i64, String)> = Vec::new();
            for _ in 0..=numbers.below(30) {
                let app = ["a", "b", "c"][numbers.below(3) as usize].to_owned();
                let text = ["card paid", "order", "card"][numbers.below(3) as usize];
                let line = (app, numbers.below(100) as i64, text.to_owned());
                if !all.contains(&line) && !lines.contains(&line) {
                    lines.push(line);
                }
            }
            let pushed: Vec<Line<'_>> = lines
                .iter()
                .map(|(app, second, text)| (app.as_str(), *second, text.as_str(), ""))
                .collect();
            if !pushed.is_empty() {
                storage.push(DAY, NOW, kept, &pushed).await;
            }
            all.extend(lines);
        }
        let mut named: Vec<Named> = Vec::new();
        for id in 0..=numbers.below(4) {
            let app = ["", "a", "b", "c"][numbers.below(4) as usize];
            let text = ["", "card", "paid"][numbers.below(3) as usize];
            let first = numbers.below(100) as i64;
            let last = first + 1 + numbers.below(60) as i64;
            let selector = match app {
                "" => "{}".to_owned(),
                app => format!("{{app=\"{app}\"}}"),
            };
            let query = match text {
                "" => selector,
                text => format!("{selector} |= `{text}`"),
            };
            ask(&storage, &id.to_string(), &query, (first, last)).await;
            named.push((app, text, first, last));
        }
        let left = all
            .iter()
            .filter(|line| !named.iter().any(|one| is_named(one, line)));
        let left = left.map(|(app, second, text)| format!("{app} {second} {text}"));
        let mut left: Vec<String> = left.collect();
        left.sort();
        assert_eq!(seen(&storage).await, left, "seed {seed}: {named:?}");
        let handler = handler(&storage, ON);
        let report = handler.run(later(25 * HOUR)).await.unwrap();
        assert_eq!(report.processed, named.len() as u64);
        assert_eq!(report.erased, (all.len() - left.len()) as u64);
        handler.run(later(26 * HOUR)).await.unwrap();
        assert_eq!(progress(&storage).await, []);
        assert_eq!(seen(&storage).await, left, "seed {seed}: {named:?}");
        let mut lines = storage.lines(DAY).await;
        lines.sort();
        assert_eq!(lines, left, "seed {seed}: {named:?}");
    }
}
