//! Runs of the schedule over a scripted time: what is evaluated, kept and sent.

#[cfg(test)]
mod support;

use support::{Fixture, at};

const ONE: &str = "ruler: {alertmanager_url: 'http://one'}";
const TWO: &str = "ruler: {alertmanager_url: 'http://one, http://two'}";

/// A group of two rules; `Slow` fires after two minutes.
const GROUP: &str = r#"
name: g
rules:
  - {alert: Slow, expr: "vector(1) > 0", for: 2m}
  - {record: r, expr: "vector(3)"}
  - {alert: Fast, expr: "vector(2) > 0"}
"#;

const SLOW: &str = "vector(1) > 0";
const FAST: &str = "vector(2) > 0";

#[tokio::test]
async fn alerts_live_over_runs_and_containers() {
    let mut narvi = Fixture::new(ONE).await;
    narvi.post("t", "ns", GROUP).await;
    for (minute, slow, fast, want) in [
        (0, &[][..], &[][..], &[][..]),
        (1, &["a"], &[], &[]),
        (2, &["a"], &["b"], &["t Fast/b 10:02-10:06"]),
        (
            3,
            &["a", "c"],
            &[],
            &["t Fast/b 10:02-10:03", "t Slow/a 10:03-10:07"],
        ),
        (
            4,
            &["a"],
            &[],
            &["t Fast/b 10:02-10:03", "t Slow/a 10:03-10:08"],
        ),
        (
            5,
            &[],
            &[],
            &["t Fast/b 10:02-10:03", "t Slow/a 10:03-10:05"],
        ),
    ] {
        narvi.script.set(SLOW, Ok(slow));
        narvi.script.set(FAST, Ok(fast));
        let report = narvi.run(minute).await;
        assert_eq!((report.groups, report.failed_rules), (1, 0));
        assert_eq!(report.sent, want.len(), "minute {minute}");
        assert_eq!(narvi.recorder.take(), want, "minute {minute}");
        // The same run again, and one that comes late: nothing is due.
        for again in [at(minute), at(minute).plus(59_000_000_000)] {
            assert_eq!(narvi.handler.run(again).await.unwrap().groups, 0);
        }
        assert!(narvi.recorder.take().is_empty());
        narvi.restart();
    }
    let state = narvi.state("t", "ns", "g").await;
    assert_eq!(state["version"], 1);
    assert_eq!(state["rules"][0]["alerts"][0]["phase"], "resolved");
    assert_eq!(state["rules"][1]["health"], "unknown");
    let error = state["rules"][1]["last_error"].as_str().unwrap();
    assert!(
        error.starts_with("recording rules are not evaluated"),
        "{error}"
    );
}

