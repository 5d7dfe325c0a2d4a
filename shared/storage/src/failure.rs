//! Turns errors of the SDK into [`StorageError`]: what passes is `Unavailable`, what does not is
//! `Refused`. Cases that mean something else (412, 404) are looked at by callers first.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::StorageError;

/// Codes that a later attempt may not meet, whatever their HTTP status (DynamoDB throttles with
/// 400).
const PASSING: [&str; 14] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Whether a later attempt may not meet this code of S3 or DynamoDB.
pub(crate) fn passes(code: &str) -> bool {
    PASSING.contains(&code)
}

/// `what` is the operation and the thing, as ``s3.PutObject `key` ``.
pub(crate) fn failure<E>(what: String, error: SdkError<E, HttpResponse>) -> StorageError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let unavailable = match &error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        // "user" faults are missing credentials and the like, which stay
        SdkError::DispatchFailure(fault) => !fault.is_user(),
        SdkError::ServiceError(fault) => {
            let status = fault.raw().status().as_u16();
            status >= 500 || status == 429 || fault.err().code().is_some_and(passes)
        }
        _ => false,
    };
    let source = Box::new(error);
    if unavailable {
        StorageError::Unavailable { what, source }
    } else {
        StorageError::Refused { what, source }
    }
}

/// What a conditional write of DynamoDB answers; `None` where its condition did not hold. `what` as
/// for [`failure`].
pub(crate) fn if_held<T, E>(
    what: impl FnOnce() -> String,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<Option<T>, StorageError>
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.as_service_error().and_then(|fault| fault.code()) {
            Some("ConditionalCheckFailedException") => Ok(None),
            _ => Err(failure(what(), error)),
        },
    }
}

/// The HTTP status of an answer; `None` where there was none.
pub(crate) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
