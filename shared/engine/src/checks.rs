//! The limits of a query (spec `limits.md` §7), in Loki's order and words.

use narvi_logql::plan::Plan;
use narvi_model::regexp::Expression;
use narvi_model::{Limits, Matcher, TimeRange, Timestamp, duration};

use crate::error::EngineError;
use crate::request::{IndexRequest, Request, Span};

/// Checks a planned query against the tenant's limits; answers the span that it may look at, `None`
/// where that is nothing.
///
/// # Errors
/// The first limit that the query breaks.
pub(crate) fn check(request: &Request, plan: &Plan) -> Result<Option<Span>, EngineError> {
    let limits = &request.limits;
    if limits.max_query_parallelism == 0 {
        return Err(EngineError::Disabled);
    }
    check_blocked(request, plan)?;
    let Some(span) = look_back(request)? else {
        return Ok(None);
    };
    if let Span::Range { start, end, .. } = span {
        check_length(limits, start, end)?;
    }
    let most = limits.max_entries_limit_per_query;
    if matches!(plan, Plan::Log(_)) && most > 0 && request.limit > most {
        return Err(EngineError::Refused(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query \
             ({} > {most})",
            request.limit
        )));
    }
    check_ranges(limits, plan, span)?;
    let mut count = 0;
    for matchers in plan.selectors() {
        count += matchers.len();
        check_matchers(limits, matchers)?;
    }
    let most = limits.max_streams_matchers_per_query;
    if most > 0 && count > most {
        return Err(EngineError::Refused(format!(
            "max streams matchers per query exceeded, matchers-count > limit ({count} > {most})"
        )));
    }
    Ok(Some(span))
}

/// Refuses a query that an operator has blocked, by its text or its kind.
fn check_blocked(request: &Request, plan: &Plan) -> Result<(), EngineError> {
    let kind = match plan {
        Plan::Metric(_) => "metric",
        Plan::Log(log) if log.pipeline.is_empty() => "limited",
        Plan::Log(_) => "filter",
    };
    let query = request.query.trim();
    for rule in &request.limits.blocked_queries {
        let is_kind = rule.types.is_empty() || rule.types.iter().any(|one| one == kind);
        let is_text = match (rule.pattern.trim(), rule.regex) {
            ("", _) => true,
            (pattern, false) => pattern == query,
            (pattern, true) => Expression::parse(pattern)
                .and_then(|pattern| pattern.compile())
                .map_err(|error| EngineError::Refused(format!("limit `blocked_queries`: {error}")))?
                .is_match(query.as_bytes()),
        };
        if is_kind && is_text {
            return Err(EngineError::Refused("query blocked by policy".to_owned()));
        }
    }
    Ok(())
}

/// Checks a question about the index; answers the times that it may look at, both ends included,
/// or `None` where all of them are before the look-back.
///
/// # Errors
/// The time range is longer than the tenant may ask.
pub(crate) fn index(request: &IndexRequest<'_>) -> Result<Option<TimeRange>, EngineError> {
    check_length(request.limits, request.start, request.end)?;
    let most = request.limits.max_query_lookback;
    let start = match most.is_zero() {
        true => request.start,
        false => request.start.max(request.now.minus(most.nanos())),
    };
    Ok(TimeRange::inclusive(start, request.end))
}

/// Refuses a time range that is longer than the tenant may ask.
///
/// # Errors
/// Loki's text.
pub(crate) fn check_length(
    limits: &Limits,
    start: Timestamp,
    end: Timestamp,
) -> Result<(), EngineError> {
    let most = limits.max_query_length;
    let length = end.since(start);
    if most.is_zero() || length <= most.nanos() {
        return Ok(());
    }
    Err(EngineError::Refused(format!(
        "the query time range exceeds the limit (query length: {}, limit: {most})",
        duration::to_go(length)
    )))
}

/// Cuts off what is before the look-back; what lies wholly before it is answered with nothing.
fn look_back(request: &Request) -> Result<Option<Span>, EngineError> {
    let most = request.limits.max_query_lookback;
    if most.is_zero() {
        return Ok(Some(request.span));
    }
    let oldest = request.now.minus(most.nanos());
    match request.span {
        Span::Range { end, .. } if end < oldest => Ok(None),
        Span::Range { start, end, step } => Ok(Some(Span::Range {
            start: start.max(oldest),
            end,
            step,
        })),
        Span::Instant(time) if time < oldest => Err(EngineError::Refused(format!(
            "this data is no longer available, it is past now - max_query_lookback ({most})"
        ))),
        span => Ok(Some(span)),
    }
}

