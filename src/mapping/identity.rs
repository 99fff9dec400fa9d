//! Every id that Klaviyo gets, in one place.
//!
//! The ids are the plugin's, so that an account's existing data is recognised. Klaviyo drops an event if it has its
//! `unique_id` for the same profile and metric: with stable ids everything can be sent again.

use email_address::{EmailAddress, Options};

use super::body::{Cut, MappedBody};
use super::fault::MappingFault;
use crate::commercetools::order::{Buyer, LineItem, OrderFields};
use crate::commercetools::payment::{Payment, Transaction};
use crate::commercetools::product::ProductVariant;
use crate::commercetools::reference::Id;
use crate::klaviyo::catalog::CatalogKey;
use crate::klaviyo::profile::Profile;

/// For `Placed Order`, `Fulfilled Order` and `Cancelled Order`: the order id.
#[must_use]
pub fn order_event(order: &OrderFields) -> String {
    order.id.to_string()
}

/// For `Ordered Product`: the line item id, unique in the project.
#[must_use]
pub fn line_event(line: &LineItem) -> String {
    line.id.to_string()
}

/// For `Refunded Order`: the transaction's id; for the first refund of the first payment the order id, by which Klaviyo
/// matches it with the order for the lifetime value.
///
/// First is by position among all refunds of that payment, whatever their state, so that an id never changes its owner
/// when a pending refund succeeds later.
#[must_use]
pub fn refund_event(order: &OrderFields, payment: &Payment, transaction: &Transaction) -> String {
    let first_payment = order.payment_info.payments.first();
    let of_first_payment = first_payment.is_some_and(|first| first.id == payment.id);
    let first_refund = payment.transactions.iter().find(|transaction| transaction.is_refund());
    if of_first_payment && first_refund.is_some_and(|first| first.id == transaction.id) {
        return order_event(order);
    }
    transaction.id.to_string()
}

/// The guest of an order: by the order's e-mail address; none if it has none.
///
/// An event's profile attributes change the profile, so it has no others here; and never a phone number, which is an
/// identifier and would merge people.
///
/// # Errors
/// The e-mail address is malformed: nothing else identifies the guest.
pub fn guest(order: &OrderFields) -> Result<Option<Profile>, MappingFault> {
    let address = order.customer_email.as_deref().filter(|address| !address.trim().is_empty());
    let email = address.map(self::email).transpose()?;
    Ok(email.map(|email| Profile { email: Some(email), ..Profile::default() }))
}

/// The customer of an order: by id, and by the customer's current e-mail address, never the order's. For a deleted
/// customer only the id is known. A malformed address is left out: it does not cost the event.
#[must_use]
pub fn buyer(customer: &Id, known: Option<&Buyer>) -> MappedBody<Profile> {
    let address = known.map(|known| known.email.as_str());
    let email = address.map(self::email);
    let is_malformed = matches!(email, Some(Err(_)));
    let cut = Cut::named(is_malformed.then(|| "email".to_owned()));
    let body = Profile {
        email: email.and_then(Result::ok),
        external_id: Some(customer.to_string()),
        ..Profile::default()
    };
    MappedBody { body, cut }
}

/// The catalogue item of a product: by the product id.
#[must_use]
pub fn item(product: &Id) -> CatalogKey {
    catalogue(product.as_str())
}

/// The catalogue variant of a SKU.
#[must_use]
pub fn variant_of_sku(sku: &str) -> CatalogKey {
    catalogue(sku)
}

/// The catalogue variant of a variant: by its SKU. Without one, the product and the variant's number there identify it,
/// and neither of these ever changes.
#[must_use]
pub fn variant(product: &Id, variant: &ProductVariant) -> CatalogKey {
    match sku(variant) {
        Some(sku) => variant_of_sku(sku),
        None => catalogue(&format!("{product}:{}", variant.id)),
    }
}

/// The SKU of a variant, if it has one.
#[must_use]
pub fn sku(variant: &ProductVariant) -> Option<&str> {
    variant.sku.as_deref().filter(|sku| !sku.is_empty())
}

/// The catalogue category of a category: by the category id.
#[must_use]
pub fn category(category: &Id) -> CatalogKey {
    catalogue(category.as_str())
}

/// The API knows one integration and one catalogue.
fn catalogue(external_id: &str) -> CatalogKey {
    let id = format!("$custom:::$default:::{external_id}");
    CatalogKey { id, external_id: external_id.to_owned() }
}

/// An e-mail address that Klaviyo accepts. Blanks at its ends are trimmed, and nothing else is repaired.
///
/// # Errors
/// It is malformed; the fault does not repeat it.
pub fn email(address: &str) -> Result<String, MappingFault> {
    let options =
        Options::default().with_required_tld().without_domain_literal().without_display_text();
    EmailAddress::parse_with_options(address.trim(), options)
        .map(|address| address.to_string())
        .map_err(|_| MappingFault::MalformedEmail)
}

/// The shop's id within Klaviyo's id.
#[must_use]
pub fn external(id: &str) -> &str {
    id.rsplit_once(":::").map_or(id, |(_, external)| external)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_is_taken() {
        for (address, taken) in [
            ("jane@example.com", true),
            ("Jane.Doe+news@shop.example.co.uk", true),
            ("jürgen@exämple.de", true),
            ("jane@localhost", false),
            ("jane", false),
            ("jane@@example.com", false),
            ("Jane <jane@example.com>", false),
            ("jane@[127.0.0.1]", false),
            (" jane@example.com ", true),
            ("jane @example.com", false),
            ("", false),
        ] {
            assert_eq!(email(address).is_ok(), taken, "{address}");
        }
    }
}
