//! What the crates without IO may not name: the environment, the clock, files, sockets, threads.
//!
//! Time and ids are arguments there, so that every answer can be had again. Addresses
//! (`std::net::IpAddr`) are values and allowed. Their dependencies are held by `arrows`.

use super::source::Source;

/// Crates without IO.
pub(crate) const PURE: [&str; 5] = ["model", "logql", "segment", "protocol", "aws-logs"];

/// Prefixes of paths, and why not.
const FORBIDDEN: [(&str, &str); 15] = [
    ("std::env", "the environment is read by the functions"),
    ("std::fs", "bytes come from the caller"),
    ("std::io::stdin", "bytes come from the caller"),
    ("std::net::*", "bytes come from the caller"),
    ("std::net::TcpListener", "bytes come from the caller"),
    ("std::net::TcpStream", "bytes come from the caller"),
    ("std::net::ToSocketAddrs", "names are not looked up here"),
    ("std::net::UdpSocket", "bytes come from the caller"),
    ("std::process", "a library ends no process"),
    ("std::thread", "work is cut by the engine"),
    ("std::time::*", "time is an argument"),
    ("std::time::Instant", "time is an argument"),
    ("std::time::SystemTime", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("SystemTime::now", "time is an argument"),
];

/// Every forbidden path outside tests.
pub(crate) fn check(source: &Source) -> Vec<(usize, String)> {
    let is_pure = |name: &str| source.path.starts_with(&format!("shared/{name}/src/"));
    if !PURE.iter().any(|name| is_pure(name)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for named in source.named().into_iter().filter(|named| !named.in_test) {
        let begins = |start: &str| {
            named
                .path
                .strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        if let Some((_, why)) = FORBIDDEN.iter().find(|(start, _)| begins(start)) {
            found.push((
                named.line,
                format!("`{}` in a crate without IO: {why}", named.path),
            ));
        }
    }
    found
}

#[test]
fn finds_what_is_forbidden() {
    for (path, text, want) in [
        ("shared/model/src/a.rs", "use std::env;", 1),
        ("shared/model/src/a.rs", "use std::{fmt, fs::File};", 1),
        (
            "shared/logql/src/a.rs",
            "fn f() { std::time::SystemTime::now(); }",
            1,
        ),
        (
            "shared/logql/src/a.rs",
            "use std::time::{Duration, Instant};",
            1,
        ),
        (
            "shared/logql/src/a.rs",
            "fn f() { g!(std::fs::read(x)); }",
            1,
        ),
        (
            "shared/logql/src/a.rs",
            "use std::net::IpAddr; use std::time::Duration;",
            0,
        ),
        ("shared/segment/src/a.rs", "use std::environment::x;", 0),
        (
            "shared/segment/src/a.rs",
            "#[cfg(test)] mod tests { use std::fs; }",
            0,
        ),
        ("shared/segment/tests/a.rs", "use std::fs;", 0),
        ("shared/storage/src/a.rs", "use std::env;", 0),
    ] {
        assert_eq!(
            check(&Source::parse(path, text)).len(),
            want,
            "{path} {text}"
        );
    }
}
