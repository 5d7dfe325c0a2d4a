//! [`Refusals`]: why parts of a push were not stored, grouped as Loki groups them.

use std::collections::HashMap;

use crate::IntakeError;
use crate::limits::{REASON_BYTES, REASONS};

/// Reasons in the order of their first entry, each with how often it was given.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    reasons: Vec<(String, usize)>,
    places: HashMap<String, usize>,
    /// Beyond [`REASONS`] different ones.
    further: usize,
    lines: usize,
    blocked: usize,
}

impl Refusals {
    /// One more thing is refused, and with it so many lines.
    pub(crate) fn add(&mut self, mut reason: String, lines: usize) {
        self.lines += lines;
        shorten(&mut reason);
        if let Some(&place) = self.places.get(&reason) {
            self.reasons[place].1 += 1;
        } else if self.reasons.len() < REASONS {
            self.places.insert(reason.clone(), self.reasons.len());
            self.reasons.push((reason, 1));
        } else {
            self.further += 1;
        }
    }

    /// So many lines are not stored as nothing is for now, which is a reason only where there is no
    /// other.
    pub(crate) const fn block(&mut self, lines: usize) {
        self.lines += lines;
        self.blocked += lines;
    }

    /// Lines that are not stored as nothing is for now.
    pub(crate) const fn blocked(&self) -> usize {
        self.blocked
    }

    /// Ok where nothing was refused.
    pub(crate) fn into_result(self) -> Result<(), IntakeError> {
        if self.reasons.is_empty() {
            return Ok(());
        }
        let (reasons, lines) = (self.text(), self.lines);
        Err(IntakeError::Refused { reasons, lines })
    }

    /// A single reason as it is; several, or one that repeats, as `N errors like: …; …`.
    fn text(&self) -> String {
        if let [(reason, 1)] = self.reasons.as_slice() {
            return reason.clone();
        }
        let grouped = |(text, count): &(String, usize)| format!("{count} errors like: {text}");
        let mut all: Vec<_> = self.reasons.iter().map(grouped).collect();
        if self.further > 0 {
            all.push(format!("{} errors of other kinds", self.further));
        }
        all.join("; ")
    }
}

/// Cuts the middle out of a long reason: the rule stands at its ends, labels lie in between.
pub(crate) fn shorten(reason: &mut String) {
    if reason.len() > REASON_BYTES {
        let head = reason.floor_char_boundary(REASON_BYTES / 2);
        let tail = reason.ceil_char_boundary(reason.len() - REASON_BYTES / 2);
        reason.replace_range(head..tail, "...");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reasons: &[&str], want: &str) {
        let mut refusals = Refusals::default();
        reasons
            .iter()
            .for_each(|reason| refusals.add((*reason).to_owned(), 2));
        let text = refusals.into_result().map_err(|error| error.to_string());
        assert_eq!(text.err().as_deref().unwrap_or_default(), want);
    }

    #[test]
    fn grouped_as_loki_groups() {
        check(&[], "");
        check(&["a"], "a");
        check(&["a", "a"], "2 errors like: a");
        check(&["a", "b", "a"], "2 errors like: a; 1 errors like: b");
    }

    #[test]
    fn lines_are_counted() {
        let mut refusals = Refusals::default();
        refusals.add("a stream".to_owned(), 40);
        refusals.add("a line".to_owned(), 1);
        let error = refusals.into_result().unwrap_err();
        assert!(matches!(error, IntakeError::Refused { lines: 41, .. }));
    }

    #[test]
    fn an_answer_stays_small() {
        let mut refusals = Refusals::default();
        (0..1000).for_each(|n| refusals.add(format!("{n} {}", "é".repeat(REASON_BYTES)), 1));
        let text = refusals.into_result().unwrap_err().to_string();
        assert!(
            text.len() < (REASON_BYTES + 100) * (REASONS + 1),
            "{}",
            text.len()
        );
        assert!(text.ends_with("; 900 errors of other kinds"));
    }
}
