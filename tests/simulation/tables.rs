//! DynamoDB as the SDK sees it: [`Wire`] takes its requests to tables in memory and its answers
//! back, with the faults of a network and of a service in between; [`Clock`] is its time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use narvi_embedded::Tables;
use narvi_storage::{Catalog, Connection, Requests};
use serde_json::{Map, Value, json};

use super::mistakes::Mistake;
use super::objects::Bucket;
use super::world::{Extent, Fault, Kind, World, call, pause};

/// A catalog whose every request stops in the world.
pub(crate) fn catalog(
    world: &Arc<World>,
    (tables, bucket): (&Tables, &Bucket),
    (shards, mistake): (u16, Option<Mistake>),
) -> Catalog {
    let wire = SharedHttpConnector::new(Wire {
        world: Arc::clone(world),
        tables: tables.clone(),
        bucket: bucket.clone(),
        mistake,
    });
    let client = http_client_fn(move |_, _| wire.clone());
    let clock = SharedAsyncSleep::new(Clock(Arc::clone(world)));
    let settings = narvi_embedded::settings("http://simulated", shards);
    Connection::over(settings, Requests::new(), client, clock).catalog()
}

/// What stands before the names of errors.
const ERRORS: &str = "com.amazonaws.dynamodb.v20120810#";

/// The way to the tables.
struct Wire {
    world: Arc<World>,
    tables: Tables,
    /// Where mistakes reach beyond the tables.
    bucket: Bucket,
    mistake: Option<Mistake>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.split_once('.').unwrap().1.to_owned();
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let kind = match operation.as_str() {
            "Query" | "GetItem" => Kind::Read,
            "BatchWriteItem" => Kind::Batch,
            "TransactWriteItems" => Kind::Transaction,
            _ => Kind::Write,
        };
        if operation == "Query" && body.get("Limit").is_none() {
            // Pages of a few rows, so that other calls come in between.
            let mut state = self.world.state();
            if state.faults > 0 && state.rng.percent(30) {
                body["Limit"] = json!(state.rng.between(1, 4));
            }
        }
        let what = format!("{operation} {}", about(&body));
        let (world, tables) = (Arc::clone(&self.world), self.tables.clone());
        if let Some(mistake) = self.mistake {
            if mistake.is_late(&operation, &body) {
                let effect = move || drop(tables.answer(&operation, body.to_string().as_bytes()));
                world.later(what, Box::new(effect));
                return HttpConnectorFuture::ready(Ok(response(200, b"{}".to_vec())));
            }
            let task = world.state().task.clone();
            if let Some(answer) = mistake.answer(&task, &operation, &body) {
                let answer = response(200, answer.to_string().into_bytes());
                return HttpConnectorFuture::ready(Ok(answer));
            }
            mistake.bend(&task, (&tables, &self.bucket), &mut body);
        }
        let careless = self.mistake == Some(Mistake::HalfBatches);
        HttpConnectorFuture::new(async move {
            let dice = Arc::clone(&world);
            let done = call(&world, what, kind, move |extent| {
                let mut body = body.clone();
                if kind != Kind::Batch || extent == Extent::Whole && !careless {
                    let answer = tables.answer(&operation, body.to_string().as_bytes());
                    if kind == Kind::Transaction {
                        count_commit(&dice, &answer);
                    }
                    return answer;
                }
                dice.state().count("a batch was done in part", true);
                let rest = split(&mut body, &dice);
                let done = tables.answer(&operation, body.to_string().as_bytes());
                match extent {
                    Extent::Named => (200, json!({"UnprocessedItems": rest}).to_string().into()),
                    _ => done,
                }
            });
            match done.await {
                Ok((status, answer)) => Ok(response(status, answer)),
                Err(Fault::Throttled) => Ok(throttled(kind, &world)),
                Err(Fault::Broken) => Ok(failed(500, "InternalServerError")),
                Err(Fault::Silent) => Err(ConnectorError::timeout("no answer came".into())),
            }
        })
    }
}

fn response(status: u16, body: Vec<u8>) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

fn failed(status: u16, code: &str) -> HttpResponse {
    let body = json!({"__type": format!("{ERRORS}{code}")});
    response(status, body.to_string().into_bytes())
}

