//! Money as commercetools stores it (`TypedMoney`), and its exact decimal value.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Number;

/// An amount in one currency.
///
/// `centPrecision`: `centAmount` in the currency's smallest unit, with `fractionDigits` digits after the point (EUR 2,
/// JPY 0, KWD 3). `highPrecision`: the exact amount is `preciseAmount` with `fractionDigits` (up to 20); its
/// `centAmount` is only the rounded value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// ISO 4217.
    pub currency_code: String,
    /// In the smallest unit of the currency.
    pub cent_amount: i64,
    /// Only for high precision, in units of 10^-`fraction_digits`.
    pub precise_amount: Option<i64>,
    /// The number of digits after the decimal point.
    pub fraction_digits: u8,
}

impl Money {
    /// The amount in the currency's main unit: 50875 cents with two digits are 508.75. A whole amount is an integer
    /// (`10`, not `10.0`). JSON's readers keep 15 digits of a fraction; no more are promised.
    #[must_use]
    pub fn decimal(&self) -> Number {
        let amount = self.amount();
        let unit = 10_i128.saturating_pow(self.fraction_digits.into());
        if amount % unit == 0
            && let Ok(whole) = i64::try_from(amount / unit)
        {
            return whole.into();
        }
        // The nearest number, since both are exact up to 15 digits. Parsing a text, which has more, would add tables of
        // 13 kB to the compressed worker.
        #[expect(clippy::cast_precision_loss, reason = "more digits are not promised")]
        let decimal = amount as f64 / 10_f64.powi(self.fraction_digits.into());
        Number::from_f64(decimal).unwrap_or_else(|| 0.into())
    }

    /// The exact amount, in units of 10^-`fraction_digits`.
    fn amount(&self) -> i128 {
        self.precise_amount.unwrap_or(self.cent_amount).into()
    }

    /// The exact amount, in units of 10^-`digits`.
    fn scaled(&self, digits: u8) -> i128 {
        let more = u32::from(digits.saturating_sub(self.fraction_digits));
        self.amount().saturating_mul(10_i128.saturating_pow(more))
    }

    /// The exact sum of amounts, each multiplied by its count; none if there are none. All are in the currency of the
    /// first: an order has one.
    #[must_use]
    pub fn sum<'a>(amounts: impl IntoIterator<Item = (&'a Self, i64)>) -> Option<Self> {
        let amounts: Vec<_> = amounts.into_iter().collect();
        let (first, _) = *amounts.first()?;
        let digits = amounts.iter().map(|(money, _)| money.fraction_digits).max()?;
        let total: i128 = amounts
            .iter()
            .map(|(money, times)| money.scaled(digits).saturating_mul(i128::from(*times)))
            .sum();
        Some(Self::of_scaled(first.currency_code.clone(), total, digits))
    }

    /// The amount with a tax that it does not include, rounded half to even as commercetools does by default. `rate` is
    /// between 0 and 1.
    #[must_use]
    pub fn with_tax(&self, rate: f64) -> Self {
        /// The counted fractions of a rate: a millionth of a percent.
        const PARTS: i128 = 100_000_000;
        let Some(rate) = Number::from_f64((rate * 1e8).round()).and_then(|rate| rate.as_f64())
        else {
            return self.clone();
        };
        #[expect(clippy::cast_possible_truncation, reason = "a rate is between 0 and 1")]
        let factor = PARTS + rate as i128;
        let exact = self.scaled(self.fraction_digits).saturating_mul(factor);
        let (whole, rest) = (exact.div_euclid(PARTS), exact.rem_euclid(PARTS));
        let up = match (rest * 2).cmp(&PARTS) {
            Ordering::Less => 0,
            Ordering::Equal => whole & 1,
            Ordering::Greater => 1,
        };
        Self::of_scaled(self.currency_code.clone(), whole + up, self.fraction_digits)
    }

    fn of_scaled(currency_code: String, amount: i128, fraction_digits: u8) -> Self {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        Self { currency_code, cent_amount: amount, precise_amount: None, fraction_digits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euros(amount: i64, fraction_digits: u8) -> Money {
        Money {
            currency_code: "EUR".to_owned(),
            cent_amount: amount,
            precise_amount: None,
            fraction_digits,
        }
    }

    #[test]
    fn sums_are_exact() {
        let precise = Money { precise_amount: Some(12_345), ..euros(1, 4) };
        for (amounts, expected) in [
            (vec![], None),
            (vec![(euros(500, 2), 2), (euros(200, 2), 1)], Some("12")),
            (vec![(precise, 3), (euros(10, 2), 1)], Some("3.8035")),
            (vec![(euros(100, 2), 1), (euros(-30, 2), 1)], Some("0.7")),
        ] {
            let sum = Money::sum(amounts.iter().map(|(money, times)| (money, *times)));
            assert_eq!(sum.map(|sum| sum.decimal().to_string()).as_deref(), expected);
        }
    }

    #[test]
    fn a_tax_is_added_and_rounded_half_to_even() {
        for (cents, rate, expected) in [
            (10_000, 0.19, "119"),
            (50, 0.05, "0.52"),
            (150, 0.05, "1.58"),
            (10, 0.05, "0.1"),
            (999, 0.077, "10.76"),
            (-10_000, 0.19, "-119"),
            (1_000, 0.0, "10"),
        ] {
            assert_eq!(euros(cents, 2).with_tax(rate).decimal().to_string(), expected, "{cents}");
        }
    }

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
            (1, Some(123_456_789_012_345), 20, "1.23456789012345e-6"),
            (1, Some(-7), 20, "-7e-20"),
            (0, Some(0), 20, "0"),
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
