//! Whether a country writes the number of a house before the name of the street.
//!
//! Source: the delivery address lines in the sheets of the Universal Postal Union ("Postal addressing
//! systems in member countries", one sheet a country).

/// Countries that write the number first, by their codes (ISO 3166-1 alpha-2): those that follow the
/// custom of Great Britain, North America or France. Most others write it behind the street.
const NUMBER_FIRST: &[&str] = &[
    // The United States and their territories.
    "AS", "GU", "MP", "PR", "UM", "US", "VI", //
    // Great Britain, Ireland and the islands around them.
    "GB", "GG", "GI", "IE", "IM", "JE", "MT", //
    // The Commonwealth and its neighbours.
    "AU", "BB", "BD", "BM", "BS", "CA", "HK", "IN", "JM", "LK", "MY", "NG", "NZ", "PH", "PK", "SG",
    "TH", "TT", "ZA", //
    // France, its territories, and countries that write as it does.
    "BL", "CI", "DZ", "FR", "GF", "GP", "LU", "MA", "MC", "MF", "MQ", "NC", "PF", "PM", "RE", "SN",
    "TN", "WF", "YT", //
    // And others.
    "EG", "IL", "SA", "TW", "VN",
];

/// Whether the number is first. Without a country, it is, as in the plugin.
pub(super) fn number_is_first(country: Option<&str>) -> bool {
    country.is_none_or(|country| {
        NUMBER_FIRST.iter().any(|first| first.eq_ignore_ascii_case(country.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_has_its_order() {
        for country in ["US", "GB", "IE", "FR", "CA", "AU", "NZ", "LU", "MC", "ZA", "IN", "us"] {
            assert!(number_is_first(Some(country)), "{country}");
        }
        for country in [
            "DE", "AT", "CH", "LI", "NL", "BE", "IT", "ES", "PT", "PL", "CZ", "SK", "HU", "DK",
            "SE", "NO", "FI", "IS", "GR", "TR", "BR", "MX", "AR", "de", "XX",
        ] {
            assert!(!number_is_first(Some(country)), "{country}");
        }
        assert!(number_is_first(None));
    }
}
