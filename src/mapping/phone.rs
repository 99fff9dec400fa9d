//! Phone numbers in the one form that Klaviyo accepts (E.164).

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, Region};

/// The number in E.164, read as somebody in `country` (ISO 3166-1 alpha-2) would dial it.
///
/// None if no such number can exist: Klaviyo would refuse the profile because of it.
#[must_use]
pub fn e164(number: &str, country: Option<&str>) -> Option<String> {
    let region = country.and_then(|code| Region::from_code(&code.to_ascii_uppercase()).ok());
    let number = PhoneNumber::parse(number, region).ok()?;
    number.is_valid().then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_normalised_where_they_can_be() {
        for (number, country, expected) in [
            ("+49 30 901820", Some("DE"), Some("+4930901820")),
            ("030 / 90 18 20", Some("DE"), Some("+4930901820")),
            ("0049-30-901820", Some("DE"), Some("+4930901820")),
            ("(212) 736-5000", Some("US"), Some("+12127365000")),
            ("07911 123456", Some("gb"), Some("+447911123456")),
            ("+44 (0) 7911 123456", Some("DE"), Some("+447911123456")),
            ("044 668 18 00", Some("CH"), Some("+41446681800")),
            ("07911 123456", None, None),
            ("07911 123456", Some("XX"), None),
            ("call me", Some("DE"), None),
            ("+1234", Some("US"), None),
            ("", Some("DE"), None),
        ] {
            assert_eq!(e164(number, country).as_deref(), expected, "{number} in {country:?}");
        }
    }
}
