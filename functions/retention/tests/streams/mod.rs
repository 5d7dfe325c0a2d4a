//! Retention by stream: what goes when, what it costs, a run that is killed at each request, and
//! many days of pushes, merges and runs against a model.

use std::collections::BTreeMap;

use narvi_model::{Day, NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};
use narvi_retention::Report;
use narvi_storage::Partition;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

use crate::support::{Kept, Line, Storage, advance};
use crate::{NOW, Run, config, handler, later};

/// Streams of `dev` are kept for a day, those of `web` for three, all others for ten.
const RULES: &str = r#"compactor: {retention_enabled: true}
limits_config:
  retention_period: 10d
  retention_stream:
    - {selector: '{app="dev"}', priority: 1, period: 24h}
    - {selector: '{app=~"web|dev"}', period: 72h}
overrides: {keeps: {retention_period: 0s, retention_stream: []}}
"#;

const MIXED: &[Line<'_>] = &[
    ("dev", 5, "x", ""),
    ("web", 6, "y", "t"),
    ("api", 7, "z", ""),
];

async fn run(storage: &Storage, now: Timestamp) -> Report {
    let report = handler(storage, RULES).run(now).await.unwrap();
    assert_eq!((report.failed, report.busy, report.put_off), (0, 0, 0));
    report
}

async fn lines(storage: &Storage, partition: &str) -> Vec<String> {
    let mut lines = storage.lines(partition).await;
    lines.sort();
    lines
}

async fn labels(storage: &Storage, partition: &str) -> Vec<String> {
    let Partition { tenant, day, .. } = partition.parse().unwrap();
    let streams = storage.reader.streams(&tenant, day).await.unwrap();
    let mut apps: Vec<_> = streams
        .iter()
        .map(|stream| stream.labels.get("app").unwrap().to_owned())
        .collect();
    apps.sort();
    apps
}

#[tokio::test]
async fn streams_go_when_their_period_is_over_for_the_whole_day() {
    let storage = Storage::new().await;
    let (day, other) = ("t/2024-01-30/0", "keeps/2024-01-30/0");
    for partition in [day, other] {
        storage.push(partition, NOW, Kept::Object, MIXED).await;
        storage
            .push(partition, NOW, Kept::Inline, &MIXED[..1])
            .await;
        storage
            .push(partition, NOW, Kept::Object, &MIXED[2..])
            .await;
    }
    let end = Day::parse("2024-01-30").unwrap().end();
    let at = |hours: i64| end.plus(hours * 3600 * NANOS_PER_SECOND);
    for (hours, emptied, rewritten, left) in [
        (
            23,
            0,
            0,
            vec!["api 7 z", "api 7 z", "dev 5 x", "dev 5 x", "web 6 y t"],
        ),
        (24, 1, 1, vec!["api 7 z", "api 7 z", "web 6 y t"]),
        (25, 0, 0, vec!["api 7 z", "api 7 z", "web 6 y t"]),
        (71, 0, 0, vec!["api 7 z", "api 7 z", "web 6 y t"]),
        (72, 0, 1, vec!["api 7 z", "api 7 z"]),
        (8 * 24, 0, 0, vec!["api 7 z", "api 7 z"]),
        (10 * 24, 0, 0, vec![]),
    ] {
        let report = run(&storage, at(hours)).await;
        assert_eq!(
            (report.emptied, report.rewritten),
            (emptied, rewritten),
            "{hours}"
        );
        assert_eq!(lines(&storage, day).await, left, "{hours}");
        // Streams are listed until the day takes no more lines of them.
        let want = match hours {
            ..192 => 3,
            192..240 => 1,
            _ => 0,
        };
        assert_eq!(labels(&storage, day).await.len(), want, "{hours}");
        assert_eq!(lines(&storage, other).await.len(), 5);
        assert_eq!(labels(&storage, other).await.len(), 3);
    }
    run(&storage, at(11 * 24)).await;
    let partitions = storage.reader.partitions().await.unwrap();
    assert_eq!(partitions.len(), 1, "the day is forgotten");
}

/// Requests of a run beyond those that each run has, by their names.
async fn cost(storage: &Storage, now: Timestamp) -> BTreeMap<String, u64> {
    let names = [
        "dynamodb.Query",
        "dynamodb.UpdateItem",
        "dynamodb.BatchWriteItem",
        "dynamodb.TransactWriteItems",
        "s3.GetObject",
        "s3.PutObject",
    ];
    let count = |name: &str| storage.requests.count_of(name);
    let before = names.map(count);
    run(storage, now).await;
    let spent = names.iter().zip(before);
    let mut spent: BTreeMap<_, _> = spent
        .map(|(name, before)| ((*name).to_owned(), count(name) - before))
        .collect();
    // The lists of garbage, of partitions and of tenants with requests to delete, and how far the
    // sweep is.
    *spent.get_mut("dynamodb.Query").unwrap() -= 4;
    spent.retain(|_, count| *count > 0);
    spent
}

