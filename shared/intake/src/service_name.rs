//! `service_name`: the label that Grafana's Drilldown finds a stream by (spec `limits.md` §5).

use narvi_model::Labels;

/// The label that is added.
pub(crate) const SERVICE_NAME: &str = "service_name";

/// Its value where no label names the service.
const UNKNOWN: &str = "unknown_service";

/// Labels of streams that Loki's own components push; nothing is added to them or asked of them.
const INTERNAL: [&str; 2] = ["__aggregated_metric__", "__pattern__"];

/// The labels with `service_name` taken from the first of `candidates` that is there. They stay as
/// they are where they have one, belong to an internal stream, or there are no candidates.
pub(crate) fn with_service_name(labels: Labels, candidates: &[String]) -> Labels {
    if candidates.is_empty() || labels.get(SERVICE_NAME).is_some() || is_internal(&labels) {
        return labels;
    }
    let found = candidates.iter().find_map(|name| labels.get(name));
    labels.with(SERVICE_NAME, found.unwrap_or(UNKNOWN))
}

/// Whether a stream was made by Loki's own components.
pub(crate) fn is_internal(labels: &Labels) -> bool {
    INTERNAL.iter().any(|name| labels.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use narvi_model::Limits;

    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], want: &str) {
        let labels = Labels::of_stream(pairs.iter().copied());
        let candidates = Limits::default().discover_service_name;
        assert_eq!(with_service_name(labels, &candidates).to_string(), want);
    }

    #[test]
    fn the_first_label_of_the_list_counts() {
        check(&[("app", "x")], r#"{app="x", service_name="x"}"#);
        check(
            &[("job", "j"), ("container", "c")],
            r#"{container="c", job="j", service_name="c"}"#,
        );
        check(
            &[("env", "prod")],
            r#"{env="prod", service_name="unknown_service"}"#,
        );
        check(&[], r#"{service_name="unknown_service"}"#);
        check(
            &[("app", "x"), ("service_name", "y")],
            r#"{app="x", service_name="y"}"#,
        );
        check(&[("__pattern__", "x")], r#"{__pattern__="x"}"#);
    }

    #[test]
    fn no_list_adds_nothing() {
        let labels = Labels::from_pairs([("app", "x")]);
        assert_eq!(with_service_name(labels.clone(), &[]), labels);
    }
}
