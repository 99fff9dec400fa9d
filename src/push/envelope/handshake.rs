//! What a broker asks before it delivers, or tells when it no longer does.
//!
//! Event Grid's other handshake, an `OPTIONS` request, has no body and is the edge's alone.

use serde_json::{Map, Value};
use url::Url;

use crate::config::SnsAuth;

/// The type of Event Grid's validation event.
const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";

/// Something that is answered with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// Azure Event Grid wants its code back.
    EventGrid {
        /// The code.
        code: String,
    },
    /// Amazon SNS wants an address to be fetched.
    SnsSubscription {
        /// The address, which is one of Amazon's.
        url: Url,
    },
    /// Amazon SNS will not deliver any more.
    SnsUnsubscribed,
}

/// Whether it is Event Grid's validation event: in Event Grid's own schema, or as a `CloudEvent` of
/// that type.
pub(super) fn is_event_grid(object: &Map<String, Value>) -> bool {
    let kind = if object.contains_key("specversion") { "type" } else { "eventType" };
    object.get(kind).is_some_and(|kind| kind == VALIDATION)
}

/// The code of Event Grid's validation event, if it has one.
pub(super) fn event_grid(object: &Map<String, Value>) -> Option<Handshake> {
    let code = object.get("data")?.get("validationCode")?.as_str()?;
    Some(Handshake::EventGrid { code: code.to_owned() })
}

/// The address that confirms a subscription to SNS, if it may be fetched: it must be one of
/// Amazon's, and the topic the one that is accepted, where one was set.
pub(super) fn sns_subscription(object: &Map<String, Value>, sns: &SnsAuth) -> Option<Handshake> {
    if !is_accepted_topic(object, sns) {
        return None;
    }
    let url = Url::parse(object.get("SubscribeURL")?.as_str()?).ok()?;
    sns.answers_at(&url).then_some(Handshake::SnsSubscription { url })
}

/// The end of a subscription to SNS, if it is to the topic that is accepted.
pub(super) fn sns_unsubscribed(object: &Map<String, Value>, sns: &SnsAuth) -> Option<Handshake> {
    is_accepted_topic(object, sns).then_some(Handshake::SnsUnsubscribed)
}

fn is_accepted_topic(object: &Map<String, Value>, sns: &SnsAuth) -> bool {
    let given = object.get("TopicArn").and_then(Value::as_str);
    sns.topic.is_none() || given == sns.topic.as_deref()
}
