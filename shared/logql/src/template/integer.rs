//! Integers in Go's syntax, as its parser and its conversions read them: [`parse`].

/// An integer in Go's syntax: `0x`, `0o`, `0b` and `0` begin other bases, `_` parts digits. `None`
/// if it is none, or has more than 64 bits.
pub(super) fn parse(text: &str) -> Option<i128> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let lower = body.to_ascii_lowercase();
    let (radix, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    let prefixed = digits.len() < lower.len();
    let spaced = digits.starts_with('_') && !prefixed;
    if spaced || digits.ends_with('_') || digits.contains("__") || digits.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    for digit in digits.chars().filter(|c| *c != '_') {
        value = value * radix + i128::from(digit.to_digit(radix as u32)?);
        if value > i128::from(u64::MAX) {
            return None;
        }
    }
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, want) in [
            ("12", Some(12)),
            ("-0x1f", Some(-31)),
            ("017", Some(15)),
            ("08", None),
            ("0b101", Some(5)),
            ("0_7", Some(7)),
            ("1_000", Some(1000)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
            ("0x_1", Some(1)),
            ("", None),
            ("-", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
