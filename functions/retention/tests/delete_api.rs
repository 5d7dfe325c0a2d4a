//! The delete API through the handler, as API Gateway and logcli bring requests.

#![cfg(test)]

#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../../compact/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use aws_lambda_events::encodings::Body;
use http::Method;
use narvi_gateway::{Call, Config};
use narvi_model::{Day, TenantId, Timestamp};
use narvi_retention::Handler;
use narvi_storage::Progress;
use serde_json::{Value, json};

use support::Storage;

/// 2023-11-15T00:00:00Z.
const NOW: i64 = 1_700_006_400;

const ON: &str = "compactor: {retention_enabled: true}
overrides: {off: {deletion_mode: disabled}}
";

const QUERY: &str = "query=%7Bapp%3D%22x%22%7D";

/// Status, id and text of an answer.
type Answer = (i64, Option<String>, String);

struct Api {
    storage: Storage,
    handler: Handler,
}

impl Api {
    async fn new(yaml: &str) -> Self {
        let storage = Storage::new().await;
        let handler = Handler::new(
            storage.objects.clone(),
            storage.catalog.clone(),
            Arc::new(Config::from_yaml(yaml).unwrap()),
        );
        Self { storage, handler }
    }

    async fn ask(&self, method: Method, params: &str, tenant: &str) -> Answer {
        self.ask_at(NOW, method, params, tenant).await
    }

    async fn ask_at(&self, now: i64, method: Method, params: &str, tenant: &str) -> Answer {
        let call = Call::new(method, &format!("/loki/api/v1/delete?{params}"));
        // What logcli sends, with an empty body.
        let call = call.header("content-type", "application/x-www-form-urlencoded");
        let call = call.header("x-scope-orgid", tenant);
        let event = call.at(Timestamp::from_seconds(now)).into_event();
        let answer = self.handler.handle(event).await;
        let id = answer.headers.get("x-delete-request-id");
        let id = id.map(|id| id.to_str().unwrap().to_owned());
        let body = match answer.body {
            Some(Body::Text(text)) => text,
            _ => String::new(),
        };
        (answer.status_code, id, body)
    }

    async fn create(&self, params: &str) -> String {
        let (status, id, body) = self.ask(Method::POST, params, "t").await;
        assert_eq!((status, &*body), (204, ""));
        id.unwrap()
    }

