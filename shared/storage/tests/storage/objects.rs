//! One suite for every store of objects.
//!
//! The directory is always held to it, S3 where `NARVI_TEST_S3_ENDPOINT` names a server, for
//! example `moto_server -p 9000` and `NARVI_TEST_S3_ENDPOINT=http://127.0.0.1:9000`.

use std::sync::Arc;

use bytes::Bytes;
use narvi_storage::{
    Connection, CountingObjects, DirectoryObjects, ErrorKind, Objects, Put, Requests, StorageError,
};

#[tokio::test]
async fn a_directory_does_what_every_store_does() {
    let root = tempfile::tempdir().unwrap();
    suite(&DirectoryObjects::open(&root.path().join("made/on/demand")).unwrap()).await;
}

#[tokio::test]
async fn s3_does_what_every_store_does() {
    let Ok(endpoint) = std::env::var("NARVI_TEST_S3_ENDPOINT") else {
        eprintln!("not run for S3: NARVI_TEST_S3_ENDPOINT is not set");
        return;
    };
    let requests = Requests::new();
    let mut settings = narvi_embedded::settings(&endpoint, 1);
    // a bucket of its own for each run, so that the server may be used again
    settings.bucket = format!("narvi-{}", std::process::id());
    let objects = Connection::new(settings, requests.clone())
        .unwrap()
        .objects();
    objects.create_bucket().await.unwrap();
    objects.create_bucket().await.unwrap();
    let before = requests.total();
    objects
        .put("counted", Bytes::from_static(b"x"))
        .await
        .unwrap();
    assert_eq!(requests.total(), before + 1);
    objects.delete(&["counted".to_owned()]).await.unwrap();
    suite(&objects).await;
}

#[tokio::test]
async fn calls_are_counted_under_the_names_of_s3() {
    let root = tempfile::tempdir().unwrap();
    let requests = Requests::new();
    let directory = Arc::new(DirectoryObjects::open(root.path()).unwrap());
    let objects = CountingObjects::new(directory, requests.clone());
    objects.put("a", Bytes::from_static(b"1")).await.unwrap();
    objects.put_if_absent("a", Bytes::new()).await.unwrap();
    objects.get_range("a", 0..1).await.unwrap();
    objects.get_range("b", 0..1).await.unwrap_err();
    objects.list("", None).await.unwrap();
    let keys: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    objects.delete(&keys).await.unwrap();
    let counted: Vec<_> = requests.snapshot().into_iter().collect();
    let want = [
        ("s3.DeleteObjects", 2),
        ("s3.GetObject", 2),
        ("s3.ListObjectsV2", 1),
        ("s3.PutObject", 2),
    ];
    assert_eq!(counted, want.map(|(name, count)| (name.to_owned(), count)));
}

#[tokio::test]
async fn a_directory_outlives_the_process_that_wrote_it() {
    let root = tempfile::tempdir().unwrap();
    let first = DirectoryObjects::open(root.path()).unwrap();
    first.put("a/b", Bytes::from_static(b"kept")).await.unwrap();
    drop(first);
    // a file that a killed writer has left half written is no object
    std::fs::write(root.path().join("a/b#1"), b"half").unwrap();
    let second = DirectoryObjects::open(root.path()).unwrap();
    assert_eq!(second.get_range("a/b", 0..4).await.unwrap(), "kept");
    assert_eq!(keys(&second, "").await, ["a/b"]);
}

async fn suite(objects: &dyn Objects) {
    reads_what_was_written(objects).await;
    refuses_ranges_that_are_not_there(objects).await;
    writes_once_if_absent(objects).await;
    lists_by_text_in_order(objects).await;
    lists_in_pages(objects).await;
    deletes_what_is_there(objects).await;
    takes_every_key_that_narvi_makes(objects).await;
    refuses_keys_that_narvi_never_makes(objects).await;
    takes_large_objects(objects).await;
}

async fn keys(objects: &dyn Objects, prefix: &str) -> Vec<String> {
    let page = objects.list(prefix, None).await.unwrap();
    page.into_iter().map(|found| found.key).collect()
}

async fn reads_what_was_written(objects: &dyn Objects) {
    objects
        .put("read/a", Bytes::from_static(b"0123456789"))
        .await
        .unwrap();
    for (range, want) in [
        (0..10, "0123456789"),
        (0..1, "0"),
        (9..10, "9"),
        (3..7, "3456"),
    ] {
        assert_eq!(objects.get_range("read/a", range).await.unwrap(), want);
    }
    objects
        .put("read/a", Bytes::from_static(b"ab"))
        .await
        .unwrap();
    assert_eq!(
        objects.get_range("read/a", 0..2).await.unwrap(),
        "ab",
        "put writes over"
    );
}

async fn refuses_ranges_that_are_not_there(objects: &dyn Objects) {
    objects
        .put("range/a", Bytes::from_static(b"0123456789"))
        .await
        .unwrap();
    for (range, want) in [
        (0..11, ErrorKind::Corrupt),
        (9..11, ErrorKind::Corrupt),
        (10..11, ErrorKind::Corrupt),
        (100..200, ErrorKind::Corrupt),
        (5..5, ErrorKind::Invalid),
    ] {
        let error = objects
            .get_range("range/a", range.clone())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), want, "{range:?}: {error}");
    }
    for absent in ["range/b", "range", "range/a/b", "nowhere/a"] {
        let error = objects.get_range(absent, 0..1).await.unwrap_err();
        assert!(
            matches!(&error, StorageError::NotFound { key } if key == absent),
            "{error}"
        );
    }
}

