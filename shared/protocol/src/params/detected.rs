//! Parameters of the endpoints that look for fields and patterns in lines (spec `http-api.md` §9
//! and §10).

use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::{Bounds, ParamError, closed_bounds, parse_limit, parse_step};

/// Fields or values in an answer where no limit is asked for.
const DEFAULT_FIELDS: usize = 1000;

/// The least step of patterns; shorter ones are taken for it.
const MIN_PATTERN_STEP: i64 = 10 * NANOS_PER_SECOND;

/// Parameters of `detected_fields` and of the values of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldParams {
    /// From when to when.
    pub bounds: Bounds,
    /// Lines to look at.
    pub lines: usize,
    /// Most fields, or values.
    pub limit: usize,
}

/// Parameters of `patterns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternParams {
    /// From when to when.
    pub bounds: Bounds,
    /// Nanoseconds between samples, at least ten seconds.
    pub step: i64,
}

/// Reads the parameters of `detected_fields`; `step` is checked and without meaning.
///
/// # Errors
/// The first that cannot be read or breaks a rule.
pub fn field_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<FieldParams, ParamError> {
    let bounds = closed_bounds(&get, now)?;
    let given = |name| get(name).filter(|text| !text.is_empty());
    let lines = parse_limit(given("line_limit"))?;
    // The name that it had before.
    let limit = match given("limit").or_else(|| given("field_limit")) {
        None => DEFAULT_FIELDS,
        text => parse_limit(text)?,
    };
    parse_step(get("step"), bounds.start, bounds.end)?;
    Ok(FieldParams {
        bounds,
        lines,
        limit,
    })
}

/// Reads the parameters of `patterns`.
///
/// # Errors
/// The first that cannot be read or breaks a rule.
pub fn pattern_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<PatternParams, ParamError> {
    let bounds = closed_bounds(&get, now)?;
    let step = parse_step(get("step"), bounds.start, bounds.end)?;
    Ok(PatternParams {
        bounds,
        step: step.max(MIN_PATTERN_STEP),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn lookup<'a>(query: &'a str) -> impl Fn(&str) -> Option<&'a str> {
        move |name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        }
    }

    #[test]
    fn limits_of_fields() {
        for (query, want) in [
            ("", Ok((100, 1000))),
            ("line_limit=5&limit=7", Ok((5, 7))),
            ("field_limit=8", Ok((100, 8))),
            ("limit=7&field_limit=8&step=10s", Ok((100, 7))),
            ("limit=0", Err("limit must be a positive value")),
            (
                "line_limit=x",
                Err(r#"strconv.Atoi: parsing "x": invalid syntax"#),
            ),
            ("step=x", Err(r#"cannot parse "x" to a valid duration"#)),
        ] {
            let got = field_query(lookup(query), NOW).map_err(|e| e.to_string());
            let got = got.map(|params| (params.lines, params.limit));
            assert_eq!(got, want.map_err(str::to_owned), "{query}");
        }
    }

    #[test]
    fn steps_of_patterns() {
        for (query, want) in [
            ("step=30s", 30),
            ("step=1s", 10),
            ("", 14),
            ("since=30s", 10),
        ] {
            let got = pattern_query(lookup(query), NOW).unwrap();
            assert_eq!(got.step, want * NANOS_PER_SECOND, "{query}");
        }
    }
}
