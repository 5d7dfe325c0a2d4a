//! [`Case`]: one question with its recorded answer; [`DataSet`]: what is pushed before.

use std::collections::BTreeMap;

use narvi_tests::client::{Answer, Ask, Client};
use serde::Deserialize;
use serde_json::Value;

/// One question.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// What the answer follows from, where it was not recorded.
    #[serde(default)]
    why: String,
    method: String,
    pub(crate) path: String,
    #[serde(default)]
    params: Vec<(String, String)>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    content_type: Option<String>,
    /// Another tenant than the data set's; empty for none.
    tenant: Option<String>,
    pub(crate) want: Want,
    /// Whether the text is compared where the answer is no JSON.
    #[serde(default)]
    pub(crate) exact: bool,
    /// Whether only the kind of the result is compared.
    #[serde(default)]
    pub(crate) approx: bool,
}

/// What Loki answered.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Want {
    pub(crate) status: u16,
    /// JSON, or the text of what is none.
    pub(crate) body: Value,
}

/// Pushes, in their order.
#[derive(Debug, Deserialize)]
pub(crate) struct DataSet {
    pub(crate) tenant: String,
    pushes: Vec<Push>,
}

#[derive(Debug, Deserialize)]
struct Push {
    path: String,
    tenant: Option<String>,
    body: Value,
}

impl Case {
    /// The id without its number.
    pub(crate) fn category(&self) -> &str {
        self.id
            .rsplit_once('-')
            .map_or(&self.id, |(category, _)| category)
    }

    /// The value of a parameter.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().rev().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// What is asked, for whoever reads of a failure.
    pub(crate) fn what(&self) -> String {
        let question = match (self.param("query"), &self.body) {
            ("", Some(body)) => body,
            (query, _) => query,
        };
        let question: String = question.chars().take(160).collect();
        let because = match self.why.as_str() {
            "" => String::new(),
            why => format!(" ({why})"),
        };
        format!("{} {question}{because}", self.path)
    }

    pub(crate) fn ask(&self, client: &Client) -> Answer {
        let params: Vec<_> = self
            .params
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        headers.extend(
            self.content_type
                .as_deref()
                .map(|value| ("Content-Type", value)),
        );
        let ask = Ask {
            method: &self.method,
            path: &self.path,
            params: &params,
            headers: &headers,
            body: self.body.as_deref().map(str::as_bytes),
        };
        match &self.tenant {
            Some(tenant) => client.tenant(tenant).ask(&ask),
            None => client.ask(&ask),
        }
    }
}

impl DataSet {
    /// Pushes everything; answers with what was refused.
    pub(crate) fn push(&self, client: &Client) -> Vec<String> {
        let mut refused = Vec::new();
        for push in &self.pushes {
            let tenant = push.tenant.as_deref().unwrap_or(&self.tenant);
            let body = push.body.to_string();
            let client = client.tenant(tenant);
            let answer = client.post(&push.path, "application/json", body.as_bytes());
            if !matches!(answer.status, 200 | 204) {
                refused.push(format!(
                    "{} {}: {}",
                    push.path,
                    answer.status,
                    answer.text()
                ));
            }
        }
        refused
    }
}
