//! [`Credentials`]: the document that says who may call, as written in YAML.
//!
//! ```yaml
//! users:
//!   alloy: {password: "$2y$10$…", write: [team-a]}
//!   grafana: {password: "$2y$10$…", read: ["*"]}
//! tokens:
//!   fluent-bit: {sha256: "9f86d081…", write: [team-a, team-b]}
//! ```
//!
//! Holds hashes and no secret, and still neither prints nor repeats them.

use std::collections::{BTreeMap, BTreeSet};

use narvi_model::{TenantError, TenantId};
use serde::Deserialize;

use crate::Access;
use crate::limits::CALLERS;
use crate::password::PasswordHash;

/// Who may call.
pub struct Credentials {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) tokens: Vec<Token>,
}

/// Somebody with a password.
pub(crate) struct User {
    pub(crate) password: PasswordHash,
    pub(crate) grants: Grants,
}

/// Somebody with a bearer token.
pub(crate) struct Token {
    pub(crate) name: String,
    /// SHA-256 of the token.
    pub(crate) digest: [u8; 32],
    pub(crate) grants: Grants,
}

/// What a caller may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grants {
    read: Tenants,
    write: Tenants,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tenants {
    Any,
    Only(BTreeSet<TenantId>),
}

/// Why a document is refused. Says where, and repeats no secret and no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No YAML, a key that is not known or missing, or a value of another kind.
    #[error(
        "line {line}, column {column}: not how credentials are written; users have `password`, \
         tokens have `sha256`, both have `read` and `write` with lists of tenants"
    )]
    Yaml {
        /// From 1; 0 where the parser does not say.
        line: u64,
        /// From 1; 0 where the parser does not say.
        column: u64,
    },
    /// Nobody is in it.
    #[error("there are neither users nor tokens, so nobody could call")]
    Empty,
    /// More than [`CALLERS`].
    #[error("{0} users and tokens, at most {CALLERS} are taken")]
    TooMany(usize),
    /// Basic authentication ends a name at the first colon.
    #[error("users: `{0}`: a name is not empty and has no `:`")]
    Name(String),
    /// No hash that is known.
    #[error("users: `{name}`: password: {reason}")]
    Password {
        /// The user.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No SHA-256.
    #[error(
        "tokens: `{0}`: sha256 must be 64 hexadecimal digits; `printf %s TOKEN | sha256sum` \
         prints them"
    )]
    Digest(String),
    /// A tenant id that no request could have.
    #[error("`{name}`: {source}; write `*` for every tenant")]
    Tenant {
        /// The user or token.
        name: String,
        /// What is wrong with it.
        source: TenantError,
    },
    /// A caller that may do nothing is a mistake.
    #[error("`{0}` may neither read nor write; list its tenants under `read` or `write`")]
    Nothing(String),
}

/// The document as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Document {
    users: BTreeMap<String, WrittenUser>,
    tokens: BTreeMap<String, WrittenToken>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    password: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenToken {
    sha256: String,
    #[serde(default)]
    read: Vec<String>,
    #[serde(default)]
    write: Vec<String>,
}

impl Credentials {
    /// Reads the document.
    ///
    /// # Errors
    /// See [`CredentialsError`].
    pub fn from_yaml(text: &str) -> Result<Self, CredentialsError> {
        let document: Option<Document> = serde_saphyr::from_str(text).map_err(|error| {
            // The parser's own text shows the line, which holds a hash as likely as not.
            let place = error.location();
            CredentialsError::Yaml {
                line: place.map_or(0, |place| place.line()),
                column: place.map_or(0, |place| place.column()),
            }
        })?;
        let document = document.unwrap_or_default();
        match document.users.len() + document.tokens.len() {
            0 => return Err(CredentialsError::Empty),
            1..=CALLERS => {}
            callers => return Err(CredentialsError::TooMany(callers)),
        }
        let mut users = BTreeMap::new();
        for (name, user) in document.users {
            let read = read_user(&name, &user)?;
            users.insert(name, read);
        }
        let tokens = document.tokens.into_iter().map(read_token);
        let tokens = tokens.collect::<Result<_, _>>()?;
        Ok(Self { users, tokens })
    }
}

fn read_user(name: &str, user: &WrittenUser) -> Result<User, CredentialsError> {
    if name.is_empty() || name.contains(':') {
        return Err(CredentialsError::Name(name.to_owned()));
    }
    let password = PasswordHash::parse(&user.password).map_err(|reason| {
        let name = name.to_owned();
        CredentialsError::Password { name, reason }
    })?;
    let grants = Grants::new(name, &user.read, &user.write)?;
    Ok(User { password, grants })
}

