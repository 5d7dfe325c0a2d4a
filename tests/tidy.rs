//! Holds the house style and the arrows between the crates, with no list of exceptions.
//!
//! `arrows` (who may depend on whom), `purity` (what crates without IO may name), `sizes` (lines,
//! functions, parameters), `hygiene` (tests, file names, first lines). Each has its own cases, so a
//! rule that no longer finds anything fails, too. `source` reads files; it knows no rule.
#![cfg(test)]

#[path = "tidy/arrows.rs"]
mod arrows;
#[path = "tidy/hygiene.rs"]
mod hygiene;
#[path = "tidy/purity.rs"]
mod purity;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;

use std::path::Path;

use source::Source;

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
}

/// Fails with every violation at once, each with its place.
#[track_caller]
fn report(rule: &str, violations: &[String]) {
    let (count, list) = (violations.len(), violations.join("\n"));
    assert!(
        violations.is_empty(),
        "{rule}: {count} violations\n{list}\n"
    );
}

/// What a rule says about every file, as `path:line: text`.
fn every_file(check: impl Fn(&Source) -> Vec<(usize, String)>) -> Vec<String> {
    let sources = source::read_all(root());
    assert!(
        sources.len() > 50,
        "found only {} files in {}",
        sources.len(),
        root().display()
    );
    let place = |source: &Source| {
        let path = source.path.clone();
        let found = check(source).into_iter();
        found
            .map(move |(line, text)| format!("{path}:{line}: {text}"))
            .collect::<Vec<_>>()
    };
    sources.iter().flat_map(place).collect()
}

#[test]
fn dependencies_point_down() {
    report("arrows", &arrows::violations(root()));
}

#[test]
fn crates_without_io_have_none() {
    report("purity", &every_file(purity::check));
}

#[test]
fn sizes_are_kept() {
    report("sizes", &every_file(sizes::check));
}

#[test]
fn files_and_tests_keep_the_house_rules() {
    report("hygiene", &every_file(hygiene::check));
}