async fn writes_once_if_absent(objects: &dyn Objects) {
    let first = Bytes::from_static(b"first");
    assert_eq!(
        objects.put_if_absent("once/a", first).await.unwrap(),
        Put::Stored
    );
    let second = Bytes::from_static(b"second");
    assert_eq!(
        objects.put_if_absent("once/a", second).await.unwrap(),
        Put::Existed
    );
    assert_eq!(objects.get_range("once/a", 0..5).await.unwrap(), "first");

    let race = (0..16_u8).map(|n| objects.put_if_absent("once/race", Bytes::from(vec![n; 1000])));
    let found = futures::future::try_join_all(race).await.unwrap();
    assert_eq!(found.iter().filter(|put| **put == Put::Stored).count(), 1);
    let winner = found.iter().position(|put| *put == Put::Stored).unwrap();
    let bytes = objects.get_range("once/race", 0..1000).await.unwrap();
    assert!(
        bytes.iter().all(|byte| usize::from(*byte) == winner),
        "one writer's bytes, whole"
    );
}

async fn lists_by_text_in_order(objects: &dyn Objects) {
    let all = [
        "list/A",
        "list/a",
        "list/a!/x",
        "list/a-b/x",
        "list/a.b/x",
        "list/a/x",
        "list/ab",
    ];
    for key in all.iter().rev() {
        objects
            .put(key, Bytes::copy_from_slice(key.as_bytes()))
            .await
            .unwrap_or_else(|_| {
                assert_eq!(
                    *key, "list/a",
                    "a directory has no file of the name of a directory"
                );
            });
    }
    let there: Vec<&str> = keys(objects, "list/")
        .await
        .iter()
        .map(|key| *all.iter().find(|known| *known == key).unwrap())
        .collect();
    assert!(
        there.is_sorted() && there.len() >= all.len() - 1,
        "{there:?}"
    );

    assert_eq!(keys(objects, "list/a-").await, ["list/a-b/x"]);
    assert_eq!(keys(objects, "list/a/").await, ["list/a/x"]);
    assert!(
        keys(objects, "list/a")
            .await
            .contains(&"list/ab".to_owned()),
        "a text, not a folder"
    );
    assert_eq!(keys(objects, "list/nothing").await, [""; 0]);
    assert_eq!(keys(objects, "nowhere/").await, [""; 0]);

    let page = objects.list("list/", Some("list/a.b/x")).await.unwrap();
    let after: Vec<_> = page.iter().map(|found| found.key.as_str()).collect();
    assert_eq!(after, ["list/a/x", "list/ab"]);
    assert_eq!(page[0].size, 8);
    // written just now: within the years of any clock that runs
    assert!(
        page[0].modified.seconds() > 1_700_000_000,
        "{:?}",
        page[0].modified
    );
}

async fn lists_in_pages(objects: &dyn Objects) {
    let all: Vec<String> = (0..1005)
        .map(|n| format!("pages/{:02}/{n:04}", n / 100))
        .collect();
    for some in all.chunks(50) {
        let puts = some
            .iter()
            .map(|key| objects.put(key, Bytes::from_static(b"x")));
        futures::future::try_join_all(puts).await.unwrap();
    }
    let (mut found, mut pages) = (Vec::new(), Vec::new());
    loop {
        let after = found.last().map(String::as_str);
        let page = objects.list("pages/", after).await.unwrap();
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
        found.extend(page.into_iter().map(|found| found.key));
    }
    assert_eq!(found, all);
    assert_eq!(pages, [1000, 5]);
    objects.delete(&all).await.unwrap();
    assert_eq!(
        keys(objects, "pages/").await,
        [""; 0],
        "1005 keys are deleted in two requests"
    );
}

async fn deletes_what_is_there(objects: &dyn Objects) {
    objects
        .put("gone/a", Bytes::from_static(b"x"))
        .await
        .unwrap();
    objects
        .put("gone/b", Bytes::from_static(b"x"))
        .await
        .unwrap();
    let both = [
        "gone/a".to_owned(),
        "gone/never".to_owned(),
        "nowhere/never".to_owned(),
    ];
    objects.delete(&both).await.unwrap();
    objects.delete(&both).await.unwrap();
    objects.delete(&[]).await.unwrap();
    assert_eq!(keys(objects, "gone/").await, ["gone/b"]);
    let put = objects
        .put_if_absent("gone/a", Bytes::from_static(b"y"))
        .await
        .unwrap();
    assert_eq!(put, Put::Stored, "a deleted key is free again");
}

async fn takes_every_key_that_narvi_makes(objects: &dyn Objects) {
    let long = "x".repeat(150);
    for tenant in ["a", "!", "-_.*'()", "...", &long] {
        let key = format!("segments/{tenant}/2026-01-31/0/{}-5895123", "0f".repeat(16));
        objects.put(&key, Bytes::from_static(b"x")).await.unwrap();
        assert_eq!(objects.get_range(&key, 0..1).await.unwrap(), "x");
        assert_eq!(
            keys(objects, &format!("segments/{tenant}/")).await,
            std::slice::from_ref(&key)
        );
        objects.delete(&[key]).await.unwrap();
    }
}

async fn refuses_keys_that_narvi_never_makes(objects: &dyn Objects) {
    for key in ["", "/a", "a//b", "../a", "a/../b", "a b", "a#1", "ü"] {
        let error = objects.put(key, Bytes::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
        let error = objects.get_range(key, 0..1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
        let error = objects.delete(&[key.to_owned()]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
    }
}

async fn takes_large_objects(objects: &dyn Objects) {
    let bytes: Bytes = (0..20_u32 << 20)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    objects.put_if_absent("large", bytes.clone()).await.unwrap();
    let end = bytes.len() as u64;
    assert!(objects.get_range("large", 0..end).await.unwrap() == bytes);
    assert_eq!(
        objects.get_range("large", end - 9..end).await.unwrap(),
        bytes.slice(bytes.len() - 9..)
    );
}
