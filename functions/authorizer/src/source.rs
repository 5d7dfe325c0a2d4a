//! [`Source`]: where the document comes from: a variable, or a parameter of SSM that a variable
//! names.

use crate::ssm::{self, SsmError};
use crate::{Credentials, CredentialsError};

const DOCUMENT: &str = "NARVI_CREDENTIALS";
const PARAMETER: &str = "NARVI_CREDENTIALS_PARAMETER";

/// Where the document comes from.
pub enum Source {
    /// It is here.
    Document(String),
    /// A parameter of SSM.
    Parameter {
        /// Its name.
        name: String,
        /// Who asks for it, and where.
        service: ssm::Service,
    },
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nobody said where they are.
    #[error("set {PARAMETER} to the name of an SSM parameter, or {DOCUMENT} to the document")]
    Unset,
    /// It is not clear which of the two is meant.
    #[error("{PARAMETER} and {DOCUMENT} are both set; leave one of them out")]
    Both,
    /// A variable that is needed to ask SSM.
    #[error("{0}: the variable is not set")]
    Variable(&'static str),
    /// SSM does not give it.
    #[error("SSM parameter `{name}`: {source}")]
    Ssm {
        /// Its name.
        name: String,
        /// Why.
        source: SsmError,
    },
    /// The document is wrong.
    #[error("credentials in {place}: {source}")]
    Credentials {
        /// The variable or the parameter.
        place: String,
        /// What is wrong.
        source: CredentialsError,
    },
}

impl Source {
    /// Reads `NARVI_CREDENTIALS`, `NARVI_CREDENTIALS_PARAMETER`, and for the latter `AWS_REGION`,
    /// the keys that Lambda sets, and `NARVI_SSM_ENDPOINT` (AWS's own if unset). An empty variable
    /// is an unset one, as templates write it.
    ///
    /// # Errors
    /// [`SourceError::Unset`], [`SourceError::Both`] and [`SourceError::Variable`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SourceError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        match (set(DOCUMENT), set(PARAMETER)) {
            (Some(document), None) => Ok(Self::Document(document)),
            (None, Some(name)) => {
                let service = ssm::Service::from_variables(set).map_err(SourceError::Variable)?;
                Ok(Self::Parameter { name, service })
            }
            (None, None) => Err(SourceError::Unset),
            (Some(_), Some(_)) => Err(SourceError::Both),
        }
    }

    /// Fetches and reads the document.
    ///
    /// # Errors
    /// [`SourceError::Ssm`] and [`SourceError::Credentials`].
    pub async fn load(self) -> Result<Credentials, SourceError> {
        let (place, text) = match self {
            Self::Document(text) => (format!("{DOCUMENT} (variable)"), text),
            Self::Parameter { name, service } => {
                let text = service.parameter(&name).await;
                let text = text.map_err(|source| SourceError::Ssm {
                    name: name.clone(),
                    source,
                })?;
                (format!("`{name}` (SSM parameter)"), text)
            }
        };
        Credentials::from_yaml(&text).map_err(|source| SourceError::Credentials { place, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_two_variables() {
        let read = |set: &[(&str, &str)]| {
            let source = Source::from_variables(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            match source {
                Ok(Source::Document(text)) => text,
                Ok(Source::Parameter { name, .. }) => name,
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(read(&[(DOCUMENT, "a"), (PARAMETER, "")]), "a");
        let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let mut set = vec![(PARAMETER, "/narvi"), keys[0], keys[1]];
        assert_eq!(read(&set), "AWS_REGION: the variable is not set");
        set.push(("AWS_REGION", "eu-central-1"));
        assert_eq!(read(&set), "/narvi");
        set.push((DOCUMENT, "a"));
        assert!(read(&set).ends_with("are both set; leave one of them out"));
        assert!(read(&[]).starts_with("set NARVI_CREDENTIALS_PARAMETER"));
    }
}
