//! [`PasswordHash`]: a password as htpasswd writes it, never the password itself.

use std::str::FromStr as _;

use bcrypt::HashParts;
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

use crate::apr1::{self, apr1};
use crate::limits::BCRYPT_COST;

/// What SHA-1 begins with in a file.
const SHA: &str = "{SHA}";

/// A hash of one of the kinds that htpasswd writes. Does not print itself.
#[derive(Clone)]
pub(crate) enum PasswordHash {
    /// `$2y$…`, of `htpasswd -B`: the one to use.
    Bcrypt { cost: u32, text: String },
    /// `$apr1$…`, of `htpasswd -m`.
    Apr1 { salt: String, text: String },
    /// `{SHA}…`, of `htpasswd -s`: without salt; for files that are there.
    Sha1([u8; 20]),
}

impl PasswordHash {
    /// Reads the part after `name:` in a file of htpasswd.
    ///
    /// # Errors
    /// What is wrong, without a word of the text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix(apr1::MAGIC) {
            return parse_apr1(rest);
        }
        if let Some(rest) = text.strip_prefix(SHA) {
            let digest = base64_simd::STANDARD.decode_to_vec(rest).ok();
            let digest = digest.and_then(|digest| digest.try_into().ok());
            return digest.map(Self::Sha1).ok_or_else(|| broken(SHA));
        }
        if !text.starts_with("$2") {
            return Err(
                "no hash of bcrypt ($2y$), apr1 or {SHA}; make one with `htpasswd -nB \
                        NAME`"
                    .to_owned(),
            );
        }
        let parts = HashParts::from_str(text).map_err(|_| broken("$2y$"))?;
        let cost = parts.get_cost();
        if !(4..=BCRYPT_COST).contains(&cost) {
            return Err(format!(
                "bcrypt with cost {cost}, it must be 4 to {BCRYPT_COST}"
            ));
        }
        let text = text.to_owned();
        Ok(Self::Bcrypt { cost, text })
    }

    /// Whether this is the hash of `password`; compares in constant time.
    pub(crate) fn is_of(&self, password: &[u8]) -> bool {
        match self {
            // An error is a password that bcrypt cannot hash, so it is not this one.
            Self::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Self::Apr1 { salt, text } => {
                let hash = apr1(password, salt.as_bytes());
                hash.ct_eq(text.as_bytes()).into()
            }
            Self::Sha1(digest) => Sha1::digest(password)[..].ct_eq(digest).into(),
        }
    }

    /// Orders hashes by the time that [`PasswordHash::is_of`] takes.
    pub(crate) const fn effort(&self) -> (u8, u32) {
        match self {
            Self::Sha1(_) => (0, 0),
            Self::Apr1 { .. } => (1, 0),
            Self::Bcrypt { cost, .. } => (2, *cost),
        }
    }
}

fn parse_apr1(rest: &str) -> Result<PasswordHash, String> {
    let parts = rest.split_once('$');
    let parts = parts.filter(|(salt, text)| salt.len() <= 8 && text.len() == apr1::LENGTH);
    let (salt, text) = parts.ok_or_else(|| broken(apr1::MAGIC))?;
    let (salt, text) = (salt.to_owned(), text.to_owned());
    Ok(PasswordHash::Apr1 { salt, text })
}

fn broken(kind: &str) -> String {
    format!("a {kind} hash that is cut short or damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hash: &str, password: &str) {
        let parsed = PasswordHash::parse(hash).unwrap();
        assert!(parsed.is_of(password.as_bytes()), "{hash}");
        for other in ["", "Secret", "secret ", "secret\0", "sécret", hash] {
            assert!(!parsed.is_of(other.as_bytes()), "{hash} {other}");
        }
    }

    #[test]
    fn each_kind() {
        let bcrypt = bcrypt::hash_with_salt("secret", 4, *b"0123456789abcdef").unwrap();
        for version in [bcrypt::Version::TwoY, bcrypt::Version::TwoB] {
            check(&bcrypt.format_for_version(version), "secret");
        }
        check("$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "secret");
        check("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret");
    }

    #[test]
    fn mistakes_do_not_repeat_what_is_written() {
        let long = "$2y$15$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u";
        for (text, want) in [
            ("secret", "no hash of bcrypt"),
            ("", "no hash of bcrypt"),
            ("$1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "no hash of bcrypt"),
            ("$2y$10$short", "a $2y$ hash that is cut short"),
            ("$apr1$abcdefgh$short", "a $apr1$ hash that is cut short"),
            ("$apr1$abcdefghi$h9FWgUz3n9YxylKLlR5SQ/", "a $apr1$ hash"),
            ("{SHA}5en6", "a {SHA} hash that is cut short"),
            (long, "bcrypt with cost 15, it must be 4 to 14"),
        ] {
            let error = PasswordHash::parse(text).err().unwrap();
            assert!(error.starts_with(want), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
