//! Parameters of a live tail.

use narvi_model::Timestamp;

use super::{Bounds, ParamError, bounds, not_a_number, parse_limit};
use crate::limits::MAX_DELAY_SECONDS;

/// What a live tail asks besides its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailParams {
    /// From when on lines are wanted.
    pub start: Timestamp,
    /// Most lines of the time before the tail began.
    pub limit: usize,
    /// Seconds that lines may be held back for, so that they come in order.
    pub delay_seconds: i64,
}

/// Reads `limit`, `start` and `delay_for`.
///
/// # Errors
/// The first that cannot be read or breaks a rule, in Loki's order.
pub fn tail_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<TailParams, ParamError> {
    let limit = parse_limit(get("limit"))?;
    let Bounds { start, .. } = bounds(&get, now)?;
    let delay = get("delay_for").filter(|text| !text.is_empty());
    let delay = delay.map_or(Ok(0), |text| {
        text.parse::<i64>()
            .map_err(|e| ParamError::Number(not_a_number("Atoi", text, &e)))
    })?;
    if delay > MAX_DELAY_SECONDS {
        return Err(ParamError::Delay);
    }
    Ok(TailParams {
        start,
        limit,
        delay_seconds: delay,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &[(&str, &str)], want: Result<(i64, usize, i64), &str>) {
        let now = Timestamp::from_seconds(1_768_471_200);
        let get = |name: &str| given.iter().find(|pair| pair.0 == name).map(|pair| pair.1);
        let got = tail_query(get, now).map_err(|e| e.to_string());
        let got = got.as_ref().map(|got| {
            let back = now.since(got.start) / narvi_model::NANOS_PER_SECOND;
            (back, got.limit, got.delay_seconds)
        });
        assert_eq!(got.map_err(String::as_str), want);
    }

    #[test]
    fn follows_loki() {
        check(&[], Ok((3600, 100, 0)));
        check(&[("delay_for", "5"), ("limit", "7")], Ok((3600, 7, 5)));
        check(&[("start", "1768471190")], Ok((10, 100, 0)));
        check(
            &[("delay_for", "6")],
            Err("delay_for can't be greater than 5"),
        );
        check(
            &[("delay_for", "x")],
            Err(r#"strconv.Atoi: parsing "x": invalid syntax"#),
        );
        check(&[("limit", "0")], Err("limit must be a positive value"));
        check(
            &[("start", "x")],
            Err("could not parse 'start' parameter: \
                 strconv.ParseInt: parsing \"x\": invalid syntax"),
        );
    }
}
