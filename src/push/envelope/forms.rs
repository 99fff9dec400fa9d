//! The envelopes of the brokers. Sources of their forms: `cloud.google.com/pubsub/docs/push`, the developer guide of
//! Amazon SNS ("HTTP/HTTPS notification JSON format"), Amazon EventBridge's user guide ("Event structure"), the JSON
//! event format of `CloudEvents` 1.0 (§3, §4), and the record of Confluent's HTTP sink connector (`key` and `value`,
//! perhaps with more beside them).

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Undecodable;
use super::handshake::{self, Handshake};
use super::text::{JsonText, PartlyRead};
use crate::config::SnsAuth;

/// The standard alphabet; some brokers pad, others do not.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The form of a JSON object.
pub(super) enum EnvelopeForm {
    /// An envelope around this.
    Around(JsonText),
    /// A handshake, which needs an answer but no delivery.
    Handshake(Handshake),
    /// An envelope with unreadable content.
    Refused(Undecodable),
    /// No envelope.
    Bare,
}

/// Determines the form of an object. It only takes the content of [`EnvelopeForm::Around`] out of it.
///
/// SNS comes first: its signature covers `Message` and nothing beside it. If a stranger adds the members of a
/// notification to a signed message, they must not count.
pub(super) fn tell(object: &mut Map<String, Value>, sns: Option<&SnsAuth>) -> EnvelopeForm {
    match object.get("Type").and_then(Value::as_str) {
        Some("Notification") => return around(text(object.get("Message"))),
        Some("SubscriptionConfirmation") => {
            let confirmed = sns.and_then(|sns| handshake::sns_subscription(object, sns));
            return handshake(confirmed, Undecodable::Handshake);
        }
        Some("UnsubscribeConfirmation") => {
            let ended = sns.and_then(|sns| handshake::sns_unsubscribed(object, sns));
            return handshake(ended, Undecodable::Handshake);
        }
        _ => {}
    }
    if object.contains_key("notificationType") || object.contains_key("resource") {
        return EnvelopeForm::Bare;
    }
    if handshake::is_event_grid(object) {
        if sns.is_none() {
            return EnvelopeForm::Refused(Undecodable::Handshake);
        }
        return handshake(handshake::event_grid(object), Undecodable::Envelope);
    }
    if object.contains_key("specversion") {
        return around(cloud_event(object));
    }
    if object.contains_key("detail-type") || object.get("detail").is_some_and(Value::is_object) {
        return around(object.get_mut("detail").and_then(content));
    }
    if let Some(message) = object.get("message").and_then(Value::as_object) {
        return around(decoded(message.get("data")));
    }
    if object.contains_key("key") && object.contains_key("value") {
        return around(object.get_mut("value").and_then(content));
    }
    EnvelopeForm::Bare
}

/// The form of an object that cannot be read as a whole.
pub(super) enum PartForm<'a> {
    /// An envelope around this; the content is the part that cannot be read as a whole.
    Around(&'a RawValue),
    /// No envelope.
    Bare,
    /// The form is not recognisable.
    Unreadable,
}

/// Determines the form of such an object. One with a `Type` may be from SNS, and then only its signed members count.
pub(super) fn tell_partly(object: &PartlyRead) -> PartForm<'_> {
    let has = |name: &str| object.read.contains_key(name);
    if has("Type") || object.unread.contains_key("Type") {
        return PartForm::Unreadable;
    }
    if has("notificationType") || has("resource") {
        return PartForm::Bare;
    }
    let contents = [("specversion", "data"), ("detail-type", "detail"), ("key", "value")];
    let content = contents.into_iter().find(|(told_by, _)| has(told_by));
    let content = content.and_then(|(_, content)| object.unread.get(content));
    content.map_or(PartForm::Unreadable, |content| PartForm::Around(content))
}

fn around(content: Option<JsonText>) -> EnvelopeForm {
    content.map_or(EnvelopeForm::Refused(Undecodable::Envelope), EnvelopeForm::Around)
}

fn handshake(handshake: Option<Handshake>, otherwise: Undecodable) -> EnvelopeForm {
    handshake.map_or(EnvelopeForm::Refused(otherwise), EnvelopeForm::Handshake)
}

/// `data`, or `data_base64`; a forwarder may have left the other one as null.
fn cloud_event(object: &mut Map<String, Value>) -> Option<JsonText> {
    match object.get_mut("data") {
        Some(data) if !data.is_null() => content(data),
        _ => decoded(object.get("data_base64")),
    }
}

/// JSON as a value, or in a string.
fn content(value: &mut Value) -> Option<JsonText> {
    match value {
        Value::Object(_) | Value::Array(_) => Some(JsonText::Whole(value.take())),
        value => text(Some(value)),
    }
}

/// JSON in a string.
fn text(value: Option<&Value>) -> Option<JsonText> {
    JsonText::read(value?.as_str()?.as_bytes())
}

/// JSON in base64 in a string.
fn decoded(value: Option<&Value>) -> Option<JsonText> {
    let text = value?.as_str()?;
    let decoded = if text.contains(|one: char| one.is_ascii_whitespace()) {
        BASE64.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(text)
    };
    JsonText::read(&decoded.ok()?)
}