/// Refuses a `[range]` that is longer than the tenant may ask.
fn check_ranges(limits: &Limits, plan: &Plan, span: Span) -> Result<(), EngineError> {
    let Plan::Metric(metric) = plan else {
        return Ok(());
    };
    let longest = metric
        .scans
        .iter()
        .map(|scan| scan.range)
        .max()
        .unwrap_or_default();
    let most = limits.max_query_range;
    if !most.is_zero() && longest > most.nanos() {
        // Loki cuts what an instant query looks back on into pieces before it looks at them.
        let piece = limits.split_queries_by_interval.nanos();
        let piece = match span {
            Span::Instant(_) if piece > most.nanos() => piece,
            _ => longest,
        };
        let asked = duration::to_prometheus(longest.min(piece));
        return Err(EngineError::Refused(format!(
            "[interval] value exceeds limit: [{asked}] > [{most}]"
        )));
    }
    match span {
        // An instant query is as long as what it looks back on.
        Span::Instant(time) => check_length(limits, time.minus(longest), time),
        Span::Range { .. } => Ok(()),
    }
}

fn check_matchers(limits: &Limits, matchers: &[Matcher]) -> Result<(), EngineError> {
    let mut present: Vec<&str> = matchers.iter().map(Matcher::name).collect();
    present.sort_unstable();
    present.dedup();
    let required = limits.required_labels.iter().map(String::as_str);
    let missing: Vec<&str> = required.filter(|name| !present.contains(name)).collect();
    let present = present.join(", ");
    if !missing.is_empty() {
        return Err(EngineError::Refused(format!(
            "stream selector is missing required matchers [{}], labels present in the query were \
             [{present}]",
            missing.join(", ")
        )));
    }
    let least = limits.minimum_labels_number;
    if matchers.len() < least {
        return Err(EngineError::Refused(format!(
            "stream selector has less label matchers than required: (present: [{present}], \
             number_present: {}, required_number_label_matchers: {least})",
            matchers.len()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use narvi_model::Direction;
    use narvi_model::{LimitsPatch, TenantId};

    use super::*;
    use crate::request::Caller;

    #[track_caller]
    fn refused(limits: &str, query: &str, want: &str) {
        let patch: LimitsPatch = serde_json::from_str(limits).unwrap();
        let start = Timestamp::from_seconds(1_768_471_200);
        let end = start.plus(961 * 3600 * 1_000_000_000);
        let request = Request {
            tenant: TenantId::without_auth(),
            limits: Limits::default().patched(&patch),
            query: query.to_owned(),
            span: Span::Range {
                start,
                end,
                step: 1_000_000_000,
            },
            direction: Direction::Backward,
            limit: 6000,
            interval: 0,
            now: end,
            caller: Caller::default(),
        };
        let plan = Plan::new(&narvi_logql::syntax::parse(query).unwrap()).unwrap();
        assert_eq!(check(&request, &plan).unwrap_err().to_string(), want);
    }

    #[test]
    fn loki_s_texts_in_loki_s_order() {
        let logs = r#"{a="b", c="d"}"#;
        refused(
            "{}",
            logs,
            "the query time range exceeds the limit (query length: 961h0m0s, limit: 30d1h)",
        );
        refused(
            r#"{"max_query_length": "0s", "required_labels": ["x"]}"#,
            logs,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query \
             (6000 > 5000)",
        );
        refused(
            r#"{"max_query_parallelism": 0}"#,
            logs,
            "querying is disabled, please contact your Loki operator",
        );
        for blocked in [
            r#"{"pattern": " {a=\"b\", c=\"d\"} "}"#,
            r#"{"pattern": "c=.d", "regex": true}"#,
            r#"{"types": ["metric", "limited"]}"#,
        ] {
            refused(
                &format!(r#"{{"blocked_queries": [{blocked}]}}"#),
                logs,
                "query blocked by policy",
            );
        }
        let others = r#"[{"pattern": "c"}, {"types": ["filter"]}]"#;
        refused(
            &format!(r#"{{"max_query_length": "0s", "blocked_queries": {others}}}"#),
            logs,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query \
             (6000 > 5000)",
        );
        refused(
            r#"{"max_query_length": "0s", "max_query_range": "1d"}"#,
            r#"rate({a="b"}[2d])"#,
            "[interval] value exceeds limit: [2d] > [1d]",
        );
        let open = r#""max_query_length": "0s", "max_entries_limit_per_query": 0"#;
        refused(
            &format!(r#"{{{open}, "required_labels": ["a", "x", "y"]}}"#),
            logs,
            "stream selector is missing required matchers [x, y], labels present in the query \
             were [a, c]",
        );
        refused(
            &format!(r#"{{{open}, "minimum_labels_number": 3}}"#),
            logs,
            "stream selector has less label matchers than required: (present: [a, c], \
             number_present: 2, required_number_label_matchers: 3)",
        );
        refused(
            &format!(r#"{{{open}, "max_streams_matchers_per_query": 1}}"#),
            logs,
            "max streams matchers per query exceeded, matchers-count > limit (2 > 1)",
        );
    }
}
