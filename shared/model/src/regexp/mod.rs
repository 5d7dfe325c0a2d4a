//! [`Expression`]: a regular expression in the syntax of Go's `regexp`, as Loki's users write it,
//! for Rust's `regex`, which runs it.
//!
//! The two agree on most of it, but not on what `\d` takes, on `[[a]]` or `\Q`, nor on what is a
//! mistake. `parse` (with `cursor`, `class`, `escape`) reads Go's syntax and writes Rust's;
//! [`RegexpError`] says in Go's words what it refuses. Rust's parser sees nothing else.
//!
//! One difference stays: Go takes a byte that is no UTF-8 for U+FFFD, to Rust it is no character.

mod class;
mod cursor;
mod escape;
mod parse;
mod size;

use regex::bytes::{Regex, RegexBuilder};

/// Compiled size of one expression. Beyond it the expression is refused: it must not take the
/// memory of others.
const MAX_BYTES: usize = 4 << 20;

/// Memory in which a thread remembers what it has worked out of an expression. Beyond it the
/// thread starts anew, and at last searches slowly.
const MAX_CACHE_BYTES: usize = 2 << 20;

/// Groups and repetitions inside each other. Beyond it the expression is refused, as compiling it
/// takes stack; Rust's parser, which counts more things, holds it to the same number. Go's is 1000.
const MAX_DEPTH: u32 = 250;

/// Memory of a search that tells where groups matched. Beyond it the expression is refused.
const MAX_SEARCH_BYTES: usize = 64 << 20;

/// Groups up to which that memory cannot be reached.
const FEW_GROUPS: usize = 16;

/// Not at the edge of a word of ASCII. In the midst of a character this is true, too.
const WITHIN: &str = r"(?-u:\B)";

/// The same, and at the edge of a character.
const WITHIN_EXACTLY: &str = r"(?:(?-u:\B)(?:\b|\B))";

/// Why a text is no regular expression, in the words of Go's `regexp`, which clients know:
/// ``error parsing regexp: missing closing ): `(` ``.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{place}`")]
pub struct RegexpError {
    /// What is wrong with it.
    pub reason: &'static str,
    /// The part of it where that is.
    pub place: String,
}

impl RegexpError {
    fn new(reason: &'static str, place: &str) -> Self {
        Self {
            reason,
            place: place.to_owned(),
        }
    }
}

impl From<RegexpError> for String {
    fn from(error: RegexpError) -> Self {
        error.to_string()
    }
}

/// A regular expression without mistakes. Whether it is too large, only compiling it tells.
#[derive(Clone, Debug)]
pub struct Expression {
    /// As it was written.
    go: String,
    rust: String,
}

impl Expression {
    /// Reads an expression in Go's syntax.
    ///
    /// # Errors
    /// Its first mistake.
    pub fn parse(pattern: &str) -> Result<Self, RegexpError> {
        let mut rust = parse::to_rust(pattern)?;
        // Only a match of nothing can lie in the midst of a character.
        if rust.contains(WITHIN) && matches_nothing(&rust) {
            rust = rust.replace(WITHIN, WITHIN_EXACTLY);
        }
        Ok(Self {
            go: pattern.to_owned(),
            rust,
        })
    }

    /// The expression that must match all of a text, `.` newlines, too: Loki's of labels.
    #[must_use]
    pub fn anchored(self) -> Self {
        let rust = format!("^(?s:{})$", self.rust);
        self.reworded(rust)
    }

    /// What `rust` says, in Rust's syntax, in the place of this; refusals quote this still.
    #[must_use]
    pub fn reworded(self, rust: String) -> Self {
        Self { rust, ..self }
    }

    /// The expression in the syntax of `regex` and `regex-syntax`.
    #[must_use]
    pub fn as_rust(&self) -> &str {
        &self.rust
    }

    /// Bytes that it takes once compiled, within a factor of a few.
    #[must_use]
    pub fn weight(&self) -> usize {
        regex_syntax::parse(&self.rust).map_or(0, |hir| size::compiled(&hir))
    }

    /// Compiles it for bytes, which are mostly UTF-8.
    ///
    /// # Errors
    /// Where it is too large or nests too deeply.
    pub fn compile(&self) -> Result<Regex, RegexpError> {
        self.compile_within(MAX_BYTES)
    }

    /// Compiles it into at most `bytes`, where less than [`Expression::compile`] allows must do.
    ///
    /// # Errors
    /// Where it is too large or nests too deeply.
    pub fn compile_within(&self, bytes: usize) -> Result<Regex, RegexpError> {
        let built = RegexBuilder::new(&self.rust)
            .size_limit(bytes.min(MAX_BYTES))
            .dfa_size_limit(bytes.min(MAX_CACHE_BYTES))
            .nest_limit(MAX_DEPTH)
            .build();
        let too_large = || RegexpError::new("expression too large", &self.go);
        let regex = built.map_err(|error| match error {
            regex::Error::Syntax(_) => parse::too_deep(&self.go),
            _ => too_large(),
        })?;
        let has_room = regex.captures_len() <= FEW_GROUPS || self.searches_within_bounds();
        has_room.then_some(regex).ok_or_else(too_large)
    }

