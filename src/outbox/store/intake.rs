//! Stores what a push has to store: the bodies of the calls that bring it to the object, and what the object does with
//! them.
//!
//! A body has a line of JSON for each notification, then the notification's own bytes, whatever they are. The answer is
//! a list: the id of each dead letter, and an empty entry for each parked notification.

use serde::{Deserialize, Serialize};

use super::dead_letters::{self, NewDeadLetter};
use super::erasure;
use super::new_parked::NewParked;
use super::park::park_all;
use crate::json::read_bytes;
use crate::push::envelope::PushedItem;
use crate::push::parking::ERASURE_RANK;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Bytes of one call, unless one notification has more.
const BYTES: usize = 8_000_000;

/// An entry to store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewEntry {
    /// To try again.
    Parked(NewParked),
    /// For a person.
    DeadLetter(NewDeadLetter),
}

/// The version of the calls that store something. While two versions of the Worker are deployed side by side, the
/// object refuses unknown calls, and the sender tries again.
const VERSION: u32 = 1;

/// A line of JSON before the bytes of a notification.
#[derive(Serialize, Deserialize)]
struct EntryHead<N> {
    version: u32,
    new: N,
    bytes: usize,
}

/// The bodies of the calls, each with the number of its entries.
pub fn bodies<'a>(
    all: impl Iterator<Item = (&'a NewEntry, &'a PushedItem)>,
) -> Result<Vec<(usize, Vec<u8>)>, SqlError> {
    let mut bodies: Vec<(usize, Vec<u8>)> = Vec::new();
    for (new, item) in all {
        let owned;
        let content = match item {
            PushedItem::Refused { content, .. } => content,
            PushedItem::Notification(notification) => {
                owned = serde_json::to_vec(&notification.raw)?;
                &owned
            }
        };
        let head = serde_json::to_vec(&EntryHead { version: VERSION, new, bytes: content.len() })?;
        let more = head.len() + 1 + content.len();
        if bodies.last().is_none_or(|(_, body)| body.len() + more > BYTES) {
            bodies.push((0, Vec::new()));
        }
        if let Some((count, body)) = bodies.last_mut() {
            *count += 1;
            body.extend(head);
            body.push(b'\n');
            body.extend(content);
        }
    }
    Ok(bodies)
}

/// Stores the content of a body; returns the answer. All in one turn without an await.
pub fn take(sql: &dyn Sql, mut body: &[u8], now: UnixMs) -> Result<Vec<String>, SqlError> {
    let (mut stored, mut parked) = (Vec::new(), Vec::new());
    while let Some(end) = body.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = body.split_at(end + 1);
        let EntryHead { version, new, bytes }: EntryHead<NewEntry> = read_bytes(line)?;
        if version != VERSION {
            return Err(SqlError::new(format!("a notification of version {version}")));
        }
        let cut = || SqlError::new("a body is cut off");
        let (content, rest) = rest.split_at_checked(bytes).ok_or_else(cut)?;
        body = rest;
        stored.push(match new {
            NewEntry::Parked(new) => {
                parked.push((new, content));
                String::new()
            }
            NewEntry::DeadLetter(letter) => dead_letters::keep(sql, &letter, content)?,
        });
    }
    park_all(sql, &parked)?;
    // An erasure that was not tried has not erased anything yet.
    for (new, _) in &parked {
        if let (ERASURE_RANK, Some(customer)) = (new.rank, &new.customer) {
            erasure::erase(sql, customer, now)?;
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The shape of the calls to the object. A change of it needs a new [`VERSION`], except for an optional member.
    #[test]
    fn what_is_sent_keeps_its_shape() {
        let parked = json!({"parked": {"key": "customer/c", "rank": 1, "customer": "c",
            "at": 1, "due": 2, "code": "klaviyo_503", "attempts": 3, "doubtful_until": 4,
            "written_since": 5}});
        let letter = json!({"dead_letter": {"at": 1, "code": "not_json", "detail": "d",
            "pointer": null, "resource": "order/o", "customer": null, "attempts": 1}});
        for new in [parked, letter] {
            let head = json!({"version": 1, "new": new, "bytes": 9});
            let read: EntryHead<NewEntry> = serde_json::from_value(head.clone()).expect("a head");
            let written = serde_json::to_value(&read).expect("JSON");
            assert_eq!(written, head);
        }
    }
}
