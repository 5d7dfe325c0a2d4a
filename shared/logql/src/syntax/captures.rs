//! The captures of a pattern (`<ip> - <_>`), as far as it takes to refuse a wrong one.
//!
//! `<name>` with a name as of a label captures, everything else is literal text.

use std::collections::HashSet;

/// Refuses patterns without a named capture, with two captures side by side, or with a name
/// that repeats.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let all = find(pattern);
    let named = || {
        all.iter()
            .map(|capture| capture.name)
            .filter(|name| *name != "_")
    };
    if named().next().is_none() {
        return Err("at least one capture is required".to_owned());
    }
    for pair in all.windows(2) {
        if let [first, second] = pair
            && first.end == second.start
        {
            return Err(format!(
                "found consecutive capture '<{}><{}>': invalid expression",
                first.name, second.name
            ));
        }
    }
    let mut seen = HashSet::new();
    match named().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!(
            "duplicate capture name ({name}): invalid expression"
        )),
        None => Ok(()),
    }
}

struct Capture<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

fn find(pattern: &str) -> Vec<Capture<'_>> {
    let mut all = Vec::new();
    for (start, _) in pattern.match_indices('<') {
        let inner = pattern.get(start + 1..).unwrap_or_default();
        let len = inner
            .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
            .unwrap_or(inner.len());
        let (name, rest) = inner.split_at(len);
        let starts_well = name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
        if starts_well && rest.starts_with('>') {
            all.push(Capture {
                name,
                start,
                end: start + len + 2,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(pattern: &str, want: Result<(), &str>) {
        assert_eq!(
            super::check(pattern),
            want.map_err(str::to_owned),
            "{pattern}"
        );
    }

    #[test]
    fn patterns() {
        check("<a>", Ok(()));
        check("<ip> - <user> [<_>] <_>", Ok(()));
        check("<_> <a> <_>", Ok(()));
        check("<<a>>", Ok(()));
        check("abc", Err("at least one capture is required"));
        check("<_> x", Err("at least one capture is required"));
        check("<0a> <a b>", Err("at least one capture is required"));
        check(
            "<a><b>",
            Err("found consecutive capture '<a><b>': invalid expression"),
        );
        check(
            "<a> <a>",
            Err("duplicate capture name (a): invalid expression"),
        );
    }
}
