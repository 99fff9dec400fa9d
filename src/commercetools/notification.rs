//! A notification of a commercetools subscription (Platform format).
//!
//! A *message* says what happened, with a name of its own (`OrderCreated`); a *change* only says that a resource was
//! created, updated or deleted. Both are read leniently: unknown members are ignored and unknown names are kept, so
//! that something new never becomes an error.
//!
//! Not in scope: the envelope around it (`push::envelope`) and what follows from it (`push::plan`).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::reference::Id;
use crate::json::read_value;

/// One notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its resource; an `Event` notification has none that we know.
    pub resource: Option<NotifiedResource>,
    /// Its content.
    pub kind: NotificationKind,
    /// The original notification.
    pub raw: Map<String, Value>,
}

/// The document of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifiedResource {
    /// Such as `customer` or `inventory-entry`.
    pub type_id: String,
    /// The document's id.
    pub id: Id,
}

/// The content of a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum NotificationKind {
    /// A message.
    Message(Message),
    /// A resource was created.
    Created,
    /// A resource was changed.
    Updated,
    /// A resource was deleted.
    Deleted,
    /// Anything else, by its type.
    Other(String),
}

/// The members that identify a notification, or that its resource cannot supply after its deletion.
const NEEDED: [&str; 7] = [
    "notificationType",
    "type",
    "resource",
    "createdAt",
    "payloadNotIncluded",
    "resourceUserProvidedIdentifiers",
    "dataErasure",
];

/// A message; its own fields are members of the notification's `raw`.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its type, such as `OrderCreated`.
    pub name: String,
    /// When it happened (UTC).
    pub created_at: Option<DateTime<Utc>>,
    /// Whether its own fields were left out as too large (`payloadNotIncluded`).
    pub payload_left_out: bool,
}

/// A document that is not a notification, known or not.
#[derive(Debug, Clone, PartialEq)]
pub struct NotANotification {
    /// The document, returned.
    pub document: Map<String, Value>,
}

impl Notification {
    /// Reads one JSON object.
    ///
    /// # Errors
    /// It has neither a `notificationType` nor a `resource`, or is a message or change that does not name its resource.
    pub fn read(raw: Map<String, Value>) -> Result<Self, NotANotification> {
        let resource =
            raw.get("resource").and_then(|resource| read_value::<NotifiedResource>(resource).ok());
        match kind(&raw) {
            Some(kind) if resource.is_some() || matches!(kind, NotificationKind::Other(_)) => {
                Ok(Self { resource, kind, raw })
            }
            _ => Err(NotANotification { document: raw }),
        }
    }

    /// Reads one JSON object with unreadable members, the `unread`. A message then counts as one without its payload.
    /// None if it is not a notification without them.
    #[must_use]
    pub fn read_partly<'a>(
        mut raw: Map<String, Value>,
        mut unread: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        if unread.any(|name| NEEDED.contains(&name)) {
            return None;
        }
        if let Some(NotificationKind::Message(message)) = kind(&raw)
            && !message.payload_left_out
        {
            let left_out = json!({"reason": "It could not be read.", "payloadType": message.name});
            raw.insert("payloadNotIncluded".to_owned(), left_out);
        }
        Self::read(raw).ok()
    }

    /// Its type for a log line: the message's name, or the notification type.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match &self.kind {
            NotificationKind::Message(message) => &message.name,
            NotificationKind::Created => "ResourceCreated",
            NotificationKind::Updated => "ResourceUpdated",
            NotificationKind::Deleted => "ResourceDeleted",
            NotificationKind::Other(name) => name,
        }
    }

    /// The SKU of its resource, if the notification names it beside the resource.
    #[must_use]
    pub fn sku(&self) -> Option<String> {
        let identifiers = self.raw.get("resourceUserProvidedIdentifiers")?;
        identifiers.get("sku")?.as_str().map(ToOwned::to_owned)
    }

    /// A field of the message, read as `T`; none if it is missing or has another type.
    #[must_use]
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.raw.get(name).and_then(|value| read_value(value).ok())
    }
}

