//! `${NAME}` and `${NAME:-default}` in a configuration, as Loki's `-config.expand-env` has them.
//!
//! Loki makes an unset variable empty; here it is an error, since an empty URL or limit is never
//! meant.

use super::ConfigError;

/// Replaces every `${NAME}` of `text` by what `lookup` says, or by its default.
///
/// # Errors
/// [`ConfigError::Variable`] for a variable that is not set and has no default, or a `${` without
/// `}`.
pub fn expand_variables(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<String, ConfigError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once("${") {
        out.push_str(before);
        let refused = |reason| {
            let line = 1 + text[..text.len() - tail.len()].matches('\n').count();
            Err(ConfigError::Variable { line, reason })
        };
        let Some((inner, after)) = tail.split_once('}') else {
            return refused("`${` without `}`".to_owned());
        };
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match (lookup(name), default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                return refused(format!(
                    "`{name}` is not set; set it or write `${{{name}:-…}}`"
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let lookup = |name: &str| (name == "HOST").then(|| "example.com".to_owned());
        let got = expand_variables(text, lookup).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want);
    }

    #[test]
    fn expands() {
        check("a: 1", Ok("a: 1"));
        check(
            "url: http://${HOST}/${HOST}",
            Ok("url: http://example.com/example.com"),
        );
        check("port: ${PORT:-80}", Ok("port: 80"));
        check("host: ${HOST:-x}", Ok("host: example.com"));
        check("empty: ${PORT:-}", Ok("empty: "));
        check(
            "a: $HOST {{ $labels.x }} $",
            Ok("a: $HOST {{ $labels.x }} $"),
        );
        check("a\nb: ${X}", {
            Err("configuration: line 2: `X` is not set; set it or write `${X:-…}`")
        });
        check("a: ${HOST", Err("configuration: line 1: `${` without `}`"));
    }
}
