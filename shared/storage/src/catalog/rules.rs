//! Rule groups as their authors wrote them, and the states of their alerts. Texts only: what is in
//! them is the business of the rules function.

use narvi_model::TenantId;

use super::Catalog;
use super::item::{self, Fields, Item, text};
use super::traffic::Write;
use crate::failure::failure;
use crate::{StorageError, limits};

/// Partition key of the list of tenants with rules, in the table of states.
const TENANTS: &str = "rule-tenants";

/// One rule group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleGroupRow {
    /// Its namespace.
    pub namespace: String,
    /// Its name in the namespace.
    pub group: String,
    /// Its text.
    pub yaml: String,
}

impl Catalog {
    /// Writes a rule group over an earlier one of its name; one request.
    ///
    /// # Errors
    /// `Invalid` and `TooMuch` for names and texts that are too long, `Unavailable`.
    pub async fn put_rule_group(
        &self,
        tenant: &TenantId,
        namespace: &str,
        group: &str,
        yaml: &str,
    ) -> Result<(), StorageError> {
        check_text("text of a rule group", yaml)?;
        let mut row = item::key(rules_of(tenant), sort_key(namespace, group)?);
        for (name, value) in [("namespace", namespace), ("group", group), ("yaml", yaml)] {
            row.insert(name.to_owned(), text(value));
        }
        let state = &self.tables.state;
        let listed = Write::put(state, item::key(TENANTS, tenant.as_str()))?;
        self.write_all(vec![listed, Write::put(state, row)?]).await
    }

    /// The rule groups of a tenant, in the order of namespace and group.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn rule_groups(&self, tenant: &TenantId) -> Result<Vec<RuleGroupRow>, StorageError> {
        let query = self.query(&self.tables.state, &rules_of(tenant));
        let items = self.items(query, usize::MAX).await?.into_iter();
        let mut rows = items
            .map(|found| {
                let mut fields = Fields::new(&self.tables.state, found);
                Ok(RuleGroupRow {
                    namespace: fields.text("namespace")?,
                    group: fields.text("group")?,
                    yaml: fields.text("yaml")?,
                })
            })
            .collect::<Result<Vec<_>, StorageError>>()?;
        // Keys sort by their escaped form.
        rows.sort_by(|a, b| (&a.namespace, &a.group).cmp(&(&b.namespace, &b.group)));
        Ok(rows)
    }

    /// Deletes a rule group and the state of its alerts; an absent one is fine.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`.
    pub async fn delete_rule_group(
        &self,
        tenant: &TenantId,
        namespace: &str,
        group: &str,
    ) -> Result<(), StorageError> {
        let sk = sort_key(namespace, group)?;
        let state = &self.tables.state;
        let rule = Write::delete(state, item::key(rules_of(tenant), &sk))?;
        let alerts = Write::delete(state, item::key(alerts_of(tenant), sk))?;
        self.write_all(vec![rule, alerts]).await
    }

    /// Every tenant that has rule groups or had some once.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn rule_tenants(&self) -> Result<Vec<TenantId>, StorageError> {
        let items = self
            .items(self.query(&self.tables.state, TENANTS), usize::MAX)
            .await?;
        let read = |found: Item| {
            let fields = Fields::new(&self.tables.state, found);
            TenantId::parse(&fields.sk).map_err(|e| fields.broken("sk", &e.to_string()))
        };
        items.into_iter().map(read).collect()
    }

    /// What [`Catalog::put_alert_state`] wrote last.
    ///
    /// # Errors
    /// `Invalid`, `Unavailable`, `Corrupt`.
    pub async fn alert_state(
        &self,
        tenant: &TenantId,
        namespace: &str,
        group: &str,
    ) -> Result<Option<String>, StorageError> {
        let pk = alerts_of(tenant);
        let request = self
            .client
            .get_item()
            .table_name(&self.tables.state)
            .set_key(Some(item::key(&pk, sort_key(namespace, group)?)))
            .consistent_read(true);
        let answer = request.send().await;
        let answer = answer.map_err(|e| failure(format!("dynamodb.GetItem `{pk}`"), e))?;
        let state = |found| Fields::new(&self.tables.state, found).text("json");
        answer.item.map(state).transpose()
    }

    /// Keeps the state of a group's alerts from one evaluation to the next.
    ///
    /// # Errors
    /// `Invalid`, `TooMuch`, `Unavailable`.
    pub async fn put_alert_state(
        &self,
        tenant: &TenantId,
        namespace: &str,
        group: &str,
        json: &str,
    ) -> Result<(), StorageError> {
        check_text("alert state of a rule group", json)?;
        let pk = alerts_of(tenant);
        let mut row = item::key(&pk, sort_key(namespace, group)?);
        row.insert("json".to_owned(), text(json));
        let request = self
            .client
            .put_item()
            .table_name(&self.tables.state)
            .set_item(Some(row));
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(|e| failure(format!("dynamodb.PutItem `{pk}`"), e))
    }
}

fn rules_of(tenant: &TenantId) -> String {
    format!("rules/{tenant}")
}

fn alerts_of(tenant: &TenantId) -> String {
    format!("alerts/{tenant}")
}

/// `namespace/group`, with `/` in either escaped: `a/b` and `c` are not `a` and `b/c`.
fn sort_key(namespace: &str, group: &str) -> Result<String, StorageError> {
    let escaped = |name: &str| name.replace('%', "%25").replace('/', "%2F");
    let key = format!("{}/{}", escaped(namespace), escaped(group));
    if key.len() <= limits::SORT_KEY_MAX {
        return Ok(key);
    }
    Err(StorageError::TooMuch {
        what: "length of namespace and name of a rule group".to_owned(),
        size: key.len(),
        limit: limits::SORT_KEY_MAX,
        way_out: "use shorter names",
    })
}

fn check_text(what: &str, text: &str) -> Result<(), StorageError> {
    if text.len() <= limits::DOCUMENT_MAX {
        return Ok(());
    }
    Err(StorageError::TooMuch {
        what: format!("{what} in bytes"),
        size: text.len(),
        limit: limits::DOCUMENT_MAX,
        way_out: "split the group",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_of_two_groups_never_collide(
            a in "[a/%25F]{0,5}", b in "[a/%25F]{0,5}", c in "[a/%25F]{0,5}", d in "[a/%25F]{0,5}",
        ) {
            let same = (&a, &b) == (&c, &d);
            prop_assert_eq!(same, sort_key(&a, &b).unwrap() == sort_key(&c, &d).unwrap());
        }
    }
}
