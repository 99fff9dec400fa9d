//! The record that the caller asks about: one parameter, or an e-mail address in a body, where no log of a proxy sees
//! it.

use serde::Deserialize;

use crate::commercetools::id_search::IdSearch;
use crate::commercetools::reference::Id;
use crate::import::kind::ImportKind;
use crate::json::read_bytes;
use crate::preview::subject::SoughtRecord;

/// The allowed questions, for any other request.
const POSSIBLE: &str = "GET /trace takes one of order, orderNumber, customer, product and sku; \
                        POST /trace takes {\"email\":\"…\"}.";

/// Reads the parameters of an address; exactly one is required.
///
/// # Errors
/// What is wrong with them, and what is allowed.
pub fn parameters(
    given: impl IntoIterator<Item = (String, String)>,
) -> Result<SoughtRecord, String> {
    let mut given = given.into_iter();
    let (Some((name, value)), None) = (given.next(), given.next()) else {
        return Err(POSSIBLE.to_owned());
    };
    // No id is longer, and a longer number or SKU is a mistake.
    let id = Id::new(value).ok_or_else(|| format!("{name} must have 1 to 256 bytes. {POSSIBLE}"));
    let of_id = |kind, id| SoughtRecord::OfId { kind, id };
    Ok(match name.as_str() {
        "order" => of_id(ImportKind::Orders, id?),
        "customer" => of_id(ImportKind::Customers, id?),
        "product" => of_id(ImportKind::Products, id?),
        "orderNumber" => SoughtRecord::OrderOfNumber(id?.to_string()),
        "sku" => SoughtRecord::ProductOfSku(id?.to_string()),
        "email" => return Err(format!("An e-mail address stands in no address. {POSSIBLE}")),
        _ => return Err(POSSIBLE.to_owned()),
    })
}

/// Reads the body of a `POST`.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub fn body(body: &[u8]) -> Result<SoughtRecord, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AskedPerson {
        email: Id,
    }
    let AskedPerson { email } = read_bytes(body).map_err(|_| POSSIBLE.to_owned())?;
    Ok(SoughtRecord::CustomerOfEmail(email.to_string()))
}

/// Where else to look if the searches of the record find nothing: a guest only appears in orders.
#[must_use]
pub fn instead(sought: &SoughtRecord) -> Option<(ImportKind, IdSearch)> {
    match sought {
        SoughtRecord::CustomerOfEmail(email) => {
            Some((ImportKind::Orders, IdSearch::OrderOfEmail(email.clone())))
        }
        SoughtRecord::OfId { .. }
        | SoughtRecord::OrderOfNumber(_)
        | SoughtRecord::ProductOfSku(_) => None,
    }
}

/// Says that commercetools does not have it, and where the search looked.
#[must_use]
pub fn not_found(sought: &SoughtRecord) -> String {
    let beside = match instead(sought) {
        Some(_) => " Nor has it an order with the address, written as in the order.",
        None => "",
    };
    format!("{}{beside}", sought.not_found())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Result<SoughtRecord, String> {
        parameters(query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn one_record_is_asked_about() {
        let id = Id::new("x").expect("an id");
        let of_id = |kind| SoughtRecord::OfId { kind, id: id.clone() };
        for (name, expected) in [
            ("order", of_id(ImportKind::Orders)),
            ("customer", of_id(ImportKind::Customers)),
            ("product", of_id(ImportKind::Products)),
            ("orderNumber", SoughtRecord::OrderOfNumber("x".to_owned())),
            ("sku", SoughtRecord::ProductOfSku("x".to_owned())),
        ] {
            assert_eq!(asked(&[(name, "x")]), Ok(expected), "{name}");
        }
        let email = SoughtRecord::CustomerOfEmail("jane@example.com".to_owned());
        assert_eq!(body(br#"{"email":"jane@example.com"}"#), Ok(email));
    }

    #[test]
    fn anything_else_is_told_what_is_possible() {
        let long = "x".repeat(257);
        for query in [
            &[][..],
            &[("order", "a"), ("sku", "b")],
            &[("order", "a"), ("order", "a")],
            &[("category", "a")],
            &[("email", "jane@example.com")],
            &[("sku", "")],
            &[("sku", &long)],
        ] {
            let told = asked(query).expect_err("a problem");
            assert!(told.contains(POSSIBLE) && !told.contains('@'), "{query:?}: {told}");
        }
        for text in [
            "",
            "{}",
            "[]",
            r#"{"email":7}"#,
            r#"{"email":""}"#,
            r#"{"email":"a@b.de","order":"o"}"#,
            r#"{"order":"o"}"#,
        ] {
            assert_eq!(body(text.as_bytes()), Err(POSSIBLE.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_guest_is_looked_for_among_orders() {
        let search = Some((ImportKind::Orders, IdSearch::OrderOfEmail("a@b.de".to_owned())));
        assert_eq!(instead(&SoughtRecord::CustomerOfEmail("a@b.de".to_owned())), search);
        assert_eq!(instead(&SoughtRecord::OrderOfNumber("1".to_owned())), None);
        let told = not_found(&SoughtRecord::CustomerOfEmail("a@b.de".to_owned()));
        assert!(told.ends_with("in the order.") && !told.contains('@'), "{told}");
    }
}
