//! The Lambda that evaluates alerting rules and tells Alertmanager.
