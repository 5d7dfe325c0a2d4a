//! [`Lags`]: connections that could not be reached, and what they have missed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use narvi_model::Timestamp;
use narvi_protocol::answer::DroppedEntry;

use crate::limits::{LAGGING, MISSED};

/// Behind by connection.
#[derive(Debug, Default)]
pub(crate) struct Lags(Mutex<HashMap<String, Lag>>);

#[derive(Debug)]
struct Lag {
    /// Not to be tried before.
    until: Timestamp,
    missed: Vec<DroppedEntry>,
}

impl Lags {
    /// Whether a connection is to be left alone at `now`.
    pub(crate) fn is_behind(&self, connection: &str, now: Timestamp) -> bool {
        self.all()
            .get(connection)
            .is_some_and(|lag| now < lag.until)
    }

    /// What a connection has missed; told by whoever takes it.
    pub(crate) fn take(&self, connection: &str) -> Vec<DroppedEntry> {
        let lag = self.all().remove(connection);
        lag.map(|lag| lag.missed).unwrap_or_default()
    }

    /// Adds to what a connection has missed, and leaves it alone until then.
    pub(crate) fn miss(
        &self,
        connection: &str,
        missed: impl IntoIterator<Item = DroppedEntry>,
        until: Timestamp,
    ) {
        let mut all = self.all();
        if all.len() >= LAGGING && !all.contains_key(connection) {
            return;
        }
        let lag = all.entry(connection.to_owned()).or_insert(Lag {
            until,
            missed: Vec::new(),
        });
        lag.until = lag.until.max(until);
        let room = MISSED.saturating_sub(lag.missed.len());
        lag.missed.extend(missed.into_iter().take(room));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Lag>> {
        // A panic elsewhere cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Labels;

    use super::*;

    fn entries(count: i64) -> impl Iterator<Item = DroppedEntry> {
        (0..count).map(|time| DroppedEntry {
            timestamp: Timestamp::from_nanos(time),
            labels: Labels::empty(),
        })
    }

    #[test]
    fn lags_are_bounded_and_taken_once() {
        let at = Timestamp::from_seconds;
        let lags = Lags::default();
        lags.miss("a", entries(3), at(10));
        lags.miss("a", entries(2000), at(5));
        assert!(lags.is_behind("a", at(9)) && !lags.is_behind("a", at(10)));
        assert!(!lags.is_behind("b", at(0)));
        assert_eq!(lags.take("a").len(), MISSED);
        assert_eq!(lags.take("a"), []);
        assert!(!lags.is_behind("a", at(9)));
        for n in 0..2 * LAGGING {
            lags.miss(&n.to_string(), entries(1), at(10));
        }
        assert_eq!(lags.all().len(), LAGGING);
    }
}
