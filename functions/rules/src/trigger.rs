//! [`Trigger`]: what has started the function, told by the event's shape.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use narvi_model::Timestamp;
use serde_json::Value;

/// Why the function runs.
#[derive(Debug)]
pub enum Trigger {
    /// A request to the API, through API Gateway.
    Http(Box<ApiGatewayV2httpRequest>),
    /// The schedule, at its time.
    Schedule(Timestamp),
}

impl Trigger {
    /// Reads an event: only those of API Gateway have a `requestContext`.
    ///
    /// # Errors
    /// An event that is neither.
    pub fn read(event: Value) -> Result<Self, serde_json::Error> {
        if event.get("requestContext").is_some() {
            return serde_json::from_value(event).map(Self::Http);
        }
        let event: EventBridgeEvent = serde_json::from_value(event)?;
        Ok(Self::Schedule(narvi_gateway::scheduled_at(&event)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shape_decides() {
        let schedule = include_str!("../../../events/rules-schedule.json");
        let event = serde_json::from_str(schedule).unwrap();
        let Trigger::Schedule(time) = Trigger::read(event).unwrap() else {
            panic!("not the schedule")
        };
        assert_eq!(time.rfc3339_seconds(), "2026-01-15T10:00:00Z");
        let post = include_str!("../../../events/rules-post.json");
        let event = serde_json::from_str(post).unwrap();
        let Trigger::Http(request) = Trigger::read(event).unwrap() else {
            panic!("not a request")
        };
        assert_eq!(request.raw_path.as_deref(), Some("/loki/api/v1/rules/shop"));
        for other in [json!({}), json!([]), json!("x"), json!({"Records": []})] {
            assert!(Trigger::read(other).is_err());
        }
    }
}
