//! [`scheduled_at`]: what an EventBridge schedule's event says to the functions that run by the
//! clock.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use narvi_model::Timestamp;

/// When the schedule fired, so that a run that Lambda retries sees the same time; the clock where
/// the event does not say.
#[must_use]
pub fn scheduled_at(event: &EventBridgeEvent) -> Timestamp {
    event.time.map_or_else(crate::now, |time| {
        Timestamp::from_millis(time.timestamp_millis())
    })
}
