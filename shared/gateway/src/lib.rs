//! API Gateway events to typed requests and back; configuration, telemetry.
