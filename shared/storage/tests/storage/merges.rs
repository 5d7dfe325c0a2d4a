//! Leases, the commit of merges, and what rows may be as large as.

use std::time::Duration;

use bytes::Bytes;
use narvi_model::{NANOS_PER_SECOND, StreamId, Timestamp};
use narvi_storage::{Claim, ErrorKind, Lease, Place, Put, SegmentRow, StorageError, left_behind};

use crate::support::{
    as_read, catalog, day, ids, merged, partition, seconds, segment, segment_id, tenant,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_merge_hides_what_it_replaces() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let (a, b, other) = (
        segment(&p, 1, 0, 10),
        segment(&p, 2, 5, 50),
        segment(&p, 3, 7, 9),
    );
    for row in [&a, &b, &other] {
        catalog.put_segment(row).await.unwrap();
    }
    let now = day().end();
    let lease = catalog
        .acquire("compact", "x", now, MINUTE)
        .await
        .unwrap()
        .unwrap();
    // shorter than what it replaces, as after a deletion
    let mut row = merged(9, 1, &[&a, &b]);
    row.summary.last = a.summary.last;
    assert_eq!(
        catalog.commit_merge(&lease, &row).await.unwrap(),
        Put::Stored
    );
    assert_eq!(requests.count_of("dynamodb.TransactWriteItems"), 1);

    let all = seconds(0, 100);
    let who = tenant("a");
    assert_eq!(
        ids(&catalog.segments(&who, day(), all).await.unwrap()),
        [3, 9]
    );
    assert!(
        catalog
            .segments(&who, day(), seconds(40, 60))
            .await
            .unwrap()
            .is_empty()
    );
    let rows = catalog.partition_segments(&p).await.unwrap();
    assert_eq!(ids(&rows), [1, 2, 3, 9]);
    assert_eq!(
        left_behind(&rows),
        [&as_read(a.clone()), &as_read(b.clone())]
    );

    // the same merge again, by a run that did not know
    assert_eq!(
        catalog.commit_merge(&lease, &row).await.unwrap(),
        Put::Existed
    );
    catalog
        .remove_segments(&[a.clone(), b.clone()], now)
        .await
        .unwrap();
    assert_eq!(ids(&catalog.partition_segments(&p).await.unwrap()), [3, 9]);
    // a client repeats a push that is merged already
    assert_eq!(catalog.put_segment(&a).await.unwrap(), Put::Stored);
    assert_eq!(
        ids(&catalog.segments(&who, day(), all).await.unwrap()),
        [3, 9]
    );
}

#[tokio::test]
async fn a_stale_holder_cannot_commit() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let a = segment(&p, 1, 0, 10);
    catalog.put_segment(&a).await.unwrap();
    let start = day().end();
    let late = start.plus(Timestamp::from_seconds(61).nanos());

    let first = catalog
        .acquire("c", "x", start, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        catalog.acquire("c", "y", start, MINUTE).await.unwrap(),
        None,
        "it is taken"
    );
    let second = catalog
        .acquire("c", "y", late, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(second.token > first.token);

    let error = catalog
        .commit_merge(&first, &merged(9, 1, &[&a]))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StorageError::LostLease { name, token }
        if name == "c" && *token == first.token),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(ids(&catalog.partition_segments(&p).await.unwrap()), [1]);
    assert!(catalog.renew(&first, late, MINUTE).await.is_err());
    assert!(catalog.release(&first).await.is_err());
    catalog
        .commit_merge(&second, &merged(9, 1, &[&a]))
        .await
        .unwrap();
}

