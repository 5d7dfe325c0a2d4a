//! Labels over many days of packed streams: how many requests, how many read units.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use narvi_embedded::{Meter, Tables};
use narvi_gateway::{Call, Config};
use narvi_model::{Day, Labels, TenantId, Timestamp};
use narvi_query::Handler;
use narvi_storage::{Catalog, DirectoryObjects, Partition, Requests, StreamRow};
use serde_json::{Value, json};

use crate::support::NOW;

const DAYS: i32 = 30;

/// A stream as an agent in a cluster makes it.
fn pod(n: usize) -> StreamRow {
    let app = format!("service-{}", n % 40);
    let name = format!(
        "{app}-{:010x}-{n:05}",
        (n / 40 + 1).wrapping_mul(0x9e37_79b9)
    );
    let labels = Labels::from_pairs([
        ("cluster", "eu-central-1-production"),
        ("namespace", &format!("team-{}", n % 12)),
        ("app", &app),
        ("service_name", &app),
        ("container", "main"),
        (
            "node",
            &format!("ip-10-0-{}-{}.eu-central-1.compute.internal", n % 7, n % 31),
        ),
        ("job", &format!("team-{}/{app}", n % 12)),
        ("pod", &name),
    ]);
    StreamRow::new(labels.stream_id(), labels)
}

/// Partitions of the days before today.
fn partitions() -> impl Iterator<Item = Partition> {
    let today = Day::of(Timestamp::from_seconds(NOW)).number();
    (today - DAYS..today).map(|day| Partition {
        tenant: TenantId::parse("t").unwrap(),
        day: Day::from_number(day),
        shard: 0,
    })
}

/// A reader with its requests.
struct Reader {
    handler: Handler,
    requests: Requests,
    meter: Meter,
}

impl Reader {
    fn new(tables: &Tables, folder: &tempfile::TempDir) -> Self {
        let (requests, meter) = (Requests::new(), Meter::default());
        let catalog = meter.catalog(tables, &requests);
        let objects = Arc::new(DirectoryObjects::open(folder.path()).unwrap());
        let config = Arc::new(Config::from_yaml("").unwrap());
        let handler = Handler::new(objects, catalog, config);
        Self {
            handler,
            requests,
            meter,
        }
    }

    /// An answer about all the days, the queries and the read units that it took.
    async fn ask(&self, path: &str, query: &str) -> (Value, u64, u64) {
        let midnight = Day::of(Timestamp::from_seconds(NOW)).start().seconds();
        let start = midnight - i64::from(DAYS) * 86_400;
        // The last nanosecond of the last day.
        let end = midnight * 1_000_000_000 - 1;
        let target = format!("{path}?start={start}&end={end}{query}");
        let call = Call::new(Method::GET, &target).header("x-scope-orgid", "t");
        let before = self.requests.count_of("dynamodb.Query");
        let event = call.at(Timestamp::from_seconds(NOW)).into_event();
        let answer = self.handler.handle(event).await;
        assert_eq!(answer.status_code, 200);
        let body: Vec<u8> = answer.body.unwrap().to_vec();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let queries = self.requests.count_of("dynamodb.Query") - before;
        assert_eq!(
            self.requests.total(),
            self.requests.count_of("dynamodb.Query")
        );
        (body["data"].clone(), queries, self.meter.take())
    }
}

async fn pack(catalog: &Catalog, partition: &Partition) {
    let name = format!("segments/{partition}");
    let now = Timestamp::from_seconds(NOW);
    let lease = catalog.acquire(&name, "c", now, Duration::from_secs(60));
    let lease = lease.await.unwrap().unwrap();
    let packed = catalog.pack_streams(&lease, partition, 64).await.unwrap();
    assert!(packed > 1000, "{packed}");
}

#[tokio::test]
async fn a_month_of_labels_is_a_small_read_for_each_day() {
    let (tables, folder) = (Tables::default(), tempfile::tempdir().unwrap());
    let writer = Meter::default().catalog(&tables, &Requests::new());
    writer.create_tables().await.unwrap();
    for (day, partition) in partitions().enumerate() {
        // Some pods are new each day.
        let streams: Vec<_> = (day * 50..day * 50 + 1200).map(pod).collect();
        writer.put_streams(&partition, &streams).await.unwrap();
    }
    let labels = "/loki/api/v1/labels";
    let reader = Reader::new(&tables, &folder);
    let (names, queries, loose) = reader.ask(labels, "").await;
    assert_eq!(names.as_array().unwrap().len(), 8);
    assert_eq!(queries, 30);
    for partition in partitions() {
        pack(&writer, &partition).await;
    }
    let reader = Reader::new(&tables, &folder);
    let (cold_names, queries, cold) = reader.ask(labels, "").await;
    assert_eq!((&cold_names, queries), (&names, 60));
    let (warm_names, queries, warm) = reader.ask(labels, "").await;
    assert_eq!((&warm_names, queries, warm), (&names, 30, 30));
    assert!(cold * 12 < loose, "{cold} units of {loose}");
    // All else that asks for streams takes what is cached.
    let path = "/loki/api/v1/label/pod/values";
    let (values, queries, units) = reader.ask(path, "&query={app=\"service-7\"}").await;
    assert_eq!((queries, units), (30, 30));
    let want = (0..29 * 50 + 1200).filter(|n| n % 40 == 7).map(pod);
    let mut want: Vec<_> = want
        .map(|row| row.labels.get("pod").unwrap().to_owned())
        .collect();
    want.sort();
    assert_eq!(values, json!(want));
    let path = "/loki/api/v1/series";
    let (series, queries, units) = reader.ask(path, "&match[]={app=\"service-7\"}").await;
    assert_eq!((queries, units), (30, 30));
    assert_eq!(series.as_array().unwrap().len(), want.len());
}
