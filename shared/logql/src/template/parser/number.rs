//! Literals of numbers and characters.

use crate::template::ast::{Ideal, Number};
use crate::template::float;
use crate::template::integer;
use crate::template::lexer::{Kind, Token};
use crate::template::quote::{quoted, unquote_char};

/// The number that a token spells, or what is wrong with it.
pub(super) fn number(token: &Token<'_>) -> Result<Number, String> {
    let text = token.text.as_ref();
    match token.kind {
        Kind::CharConstant => character(text),
        _ if token.kind == Kind::Complex || text.ends_with('i') => Err(format!(
            "complex numbers are not supported: {}",
            quoted(text)
        )),
        _ => plain(text),
    }
}

fn character(text: &str) -> Result<Number, String> {
    let body = text.get(1..).unwrap_or_default();
    let (spelled, tail) = unquote_char(body, '\'').ok_or("invalid syntax")?;
    if tail != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    let int = i64::from(spelled.code());
    Ok(Number {
        text: text.into(),
        int: Some(int),
        float: Some(int as f64),
        ideal: Ideal::Int(int),
    })
}

fn plain(text: &str) -> Result<Number, String> {
    let signed = text.starts_with(['+', '-']);
    let wide = integer::parse(text);
    let mut int = wide.and_then(|wide| i64::try_from(wide).ok());
    let unsigned = wide
        .filter(|_| !signed)
        .and_then(|wide| u64::try_from(wide).ok());
    let mut float = int.map(|int| int as f64).or(unsigned.map(|int| int as f64));
    if float.is_none() {
        float = float::parse(text.as_bytes());
        if float.is_some() && !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quoted(text)));
        }
        int = float.and_then(float::exact_int);
    }
    let Some(float) = float else {
        return Err(format!("illegal number syntax: {}", quoted(text)));
    };
    let is_hex = matches!(text.get(..2), Some("0x" | "0X")) && !text.contains(['p', 'P']);
    let ideal = match int {
        _ if !is_hex && text.contains(['.', 'e', 'E', 'p', 'P']) => Ideal::Float(float),
        Some(int) => Ideal::Int(int),
        None => Ideal::Overflow,
    };
    Ok(Number {
        text: text.into(),
        int,
        float: Some(float),
        ideal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ideals() {
        for (text, want) in [
            ("1", Ideal::Int(1)),
            ("1.0", Ideal::Float(1.0)),
            ("1e3", Ideal::Float(1000.0)),
            ("0x1e", Ideal::Int(30)),
            ("18446744073709551615", Ideal::Overflow),
        ] {
            assert_eq!(plain(text).map(|number| number.ideal), Ok(want), "{text}");
        }
        assert!(plain("99999999999999999999").is_err_and(|text| text.contains("overflow")));
    }
}
