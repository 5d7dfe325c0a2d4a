//! The bytes of several rows become those of one: the segment format's own merge, with errors that
//! name the row. Pure.

use bytes::Bytes;
use narvi_model::TenantId;
use narvi_segment::{Encoded, MergeError, MergeOptions};

use crate::error::WorkError;
use crate::input::Input;

/// Merges inputs. Of equal times, lines of earlier inputs come first.
///
/// # Errors
/// `Input` for the first that cannot be decoded, `Write` for what does not fit into one segment.
pub(crate) fn merge(
    tenant: &TenantId,
    options: &MergeOptions,
    inputs: &[Input],
) -> Result<Encoded, WorkError> {
    let bytes: Vec<Bytes> = inputs.iter().map(|input| input.bytes.clone()).collect();
    narvi_segment::merge(tenant, options, &bytes).map_err(|error| match error {
        MergeError::Input { input, source } => WorkError::input(inputs[input].id, &source),
        MergeError::Write(error) => error.into(),
    })
}
