//! What a broker asks before it delivers, or reports when it stops.
//!
//! Event Grid's other handshake, an `OPTIONS` request, has no body, so the edge handles it alone.

use serde_json::{Map, Value};
use url::Url;

use crate::config::SnsAuth;

/// The type of Event Grid's validation event.
const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";

/// A message that only needs an answer with 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// Azure Event Grid expects its code in the answer.
    EventGrid {
        /// The code.
        code: String,
    },
    /// Amazon SNS expects the Worker to fetch an address.
    SnsSubscription {
        /// The address, one of Amazon's.
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

/// The address that confirms a subscription to SNS, if the Worker may fetch it: it must be one of
/// Amazon's, and the topic must be the accepted one, if one is configured.
pub(super) fn sns_subscription(object: &Map<String, Value>, sns: &SnsAuth) -> Option<Handshake> {
    if !is_accepted_topic(object, sns) {
        return None;
    }
    let url = Url::parse(object.get("SubscribeURL")?.as_str()?).ok()?;
    sns.answers_at(&url).then_some(Handshake::SnsSubscription { url })
}

/// The end of a subscription to SNS, if it is for the accepted topic.
pub(super) fn sns_unsubscribed(object: &Map<String, Value>, sns: &SnsAuth) -> Option<Handshake> {
    is_accepted_topic(object, sns).then_some(Handshake::SnsUnsubscribed)
}

fn is_accepted_topic(object: &Map<String, Value>, sns: &SnsAuth) -> bool {
    let given = object.get("TopicArn").and_then(Value::as_str);
    sns.topic.is_none() || given == sns.topic.as_deref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;
    use crate::push::envelope::{PushedItem, Undecodable, decode};

    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:commercetools";

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    fn names(body: &str) -> Vec<Result<String, Undecodable>> {
        let items = decode(body.as_bytes(), Some(&SnsAuth::default())).items.into_iter();
        items
            .map(|item| match item {
                PushedItem::Notification(notification) => Ok(notification.type_name().to_owned()),
                PushedItem::Refused { why, .. } => Err(why),
            })
            .collect()
    }

    fn validation(code: &Value) -> Value {
        json!({"id": "1", "subject": "", "data": {"validationCode": code},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "dataVersion": "1"})
    }

    #[test]
    fn event_grid_gets_its_code() {
        let event = validation(&json!("512d38b6"));
        let cloud_event = json!({"specversion": "1.0", "data": {"validationCode": "512d38b6"},
            "type": "Microsoft.EventGrid.SubscriptionValidationEvent"});
        let expected = Some(Handshake::EventGrid { code: "512d38b6".to_owned() });
        for body in [json!([event]), event.clone(), json!([cloud_event]), cloud_event.clone()] {
            let push = decode(body.to_string().as_bytes(), Some(&SnsAuth::default()));
            assert_eq!((push.items, push.handshake), (vec![], expected.clone()), "{body}");
        }
        assert_eq!(names(&validation(&json!(3)).to_string()), [Err(Undecodable::Envelope)]);
        let two = json!([event, parsed(CHANGE), event]).to_string();
        let expected = [Ok("ResourceUpdated".to_owned()), Err(Undecodable::Handshake)];
        assert_eq!(names(&two), expected);
    }

    #[test]
    fn a_handshake_that_was_kept_is_not_answered() {
        let ended = json!({"Type": "UnsubscribeConfirmation", "TopicArn": TOPIC});
        for body in [validation(&json!("512d38b6")), ended] {
            let push = decode(body.to_string().as_bytes(), None);
            assert_eq!((push.items.len(), push.handshake), (1, None), "{body}");
        }
    }

    #[test]
    fn sns_is_confirmed_only_at_its_own_address_and_for_the_topic() {
        let url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription";
        let own = "http://127.0.0.1:9/?Action=ConfirmSubscription";
        let any = SnsAuth::default();
        let pinned = SnsAuth { topic: Some(TOPIC.to_owned()), url: None };
        let another = SnsAuth { topic: Some(format!("{TOPIC}2")), url: None };
        let local = SnsAuth { topic: None, url: Url::parse("http://127.0.0.1:9").ok() };
        for (sns, url, confirmed) in [
            (&any, url, true),
            (&pinned, url, true),
            (&another, url, false),
            (&any, own, false),
            (&local, own, true),
            (&local, url, false),
            (&any, "https://evil.example/?sns.eu-central-1.amazonaws.com", false),
            (&any, "", false),
        ] {
            let body = json!({"Type": "SubscriptionConfirmation", "TopicArn": TOPIC,
                "SubscribeURL": url, "Message": "You have chosen …"});
            let push = decode(body.to_string().as_bytes(), Some(sns));
            assert_eq!(push.handshake.is_some(), confirmed, "{url} {sns:?}");
            assert_eq!(push.items.is_empty(), confirmed, "{url} {sns:?}");
        }
        let ended = json!({"Type": "UnsubscribeConfirmation", "TopicArn": TOPIC}).to_string();
        let push = decode(ended.as_bytes(), Some(&pinned));
        assert_eq!(push.handshake, Some(Handshake::SnsUnsubscribed));
        assert_eq!(decode(ended.as_bytes(), Some(&another)).handshake, None);
    }
}
