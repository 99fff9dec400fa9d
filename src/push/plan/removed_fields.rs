//! Custom fields that a message reports as removed from a customer.
//!
//! A missing field alone proves nothing: others may write the same property of a profile. So the message counts, and
//! the fields that it names must survive if it cannot be delivered: changes of one customer share a row of the outbox,
//! and the row that stays takes over the fields of the other one ([`united`]), in our own member ([`KEPT`]). Not in
//! scope: whether a field has a value again; that shows when the customer is read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::commercetools::notification::{Notification, NotificationKind};
use crate::commercetools::reference::Id;
use crate::json::read_bytes;

/// Our own member of a stored notification, with the fields that earlier ones in its row named.
const KEPT: &str = "removedFields";

/// Custom fields that were removed from a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemovedFields {
    /// By their names.
    pub names: BTreeSet<String>,
    /// All fields of these types that the customer no longer has.
    pub types: BTreeSet<Id>,
}

impl RemovedFields {
    /// The fields that a notification names.
    #[must_use]
    pub fn of(notification: &Notification) -> Self {
        let mut removed: Self = notification.field(KEPT).unwrap_or_default();
        let NotificationKind::Message(message) = &notification.kind else { return removed };
        match message.name.as_str() {
            "CustomerCustomFieldRemoved" => removed.names.extend(notification.field("name")),
            "CustomerCustomTypeSet" | "CustomerCustomTypeRemoved" => {
                removed.types.extend(notification.field("previousTypeId"));
            }
            _ => {}
        }
        removed
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.types.is_empty()
    }
}

/// The stored notification that `stays` in a row, with the fields of the one that `goes`; none if those add nothing.
#[must_use]
pub fn united(stays: &[u8], goes: &[u8]) -> Option<Vec<u8>> {
    let read = |content: &[u8]| {
        let raw: Map<String, Value> = read_bytes(content).ok()?;
        Notification::read(raw).ok()
    };
    let gone = RemovedFields::of(&read(goes)?);
    if gone.is_empty() {
        return None;
    }
    let mut notification = read(stays)?;
    let own = RemovedFields::of(&notification);
    let mut all = own.clone();
    all.names.extend(gone.names);
    all.types.extend(gone.types);
    if all == own {
        return None;
    }
    notification.raw.insert(KEPT.to_owned(), serde_json::to_value(&all).ok()?);
    serde_json::to_vec(&notification.raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(name: &str, fields: Value) -> Value {
        let mut message = json!({"notificationType": "Message", "type": name,
            "resource": {"typeId": "customer", "id": "c"}});
        if let (Value::Object(message), Value::Object(fields)) = (&mut message, fields) {
            message.extend(fields);
        }
        message
    }

    fn removed(notification: Value) -> (Vec<String>, Vec<String>) {
        let Value::Object(raw) = notification else { panic!("an object") };
        let removed = RemovedFields::of(&Notification::read(raw).expect("a notification"));
        let types = removed.types.iter().map(ToString::to_string).collect();
        (removed.names.into_iter().collect(), types)
    }

    #[test]
    fn only_what_a_message_names_was_removed() {
        let kept = json!({"removedFields": {"names": ["b"], "types": ["t"]}, "name": "a"});
        for (notification, names, types) in [
            (message("CustomerCustomFieldRemoved", json!({"name": "a"})), &["a"][..], &[][..]),
            (message("CustomerCustomFieldRemoved", json!({"name": null})), &[], &[]),
            (message("CustomerCustomFieldRemoved", json!({"payloadNotIncluded": {}})), &[], &[]),
            (message("CustomerCustomFieldRemoved", kept.clone()), &["a", "b"], &["t"]),
            (message("CustomerCustomFieldAdded", json!({"name": "a", "value": 1})), &[], &[]),
            (message("CustomerAddressCustomFieldRemoved", json!({"name": "a"})), &[], &[]),
            (message("CustomerCustomTypeRemoved", json!({"previousTypeId": "t"})), &[], &["t"]),
            (message("CustomerCustomTypeRemoved", json!({})), &[], &[]),
            (
                message(
                    "CustomerCustomTypeSet",
                    json!({"previousTypeId": "t", "customFields": {"fields": {"a": 1}}}),
                ),
                &[],
                &["t"],
            ),
            (message("CustomerCustomTypeSet", json!({"customFields": {}})), &[], &[]),
            (message("CustomerEmailChanged", kept), &["b"], &["t"]),
        ] {
            let found = removed(notification.clone());
            assert_eq!(
                (&found.0[..], &found.1[..]),
                (
                    &names.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
                    &types.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                ),
                "{notification}"
            );
        }
    }

    #[test]
    fn what_stays_takes_over_what_the_other_names() {
        let change = json!({"notificationType": "ResourceUpdated",
            "resource": {"typeId": "customer", "id": "c"}});
        let field = |name: &str| message("CustomerCustomFieldRemoved", json!({ "name": name }));
        let bytes = |value: &Value| serde_json::to_vec(value).expect("JSON");
        let both = |stays: &Value, goes: &Value| united(&bytes(stays), &bytes(goes));
        for (stays, goes) in
            [(&change, &change), (&field("a"), &change), (&field("a"), &field("a"))]
        {
            assert_eq!(both(stays, goes), None, "{stays} {goes}");
        }
        assert_eq!(united(b"not JSON", &bytes(&field("a"))), None);
        assert_eq!(united(&bytes(&change), b"not JSON"), None);
        let names = |content: Vec<u8>| removed(read_bytes(&content).expect("JSON")).0;
        let first = both(&change, &field("a")).expect("something more");
        assert_eq!(names(first.clone()), ["a"]);
        let second = united(&bytes(&field("b")), &first).expect("something more");
        assert_eq!(names(second.clone()), ["a", "b"]);
        assert_eq!(names(united(&bytes(&change), &second).expect("something more")), ["a", "b"]);
    }
}
