//! `a > 5`, `a >= 1.5s`, `a < 10KB`: a label read as the kind of number that it is compared with.
//!
//! A line without the label is dropped. One whose label is no such number is kept with an error,
//! unless it carries one already.

use std::cmp::Ordering;
use std::io::Write as _;

use crate::stage::convert::{self, Refusal};
use crate::stage::row::RowError;
use crate::stage::{NameId, Row};
use crate::syntax::ast::{Comparison, Number};

/// A comparison with a number.
#[derive(Debug)]
pub(super) struct NumberCondition {
    /// The label.
    pub(super) name: NameId,
    comparison: Comparison,
    number: Number,
}

impl NumberCondition {
    pub(super) const fn new(name: NameId, comparison: Comparison, number: Number) -> Self {
        Self {
            name,
            comparison,
            number,
        }
    }

    /// Whether the line is kept.
    pub(super) fn holds(&self, row: &mut Row<'_>) -> bool {
        let Some(value) = row.label(self.name) else {
            return false;
        };
        if let Ok(holds) = self.meets(value) {
            return holds;
        }
        if !row.has_error() {
            row.fail_with(RowError::LabelFilter, |row, details| {
                if let Err(refusal) = self.meets(row.label(self.name).unwrap_or_default()) {
                    // Writing to memory cannot fail.
                    let _ = write!(details, "{refusal}");
                }
            });
        }
        true
    }

    fn meets<'t>(&self, value: &'t [u8]) -> Result<bool, Refusal<'t>> {
        Ok(match self.number {
            Number::Plain(number) => self.admits(convert::float(value)?.partial_cmp(&number)),
            Number::Duration(nanos) => self.admits(Some(convert::duration(value)?.cmp(&nanos))),
            Number::Bytes(bytes) => self.admits(Some(convert::size(value)?.cmp(&bytes))),
        })
    }

    /// `order` of the value to the number; there is none with NaN.
    fn admits(&self, order: Option<Ordering>) -> bool {
        match self.comparison {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    /// Whether a value of `a` is kept, and with which details of an error.
    #[track_caller]
    fn check(filter: &str, value: &str, want: Result<bool, &str>) {
        let got = run(&format!("| {filter}"), &[("a", value)], "line");
        let got = match &got {
            Some((_, labels)) => match labels.split_once(r#"__error_details__=""#) {
                Some((head, details)) => {
                    assert!(head.contains(r#"__error__="LabelFilterErr""#));
                    let (details, _) = details.rsplit_once("\", a=").unwrap();
                    Err(details.replace("\\\"", "\""))
                }
                None => Ok(true),
            },
            None => Ok(false),
        };
        assert_eq!(got, want.map_err(str::to_owned), "{filter} {value}");
    }

    #[test]
    fn plain_numbers() {
        check("a > 5", "5", Ok(false));
        check("a > 5", "6e0", Ok(true));
        check("a >= 5", "0x5p0", Ok(true));
        check("a < 5", "-Inf", Ok(true));
        check("a <= 5", "5.1", Ok(false));
        check("a == 5", "5.0", Ok(true));
        check("a = 5", "NaN", Ok(false));
        check("a != 5", "NaN", Ok(true));
        let text = r#"strconv.ParseFloat: parsing "x": invalid syntax"#;
        check("a != 5", "x", Err(text));
        check("b != 5", "x", Ok(false));
        check("__error__ != 5", "x", Ok(false));
    }

    #[test]
    fn durations() {
        check("a > 1m", "1m0.5s", Ok(true));
        check("a == 1s", "1000ms", Ok(true));
        check("a < 1s", "-1h", Ok(true));
        let text = r#"time: missing unit in duration "1""#;
        check("a > 1s", "1", Err(text));
        let text = r#"time: unknown unit "d" in duration "1d""#;
        check("a > 1s", "1d", Err(text));
        check("a > 1s", "str", Err(r#"time: invalid duration "str""#));
    }

    #[test]
    fn sizes() {
        check("a > 1KB", "1KiB", Ok(true));
        check("a >= 1KB", "1000", Ok(true));
        check("a < 1KB", "1,000 b", Ok(false));
        check("a > 1KB", "5XB", Err("unhandled size name: xb"));
        let text = r#"strconv.ParseFloat: parsing "": invalid syntax"#;
        check("a > 1KB", "-", Err(text));
    }

    #[test]
    fn the_first_error_stays() {
        let labels = [("a", "x"), ("b", "y")];
        let (_, got) = run("| a > 5 | b > 5s", &labels, "line").unwrap();
        assert!(got.contains(r#"parsing \"x\""#), "{got}");
        assert_eq!(run("| a > 5 | c > 5s", &labels, "line"), None);
    }
}
