//! Who a line belongs to: [`TenantId`], checked by Loki's rules where it enters (spec `limits.md`
//! §1).
//!
//! A tenant id never holds `/`, so it can be the first part of every key without being escaped.

use std::fmt;
use std::sync::Arc;

/// Longest tenant id in bytes; Loki refuses more, and it is a part of every key.
const MAX_BYTES: usize = 150;

/// A checked tenant id: 1 to 150 characters of `a-z A-Z 0-9 ! - _ . * ' ( )`, not `.` or `..`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// Why a tenant id was refused; the texts are Loki's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// No id at all (HTTP 401).
    #[error("no org id")]
    Missing,
    /// A character outside the allowed set (HTTP 400).
    #[error("tenant ID '{tenant}' contains unsupported character '{character}'")]
    Character {
        /// The id as sent.
        tenant: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// Longer than 150 bytes (HTTP 400).
    #[error("tenant ID is too long: max {MAX_BYTES} characters")]
    TooLong,
    /// `.` or `..`, which would be a place in a path (HTTP 400).
    #[error("tenant ID is '.' or '..'")]
    Dots,
    /// Several different ids where one is needed (HTTP 400, on reads 500).
    #[error("multiple org IDs present")]
    Several,
}

impl TenantId {
    /// The tenant of every request while `auth_enabled` is false, as in Loki.
    pub const WITHOUT_AUTH: &'static str = "fake";

    /// Checks one id; everything from `:` on is a sub-tenant and is cut off.
    ///
    /// # Errors
    /// The rule of spec `limits.md` §1 that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, TenantError> {
        let id = text.split(':').next().unwrap_or_default();
        if id.is_empty() {
            return Err(TenantError::Missing);
        }
        if id.len() > MAX_BYTES {
            return Err(TenantError::TooLong);
        }
        if let Some(character) = id.chars().find(|&c| !is_allowed(c)) {
            return Err(TenantError::Character {
                tenant: id.to_owned(),
                character,
            });
        }
        if id == "." || id == ".." {
            return Err(TenantError::Dots);
        }
        Ok(Self(id.into()))
    }

    /// Reads the `X-Scope-OrgID` header of an endpoint that serves one tenant; `a|a` is one tenant.
    ///
    /// # Errors
    /// As [`TenantId::parse`], and [`TenantError::Several`] for `a|b`.
    pub fn from_header(value: &str) -> Result<Self, TenantError> {
        let mut ids = Self::all_from_header(value)?;
        match ids.len() {
            1 => Ok(ids.remove(0)),
            _ => Err(TenantError::Several),
        }
    }

    /// Reads every tenant of the header, sorted and without repeats; never empty.
    ///
    /// # Errors
    /// As [`TenantId::parse`] for each part.
    pub fn all_from_header(value: &str) -> Result<Vec<Self>, TenantError> {
        let mut ids = value
            .split('|')
            .map(Self::parse)
            .collect::<Result<Vec<_>, _>>()?;
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// The tenant `fake`, which everything belongs to while authentication is off.
    #[must_use]
    pub fn without_auth() -> Self {
        Self(Self::WITHOUT_AUTH.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!-_.*'()".contains(c)
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, want: Result<&str, &str>) {
        let got = TenantId::from_header(header).map_err(|e| e.to_string());
        assert_eq!(
            got.as_ref().map(TenantId::as_str).map_err(String::as_str),
            want
        );
    }

    #[test]
    fn follows_loki() {
        check("team-a", Ok("team-a"));
        check("a!b_c.d*e'f(g)", Ok("a!b_c.d*e'f(g)"));
        check("team:sub", Ok("team"));
        check("a|a", Ok("a"));
        check("a|b", Err("multiple org IDs present"));
        check("", Err("no org id"));
        check("a|", Err("no org id"));
        check(
            "a/b",
            Err("tenant ID 'a/b' contains unsupported character '/'"),
        );
        check(
            "a b",
            Err("tenant ID 'a b' contains unsupported character ' '"),
        );
        check("é", Err("tenant ID 'é' contains unsupported character 'é'"));
        check(".", Err("tenant ID is '.' or '..'"));
        check("..", Err("tenant ID is '.' or '..'"));
        check(&"x".repeat(150), Ok(&"x".repeat(150)));
        check(
            &"x".repeat(151),
            Err("tenant ID is too long: max 150 characters"),
        );
    }

    #[test]
    fn lists_are_sorted_and_unique() {
        let ids = TenantId::all_from_header("b|a|b").unwrap();
        assert_eq!(
            ids.iter().map(TenantId::as_str).collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
