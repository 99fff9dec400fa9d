//! The queries to commercetools, as values; the edge only sends them.

use super::query_parts::{
    CATEGORIES, CUSTOMER_GROUP, DEFAULT_VARIANT, PUBLISHED, VARIANT_PUBLISHED, expand, has_sku,
    is_one_of, page, quote, variants_among, variants_of,
};
use super::reference::Id;
use super::walk::IdWalk;
use crate::http::encode;

/// The products of one query. 100 ids are some 4.5 kB of address, well below what servers accept.
pub const PRODUCTS_PER_QUERY: usize = 100;

/// The SKUs of one query for products or variants, which may each be large.
pub const SKUS_PER_QUERY: usize = 50;

/// The SKUs of one query for stock or prices, which are small, and come in pages. Some 300 short ones fill an address
/// earlier ([`super::together`]).
pub const SKUS_OF_ENTRIES_PER_QUERY: usize = PAGE;

/// The maximum size of a page.
pub const PAGE: usize = 500;

/// A document, or a list of documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DocumentQuery {
    /// A customer with the group.
    Customer(Id),
    /// The customer of an order, with few fields, and perhaps not the newest state.
    Buyer(Id),
    /// A type of custom fields. The plugin does not ask for its scope (`view_types`).
    CustomType(Id),
    /// An order.
    Order(Id),
    /// A payment.
    Payment(Id),
    /// The order of a payment; if it pays for several, the oldest.
    OrderOfPayment(Id),
    /// The same, but only its id.
    OwnerOfPayment(Id),
    /// Products for orders, with their categories, those categories' ancestors and the master variant; at most
    /// [`PRODUCTS_PER_QUERY`] at once.
    Products(Vec<Id>),
    /// Discount codes. The plugin does not ask for their scope (`view_discount_codes`).
    DiscountCodes(Vec<Id>),
    /// A category with its ancestors.
    Category(Id),
    /// A page of the descendants of a category, with their ancestors.
    Descendants {
        /// The category.
        of: Id,
        /// The last category of the page before.
        after: Option<Id>,
    },
    /// A product with its categories and their ancestors.
    Product(Id),
    /// A product type.
    ProductType(Id),
    /// A product, by the SKU of one of its variants.
    ProductOfSku(String),
    /// The published ones of these products, for their ids; at most [`PRODUCTS_PER_QUERY`].
    PublishedProducts(Vec<Id>),
    /// The published products with variants of these SKUs; at most [`SKUS_PER_QUERY`].
    OwnersOfSkus(Vec<String>),
    /// The project, for its model of products and variants. The plugin does not ask for its scope
    /// (`view_project_settings`).
    Project,
    /// A variant that is a document of its own.
    Variant(Id),
    /// The same, by its SKU.
    VariantOfSku(String),
    /// A page of the published variants of a product, which are documents of their own.
    VariantsOfProduct {
        /// The product.
        product: Id,
        /// The last variant of the page before.
        after: Option<Id>,
    },
    /// The published variants with these SKUs, which are documents of their own; at most [`SKUS_PER_QUERY`].
    VariantsOfSkus(Vec<String>),
    /// A page of a walk over ids.
    IdWalk(IdWalk),
    /// A standalone price.
    StandalonePrice(Id),
    /// A page of the standalone prices of up to [`SKUS_OF_ENTRIES_PER_QUERY`] SKUs.
    StandalonePrices {
        /// The SKUs.
        skus: Vec<String>,
        /// The last price of the page before.
        after: Option<Id>,
    },
    /// An inventory entry.
    InventoryEntry(Id),
    /// A page of the inventory entries of up to [`SKUS_OF_ENTRIES_PER_QUERY`] SKUs, of all channels.
    StockEntries {
        /// The SKUs.
        skus: Vec<String>,
        /// The last entry of the page before.
        after: Option<Id>,
    },
}

