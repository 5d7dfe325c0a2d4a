//! Names of structured metadata: made into label names as Loki does (spec `limits.md` §4), since
//! LogQL has no way to write others. Values lose U+FFFD, which stands for what was not text.

use std::borrow::Cow;

use narvi_model::{Labels, Metadata};

/// A name that no label name can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Nothing was written.
    #[error("structured metadata has an empty label name; give it a name or leave the pair out")]
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

/// Normalises the names and values of entries; neighbours that have the same are done once.
#[derive(Debug, Default)]
pub(crate) struct Normaliser {
    last: Option<(Metadata, Metadata)>,
}

impl Normaliser {
    /// What is stored of `metadata`; `None` where it may stay as it is. Of two names that become
    /// one the later wins.
    ///
    /// # Errors
    /// The first name that cannot be normalised.
    pub(crate) fn normalise(&mut self, metadata: &Metadata) -> Result<Option<Metadata>, NameError> {
        if metadata
            .iter()
            .all(|(name, value)| is_normal(name) && !value.contains('\u{fffd}'))
        {
            return Ok(None);
        }
        if let Some((_, done)) = self.last.as_ref().filter(|(before, _)| before == metadata) {
            return Ok(Some(done.clone()));
        }
        let mut pairs = Vec::with_capacity(metadata.len());
        for (name, value) in metadata.iter() {
            pairs.push((normal_name(name)?, value.replace('\u{fffd}', " ")));
        }
        let done = Labels::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
        self.last = Some((metadata.clone(), done.clone()));
        Ok(Some(done))
    }
}

/// Whether [`normal_name`] would change nothing; quick, since nearly every name is normal.
fn is_normal(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_plain = bytes
        .iter()
        .all(|c| c.is_ascii_alphanumeric() || *c == b'_');
    let has_runs = bytes.windows(2).any(|pair| pair == b"__");
    is_plain && !has_runs && name.chars().any(|c| c != '_') && !bytes[0].is_ascii_digit()
}

fn normal_name(name: &str) -> Result<Cow<'_, str>, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if is_normal(name) {
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
        return Err(NameError::NothingLeft {
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
        let got = normal_name(name).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{name}");
        if let Ok(normal) = got {
            assert_eq!(
                normal_name(&normal).as_deref(),
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
        let empty = "structured metadata has an empty label name; \
                     give it a name or leave the pair out";
        check("", Err(empty));
    }

    #[test]
    fn values_and_neighbours() {
        let mut normaliser = Normaliser::default();
        let plain = Labels::from_pairs([("a", "1")]);
        assert_eq!(normaliser.normalise(&plain), Ok(None));
        let odd = Labels::from_pairs([("a.b", "x\u{fffd}y"), ("a_b", "z"), ("c", "w")]);
        let want = Labels::from_pairs([("a_b", "z"), ("c", "w")]);
        for _ in 0..2 {
            assert_eq!(normaliser.normalise(&odd), Ok(Some(want.clone())));
        }
        let odd = Labels::from_pairs([("c", "x\u{fffd}y")]);
        let want = Labels::from_pairs([("c", "x y")]);
        assert_eq!(normaliser.normalise(&odd), Ok(Some(want)));
    }
}