fn spent(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

#[tokio::test]
async fn days_of_which_nothing_expires_cost_nothing() {
    let storage = Storage::new().await;
    // Noon of the 31st: dev of the 29th is expired, web not before the 27th.
    for day in 20..=31 {
        let lines = if day == 29 { MIXED } else { &MIXED[1..] };
        storage
            .push(&format!("t/2024-01-{day}/0"), NOW, Kept::Object, lines)
            .await;
        storage
            .push(&format!("keeps/2024-01-{day}/0"), NOW, Kept::Object, MIXED)
            .await;
    }
    run(&storage, NOW).await;
    // Every day is marked, and looked at no more. The day that loses its rows one after the other
    // is, each hour, as without rules.
    assert_eq!(
        cost(&storage, later(3600)).await,
        spent(&[("dynamodb.Query", 2)])
    );
    // Tomorrow more is expired, and days that may have taken late lines are looked at once, rows
    // and streams. Of all of them only the 28th has a stream that goes. Of two days rows of streams
    // go, and with those that are packed, for which they are looked at again.
    let tomorrow = cost(&storage, later(86_400)).await;
    let want = spent(&[
        ("dynamodb.BatchWriteItem", 17),
        ("dynamodb.Query", 41),
        ("dynamodb.TransactWriteItems", 1),
        ("dynamodb.UpdateItem", 22),
        ("s3.GetObject", 1),
        ("s3.PutObject", 1),
    ]);
    assert_eq!(tomorrow, want);
    // An hour later none is.
    assert_eq!(
        cost(&storage, later(90_000)).await,
        spent(&[("dynamodb.Query", 2)])
    );
}

#[tokio::test]
async fn a_rewrite_costs_what_it_must() {
    let storage = Storage::new().await;
    let day = "t/2024-01-29/0";
    storage.push(day, NOW, Kept::Object, MIXED).await;
    storage.push(day, NOW, Kept::Object, &MIXED[1..]).await;
    run(&storage, later(-13 * 3600)).await;
    // Rows and streams, once to look and once under the lease; of S3 only what holds the stream.
    let want = spent(&[
        ("dynamodb.BatchWriteItem", 2),
        ("dynamodb.Query", 4),
        ("dynamodb.TransactWriteItems", 1),
        ("dynamodb.UpdateItem", 3),
        ("s3.GetObject", 1),
        ("s3.PutObject", 1),
    ]);
    assert_eq!(cost(&storage, NOW).await, want);
    assert_eq!(cost(&storage, later(3600)).await, spent(&[]));
}

#[tokio::test]
async fn late_lines_go_the_next_day() {
    let storage = Storage::new().await;
    let day = "t/2024-01-29/0";
    storage.push(day, NOW, Kept::Object, MIXED).await;
    run(&storage, NOW).await;
    assert_eq!(lines(&storage, day).await.len(), 2);
    // A container that has written the rows of streams before writes only that of its segment.
    let late = &[("dev", 9, "late", ""), ("api", 9, "late", "")];
    let mut row = storage
        .push("x/2024-01-29/0", NOW, Kept::Inline, late)
        .await;
    row.partition = day.parse().unwrap();
    row.created = later(60);
    storage.reader.put_segment(&row).await.unwrap();
    // The id is of another tenant, so the bytes are refused.
    let report = run(&storage, later(86_400)).await;
    assert_eq!(report.stuck, 1);
    let own: &[Line<'_>] = &[("dev", 10, "late", ""), ("api", 10, "late", "")];
    storage.push(day, later(60), Kept::Inline, own).await;
    let report = run(&storage, later(2 * 86_400)).await;
    assert_eq!((report.rewritten, report.stuck), (2, 1));
    assert!(
        !lines(&storage, day)
            .await
            .contains(&"dev 10 late".to_owned())
    );
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        let day = "t/2024-01-20/0";
        storage.push(day, NOW, Kept::Object, MIXED).await;
        storage.push(day, NOW, Kept::Inline, &MIXED[..2]).await;
        let rules = &RULES.replace("10d", "20d");
        let first = handler(&storage, rules).with_owner("a");
        let mut run: Run<'_> = Box::pin(first.run(NOW));
        let ended = advance(&mut run, &storage.requests, count).await.is_some();
        drop(run);
        let seen = lines(&storage, day).await;
        assert!(
            seen.contains(&"api 7 z".to_owned()),
            "killed after {count} requests"
        );
        let second = handler(&storage, rules).with_owner("b");
        let report = second.run(later(601)).await.unwrap();
        assert_eq!(
            (report.failed, report.busy, report.stuck),
            (0, 0, 0),
            "{count}"
        );
        assert_eq!(
            lines(&storage, day).await,
            ["api 7 z"],
            "killed after {count} requests"
        );
        assert_eq!(
            labels(&storage, day).await,
            ["api"],
            "killed after {count} requests"
        );
        // Then nothing is left to do.
        let third = second.run(later(1202)).await.unwrap();
        assert_eq!((third.rewritten, third.emptied, third.streams), (0, 0, 0));
        assert_eq!(storage.rows(day).await.len(), 1);
        if ended {
            break;
        }
    }
}

/// A push: hours after the first, days back of its lines, apps, kept how.
type Push = (i64, i64, Vec<u8>, bool);

const APPS: [&str; 4] = ["dev", "web", "api", "db"];

/// Days for which lines of each app are kept, as rules and as a table.
fn rules(days: [i64; 4]) -> String {
    let rules = APPS[..3]
        .iter()
        .zip(days)
        .map(|(app, days)| format!("{{selector: '{{app=\"{app}\"}}', period: {days}d}}"));
    let rules: Vec<_> = rules.collect();
    format!(
        "compactor: {{retention_enabled: true}}\n\
         limits_config: {{retention_period: {}d, retention_stream: [{}]}}\n\
         overrides: {{keeps: {{retention_period: 0s, retention_stream: []}}}}\n",
        days[3],
        rules.join(", ")
    )
}

/// When a line must still be there, and when it must be gone.
struct Bounds {
    kept_until: Timestamp,
    gone_from: Timestamp,
}

async fn play(days: [i64; 4], pushes: &[Push]) {
    const STEP: i64 = 6;
    let hours = |hours: i64| hours * 3600 * NANOS_PER_SECOND;
    let storage = Storage::new().await;
    let yaml = rules(days);
    let mut model: BTreeMap<(String, String), Bounds> = BTreeMap::new();
    let last = pushes.iter().map(|push| push.0).max().unwrap_or(0);
    let compactor = narvi_compact::Handler::new(
        storage.objects.clone(),
        storage.catalog.clone(),
        config(&yaml),
    );
    for hour in (0..last + 24 * 16).step_by(STEP as usize) {
        let now = NOW.plus(hours(hour));
        for (number, (_, back, apps, is_inline)) in pushes
            .iter()
            .enumerate()
            .filter(|(_, push)| push.0 / STEP == hour / STEP)
        {
            let time = now.minus(back * NANOS_PER_DAY);
            let day = Day::of(time);
            let second = time.since(day.start()) / NANOS_PER_SECOND;
            let text = format!("push{number}");
            for tenant in ["t", "keeps"] {
                let lines: Vec<Line<'_>> = apps
                    .iter()
                    .map(|app| (APPS[usize::from(*app)], second, text.as_str(), ""))
                    .collect();
                let kept = if *is_inline {
                    Kept::Inline
                } else {
                    Kept::Object
                };
                let partition = format!("{tenant}/{day}/0");
                storage.push(&partition, now, kept, &lines).await;
                for app in apps {
                    let app = usize::from(*app);
                    let period = days[app] * NANOS_PER_DAY;
                    let gone = day.end().plus(period).max(now.plus(NANOS_PER_DAY));
                    let bounds = match tenant {
                        "t" => Bounds {
                            kept_until: time.plus(period),
                            gone_from: gone.plus(hours(STEP)),
                        },
                        _ => Bounds {
                            kept_until: Timestamp::MAX,
                            gone_from: Timestamp::MAX,
                        },
                    };
                    let line = format!("{} {second} {text}", APPS[app]);
                    model.insert((partition.clone(), line), bounds);
                }
            }
        }
        let ran = handler(&storage, &yaml).run(now).await.unwrap();
        assert_eq!((ran.failed, ran.stuck, ran.busy, ran.kept), (0, 0, 0, 0));
        let ran = compactor.run(now).await.unwrap();
        assert_eq!((ran.failed, ran.corrupt.len()), (0, 0));
        check(&storage, &model, now).await;
    }
    // Of the tenant that keeps nothing for ever, nothing is left.
    assert_eq!(storage.keys("t").await, [""; 0]);
    let partitions = storage.reader.partitions().await.unwrap();
    assert!(
        partitions
            .iter()
            .all(|partition| partition.tenant.as_str() == "keeps")
    );
}

/// Holds what a reader sees to the model.
async fn check(storage: &Storage, model: &BTreeMap<(String, String), Bounds>, now: Timestamp) {
    let mut seen: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (partition, _) in model.keys() {
        if !seen.contains_key(partition.as_str()) {
            seen.insert(partition, storage.lines(partition).await);
        }
    }
    for ((partition, line), bounds) in model {
        let is_there = seen[partition.as_str()].contains(line);
        assert!(
            is_there || bounds.kept_until < now,
            "{line} of {partition} went early"
        );
        assert!(
            !is_there || now < bounds.gone_from,
            "{line} of {partition} is there for ever"
        );
    }
}

#[test]
fn what_is_answered_is_what_the_rules_say() {
    let push = (
        0..72_i64,
        0..6_i64,
        prop::collection::vec(0..4_u8, 1..4),
        any::<bool>(),
    );
    let cases = (
        prop::array::uniform4(1..6_i64),
        prop::collection::vec(push, 1..9),
    );
    let mut runner = TestRunner::new(Cases {
        cases: 6,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Cases::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let played = runner.run(&cases, |(days, pushes)| {
        runtime.block_on(play(days, &pushes));
        Ok(())
    });
    played.unwrap();
}
