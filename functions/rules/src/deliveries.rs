//! [`Deliveries`]: notifications cut into requests, each to every Alertmanager; knows which of them
//! arrived everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use narvi_model::TenantId;

use crate::limits::{ALERTS_PER_REQUEST, DELIVERIES_AT_ONCE};
use crate::notification::Notification;
use crate::notify::Post;
use crate::target::Target;

/// The notifications of a run; `K` is how the caller knows them.
pub(crate) struct Deliveries<K> {
    waiting: BTreeMap<TenantId, Vec<(K, Notification)>>,
}

/// One body, which goes to every target.
struct Batch<K> {
    tenant: TenantId,
    keys: Vec<K>,
    body: Bytes,
}

impl<K> Deliveries<K> {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, tenant: &TenantId, key: K, notification: Notification) {
        let list = self.waiting.entry(tenant.clone()).or_default();
        list.push((key, notification));
    }

    /// Sends everything to every target; answers the keys of what all of them took.
    ///
    /// What one target did not take counts as not sent, so it goes to all of them again: the others
    /// know it by its labels.
    pub(crate) async fn send(self, targets: &[Target], post: &Arc<dyn Post>) -> Vec<K> {
        let mut batches = self.batches();
        let calls = batches
            .iter()
            .enumerate()
            .flat_map(|(n, batch)| targets.iter().map(move |target| (n, batch, target)));
        let calls = calls.map(|(n, batch, target)| async move {
            let sent = post.post(target, &batch.tenant, batch.body.clone()).await;
            if let Err(error) = &sent {
                let (url, tenant, alerts) = (target.url(), &batch.tenant, batch.keys.len());
                tracing::error!(
                    url,
                    tenant = tenant.as_str(),
                    alerts,
                    %error,
                    "alertmanager did not take alerts; they are sent again next time"
                );
            }
            (n, sent.is_ok())
        });
        // Boxed, or the compiler cannot see that the stream may move between threads.
        let calls: Vec<_> = calls.map(Box::pin).collect();
        let outcomes = stream::iter(calls).buffer_unordered(DELIVERIES_AT_ONCE);
        let outcomes: Vec<(usize, bool)> = outcomes.collect().await;
        for (n, sent) in outcomes {
            if !sent {
                batches[n].keys.clear();
            }
        }
        batches.into_iter().flat_map(|batch| batch.keys).collect()
    }

    fn batches(self) -> Vec<Batch<K>> {
        let mut batches = Vec::new();
        for (tenant, mut list) in self.waiting {
            while !list.is_empty() {
                let rest = list.split_off(list.len().min(ALERTS_PER_REQUEST));
                let (keys, alerts): (Vec<K>, Vec<Notification>) = list.into_iter().unzip();
                list = rest;
                match serde_json::to_vec(&alerts) {
                    Ok(body) => batches.push(Batch {
                        tenant: tenant.clone(),
                        keys,
                        body: body.into(),
                    }),
                    // Texts and lists only; were it to happen, the alerts stay unsent and say so.
                    Err(error) => tracing::error!(%error, "alerts cannot be written as JSON"),
                }
            }
        }
        batches
    }
}
