//! From the bytes of a push to the notifications in it.
//!
//! Wire forms are told apart by content and not by `Content-Type`, which brokers set as they
//! please: the bare notification, and the Google Pub/Sub push envelope, whose `message.data` is
//! the notification in base64.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::commercetools::notification::Notification;

/// How many envelopes may be inside each other.
const DEPTH: usize = 4;

/// Standard alphabet; brokers differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a body holds no notification that can be read. It never will, so it is kept for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Not JSON, or JSON that is no object and no list.
    #[error("the body is not a JSON object")]
    NotJson,
    /// An envelope without its content, or with content that is no base64.
    #[error("the envelope's data cannot be decoded")]
    Envelope,
    /// JSON that is no notification.
    #[error("the body is no commercetools notification")]
    NotANotification,
}

impl Undecodable {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Envelope => "envelope_undecodable",
            Self::NotANotification => "not_a_notification",
        }
    }
}

/// One thing that a push brought.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A notification.
    Notification(Notification),
    /// Something else.
    Refused {
        /// Why it is no notification.
        why: Undecodable,
        /// As it came, for keeping it.
        content: Vec<u8>,
    },
}

/// Reads all that a body holds, in its order.
#[must_use]
pub fn decode(body: &[u8]) -> Vec<Item> {
    match serde_json::from_slice(body) {
        Ok(value) => unwrap(value, DEPTH),
        Err(_) => vec![Item::Refused { why: Undecodable::NotJson, content: body.to_vec() }],
    }
}

fn unwrap(value: Value, depth: usize) -> Vec<Item> {
    let Some(depth) = depth.checked_sub(1) else { return refused(Undecodable::Envelope, &value) };
    match value {
        Value::Array(items) => items.into_iter().flat_map(|item| unwrap(item, depth)).collect(),
        Value::Object(object) => match pubsub_data(&object).map(decode_data) {
            Some(Some(inner)) => unwrap(inner, depth),
            Some(None) => refused(Undecodable::Envelope, &Value::Object(object)),
            None => match Notification::read(object) {
                Ok(notification) => vec![Item::Notification(notification)],
                Err(not) => refused(Undecodable::NotANotification, &Value::Object(not.document)),
            },
        },
        value => refused(Undecodable::NotJson, &value),
    }
}

fn refused(why: Undecodable, value: &Value) -> Vec<Item> {
    vec![Item::Refused { why, content: value.to_string().into_bytes() }]
}

/// `message.data` of a Pub/Sub push envelope; null where the message has no data.
fn pubsub_data(object: &Map<String, Value>) -> Option<&Value> {
    if object.contains_key("notificationType") || object.contains_key("resource") {
        return None;
    }
    let message = object.get("message")?.as_object()?;
    Some(message.get("data").unwrap_or(&Value::Null))
}

fn decode_data(data: &Value) -> Option<Value> {
    let text: String = data.as_str()?.split_ascii_whitespace().collect();
    serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(body: &str) -> Vec<Result<String, Undecodable>> {
        decode(body.as_bytes())
            .into_iter()
            .map(|item| match item {
                Item::Notification(notification) => Ok(notification.type_name().to_owned()),
                Item::Refused { why, .. } => Err(why),
            })
            .collect()
    }

    fn pubsub(inner: &str) -> String {
        json!({"message": {"data": BASE64.encode(inner), "messageId": "1"}, "subscription": "s"})
            .to_string()
    }

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    #[test]
    fn each_wire_form_gives_the_notification() {
        let unpadded = pubsub(CHANGE).replace('=', "");
        let list = format!("[{CHANGE},{}]", pubsub(CHANGE));
        for (body, count) in
            [(CHANGE, 1), (&pubsub(CHANGE), 1), (&unpadded, 1), (&list, 2), ("[]", 0)]
        {
            assert_eq!(names(body), vec![Ok("ResourceUpdated".to_owned()); count], "{body}");
        }
    }

    #[test]
    fn what_holds_no_notification_is_said_so() {
        let deep = (0..DEPTH).fold(CHANGE.to_owned(), |inner, _| pubsub(&inner));
        for (body, expected) in [
            ("", Undecodable::NotJson),
            ("hello", Undecodable::NotJson),
            ("3", Undecodable::NotJson),
            ("null", Undecodable::NotJson),
            ("{}", Undecodable::NotANotification),
            (r#"{"message":"hello"}"#, Undecodable::NotANotification),
            (r#"{"message":{}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":3}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":"%%%"}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":"aGVsbG8="}}"#, Undecodable::Envelope),
            (&deep, Undecodable::Envelope),
        ] {
            assert_eq!(names(body), [Err(expected)], "{body}");
        }
        let content = vec![0xff, 0xfe];
        assert_eq!(decode(&content), [Item::Refused { why: Undecodable::NotJson, content }]);
    }
}
