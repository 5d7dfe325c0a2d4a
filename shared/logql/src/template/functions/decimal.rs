//! [`Decimal`]: exact arithmetic of the digits that a float is written with.

use num_bigint::{BigInt, Sign};

use crate::template::error::{Answer, Failure};

/// Digits behind the point of a quotient.
const QUOTIENT_DIGITS: i64 = 16;
/// Bits and power of ten of a number, far beyond what two floats can bring about.
const MAX_BITS: u64 = 1 << 14;
const MAX_EXPONENT: i64 = 2_000;

/// `digits` times ten to the power of `exponent`.
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal number that the float is told by.
    pub(super) fn of(float: f64) -> Answer<Self> {
        if !float.is_finite() {
            let shown = match float {
                float if float.is_nan() => "NaN",
                float if float > 0.0 => "+Inf",
                _ => "-Inf",
            };
            return Err(Failure::said(format!(
                "Cannot create a Decimal from {shown}"
            )));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let behind = mantissa
            .split_once('.')
            .map_or(0, |(_, behind)| behind.len()) as i64;
        // At most 17 digits.
        let digits: i64 = mantissa.replace('.', "").parse().unwrap_or(0);
        Ok(Self {
            digits: digits.into(),
            exponent: exponent - behind,
        })
    }

    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// Itself, unless it has become too long to go on with.
    pub(super) fn checked(self) -> Answer<Self> {
        if self.digits.bits() > MAX_BITS || self.exponent.abs() > MAX_EXPONENT {
            return Err(Failure::said("the number has too many digits"));
        }
        Ok(self)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let digits = self.at(exponent) + other.at(exponent);
        Self { digits, exponent }
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let digits = self.at(exponent) - other.at(exponent);
        Self { digits, exponent }
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        Self {
            digits: &self.digits * &other.digits,
            exponent: self.exponent + other.exponent,
        }
    }

    /// To [`QUOTIENT_DIGITS`], halves away from 0.
    pub(super) fn divide(&self, other: &Self) -> Answer<Self> {
        if other.digits.sign() == Sign::NoSign {
            return Err(Failure::said("decimal division by 0"));
        }
        let exponent = -QUOTIENT_DIGITS;
        let shift = self.exponent - other.exponent - exponent;
        let dividend = &self.digits * power(shift);
        let divisor = &other.digits * power(-shift);
        let quotient: BigInt = &dividend / &divisor;
        let rest: BigInt = &dividend - &quotient * &divisor;
        let round_up = (rest.magnitude() * 2_u32) >= *divisor.magnitude();
        let away = if dividend.sign() == divisor.sign() {
            1
        } else {
            -1
        };
        let digits = if round_up { quotient + away } else { quotient };
        Ok(Self { digits, exponent })
    }

    /// The digits for a smaller exponent.
    fn at(&self, exponent: i64) -> BigInt {
        &self.digits * power(self.exponent - exponent)
    }
}

/// Ten to a power; 1 for those below 0.
fn power(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact() {
        let of = |float| Decimal::of(float).map_err(|error| error.to_string());
        let sum = of(0.1).and_then(|a| Ok(a.add(&of(0.2)?).to_float()));
        assert_eq!(sum, Ok(0.3));
        for (a, b, want) in [
            (7.0, 2.0, 3.5),
            (1.0, 3.0, 0.333_333_333_333_333_3),
            (-1.0, 6.0, -0.166_666_666_666_666_7),
        ] {
            let quotient = of(a).and_then(|a| a.divide(&of(b)?).map_err(|e| e.to_string()));
            assert_eq!(quotient.map(|q| q.to_float()), Ok(want));
        }
    }
}
