//! [`Listeners`]: who is connected, asked of the catalog and remembered for seconds.
//!
//! Not what caches here otherwise hold, since it changes: a tail that has just begun may miss lines
//! for so long, and one that has ended is noticed when it is not reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use narvi_logql::plan::LogPlan;
use narvi_logql::stage::Demand;
use narvi_logql::syntax;
use narvi_model::{TenantId, Timestamp};
use narvi_protocol::answer::{EncodeOptions, TailForm};
use narvi_storage::{Catalog, TailRow};

use crate::limits::{DELIVERY_WAIT, KNOWN_NANOS, TENANTS};

/// Somebody who is connected.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) connection: String,
    pub(crate) plan: LogPlan,
    pub(crate) form: TailForm,
    pub(crate) opened: Timestamp,
    pub(crate) live: Timestamp,
    pub(crate) expires: Timestamp,
}

/// All of a tenant.
pub(crate) type List = Arc<[Arc<Listener>]>;

/// The lists of tenants.
#[derive(Debug)]
pub(crate) struct Listeners {
    catalog: Catalog,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Grows each time that all is forgotten: what was asked for before is not remembered after.
    age: u64,
    lists: HashMap<TenantId, (Timestamp, List)>,
}

impl Listeners {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            known: Mutex::default(),
        }
    }

    /// Who is connected of a tenant, as far as is known at `now`. Where the catalog does not answer
    /// in time that is nobody, and it is not asked again for as long.
    pub(crate) async fn of(&self, tenant: &TenantId, now: Timestamp) -> List {
        let age = {
            let known = self.known();
            if let Some((asked, list)) = known.lists.get(tenant)
                && now.since(*asked).abs() < KNOWN_NANOS
            {
                return Arc::clone(list);
            }
            known.age
        };
        let rows = tokio::time::timeout(DELIVERY_WAIT, self.catalog.tails(tenant, now));
        let rows = match rows.await {
            Ok(Ok(rows)) => rows,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the list of live tails cannot be read");
                Vec::new()
            }
            Err(_) => {
                tracing::warn!("the list of live tails took longer than {DELIVERY_WAIT:?}");
                Vec::new()
            }
        };
        let list: List = rows.into_iter().filter_map(listener).collect();
        let mut known = self.known();
        if known.age == age {
            if known.lists.len() >= TENANTS {
                known.lists.clear();
            }
            known.lists.insert(tenant.clone(), (now, Arc::clone(&list)));
        }
        list
    }

    /// Asks the catalog again with the next push.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        known.age += 1;
        known.lists.clear();
    }

    /// Takes a connection that is gone out of the catalog, and out of what is known.
    pub(crate) async fn remove(&self, tenant: &TenantId, connection: &str) {
        if let Some((_, list)) = self.known().lists.get_mut(tenant) {
            let others = list.iter().filter(|one| one.connection != connection);
            *list = others.cloned().collect();
        }
        let deleted = self.catalog.delete_tail(tenant, connection);
        match tokio::time::timeout(DELIVERY_WAIT, deleted).await {
            Ok(Ok(())) => {}
            // The next process that does not reach it tries again, until its time is over.
            Ok(Err(error)) => {
                tracing::warn!(%error, connection, "a tail that is gone stays listed");
            }
            Err(_) => tracing::warn!(connection, "a tail that is gone stays listed for now"),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves a list that is there or is not.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` where a row was written by a version that understood more than this one.
fn listener(row: TailRow) -> Option<Arc<Listener>> {
    let log = syntax::parse_log(&row.query).map_err(|error| error.to_string());
    let plan =
        log.and_then(|log| LogPlan::new(&log, Demand::All).map_err(|error| error.to_string()));
    match plan {
        Ok(plan) => Some(Arc::new(Listener {
            form: form(&row),
            connection: row.connection,
            plan,
            opened: row.opened,
            live: row.live,
            expires: row.expires,
        })),
        Err(error) => {
            tracing::warn!(error, query = row.query, "a live tail cannot be served");
            None
        }
    }
}

/// How a tail wants its frames.
#[must_use]
pub fn form(row: &TailRow) -> TailForm {
    if row.is_legacy {
        return TailForm::Legacy;
    }
    TailForm::Current(EncodeOptions::from_flags(Some(&row.flags)))
}
