//! [`Required`]: what a chunk must hold for a line of it to survive a pipeline.
//!
//! Only what is sure is said, so whoever can prove that a chunk holds it not need not read the
//! chunk. [`Evidence`] is that proof. [`expression`] finds the texts in a regular expression. Knows
//! no filters of segments and not how much they can tell.

mod expression;

pub(crate) use expression::of_pattern;

/// A condition that follows from a line being kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Required {
    /// Nothing is known.
    #[default]
    Anything,
    /// The line holds this text, where `A-Z` and `a-z` are the same.
    Text(Vec<u8>),
    /// A label of this name has a value that holds this text, where `A-Z` and `a-z` are the same.
    /// The label is one of the stream, or metadata, or a part of the line; a part that is written
    /// with escapes of the form `\u0061` may read otherwise there.
    Value {
        /// The label.
        name: String,
        /// What its value holds.
        text: Vec<u8>,
    },
    /// All of these.
    All(Vec<Required>),
    /// One of these at least.
    Any(Vec<Required>),
}

/// What is known of a chunk. Each answer may be wrong in one direction only: `true` where in truth
/// nothing is there.
pub trait Evidence {
    /// Whether a line may hold a text, in capital letters or not.
    fn line(&self, text: &[u8]) -> bool;

    /// Whether a label, however it is made of the stream, metadata or a line, may hold a text.
    fn value(&self, name: &str, text: &[u8]) -> bool;
}

impl Required {
    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    /// Every condition of some.
    pub(crate) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for condition in conditions {
            match condition {
                Self::Anything => {}
                Self::All(more) => all.extend(more),
                one => all.push(one),
            }
        }
        match all.len() {
            0 => Self::Anything,
            1 => all.swap_remove(0),
            _ => Self::All(all),
        }
    }

    /// One condition of some; of none nothing is known.
    pub(crate) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let mut any: Vec<Self> = conditions.into_iter().collect();
        match any.len() {
            1 => any.swap_remove(0),
            _ if any.is_empty() || any.contains(&Self::Anything) => Self::Anything,
            _ => Self::Any(any),
        }
    }

    /// A text of a line; an empty one says nothing.
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        if text.is_empty() {
            return Self::Anything;
        }
        Self::Text(text)
    }

    /// The same texts as part of a label's value.
    ///
    /// Numbers are left out, since JSON's may be written in more than one way.
    pub(crate) fn in_label(self, name: &str) -> Self {
        let each = |conditions: Vec<Self>| {
            let named = conditions.into_iter().map(|one| one.in_label(name));
            named.collect::<Vec<_>>()
        };
        match self {
            Self::Text(text) => {
                let words = text.split(|byte| !is_of_word(*byte));
                Self::all(
                    words
                        .filter(|word| !is_number(word))
                        .map(|word| Self::Value {
                            name: name.to_owned(),
                            text: word.to_vec(),
                        }),
                )
            }
            Self::All(conditions) => Self::all(each(conditions)),
            Self::Any(conditions) => Self::any(each(conditions)),
            other => other,
        }
    }

    /// Whether anything is required at all.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        matches!(self, Self::Anything)
    }

    /// Whether a chunk may hold a line that is kept.
    pub fn may_hold(&self, evidence: &impl Evidence) -> bool {
        match self {
            Self::Anything => true,
            Self::Text(text) => evidence.line(text),
            Self::Value { name, text } => evidence.value(name, text),
            Self::All(conditions) => conditions.iter().all(|one| one.may_hold(evidence)),
            Self::Any(conditions) => conditions.iter().any(|one| one.may_hold(evidence)),
        }
    }
}

/// What an escape other than `\u0061` never stands for.
const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || !byte.is_ascii()
}

