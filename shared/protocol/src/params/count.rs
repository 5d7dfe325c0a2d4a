//! `limit` and `direction`.

pub use narvi_model::Direction;

use super::{ParamError, not_a_number};

/// Entries in a log answer where no limit is asked for.
const DEFAULT_LIMIT: usize = 100;

/// Reads `limit`; 100 where absent.
///
/// # Errors
/// Go's text for what is no number, Loki's for what is not above 0.
pub fn parse_limit(text: Option<&str>) -> Result<usize, ParamError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit: i64 = text
        .parse()
        .map_err(|e| ParamError::Number(not_a_number("Atoi", text, &e)))?;
    match usize::try_from(limit) {
        Ok(limit) if limit > 0 => Ok(limit),
        _ => Err(ParamError::Limit),
    }
}

/// Reads `direction` in any case; backward where absent.
///
/// # Errors
/// Where it is neither `forward` nor `backward`.
pub fn parse_direction(text: Option<&str>) -> Result<Direction, ParamError> {
    match text.unwrap_or_default() {
        "" => Ok(Direction::default()),
        text if text.eq_ignore_ascii_case("forward") => Ok(Direction::Forward),
        text if text.eq_ignore_ascii_case("backward") => Ok(Direction::Backward),
        text => Err(ParamError::Direction(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        for (text, want) in [
            (None, Ok(100)),
            (Some(""), Ok(100)),
            (Some("5000"), Ok(5000)),
            (Some("+7"), Ok(7)),
            (
                Some("x"),
                Err(r#"strconv.Atoi: parsing "x": invalid syntax"#),
            ),
            (
                Some("1.5"),
                Err(r#"strconv.Atoi: parsing "1.5": invalid syntax"#),
            ),
            (
                Some("99999999999999999999"),
                Err(r#"strconv.Atoi: parsing "99999999999999999999": value out of range"#),
            ),
            (Some("0"), Err("limit must be a positive value")),
            (Some("-1"), Err("limit must be a positive value")),
        ] {
            let got = parse_limit(text).map_err(|e| e.to_string());
            assert_eq!(
                got.as_ref().map_err(String::as_str),
                want.as_ref().map_err(|e| *e)
            );
        }
    }

    #[test]
    fn directions() {
        assert_eq!(parse_direction(None), Ok(Direction::Backward));
        assert_eq!(parse_direction(Some("FORWARD")), Ok(Direction::Forward));
        assert_eq!(parse_direction(Some("Backward")), Ok(Direction::Backward));
        let error = parse_direction(Some("up")).unwrap_err();
        assert_eq!(
            (error.status(), error.to_string().as_str()),
            (400, "invalid direction 'up'")
        );
    }
}
