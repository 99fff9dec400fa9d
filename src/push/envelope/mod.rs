//! From the bytes of a push to the notifications in it.
//!
//! The content decides the wire form, not `Content-Type`, which brokers set as they please: a JSON object is one of the
//! [`forms`], or the bare notification. Forms may be nested (a Pub/Sub message that carries a `CloudEvent`), and a list
//! may hold any of them. If a text cannot be read as a whole, only its unreadable members are lost ([`text`]). A
//! notification with unreadable content still names its resource, and the Worker reads that instead. Some bodies are
//! already bare and have no form: a binary `CloudEvent`, SNS's raw delivery, Pub/Sub with its payload unwrapped.
//!
//! A [`handshake`] is not a notification, and needs an answer of its own.
//!
//! Not in scope: whether the sender may push (`push::sender`).

mod forms;
pub mod handshake;
mod large;
mod pushed_item;
mod text;

use serde_json::Value;
use serde_json::value::RawValue;

use self::forms::{EnvelopeForm, PartForm};
pub use self::handshake::Handshake;
use self::large::MOST_VALUES;
pub use self::pushed_item::{PushedItem, names_project};
use self::text::{JsonText, PartlyRead};
use crate::commercetools::notification::Notification;
use crate::config::SnsAuth;

/// How deep lists, envelopes and notifications may be nested. The deepest known form of a broker is a list of messages
/// that carry lists of `CloudEvent`s.
const DEPTH: usize = 6;

/// How many items of one push that are no notifications are kept separately. Storing each takes time, and an answer is
/// due within 4 s; a push can have some hundred thousand of them.
const APART: usize = 100;

/// Why a body holds no readable notification. It never will, so it is kept for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Undecodable {
    /// Not JSON, or JSON that is neither an object nor a list.
    #[error("the body is not a JSON object")]
    NotJson,
    /// An envelope without content, or with content that is neither JSON nor base64.
    #[error("the envelope's data cannot be decoded")]
    Envelope,
    /// JSON that is not a notification.
    #[error("the body is no commercetools notification")]
    NotANotification,
    /// It comes in a list within an envelope, or in a stored body, after more content than the memory allows.
    #[error("the push holds more than can be read at once")]
    TooLarge,
    /// A handshake that must not be answered.
    #[error(
        "the handshake belongs to another topic, leads to an address that is not the sender's, or is the second of a push"
    )]
    Handshake,
}

impl Undecodable {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::Envelope => "envelope_undecodable",
            Self::NotANotification => "not_a_notification",
            Self::TooLarge => "push_too_large",
            Self::Handshake => "handshake_refused",
        }
    }
}

/// Bytes of a push that are processed at once; processing takes some ten times as much memory.
const PART_BYTES: usize = 1_000_000;

/// A part of a push: all of it, or members of its list.
#[derive(Debug)]
pub enum PushPart<'a> {
    #[expect(missing_docs, reason = "as its name says")]
    Whole(&'a [u8]),
    #[expect(missing_docs, reason = "as its name says")]
    Members(Vec<&'a RawValue>),
}

/// The parts of a push, each processed by itself: a list larger than [`PART_BYTES`] is split into groups of its
/// members.
#[must_use]
pub fn parts(body: &[u8]) -> Vec<PushPart<'_>> {
    let is_list = body.len() > PART_BYTES;
    let list = is_list.then(|| large::list(text::without_leading_mark(body))).flatten();
    let Some(list) = list else { return vec![PushPart::Whole(body)] };
    let mut parts = Vec::new();
    let (mut part, mut bytes) = (Vec::new(), 0);
    for member in list {
        let more = member.get().len();
        if bytes + more > PART_BYTES && !part.is_empty() {
            parts.push(PushPart::Members(std::mem::take(&mut part)));
            bytes = 0;
        }
        bytes += more;
        part.push(member);
    }
    parts.push(PushPart::Members(part));
    parts
}

impl PushPart<'_> {
    /// Reads everything in it. `sns` says which of Amazon's handshakes may be answered. Without it no broker's
    /// handshake is answered, since the body was stored and nobody waits for an answer any more.
    #[must_use]
    pub fn decode(&self, sns: Option<&SnsAuth>) -> DecodedPush {
        let mut push = DecodedPush::default();
        match self {
            Self::Whole(body) => push.unwrap_text(JsonText::read(body), body, sns, DEPTH),
            Self::Members(members) => {
                for member in members {
                    let text = member.get().as_bytes();
                    push.unwrap_text(JsonText::read(text), text, sns, DEPTH - 1);
                }
            }
        }
        push.items = gathered(push.items);
        push
    }
}

