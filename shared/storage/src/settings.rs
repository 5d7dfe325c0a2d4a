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

impl Settings {
    /// What the stack tells a function through its environment variables: `NARVI_BUCKET`,
    /// `NARVI_TABLE_PREFIX` (`narvi` if unset), `NARVI_SHARDS` (1 if unset), `AWS_REGION`,
    /// `NARVI_S3_ENDPOINT` and `NARVI_DYNAMODB_ENDPOINT` (AWS's own if unset), and the keys of
    /// [`AccessKeys::from_variables`]. An empty variable is an unset one, as templates write it.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] names the variable.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StorageError> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let shards = optional("NARVI_SHARDS").unwrap_or_else(|| "1".to_owned());
        let shards = match shards.parse() {
            Ok(0) | Err(_) => {
                let reason = format!("`{shards}` is not a whole number from 1 to 65535");
                return Err(StorageError::invalid("NARVI_SHARDS", reason));
            }
            Ok(shards) => shards,
        };
        Ok(Self {
            region: needed(&variable, "AWS_REGION")?,
            s3_endpoint: optional("NARVI_S3_ENDPOINT"),
            dynamodb_endpoint: optional("NARVI_DYNAMODB_ENDPOINT"),
            bucket: needed(&variable, "NARVI_BUCKET")?,
            table_prefix: optional("NARVI_TABLE_PREFIX").unwrap_or_else(|| "narvi".to_owned()),
            shards,
            access_keys: AccessKeys::from_variables(&variable)?,
        })
    }
}

/// A variable that has no default.
fn needed(variable: impl Fn(&str) -> Option<String>, name: &str) -> Result<String, StorageError> {
    let value = variable(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| StorageError::invalid(name, "the variable is not set"))
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
        let id = needed(&variable, "AWS_ACCESS_KEY_ID")?;
        let secret = needed(&variable, "AWS_SECRET_ACCESS_KEY")?;
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
    fn settings_come_from_variables() {
        let read = |set: &[(&str, &str)]| {
            let keys = [
                "NARVI_BUCKET",
                "AWS_REGION",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
            ];
            let settings =
                Settings::from_variables(|name| match set.iter().find(|s| s.0 == name) {
                    Some((_, value)) => Some((*value).to_owned()),
                    None => keys.contains(&name).then(|| "x".to_owned()),
                });
            settings.map_err(|e| e.to_string())
        };
        let settings = read(&[("NARVI_S3_ENDPOINT", "")]).unwrap();
        let given = (
            settings.table_prefix.as_str(),
            settings.shards,
            settings.s3_endpoint,
        );
        assert_eq!(given, ("narvi", 1, None));
        assert_eq!(read(&[("NARVI_SHARDS", "4")]).unwrap().shards, 4);
        for (name, value, want) in [
            ("NARVI_BUCKET", "", "NARVI_BUCKET: the variable is not set"),
            (
                "NARVI_SHARDS",
                "0",
                "NARVI_SHARDS: `0` is not a whole number from 1 to 65535",
            ),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err(), want);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", AccessKeys::new("id", "very secret", Some("token")));
        assert_eq!(printed, "AccessKeys(id)");
    }
}
