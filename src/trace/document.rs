//! A record in commercetools: as much of its document as a trace needs.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::commercetools::answer::{malformed, raw_page};
use crate::commercetools::reference::Id;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::import::kind::ImportKind;

/// A record in commercetools.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedDocument {
    /// Its kind.
    pub kind: ImportKind,
    /// Its id.
    pub id: Id,
    /// When it was created (UTC).
    pub created_at: DateTime<Utc>,
    /// When it, or a payment of it, was last changed (UTC).
    pub changed_at: DateTime<Utc>,
    /// The payments of an order.
    pub payments: Vec<Id>,
    /// The original document.
    pub raw: Map<String, Value>,
}

impl TracedDocument {
    /// Reads the answer to [`crate::preview::record_query`]; none if there is no such record.
    ///
    /// # Errors
    /// The answer is no page, or the document does not have the expected shape.
    pub fn read(kind: ImportKind, answer: &HttpAnswer) -> Result<Option<Self>, ReadFault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct DatedDocument {
            id: Id,
            created_at: DateTime<Utc>,
            last_modified_at: DateTime<Utc>,
            payment_info: Option<PaymentReferences>,
        }
        #[derive(Deserialize)]
        struct PaymentReferences {
            payments: Vec<DatedReference>,
        }
        #[derive(Deserialize)]
        struct DatedReference {
            id: Id,
            obj: Option<DatedPayment>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct DatedPayment {
            last_modified_at: Option<DateTime<Utc>>,
        }
        let Some(text) = raw_page(answer)?.into_iter().next() else { return Ok(None) };
        let read =
            serde_json::from_str(text).and_then(|raw| Ok((raw, serde_json::from_str(text)?)));
        let (raw, document): (_, DatedDocument) = read.map_err(|error| malformed(&error))?;
        let payments = document.payment_info.map(|info| info.payments).unwrap_or_default();
        let paid_at = payments.iter().filter_map(|one| one.obj.as_ref()?.last_modified_at).max();
        Ok(Some(Self {
            kind,
            id: document.id,
            created_at: document.created_at,
            changed_at: paid_at.unwrap_or_default().max(document.last_modified_at),
            payments: payments.into_iter().map(|payment| payment.id).collect(),
            raw,
        }))
    }

    /// The shown part of it: no personal data.
    pub(super) fn shown(&self) -> Value {
        let members: &[&str] = match self.kind {
            ImportKind::Orders => &["orderNumber", "orderState", "paymentState", "shipmentState"],
            ImportKind::Products => &["key"],
            ImportKind::Customers | ImportKind::Categories => &[],
        };
        let mut shown = Map::new();
        let always =
            ["id", "version"].iter().chain(members).chain(&["createdAt", "lastModifiedAt"]);
        for name in always {
            if let Some(value) = self.raw.get(*name) {
                shown.insert((*name).to_owned(), value.clone());
            }
        }
        if self.kind == ImportKind::Orders {
            let is_there = |name| self.raw.get(name).is_some_and(|value| !value.is_null());
            let buyer = match (is_there("customerId"), is_there("customerEmail")) {
                (true, _) => "customer",
                (false, true) => "guest",
                (false, false) => "nobody",
            };
            shown.insert("buyer".to_owned(), json!(buyer));
        }
        if let Some(published) = self.raw.get("masterData").and_then(|data| data.get("published")) {
            shown.insert("published".to_owned(), published.clone());
        }
        Value::Object(shown)
    }
}

/// The names that notifications use for a record and its related resources: `{typeId}/{id}`.
#[must_use]
pub fn resources(kind: ImportKind, id: &Id, document: Option<&TracedDocument>) -> Vec<String> {
    let payments = document.into_iter().flat_map(|document| &document.payments);
    let payments = payments.map(|payment| format!("payment/{payment}"));
    std::iter::once(format!("{}/{id}", kind.resource_type())).chain(payments).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(results: &Value) -> HttpAnswer {
        let body = json!({ "results": results }).to_string();
        HttpAnswer { status: 200, body, ..HttpAnswer::default() }
    }

    fn order() -> Value {
        json!({
            "id": "o", "version": 3, "orderNumber": "1", "orderState": "Open",
            "customerEmail": "jane@example.com", "customerId": null,
            "createdAt": "2026-01-02T03:04:05Z", "lastModifiedAt": "2026-01-02T03:04:06Z",
            "paymentInfo": {"payments": [
                {"typeId": "payment", "id": "p"},
                {"id": "q", "obj": {"id": "q", "lastModifiedAt": "2026-01-02T03:04:07Z"}},
            ]},
        })
    }

    #[test]
    fn an_order_is_as_new_as_its_payments() {
        let read = TracedDocument::read(ImportKind::Orders, &page(&json!([order()])));
        let order = read.expect("a page").expect("an order");
        assert_eq!(order.changed_at.timestamp() - order.created_at.timestamp(), 2);
        let named = resources(ImportKind::Orders, &order.id, Some(&order));
        assert_eq!(named, ["order/o", "payment/p", "payment/q"]);
        assert_eq!(
            order.shown(),
            json!({"id": "o", "version": 3, "orderNumber": "1", "orderState": "Open",
                "createdAt": "2026-01-02T03:04:05Z", "lastModifiedAt": "2026-01-02T03:04:06Z",
                "buyer": "guest"})
        );
    }

    #[test]
    fn there_may_be_none() {
        assert_eq!(TracedDocument::read(ImportKind::Orders, &page(&json!([]))), Ok(None));
        let bare = page(&json!([{"id": "o"}]));
        assert!(matches!(
            TracedDocument::read(ImportKind::Orders, &bare),
            Err(ReadFault::Never(_))
        ));
    }
}
