//! Who may depend on whom. Dependencies point down only; crates without IO stay without; what is
//! deployed carries nothing that only one process on one machine needs.
//!
//! Reads `cargo metadata` for the arrows that are written down, and `Cargo.lock` for what follows
//! from them. Dependencies of tests are free.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use super::purity::PURE;

/// The crates of `shared/`, each with those that it may use.
const SHARED: [(&str, &[&str]); 12] = [
    ("model", &[]),
    ("logql", &["model"]),
    ("segment", &["model"]),
    ("protocol", &["model"]),
    ("gateway", &["model", "logql"]),
    ("signed", &[]),
    ("storage", &["model", "segment"]),
    ("rewrite", &["model", "segment", "storage"]),
    ("aws-logs", &["model", "protocol"]),
    ("live", &["model", "logql", "protocol", "storage"]),
    (
        "intake",
        &["model", "segment", "protocol", "storage", "live"],
    ),
    ("engine", &["model", "logql", "segment", "storage"]),
];

/// Starts of names of crates that do IO.
const IO: [&str; 11] = [
    "async-std",
    "aws-",
    "axum",
    "hyper",
    "lambda_",
    "mio",
    "object_store",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
];

/// Starts of names of crates that only the local host and tests need.
const LOCAL: [&str; 6] = [
    "axum",
    "dynoxide",
    "libsqlite3-sys",
    "object_store",
    "rusqlite",
    "sqlite",
];

/// Every arrow that runs otherwise.
pub(crate) fn violations(root: &Path) -> Vec<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata answers");
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock can be read");
    let crates = crates(&metadata, root);
    let mut found = upward(&crates);
    found.extend(heavy(&crates, &locked(&lock)));
    found
}

/// A crate of the workspace.
struct Crate {
    /// Its folder, as `shared/model`.
    folder: String,
    /// Packages that it needs to be built, those that are optional left out.
    needs: Vec<String>,
    /// Features of other crates of the workspace that it turns on, as `narvi-storage/directory`.
    features: Vec<String>,
}

fn crates(metadata: &Metadata, root: &Path) -> BTreeMap<String, Crate> {
    let described = |package: &Package| {
        let built = |kind| kind != DependencyKind::Development;
        let needs = package
            .dependencies
            .iter()
            .filter(|needed| built(needed.kind));
        let features = needs.clone().flat_map(|needed| {
            needed
                .features
                .iter()
                .map(|feature| format!("{}/{feature}", needed.name))
        });
        let folder = package
            .manifest_path
            .parent()
            .expect("a manifest lies in a folder");
        let folder = folder
            .strip_prefix(root)
            .expect("members lie below the root");
        Crate {
            folder: folder.as_str().replace('\\', "/"),
            features: features.collect(),
            needs: needs
                .filter(|needed| !needed.optional)
                .map(|n| n.name.clone())
                .collect(),
        }
    };
    metadata
        .packages
        .iter()
        .map(|p| (p.name.to_string(), described(p)))
        .collect()
}

/// Arrows between crates of the workspace that do not point down.
fn upward(crates: &BTreeMap<String, Crate>) -> Vec<String> {
    let mut found = Vec::new();
    for one in crates.values() {
        for other in one.needs.iter().filter_map(|name| crates.get(name)) {
            match may_use(&one.folder, &other.folder) {
                Some(true) => {}
                Some(false) => found.push(format!("{} uses {}", one.folder, other.folder)),
                None => found.push(format!(
                    "{} has no place in tests/tidy/arrows.rs",
                    one.folder
                )),
            }
        }
    }
    found
}

/// Whether the crate in one folder may use the other; `None` for a folder that has no place yet.
fn may_use(one: &str, other: &str) -> Option<bool> {
    match one.split_once('/') {
        None if one == "tests" => Some(true),
        Some(("infra", "local")) => Some(!other.starts_with("tests")),
        Some(("functions", _) | ("tests", "embedded")) => Some(other.starts_with("shared/")),
        Some(("shared", name)) => {
            let (_, below) = SHARED.iter().find(|(known, _)| *known == name)?;
            Some(
                other
                    .strip_prefix("shared/")
                    .is_some_and(|other| below.contains(&other)),
            )
        }
        _ => None,
    }
}

