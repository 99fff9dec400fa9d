//! What to read from commercetools, as values; the edge only sends them.

use super::reference::Id;
use crate::http::encode;

/// The products of one query. 100 ids are some 4.5 kB of address, well below what servers take.
pub const PRODUCTS_PER_QUERY: usize = 100;

/// A document, or a list of documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// A customer.
    Customer(Id),
    /// An order.
    Order(Id),
    /// A payment.
    Payment(Id),
    /// The order of a payment: the oldest, if it pays for several.
    OrderOfPayment(Id),
    /// Products with their categories and those categories' ancestors; at most
    /// [`PRODUCTS_PER_QUERY`] at once.
    Products(Vec<Id>),
    /// Discount codes. Their scope (`view_discount_codes`) is not one that the plugin asks for.
    DiscountCodes(Vec<Id>),
}

impl Query {
    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self {
            Self::Customer(id) => format!("/customers/{}", encode(id.as_str())),
            Self::Order(id) => format!("/orders/{}", encode(id.as_str())),
            Self::Payment(id) => format!("/payments/{}", encode(id.as_str())),
            Self::OrderOfPayment(id) => format!(
                "/orders?limit=1&withTotal=false&sort={}&where={}",
                encode("createdAt asc"),
                encode(&format!("paymentInfo(payments(id = {}))", quote(id.as_str()))),
            ),
            Self::Products(ids) => format!(
                "/products?limit={PRODUCTS_PER_QUERY}&withTotal=false&expand={}&where={}",
                encode("masterData.current.categories[*].ancestors[*]"),
                encode(&is_one_of("id", ids)),
            ),
            Self::DiscountCodes(ids) => format!(
                "/discount-codes?limit={}&withTotal=false&where={}",
                ids.len(),
                encode(&is_one_of("id", ids)),
            ),
        }
    }
}

/// The predicate `field in ("a","b")`, each value quoted.
fn is_one_of(field: &str, ids: &[Id]) -> String {
    let quoted: Vec<_> = ids.iter().map(|id| quote(id.as_str())).collect();
    format!("{field} in ({})", quoted.join(","))
}

/// A string of the predicate language: in double quotes, with `\` before `"` and `\`.
fn quote(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    #[test]
    fn an_id_cannot_leave_its_place() {
        assert_eq!(
            Query::Customer(id("../orders?x=1#")).path_and_query(),
            "/customers/..%2Forders%3Fx%3D1%23"
        );
        let products = Query::Products(vec![id("a"), id(r#"b") or id <> ("\"#)]);
        assert!(products.path_and_query().ends_with(
            "where=id%20in%20%28%22a%22%2C%22b%5C%22%29%20or%20id%20%3C%3E%20%28%5C%22%5C%5C%22%29"
        ));
    }
}
