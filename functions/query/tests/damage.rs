//! Segments whose bytes are gone or are not those that were written: what can be read is answered,
//! with a warning that names them; segments that were merged and deleted meanwhile are no damage.

#![cfg(test)]

mod support;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use narvi_embedded::{Meddle, Watched};
use narvi_model::Timestamp;
use narvi_storage::{Catalog, Objects, Place, SegmentRow, StorageError};
use serde_json::{Value, json};
use support::{Fixture, NOW, Stored};

/// Pieces of 16 bytes in a long line.
const LONG: usize = 1200;

const LINES: &str = "/loki/api/v1/query_range";

fn key(row: &SegmentRow) -> &str {
    match &row.place {
        Place::Object(key) => key,
        Place::Inline(_) => panic!("stored as an object"),
    }
}

async fn ask(narvi: &Fixture, path: &str, query: &str) -> Value {
    let (start, end) = ((NOW - 600).to_string(), NOW.to_string());
    let params = [
        ("query", query),
        ("start", &start),
        ("end", &end),
        ("step", "600"),
        ("time", &end),
    ];
    let (status, body) = narvi.get(path, &params).await;
    assert_eq!(status, 200, "{path} {query}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// The texts of all lines of an answer, sorted.
fn texts(answer: &Value) -> Vec<&str> {
    let streams = answer["data"]["result"].as_array().unwrap().iter();
    let entries = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    let mut texts: Vec<&str> = entries.map(|entry| entry[1].as_str().unwrap()).collect();
    texts.sort_unstable();
    texts
}

/// Lines of one stream that make several chunks of a merged segment which is not fetched at once.
fn many() -> Vec<(i64, String)> {
    let mut state = 7_u64;
    let mut noise = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}")
    };
    let mut text = |n: i64| format!("{n:03} {}", (0..LONG).map(|_| noise()).collect::<String>());
    (0..90).map(|n| (n - 300, text(n))).collect()
}

/// Asks for lines and for their number; those that are answered, and the warning.
async fn check(narvi: &Fixture, want: &[&str], warns: Option<&SegmentRow>) {
    for query in ["{app=~\".+\"}", "{app=~\".+\"} |~ \".\""] {
        let answer = ask(narvi, LINES, query).await;
        assert!(texts(&answer) == want, "{query}");
        check_warning(&answer, warns);
    }
    // Of counts, footers may know what columns have lost.
    let query = "sum(count_over_time({app=~\".+\"} |~ \".\" [10m]))";
    let answer = ask(narvi, "/loki/api/v1/query", query).await;
    let counted = &answer["data"]["result"][0]["value"][1];
    assert_eq!(*counted, json!(want.len().to_string()), "{answer}");
    check_warning(&answer, warns);
}

#[track_caller]
fn check_warning(answer: &Value, about: Option<&SegmentRow>) {
    let Some(row) = about else {
        assert!(answer.get("warnings").is_none(), "{answer}");
        return;
    };
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let text = warnings[0].as_str().unwrap();
    let start = format!(
        "segment `{}` is damaged, its lines are missing: ",
        row.summary.id
    );
    assert!(text.starts_with(&start), "{text}");
}

#[tokio::test]
async fn a_segment_that_is_gone_is_named_and_stops_nothing_else() {
    // The footer of the lost segment is cached, or it is not.
    for is_known in [false, true] {
        let mut narvi = Fixture::new("").await;
        let long = many();
        let long: Vec<(i64, &str)> = long.iter().map(|(at, text)| (*at, text.as_str())).collect();
        let lost = narvi.store(Stored::Merged, "shop", &long).await;
        narvi.store(Stored::InRow, "shop", &[(-30, "first")]).await;
        narvi
            .store(Stored::AsObject, "mail", &[(-20, "second")])
            .await;
        if is_known {
            ask(&narvi, LINES, "{app=~\".+\"} |= \"no such text anywhere\"").await;
        }
        let key = key(&lost).to_owned();
        narvi.objects.delete(&[key]).await.unwrap();
        check(&narvi, &["first", "second"], Some(&lost)).await;
        assert!(narvi_gateway::exposition("").contains("narvi_damaged_segments_total"));
    }
}

#[tokio::test]
async fn every_endpoint_answers_what_there_is() {
    let mut narvi = Fixture::new("").await;
    let lost = narvi.store(Stored::AsObject, "shop", &[(-30, "a=1")]).await;
    let kept: Vec<(i64, &str)> = (0..40).map(|n| (n - 100, "b=2")).collect();
    narvi.store(Stored::AsObject, "mail", &kept).await;
    narvi
        .objects
        .delete(&[key(&lost).to_owned()])
        .await
        .unwrap();
    let all = "{app=~\".+\"}";
    let data = async |path: &str| ask(&narvi, path, all).await;
    let names = ask(&narvi, "/loki/api/v1/label/app/values", "").await;
    assert_eq!(
        names["data"],
        json!(["mail", "shop"]),
        "the catalog knows streams"
    );
    let series = data("/loki/api/v1/series").await;
    assert_eq!(series["data"].as_array().unwrap().len(), 2);
    assert!(data("/loki/api/v1/index/stats").await["entries"].as_u64() >= Some(40));
    let volume = data("/loki/api/v1/index/volume").await;
    assert_eq!(volume["data"]["result"].as_array().unwrap().len(), 1);
    check_warning(&volume, Some(&lost));
    let patterns = data("/loki/api/v1/patterns").await;
    assert_eq!(patterns["data"].as_array().unwrap().len(), 1, "{patterns}");
    let fields = data("/loki/api/v1/detected_fields").await;
    assert_eq!(fields["fields"][0]["label"], "b", "{fields}");
    let old = narvi.get("/api/prom/query", &[("query", all)]).await;
    assert!(old.0 == 200 && old.1.contains("b=2"), "{old:?}");
}