#[tokio::test]
async fn leases_are_renewed_released_and_taken_again() {
    let (catalog, _) = catalog(1).await;
    let start = day().end();
    let after = |s| start.plus(Timestamp::from_seconds(s).nanos());
    let first = catalog
        .acquire("c", "x", start, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.expires, after(60));

    let renewed = catalog.renew(&first, after(50), MINUTE).await.unwrap();
    assert_eq!((renewed.token, renewed.expires), (first.token, after(110)));
    assert_eq!(
        catalog.acquire("c", "y", after(100), MINUTE).await.unwrap(),
        None
    );
    // an end that has passed is no loss while nobody else came
    let renewed = catalog.renew(&renewed, after(300), MINUTE).await.unwrap();

    // the same owner again, because the answer to its first request was lost
    let again = catalog
        .acquire("c", "x", after(301), MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(again.token > renewed.token);
    assert!(
        catalog.release(&renewed).await.is_err(),
        "the older token is fenced off"
    );

    catalog.release(&again).await.unwrap();
    let next = catalog
        .acquire("c", "y", after(302), MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(next.token > again.token, "tokens grow over a release");
    let elsewhere = catalog.acquire("d", "x", start, MINUTE).await.unwrap();
    assert!(elsewhere.is_some(), "another name is another lease");
}

#[tokio::test]
async fn a_partition_is_free_again_whatever_comes_of_the_work() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let claim = |owner| Claim {
        owner,
        now: day().end(),
        ttl: MINUTE,
    };
    for (wanted, is_done) in [(Ok(1), true), (Err(ErrorKind::Invalid), false)] {
        let work = async |lease: &Lease| {
            let nothing = async |_: &Lease| Ok::<_, StorageError>(());
            let busy = catalog.alone(&p, claim("y"), nothing).await.unwrap();
            assert_eq!(busy, None, "somebody else works");
            assert_eq!(lease.name, Lease::name_of(&p));
            match is_done {
                true => Ok(1),
                false => Err(StorageError::Invalid {
                    what: "work".to_owned(),
                    reason: "fails".to_owned(),
                }),
            }
        };
        let done = catalog.alone(&p, claim("x"), work).await;
        assert_eq!(done.map_err(|e| e.kind()), wanted.map(Some));
    }
    // One that is taken away meanwhile is not given back in the other's place.
    let work = async |_: &Lease| {
        let late = day().end().plus(61 * NANOS_PER_SECOND);
        catalog
            .acquire(&Lease::name_of(&p), "y", late, MINUTE)
            .await
    };
    let other = catalog.alone(&p, claim("x"), work).await.unwrap();
    let other = other.flatten().unwrap();
    assert!(catalog.renew(&other, day().end(), MINUTE).await.is_ok());
    let again = catalog.acquire(&other.name, "z", day().end(), MINUTE).await;
    assert_eq!(again.unwrap(), None);
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_wrong_is_free() {
    let (catalog, _) = catalog(1).await;
    let now = day().end();
    let wrong = now.plus(10 * 366 * 86_400 * NANOS_PER_SECOND);
    let dead = catalog.acquire("c", "x", wrong, MINUTE).await.unwrap();
    let lease = catalog
        .acquire("c", "y", now, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(lease.token > dead.as_ref().unwrap().token);
    assert!(catalog.renew(&dead.unwrap(), wrong, MINUTE).await.is_err());
    assert_eq!(catalog.acquire("c", "z", now, MINUTE).await.unwrap(), None);
}

#[tokio::test]
async fn two_runs_race_for_a_lease() {
    let (catalog, _) = catalog(1).await;
    let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let tries = names
        .iter()
        .map(|owner| catalog.acquire("c", owner, day().end(), MINUTE));
    let won = futures::future::try_join_all(tries).await.unwrap();
    assert_eq!(won.iter().flatten().count(), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_is_sent() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let lease = catalog
        .acquire("c", "x", day().end(), MINUTE)
        .await
        .unwrap()
        .unwrap();
    let before = requests.total();

    let mut row = segment(&p, 1, 0, 9);
    row.place = Place::Inline(Bytes::from(vec![0; 200 << 10]));
    let error = catalog.put_segment(&row).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
    assert!(
        error
            .to_string()
            .ends_with("at most 131072 can be stored; store them as an object")
    );

    let mut row = merged(9, 1, &[&segment(&p, 1, 0, 9)]);
    row.replaces = vec![segment_id(1); 8193];
    let error = catalog.commit_merge(&lease, &row).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
    assert!(
        error.to_string().contains("8193 but at most 8192"),
        "{error}"
    );

    let push = segment(&p, 1, 0, 9);
    let error = catalog.commit_merge(&lease, &push).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Invalid,
        "a merge is above what it replaces"
    );
    let level = SegmentRow { level: 100, ..push };
    assert_eq!(
        catalog.put_segment(&level).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(requests.total(), before);
}

#[tokio::test]
async fn the_largest_row_that_is_let_through_fits() {
    let (catalog, _) = catalog(1).await;
    let p = partition(&format!("{}/2026-01-31/0", "t".repeat(150)));
    let lease = catalog
        .acquire("c", "x", day().end(), MINUTE)
        .await
        .unwrap()
        .unwrap();
    let mut row = merged(9, 99, &[&segment(&p, 1, 0, 9)]);
    row.replaces = vec![segment_id(1); 8192];
    row.summary.streams = vec![StreamId::from_bytes([1; 16]); 8192];
    row.place = Place::Inline(Bytes::from(vec![1; 128 << 10]));
    catalog.commit_merge(&lease, &row).await.unwrap();
    let found = catalog.partition_segments(&p).await.unwrap();
    assert_eq!(found, [as_read(row.clone())]);

    // one more stream than is listed: the row may hold any
    row.level = 98;
    row.summary.streams.push(StreamId::from_bytes([2; 16]));
    catalog.commit_merge(&lease, &row).await.unwrap();
    let found = catalog.partition_segments(&p).await.unwrap();
    assert!(found[0].may_hold(&StreamId::from_bytes([77; 16])));
    assert!(!found[1].may_hold(&StreamId::from_bytes([77; 16])));
}
