//! Parts of queries: expansions, predicates, and pages. [`super::query`], [`super::walk`] and [`super::query_sort`]
//! have the queries.

use super::reference::Id;
use crate::http::{encode, encode_filter};

/// The expansion of a customer.
pub(super) const CUSTOMER_GROUP: &str = "customerGroup";

/// The expansion of a product.
pub(super) const CATEGORIES: &str = "masterData.current.categories[*].ancestors[*]";

/// The variant that represents a product whose variants are documents of their own. commercetools ignores a path that
/// leads nowhere, like this one in a Classic project.
pub(super) const DEFAULT_VARIANT: &str = "masterData.current.defaultVariant";

/// The references to expand in a document, as a part of the query.
pub(super) fn expand(paths: &[&str]) -> String {
    let all: Vec<_> = paths.iter().map(|path| format!("expand={}", encode(path))).collect();
    all.join("&")
}

/// The predicate: a product is for sale.
pub(super) const PUBLISHED: &str = "masterData(published = true)";

/// The predicate: a variant that is a document of its own is for sale.
pub(super) const VARIANT_PUBLISHED: &str = "published = true";

/// The predicate: such a variant has one of these SKUs.
pub(super) fn has_sku(skus: &[impl AsRef<str>]) -> String {
    format!("current({})", is_one_of("sku", skus))
}

/// The predicate: such a variant is for sale, and belongs to one of these products.
pub(super) fn variants_of(products: &[impl AsRef<str>]) -> String {
    format!("{VARIANT_PUBLISHED} and product({})", is_one_of("id", products))
}

/// The predicate for the products that have variants of these SKUs.
pub(super) fn variants_among(skus: &[impl AsRef<str>]) -> String {
    let skus = is_one_of("sku", skus);
    format!("masterData(current(masterVariant({skus}) or variants({skus})))")
}

/// A page of a walk in the order of ids.
pub(super) fn page(predicate: &str, after: Option<&Id>, limit: usize) -> String {
    let predicate = match after {
        Some(id) => format!("{predicate} and id > {}", quote(id.as_str())),
        None => predicate.to_owned(),
    };
    let sort = encode("id asc");
    format!("limit={limit}&withTotal=false&sort={sort}&where={}", encode_filter(&predicate))
}

/// The predicate `field in ("a","b")`, each value quoted.
pub(super) fn is_one_of(field: &str, values: &[impl AsRef<str>]) -> String {
    let quoted: Vec<_> = values.iter().map(|value| quote(value.as_ref())).collect();
    format!("{field} in ({})", quoted.join(","))
}

/// A string of the predicate language: in double quotes, with `\` before `"` and `\`.
pub(super) fn quote(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