/// Counts what a commit of a merge was like.
fn count_commit(world: &World, (status, answer): &(u16, Vec<u8>)) {
    let mut state = world.state();
    let is_done = *status == 200;
    let is_lost = String::from_utf8_lossy(answer).contains("[ConditionalCheckFailed, None]");
    let (reads, pushes) = (state.is_running("read"), state.is_running("push"));
    let erases = state.is_in("retain");
    state.count("a merge was committed beside a read", is_done && reads);
    state.count("a merge was committed beside a push", is_done && pushes);
    state.count(
        "a rewrite was committed beside a read",
        is_done && erases && reads,
    );
    state.count(
        "a rewrite was committed beside a push",
        is_done && erases && pushes,
    );
    state.count("a commit came after its lease", is_lost);
}

/// One of the ways in which the service says that it is too much, or that another is at the item.
fn throttled(kind: Kind, world: &World) -> HttpResponse {
    let mut state = world.state();
    if kind != Kind::Transaction {
        let mut codes = vec![
            "ProvisionedThroughputExceededException",
            "ThrottlingException",
            "RequestLimitExceeded",
        ];
        if kind == Kind::Write {
            codes.push("TransactionConflictException");
        }
        return failed(400, state.rng.pick(&codes));
    }
    state.count("a transaction was refused", true);
    let reason = state.rng.pick(&[
        "ThrottlingError",
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
    ]);
    let mut reasons = ["None", reason];
    if state.rng.percent(50) {
        reasons.swap(0, 1);
    }
    let told = |code| json!({"Code": code, "Message": "see the code"});
    let body = json!({
        "__type": format!("{ERRORS}TransactionCanceledException"),
        "Message": format!("Transaction cancelled, for [{}]", reasons.join(", ")),
        "CancellationReasons": reasons.map(told),
    });
    response(400, body.to_string().into_bytes())
}

/// Takes some of the writes of a batch away, but not all, and answers those.
fn split(body: &mut Value, world: &World) -> Value {
    let mut state = world.state();
    let tables = body["RequestItems"].as_object_mut().unwrap();
    let mut left: usize = tables
        .values()
        .map(|all| all.as_array().unwrap().len())
        .sum();
    let mut rest = Map::new();
    for (table, writes) in tables.iter_mut() {
        let writes = writes.as_array_mut().unwrap();
        let away = writes.extract_if(.., |_| {
            let goes = left > 1 && state.rng.percent(50);
            left -= usize::from(goes);
            goes
        });
        let away: Vec<Value> = away.collect();
        if !away.is_empty() {
            rest.insert(table.clone(), away.into());
        }
    }
    tables.retain(|_, writes| !writes.as_array().unwrap().is_empty());
    rest.into()
}

/// What a request is about, for the trace.
fn about(body: &Value) -> String {
    let key = |item: &Value| format!("{} {}", item["pk"]["S"], item["sk"]["S"]);
    if let Some(tables) = body["RequestItems"].as_object() {
        let writes = tables
            .values()
            .flat_map(|writes| writes.as_array().unwrap());
        let texts = writes.map(|write| match write.get("PutRequest") {
            Some(put) => format!("+{}", key(&put["Item"])),
            None => format!("-{}", key(&write["DeleteRequest"]["Key"])),
        });
        return texts.collect::<Vec<_>>().join(", ");
    }
    if let Some(writes) = body["TransactItems"].as_array() {
        return key(&writes[1]["Put"]["Item"]);
    }
    for name in ["Item", "Key"] {
        if body.get(name).is_some() {
            return key(&body[name]);
        }
    }
    let key = &body["ExpressionAttributeValues"][":pk"]["S"];
    format!("{} {key}", body["TableName"])
}

/// The SDK's time: the world's.
struct Clock(Arc<World>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        // The SDK throws dice of its own for pauses between attempts.
        let duration = match duration {
            short if short <= Duration::from_secs(1) => Duration::from_millis(100),
            long => long,
        };
        let pause = pause(&self.0, duration.as_nanos() as i64);
        Sleep::new(async move { drop(pause.await) })
    }
}
