//! [`Gate`]: the decision about one request.
//!
//! First who calls, then whether they may. That somebody is unknown takes as long to find out as
//! that a password is wrong, so that time tells nobody which names exist.
//!
//! Amazon Data Firehose can send neither `Authorization` nor a tenant. Where it delivers, and only
//! there, its access key is a token, and a token that may write one tenant names that one.

use http::{HeaderMap, HeaderName, Method, header};
use narvi_gateway::{Config, TENANT_HEADER};
use narvi_model::{TenantError, TenantId};
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::Access;
use crate::access::FIREHOSE;
use crate::credentials::{Credentials, Grants};
use crate::limits::{HEADER_BYTES, KNOWN_PASSWORDS};
use crate::password::PasswordHash;

/// The header with the key of Firehose.
const ACCESS_KEY: &str = "x-amz-firehose-access-key";

/// Decides about requests. One serves a process for its life.
pub struct Gate {
    credentials: Credentials,
    auth_enabled: bool,
    /// The hash that takes longest: what is spent on every name that does not exist.
    decoy: Option<PasswordHash>,
    /// Digests of names with their right passwords. The document never changes, so neither do they.
    known: Cache<[u8; 32], ()>,
}

/// What of a request matters.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, decoded.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass.
    Allowed {
        /// The user or token.
        name: String,
        /// Whose request it is, where it does not say so itself and the token does.
        granted: Option<TenantId>,
    },
    /// There are no credentials, or they are wrong (401).
    Unknown,
    /// The caller is known, but whose request it is cannot be told (401 or 400).
    Tenant(TenantError),
    /// The caller is known and may not.
    Forbidden {
        /// The user or token.
        name: String,
        /// What it may not do.
        access: Access,
        /// For whom.
        tenant: TenantId,
    },
}

impl Gate {
    /// Decides by `credentials`; `config` says whether there are tenants.
    #[must_use]
    pub fn new(credentials: Credentials, config: &Config) -> Self {
        let hashes = credentials.users.values().map(|user| &user.password);
        Self {
            decoy: hashes.max_by_key(|hash| hash.effort()).cloned(),
            auth_enabled: config.auth_enabled,
            known: Cache::new(KNOWN_PASSWORDS),
            credentials,
        }
    }

    /// Decides. May hash a password, which keeps a core busy for as long as the cost says.
    #[must_use]
    pub fn check(&self, ask: Ask<'_>) -> Verdict {
        let Some((name, grants)) = self.caller(ask) else {
            return Verdict::Unknown;
        };
        let mut granted = None;
        let tenants = match self.tenants(ask.headers) {
            Ok(tenants) => tenants,
            // A tenant that is named is held to the grants all the same: API Gateway keeps the
            // decision for every read of that tenant.
            Err(TenantError::Missing) if !Access::needs_tenant(ask.path) => Vec::new(),
            Err(error) => {
                granted = only_tenant(ask, &error, grants);
                match &granted {
                    Some(tenant) => vec![tenant.clone()],
                    None => return Verdict::Tenant(error),
                }
            }
        };
        let (name, access) = (name.to_owned(), Access::of(ask.method, ask.path));
        let refused = tenants.into_iter().find(|id| !grants.allow(access, id));
        match refused {
            None => Verdict::Allowed { name, granted },
            Some(tenant) => Verdict::Forbidden {
                name,
                access,
                tenant,
            },
        }
    }

    /// Everybody whose data the request names, whether or not the endpoint would take several.
    fn tenants(&self, headers: &HeaderMap) -> Result<Vec<TenantId>, TenantError> {
        if !self.auth_enabled {
            return Ok(vec![TenantId::without_auth()]);
        }
        let value = headers.get(TENANT_HEADER).ok_or(TenantError::Missing)?;
        TenantId::all_from_header(&String::from_utf8_lossy(value.as_bytes()))
    }

