//! What checks need of regular expressions: whether they compile, and what they capture.
//!
//! The syntax and the words of refusals are Go's, see [`narvi_model::regexp`].

use narvi_model::regexp::{Expression, group_name};
use regex::bytes::Regex;

use super::limits::{MAX_EXPRESSION_BYTES, MAX_EXPRESSIONS};

/// The expressions of a query so far: each is bounded by itself, but they may be many.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    count: usize,
    bytes: usize,
}

impl Expressions {
    /// Counts one more, which need not compile.
    pub(super) fn add(&mut self, pattern: &str) -> Result<(), String> {
        self.count += 1;
        if self.count > MAX_EXPRESSIONS {
            return Err(format!(
                "query has more than {MAX_EXPRESSIONS} regular expressions; join some with `|`"
            ));
        }
        let bytes = Expression::parse(pattern).map_or(0, |expression| expression.weight());
        // One that is too large by itself is refused for that once it is compiled.
        if bytes <= MAX_EXPRESSION_BYTES {
            self.bytes += bytes;
        }
        if self.bytes > MAX_EXPRESSION_BYTES {
            return Err(
                "the regular expressions of the query are too large all together; make \
                        them simpler"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// Compiles `pattern` and forgets it.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    compile(pattern).map(drop)
}

/// The names of the capture groups in order, with repetitions.
pub(super) fn capture_names(pattern: &str) -> Result<Vec<String>, String> {
    let regex = compile(pattern)?;
    let names = regex.capture_names().flatten();
    Ok(names.map(|name| group_name(name).to_owned()).collect())
}

fn compile(pattern: &str) -> Result<Regex, String> {
    Ok(Expression::parse(pattern)?.compile()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, want: &str) {
        assert_eq!(
            super::check(pattern),
            Err(format!("error parsing regexp: {want}"))
        );
    }

    /// Texts of Go 1.26's `regexp.Compile`.
    #[test]
    fn texts_of_go() {
        check("(", "missing closing ): `(`");
        check("a(b", "missing closing ): `a(b`");
        check("^(?:()$", "missing closing ): `^(?:()$`");
        check("a)", "unexpected ): `a)`");
        check("[", "missing closing ]: `[`");
        check("a[b", "missing closing ]: `[b`");
        check("[]", "missing closing ]: `[]`");
        check("[z-a]", "invalid character class range: `z-a`");
        check("\\p{Foo}", "invalid character class range: `\\p{Foo}`");
        check("*", "missing argument to repetition operator: `*`");
        check("a|+", "missing argument to repetition operator: `+`");
        check("a|{2}", "missing argument to repetition operator: `{2}`");
        check("a{3,2}b", "invalid repeat count: `{3,2}`");
        check("\\y", "invalid escape sequence: `\\y`");
        check("[\\y]", "invalid escape sequence: `\\y`");
        check("\\1", "invalid escape sequence: `\\1`");
        check("\\", "trailing backslash at end of expression: ``");
        check("a(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        check("(?!a)", "invalid or unsupported Perl syntax: `(?!`");
        check("(?z)", "invalid or unsupported Perl syntax: `(?z`");
        check("(?P<a b>x)", "invalid named capture: `(?P<a b>`");
        check("(?P<>a)", "invalid named capture: `(?P<>`");
        check("(?P<a", "invalid named capture: `(?P<a`");
    }

    #[test]
    fn names() {
        let names = |pattern| capture_names(pattern).unwrap();
        assert_eq!(names("(a)(?P<b>c)(?<d>e)"), ["b", "d"]);
        assert_eq!(names("(?P<a>.)(?P<a>.)(?P<1a>.)"), ["a", "a", "1a"]);
    }
}