/// A byte is changed wherever one may be: no answer has a line that was not stored, and where one
/// is missing the segment is named.
#[tokio::test]
async fn a_changed_byte_anywhere_costs_its_chunk_at_most() {
    let mut narvi = Fixture::new("").await;
    narvi.store(Stored::InRow, "shop", &[(-30, "whole")]).await;
    let long = many();
    let long: Vec<(i64, &str)> = long.iter().map(|(at, text)| (*at, text.as_str())).collect();
    let row = narvi.store(Stored::Merged, "mail", &long).await;
    let size = row.summary.size;
    let bytes = narvi.objects.get_range(key(&row), 0..size).await.unwrap();
    let mut partly = 0;
    for at in (0..size as usize).step_by(size as usize / 40) {
        let mut broken = bytes.to_vec();
        broken[at] ^= 0x10;
        narvi.objects.put(key(&row), broken.into()).await.unwrap();
        narvi.forget();
        let answer = ask(&narvi, LINES, "{app=~\".+\"} |~ \".\"").await;
        let found = texts(&answer);
        let is_stored = |text: &&str| *text == "whole" || long.iter().any(|(_, l)| l == text);
        assert!(found.iter().all(is_stored), "byte {at}: {found:?}");
        assert!(found.contains(&"whole"), "byte {at}");
        let missing = long.len() + 1 - found.len();
        if missing > 0 {
            check_warning(&answer, Some(&row));
        }
        partly += usize::from(missing > 0 && missing < long.len());
    }
    assert!(partly > 10, "chunks that are whole are answered: {partly}");
    for short in [0, 10, size as usize / 2] {
        narvi
            .objects
            .put(key(&row), bytes.slice(..short))
            .await
            .unwrap();
        narvi.forget();
        check(&narvi, &["whole"], Some(&row)).await;
    }
    narvi.objects.put(key(&row), bytes).await.unwrap();
    narvi.forget();
    let answer = ask(&narvi, LINES, "{app=~\".+\"}").await;
    assert_eq!(texts(&answer).len(), 91);
    check_warning(&answer, None);
}

/// Before an object is read for the first time, what it has is merged, and it is deleted.
struct Merging {
    objects: Arc<dyn Objects>,
    catalog: Catalog,
    next: Mutex<Vec<(SegmentRow, SegmentRow)>>,
}

#[async_trait]
impl Meddle for Merging {
    async fn before_read(&self, wanted: &str) -> Result<(), StorageError> {
        let next = {
            let mut next = self.next.lock().unwrap();
            let place = next.iter().position(|(old, _)| key(old) == wanted);
            place.map(|place| next.remove(place))
        };
        if let Some((old, new)) = next {
            self.catalog.put_segment(&new).await?;
            let due = Timestamp::from_seconds(NOW);
            self.catalog.remove_segments(&[old], due).await?;
            self.objects.delete(&[wanted.to_owned()]).await?;
        }
        Ok(())
    }
}

/// A query stands still for so long that what it has found is merged and deleted, as often as
/// `times`.
async fn merged_meanwhile(times: usize) -> (i64, String) {
    let mut made = None;
    let mut narvi = Fixture::over("", |inner, catalog| {
        let (catalog, next) = (catalog.clone(), Mutex::default());
        let merging = Merging {
            objects: inner.clone(),
            catalog,
            next,
        };
        let merging = Arc::new(Watched::new(inner, merging));
        made = Some(Arc::clone(&merging));
        merging
    })
    .await;
    let mut row = narvi
        .store(Stored::AsObject, "shop", &[(-30, "first")])
        .await;
    narvi.store(Stored::InRow, "shop", &[(-20, "second")]).await;
    let bytes = narvi
        .objects
        .get_range(key(&row), 0..row.summary.size)
        .await;
    let bytes = bytes.unwrap();
    for level in 1..=times {
        let mut new = row.clone();
        new.level = level as u8;
        new.replaces = vec![row.summary.id];
        new.place = Place::Object(format!("{}-{level}", key(&row)));
        narvi.objects.put(key(&new), bytes.clone()).await.unwrap();
        let merging = made.as_ref().unwrap();
        merging
            .meddler()
            .next
            .lock()
            .unwrap()
            .push((row, new.clone()));
        row = new;
    }
    let query = [("query", "{app=\"shop\"}")];
    narvi.get(LINES, &query).await
}

#[tokio::test]
async fn what_was_merged_meanwhile_is_read_where_it_is_now() {
    for times in [1, 2] {
        let (status, body) = merged_meanwhile(times).await;
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(texts(&answer), ["first", "second"]);
        check_warning(&answer, None);
    }
    let (status, body) = merged_meanwhile(3).await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("merged and deleted"), "{body}");
}
