//! Whether a country writes the number of a house before the name of the street.
//!
//! Not for: the other lines of an address, and their order.

/// Countries that write the number first, by their codes (ISO 3166-1 alpha-2): mostly those that follow the custom of
/// Great Britain, North America or France. Others write it after the street.
///
/// Source: the templates of `OpenCage` (`worldwide.yaml` of address-formatting), as in the npm package
/// `@fragaria/address-formatter` 6.7.1: the countries whose `address_template` has `house_number` before `road`.
#[rustfmt::skip]
const NUMBER_FIRST: &[&str] = &[
    "AD", "AE", "AG", "AM", "AS", "AU", "AZ", "BB", "BD", "BF", "BH", "BJ", "BL", "BM", "BN",
    "BZ", "CA", "CC", "CD", "CG", "CI", "CK", "CX", "DJ", "DM", "DZ", "EG", "FJ", "FK", "FM",
    "FR", "GA", "GB", "GF", "GG", "GH", "GI", "GM", "GN", "GP", "GS", "GU", "GY", "HK", "HM",
    "IE", "IM", "IN", "IO", "IQ", "JE", "JM", "JP", "KE", "KH", "KN", "KY", "LA", "LB", "LK",
    "LS", "LU", "MA", "MC", "MF", "MG", "MH", "MM", "MP", "MQ", "MR", "MS", "MT", "MU", "MV",
    "MW", "MY", "NA", "NC", "NE", "NF", "NG", "NR", "NU", "NZ", "OM", "PF", "PG", "PH", "PK",
    "PM", "PR", "RE", "RW", "SA", "SC", "SG", "SH", "SL", "SN", "TC", "TF", "TG", "TH", "TK",
    "TM", "TN", "TO", "TT", "TV", "TZ", "UG", "UM", "US", "VG", "VI", "VN", "WF", "XK", "YE",
    "YT", "ZA", "ZM", "ZW",
];

/// Whether the number is first. Without a country it is, as in the plugin.
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
        for country in [
            "US", "GB", "IE", "FR", "CA", "AU", "NZ", "LU", "MC", "ZA", "IN", "SG", "AE", "JP",
            "KE", "GH", "MU", "AD", "TH", "us", " gb ",
        ] {
            assert!(number_is_first(Some(country)), "{country}");
        }
        for country in [
            "DE", "AT", "CH", "LI", "NL", "BE", "IT", "ES", "PT", "PL", "CZ", "SK", "HU", "DK",
            "SE", "NO", "FI", "IS", "GR", "TR", "BR", "MX", "AR", "IL", "TW", "BS", "KW", "de",
            "XX",
        ] {
            assert!(!number_is_first(Some(country)), "{country}");
        }
        assert!(number_is_first(None));
    }
}
