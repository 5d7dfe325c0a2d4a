//! [`Environment`]: what the stack tells a function through its environment variables.
//!
//! Knows no SDK: clients are made from it in `narvi-storage`.

use crate::{Config, ConfigError};

/// The settings of a deployed function.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `NARVI_BUCKET`: the S3 bucket of the segments.
    pub bucket: String,
    /// `NARVI_TABLE_PREFIX`: the DynamoDB tables are `{prefix}-streams` and so on; `narvi` if
    /// unset.
    pub table_prefix: String,
    /// `NARVI_SHARDS`: partition keys per tenant and day; 1 if unset. Raising it is safe, lowering
    /// it hides what the dropped shards hold.
    pub shards: u16,
    /// `AWS_REGION`, which Lambda sets.
    pub region: String,
    /// `NARVI_S3_ENDPOINT`: another S3 than AWS's.
    pub s3_endpoint: Option<String>,
    /// `NARVI_DYNAMODB_ENDPOINT`: another DynamoDB than AWS's.
    pub dynamodb_endpoint: Option<String>,
    /// `NARVI_CONFIG`: the configuration as one YAML document; defaults if unset.
    pub config: Config,
}

/// Why a function cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable that has no default.
    #[error("environment variable `{0}` is not set; the stack in infra/template.yaml sets it")]
    Missing(&'static str),
    /// A variable that is no number where one is needed.
    #[error("environment variable `NARVI_SHARDS` is `{0}`; write a whole number from 1 to 65535")]
    Shards(String),
    /// The YAML is wrong.
    #[error("environment variable `NARVI_CONFIG`: {0}")]
    Config(#[from] ConfigError),
}

impl Environment {
    /// Reads the process's environment; once, at start-up.
    ///
    /// # Errors
    /// See [`EnvironmentError`].
    pub fn read() -> Result<Self, EnvironmentError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        // An empty variable is what templates write for "not given".
        let optional = |name| lookup(name).filter(|value| !value.is_empty());
        let needed = |name| optional(name).ok_or(EnvironmentError::Missing(name));
        let shards = optional("NARVI_SHARDS").unwrap_or_else(|| "1".to_owned());
        let shards = match shards.parse() {
            Ok(0) | Err(_) => return Err(EnvironmentError::Shards(shards)),
            Ok(shards) => shards,
        };
        Ok(Self {
            bucket: needed("NARVI_BUCKET")?,
            table_prefix: optional("NARVI_TABLE_PREFIX").unwrap_or_else(|| "narvi".to_owned()),
            shards,
            region: needed("AWS_REGION")?,
            s3_endpoint: optional("NARVI_S3_ENDPOINT"),
            dynamodb_endpoint: optional("NARVI_DYNAMODB_ENDPOINT"),
            config: Config::from_yaml(&optional("NARVI_CONFIG").unwrap_or_default())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, String> {
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Environment::from_lookup(lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults() {
        let environment = read(&[("NARVI_BUCKET", "logs"), ("AWS_REGION", "us-east-1")]).unwrap();
        assert_eq!(
            (environment.table_prefix.as_str(), environment.shards),
            ("narvi", 1)
        );
        assert_eq!(
            (environment.s3_endpoint, environment.config.auth_enabled),
            (None, true)
        );
    }

    #[test]
    fn mistakes_are_named() {
        let base = [("NARVI_BUCKET", "logs"), ("AWS_REGION", "us-east-1")];
        for (name, value, want) in [
            (
                "NARVI_BUCKET",
                "",
                "environment variable `NARVI_BUCKET` is not set",
            ),
            (
                "NARVI_SHARDS",
                "0",
                "environment variable `NARVI_SHARDS` is `0`",
            ),
            (
                "NARVI_SHARDS",
                "many",
                "environment variable `NARVI_SHARDS` is `many`",
            ),
            (
                "NARVI_CONFIG",
                "auth: true",
                "environment variable `NARVI_CONFIG`: ",
            ),
        ] {
            let error = read(&[&[(name, value)], &base[..]].concat()).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