/// Everything that a push brought.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodedPush {
    /// Notifications and other items, in their order.
    pub items: Vec<PushedItem>,
    /// The answer that the broker wants after the items are done.
    pub handshake: Option<Handshake>,
    /// The number of its values, as far as it was read.
    values: usize,
}

/// Reads everything in a body, like [`PushPart::decode`].
#[must_use]
pub fn decode(body: &[u8], sns: Option<&SnsAuth>) -> DecodedPush {
    PushPart::Whole(body).decode(sns)
}

/// Joins the items that are no notifications into one list, except the first [`APART`].
fn gathered(items: Vec<PushedItem>) -> Vec<PushedItem> {
    let mut kept = Vec::with_capacity(items.len());
    let mut apart = 0;
    let mut list: Option<(Undecodable, Vec<u8>)> = None;
    for item in items {
        match item {
            PushedItem::Refused { why, content } if apart == APART => {
                let (_, list) = list.get_or_insert_with(|| (why, Vec::new()));
                list.push(if list.is_empty() { b'[' } else { b',' });
                list.extend(content);
            }
            item => {
                apart += usize::from(matches!(item, PushedItem::Refused { .. }));
                kept.push(item);
            }
        }
    }
    kept.extend(list.map(|(why, mut content)| {
        content.push(b']');
        PushedItem::Refused { why, content }
    }));
    kept
}

impl DecodedPush {
    /// The content of a text. If a list cannot be read as a whole, each member is read by itself.
    fn unwrap_text(
        &mut self,
        read: Option<JsonText>,
        text: &[u8],
        sns: Option<&SnsAuth>,
        depth: usize,
    ) {
        match read {
            Some(JsonText::Whole(value)) => self.unwrap(value, sns, depth),
            Some(JsonText::Members(members)) => {
                let Some(depth) = depth.checked_sub(1) else {
                    return self.keep(Undecodable::Envelope, text.to_vec());
                };
                for member in members {
                    let text = member.get().as_bytes();
                    // The content of envelopes is read as a whole, up to a total of [`MOST_VALUES`]. If a member alone
                    // exceeds that, only a little of it is read.
                    let values = large::values(text);
                    self.values += if values > MOST_VALUES { 0 } else { values };
                    if self.values > MOST_VALUES {
                        self.keep(Undecodable::TooLarge, text.to_vec());
                    } else {
                        self.unwrap_text(JsonText::read(text), text, sns, depth);
                    }
                }
            }
            Some(JsonText::Partly(partly)) => self.unwrap_partly(partly, text, sns, depth),
            None => self.keep_unread(text),
        }
    }