/// Whether a word is empty or may be a number, or a part of one.
fn is_number(word: &[u8]) -> bool {
    let of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'e' | b'E');
    word.iter().all(of_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::syntax;

    fn show(required: &Required) -> String {
        let list = |sign: &str, conditions: &[Required]| {
            let shown: Vec<String> = conditions.iter().map(show).collect();
            format!("({})", shown.join(sign))
        };
        match required {
            Required::Anything => "-".to_owned(),
            Required::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Required::Value { name, text } => {
                format!("{name}={}", String::from_utf8_lossy(text))
            }
            Required::All(conditions) => list(" & ", conditions),
            Required::Any(conditions) => list(" | ", conditions),
        }
    }

    #[track_caller]
    fn check(pipeline: &str, want: &str) {
        let query = syntax::parse(&format!(r#"{{app="x"}} {pipeline}"#)).unwrap();
        let Plan::Log(plan) = Plan::new(&query).unwrap() else {
            panic!("a log query")
        };
        assert_eq!(show(&plan.pipeline.required()), want, "{pipeline}");
    }

    #[test]
    fn texts() {
        check("", "-");
        check(r#"|= """#, "-");
        check(r#"|= "one""#, "one");
        check(r#"|= "one" |= "two""#, "(one & two)");
        check(r#"|= "one" or "two""#, "(one | two)");
        check(r#"|= "" or "two""#, "two");
        check(r#"!= "one""#, "-");
        check(r#"!= "one" |= "two""#, "two");
        check(r#"|= ip("10.0.0.1")"#, "-");
        check(r#"|= ip("10.0.0.1") or "two""#, "-");
        check(r#"|> "one <_> two <_>""#, "(one  &  two )");
        check(r#"!> "one <_>""#, "-");
        check(r#"|> "<_>""#, "-");
    }

    #[test]
    fn expressions() {
        check(r#"|~ "one.*two""#, "(one & two)");
        check(r#"|~ "one|two" |~ "three""#, "((one | two) & three)");
        check(r#"|~ "a(b|c)d""#, "(a & d)");
        check(r#"|~ "^(one)$""#, "one");
        check(r#"|~ "(?P<x>o)ne+""#, "(on & e)");
        check(r#"|~ "(one)?two*""#, "tw");
        check(r#"|~ "x{2}""#, "x");
        check(r#"|~ "one|""#, "-");
        check(r#"|~ ".*""#, "-");
        check(r#"|~ "(?i)One-2""#, "one-2");
        // The long s and the sign of kelvin are letters of either case, too.
        check(r#"|~ "(?i)desk""#, "de");
        check(r#"|~ "[o]ne[0-9]""#, "one");
        check(r#"!~ "one""#, "-");
        check(r#"|~ "one" or "two[a-z]""#, "(one | two)");
    }

    #[test]
    fn labels() {
        check(r#"| json | a="one""#, "a=one");
        check(r#"| json | a=`one "2x" 3 -4e5`"#, "(a=one & a=2x)");
        check(r#"| json | a="17""#, "-");
        check(r#"| json | a="""#, "-");
        check(r#"| json | a!="one""#, "-");
        check(r#"| json | a=~"one|two""#, "(a=one | a=two)");
        check(r#"| json | a!~"one""#, "-");
        check(
            r#"| (a="one" or b="two") and c="three""#,
            "((a=one | b=two) & c=three)",
        );
        check(r#"| a="one" or b > 2"#, "-");
        check(r#"| a="one" and b > 2"#, "a=one");
        check(r#"| __error__="JSONParserErr""#, "-");
        check(r#"|= "one" | logfmt | drop b | a="two""#, "(one & a=two)");
        check(
            r#"| pattern "<a> <_>" | regexp "(?P<b>.)" | a="two""#,
            "a=two",
        );
    }

    #[test]
    fn what_stages_write_is_unknown() {
        check(r#"| line_format "{{.b}}" |= "one""#, "-");
        check(
            r#"|= "one" | line_format "{{.b}}" |= "two" | json | a="b""#,
            "one",
        );
        check(r#"| label_format a=b | a="one""#, "-");
        check(r#"| a="one" | label_format a=b |= "two""#, "(two & a=one)");
        check(r#"| unpack |= "one" | a="one""#, "-");
        check(r#"| decolorize |= "one" | logfmt | a="one""#, "one");
    }

    /// A chunk of one line.
    struct Line<'a>(&'a str);

    impl Evidence for Line<'_> {
        fn line(&self, text: &[u8]) -> bool {
            let text = String::from_utf8_lossy(text).to_lowercase();
            self.0.to_lowercase().contains(&text)
        }

        fn value(&self, _: &str, text: &[u8]) -> bool {
            self.line(text)
        }
    }

    #[test]
    fn trees_are_weighed() {
        let text = |text: &str| Required::text(text);
        let tree = text("one").and(Required::any([text("two"), text("three")]));
        for (line, want) in [
            ("one two", true),
            ("ONE three", true),
            ("one", false),
            ("two three", false),
        ] {
            assert_eq!(tree.may_hold(&Line(line)), want, "{line}");
        }
        assert!(Required::Anything.may_hold(&Line("")));
        assert!(Required::all([]).is_anything());
        assert!(Required::any([]).is_anything());
        assert!(Required::any([text("a"), text("")]).is_anything());
    }
}