/// Packages that come in, over however many others, where they must not.
fn heavy(crates: &BTreeMap<String, Crate>, lock: &Lock) -> Vec<String> {
    let mut found = Vec::new();
    for (name, one) in crates {
        let is_pure = PURE
            .iter()
            .any(|pure| one.folder == format!("shared/{pure}"));
        let is_deployed = one.folder.starts_with("functions/");
        let forbidden: &[&str] = match (is_pure, is_deployed) {
            (true, _) => &IO,
            (_, true) => &LOCAL,
            _ => continue,
        };
        for package in reached(name, crates, lock) {
            if forbidden.iter().any(|start| package.starts_with(start)) {
                found.push(format!("{} brings in {package}", one.folder));
            }
        }
        if is_deployed
            && one
                .features
                .iter()
                .any(|name| name == "narvi-storage/directory")
        {
            found.push(format!("{} turns on narvi-storage/directory", one.folder));
        }
    }
    found
}

/// Everything that a crate needs: own crates by their manifests, the others by the lock file, which
/// does not tell what of theirs is optional and so errs on the strict side.
fn reached<'a>(
    name: &'a str,
    crates: &'a BTreeMap<String, Crate>,
    lock: &'a Lock,
) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![name]);
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        match crates.get(name) {
            Some(own) => open.extend(own.needs.iter().map(String::as_str)),
            None => open.extend(lock.get(name).into_iter().flatten().map(String::as_str)),
        }
    }
    seen
}

/// What each package of the lock file needs, all versions of a package as one.
type Lock = BTreeMap<String, BTreeSet<String>>;

fn locked(text: &str) -> Lock {
    let mut lock = Lock::new();
    let mut package = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            package = name.trim_matches('"').to_owned();
            lock.entry(package.clone()).or_default();
        } else if let Some(needed) = line.strip_prefix(" \"") {
            let name = needed.split(['"', ' ']).next().unwrap_or_default();
            lock.entry(package.clone())
                .or_default()
                .insert(name.to_owned());
        }
    }
    lock
}

#[test]
fn arrows_point_down() {
    for (one, other, want) in [
        ("shared/logql", "shared/model", Some(true)),
        ("shared/logql", "shared/segment", Some(false)),
        ("shared/segment", "shared/protocol", Some(false)),
        ("shared/model", "shared/logql", Some(false)),
        ("shared/storage", "shared/logql", Some(false)),
        ("shared/engine", "shared/storage", Some(true)),
        ("shared/engine", "shared/protocol", Some(false)),
        ("shared/gateway", "shared/storage", Some(false)),
        ("shared/engine", "functions/query", Some(false)),
        ("shared/intake", "shared/protocol", Some(true)),
        ("shared/intake", "shared/gateway", Some(false)),
        ("functions/ingest", "shared/intake", Some(true)),
        ("functions/query", "shared/engine", Some(true)),
        ("functions/query", "functions/ingest", Some(false)),
        ("infra/local", "functions/query", Some(true)),
        ("infra/local", "tests/embedded", Some(false)),
        ("tests", "infra/local", Some(true)),
        ("tests/embedded", "shared/storage", Some(true)),
        ("tests/embedded", "functions/query", Some(false)),
        ("shared/new", "shared/model", None),
        ("elsewhere", "shared/model", None),
    ] {
        assert_eq!(may_use(one, other), want, "{one} -> {other}");
    }
}

#[test]
fn finds_what_comes_in_by_a_detour() {
    let lock = locked(
        "[[package]]\nname = \"a\"\ndependencies = [\n \"b 1.0.0\",\n]\n\n\
         [[package]]\nname = \"b\"\ndependencies = [\n \"tokio\",\n]\n",
    );
    let one = |folder: &str, needs: &[&str], features: &[&str]| Crate {
        folder: folder.to_owned(),
        needs: needs.iter().map(|name| (*name).to_owned()).collect(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
    };
    let crates = BTreeMap::from([
        (
            "narvi-logql".to_owned(),
            one("shared/logql", &["a", "narvi-model"], &[]),
        ),
        ("narvi-model".to_owned(), one("shared/model", &[], &[])),
        (
            "narvi-engine".to_owned(),
            one("shared/engine", &["a", "axum"], &[]),
        ),
        (
            "narvi-rules".to_owned(),
            one("functions/rules", &["narvi-engine"], &[]),
        ),
        (
            "narvi-query".to_owned(),
            one("functions/query", &[], &["narvi-storage/directory"]),
        ),
    ]);
    let want = [
        "shared/logql brings in tokio",
        "functions/query turns on narvi-storage/directory",
        "functions/rules brings in axum",
    ];
    assert_eq!(heavy(&crates, &lock), want);
}