    fn caller(&self, ask: Ask<'_>) -> Option<(&str, &Grants)> {
        let has_key = ask.path == FIREHOSE;
        let name = if has_key {
            HeaderName::from_static(ACCESS_KEY)
        } else {
            header::AUTHORIZATION
        };
        let value = ask.headers.get(name)?.to_str().ok()?;
        if value.len() > HEADER_BYTES {
            return None;
        }
        if has_key {
            return self.token(value.as_bytes());
        }
        let (scheme, rest) = value.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            self.user(&base64_simd::STANDARD.decode_to_vec(rest).ok()?)
        } else if scheme.eq_ignore_ascii_case("bearer") {
            self.token(rest.as_bytes())
        } else {
            None
        }
    }

    /// `pair` is `name:password`.
    fn user(&self, pair: &[u8]) -> Option<(&str, &Grants)> {
        let colon = pair.iter().position(|c| *c == b':')?;
        let (name, password) = (&pair[..colon], &pair[colon + 1..]);
        let name = std::str::from_utf8(name).unwrap_or_default();
        let user = self.credentials.users.get_key_value(name);
        let Some((name, user)) = user else {
            self.waste(password);
            return None;
        };
        let key: [u8; 32] = Sha256::digest(pair).into();
        if self.known.get(&key).is_none() {
            if !user.password.is_of(password) {
                let longest = self.decoy.as_ref().map(PasswordHash::effort);
                if longest > Some(user.password.effort()) {
                    self.waste(password);
                }
                return None;
            }
            self.known.insert(key, ());
        }
        Some((name, &user.grants))
    }

    /// Spends the time of a password that is wrong.
    fn waste(&self, password: &[u8]) {
        if let Some(decoy) = &self.decoy {
            std::hint::black_box(decoy.is_of(password));
        }
    }

    /// Looks at every token, whichever it is.
    fn token(&self, token: &[u8]) -> Option<(&str, &Grants)> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let tokens = &self.credentials.tokens;
        let mut found = u64::MAX;
        for (at, token) in (0_u64..).zip(tokens) {
            let is_it: Choice = token.digest.ct_eq(&digest);
            found.conditional_assign(&at, is_it);
        }
        let token = tokens.get(usize::try_from(found).ok()?)?;
        Some((&token.name, &token.grants))
    }
}