impl DocumentQuery {
    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self {
            Self::Buyer(id) => format!("/customers/{}", encode(id.as_str())),
            Self::Customer(id) => {
                format!("/customers/{}?expand={CUSTOMER_GROUP}", encode(id.as_str()))
            }
            Self::CustomType(id) => format!("/types/{}", encode(id.as_str())),
            Self::Order(id) => format!("/orders/{}", encode(id.as_str())),
            Self::Payment(id) => format!("/payments/{}", encode(id.as_str())),
            Self::OrderOfPayment(id) | Self::OwnerOfPayment(id) => format!(
                "/orders?limit=1&withTotal=false&sort={}&sort={}&where={}",
                encode("createdAt asc"),
                encode("id asc"),
                encode(&format!("paymentInfo(payments(id = {}))", quote(id.as_str()))),
            ),
            Self::Products(ids) => format!(
                "/products?limit={PRODUCTS_PER_QUERY}&withTotal=false&{}&where={}",
                expand(&[CATEGORIES, DEFAULT_VARIANT]),
                encode(&is_one_of("id", ids)),
            ),
            Self::DiscountCodes(ids) => format!(
                "/discount-codes?limit={}&withTotal=false&where={}",
                ids.len(),
                encode(&is_one_of("id", ids)),
            ),
            Self::Category(id) => {
                format!("/categories/{}?expand={}", encode(id.as_str()), encode("ancestors[*]"))
            }
            Self::Descendants { of, after } => format!(
                "/categories?expand={}&{}",
                encode("ancestors[*]"),
                page(&format!("ancestors(id = {})", quote(of.as_str())), after.as_ref(), PAGE),
            ),
            Self::Product(id) => {
                format!("/products/{}?expand={}", encode(id.as_str()), encode(CATEGORIES))
            }
            Self::ProductType(id) => format!("/product-types/{}", encode(id.as_str())),
            Self::ProductOfSku(sku) => {
                let sku = quote(sku);
                let variant = format!("masterVariant(sku = {sku}) or variants(sku = {sku})");
                format!(
                    "/products?limit=1&withTotal=false&expand={}&where={}",
                    encode(CATEGORIES),
                    encode(&format!("masterData(current({variant}))")),
                )
            }
            Self::PublishedProducts(ids) => published(PRODUCTS_PER_QUERY, &is_one_of("id", ids)),
            Self::OwnersOfSkus(skus) => published(SKUS_PER_QUERY, &variants_among(skus)),
            Self::Project => String::new(),
            Self::Variant(id) => format!("/variants/{}", encode(id.as_str())),
            Self::VariantOfSku(sku) => {
                format!("/variants?{}", page(&has_sku(&[sku]), None, 1))
            }
            Self::VariantsOfProduct { product, after } => {
                format!("/variants?{}", page(&variants_of(&[product]), after.as_ref(), PAGE))
            }
            Self::VariantsOfSkus(skus) => {
                let predicate = format!("{VARIANT_PUBLISHED} and {}", has_sku(skus));
                format!("/variants?{}", page(&predicate, None, SKUS_PER_QUERY))
            }
            Self::IdWalk(walk) => walk.path_and_query(),
            Self::StandalonePrice(id) => format!("/standalone-prices/{}", encode(id.as_str())),
            Self::StandalonePrices { skus, after } => {
                let among = is_one_of("sku", skus);
                format!("/standalone-prices?{}", page(&among, after.as_ref(), PAGE))
            }
            Self::InventoryEntry(id) => format!("/inventory/{}", encode(id.as_str())),
            Self::StockEntries { skus, after } => {
                format!("/inventory?{}", page(&is_one_of("sku", skus), after.as_ref(), PAGE))
            }
        }
    }
}

/// The published products that match the predicate.
fn published(limit: usize, predicate: &str) -> String {
    let predicate = encode(&format!("{PUBLISHED} and {predicate}"));
    format!("/products?limit={limit}&withTotal=false&where={predicate}")
}

/// The query for one inventory entry of these supply channels; of any channel, if there are none.
#[must_use]
pub fn stock_in_channels(channels: &[String]) -> String {
    let predicate = if channels.is_empty() {
        "supplyChannel is defined".to_owned()
    } else {
        format!("supplyChannel({})", is_one_of("id", channels))
    };
    format!("/inventory?limit=1&withTotal=false&where={}", encode(&predicate))
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
            DocumentQuery::Customer(id("../orders?x=1#")).path_and_query(),
            "/customers/..%2Forders%3Fx%3D1%23?expand=customerGroup"
        );
        let products = DocumentQuery::Products(vec![id("a"), id(r#"b") or id <> ("\"#)]);
        assert!(products.path_and_query().ends_with(
            "where=id%20in%20%28%22a%22%2C%22b%5C%22%29%20or%20id%20%3C%3E%20%28%5C%22%5C%5C%22%29"
        ));
    }
}
