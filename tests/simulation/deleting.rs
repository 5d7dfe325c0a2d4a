//! Requests to delete, as a client makes them: over the real API, each with what was heard of it.

use std::collections::BTreeSet;

use http::Method;
use narvi_gateway::Call;
use narvi_model::Timestamp;
use serde_json::{Value, json};

use super::requests::{Asked, Request};
use super::system::System;

/// The path of the API.
const PATH: &str = "/loki/api/v1/delete";

impl System {
    /// Asks to delete lines; `place` is that of the request in the ledger.
    pub(crate) async fn delete(&self, asked: Asked, place: usize, now: Timestamp) {
        let query = encoded(&asked.query());
        let (start, end) = (asked.first.rfc3339(), asked.last.rfc3339());
        let target = format!("query={query}&start={start}&end={end}");
        let answer = self.call_api(Method::POST, &target, now).await;
        let status = answer["statusCode"].as_i64().unwrap();
        let id = answer["headers"]["x-delete-request-id"].as_str();
        let id = id.unwrap_or_default().to_owned();
        self.note(&format!("request {place}: {status} {id}"));
        // Delivered twice, it has one id: who takes that back may take back both.
        let twins = self.ledger.requests();
        let mut twins = twins.iter().filter(|twin| twin.has_id(&id));
        let is_doubtful = twins.any(|twin| twin.is_doubtful);
        let heard = |request: &mut Request, tick| match status {
            204 => {
                request.accepted = Some((id, tick));
                request.is_doubtful |= is_doubtful;
            }
            400 => request.is_refused = true,
            _ => {}
        };
        self.ledger.hear(place, heard);
        if status != 204 && status != 400 && !self.may_fail(status) {
            self.ledger
                .wrong(format!("a request to delete is answered {status}"));
        }
    }

    /// Takes a request back.
    pub(crate) async fn cancel(&self, id: &str, force: &str, now: Timestamp) {
        let of = |request: &Request| request.has_id(id);
        for place in self.places(of) {
            self.ledger
                .hear(place, |request, _| request.is_doubtful = true);
        }
        let target = format!("request_id={id}{force}");
        let answer = self.call_api(Method::DELETE, &target, now).await;
        let status = answer["statusCode"].as_i64().unwrap();
        self.note(&format!("request {id} taken back: {status}"));
        let is_done = status == 204;
        self.world
            .state()
            .count("a request was taken back", is_done);
        if is_done && force.is_empty() {
            for place in self.places(of) {
                self.ledger
                    .hear(place, |request, tick| request.cancelled = Some(tick));
            }
        }
    }

    /// Every request that was accepted, and that nobody has tried to take back, is listed.
    pub(crate) async fn check_listed(&self) {
        if !self.ledger.has_requests() {
            return;
        }
        let now = self.world.now();
        let answer = self.call_api(Method::GET, "", now).await;
        let body = answer["body"].as_str().unwrap();
        let listed: Value = serde_json::from_str(body).unwrap();
        let listed = listed.as_array().unwrap().iter();
        let listed: BTreeSet<&str> = listed
            .filter_map(|one| one["request_id"].as_str())
            .collect();
        for request in self.ledger.requests() {
            let Some((id, _)) = request.accepted.filter(|_| !request.is_doubtful) else {
                continue;
            };
            if !listed.contains(id.as_str()) {
                self.ledger.wrong(format!("request {id} is not listed"));
            }
        }
    }

    /// Looks, behind everybody's back, which requests are heeded now.
    pub(crate) fn look(&self) {
        if self.ledger.has_requests() {
            let ids = |pk: &str| self.sort_keys("test-state", &format!("{pk}/{}", self.tenant));
            self.ledger.look(&ids("deletes"), &ids("deleted"));
        }
    }

    fn sort_keys(&self, table: &str, pk: &str) -> BTreeSet<String> {
        let query = json!({
            "TableName": table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
        });
        let (_, answer) = self.tables.answer("Query", query.to_string().as_bytes());
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let items = answer["Items"].as_array().unwrap().iter();
        items
            .map(|item| item["sk"]["S"].as_str().unwrap().to_owned())
            .collect()
    }

    fn places(&self, is: impl Fn(&Request) -> bool) -> Vec<usize> {
        let requests = self.ledger.requests();
        let places = requests.iter().enumerate().filter(|(_, one)| is(one));
        places.map(|(place, _)| place).collect()
    }

    async fn call_api(&self, method: Method, query: &str, now: Timestamp) -> Value {
        let call = Call::new(method, &format!("{PATH}?{query}"));
        let call = call.header("x-scope-orgid", self.tenant.as_str()).at(now);
        let answer = self.retention("api").handle(call.into_event()).await;
        serde_json::to_value(answer).unwrap()
    }

    /// Whether an answer is one that a store that fails explains.
    fn may_fail(&self, status: i64) -> bool {
        status == 503 && !self.world.state().is_calm
    }
}

/// A value for a query string.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let mut out = String::new();
    for byte in text.bytes() {
        match plain(byte) {
            true => out.push(byte as char),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
