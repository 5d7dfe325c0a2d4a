//! [`Trigger`]: what has started the function, told by the event's shape.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde_json::Value;

/// Why the function runs.
#[derive(Debug)]
pub enum Trigger {
    /// A request to the API, through API Gateway.
    Http(Box<ApiGatewayV2httpRequest>),
    /// The schedule.
    Schedule,
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
        serde_json::from_value::<EventBridgeEvent>(event).map(|_| Self::Schedule)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shape_decides() {
        let read = |text: &str| Trigger::read(serde_json::from_str(text).unwrap()).unwrap();
        let schedule = read(include_str!("../../../events/retention-schedule.json"));
        assert!(matches!(schedule, Trigger::Schedule));
        let Trigger::Http(request) = read(include_str!("../../../events/retention-delete.json"))
        else {
            panic!("not a request")
        };
        assert_eq!(request.raw_path.as_deref(), Some("/loki/api/v1/delete"));
        for other in [json!({}), json!([]), json!("x"), json!({"Records": []})] {
            assert!(Trigger::read(other).is_err());
        }
    }
}
