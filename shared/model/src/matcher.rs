//! [`Matcher`]: one condition on a label, `name="value"`, `!=`, `=~` or `!~`.

use std::fmt;

use regex::Regex;

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

/// A regular expression that cannot be compiled.
#[derive(Debug, Clone, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{pattern}`")]
pub struct MatcherError {
    /// What is wrong with it.
    pub reason: String,
    /// The expression as written.
    pub pattern: String,
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
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, MatcherError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored(value)?),
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
                .is_some_and(|regex| regex.is_match(value))
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

fn anchored(pattern: &str) -> Result<Regex, MatcherError> {
    // The pattern is compiled alone first: `a)(b` must not become valid inside the group.
    let refused = |error: &regex::Error| MatcherError {
        reason: reason(error),
        pattern: pattern.to_owned(),
    };
    Regex::new(pattern).map_err(|e| refused(&e))?;
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|e| refused(&e))
}

/// The last line of the compiler's report, which says what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
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
    }

    #[test]
    fn broken_expressions_are_refused() {
        for pattern in ["(", "a)(b", "[", "*"] {
            let error = Matcher::new("a", MatchOp::Regex, pattern).unwrap_err();
            assert!(error.to_string().contains(pattern), "{error}");
        }
    }

    #[test]
    fn absent_is_empty() {
        let labels = Labels::from_pairs([("app", "x")]);
        let matcher = Matcher::new("env", MatchOp::Equal, "").unwrap();
        assert!(matches_all(&[matcher], &labels));
    }
}
