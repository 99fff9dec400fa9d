//! Money as commercetools stores it (`TypedMoney`), and its exact decimal value.

use serde::Deserialize;
use serde_json::Number;

/// An amount in one currency.
///
/// `centPrecision`: `centAmount` in the currency's smallest unit, `fractionDigits` of it after
/// the point (EUR 2, JPY 0, KWD 3). `highPrecision`: the exact amount is `preciseAmount` with
/// `fractionDigits` (up to 20); its `centAmount` is only the rounded value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// ISO 4217.
    pub currency_code: String,
    /// In the smallest unit of the currency.
    pub cent_amount: i64,
    /// Only for high precision, in units of 10^-`fraction_digits`.
    pub precise_amount: Option<i64>,
    /// How many digits stand after the decimal point.
    pub fraction_digits: u8,
}

impl Money {
    /// The amount in the currency's main unit, exactly as it would be written: 50875 cents with
    /// two digits are `508.75`. A whole amount is an integer (`10`, not `10.0`). JSON's readers
    /// keep 15 digits of a fraction, which is all that is promised.
    #[must_use]
    pub fn decimal(&self) -> Number {
        let text = self.decimal_text();
        match text.parse::<i64>() {
            Ok(whole) => whole.into(),
            // A decimal text with digits on both sides of the point always is a finite number.
            Err(_) => text.parse().ok().and_then(Number::from_f64).unwrap_or_else(|| 0.into()),
        }
    }

    fn decimal_text(&self) -> String {
        let amount = self.precise_amount.unwrap_or(self.cent_amount);
        let sign = if amount < 0 { "-" } else { "" };
        let digits = usize::from(self.fraction_digits);
        let padded = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = padded.split_at(padded.len() - digits);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (cents, precise, digits, expected) in [
            (50_875, None, 2, "508.75"),
            (1_000, None, 2, "10"),
            (1_010, None, 2, "10.1"),
            (5, None, 2, "0.05"),
            (0, None, 2, "0"),
            (-199, None, 2, "-1.99"),
            (1_234, None, 0, "1234"),
            (1_234, None, 3, "1.234"),
            (1, Some(123_456), 7, "0.0123456"),
            (1, Some(1), 4, "0.0001"),
            (1_234_567_890_123, None, 2, "12345678901.23"),
        ] {
            let money = Money {
                currency_code: "EUR".to_owned(),
                cent_amount: cents,
                precise_amount: precise,
                fraction_digits: digits,
            };
            assert_eq!(money.decimal().to_string(), expected);
        }
    }
}