#[tokio::test]
async fn a_rule_that_fails_stops_no_other() {
    let narvi = Fixture::new(ONE).await;
    narvi.post("t", "ns", GROUP).await;
    narvi.script.set(SLOW, Ok(&["a"]));
    narvi.run(0).await;
    narvi.script.set(SLOW, Err("broken"));
    narvi.script.set(FAST, Ok(&["b"]));
    let report = narvi.run(1).await;
    assert_eq!((report.failed_rules, report.sent), (1, 1));
    let state = narvi.state("t", "ns", "g").await;
    let slow = &state["rules"][0];
    assert_eq!(
        (&slow["health"], &slow["last_error"]),
        (&"err".into(), &"broken".into())
    );
    assert_eq!(slow["alerts"][0]["phase"], "pending");
    assert_eq!(state["rules"][2]["health"], "ok");
    // It counts on from where it was.
    narvi.script.set(SLOW, Ok(&["a"]));
    assert_eq!(narvi.run(2).await.firing, 2);
    assert_eq!(
        narvi.state("t", "ns", "g").await["rules"][0]["health"],
        "ok"
    );
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again() {
    let mut narvi = Fixture::new(TWO).await;
    narvi.post("t", "ns", GROUP).await;
    narvi.script.set(FAST, Ok(&["b"]));
    *narvi.recorder.down.lock().unwrap() = vec!["one", "two"];
    let report = narvi.run(0).await;
    assert_eq!((report.firing, report.sent, report.unsent), (1, 0, 1));
    narvi.restart();
    *narvi.recorder.down.lock().unwrap() = vec!["two"];
    assert_eq!(narvi.run(1).await.unsent, 1);
    assert_eq!(narvi.recorder.take(), ["t Fast/b 10:00-10:05"]);
    // It is over before the second has heard of it: both learn of the end.
    narvi.script.set(FAST, Ok(&[]));
    narvi.recorder.down.lock().unwrap().clear();
    narvi.restart();
    assert_eq!(narvi.run(2).await.sent, 1);
    assert_eq!(narvi.recorder.take(), ["t Fast/b 10:00-10:02"; 2]);
}

#[tokio::test]
async fn for_counts_on_while_alertmanager_is_down() {
    let narvi = Fixture::new(ONE).await;
    narvi.post("t", "ns", GROUP).await;
    narvi.script.set(SLOW, Ok(&["a"]));
    narvi.script.set(FAST, Ok(&["b"]));
    *narvi.recorder.down.lock().unwrap() = vec!["one"];
    for minute in 0..3 {
        narvi.run(minute).await;
    }
    narvi.recorder.down.lock().unwrap().clear();
    narvi.run(3).await;
    let want = ["t Fast/b 10:00-10:07", "t Slow/a 10:02-10:07"];
    assert_eq!(narvi.recorder.take(), want);
}

#[tokio::test]
async fn tenants_never_meet_and_intervals_differ() {
    let narvi = Fixture::new(ONE).await;
    narvi.script.set(FAST, Ok(&["b"]));
    narvi.post("t", "ns", GROUP).await;
    narvi.post("u", "ns", &format!("interval: 5m{GROUP}")).await;
    let groups = async |minute| narvi.run(minute).await.groups;
    assert_eq!(groups(1).await, 2);
    let want = ["t Fast/b 10:01-10:05", "u Fast/b 10:01-10:21"];
    assert_eq!(narvi.recorder.take(), want);
    for (minute, want) in [(2, 1), (4, 1), (5, 2), (6, 1), (11, 2)] {
        assert_eq!(groups(minute).await, want, "minute {minute}");
    }
}

#[tokio::test]
async fn requests_hold_256_alerts() {
    let narvi = Fixture::new(TWO).await;
    narvi.post("t", "ns", GROUP).await;
    let apps: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let apps: Vec<&str> = apps.iter().map(String::as_str).collect();
    narvi.script.set(FAST, Ok(&apps));
    assert_eq!(narvi.run(0).await.sent, 300);
    let taken = narvi.recorder.taken.lock().unwrap().clone();
    for host in ["http://one/api/v2/alerts", "http://two/api/v2/alerts"] {
        let own = taken.iter().filter(|taken| taken.url == host);
        let mut sizes: Vec<_> = own.map(|taken| taken.alerts.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [44, 256], "{host}");
    }
}

#[tokio::test]
async fn without_alertmanager_states_are_kept() {
    let narvi = Fixture::new("").await;
    narvi.post("t", "ns", GROUP).await;
    narvi.script.set(FAST, Ok(&["b"]));
    let report = narvi.run(0).await;
    assert_eq!((report.firing, report.sent, report.unsent), (1, 0, 0));
    let text =
        "1 groups evaluated, 0 rules failed, 0 incomplete, 1 alerts firing, 0 sent, 0 not sent";
    assert_eq!(report.to_string(), text);
}

#[tokio::test]
async fn a_state_that_cannot_be_read_starts_anew() {
    let narvi = Fixture::new(ONE).await;
    narvi.post("t", "ns", GROUP).await;
    let tenant = narvi_model::TenantId::parse("t").unwrap();
    let put = narvi.catalog.put_alert_state(&tenant, "ns", "g", "{");
    put.await.unwrap();
    narvi.script.set(FAST, Ok(&["b"]));
    assert_eq!(narvi.run(0).await.sent, 1);
}
