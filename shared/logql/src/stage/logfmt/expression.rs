//! The right side of `a="key"` in `| logfmt a="key"`: one key, plain or in quotes.

/// The key that an expression names, or what is wrong with it in Loki's words.
pub(super) fn key(expression: &str) -> Result<&str, String> {
    let mut key = None;
    let mut rest = expression.trim_start();
    while !rest.is_empty() {
        let (token, text, tail) = token(rest).ok_or_else(|| refusal(expression, rest))?;
        if key.replace(text).is_some() {
            let reason = format!("syntax error: unexpected {token}");
            return Err(refuse(expression, &reason));
        }
        rest = tail.trim_start();
    }
    let nothing = "syntax error: unexpected $end, expecting STRING or KEY";
    key.ok_or_else(|| refuse(expression, nothing))
}

/// The kind of the first token, its text, and what follows; `None` where there is none.
fn token(rest: &str) -> Option<(&'static str, &str, &str)> {
    if let Some(inner) = rest.strip_prefix('"') {
        let (text, tail) = inner.split_once('"')?;
        return Some(("STRING", text, tail));
    }
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let (text, tail) = rest.split_at(len);
    let is_name = !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty();
    is_name.then_some(("KEY", text, tail))
}

fn refusal(expression: &str, rest: &str) -> String {
    let c = rest.chars().next().unwrap_or_default();
    refuse(expression, &format!("unexpected char {c}"))
}

fn refuse(expression: &str, reason: &str) -> String {
    format!("cannot parse expression [{expression}]: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let refused = |reason: &str| Err(reason.to_owned());
        for (expression, want) in [
            ("a", Ok("a")),
            (" _a9 ", Ok("_a9")),
            (r#""a b""#, Ok("a b")),
            ("b c", refused("syntax error: unexpected KEY")),
            (r#"b "c""#, refused("syntax error: unexpected STRING")),
            (
                "",
                refused("syntax error: unexpected $end, expecting STRING or KEY"),
            ),
            ("a.b", refused("unexpected char .")),
            ("9", refused("unexpected char 9")),
            (r#""a"#, refused("unexpected char \"")),
        ] {
            let want = want.map_err(|reason| refuse(expression, &reason));
            assert_eq!(key(expression), want);
        }
    }
}
