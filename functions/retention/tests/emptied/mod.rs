//! Streams of which all lines were erased on a day that still takes lines: who lists streams does
//! not name them, until new lines come. Through the handlers of pushes, reads and deletes.

use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use http::Method;
use narvi_gateway::{Call, Config};
use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_retention::Report;
use serde_json::{Value, json};

use crate::support::Storage;
use crate::{DAY, HOUR, ON, later};

/// The functions over one storage, each of them one container.
struct Narvi {
    storage: Storage,
    ingest: narvi_ingest::Handler,
    query: narvi_query::Handler,
    retention: narvi_retention::Handler,
}

fn body(answer: ApiGatewayV2httpResponse, status: i64) -> Vec<u8> {
    let body = answer.body.map(|body| body.to_vec()).unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    assert_eq!(answer.status_code, status, "{text}");
    body
}

impl Narvi {
    fn over(storage: Storage) -> Self {
        let config = Arc::new(Config::from_yaml(ON).unwrap());
        let (objects, catalog) = (&storage.objects, &storage.catalog);
        let all = || (Arc::clone(objects), catalog.clone(), Arc::clone(&config));
        let ((a, b, c), (d, e, f), (g, h, i)) = (all(), all(), all());
        Self {
            ingest: narvi_ingest::Handler::new(a, b, c),
            query: narvi_query::Handler::new(d, e, f),
            retention: narvi_retention::Handler::new(g, h, i),
            storage,
        }
    }

    /// Pushes lines of 2024-01-30, as app and second, at an hour.
    async fn push(&self, hour: i64, lines: &[(&str, i64)]) {
        let streams = lines.iter().map(|(app, second)| {
            let time = later(-36 * HOUR).plus(second * NANOS_PER_SECOND).nanos();
            json!({"stream": {"app": app, "env": app}, "values": [[time.to_string(), "x"]]})
        });
        let push = json!({"streams": streams.collect::<Vec<_>>()});
        let call = Call::new(Method::POST, "/loki/api/v1/push")
            .header("content-type", "application/json")
            .body(push.to_string());
        body(self.ingest.handle(event(call, hour)).await, 204);
    }

    /// Asks to delete all lines of an app up to a second of the day.
    async fn delete(&self, hour: i64, app: &str, last: i64) {
        let first = later(-36 * HOUR).seconds();
        let params = format!("query={{app=\"{app}\"}}&start={first}&end={}", first + last);
        let call = Call::new(Method::POST, &format!("/loki/api/v1/delete?{params}"));
        body(self.retention.handle(event(call, hour)).await, 204);
    }

    async fn retain(&self, hour: i64) -> Report {
        let report = self.retention.run(later(hour * HOUR)).await.unwrap();
        assert_eq!((report.failed, report.busy), (0, 0));
        report
    }

    /// The data of an answer about the day.
    async fn ask(&self, hour: i64, path: &str, more: &str) -> Value {
        let first = later(-36 * HOUR).seconds();
        let target = format!("{path}?start={first}&end={}{more}", first + 86_399);
        let call = Call::new(Method::GET, &target);
        let found = body(self.query.handle(event(call, hour)).await, 200);
        serde_json::from_slice::<Value>(&found).unwrap()["data"].take()
    }

    /// Which apps are listed, by labels and by series, and how many lines they have.
    async fn listed(&self, hour: i64) -> (String, usize) {
        let values = self.ask(hour, "/loki/api/v1/label/app/values", "").await;
        let envs = self.ask(hour, "/loki/api/v1/label/env/values", "").await;
        assert_eq!(values, envs);
        let all = "&match[]={app=~\".%2b\"}";
        let series = self.ask(hour, "/loki/api/v1/series", all).await;
        let mut apps: Vec<_> = series
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["app"])
            .collect();
        apps.sort_by_key(|app| app.as_str());
        // No lines at all are no data.
        assert_eq!(values.as_array().map_or(0, Vec::len), apps.len());
        assert!(
            apps.iter()
                .all(|app| values.as_array().unwrap().contains(app))
        );
        let query = "&limit=5000&query={app=~\".%2b\"}";
        let lines = self.ask(hour, "/loki/api/v1/query_range", query).await;
        let lines = lines["result"].as_array().unwrap().iter();
        let lines = lines.map(|stream| stream["values"].as_array().unwrap().len());
        let apps: Vec<_> = apps.iter().map(|app| app.as_str().unwrap()).collect();
        (apps.join(" "), lines.sum())
    }

    async fn check(&self, hour: i64, apps: &str, lines: usize) {
        assert_eq!(
            self.listed(hour).await,
            (apps.to_owned(), lines),
            "hour {hour}"
        );
    }

    /// Packs the streams of the day.
    async fn pack(&self, hour: i64) -> usize {
        let partition = DAY.parse().unwrap();
        let (catalog, now) = (&self.storage.catalog, later(hour * HOUR));
        let name = format!("segments/{partition}");
        let lease = catalog.acquire(&name, "packer", now, Duration::from_secs(60));
        let lease = lease.await.unwrap().unwrap();
        let packed = catalog.pack_streams(&lease, &partition, 1).await.unwrap();
        catalog.release(&lease).await.unwrap();
        packed
    }
}

fn event(call: Call, hour: i64) -> aws_lambda_events::apigw::ApiGatewayV2httpRequest {
    let at = Timestamp::from_seconds(later(hour * HOUR).seconds());
    call.header("x-scope-orgid", "t").at(at).into_event()
}

#[tokio::test]
async fn streams_are_listed_again_when_new_lines_come() {
    for is_packed in [false, true] {
        let narvi = Narvi::over(Storage::new().await);
        narvi.push(0, &[("a", 10), ("b", 10), ("c", 10)]).await;
        if is_packed {
            assert_eq!(narvi.pack(0).await, 3);
        }
        narvi.delete(1, "a", 100).await;
        narvi.delete(1, "b", 100).await;
        narvi.check(2, "c", 1).await;
        let report = narvi.retain(26).await;
        assert_eq!((report.erased, report.processed, report.streams), (2, 2, 2));
        // The requests are those of the past, so nothing hides what is not there.
        narvi.retain(27).await;
        let before = narvi.storage.requests.count_of("dynamodb.Query");
        let labels = narvi.ask(28, "/loki/api/v1/label/app/values", "").await;
        let spent = narvi.storage.requests.count_of("dynamodb.Query") - before;
        assert_eq!((labels, spent), (json!(["c"]), 3 + u64::from(is_packed)));
        narvi.check(28, "c", 1).await;
        assert_eq!(narvi.retain(28).await.streams, 0);

        // The container that has written the row of `a` does not write it again.
        let before = narvi.storage.requests.count_of("dynamodb.BatchWriteItem");
        narvi.push(29, &[("a", 20)]).await;
        let after = narvi.storage.requests.count_of("dynamodb.BatchWriteItem");
        assert_eq!(after, before);
        narvi.check(30, "a c", 2).await;
        // Another one does.
        let other = Narvi::over(narvi.storage);
        other.push(31, &[("b", 20)]).await;
        other.check(32, "a b c", 3).await;
        // Whatever is packed, `b` has lines.
        assert!(other.pack(33).await > 0);
        other.check(34, "a b c", 3).await;
    }
}
