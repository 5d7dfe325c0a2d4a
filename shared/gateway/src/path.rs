//! [`capture`]: matches a path that is already decoded against a fixed pattern. [`decode_path`]:
//! what API Gateway does before we see it.
//!
//! A decoded path may hold `/` anywhere, so it is never cut into segments: what stands between the
//! pattern's fixed texts is the value, whatever it holds.

use crate::ParamsError;
use crate::params::{bad_escape, hex_pair};

/// Matches `path` against `pattern`, for example `/loki/api/v1/label/{name}/values`, and returns
/// what stands in the place of each `{…}`; none of them may be empty.
///
/// The last place takes as much as it can, all others as little as they can: the name of a label
/// may hold `/`, and in `rules/{namespace}/{group}` the first `/` separates.
#[must_use]
pub fn capture<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (prefix, places) = match pattern.split_once('{') {
        Some(parts) => parts,
        None => return (pattern == path).then(Vec::new),
    };
    let mut rest = path.strip_prefix(prefix)?;
    let mut captured = Vec::new();
    let mut places = places.split('{').peekable();
    while let Some(place) = places.next() {
        let (_name, fixed) = place.split_once('}')?;
        let value = match places.peek() {
            Some(_) => {
                let (value, tail) = rest.split_once(fixed)?;
                rest = tail;
                value
            }
            None => rest.strip_suffix(fixed)?,
        };
        if value.is_empty() {
            return None;
        }
        captured.push(value);
    }
    Some(captured)
}

/// Undoes percent-encoding of a path, in which `+` is a plus. For local mode alone: on AWS the path
/// of an event has been through it already.
///
/// # Errors
/// [`ParamsError::Escape`] and [`ParamsError::PathUtf8`].
pub fn decode_path(encoded: &str) -> Result<String, ParamsError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = match byte {
            b'%' => hex_pair(tail).ok_or_else(|| bad_escape(tail))?,
            other => (other, tail),
        };
        decoded.push(byte);
        rest = tail;
    }
    String::from_utf8(decoded).map_err(|_| ParamsError::PathUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once() {
        assert_eq!(
            decode_path("/label/a%2Fb+c%C3%A9/values").unwrap(),
            "/label/a/b+cé/values"
        );
        assert_eq!(decode_path("/a%252Fb").unwrap(), "/a%2Fb");
        assert_eq!(
            decode_path("/a%2"),
            Err(ParamsError::Escape("%2".to_owned()))
        );
        assert_eq!(decode_path("/%ff"), Err(ParamsError::PathUtf8));
    }

    #[track_caller]
    fn check(pattern: &str, path: &str, want: Option<&[&str]>) {
        assert_eq!(capture(pattern, path).as_deref(), want);
    }

    #[test]
    fn captures() {
        check("/ready", "/ready", Some(&[]));
        check("/ready", "/ready/", None);
        let values = "/label/{name}/values";
        check(values, "/label/app/values", Some(&["app"]));
        check(values, "/label/a/b/values", Some(&["a/b"]));
        check(values, "/label/a%2Fb/values", Some(&["a%2Fb"]));
        check(values, "/label/values/values", Some(&["values"]));
        check(values, "/label//values", None);
        check(values, "/label/values", None);
        check(values, "/label/app", None);
        let group = "/rules/{namespace}/{group}";
        check(group, "/rules/a/b", Some(&["a", "b"]));
        check(group, "/rules/a/b/c", Some(&["a", "b/c"]));
        check(group, "/rules/a", None);
        check(group, "/rules/a/", None);
        check("/rules/{namespace}", "/rules/é x", Some(&["é x"]));
    }
}