/// The one tenant that a key of Firehose may write, where the request names none.
fn only_tenant(ask: Ask<'_>, error: &TenantError, grants: &Grants) -> Option<TenantId> {
    if ask.path != FIREHOSE || *error != TenantError::Missing {
        return None;
    }
    grants.only_written().cloned()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// `alloy:secret`, `grafana:secret`, `both:secret`, and the tokens `0123456789` and
    /// `key-of-c`.
    const DOCUMENT: &str = "
users:
  alloy: {password: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', write: [a]}
  grafana: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, read: [a, b]}
  admin: {password: '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', read: ['*'], write: ['*']}
tokens:
  otel:
    sha256: 84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882
    write: [b, fake]
  firehose:
    sha256: 859b90e31e5892c32c90cb0fac6dfd8f395d51d8ffce2f71137c149048d04307
    write: [c]
";
    const PUSH: &str = "POST /loki/api/v1/push";
    const QUERY: &str = "GET /loki/api/v1/query_range";

    fn gate(yaml: &str) -> Gate {
        let credentials = Credentials::from_yaml(DOCUMENT).ok().unwrap();
        Gate::new(credentials, &Config::from_yaml(yaml).unwrap())
    }

    fn decide(gate: &Gate, request: &str, authorization: &str, tenant: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        let key = authorization.strip_prefix("key ").unwrap_or_default();
        let authorization = authorization
            .strip_prefix("key ")
            .map_or(authorization, |_| "");
        for (name, value) in [
            ("authorization", authorization),
            (ACCESS_KEY, key),
            (TENANT_HEADER, tenant),
        ] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        let method = &method.parse().unwrap();
        let headers = &headers;
        match gate.check(Ask {
            method,
            path,
            headers,
        }) {
            Verdict::Allowed {
                name,
                granted: None,
            } => name,
            Verdict::Allowed {
                name,
                granted: Some(tenant),
            } => format!("{name} for {tenant}"),
            Verdict::Unknown => "?".to_owned(),
            Verdict::Tenant(error) => error.to_string(),
            Verdict::Forbidden { access, tenant, .. } => format!("no {access} of {tenant}"),
        }
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
    }

    #[track_caller]
    fn check(request: &str, authorization: &str, tenant: &str, want: &str) {
        let gate = gate("");
        // The second time the password is known.
        for _ in 0..2 {
            assert_eq!(decide(&gate, request, authorization, tenant), want);
        }
    }

    #[test]
    fn tenants_bind_readers_and_writers() {
        let (alloy, grafana) = (basic("alloy:secret"), basic("grafana:secret"));
        check(PUSH, &alloy, "a", "alloy");
        check(PUSH, &alloy, "b", "no write of b");
        check(QUERY, &alloy, "a", "no read of a");
        check(QUERY, &grafana, "a", "grafana");
        check(QUERY, &grafana, "a|b", "grafana");
        check(QUERY, &grafana, "a|c", "no read of c");
        check(QUERY, &grafana, "a:x", "grafana");
        check(PUSH, &grafana, "a", "no write of a");
        check("POST /loki/api/v1/rules/n", &grafana, "a", "no write of a");
        check("POST /loki/api/v1/query", &grafana, "a", "grafana");
        check(PUSH, &basic("admin:secret"), "anybody", "admin");
        check("POST /new", &alloy, "a", "no read and write of a");
        check("POST /new", &grafana, "a", "no read and write of a");
        check("POST /log_level", &basic("admin:secret"), "a", "admin");
        check("GET /config", &alloy, "", "alloy");
        check("GET /config", &alloy, "a", "no read of a");
        check("GET /config", &grafana, "c", "no read of c");
        check(PUSH, "bearer 0123456789", "b", "otel");
        check(PUSH, "Bearer 0123456789", "a", "no write of a");
        check(QUERY, &grafana, "", "no org id");
        check(
            QUERY,
            &grafana,
            "a b",
            "tenant ID 'a b' contains unsupported character ' '",
        );
    }

    #[test]
    fn a_key_of_firehose_is_a_token_that_may_name_the_tenant() {
        const DELIVER: &str = "POST /awsfirehose/api/v1/push";
        check(DELIVER, "key key-of-c", "", "firehose for c");
        check(DELIVER, "key key-of-c", "c", "firehose");
        check(DELIVER, "key key-of-c", "b", "no write of b");
        check(DELIVER, "key key-of-c", "a|c", "no write of a");
        check(DELIVER, "key 0123456789", "", "no org id");
        check(DELIVER, "key 0123456789", "b", "otel");
        check(
            "GET /awsfirehose/api/v1/push",
            "key key-of-c",
            "",
            "no read of c",
        );
        for (request, authorization) in [
            (DELIVER, "key key-of-b"),
            (DELIVER, "key "),
            (DELIVER, "Bearer key-of-c"),
            (PUSH, "key key-of-c"),
            ("POST /awsfirehose/api/v1/push/", "key key-of-c"),
        ] {
            check(request, authorization, "", "?");
            check(request, authorization, "c", "?");
        }
        check(PUSH, "Bearer key-of-c", "", "no org id");
        let alone = gate("auth_enabled: false");
        assert_eq!(decide(&alone, DELIVER, "key 0123456789", ""), "otel");
        assert_eq!(
            decide(&alone, DELIVER, "key key-of-c", "c"),
            "no write of fake"
        );
    }

    #[test]
    fn strangers_learn_nothing() {
        for authorization in [
            "",
            "Basic",
            "Basic ?",
            "Negotiate abc",
            "Bearer",
            "Bearer 012345678",
            "Bearer ",
            &basic("alloy"),
            &basic("alloy:"),
            &basic("alloy:Secret"),
            &basic("Alloy:secret"),
            &basic(":secret"),
            &basic("otel:0123456789"),
            &basic(&format!("alloy:{}", "x".repeat(HEADER_BYTES))),
        ] {
            for tenant in ["a", "", "a b"] {
                check(PUSH, authorization, tenant, "?");
            }
        }
    }

    #[test]
    fn without_tenants_everything_is_fakes() {
        let gate = gate("auth_enabled: false");
        let token = "Bearer 0123456789";
        for tenant in ["", "a", "a b"] {
            assert_eq!(decide(&gate, PUSH, token, tenant), "otel");
            assert_eq!(decide(&gate, QUERY, token, tenant), "no read of fake");
        }
    }
}
