//! What the tests share: a handler on an embedded DynamoDB, with scripted queries and an
//! Alertmanager that counts.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use http::Method;
use narvi_gateway::{Call, Config};
use narvi_model::{Labels, TenantId, Timestamp};
use narvi_rules::{Evaluate, Evaluated, Handler, NotifyError, Post, Report, Sample, Target};
use narvi_storage::{Catalog, Requests};
use serde_json::Value;

pub(crate) const YAML: &str = "application/yaml";

/// 2026-01-15T10:00:00Z plus `minute` minutes.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_seconds(1_768_471_200 + minute * 60)
}

/// Answers of queries: by query, the `app` of each sample, or an error.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<BTreeMap<String, Result<Vec<String>, String>>>,
    /// With which all of them come.
    pub(crate) warnings: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn set(&self, query: &str, apps: Result<&[&str], &str>) {
        let apps = apps.map(|apps| apps.iter().map(|app| (*app).to_owned()).collect());
        let apps = apps.map_err(str::to_owned);
        self.answers.lock().unwrap().insert(query.to_owned(), apps);
    }
}

#[async_trait]
impl Evaluate for Script {
    async fn evaluate(
        &self,
        tenant: &TenantId,
        query: &str,
        at: Timestamp,
    ) -> Result<Evaluated, String> {
        assert_eq!(at.nanos() % 60_000_000_000, 0, "{at:?} is no tick");
        let script = self.answers.lock().unwrap();
        let apps = script
            .get(query)
            .cloned()
            .unwrap_or_else(|| Ok(Vec::new()))?;
        let labels = |app: &str| Labels::from_pairs([("app", app), ("tenant", tenant.as_str())]);
        let sample = |app: &String| Sample {
            labels: labels(app),
            value: 7.0,
        };
        Ok(Evaluated {
            samples: apps.iter().map(sample).collect(),
            warnings: self.warnings.lock().unwrap().clone(),
        })
    }
}

/// An Alertmanager for each address, which remembers what it took and fails when told.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) taken: Mutex<Vec<Taken>>,
    pub(crate) down: Mutex<Vec<&'static str>>,
}

/// One request that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) url: String,
    pub(crate) tenant: String,
    pub(crate) alerts: Vec<Value>,
}

impl Recorder {
    /// What was taken since the last call: `tenant alertname/app from to` with minutes.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut out = Vec::new();
        for taken in std::mem::take(&mut *self.taken.lock().unwrap()) {
            for alert in taken.alerts {
                let label = |name: &str| alert["labels"][name].as_str().unwrap().to_owned();
                let minute = |name: &str| alert[name].as_str().unwrap()[11..16].to_owned();
                out.push(format!(
                    "{} {}/{} {}-{}",
                    taken.tenant,
                    label("alertname"),
                    label("app"),
                    minute("startsAt"),
                    minute("endsAt")
                ));
            }
        }
        out.sort();
        out
    }
}

#[async_trait]
impl Post for Recorder {
    async fn post(
        &self,
        target: &Target,
        tenant: &TenantId,
        alerts: Bytes,
    ) -> Result<(), NotifyError> {
        let down = self.down.lock().unwrap().clone();
        if down.iter().any(|host| target.url().contains(host)) {
            return Err(NotifyError::Status(503));
        }
        self.taken.lock().unwrap().push(Taken {
            url: target.url().to_owned(),
            tenant: tenant.as_str().to_owned(),
            alerts: serde_json::from_slice(&alerts).unwrap(),
        });
        Ok(())
    }
}

/// A handler and what it works with.
pub(crate) struct Fixture {
    pub(crate) handler: Handler,
    pub(crate) catalog: Catalog,
    pub(crate) script: Arc<Script>,
    pub(crate) recorder: Arc<Recorder>,
    yaml: String,
}

impl Fixture {
    pub(crate) async fn new(yaml: &str) -> Self {
        let catalog = catalog().await;
        let script = Arc::new(Script::default());
        let recorder = Arc::new(Recorder::default());
        let handler = handler(yaml, &catalog, &script, &recorder);
        let yaml = yaml.to_owned();
        Self {
            handler,
            catalog,
            script,
            recorder,
            yaml,
        }
    }

    /// Another container of the function, with nothing but the catalog.
    pub(crate) fn restart(&mut self) {
        self.handler = handler(&self.yaml, &self.catalog, &self.script, &self.recorder);
    }

    pub(crate) async fn call(&self, call: Call) -> (i64, String, String) {
        let answer = self.handler.handle(call.into_event()).await;
        let kind = answer.headers.get("content-type");
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned());
        let body = match answer.body {
            Some(Body::Text(text)) => text,
            _ => String::new(),
        };
        (answer.status_code, kind.unwrap_or_default(), body)
    }

    pub(crate) async fn post(&self, tenant: &str, namespace: &str, yaml: &str) {
        let path = format!("/loki/api/v1/rules/{namespace}");
        let call = Call::new(Method::POST, &path)
            .header("x-scope-orgid", tenant)
            .header("content-type", YAML)
            .body(yaml);
        let (status, _, body) = self.call(call).await;
        assert_eq!(status, 202, "{body}");
    }

    pub(crate) async fn run(&self, minute: i64) -> Report {
        self.handler.run(at(minute)).await.unwrap()
    }

    /// The stored state of a group as JSON.
    pub(crate) async fn state(&self, tenant: &str, namespace: &str, group: &str) -> Value {
        let tenant = TenantId::parse(tenant).unwrap();
        let state = self.catalog.alert_state(&tenant, namespace, group).await;
        serde_json::from_str(&state.unwrap().unwrap()).unwrap()
    }
}

fn handler(
    yaml: &str,
    catalog: &Catalog,
    script: &Arc<Script>,
    recorder: &Arc<Recorder>,
) -> Handler {
    let config = Arc::new(Config::from_yaml(yaml).unwrap());
    Handler::with(catalog.clone(), config, script.clone(), recorder.clone()).unwrap()
}

/// An empty catalog on a DynamoDB of its own.
pub(crate) async fn catalog() -> Catalog {
    narvi_embedded::catalog(1, &Requests::new()).await
}
