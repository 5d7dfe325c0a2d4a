//! [`Sweep`]: how far the walk through all objects has come, which looks for such as no row points
//! to.

use narvi_model::Timestamp;

use super::Catalog;
use super::item::{self, Fields, number, text};
use super::traffic::Write;
use crate::StorageError;

/// Partition key of the one row, in the table of states.
const SWEEP: &str = "sweep";

/// Its sort key.
const WALK: &str = "walk";

/// A walk, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// When it was begun.
    pub begun: Timestamp,
    /// When the last one was begun that looked at objects of every age.
    pub full: Timestamp,
    /// Objects that were written before this were judged by an earlier walk.
    pub since: Timestamp,
    /// The last key that was judged; `None` where the walk has come to its end.
    pub after: Option<String>,
}

impl Catalog {
    /// The walk that was begun last.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn sweep(&self) -> Result<Option<Sweep>, StorageError> {
        let table = &self.tables.state;
        let items = self.items(self.query(table, SWEEP), 1).await?;
        let Some(found) = items.into_iter().next() else {
            return Ok(None);
        };
        let mut fields = Fields::new(table, found);
        let mut time = |name| fields.number(name).map(Timestamp::from_nanos);
        Ok(Some(Sweep {
            begun: time("begun")?,
            full: time("full")?,
            since: time("since")?,
            after: fields.optional_text("after")?,
        }))
    }

    /// Notes how far a walk has come.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn put_sweep(&self, sweep: &Sweep) -> Result<(), StorageError> {
        let mut item = item::key(SWEEP, WALK);
        for (name, time) in [
            ("begun", sweep.begun),
            ("full", sweep.full),
            ("since", sweep.since),
        ] {
            item.insert(name.to_owned(), number(time.nanos()));
        }
        if let Some(after) = &sweep.after {
            item.insert("after".to_owned(), text(after));
        }
        let writes = vec![Write::put(&self.tables.state, item)?];
        self.write_all(writes).await
    }
}
