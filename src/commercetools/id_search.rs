//! The searches for the id of a record, by what a person knows about it.
//!
//! Not in scope: reading the record itself, which needs its id ([`super::walk`]).

use super::answer::{has_no_variants_apart, is_refused_with, page};
use super::query::DocumentQuery;
use super::query_parts::quote;
use super::reference::{Id, IdReference};
use super::variant::{CatalogModel, VariantLink};
use crate::fault::{ReadFault, Rejection};
use crate::http::{HttpAnswer, encode};

/// A search for the id of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdSearch {
    /// For the order with this number.
    OrderOfNumber(String),
    /// For the customer with this e-mail address, in upper or lower case. Customers of different stores may share one:
    /// then for the newest.
    CustomerOfEmail(String),
    /// For the newest order with this e-mail address, in the same spelling: a guest has nothing else.
    OrderOfEmail(String),
    /// For the product with a variant of this SKU within itself.
    ProductOfSku(String),
    /// For the product of the variant with this SKU that is a document of its own.
    ProductOfVariant(String),
}

impl IdSearch {
    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self {
            Self::OrderOfNumber(number) => newest("/orders", "orderNumber", number),
            Self::CustomerOfEmail(email) => {
                newest("/customers", "lowercaseEmail", &email.to_lowercase())
            }
            Self::OrderOfEmail(email) => newest("/orders", "customerEmail", email),
            Self::ProductOfSku(sku) => DocumentQuery::ProductOfSku(sku.clone()).path_and_query(),
            Self::ProductOfVariant(sku) => {
                DocumentQuery::VariantOfSku(sku.clone()).path_and_query()
            }
        }
    }

    /// The id, if there is such a record.
    ///
    /// # Errors
    /// The answer is neither a page nor a refusal that proves that no such record can exist.
    pub fn found(&self, answer: &HttpAnswer) -> Result<Option<Id>, ReadFault> {
        let found = match self {
            // If no product has variants within itself, no query can find a product by one.
            Self::ProductOfSku(_) if is_refused_with(answer, &[400]) => return Ok(None),
            Self::ProductOfVariant(_)
                if has_no_variants_apart(Some(CatalogModel::Unknown), answer) =>
            {
                return Ok(None);
            }
            Self::ProductOfVariant(_) => page::<VariantLink>(answer)
                .map(|found| found.into_iter().next().map(|variant| variant.product.id)),
            Self::OrderOfNumber(_)
            | Self::CustomerOfEmail(_)
            | Self::OrderOfEmail(_)
            | Self::ProductOfSku(_) => {
                page::<IdReference>(answer).map(|found| found.into_iter().next().map(|one| one.id))
            }
        };
        found.map_err(without_words)
    }
}

/// The newest document with this value.
fn newest(path: &str, field: &str, value: &str) -> String {
    let sort = encode("createdAt desc");
    let predicate = encode(&format!("{field} = {}", quote(value)));
    format!("{path}?limit=1&withTotal=false&sort={sort}&where={predicate}")
}

/// commercetools may quote the predicate, and with it an address, in its refusal.
fn without_words(fault: ReadFault) -> ReadFault {
    match fault {
        ReadFault::Never(rejection) => {
            let detail = "commercetools did not answer the search for it; GET /check says what the \
                          API client lacks";
            Rejection::new(rejection.fault, detail).into()
        }
        later @ ReadFault::Later(_) => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FinalFault, System};

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }
    }

    #[test]
    fn a_value_cannot_leave_its_place() {
        for (search, ending) in [
            (
                IdSearch::OrderOfNumber(r#"1" or id <> ""#.to_owned()),
                "/orders?limit=1&withTotal=false&sort=createdAt%20desc&where=\
                 orderNumber%20%3D%20%221%5C%22%20or%20id%20%3C%3E%20%5C%22%22",
            ),
            (
                IdSearch::CustomerOfEmail("Jane+A@Example.com".to_owned()),
                "/customers?limit=1&withTotal=false&sort=createdAt%20desc&where=\
                 lowercaseEmail%20%3D%20%22jane%2Ba%40example.com%22",
            ),
            (
                IdSearch::OrderOfEmail("Jane@example.com".to_owned()),
                "/orders?limit=1&withTotal=false&sort=createdAt%20desc&where=\
                 customerEmail%20%3D%20%22Jane%40example.com%22",
            ),
        ] {
            assert_eq!(search.path_and_query(), ending);
        }
    }

    #[test]
    fn the_first_of_a_page_is_found() {
        let order = IdSearch::OrderOfNumber("1".to_owned());
        let variant = IdSearch::ProductOfVariant("s".to_owned());
        let id = |text| Ok(Id::new(text));
        let page = answer(200, r#"{"results":[{"id":"a","product":{"id":"p"}},{"id":"b"}]}"#);
        assert_eq!(order.found(&page), id("a"));
        let variants = answer(200, r#"{"results":[{"id":"a","product":{"id":"p"}}]}"#);
        assert_eq!(variant.found(&variants), id("p"));
        for search in [order, variant] {
            assert_eq!(search.found(&answer(200, r#"{"results":[]}"#)), Ok(None));
        }
    }

    #[test]
    fn a_refusal_says_that_there_is_none_only_where_there_can_be_none() {
        let refused = |status: u16| {
            answer(status, &format!(r#"{{"statusCode":{status},"message":"of jane@example.com"}}"#))
        };
        let sku = || "s".to_owned();
        assert_eq!(IdSearch::ProductOfSku(sku()).found(&refused(400)), Ok(None));
        for status in [400, 403, 404] {
            assert_eq!(IdSearch::ProductOfVariant(sku()).found(&refused(status)), Ok(None));
        }
        for (search, status) in [
            (IdSearch::ProductOfSku(sku()), 404),
            (IdSearch::CustomerOfEmail("jane@example.com".to_owned()), 400),
            (IdSearch::OrderOfNumber("1".to_owned()), 400),
        ] {
            let Err(ReadFault::Never(rejection)) = search.found(&refused(status)) else {
                panic!("{search:?}")
            };
            assert_eq!(rejection.fault, FinalFault::Refused(System::Commercetools, status));
            assert!(!rejection.detail.contains('@'), "{rejection:?}");
        }
        for (search, answer) in [
            (IdSearch::ProductOfVariant(sku()), answer(503, "")),
            (IdSearch::ProductOfSku(sku()), refused(403)),
        ] {
            let found = search.found(&answer);
            assert!(matches!(found, Err(ReadFault::Later(_))), "{found:?}");
        }
    }
}