fn read_token((name, token): (String, WrittenToken)) -> Result<Token, CredentialsError> {
    let digest = digest(&token.sha256).ok_or_else(|| CredentialsError::Digest(name.clone()))?;
    let grants = Grants::new(&name, &token.read, &token.write)?;
    Ok(Token {
        name,
        digest,
        grants,
    })
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

impl Grants {
    fn new(name: &str, read: &[String], write: &[String]) -> Result<Self, CredentialsError> {
        if read.is_empty() && write.is_empty() {
            return Err(CredentialsError::Nothing(name.to_owned()));
        }
        let tenants = |ids: &[String]| {
            Tenants::new(ids).map_err(|source| {
                let name = name.to_owned();
                CredentialsError::Tenant { name, source }
            })
        };
        let (read, write) = (tenants(read)?, tenants(write)?);
        Ok(Self { read, write })
    }

    /// Whether all of it is allowed.
    pub(crate) fn allow(&self, access: Access, tenant: &TenantId) -> bool {
        let has = |tenants: &Tenants| match tenants {
            Tenants::Any => true,
            Tenants::Only(ids) => ids.contains(tenant),
        };
        match access {
            Access::Read => has(&self.read),
            Access::Write => has(&self.write),
            Access::Full => has(&self.read) && has(&self.write),
        }
    }

    /// The tenant that may be written, where that is one.
    pub(crate) fn only_written(&self) -> Option<&TenantId> {
        match &self.write {
            Tenants::Only(ids) if ids.len() == 1 => ids.first(),
            _ => None,
        }
    }
}

impl Tenants {
    fn new(ids: &[String]) -> Result<Self, TenantError> {
        if ids.iter().any(|id| id == "*") {
            return Ok(Self::Any);
        }
        let ids = ids.iter().map(|id| TenantId::parse(id));
        ids.collect::<Result<_, _>>().map(Self::Only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";

    #[test]
    fn users_and_tokens() {
        let digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
        let text = format!(
            "users:\n  alloy: {{password: \"{SHA}\", write: [a, b]}}\n\
             tokens:\n  grafana: {{sha256: {digest}, read: [\"*\"], write: [c]}}\n"
        );
        let credentials = Credentials::from_yaml(&text).ok().unwrap();
        let allowed = |grants: &Grants, access, tenant: &str| {
            grants.allow(access, &TenantId::parse(tenant).unwrap())
        };
        let alloy = &credentials.users["alloy"].grants;
        assert!(allowed(alloy, Access::Write, "b") && !allowed(alloy, Access::Write, "c"));
        assert!(!allowed(alloy, Access::Read, "a"));
        let token = &credentials.tokens[0];
        assert_eq!((token.name.as_str(), token.digest[0]), ("grafana", 0x84));
        assert!(allowed(&token.grants, Access::Read, "any"));
        assert!(allowed(&token.grants, Access::Write, "c"));
        assert!(!allowed(&token.grants, Access::Write, "any"));
    }

    #[track_caller]
    fn check_refused(text: &str, want: &str) {
        let error = Credentials::from_yaml(text).err().unwrap().to_string();
        assert!(error.starts_with(want), "{error}");
        assert!(
            !error.contains("5en6") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_are_named_and_no_secret_with_them() {
        for empty in ["", "{}", "users: {}\n", "# nobody\n"] {
            check_refused(empty, "there are neither users nor tokens");
        }
        check_refused("users: [\n", "line 1, column 8: not how");
        check_refused(
            &format!("users:\n  a: \"{SHA}\"\n"),
            "line 2, column 6: not how",
        );
        check_refused(
            "users:\n  a: {passwort: hunter2}\n",
            "line 2, column 7: not how",
        );
        let of = |rest: &str| format!("users: {{a: {{password: \"{SHA}\"{rest}}}}}");
        check_refused(&of(""), "`a` may neither read nor write");
        check_refused(
            &of(", read: [x/y]"),
            "`a`: tenant ID 'x/y' contains unsupported",
        );
        let plain = "users: {a: {password: hunter2, read: [x]}}";
        check_refused(plain, "users: `a`: password: no hash of bcrypt");
        let colon = format!("users: {{\"a:b\": {{password: \"{SHA}\", read: [x]}}}}");
        check_refused(&colon, "users: `a:b`: a name is not empty and has no `:`");
        let plain = "tokens: {a: {sha256: hunter2, read: [x]}}";
        check_refused(plain, "tokens: `a`: sha256 must be 64 hexadecimal digits");
        let user = |n| format!("  u{n}: {{password: \"{SHA}\", read: [x]}}\n");
        let many: String = (0..=CALLERS).map(user).collect();
        check_refused(&format!("users:\n{many}"), "1001 users and tokens");
    }
}
