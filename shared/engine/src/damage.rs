//! [`Damage`]: the segments whose bytes are gone or are not those that were written, which an
//! answer has to do without.
//!
//! One per attempt at an answer. A segment that is damaged stops nothing else: what can be read is
//! answered, with a warning that names it. Of a missing object the row is looked at again: where it
//! is gone too the segment was merged and deleted, and the answer is sought anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use narvi_storage::{Catalog, SegmentRow, StorageError};

use crate::error::EngineError;
use crate::limits::MAX_DAMAGE_WARNINGS;

/// Damaged segments by id, each with what was found first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damage(Arc<Mutex<BTreeMap<String, String>>>);

impl Damage {
    /// Goes on without what a worker could not read.
    ///
    /// # Errors
    /// The error, where it is about anything but the bytes of a segment.
    pub(crate) fn bear(&self, error: EngineError) -> Result<(), EngineError> {
        match error {
            EngineError::Corrupt { segment, reason } => {
                self.note(segment, reason);
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Goes on without what could not be had of a row's segment.
    ///
    /// # Errors
    /// [`EngineError::Moved`] where the row is gone as well; the error itself where a later try may
    /// succeed.
    pub(crate) async fn bear_of(
        &self,
        catalog: &Catalog,
        row: &SegmentRow,
        error: EngineError,
    ) -> Result<(), EngineError> {
        let segment = row.summary.id.to_string();
        match error {
            EngineError::Storage(error @ StorageError::NotFound { .. }) => {
                if !self.has(&segment) && !catalog.has_segment(row).await? {
                    return Err(EngineError::Moved);
                }
                self.note(segment, error.to_string());
                Ok(())
            }
            EngineError::Storage(error @ StorageError::Corrupt { .. }) => {
                self.note(segment, error.to_string());
                Ok(())
            }
            error => self.bear(error),
        }
    }

    fn has(&self, segment: &str) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.contains_key(segment)
    }

    fn note(&self, segment: String, reason: String) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry(segment).or_insert(reason);
    }

    /// How many segments are damaged.
    pub(crate) fn len(&self) -> u64 {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.len() as u64
    }

    /// What whoever asked should know: a text for each segment, and one for those beyond
    /// [`MAX_DAMAGE_WARNINGS`].
    pub(crate) fn warnings(&self) -> Vec<String> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = noted.iter().take(MAX_DAMAGE_WARNINGS);
        let mut warnings: Vec<String> = shown
            .map(|(segment, reason)| {
                format!("segment `{segment}` is damaged, its lines are missing: {reason}")
            })
            .collect();
        let more = noted.len().saturating_sub(MAX_DAMAGE_WARNINGS);
        if more > 0 {
            warnings.push(format!("{more} more segments are damaged"));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_bounded_and_tell_the_first_reason() {
        let damage = Damage::default();
        for n in 0..MAX_DAMAGE_WARNINGS + 2 {
            for reason in ["first", "second"] {
                let corrupt = EngineError::Corrupt {
                    segment: format!("{n:04}"),
                    reason: reason.to_owned(),
                };
                assert!(damage.bear(corrupt).is_ok());
            }
        }
        let warnings = damage.warnings();
        assert_eq!(damage.len(), MAX_DAMAGE_WARNINGS as u64 + 2);
        assert_eq!(warnings.len(), MAX_DAMAGE_WARNINGS + 1);
        let first = "segment `0000` is damaged, its lines are missing: first";
        assert_eq!(warnings[0], first);
        assert_eq!(
            warnings.last().map(String::as_str),
            Some("2 more segments are damaged")
        );
        assert!(damage.bear(EngineError::Timeout).is_err());
    }
}
