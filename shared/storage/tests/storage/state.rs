//! Garbage, partitions that go, rules and alert states.

use bytes::Bytes;
use narvi_storage::{ErrorKind, Garbage, Place, RuleGroupRow, SegmentRow, StreamRow};

use crate::support::{catalog, day, partition, segment, stream, tenant};

#[tokio::test]
async fn removed_objects_become_garbage() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let mut rows: Vec<SegmentRow> = (0..60).map(|n| segment(&p, n, 0, 9)).collect();
    rows[0].place = Place::Inline(Bytes::from_static(b"inline"));
    for row in &rows {
        catalog.put_segment(row).await.unwrap();
    }
    let due = day().end();
    catalog.remove_segments(&rows, due).await.unwrap();
    assert_eq!(catalog.partition_segments(&p).await.unwrap(), []);
    // a repeat after a run that stopped half-way
    catalog.remove_segments(&rows, due).await.unwrap();

    assert_eq!(catalog.garbage(None, due).await.unwrap(), [], "not due yet");
    let found = catalog.garbage(None, due.plus(1)).await.unwrap();
    assert_eq!(found.len(), 59, "what was inline has no object");
    assert!(found.contains(&Garbage {
        due,
        key: "segments/a/7".to_owned()
    }));
    // What cannot be deleted does not come again before what is behind it.
    let rest = catalog.garbage(Some(&found[20]), due.plus(1)).await;
    assert_eq!(rest.unwrap(), found[21..]);
    let rest = catalog.garbage(Some(&found[58]), due.plus(1)).await;
    assert_eq!(rest.unwrap(), []);
    assert_eq!(catalog.garbage(Some(&found[58]), due).await.unwrap(), []);
    catalog.forget_garbage(&found).await.unwrap();
    catalog.forget_garbage(&found).await.unwrap();
    assert_eq!(catalog.garbage(None, due.plus(1)).await.unwrap(), []);
}

#[tokio::test]
async fn a_partition_is_forgotten_when_it_is_empty() {
    let (catalog, _) = catalog(1).await;
    let (p, other) = (partition("a/2026-01-31/0"), partition("a/2026-02-01/0"));
    let streams: Vec<StreamRow> = (0..60).map(|n| stream(&n.to_string())).collect();
    catalog.put_streams(&p, &streams).await.unwrap();
    catalog.put_streams(&other, &streams[..1]).await.unwrap();
    let row = segment(&p, 1, 0, 9);
    catalog.put_segment(&row).await.unwrap();

    let error = catalog.forget_partition(&p).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    catalog.remove_segments(&[row], day().end()).await.unwrap();
    catalog.forget_partition(&p).await.unwrap();
    catalog.forget_partition(&p).await.unwrap();
    assert_eq!(catalog.streams(&tenant("a"), day()).await.unwrap(), []);
    assert_eq!(catalog.partitions().await.unwrap(), [other]);
}

#[tokio::test]
async fn rule_groups_and_alert_states() {
    let (catalog, _) = catalog(1).await;
    let who = tenant("a");
    let groups = [("ns", "b"), ("ns/x", "g"), ("ns", "x/g"), ("", "")];
    for (namespace, group) in groups {
        catalog
            .put_rule_group(&who, namespace, group, "old")
            .await
            .unwrap();
        catalog
            .put_rule_group(&who, namespace, group, &format!("{namespace}|{group}"))
            .await
            .unwrap();
    }
    let mut want: Vec<RuleGroupRow> = groups
        .iter()
        .map(|&(namespace, group)| RuleGroupRow {
            namespace: namespace.to_owned(),
            group: group.to_owned(),
            yaml: format!("{namespace}|{group}"),
        })
        .collect();
    want.sort_by(|a, b| (&a.namespace, &a.group).cmp(&(&b.namespace, &b.group)));
    assert_eq!(catalog.rule_groups(&who).await.unwrap(), want);
    assert_eq!(
        catalog.rule_tenants().await.unwrap(),
        std::slice::from_ref(&who)
    );

    assert_eq!(catalog.alert_state(&who, "ns", "b").await.unwrap(), None);
    catalog
        .put_alert_state(&who, "ns", "b", "{}")
        .await
        .unwrap();
    catalog
        .put_alert_state(&who, "ns", "b", "[1]")
        .await
        .unwrap();
    assert_eq!(
        catalog
            .alert_state(&who, "ns", "b")
            .await
            .unwrap()
            .as_deref(),
        Some("[1]")
    );
    assert_eq!(
        catalog.alert_state(&tenant("b"), "ns", "b").await.unwrap(),
        None
    );

    catalog.delete_rule_group(&who, "ns", "b").await.unwrap();
    catalog.delete_rule_group(&who, "ns", "b").await.unwrap();
    assert_eq!(catalog.alert_state(&who, "ns", "b").await.unwrap(), None);
    assert_eq!(catalog.rule_groups(&who).await.unwrap().len(), 3);

    let long = "n".repeat(1100);
    let error = catalog
        .put_rule_group(&who, &long, "g", "")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
}