    fn searches_within_bounds(&self) -> bool {
        let hir = regex_syntax::parse(&self.rust);
        hir.is_ok_and(|hir| size::searched(&hir) <= MAX_SEARCH_BYTES)
    }
}

/// Whether it can match the empty text, or is so deep that it will be refused.
fn matches_nothing(rust: &str) -> bool {
    let hir = regex_syntax::parse(rust);
    hir.map_or(true, |hir| hir.properties().minimum_len() == Some(0))
}

/// What the author called a group that has this name in a compiled expression.
#[must_use]
pub fn group_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The groups that `$reference` may mean in a replacement, as Go's `Regexp.Expand` has it: the
/// one of this number or those of this name, of which the first that took part counts.
pub fn referenced<'r>(reference: &'r str, regex: &'r Regex) -> impl Iterator<Item = usize> + 'r {
    let is_number = reference == "0"
        || !reference.starts_with('0') && reference.bytes().all(|c| c.is_ascii_digit());
    // Longer ones are names to Go.
    let number = reference.parse().ok();
    let number = number.filter(|_| is_number && reference.len() < 10);
    let is_meant = move |name: Option<&str>| {
        number.is_none() && name.is_some_and(|name| group_name(name) == reference)
    };
    let named = regex.capture_names().enumerate();
    let named = named.filter_map(move |(group, name)| is_meant(name).then_some(group));
    let numbered = number.filter(|group| *group < regex.captures_len());
    numbered.into_iter().chain(named)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compile(pattern: &str) -> Result<Regex, RegexpError> {
        Expression::parse(pattern)?.compile()
    }

    /// Matches and answers of Go 1.26, whose `FindAllString` finds `want` in `text`.
    #[track_caller]
    fn check(pattern: &str, text: &str, want: &[&str]) {
        let regex = compile(pattern).unwrap_or_else(|error| panic!("{error}"));
        let found = regex.find_iter(text.as_bytes());
        let found: Vec<_> = found
            .map(|found| str::from_utf8(found.as_bytes()).unwrap())
            .collect();
        assert_eq!(found, want, "{pattern:?} in {text:?}");
        assert_eq!(regex.is_match(text.as_bytes()), !want.is_empty());
    }

    #[test]
    fn classes_are_of_ascii() {
        check(r"\d+", "1٣2", &["1", "2"]);
        check(r"\D+", "1٣2", &["٣"]);
        check(r"\w+", "né_1", &["n", "_1"]);
        check(r"\W", "né_1", &["é"]);
        check(r"a\sb", "a\u{a0}b a\u{b}b a\tb", &["a\tb"]);
        check(r"\S+", "a\u{a0}\u{b}b\t", &["a\u{a0}\u{b}b"]);
        check(r"[\d.]+", "1.٣", &["1."]);
        check(r"[^\d]+", "1.٣", &[".٣"]);
        check(r"[\D1]+", "21.٣2", &["1.٣"]);
        check(r"[^\W_]+", "né_1", &["n", "1"]);
        check("[[:alpha:]]+", "né", &["n"]);
        check("[[:^alpha:]é]+", "né-", &["é-"]);
        check("[[:space:]]", "\u{b}\u{a0}", &["\u{b}"]);
    }

    #[test]
    fn letters_fold_and_dots_take_any_character() {
        check("(?i)k", "kK\u{212a}", &["k", "K", "\u{212a}"]);
        check(r"(?i)\w+", "ſ\u{212a}é", &["ſ\u{212a}"]);
        check(r"(?i)\W+", "ſ\u{212a}é", &["é"]);
        check("(?i)[α-ω]+", "ΑΩ", &["ΑΩ"]);
        check("n.", "né", &["né"]);
        check("(?s)a.|.", "a\nb", &["a\n", "b"]);
        check(r"\pL\p{Greek}\P{^Lu}\PN", "éαB-", &["éαB-"]);
        check(r"\p{greek}[\p{^Lu}x]", "αB αb", &["αb"]);
    }

    #[test]
    fn words_are_of_ascii() {
        check(r"\bn\b", "én né", &["n", "n"]);
        check(r"\B.", "né n1", &[" ", "1"]);
        check(r"\B", "aéb", &[]);
        check(r"\B", "é", &["", ""]);
        check(r"^\B$|x", "", &[""]);
        check(r"\b{start}", "a a{start}", &["{start}"]);
        check(r"\<a\>", "a <a>", &["<a>"]);
    }

    #[test]
    fn brackets_do_not_nest() {
        check("[[a]]", "a] []", &["a]", "[]"]);
        check("[a&&b]+", "ab&", &["ab&"]);
        check("[a~~b]+", "ab~-", &["ab~"]);
        check("[*--]+", "*+-a", &["*+-"]);
        check("[]a]+[^]a]", "]ab", &["]ab"]);
        check("[a-]+[-a]", "a--", &["a--"]);
        check(r"[\d-z]+", "1-zy", &["1-z"]);
        check("[[:a]+", ":[a", &[":[a"]);
        check("[[:]+", ":[a", &[":["]);
        check(r"[\]\-\\\_]+", r"]-\_", &[r"]-\_"]);
        check(r"[^\x{d800}]", "a", &["a"]);
        check(r"[\x{d800}]|[b\x{dfff}]", "ab", &["b"]);
        check(r"[\x{d7ff}-\x{d800}]", "\u{d7ff}\u{e000}", &["\u{d7ff}"]);
        check("[^\\x00-\\x{10FFFF}]", "a", &[]);
    }

    #[test]
    fn escapes_and_braces() {
        check(r"\Qa.b*\E+", "a.b** axb", &["a.b**"]);
        check(r"a\Q.", "a.b", &["a."]);
        check(r"a\Q\E+", "aa", &["aa"]);
        check(r"\x41\x{e9}\141\07\0", "Aéa\u{7}\0", &["Aéa\u{7}\0"]);
        check(
            r"\a\f\n\r\t\v",
            "\u{7}\u{c}\n\r\t\u{b}",
            &["\u{7}\u{c}\n\r\t\u{b}"],
        );
        check(r"\/\#\&\~\ \_\'", "/#&~ _'", &["/#&~ _'"]);
        check(r"\x{d800}|b", "ab", &["b"]);
        check("a{,2}{", "a{,2}{", &["a{,2}{"]);
        check("a{02}|{a}|x{2", "a{02}{a}x{2", &["a{02}", "{a}", "x{2"]);
        check("a{2,}?|b{1}", "aaab", &["aa", "b"]);
        check("]}", "]}", &["]}"]);
    }

    #[test]
    fn flags_and_repetitions() {
        check("(?ii-s)A", "aA", &["a", "A"]);
        check("(?i-i)A", "aA", &["A"]);
        check("(?)a(?:b)", "ab", &["ab"]);
        check("a(?i)b|c", "aBCA", &["aB", "C"]);
        check("(?i:a)b", "AbAB", &["Ab"]);
        check("(?U)a+(?-U)b+", "aabb", &["aabb"]);
        check("(?m)^a$", "a\nab\na", &["a", "a"]);
        check("^a$", "a\n", &[]);
        check(r"\Aa\z", "a", &["a"]);
        check("a(?i)+", "aaA", &["aa"]);
        check("(?:ab)*(?i)*A", "ababa", &["ababa"]);
        check("()|a", "b", &["", ""]);
        check("^*a", "ba", &["a"]);
    }

    #[track_caller]
    fn check_names(pattern: &str, want: &[&str]) {
        let regex = compile(pattern).unwrap_or_else(|error| panic!("{error}"));
        let names = regex.capture_names().skip(1);
        let names: Vec<_> = names.map(|name| name.map_or("", group_name)).collect();
        assert_eq!(names, want, "{pattern:?}");
    }

    #[test]
    fn names() {
        check_names("(?P<a>.)(.)(?<b>.)(?:.)", &["a", "", "b"]);
        check_names("(?P<1a>.)(?<_>.)(?P<0>.)", &["1a", "_", "0"]);
        check_names("(?P<a>.)(?P<a>.)(?P<A>.)", &["a", "a", "A"]);
        check_names("(?P<a>x){0}(?P<b>.)", &["a", "b"]);
    }

    #[test]
    fn references() {
        let regex = compile("(?P<a>.)(?P<1a>.)(?P<a>.)(?P<01>.)").unwrap();
        for (reference, want) in [
            ("0", &[0][..]),
            ("2", &[2]),
            ("9", &[]),
            ("a", &[1, 3]),
            ("1a", &[2]),
            ("01", &[4]),
            ("x", &[]),
            ("99999999999999999999", &[]),
        ] {
            let groups: Vec<_> = referenced(reference, &regex).collect();
            assert_eq!(groups, want, "{reference}");
        }
    }

    #[track_caller]
    fn refused(pattern: &str, want: &str) {
        let text = compile(pattern).unwrap_err().to_string();
        assert_eq!(text, format!("error parsing regexp: {want}"));
    }

    #[test]
    fn refusals_of_syntax() {
        for head in [
            "(?x", "(?u", "(?R", "(?=", "(?!", "(?<", "(?P=", "(?P>", "(?'",
        ] {
            let place = &head[..head.len().min(3)];
            let text = format!("invalid or unsupported Perl syntax: `{place}`");
            refused(&format!("a{head}"), &text);
        }
        refused("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`");
        refused("(?-i-s)", "invalid or unsupported Perl syntax: `(?-i-`");
        refused("(?<=a)b>", "invalid named capture: `(?<=a)b>`");
        refused("(?P<é>a)", "invalid named capture: `(?P<é>`");
        refused("(?P<a.b>a)", "invalid named capture: `(?P<a.b>`");
        for escape in [
            r"\u",
            r"\U",
            r"\Z",
            r"\C",
            r"\E",
            r"\h",
            r"\8",
            r"\1",
            r"\é",
            r"\x",
            r"\x4",
            r"\xg1",
            r"\x{}",
            r"\x{4g",
            r"\x{110000",
            r"\x{41",
        ] {
            refused(
                &format!("a{escape}"),
                &format!("invalid escape sequence: `{escape}`"),
            );
        }
        refused(r"[\b]", r"invalid escape sequence: `\b`");
        refused(r"[a-\d]", r"invalid escape sequence: `\d`");
        refused(r"[\Qa]", r"invalid escape sequence: `\Q`");
        refused(r"[a\", "trailing backslash at end of expression: ``");
        for class in [
            "[:foo:]",
            "z-a",
            r"\p{Alphabetic}",
            r"\p{sc=Greek}",
            r"\p{}",
            r"\pé",
        ] {
            refused(
                &format!("[x{class}]"),
                &format!("invalid character class range: `{class}`"),
            );
        }
        refused(r"a\p{Lu", r"invalid character class range: `\p{Lu`");
        refused(r"a\p", r"invalid character class range: `\p`");
    }

    #[test]
    fn refusals_of_repetitions() {
        for twice in ["**", "*+", "+*?", "??*", "{2}{3}", "{2}??"] {
            refused(
                &format!("a{twice}b"),
                &format!("invalid nested repetition operator: `{twice}`"),
            );
        }
        refused("a{1001}", "invalid repeat count: `{1001}`");
        refused("a{1001}??", "invalid repeat count: `{1001}`");
        refused("a{99999999999,}", "invalid repeat count: `{99999999999,}`");
        refused("(?:(a{10})*){101}?", "invalid repeat count: `{101}?`");
        refused("(?i)*", "missing argument to repetition operator: `*`");
        refused("(|+?)", "missing argument to repetition operator: `+?`");
    }

    #[test]
    fn refusals_of_size() {
        refused(r"\pL{1000}", r"expression too large: `\pL{1000}`");
        for (open, close) in [
            ("(", ")"),
            ("(?:", "|b)+"),
            ("(?:", "*(?i)*)"),
            (r"\B(", ")"),
        ] {
            let deep = |levels| format!("{}a{}", open.repeat(levels), close.repeat(levels));
            assert!(compile(&deep(50)).is_ok());
            for levels in [1000, 20_000] {
                let pattern = deep(levels);
                refused(
                    &pattern,
                    &format!("expression nests too deeply: `{pattern}`"),
                );
            }
        }
        let error = Expression::parse("a{1000}").unwrap().compile_within(1000);
        assert_eq!(error.unwrap_err().reason, "expression too large");
    }

    /// What is written the same way in both.
    fn plain() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[a-zé0-9 _:/]{1,3}",
            "[.^$]|\\\\[.*|]",
            r"\[\^?[a-c]-[x-z][0-9]{0,2}\]"
        ];
        leaf.prop_recursive(4, 20, 3, |inner| {
            let repeat = prop::sample::select(vec!["*", "+?", "?", "{2}", "{1,}", "{0,3}?"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join("|")),
                inner.clone().prop_map(|part| format!("({part})")),
                inner.clone().prop_map(|part| format!("(?i-s:{part})")),
                (inner, repeat).prop_map(|(part, repeat)| format!("(?:{part}){repeat}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_both_read_alike_stays(pattern in plain()) {
            let expression = Expression::parse(&pattern).unwrap();
            prop_assert_eq!(expression.as_rust(), pattern);
        }

        /// What Go takes Rust takes, and everything has an answer.
        #[test]
        fn rust_reads_what_is_written(
            parts in prop::collection::vec(
                r"[\[\](){}|*+?^$.&~:<>\\-]|\(\?|\[:|\\[dWbBQEpPx]|[a0-9,PiUsm\n é-]",
                0..24,
            ),
        ) {
            let pattern = parts.concat();
            if let Ok(expression) = Expression::parse(&pattern) {
                let read = regex_syntax::parse(expression.as_rust());
                prop_assert!(read.is_ok(), "{pattern:?} as {}", expression.as_rust());
            }
        }
    }
}
