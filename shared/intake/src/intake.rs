//! [`Intake`]: takes the streams of tenants. One serves a process for its life.

use std::sync::Arc;

use narvi_live::Live;
use narvi_model::{Overrides, TenantId, Timestamp};
use narvi_protocol::push::PushRequest;
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects};

use crate::IntakeError;
use crate::accept::{Accepted, accept};
use crate::rates::{Admitted, Rates};
use crate::refusals::Refusals;
use crate::store::Store;

/// Takes pushes; they may run side by side.
pub struct Intake {
    limits: Overrides,
    rates: Rates,
    store: Store,
    live: Option<Arc<Live>>,
}

impl Intake {
    /// Stores into `objects` and `catalog` what the tenants' `limits` allow.
    #[must_use]
    pub fn new(
        objects: Arc<dyn Objects>,
        catalog: Catalog,
        limits: Overrides,
        options: WriterOptions,
    ) -> Self {
        let store = Store::new(objects, catalog, options);
        Self {
            limits,
            rates: Rates::default(),
            store,
            live: None,
        }
    }

    /// Tells live tails of what is stored.
    #[must_use]
    pub fn with_live(mut self, live: Arc<Live>) -> Self {
        self.live = Some(live);
        self
    }

    /// Stores what is good of a push that arrived at `now`. With `Ok` all of it is durable, and a
    /// query that starts later finds it; with [`IntakeError::Refused`] and
    /// [`IntakeError::Throttled`] the same holds for what was not refused. The same push may be
    /// sent again at any time, and is stored once.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn push(
        &self,
        tenant: &TenantId,
        push: PushRequest,
        now: Timestamp,
    ) -> Result<(), IntakeError> {
        let limits = self.limits.of(tenant);
        let Accepted { streams, refusals } = accept(push, tenant, limits, now)?;
        let admitted = self.rates.admit(tenant, limits, streams, now)?;
        self.store(tenant, admitted, refusals, now).await
    }

    /// As [`Intake::push`], but any number of bytes and streams, for senders that cannot be told to
    /// send less.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn push_at_any_rate(
        &self,
        tenant: &TenantId,
        push: PushRequest,
        now: Timestamp,
    ) -> Result<(), IntakeError> {
        let limits = self.limits.of(tenant);
        let Accepted { streams, refusals } = accept(push, tenant, limits, now)?;
        self.store(tenant, Admitted::all(streams), refusals, now)
            .await
    }

    async fn store(
        &self,
        tenant: &TenantId,
        admitted: Admitted,
        refusals: Refusals,
        now: Timestamp,
    ) -> Result<(), IntakeError> {
        let Admitted { streams, throttled } = admitted;
        match &self.live {
            None => self.store.write(tenant, streams, now).await?,
            Some(live) => {
                // On the heap: in futures that lie in futures these are deeper than the compiler
                // follows.
                let news = Box::pin(live.news(tenant, &streams, now)).await;
                self.store.write(tenant, streams, now).await?;
                // Before the answer, as a Lambda stands still after it.
                Box::pin(live.send(news)).await;
            }
        }
        // A sender that is to come again is told so, whatever else is wrong.
        throttled.map_or(Ok(()), Err)?;
        let blocked = refusals.blocked();
        refusals.into_result()?;
        if blocked == 0 {
            return Ok(());
        }
        let limits = self.limits.of(tenant);
        Err(IntakeError::Blocked {
            tenant: tenant.clone(),
            until: limits.block_ingestion_until,
            status: limits.block_ingestion_status_code,
        })
    }
}
