//! The documents that were read for one notification.

use serde::Deserialize;
use serde_json::Value;

use crate::commercetools::answer::{self, ReadFault};
use crate::commercetools::customer::Customer;
use crate::commercetools::order::{DiscountCode, Order};
use crate::commercetools::payment::Payment;
use crate::commercetools::product::Product;
use crate::commercetools::query::Query;
use crate::http::{Answer, NoAnswer};

/// What is known of one document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Found<T> {
    /// It was not asked for yet.
    #[default]
    Unasked,
    /// It does not exist any more.
    Gone,
    /// Here it is.
    There(T),
}

/// The documents that were read so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// The customer.
    pub customer: Found<Customer>,
    /// The order.
    pub order: Found<Order>,
    /// The payment.
    pub payment: Found<Payment>,
    /// The products of the order's lines; one that is gone is not among them.
    pub products: Option<Vec<Product>>,
    /// The order's discount codes.
    pub discount_codes: Option<Vec<DiscountCode>>,
}

impl Documents {
    /// Adds what a query answered.
    ///
    /// # Errors
    /// Where there is no answer, or one that the work cannot be done with.
    pub fn add(
        &mut self,
        query: &Query,
        answer: &Result<Answer, NoAnswer>,
    ) -> Result<(), ReadFault> {
        let answer = answer.as_ref().map_err(|why| ReadFault::no_answer(*why))?;
        match query {
            Query::Customer(_) => {
                self.customer = found(answer, Customer::deserialize)?;
            }
            Query::Order(_) => self.order = found(answer, Order::read)?,
            Query::Payment(_) => self.payment = found(answer, Payment::deserialize)?,
            Query::OrderOfPayment(_) => {
                self.order = match answer::page::<Value>(answer)?.into_iter().next() {
                    None => Found::Gone,
                    Some(order) => {
                        Found::There(Order::read(order).map_err(|error| answer::malformed(&error))?)
                    }
                };
            }
            Query::Products(_) => {
                self.products.get_or_insert_default().extend(answer::page(answer)?);
            }
            Query::DiscountCodes(_) => {
                let codes = self.discount_codes.get_or_insert_default();
                // An order does without them where the API client may not see them.
                if !matches!(answer.status, 400 | 403 | 404) {
                    codes.extend(answer::page::<DiscountCode>(answer)?);
                }
            }
        }
        Ok(())
    }
}

fn found<T>(
    answer: &Answer,
    read: impl FnOnce(Value) -> Result<T, serde_json::Error>,
) -> Result<Found<T>, ReadFault> {
    match answer::document(answer)? {
        None => Ok(Found::Gone),
        Some(document) => {
            read(document).map(Found::There).map_err(|error| answer::malformed(&error))
        }
    }
}
