//! Why a regular expression is refused, in the words of Go's `regexp`, which clients know.
//!
//! Rust's parser finds the mistake; its kind and place are said as Go says them. Whether a text is
//! an expression at all is Rust's say, since Rust runs it.

use regex::Regex;
use regex_syntax::ast::{Error, ErrorKind, Span};

/// Compiles `pattern` and forgets it.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    Regex::new(pattern).map(drop).map_err(|_| refusal(pattern))
}

/// Go's text for a `pattern` that does not compile, such as
/// ``error parsing regexp: missing closing ): `(` ``.
#[must_use]
pub fn refusal(pattern: &str) -> String {
    let (reason, place) = match regex_syntax::parse(pattern) {
        Err(regex_syntax::Error::Parse(error)) => explain(pattern, &error),
        Err(regex_syntax::Error::Translate(error)) => (
            "invalid character class range".to_owned(),
            slice(pattern, *error.span()),
        ),
        // The syntax is sound (or the error new), so it is the compiled expression's size.
        _ => ("expression too large".to_owned(), pattern),
    };
    format!("error parsing regexp: {reason}: `{place}`")
}

/// The names of the capture groups in order, with repetitions.
pub(super) fn capture_names(pattern: &str) -> Result<Vec<String>, String> {
    if let Ok(regex) = Regex::new(pattern) {
        return Ok(regex.capture_names().flatten().map(str::to_owned).collect());
    }
    // Go takes a name twice and leaves it to the stage to refuse; the name is all that needs.
    if let Err(regex_syntax::Error::Parse(error)) = regex_syntax::parse(pattern)
        && matches!(error.kind(), ErrorKind::GroupNameDuplicate { .. })
    {
        let name = slice(pattern, *error.span()).to_owned();
        return Ok(vec![name.clone(), name]);
    }
    Err(refusal(pattern))
}

/// Go's reason, and the part of the pattern that it quotes.
fn explain<'a>(pattern: &'a str, error: &Error) -> (String, &'a str) {
    let from_start = pattern.get(error.span().start.offset..).unwrap_or_default();
    let exactly = slice(pattern, *error.span());
    let (reason, place) = match error.kind() {
        ErrorKind::GroupUnclosed => ("missing closing )", pattern),
        ErrorKind::GroupUnopened => ("unexpected )", pattern),
        ErrorKind::ClassUnclosed => ("missing closing ]", from_start),
        ErrorKind::ClassRangeInvalid => ("invalid character class range", exactly),
        ErrorKind::UnicodeClassInvalid => ("invalid character class range", exactly),
        ErrorKind::RepetitionMissing => (
            "missing argument to repetition operator",
            repetition(from_start),
        ),
        ErrorKind::RepetitionCountInvalid => ("invalid repeat count", exactly),
        ErrorKind::EscapeUnexpectedEof => ("trailing backslash at end of expression", ""),
        ErrorKind::EscapeUnrecognized
        | ErrorKind::ClassEscapeInvalid
        | ErrorKind::ClassRangeLiteral
        | ErrorKind::UnsupportedBackreference
        | ErrorKind::EscapeHexEmpty
        | ErrorKind::EscapeHexInvalid
        | ErrorKind::EscapeHexInvalidDigit => ("invalid escape sequence", exactly),
        ErrorKind::GroupNameEmpty
        | ErrorKind::GroupNameInvalid
        | ErrorKind::GroupNameUnexpectedEof => (
            "invalid named capture",
            group_head(pattern, error.span().start.offset),
        ),
        ErrorKind::UnsupportedLookAround
        | ErrorKind::FlagUnrecognized
        | ErrorKind::FlagUnexpectedEof
        | ErrorKind::FlagDanglingNegation
        | ErrorKind::FlagRepeatedNegation { .. }
        | ErrorKind::FlagDuplicate { .. } => {
            let end = error.span().end.offset;
            let start = pattern
                .get(..end)
                .and_then(|head| head.rfind("(?"))
                .unwrap_or(0);
            (
                "invalid or unsupported Perl syntax",
                pattern.get(start..end).unwrap_or_default(),
            )
        }
        other => return (other.to_string(), pattern),
    };
    (reason.to_owned(), place)
}

fn slice(pattern: &str, span: Span) -> &str {
    pattern
        .get(span.start.offset..span.end.offset)
        .unwrap_or_default()
}

/// The repetition operator at the start of `text`.
fn repetition(text: &str) -> &str {
    let end = if text.starts_with('{') {
        text.find('}').map_or(text.len(), |at| at + 1)
    } else {
        1
    };
    text.get(..end).unwrap_or(text)
}

/// `(?P<name>`, around an offset inside it.
fn group_head(pattern: &str, offset: usize) -> &str {
    let start = pattern
        .get(..offset)
        .and_then(|head| head.rfind("(?"))
        .unwrap_or(0);
    let head = pattern.get(start..).unwrap_or_default();
    head.find('>')
        .and_then(|end| head.get(..=end))
        .unwrap_or(head)
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
        assert_eq!(names("(?P<a>.)(?P<a>.)"), ["a", "a"]);
    }
}
