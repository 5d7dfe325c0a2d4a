//! `a = ip("10.0.0.0/8")`: addresses anywhere in the text of a label.
//!
//! A line with an error is kept whatever its labels; one without the label is dropped.

use narvi_model::MatchOp;

use crate::stage::line_filter::IpSearch;
use crate::stage::{NameId, Row};

/// A search for an address in a label.
#[derive(Debug)]
pub(super) struct AddressCondition {
    /// The label.
    pub(super) name: NameId,
    search: IpSearch,
    negative: bool,
}

impl AddressCondition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// Loki's text for what is no address, network or range.
    pub(super) fn compile(name: NameId, op: MatchOp, pattern: &str) -> Result<Self, String> {
        Ok(Self {
            name,
            search: IpSearch::compile(pattern)?,
            negative: op == MatchOp::NotEqual,
        })
    }

    /// Whether the line is kept.
    pub(super) fn holds(&self, row: &Row<'_>) -> bool {
        if row.has_error() {
            return true;
        }
        let value = row.label(self.name);
        value.is_some_and(|value| self.search.is_match(value) != self.negative)
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn addresses() {
        for (filter, kept) in [
            (r#"a=ip("10.0.0.0/8")"#, true),
            (r#"a!=ip("10.0.0.0/8")"#, false),
            (r#"a=ip("10.0.0.9-10.0.0.20")"#, true),
            (r#"a=ip("::1")"#, false),
            (r#"a!=ip("::1")"#, true),
            (r#"b=ip("10.0.0.0/8")"#, false),
            (r#"b!=ip("10.0.0.0/8")"#, false),
            (r#"n > 5 | b=ip("10.0.0.0/8")"#, true),
        ] {
            let labels = [("a", "from 10.0.0.11:80"), ("n", "x")];
            let got = run(&format!("| {filter}"), &labels, "line");
            assert_eq!(got.is_some(), kept, "{filter}");
        }
    }
}
