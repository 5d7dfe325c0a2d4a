//! [`accept`]: which streams and entries of a push are stored, and why the others are not.
//!
//! The steps are Loki's, in Loki's order (spec `limits.md` §2): `service_name`, then each stream
//! and each entry against the limits. Does no IO, and counts nothing over several pushes.

use narvi_model::{Limits, TenantId, Timestamp};
use narvi_protocol::push::{PushRequest, PushStream};

use crate::IntakeError;
use crate::refusals::Refusals;
use crate::service_name::with_service_name;
use crate::validate::Validator;

/// A stream and its bytes as limits count them.
#[derive(Debug)]
pub(crate) struct Weighed {
    pub(crate) stream: PushStream,
    pub(crate) bytes: usize,
}

/// What is left of a push.
pub(crate) struct Accepted {
    /// Streams with at least one entry.
    pub(crate) streams: Vec<Weighed>,
    /// Why the rest was refused.
    pub(crate) refusals: Refusals,
}

/// Sorts a push into what may be stored and what may not.
///
/// # Errors
/// [`IntakeError::NoStreams`] for a push of none.
pub(crate) fn accept(
    push: PushRequest,
    tenant: &TenantId,
    limits: &Limits,
    now: Timestamp,
) -> Result<Accepted, IntakeError> {
    if push.streams.is_empty() && push.refused.is_empty() {
        return Err(IntakeError::NoStreams);
    }
    let mut refusals = Refusals::default();
    push.refused
        .into_iter()
        .for_each(|stream| refusals.add(stream.reason, stream.entries));
    let services = match push.has_service_names {
        true => &[],
        false => limits.discover_service_name.as_slice(),
    };
    let mut validator = Validator::new(limits, tenant, now, &mut refusals);
    let mut streams = Vec::with_capacity(push.streams.len());
    for mut stream in push.streams {
        // Streams without entries are passed over, whatever their labels are.
        if stream.entries.is_empty() {
            continue;
        }
        stream.labels = with_service_name(stream.labels, services);
        let before = validator.bytes();
        if let Some(stream) = validator.check(stream) {
            let bytes = validator.bytes() - before;
            streams.push(Weighed { stream, bytes });
        }
    }
    Ok(Accepted { streams, refusals })
}
