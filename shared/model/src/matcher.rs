//! [`Matcher`]: one condition on a label, `name="value"`, `!=`, `=~` or `!~`.

use std::fmt;

use regex::bytes::Regex;

use crate::regexp::{Expression, RegexpError};
use crate::{Labels, write_quoted};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on one label. An absent label is an empty one (spec `logql.md` §4).
#[derive(Clone, Debug)]
pub struct Matcher {
    name: Box<str>,
    op: MatchOp,
    value: Box<str>,
    /// The anchored expression of `=~` and `!~`.
    regex: Option<Regex>,
}

impl Matcher {
    /// Compiles the condition; regular expressions are anchored at both ends and `.` takes
    /// newlines.
    ///
    /// # Errors
    /// Where `value` is not a regular expression or compiles to too much memory.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, RegexpError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => {
                Some(Expression::parse(value)?.anchored().compile()?)
            }
        };
        Ok(Self {
            name: name.into(),
            op,
            value: value.into(),
            regex,
        })
    }

    /// The label.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    #[must_use]
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// The value or expression as written.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label with this value (`""` where absent) meets the condition.
    #[must_use]
    pub fn is_match(&self, value: &str) -> bool {
        let regex = || {
            self.regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(value.as_bytes()))
        };
        match self.op {
            MatchOp::Equal => *self.value == *value,
            MatchOp::NotEqual => *self.value != *value,
            MatchOp::Regex => regex(),
            MatchOp::NotRegex => !regex(),
        }
    }

    /// Whether streams without the label meet the condition.
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        self.is_match("")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.op.as_str())?;
        write_quoted(f, &self.value)
    }
}

/// Whether `labels` meet every condition.
#[must_use]
pub fn matches_all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|m| m.is_match(labels.get(m.name()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(op: MatchOp, value: &str, yes: &[&str], no: &[&str]) {
        let matcher = Matcher::new("a", op, value).unwrap();
        yes.iter()
            .for_each(|text| assert!(matcher.is_match(text), "{matcher} {text:?}"));
        no.iter()
            .for_each(|text| assert!(!matcher.is_match(text), "{matcher} {text:?}"));
    }

    #[test]
    fn operators() {
        check(MatchOp::Equal, "x", &["x"], &["", "xx"]);
        check(MatchOp::NotEqual, "x", &["", "xx"], &["x"]);
        check(
            MatchOp::Regex,
            "a.*|b",
            &["a", "a\nc", "b"],
            &["", "cb", "bb"],
        );
        check(MatchOp::NotRegex, "ap", &["api", ""], &["ap"]);
        check(MatchOp::Regex, "^api$", &["api"], &["apis"]);
        check(MatchOp::Regex, "(?i)API", &["api", "Api"], &["apis"]);
        check(MatchOp::Regex, r"\d+", &["12"], &["", "١٢"]);
    }

    #[test]
    fn broken_expressions_are_refused() {
        for (pattern, want) in [
            ("(", "missing closing ): `(`"),
            // Anchored it would be sound.
            ("a)(b", "unexpected ): `a)(b`"),
            ("[", "missing closing ]: `[`"),
            ("*", "missing argument to repetition operator: `*`"),
        ] {
            let error = Matcher::new("a", MatchOp::Regex, pattern).unwrap_err();
            assert_eq!(error.to_string(), format!("error parsing regexp: {want}"));
        }
    }

    #[test]
    fn absent_is_empty() {
        let labels = Labels::from_pairs([("app", "x")]);
        let matcher = Matcher::new("env", MatchOp::Equal, "").unwrap();
        assert!(matches_all(&[matcher], &labels));
    }
}
