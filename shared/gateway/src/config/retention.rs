//! [`check`]: whether a rule of `retention_stream` can be followed (spec `limits.md` §8). What a
//! rule does is known to the function of retention.

use narvi_logql::syntax;
use narvi_model::{Period, RetentionStream};

use super::ConfigError;

/// Days are what retention thinks in.
const LEAST: Period = Period::from_seconds(86_400);

/// Refuses periods below a day, with Loki's text, and selectors that are none.
pub(super) fn check(rule: &RetentionStream) -> Result<(), ConfigError> {
    let refused = |reason: String| ConfigError::Retention {
        rule: rule.selector.clone(),
        reason,
    };
    if rule.period < LEAST {
        let was = rule.period;
        return Err(refused(format!(
            "retention period must be >= 24h was {was}"
        )));
    }
    syntax::parse_selector(&rule.selector)
        .and_then(|selector| syntax::require_matcher(&selector))
        .map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[track_caller]
    fn check(rule: &str, want: Result<(), &str>) {
        for place in ["limits_config", "overrides: {team-a"] {
            let end = if place.ends_with('a') { "}" } else { "" };
            let text = format!("{place}: {{retention_stream: [{rule}]}}{end}");
            let found = Config::from_yaml(&text)
                .map(drop)
                .map_err(|e| e.to_string());
            match (&found, want) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(want)) if found.contains(want) => {}
                _ => panic!("{rule}: {found:?}"),
            }
        }
    }

    #[test]
    fn rules() {
        check(r#"{selector: '{a="b"}', priority: 1, period: 24h}"#, Ok(()));
        check(
            r#"{selector: '{a=~"b.+", c!="d"}', priority: -1, period: 30d}"#,
            Ok(()),
        );
        check(
            r#"{selector: '{a="b"}', period: 1h}"#,
            Err(r#"retention_stream: {a="b"}: retention period must be >= 24h was 1h"#),
        );
        check(
            r#"{selector: '{a="b"}', period: 0s}"#,
            Err("retention period must be >= 24h was 0s"),
        );
        check(
            r#"{selector: '{a="b"', period: 24h}"#,
            Err(r#"{a="b": parse error"#),
        );
        check(
            r#"{selector: '{a="b"} |= "c"', period: 24h}"#,
            Err("only label matchers"),
        );
        check(
            r#"{selector: '{a=~"("}', period: 24h}"#,
            Err("retention_stream: {a=~"),
        );
        check(
            "{selector: '{}', period: 24h}",
            Err("at least one regexp or equality matcher"),
        );
        check("{period: 24h}", Err("selector"));
        check("{selector: '{a=\"b\"}'}", Err("period"));
        check("{selector: x, period: -24h}", Err("negative"));
        check("{selector: x, periods: 24h}", Err("periods"));
    }
}
