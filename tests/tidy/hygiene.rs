//! Files open with what they are and have names that say it; tests neither sleep nor are skipped.

use syn::visit::{self, Visit};

use super::source::Source;

/// File and folder names that say nothing.
const EMPTY_NAMES: [&str; 8] = [
    "common", "helper", "helpers", "manager", "misc", "util", "utils", "types",
];

/// Ends of paths that wait for the clock.
const SLEEPS: [&str; 4] = [
    "thread::sleep",
    "time::sleep",
    "time::sleep_until",
    "sleep_ms",
];

/// Everything against these rules.
pub(crate) fn check(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    if !source.text.starts_with("//! ") {
        found.push((1, "opens without `//! ` and what the file is".to_owned()));
    }
    for part in source.path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            found.push((
                1,
                format!("`{part}` says nothing; name it after what it holds"),
            ));
        }
    }
    for named in source.named() {
        let is_sleep = |end: &str| {
            let before = named.path.strip_suffix(end);
            before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
        };
        if named.in_test && SLEEPS.iter().any(|end| is_sleep(end)) {
            let text = format!("`{}` in a test; wait for what happens instead", named.path);
            found.push((named.line, text));
        }
    }
    let mut skipped = Skipped { found };
    skipped.visit_file(&source.tree);
    skipped.found
}

struct Skipped {
    found: Vec<(usize, String)>,
}

impl<'ast> Visit<'ast> for Skipped {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("ignore") {
            let line = attribute.pound_token.span.start().line;
            self.found.push((
                line,
                "`#[ignore]`; a test runs or does not exist".to_owned(),
            ));
        }
        visit::visit_attribute(self, attribute);
    }
}

#[test]
fn finds_breaches() {
    for (path, text, want) in [
        ("shared/a/src/lib.rs", "//! A thing.\n", 0),
        ("shared/a/src/lib.rs", "// A thing.\n", 1),
        ("shared/a/src/lib.rs", "\n//! A thing.\n", 1),
        ("shared/a/src/utils.rs", "//! A thing.\n", 1),
        ("shared/a/src/common/x.rs", "//! A thing.\n", 1),
        (
            "shared/a/src/lib.rs",
            "//! A.\n#[test]\n#[ignore]\nfn f() {}\n",
            1,
        ),
        (
            "shared/a/src/lib.rs",
            "//! A.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n",
            1,
        ),
        (
            "shared/a/src/lib.rs",
            "//! A.\nfn f() { std::thread::sleep(x); }\n",
            0,
        ),
        (
            "shared/a/src/lib.rs",
            "//! A.\n#[test]\nfn f() { std::thread::sleep(x); }\n",
            1,
        ),
        (
            "shared/a/src/lib.rs",
            "//! A.\n#[tokio::test]\nfn f() { tokio::time::sleep(x); }\n",
            1,
        ),
        (
            "shared/a/tests/a.rs",
            "//! A.\nuse std::thread::sleep;\n",
            1,
        ),
        (
            "shared/a/tests/a.rs",
            "//! A.\nfn f() { select! { _ = time::sleep(x) => {} } }\n",
            1,
        ),
        ("shared/a/tests/a.rs", "//! A.\nfn f() { asleep(x) }\n", 0),
    ] {
        let found = check(&Source::parse(path, text));
        assert_eq!(found.len(), want, "{path}\n{text}\n{found:?}");
    }
}
