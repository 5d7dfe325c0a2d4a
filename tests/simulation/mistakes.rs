//! [`Mistake`]: what could be wrong with Narvi or with a store, and must be noticed then. Most are
//! made on the way to the tables: [`Mistake::bend`] changes a request, [`Mistake::answer`] answers
//! in the place of the tables.

use narvi_embedded::Tables;
use serde_json::{Value, json};

use super::objects::Bucket;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Objects are acknowledged before they are stored.
    PutsLate,
    /// Merges are acknowledged before they are committed.
    CommitsLate,
    /// Requests to delete are accepted before they are stored.
    DeletesLate,
    /// Objects go when they are put on the list of garbage, before their rows. (Nobody could notice
    /// a grace that is too short: a reader whose row went meanwhile starts anew.)
    GoFirst,
    /// Of batches a part is written.
    HalfBatches,
    /// Retention works in partitions whose lease it does not have.
    NoLease,
    /// Who removes what it has rewritten removes what was pushed meanwhile too.
    RemovesAll,
}

impl Mistake {
    /// Whether a write is acknowledged before it is done.
    pub(crate) fn is_late(self, operation: &str, body: &Value) -> bool {
        match self {
            Self::CommitsLate => operation == "TransactWriteItems",
            Self::DeletesLate => operation == "PutItem" && starts(&body["Item"], "deletes/"),
            _ => false,
        }
    }

    /// What is answered where the tables are not asked.
    pub(crate) fn answer(self, task: &str, operation: &str, body: &Value) -> Option<Value> {
        let is_lease = operation == "UpdateItem" && starts(&body["Key"], "lease/");
        let is_ignored = self == Self::NoLease && retains(task) && is_lease;
        is_ignored.then(|| json!({"Attributes": {"token": {"N": "1"}}}))
    }

    /// Makes another request of one that a task has made.
    pub(crate) fn bend(self, task: &str, (tables, bucket): (&Tables, &Bucket), body: &mut Value) {
        match self {
            Self::GoFirst => bucket.remove(&garbage(body)),
            Self::NoLease if retains(task) => {
                let condition = body.pointer_mut("/TransactItems/0/ConditionCheck");
                if let Some(check) = condition {
                    let own = check["ConditionExpression"].as_str().unwrap();
                    check["ConditionExpression"] =
                        format!("({own}) OR attribute_not_exists(nothing)").into();
                }
            }
            Self::RemovesAll if retains(task) => remove_all(tables, body),
            _ => {}
        }
    }
}

/// Whether a task is a run of retention.
fn retains(task: &str) -> bool {
    task.starts_with("retain")
}

fn starts(key: &Value, with: &str) -> bool {
    key["pk"]["S"]
        .as_str()
        .is_some_and(|pk| pk.starts_with(with))
}

/// The objects that a batch puts on the list of garbage.
fn garbage(body: &Value) -> Vec<String> {
    let tables = body["RequestItems"].as_object().into_iter();
    let writes = tables.flat_map(|tables| tables.values());
    let writes = writes.flat_map(|writes| writes.as_array().unwrap());
    let items = writes.filter_map(|write| write.pointer("/PutRequest/Item"));
    let listed = items.filter(|item| item["pk"]["S"] == "garbage");
    let keys = listed.map(|item| item["sk"]["S"].as_str().unwrap());
    keys.map(|key| key.split_once('/').unwrap().1.to_owned())
        .collect()
}

/// Where rows of segments are deleted, those of all pushes of the partition are deleted too.
fn remove_all(tables: &Tables, body: &mut Value) {
    let table = "test-segments";
    let Some(deletes) = body["RequestItems"][table].as_array() else {
        return;
    };
    let pk = deletes[0]["DeleteRequest"]["Key"]["pk"].clone();
    let query = json!({
        "TableName": table,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :level)",
        "ExpressionAttributeValues": {":pk": pk, ":level": {"S": "00/"}},
    });
    let (_, found) = tables.answer("Query", query.to_string().as_bytes());
    let found: Value = serde_json::from_slice(&found).unwrap();
    let mut deletes = deletes.clone();
    for item in found["Items"].as_array().unwrap() {
        let delete = json!({"DeleteRequest": {"Key": {"pk": item["pk"], "sk": item["sk"]}}});
        if !deletes.contains(&delete) && deletes.len() < 25 {
            deletes.push(delete);
        }
    }
    body["RequestItems"][table] = deletes.into();
}
