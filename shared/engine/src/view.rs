//! [`View`]: what is stored, as one query sees it: without what its tenants have asked to delete.
//!
//! The requests of a tenant are read once for each query, beside the first rows of the catalog, and
//! never kept: whoever was told that lines are gone must not meet them. [`Hidden`] is what of it
//! matters to one stream or chunk. When a request is over, and its lines are gone from storage, is
//! decided elsewhere (`docs/decisions/0020-deletes.md`).

use std::sync::Arc;

use narvi_logql::batch::Batch;
use narvi_logql::deletion::Deletion;
use narvi_logql::running::{Halt, Running};
use narvi_model::{Labels, TenantId, Timestamp};
use narvi_storage::{DeleteRow, StorageError};
use tokio::sync::OnceCell;

use crate::Engine;
use crate::error::EngineError;
use crate::scan::{Needs, Worker};

/// The engine as one query uses it.
pub(crate) struct View<'a> {
    pub(crate) engine: &'a Engine,
    of: Vec<(TenantId, OnceCell<Hidden>)>,
}

/// Requests to delete that may hide lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden(Vec<Arc<Deletion>>);

impl<'a> View<'a> {
    /// For a query of these tenants; reads nothing yet.
    pub(crate) fn new(engine: &'a Engine, tenants: impl IntoIterator<Item = &'a TenantId>) -> Self {
        let tenants = tenants.into_iter().cloned();
        Self {
            engine,
            of: tenants.map(|id| (id, OnceCell::new())).collect(),
        }
    }

    /// What is hidden of a tenant; the first call reads it, one request where the tenant may
    /// delete and none where not.
    pub(crate) async fn hidden(&self, tenant: &TenantId) -> Result<Hidden, EngineError> {
        let read = || async { self.engine.read_hidden(tenant).await };
        match self.of.iter().find(|(id, _)| id == tenant) {
            Some((_, known)) => Ok(known.get_or_try_init(read).await?.clone()),
            None => read().await,
        }
    }
}

impl Engine {
    async fn read_hidden(&self, tenant: &TenantId) -> Result<Hidden, EngineError> {
        if !(self.heeds)(tenant) {
            return Ok(Hidden::default());
        }
        let rows = self.catalog.deletes(tenant).await?;
        if rows.is_empty() {
            return Ok(Hidden::default());
        }
        let compile = move |_: &mut Worker| {
            let all = rows.iter().map(|row| compile(row).map(Arc::new));
            Ok(Hidden(all.collect::<Result<_, _>>()?))
        };
        self.workers.run(compile).await
    }
}

/// What was taken as a request can be read, or else nobody knows what it hides.
fn compile(row: &DeleteRow) -> Result<Deletion, StorageError> {
    let compiled = Deletion::new(&row.query, row.start, row.end);
    compiled.map_err(|error| StorageError::Corrupt {
        what: format!("delete request `{}`", row.id),
        reason: error.to_string(),
    })
}

impl Hidden {
    /// Whether nothing is hidden.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may hide lines of a stream from `first` to `last`.
    pub(crate) fn of(&self, labels: &Labels, (first, last): (Timestamp, Timestamp)) -> Self {
        let all = self.0.iter();
        let own = all.filter(|one| one.touches(first, last) && one.is_of(labels));
        Self(own.cloned().collect())
    }

    /// What may hide lines from `first` to `last`, of a stream that all of it is of.
    pub(crate) fn within(&self, first: Timestamp, last: Timestamp) -> Self {
        let all = self.0.iter();
        Self(
            all.filter(|one| one.touches(first, last))
                .cloned()
                .collect(),
        )
    }

    /// Whether it hides every line from `first` to `last` of a stream that all of it is of.
    pub(crate) fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.0.iter().any(|one| one.covers(first, last))
    }

    /// Whether it hides all lines of some time, whatever they hold.
    pub(crate) fn may_cover(&self) -> bool {
        self.0.iter().any(|one| one.is_whole())
    }

    /// The columns that must be there to find hidden lines, beside those that are `needed` anyway.
    pub(crate) fn needs(&self, needed: Needs) -> Needs {
        Needs {
            lines: needed.lines || self.0.iter().any(|one| !one.is_whole()),
            metadata: needed.metadata || self.0.iter().any(|one| one.reads_metadata()),
            ..needed
        }
    }

    /// Takes hidden lines out of the selection of a batch. `own` are the labels that its stream was
    /// stored with.
    pub(crate) fn strike(
        &self,
        own: &Labels,
        batch: &mut Batch,
        running: &Running,
    ) -> Result<(), Halt> {
        if self.is_empty() {
            return Ok(());
        }
        let shown = std::mem::replace(&mut batch.stream, own.clone());
        for deletion in &self.0 {
            if batch.selection.is_empty() {
                break;
            }
            deletion.strike(batch, running)?;
        }
        batch.stream = shown;
        Ok(())
    }
}
