//! One operation of AWS Systems Manager: `GetParameter`, decrypted, as a signed request.
//!
//! API: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

use narvi_signed::SignedError;
use serde::Deserialize;
use serde_json::json;

use crate::limits::{SSM_ATTEMPTS, SSM_PAUSE, SSM_TIMEOUT};

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("x-amz-target", "AmazonSSM.GetParameter"),
];

/// Who asks, and where.
pub struct Service(narvi_signed::Service);

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum SsmError {
    /// The request could not be made.
    #[error("{0}")]
    Request(#[from] SignedError),
    /// No answer in time.
    #[error("no answer within {} s", SSM_TIMEOUT.as_secs())]
    Timeout,
    /// Another answer than the value; what AWS calls it.
    #[error("refused with status {status}, {code}; check its name and `ssm:GetParameter`")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// As `ParameterNotFound`.
        code: String,
    },
    /// An answer that is none.
    #[error("the answer cannot be read")]
    Answer,
}

impl SsmError {
    /// Whether another attempt may go better.
    fn passes(&self) -> bool {
        match self {
            Self::Request(_) | Self::Timeout => true,
            Self::Refused { status, code } => *status >= 500 || code.contains("Throttl"),
            Self::Answer => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "__type", default)]
    kind: String,
}

impl Service {
    /// Reads `AWS_REGION`, the keys that Lambda sets, and `NARVI_SSM_ENDPOINT`.
    pub(crate) fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        let service = narvi_signed::Service::from_variables("ssm", "NARVI_SSM_ENDPOINT", variable);
        service.map(Self)
    }

    /// The value of a parameter, decrypted.
    pub(crate) async fn parameter(&self, name: &str) -> Result<String, SsmError> {
        let body = json!({"Name": name, "WithDecryption": true}).to_string();
        let mut attempt = 1;
        loop {
            let answer = tokio::time::timeout(SSM_TIMEOUT, self.ask(&body)).await;
            match answer.unwrap_or(Err(SsmError::Timeout)) {
                Err(error) if error.passes() && attempt < SSM_ATTEMPTS => {
                    tracing::warn!(%error, "SSM is asked again");
                    attempt += 1;
                    tokio::time::sleep(SSM_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    async fn ask(&self, body: &str) -> Result<String, SsmError> {
        let answer = self.0.post("/", &HEADERS, body).await?;
        if answer.status == 200 {
            let found: Result<Found, _> = serde_json::from_slice(&answer.body);
            return found
                .map(|found| found.parameter.value)
                .map_err(|_| SsmError::Answer);
        }
        let fault: Result<Fault, _> = serde_json::from_slice(&answer.body);
        let code = fault.map_or_else(|_| "no JSON".to_owned(), |fault| fault.kind);
        Err(SsmError::Refused {
            status: answer.status,
            code,
        })
    }
}
