//! Texts with more content than the memory allows: finds their members without reading them.
//!
//! Not for: reading the members ([`super::text`]).

use serde::Deserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most values of a text that becomes a tree, some 100 bytes each. An order of 500 lines has 130,000.
pub(super) const MOST_VALUES: usize = 200_000;

/// The most members of an object that is a notification or an envelope: such objects have some twenty.
const MOST_MEMBERS: usize = 1_000;

/// The minimum average bytes of the members of a list that contains notifications. The shortest notification that leads
/// to work has some 90.
const BYTES_OF_MEMBER: usize = 30;

/// A list of up to this many members may have shorter ones.
const SHORT_LIST: usize = 1_000;

/// Estimates the number of values in a text, never too low. Eight bytes at a time, since it runs for every push.
pub(super) fn values(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks();
    let begun = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    words.iter().map(|word| begun_in(u64::from_le_bytes(*word))).sum::<usize>()
        + rest.iter().filter(begun).count()
}

/// How many of the eight bytes are a comma or open something.
fn begun_in(word: u64) -> usize {
    let commas = bytes_of(word, b',');
    // The brackets differ in this one bit.
    let open = bytes_of(word | each(b'[' ^ b'{'), b'{');
    (commas | open).count_ones() as usize
}

/// One bit for each byte of `word` that equals `byte`.
fn bytes_of(word: u64, byte: u8) -> u64 {
    let low = each(0x7f);
    let differing = word ^ each(byte);
    !(((differing & low) + low) | differing | low)
}

fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The raw members of a list; none if it is no list, or has more members than could be notifications.
pub(super) fn list(text: &[u8]) -> Option<Vec<&RawValue>> {
    let most = SHORT_LIST.max(text.len() / BYTES_OF_MEMBER);
    let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(text).ok()?);
    let members = reader.deserialize_seq(MemberList { most }).ok()?;
    reader.end().ok().map(|()| members)
}

struct MemberList {
    most: usize,
}

impl<'a> Visitor<'a> for MemberList {
    type Value = Vec<&'a RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of notifications")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut list: S) -> Result<Self::Value, S::Error> {
        let mut members = Vec::new();
        while let Some(member) = list.next_element()? {
            if members.len() == self.most {
                return Err(S::Error::custom("more members than could be notifications"));
            }
            members.push(member);
        }
        Ok(members)
    }
}

/// The raw members of an object; none if it is no object, or has more members than a useful one.
pub(super) fn object(text: &[u8]) -> Option<Vec<(String, &RawValue)>> {
    let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(text).ok()?);
    let members = reader.deserialize_map(MemberMap).ok()?;
    reader.end().ok().map(|()| members)
}

struct MemberMap;

impl<'a> Visitor<'a> for MemberMap {
    type Value = Vec<(String, &'a RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a notification or an envelope")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut object: M) -> Result<Self::Value, M::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            if members.len() == MOST_MEMBERS {
                return Err(M::Error::custom("more members than one that is of use"));
            }
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::push::envelope::{PushedItem, Undecodable, decode, parts};

    fn order_created(lines: usize) -> String {
        let line = json!({"id": "l", "variant": {"attributes": vec![json!({"name": "n", "value": 1}); 60]}});
        json!({"notificationType": "Message", "type": "OrderCreated", "id": "m",
            "resource": {"typeId": "order", "id": "o"}, "createdAt": "2026-06-01T00:00:00.000Z",
            "order": {"id": "o", "lineItems": vec![line; lines]}})
        .to_string()
    }

    #[test]
    fn each_comma_and_each_bracket_that_opens_counts() {
        let every: Vec<u8> = (0..=255).collect();
        for length in 0..every.len() {
            for text in [&every[..length], &every[length..]] {
                let counted = text.iter().filter(|byte| b",[{".contains(byte)).count();
                assert_eq!(values(text), counted, "{text:?}");
            }
        }
    }

    #[test]
    fn of_a_notification_that_is_too_large_it_is_known_what_it_is_about() {
        let cloud_event = |data: &str| format!(r#"{{"specversion":"1.0","id":"1","data":{data}}}"#);
        let record = |value: &str| format!(r#"{{"key":null,"value":{value}}}"#);
        for (lines, is_whole) in [(100, true), (2_000, false)] {
            let bare = order_created(lines);
            assert_eq!(values(bare.as_bytes()) <= MOST_VALUES, is_whole);
            for body in [bare.clone(), cloud_event(&bare), record(&bare), format!("[{bare}]")] {
                let items = decode(body.as_bytes(), None).items;
                let [PushedItem::Notification(one)] = items.as_slice() else { panic!("{lines}") };
                assert_eq!(one.type_name(), "OrderCreated");
                assert_eq!(one.resource.as_ref().map(|order| order.id.as_str()), Some("o"));
                assert_eq!(one.raw.contains_key("order"), is_whole);
                assert_eq!(one.raw.contains_key("payloadNotIncluded"), !is_whole);
            }
        }
    }

    #[test]
    fn more_than_could_be_notifications_is_kept_as_one() {
        let member =
            r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"order","id":"o"}}"#;
        let list = |one: &str, count: usize| format!("[{}]", vec![one; count].join(","));
        for (body, items, why) in [
            (list(member, 3_000), 3_000, None),
            (list("0", 400_000), 1, Some(Undecodable::TooLarge)),
            (list("{}", 400_000), 1, Some(Undecodable::TooLarge)),
            (list("[]", 400_000), 1, Some(Undecodable::TooLarge)),
            (
                format!("{{{}}}", vec![r#""a":0"#; 300_000].join(",")),
                1,
                Some(Undecodable::TooLarge),
            ),
            ("[".repeat(400_000), 1, Some(Undecodable::TooLarge)),
            (format!("[{}", list(member, 3_000)), 1, Some(Undecodable::NotJson)),
        ] {
            let read = decode(body.as_bytes(), None).items;
            assert_eq!(read.len(), items, "{}", &body[..40]);
            let refused = match &read[0] {
                PushedItem::Refused { why, .. } => Some(*why),
                PushedItem::Notification(_) => None,
            };
            assert_eq!(refused, why, "{}", &body[..40]);
        }
    }

    #[test]
    fn a_large_list_is_worked_on_a_part_at_a_time() {
        let member = |n: usize| {
            json!({"notificationType": "ResourceUpdated", "resource": {"typeId": "order", "id": n.to_string()},
                "beside": "x".repeat(2_000 + n % 2_000)})
        };
        let body = Value::from((0..1_500).map(member).collect::<Vec<_>>()).to_string();
        for body in [body.clone(), format!("\u{feff}{body}")] {
            let parts = parts(body.as_bytes());
            assert!(parts.len() > 3, "{}", parts.len());
            let items = parts.iter().flat_map(|part| part.decode(None).items);
            let ids: Vec<_> = items
                .map(|item| match item {
                    PushedItem::Notification(one) => {
                        one.resource.expect("a resource").id.to_string()
                    }
                    PushedItem::Refused { why, .. } => panic!("{why}"),
                })
                .collect();
            assert_eq!(ids, (0..1_500).map(|n: usize| n.to_string()).collect::<Vec<_>>());
        }
        assert_eq!(
            parts(&body.as_bytes()[..900_000]).len(),
            1,
            "what is small, or no list, is one"
        );
        let text = format!("\"{}\"", "x".repeat(2_000_000));
        assert_eq!(parts(text.as_bytes()).len(), 1);
    }
}