    /// The content of an object that cannot be read as a whole.
    fn unwrap_partly(
        &mut self,
        partly: PartlyRead,
        text: &[u8],
        sns: Option<&SnsAuth>,
        depth: usize,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.keep(Undecodable::Envelope, text.to_vec());
        };
        match forms::tell_partly(&partly) {
            PartForm::Around(content) => {
                let text = content.get().as_bytes();
                self.unwrap_text(JsonText::read(text), text, sns, depth);
            }
            PartForm::Unreadable => self.keep_unread(text),
            PartForm::Bare => {
                let PartlyRead { read, unread } = partly;
                match Notification::read_partly(read, unread.keys().map(String::as_str)) {
                    Some(notification) => self.items.push(PushedItem::Notification(notification)),
                    None => self.keep_unread(text),
                }
            }
        }
    }

    fn unwrap(&mut self, value: Value, sns: Option<&SnsAuth>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.refuse(Undecodable::Envelope, &value);
        };
        let mut object = match value {
            Value::Array(items) => {
                return items.into_iter().for_each(|item| self.unwrap(item, sns, depth));
            }
            Value::Object(object) => object,
            value => return self.refuse(Undecodable::NotJson, &value),
        };
        match forms::tell(&mut object, sns) {
            EnvelopeForm::Around(JsonText::Whole(inner)) => self.unwrap(inner, sns, depth),
            EnvelopeForm::Around(broken) => {
                let whole = Value::Object(object).to_string();
                self.unwrap_text(Some(broken), whole.as_bytes(), sns, depth);
            }
            EnvelopeForm::Handshake(handshake) if self.handshake.is_none() => {
                self.handshake = Some(handshake);
            }
            EnvelopeForm::Handshake(_) => {
                self.refuse(Undecodable::Handshake, &Value::Object(object));
            }
            EnvelopeForm::Refused(why) => self.refuse(why, &Value::Object(object)),
            EnvelopeForm::Bare => match Notification::read(object) {
                Ok(notification) => self.items.push(PushedItem::Notification(notification)),
                Err(not) => {
                    self.refuse(Undecodable::NotANotification, &Value::Object(not.document));
                }
            },
        }
    }

    fn refuse(&mut self, why: Undecodable, value: &Value) {
        self.keep(why, value.to_string().into_bytes());
    }

    fn keep_unread(&mut self, text: &[u8]) {
        let is_large = text::is_large(text);
        let why = if is_large { Undecodable::TooLarge } else { Undecodable::NotJson };
        self.keep(why, text.to_vec());
    }

    fn keep(&mut self, why: Undecodable, content: Vec<u8>) {
        self.items.push(PushedItem::Refused { why, content });
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use serde_json::json;

    use super::forms::BASE64;
    use super::*;
    use crate::commercetools::notification::NotificationKind;

    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:commercetools";

    fn names(body: &str) -> Vec<Result<String, Undecodable>> {
        decode(body.as_bytes(), Some(&SnsAuth::default()))
            .items
            .into_iter()
            .map(|item| match item {
                PushedItem::Notification(notification) => Ok(notification.type_name().to_owned()),
                PushedItem::Refused { why, .. } => Err(why),
            })
            .collect()
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    fn pubsub(inner: &str) -> String {
        json!({"message": {"data": BASE64.encode(inner), "messageId": "1"}, "subscription": "s"})
            .to_string()
    }

    fn sns(inner: &str) -> String {
        json!({"Type": "Notification", "MessageId": "1", "TopicArn": TOPIC, "Message": inner})
            .to_string()
    }

    fn cloud_event(inner: &str) -> String {
        json!({"specversion": "1.0", "id": "1", "type": "com.commercetools.x", "source": "/shop",
            "data": parsed(inner)})
        .to_string()
    }

    fn cloud_event_base64(inner: &str) -> String {
        json!({"specversion": "1.0", "data": null, "data_base64": BASE64.encode(inner)}).to_string()
    }

    fn cloud_event_text(inner: &str) -> String {
        json!({"specversion": "1.0", "datacontenttype": "text/plain", "data": inner}).to_string()
    }

    fn event_bridge(inner: &str) -> String {
        json!({"version": "0", "id": "1", "detail-type": "x", "source": "aws.partner/x",
            "resources": [], "detail": parsed(inner)})
        .to_string()
    }

    fn list(inner: &str) -> String {
        format!("[{inner}]")
    }

    fn kafka(inner: &str) -> String {
        json!({"key": null, "value": parsed(inner), "topic": "t"}).to_string()
    }

    fn kafka_text(inner: &str) -> String {
        json!({"key": "k", "value": inner}).to_string()
    }

    const FORMS: [fn(&str) -> String; 9] = [
        pubsub,
        sns,
        cloud_event,
        cloud_event_base64,
        cloud_event_text,
        event_bridge,
        list,
        kafka,
        kafka_text,
    ];

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    #[test]
    fn each_wire_form_gives_the_notification() {
        let one = [Ok("ResourceUpdated".to_owned())];
        assert_eq!(names(CHANGE), one);
        assert_eq!(names(&pubsub(CHANGE).replace('=', "")), one);
        for outer in FORMS {
            assert_eq!(names(&outer(CHANGE)), one, "{}", outer(CHANGE));
            for inner in FORMS {
                let body = outer(&inner(CHANGE));
                assert_eq!(names(&body), one, "{body}");
            }
        }
        let all = FORMS.map(|form| form(CHANGE)).join(",");
        assert_eq!(names(&list(&all)).len(), FORMS.len());
        assert_eq!(names("[]"), []);
    }

    #[test]
    fn a_notification_is_one_whatever_else_it_carries() {
        for beside in ["data", "detail", "message", "specversion", "detail-type", "eventType"] {
            let mut notification = parsed(CHANGE);
            notification[beside] = json!({"data": "e30="});
            assert_eq!(names(&notification.to_string()), [Ok("ResourceUpdated".to_owned())]);
        }
    }

    #[test]
    fn only_what_sns_signs_is_heard() {
        let mut forged = parsed(&sns(r#"{"hello":"world"}"#));
        forged["notificationType"] = json!("ResourceUpdated");
        forged["resource"] = json!({"typeId": "customer", "id": "c"});
        assert_eq!(names(&forged.to_string()), [Err(Undecodable::NotANotification)]);
    }

    #[test]
    fn much_that_is_no_notification_is_kept_as_one_list() {
        let junk = |count: usize| (0..count).map(|n| json!({ "n": n })).collect::<Vec<_>>();
        let mut all = junk(APART + 3);
        all.insert(50, parsed(CHANGE));
        all.push(parsed(CHANGE));
        let items = decode(Value::from(all).to_string().as_bytes(), None).items;
        assert_eq!(items.len(), APART + 3);
        let notifications = items.iter().filter(|item| matches!(item, PushedItem::Notification(_)));
        assert_eq!(notifications.count(), 2);
        let Some(PushedItem::Refused { why, content }) = items.last() else { panic!("a list") };
        assert_eq!(*why, Undecodable::NotANotification);
        assert_eq!(content, br#"[{"n":100},{"n":101},{"n":102}]"#);
        let items = decode(Value::from(junk(APART)).to_string().as_bytes(), None).items;
        assert_eq!(items.len(), APART);
    }

    #[test]
    fn a_list_loses_only_the_member_that_cannot_be_read() {
        let read = Ok("ResourceUpdated".to_owned());
        let refused = Err(Undecodable::NotJson);
        for broken in [
            r#"{"name":"\ud83d"}"#,
            r#"{"name":"\ud83d\u0041"}"#,
            r#"{"name":"\udc00"}"#,
            r#"{"\ud83d":1}"#,
            r#"{"amount":1e999}"#,
            "-1e400",
            r#"[{"deep":[1e999]}]"#,
        ] {
            let list = format!("[{CHANGE}, {broken} ,{CHANGE}]");
            let expected = [read.clone(), refused.clone(), read.clone()];
            for body in [
                list.clone(),
                format!("\u{feff}{list}"),
                pubsub(&list),
                sns(&list),
                cloud_event_base64(&list),
                cloud_event_text(&list),
                format!("[{},{broken},{CHANGE}]", pubsub(CHANGE)),
            ] {
                assert_eq!(names(&body), expected, "{body}");
            }
            let nested = format!("[[{CHANGE},{broken}],{CHANGE}]");
            assert_eq!(names(&nested), expected, "{nested}");
            let items = decode(list.as_bytes(), None).items;
            let PushedItem::Refused { content, .. } = &items[1] else { panic!("{items:?}") };
            let inner = broken.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            assert_eq!(content, inner.unwrap_or(broken).as_bytes(), "as it came");
            assert_eq!(names(broken).first(), Some(&refused), "{broken}");
        }
        let broken = format!("[{CHANGE},");
        assert_eq!(names(&broken), [refused], "a list that ends too early can be anything");
    }

    /// The content of a message is not needed: its resource can be read.
    #[test]
    fn a_notification_is_told_by_what_can_be_read_of_it() {
        let order = |member: &str| {
            format!(
                r#"{{"notificationType":"Message","type":"OrderCreated",{member}
                "resource":{{"typeId":"order","id":"o"}}}}"#
            )
        };
        let change = |member: &str| CHANGE.replacen('{', &format!("{{{member}"), 1);
        let (message, changed) = (["OrderCreated"], ["ResourceUpdated"]);
        for (body, expected) in [
            (order(r#""order":{"id":"o","name":"\ud83d"},"#), &message[..]),
            (order(r#""order":{"id":"o","lineItems":[{"a":"\udc00b"}],"total":1e999},"#), &message),
            (order(r#""order":1e999,"other":"\ud83d","#), &message),
            (change(r#""modifiedAt":"\ud83d","#), &changed),
            (change(r#""version":1e999,"#), &changed),
            // Except for members that identify it, or that the resource cannot supply after its deletion.
            (order(r#""createdAt":"\ud83d","#), &[]),
            (change(r#""dataErasure":"\ud83d","#), &[]),
            (change(r#""resourceUserProvidedIdentifiers":{"sku":"\ud83d"},"#), &[]),
            (CHANGE.replace(r#""id":"c""#, r#""id":"\ud83d""#), &[]),
            // SNS only signs `Message`.
            (change(r#""Type":"\ud83d","#), &[]),
            (change(r#""Type":"Notification","x":"\ud83d","#), &[]),
        ] {
            let expected: Vec<_> = match expected {
                [] => vec![Err(Undecodable::NotJson)],
                names => names.iter().map(|name| Ok((*name).to_owned())).collect(),
            };
            let raw = |before: &str, after: &str| format!("{before}{body}{after}");
            for body in [
                body.clone(),
                pubsub(&body),
                sns(&body),
                cloud_event_base64(&body),
                cloud_event_text(&body),
                kafka_text(&body),
                raw("[", "]"),
                raw(r#"{"specversion":"1.0","data":"#, "}"),
                raw(r#"{"specversion":"1.0","data":["#, "]}"),
                raw(r#"{"detail-type":"x","detail":"#, "}"),
                raw(r#"[{"key":null,"value":"#, r#","topic":"t"}]"#),
            ] {
                assert_eq!(names(&body), expected, "{body}");
            }
        }
        let items = decode(order(r#""order":{"id":"\ud83d"},"#).as_bytes(), None).items;
        let [PushedItem::Notification(told)] = items.as_slice() else { panic!("{items:?}") };
        let NotificationKind::Message(message) = &told.kind else { panic!("{told:?}") };
        assert!(message.payload_left_out && !told.raw.contains_key("order"), "{told:?}");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_what_it_stands_before() {
        let marked = |body: &str| format!("\u{feff}{body}");
        let one = [Ok("ResourceUpdated".to_owned())];
        assert_eq!(names(&marked(CHANGE)), one);
        assert_eq!(names(&marked("")), [Err(Undecodable::NotJson)]);
        for form in FORMS {
            assert_eq!(names(&marked(&form(CHANGE))), one);
        }
        for form in [pubsub, sns, cloud_event_base64, cloud_event_text] {
            assert_eq!(names(&form(&marked(CHANGE))), one);
        }
        let (mark, three) = ("\u{feff}", [one[0].clone(), one[0].clone(), one[0].clone()]);
        for body in [
            format!("[{mark}{CHANGE},{mark}{CHANGE} , {mark}{CHANGE}{mark}]{mark}"),
            format!("{mark}[{CHANGE}{mark},\n{mark} {CHANGE},{CHANGE}]"),
            format!("[{},{mark}{CHANGE},{mark}{CHANGE}]", sns(&marked(CHANGE))),
        ] {
            assert_eq!(names(&body), three, "{body}");
        }
        // Inside a string it is an ordinary character, and a quotation mark after a backslash does not end the string.
        let named = |name: &str| CHANGE.replacen('{', &format!(r#"{{"name":"{name}","#), 1);
        let name = format!(r#"{mark}a\\\"{mark}b"#);
        let items = decode(format!("[{mark}{}]", named(&name)).as_bytes(), None).items;
        let [PushedItem::Notification(told)] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(told.raw["name"], format!(r#"{mark}a\"{mark}b"#));
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
            (r#"{"detail":"hello"}"#, Undecodable::NotANotification),
            (r#"{"message":{}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":3}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":"%%%"}}"#, Undecodable::Envelope),
            (r#"{"message":{"data":"aGVsbG8="}}"#, Undecodable::Envelope),
            (r#"{"Type":"Notification"}"#, Undecodable::Envelope),
            (r#"{"Type":"Notification","Message":"hello"}"#, Undecodable::Envelope),
            (r#"{"Type":"Notification","Message":{}}"#, Undecodable::Envelope),
            (r#"{"specversion":"1.0"}"#, Undecodable::Envelope),
            (r#"{"specversion":"1.0","data":3}"#, Undecodable::Envelope),
            (r#"{"specversion":"1.0","data_base64":"%"}"#, Undecodable::Envelope),
            (r#"{"specversion":"1.0","data":{}}"#, Undecodable::NotANotification),
            (r#"{"key":"k","value":null}"#, Undecodable::Envelope),
            (r#"{"key":null,"value":"hello"}"#, Undecodable::Envelope),
            (r#"{"key":null,"value":{}}"#, Undecodable::NotANotification),
            (r#"{"value":{}}"#, Undecodable::NotANotification),
            (r#"{"detail-type":"x"}"#, Undecodable::Envelope),
            (r#"{"detail-type":"x","detail":"hello"}"#, Undecodable::Envelope),
            (r#"{"Type":"SubscriptionConfirmation"}"#, Undecodable::Handshake),
            (&deep, Undecodable::Envelope),
        ] {
            assert_eq!(names(body), [Err(expected)], "{body}");
        }
        let content = vec![0xff, 0xfe];
        let refused = PushedItem::Refused { why: Undecodable::NotJson, content: content.clone() };
        assert_eq!(decode(&content, Some(&SnsAuth::default())).items, [refused]);
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_came() {
        for body in [r#"{"detail-type":"x","detail":"hello"}"#, r#"{"specversion":"1.0","data":3}"#]
        {
            let items = decode(body.as_bytes(), Some(&SnsAuth::default())).items;
            let [PushedItem::Refused { content, .. }] = items.as_slice() else {
                panic!("{items:?}")
            };
            assert_eq!(content, body.as_bytes());
        }
    }
}