/// The notification of a change of a resource; its delivery reads the current state.
#[must_use]
pub fn change(type_id: &str, id: &str) -> Map<String, Value> {
    let resource = json!({"typeId": type_id, "id": id});
    let members = [("notificationType", "ResourceUpdated".into()), ("resource", resource)];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn kind(raw: &Map<String, Value>) -> Option<NotificationKind> {
    match raw.get("notificationType").and_then(Value::as_str) {
        Some("ResourceCreated") => Some(NotificationKind::Created),
        Some("ResourceUpdated") => Some(NotificationKind::Updated),
        Some("ResourceDeleted") => Some(NotificationKind::Deleted),
        Some("Message") => Some(
            message(raw)
                .map_or(NotificationKind::Other("Message".to_owned()), NotificationKind::Message),
        ),
        Some(other) => Some(NotificationKind::Other(other.to_owned())),
        // The Messages API gives messages without a `notificationType`.
        None if raw.get("resource").is_some_and(Value::is_object) => Some(
            message(raw).map_or(NotificationKind::Other(String::new()), NotificationKind::Message),
        ),
        None => None,
    }
}

fn message(raw: &Map<String, Value>) -> Option<Message> {
    let left_out = raw.get("payloadNotIncluded").filter(|value| !value.is_null());
    // With `payloadNotIncluded` the type may only be there.
    let original = left_out.and_then(|left_out| left_out.get("payloadType"));
    let name = original.or_else(|| raw.get("type")).and_then(Value::as_str)?;
    Some(Message {
        name: name.to_owned(),
        created_at: raw.get("createdAt").and_then(|at| read_value(at).ok()),
        payload_left_out: left_out.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Notification, NotANotification> {
        let Value::Object(raw) = value else { panic!("an object") };
        Notification::read(raw)
    }

    #[test]
    fn each_kind_is_told_apart() {
        let resource = json!({"typeId": "order", "id": "o1"});
        for (value, name) in [
            (
                json!({"notificationType": "Message", "type": "OrderCreated", "resource": resource}),
                "OrderCreated",
            ),
            (json!({"type": "OrderCreated", "resource": resource}), "OrderCreated"),
            (
                json!({"notificationType": "ResourceCreated", "resource": resource}),
                "ResourceCreated",
            ),
            (
                json!({"notificationType": "ResourceUpdated", "resource": resource}),
                "ResourceUpdated",
            ),
            (
                json!({"notificationType": "ResourceDeleted", "resource": resource}),
                "ResourceDeleted",
            ),
            (json!({"notificationType": "Event", "type": "ImportContainerCreated"}), "Event"),
            (json!({"resource": {"typeId": "non-supported"}}), ""),
        ] {
            assert_eq!(read(value.clone()).expect("a notification").type_name(), name, "{value}");
        }
    }

    #[test]
    fn a_payload_that_was_left_out_names_its_type() {
        let notification = read(json!({
            "notificationType": "Message", "resource": {"typeId": "order", "id": "o1"},
            "payloadNotIncluded": {"reason": "Payload too large.", "payloadType": "OrderCreated"},
            "createdAt": "2026-01-02T03:04:05.6Z",
        }))
        .expect("a notification");
        let NotificationKind::Message(message) = notification.kind else { panic!("a message") };
        assert_eq!(message.name, "OrderCreated");
        assert!(message.payload_left_out);
        assert_eq!(message.created_at.map(|at| at.timestamp_millis()), Some(1_767_323_045_600));
    }

    #[test]
    fn what_is_no_notification_is_handed_back() {
        let nameless = json!({"typeId": "order", "id": ""});
        for value in [
            json!({}),
            json!({"hello": "world"}),
            json!({"notificationType": "ResourceCreated"}),
            json!({"notificationType": "ResourceUpdated", "resource": nameless}),
            json!({"notificationType": "Message", "type": "OrderCreated"}),
        ] {
            let refused = read(value.clone()).expect_err("no notification");
            assert_eq!(Value::Object(refused.document), value);
        }
    }
}