    async fn list(&self, params: &str) -> Value {
        let (status, _, body) = self.ask(Method::GET, params, "t").await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

#[tokio::test]
async fn what_is_no_request_to_delete() {
    let api = Api::new(ON).await;
    let start = "start=1700000000";
    for (method, params, status, text) in [
        (Method::POST, start, 400, "query not set"),
        (Method::PUT, QUERY, 400, "start time not set"),
        (
            Method::POST,
            &*format!("query=rate(%7Bapp%3D%22x%22%7D%5B1m%5D)&{start}"),
            400,
            "invalid query expression",
        ),
        (
            Method::POST,
            &*format!("query=%7Bapp&{start}"),
            400,
            "invalid query expression",
        ),
        (
            Method::POST,
            &*format!("{QUERY}&start=now"),
            400,
            "invalid start time: require unix seconds or RFC3339 format",
        ),
        (
            Method::POST,
            &*format!("{QUERY}&{start}&end=1700006401"),
            400,
            "deletes in the future are not allowed",
        ),
        (
            Method::POST,
            &*format!("{QUERY}&{start}&end=1600000000"),
            400,
            "start time can't be greater than or equal to end time",
        ),
        (
            Method::POST,
            &*format!("{QUERY}&{start}&max_interval=25h"),
            400,
            "max_interval can't be greater than 24h0m0s",
        ),
    ] {
        let (got, id, body) = api.ask(method.clone(), params, "t").await;
        assert_eq!((got, body.trim_end()), (status, text), "{method} {params}");
        assert_eq!(id, None);
    }
    assert_eq!(api.list("").await, json!([]));
}

#[tokio::test]
async fn who_may_not() {
    let api = Api::new(ON).await;
    let start = "start=1700000000";
    let not_found = "could not find delete request with given id";
    for (method, params, tenant, status, text) in [
        (Method::POST, "", "", 401, "no org id"),
        (Method::POST, start, "t|u", 400, "multiple org IDs present"),
        (
            Method::GET,
            "",
            "off",
            403,
            "deletion is not available for this tenant",
        ),
        (Method::DELETE, "", "t", 400, "request_id not set"),
        (
            Method::DELETE,
            "request_id=",
            "t",
            400,
            "request_id not set",
        ),
        (Method::DELETE, "request_id=0a1b2c3d", "t", 404, not_found),
        (Method::PATCH, "", "t", 405, ""),
    ] {
        let (got, id, body) = api.ask(method.clone(), params, tenant).await;
        assert_eq!(
            (got, body.trim_end()),
            (status, text),
            "{method} {params} {tenant}"
        );
        assert_eq!(id, None);
    }
    let (status, _, body) = Api::new("").await.ask(Method::GET, "", "t").await;
    assert_eq!((status, &*body), (400, "Retention is not enabled\n"));
}

#[tokio::test]
async fn a_body_is_not_looked_at() {
    let api = Api::new(ON).await;
    let call = Call::new(Method::POST, "/loki/api/v1/delete")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-scope-orgid", "t")
        .body(format!("{QUERY}&start=1700000000"));
    let event = call.at(Timestamp::from_seconds(NOW)).into_event();
    assert_eq!(api.handler.handle(event).await.status_code, 400);
}

#[tokio::test]
async fn created_listed_and_cancelled() {
    let api = Api::new(ON).await;
    let params = format!("{QUERY}&start=1700000000&end=1700003600");
    let id = api.create(&params).await;
    assert!(
        id.len() == 8 && id.bytes().all(|c| c.is_ascii_hexdigit()),
        "{id}"
    );
    // The same again is another request, as in Loki.
    let again = api.create(&params).await;
    assert_ne!(id, again);
    let want = |id: &str| {
        json!({
            "request_id": id, "start_time": 1_700_000_000, "end_time": 1_700_003_600,
            "query": "{app=\"x\"}", "status": "received", "created_at": NOW, "user_id": "",
        })
    };
    let mut ids = [id.clone(), again.clone()];
    ids.sort();
    assert_eq!(api.list("").await, json!([want(&ids[0]), want(&ids[1])]));
    assert_eq!(api.list("start=1700003601").await, json!([]));
    assert_eq!(api.list("end=1699999999").await, json!([]));
    assert_eq!(
        api.list("start=1700003600&end=1700006400").await,
        json!([want(&ids[0]), want(&ids[1])])
    );
    // Another tenant has none.
    let (status, _, body) = api.ask(Method::GET, "", "u").await;
    assert_eq!((status, &*body), (200, "[]\n"));
    let cancel = format!("request_id={again}");
    assert_eq!(api.ask(Method::DELETE, &cancel, "u").await.0, 404);
    assert_eq!(api.ask(Method::DELETE, &cancel, "t").await.0, 204);
    assert_eq!(api.ask(Method::DELETE, &cancel, "t").await.0, 404);
    assert_eq!(api.list("").await, json!([want(&id)]));
}

#[tokio::test]
async fn late_cancellation_needs_force() {
    let api = Api::new(ON).await;
    let params = format!("{QUERY}&start=1700000000");
    let late = NOW + 86_401;
    let too_late = "Cancellation of partially completed delete request or delete request past the \
                    deadline of 24h0m0s since its creation is not allowed. To force, use the \
                    ?force query parameter\n";
    let processed = "deletion of request which is in process or already processed is not allowed\n";
    let tenant = TenantId::parse("t").unwrap();
    let day = Day::of(Timestamp::from_seconds(NOW));
    for (progress, now, plain, forced) in [
        (Progress::Received, late, (400, too_late), (204, "")),
        (
            Progress::Through {
                day,
                percent: 50,
                left: Vec::new(),
            },
            NOW,
            (400, too_late),
            (204, ""),
        ),
        (
            Progress::Processed(Timestamp::from_seconds(NOW)),
            NOW,
            (400, processed),
            (400, processed),
        ),
    ] {
        let id = api.create(&params).await;
        let there = api.storage.reader.advance_delete(&tenant, &id, &progress);
        assert!(there.await.unwrap());
        for (force, want) in [
            ("", plain),
            ("&force=false", plain),
            ("&force=true", forced),
        ] {
            let params = format!("request_id={id}{force}");
            let (status, _, body) = api.ask_at(now, Method::DELETE, &params, "t").await;
            assert_eq!((status, &*body), want, "{progress:?} {force}");
        }
    }
    let listed = api.list("").await;
    assert_eq!(listed[0]["status"], "processed");
    // One that is over is listed and cannot be cancelled either.
    let row = api.storage.reader.deletes(&tenant).await.unwrap().remove(0);
    let day = std::time::Duration::from_secs(86_400);
    api.storage
        .reader
        .retire_delete(&tenant, &row, day)
        .await
        .unwrap();
    assert_eq!(api.list("").await, listed);
    let params = format!("request_id={}&force=true", row.id);
    let (status, _, body) = api.ask(Method::DELETE, &params, "t").await;
    assert_eq!((status, &*body), (400, processed));
    let progress = Progress::Through {
        day: Day::of(Timestamp::from_seconds(NOW)),
        percent: 7,
        left: Vec::new(),
    };
    let there = api
        .storage
        .reader
        .advance_delete(&tenant, &row.id, &progress);
    assert!(!there.await.unwrap(), "it is not made anew");
}

#[tokio::test]
async fn as_many_as_queries_can_heed() {
    let api = Api::new(ON).await;
    let query = format!(
        "query=%7Bapp%3D%22{}%22%7D&start=1700000000",
        "x".repeat(4096)
    );
    let (status, _, body) = api.ask(Method::POST, &query, "t").await;
    assert_eq!(status, 400);
    assert!(body.contains("at most 4096"), "{body}");
    for n in 0..200 {
        let end = NOW - n;
        api.create(&format!("{QUERY}&start=1700000000&end={end}"))
            .await;
    }
    let (status, _, body) = api
        .ask(Method::POST, &format!("{QUERY}&start=1700000000"), "t")
        .await;
    assert_eq!(status, 400);
    assert!(
        body.starts_with("too many delete requests: 200 are"),
        "{body}"
    );
    // Writing one is a look at the others and two writes.
    let api = Api::new(ON).await;
    api.create(&format!("{QUERY}&start=1700000000")).await;
    assert_eq!(api.storage.requests.total(), 3);
}
