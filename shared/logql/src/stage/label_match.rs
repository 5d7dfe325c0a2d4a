//! [`LabelMatch`]: one matcher over the bytes of a label's value, for conditions, `drop`, `keep`.

use narvi_model::regexp::Expression;
use narvi_model::{MatchOp, Matcher};
use regex::bytes::Regex;

use super::same::same;
use super::{NameId, Names};
use crate::required::{Required, of_pattern};

/// A condition on the value of one label; an absent label is an empty one.
#[derive(Debug)]
pub(super) struct LabelMatch {
    /// The label.
    pub(super) name: NameId,
    test: Test,
    negative: bool,
}

#[derive(Debug)]
enum Test {
    Equal(Box<[u8]>),
    /// Anchored at both ends; `.` takes newlines, as in a selector.
    Regex(Box<Regex>),
}

impl LabelMatch {
    /// Compiles a matcher.
    ///
    /// # Errors
    /// Go's text for an expression that does not compile.
    pub(super) fn compile(matcher: &Matcher, names: &mut Names) -> Result<Self, String> {
        let value = matcher.value();
        let (test, negative) = match matcher.op() {
            MatchOp::Equal => (Test::Equal(value.as_bytes().into()), false),
            MatchOp::NotEqual => (Test::Equal(value.as_bytes().into()), true),
            MatchOp::Regex => (Test::Regex(Box::new(anchored(value)?)), false),
            MatchOp::NotRegex => (Test::Regex(Box::new(anchored(value)?)), true),
        };
        Ok(Self {
            name: names.id(matcher.name()),
            test,
            negative,
        })
    }

    /// Whether a label with this value meets the condition.
    pub(super) fn holds(&self, value: &[u8]) -> bool {
        let found = match &self.test {
            Test::Equal(wanted) => same(wanted, value),
            Test::Regex(regex) => regex.is_match(value),
        };
        found != self.negative
    }

    /// What a value that meets the condition holds.
    pub(super) fn required(&self) -> Required {
        match &self.test {
            _ if self.negative => Required::Anything,
            Test::Equal(value) => Required::text(&**value),
            Test::Regex(regex) => of_pattern(regex.as_str()),
        }
    }
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    Ok(Expression::parse(pattern)?.anchored().compile()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        for (op, value, yes, no) in [
            (Equal, "x", &["x"][..], &["", "xx"][..]),
            (NotEqual, "x", &["", "xx"], &["x"]),
            (Regex, "t.*", &["t", "t\nx"], &["str", ""]),
            (Regex, "a|b", &["a", "b"], &["ab", ""]),
            (Regex, "", &[""], &["a"]),
            (NotRegex, ".+", &[""], &["a"]),
            (Regex, "(?i)é", &["É"], &["e"]),
        ] {
            let matcher = Matcher::new("a", op, value).unwrap();
            let label = LabelMatch::compile(&matcher, &mut Names::default()).unwrap();
            let met = |text: &&str| label.holds(text.as_bytes());
            assert!(yes.iter().all(met), "{matcher}");
            assert!(!no.iter().any(met), "{matcher}");
        }
    }
}
