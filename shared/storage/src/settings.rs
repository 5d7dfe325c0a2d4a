//! [`Settings`]: which services, under which names, with which [`AccessKeys`].
//!
//! Plain values; `Connection` makes clients of them. Does not read the environment itself.

use std::fmt;

use crate::StorageError;

/// How to reach S3 and DynamoDB.
#[derive(Clone, Debug)]
pub struct Settings {
    /// AWS region, as `eu-central-1`; also signed into requests to other endpoints.
    pub region: String,
    /// Another S3, as `http://127.0.0.1:9000`; it is asked with the bucket in the path.
    pub s3_endpoint: Option<String>,
    /// Another DynamoDB, as `http://127.0.0.1:8000`.
    pub dynamodb_endpoint: Option<String>,
    /// The bucket of all objects.
    pub bucket: String,
    /// The tables are `{prefix}-streams`, `{prefix}-segments` and `{prefix}-state`.
    pub table_prefix: String,
    /// Partitions of a tenant and day, at least 1; each takes 1,000 write units a second. May grow
    /// at any time and must never shrink: rows in higher shards would no longer be read.
    pub shards: u16,
    /// Who asks.
    pub access_keys: AccessKeys,
}

/// Credentials of AWS. Does not print its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKeys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
}

impl AccessKeys {
    /// Takes keys as they are.
    #[must_use]
    pub fn new(id: &str, secret: &str, session_token: Option<&str>) -> Self {
        let session_token = session_token
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            session_token,
        }
    }

    /// Takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` from `variable`;
    /// Lambda sets all three for the life of a container.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] names the variable that is missing.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StorageError> {
        let needed = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| StorageError::invalid(name, "the variable is not set"))
        };
        let (id, secret) = (
            needed("AWS_ACCESS_KEY_ID")?,
            needed("AWS_SECRET_ACCESS_KEY")?,
        );
        Ok(Self::new(
            &id,
            &secret,
            variable("AWS_SESSION_TOKEN").as_deref(),
        ))
    }

    /// Keys for a local service that checks none.
    #[must_use]
    pub fn for_local_services() -> Self {
        Self::new("local", "local", None)
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKeys({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_variables() {
        let keys = AccessKeys::from_variables(|name| Some(name.to_owned())).unwrap();
        assert_eq!(keys.id, "AWS_ACCESS_KEY_ID");
        assert_eq!(keys.session_token.as_deref(), Some("AWS_SESSION_TOKEN"));
        let error = AccessKeys::from_variables(|name| {
            (name != "AWS_SECRET_ACCESS_KEY").then(|| "x".to_owned())
        });
        let text = error.unwrap_err().to_string();
        assert_eq!(text, "AWS_SECRET_ACCESS_KEY: the variable is not set");
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", AccessKeys::new("id", "very secret", Some("token")));
        assert_eq!(printed, "AccessKeys(id)");
    }
}
