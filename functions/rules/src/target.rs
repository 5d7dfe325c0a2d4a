//! [`Target`]: the address of one Alertmanager, out of `ruler.alertmanager_url`.

use std::fmt;

/// Where to send alerts. Does not print its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: String,
    authorization: Option<String>,
}

/// An address that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "ruler.alertmanager_url: `{0}` is no address; write http://host:port or https://host, several \
     with commas between them"
)]
pub struct TargetError(String);

impl Target {
    /// Every address of a list with commas; none for an empty text.
    ///
    /// # Errors
    /// An address that is not `http://…` or `https://…`.
    pub fn all(list: &str) -> Result<Vec<Self>, TargetError> {
        let addresses = list.split(',').map(str::trim);
        addresses
            .filter(|address| !address.is_empty())
            .map(Self::parse)
            .collect()
    }

    fn parse(address: &str) -> Result<Self, TargetError> {
        let bad = || TargetError(without_password(address));
        let (scheme, rest) = address.split_once("://").ok_or_else(bad)?;
        let authority_end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if !matches!(scheme, "http" | "https") || host.is_empty() || path.contains('?') {
            return Err(bad());
        }
        let path = path.trim_end_matches('/');
        let url = format!("{scheme}://{host}{path}/api/v2/alerts");
        // What is sent is parsed again by the client; a mistake is better found here.
        url.parse::<http::Uri>().map_err(|_| bad())?;
        let authorization = match user {
            Some(user) => {
                let user = narvi_gateway::decode_path(user).map_err(|_| bad())?;
                let encoded = base64_simd::STANDARD.encode_to_string(user.as_bytes());
                Some(format!("Basic {encoded}"))
            }
            None => None,
        };
        Ok(Self { url, authorization })
    }

    /// The URL that alerts are posted to, without user and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The header `Authorization`, where the address has a user.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

fn without_password(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => address.to_owned(),
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, want: Result<&[(&str, Option<&str>)], &str>) {
        let got = Target::all(list).map_err(|error| error.to_string());
        let got = got.as_ref().map(|targets| {
            let pair = |target: &'_ Target| (target.url.clone(), target.authorization.clone());
            targets.iter().map(pair).collect::<Vec<_>>()
        });
        let owned =
            |(url, auth): &(&str, Option<&str>)| ((*url).to_owned(), auth.map(str::to_owned));
        match want {
            Ok(want) => assert_eq!(got, Ok(want.iter().map(owned).collect())),
            Err(want) => {
                let error = got.unwrap_err();
                assert!(error.contains(want) && !error.contains("secret"), "{error}");
            }
        }
    }

    #[test]
    fn addresses() {
        check("", Ok(&[]));
        check(
            "http://a:9093",
            Ok(&[("http://a:9093/api/v2/alerts", None)]),
        );
        check(
            " https://u:p%40ss@a/base/ , http://b,",
            Ok(&[
                ("https://a/base/api/v2/alerts", Some("Basic dTpwQHNz")),
                ("http://b/api/v2/alerts", None),
            ]),
        );
        for bad in [
            "a:9093",
            "ftp://a",
            "http://",
            "http:///x",
            "http://a b",
            "http://a/x?y=z",
        ] {
            check(bad, Err(&format!("`{bad}` is no address")));
        }
        check("ftp://u:secret@a", Err("`ftp://…@a` is no address"));
        let target = Target::all("http://u:secret@a").unwrap();
        assert_eq!(format!("{target:?}"), "[Target(http://a/api/v2/alerts)]");
    }
}
