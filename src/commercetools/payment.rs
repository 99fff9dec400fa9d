//! A payment and its transactions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::lenient::or_default;
use super::money::Money;
use super::reference::Id;

/// A payment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The payment's id.
    pub id: Id,
    /// When it was last changed (UTC).
    pub last_modified_at: Option<DateTime<Utc>>,
    /// The attempted and completed transactions, in their order.
    #[serde(default, deserialize_with = "or_default")]
    pub transactions: Vec<Transaction>,
}

/// One movement of money, completed or attempted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Transaction {
    /// The transaction's id.
    pub id: Id,
    /// `Authorization`, `CancelAuthorization`, `Charge`, `Refund` or `Chargeback`.
    pub r#type: String,
    /// `Initial`, `Pending`, `Success` or `Failure`.
    #[serde(default = "initial")]
    pub state: String,
    /// The amount.
    pub amount: Money,
    /// When, if the payment service says so (UTC).
    pub timestamp: Option<DateTime<Utc>>,
}

/// The state of a transaction without one, commercetools' own default.
fn initial() -> String {
    "Initial".to_owned()
}

impl Transaction {
    /// Whether money goes back to the buyer, now or later.
    #[must_use]
    pub fn is_refund(&self) -> bool {
        self.r#type == "Refund"
    }
}
