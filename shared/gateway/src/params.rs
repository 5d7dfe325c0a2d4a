//! [`Params`]: the parameters of a query string or a form, in order and with repeats.
//!
//! Decodes `%XX` and `+` itself, since API Gateway's own map joins repeats with commas. Does not
//! know what any parameter means.

use crate::limits::MAX_PARAMS;

/// Names and values in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// Why parameters could not be read; always the sender's mistake (HTTP 400).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// A `%` without two hexadecimal digits; the text is Go's.
    #[error("invalid URL escape {0:?}; write a literal `%` as `%25`")]
    Escape(String),
    /// A name or value that is not UTF-8 once decoded.
    #[error(
        "parameter `{0}` is not valid UTF-8; encode its bytes as UTF-8 before percent-encoding"
    )]
    Utf8(String),
    /// A path that is not UTF-8 once decoded.
    #[error("the path is not valid UTF-8; encode its bytes as UTF-8 before percent-encoding")]
    PathUtf8,
    /// More than [`MAX_PARAMS`].
    #[error("more than {MAX_PARAMS} parameters; send fewer")]
    TooMany,
}

impl Params {
    /// Reads `a=1&b=x+y&a=%C3%A9`; empty parts are skipped, a part without `=` has an empty value.
    ///
    /// # Errors
    /// See [`ParamsError`].
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamsError> {
        let mut pairs = Vec::new();
        for part in encoded
            .split(|&byte| byte == b'&')
            .filter(|part| !part.is_empty())
        {
            if pairs.len() == MAX_PARAMS {
                return Err(ParamsError::TooMany);
            }
            let equals = part
                .iter()
                .position(|&byte| byte == b'=')
                .unwrap_or(part.len());
            let name = decode(&part[..equals])?;
            let value = decode(part.get(equals + 1..).unwrap_or_default())?;
            let utf8 = |bytes| {
                String::from_utf8(bytes)
                    .map_err(|_| ParamsError::Utf8(String::from_utf8_lossy(&name).into_owned()))
            };
            let value = utf8(value)?;
            pairs.push((utf8(name.clone())?, value));
        }
        Ok(Self(pairs))
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These, then `more`; so [`Params::get`] prefers these.
    #[must_use]
    pub fn then(&self, more: &Self) -> Self {
        Self(self.0.iter().chain(&more.0).cloned().collect())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// Undoes percent-encoding of a part of a query string, where `+` is a space.
fn decode(encoded: &[u8]) -> Result<Vec<u8>, ParamsError> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (value, tail) = hex_pair(tail).ok_or_else(|| bad_escape(tail))?;
                rest = tail;
                value
            }
            other => other,
        });
    }
    Ok(decoded)
}

/// The byte that two hexadecimal digits write, and what follows them.
pub(crate) fn hex_pair(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (&[high, low], tail) = bytes.split_first_chunk::<2>()?;
    Some((digit(high)? << 4 | digit(low)?, tail))
}

pub(crate) fn bad_escape(tail: &[u8]) -> ParamsError {
    let shown = &tail[..tail.len().min(2)];
    ParamsError::Escape(format!("%{}", String::from_utf8_lossy(shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(encoded: &[u8], want: Result<&[(&str, &str)], &str>) {
        let got = Params::parse(encoded).map_err(|error| error.to_string());
        let got = got.as_ref().map(|params| params.iter().collect::<Vec<_>>());
        assert_eq!(got.map_err(String::as_str), want.map(<[_]>::to_vec));
    }

    #[test]
    fn reads_what_go_reads() {
        check(b"", Ok(&[]));
        check(b"&&", Ok(&[]));
        check(b"a=1&b=2&a=3", Ok(&[("a", "1"), ("b", "2"), ("a", "3")]));
        check(b"a", Ok(&[("a", "")]));
        check(b"=x", Ok(&[("", "x")]));
        check(b"query=%7Bapp%3D%22x%22%7D+%7C%3D+%60a%2Bb%60", {
            Ok(&[("query", "{app=\"x\"} |= `a+b`")])
        });
        check(
            b"match[]=a=b&x=a,b",
            Ok(&[("match[]", "a=b"), ("x", "a,b")]),
        );
        check(b"a=%c3%A9", Ok(&[("a", "é")]));
        check(b"a=%2525", Ok(&[("a", "%25")]));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let escape = |text| format!("invalid URL escape \"{text}\"; write a literal `%` as `%25`");
        check(b"a=%zz", Err(&escape("%zz")));
        check(b"a=1%", Err(&escape("%")));
        check(b"a=%4", Err(&escape("%4")));
        let utf8 = |name| {
            format!(
                "parameter `{name}` is not valid UTF-8; \
                 encode its bytes as UTF-8 before percent-encoding"
            )
        };
        check(b"query=%ff", Err(&utf8("query")));
        check(b"%ff=1", Err(&utf8("\u{fffd}")));
        check(b"a=\xff", Err(&utf8("a")));
        let many = "a&".repeat(MAX_PARAMS + 1);
        check(
            many.as_bytes(),
            Err("more than 10000 parameters; send fewer"),
        );
    }

    #[test]
    fn the_first_wins() {
        let form: Params = [("a", "form")].into_iter().collect();
        let query: Params = [("a", "query"), ("b", "query")].into_iter().collect();
        let both = form.then(&query);
        assert_eq!(
            (both.get("a"), both.get("b"), both.get("c")),
            (Some("form"), Some("query"), None)
        );
        assert_eq!(both.all("a").collect::<Vec<_>>(), ["form", "query"]);
    }
}
