//! [`label_name`]: what Loki makes of a name that a label cannot have, since LogQL has no way to
//! write others (spec `limits.md` §4, `http-api.md` §3).

use std::borrow::Cow;

/// A name that no label name can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelNameError {
    /// Nothing was written.
    #[error("empty label name; give it a name or leave the pair out")]
    Empty,
    /// Nothing of it may stay; Loki's text.
    #[error("normalization for label name {name:?} resulted in invalid name {normalised:?}")]
    NothingLeft {
        /// As sent.
        name: String,
        /// What became of it.
        normalised: String,
    },
}

/// Whether [`label_name`] would change nothing; quick, since nearly every name is normal.
#[must_use]
pub fn is_label_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_plain = bytes
        .iter()
        .all(|c| c.is_ascii_alphanumeric() || *c == b'_');
    let has_runs = bytes.windows(2).any(|pair| pair == b"__");
    is_plain && !has_runs && name.chars().any(|c| c != '_') && !bytes[0].is_ascii_digit()
}

/// The name as a label may have it: runs of what may not stay become one underscore, and a digit
/// does not begin it.
///
/// # Errors
/// Where there is nothing that could stay.
pub fn label_name(name: &str) -> Result<Cow<'_, str>, LabelNameError> {
    if name.is_empty() {
        return Err(LabelNameError::Empty);
    }
    if is_label_name(name) {
        return Ok(Cow::Borrowed(name));
    }
    let reserved = name
        .strip_prefix("__")
        .and_then(|rest| rest.strip_suffix("__"));
    let mut out = match reserved.filter(|inner| !inner.is_empty()) {
        // Names such as `__error__` keep the underscores around them.
        Some(inner) => format!("__{}__", collapse(inner).trim_matches('_')),
        None => collapse(name),
    };
    if out.bytes().all(|c| c == b'_') {
        return Err(LabelNameError::NothingLeft {
            name: name.to_owned(),
            normalised: out,
        });
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "key_");
    }
    Ok(Cow::Owned(out))
}

/// Every run of underscores and of what a label name may not have becomes one underscore.
fn collapse(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, want: Result<&str, &str>) {
        let got = label_name(name).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{name}");
        if let Ok(normal) = got {
            assert_eq!(
                label_name(&normal).as_deref(),
                Ok(&*normal),
                "twice changes nothing"
            );
        }
    }

    #[test]
    fn names_as_loki_makes_them() {
        check("trace_id", Ok("trace_id"));
        check("http.status-code", Ok("http_status_code"));
        check("a__b", Ok("a_b"));
        check("a.-é b", Ok("a_b"));
        check("1st", Ok("key_1st"));
        check("_x", Ok("_x"));
        check("__x", Ok("_x"));
        check("__error__", Ok("__error__"));
        check("__a.b__", Ok("__a_b__"));
        check(
            "é",
            Err(r#"normalization for label name "é" resulted in invalid name "_""#),
        );
        check(
            "-",
            Err(r#"normalization for label name "-" resulted in invalid name "_""#),
        );
        check(
            "___",
            Err(r#"normalization for label name "___" resulted in invalid name "_""#),
        );
        let empty = "empty label name; give it a name or leave the pair out";
        check("", Err(empty));
    }
}
