//! JSON as brokers and their connectors write it, which is more than a reader of JSON takes: with
//! byte order marks, with half of a surrogate pair where a text was cut, with a number that is too large.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::large::{self, MOST_VALUES, values};
use crate::json::read_bytes;

/// UTF-8's.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What was read of a text.
pub(super) enum JsonText {
    /// All of it.
    Whole(Value),
    /// It is a list, which is too large or of which at least one member cannot be read; each as it came.
    Members(Vec<Box<RawValue>>),
    /// It is an object, of which at least one member cannot be read.
    Partly(PartlyRead),
}

/// An object, as far as it can be read.
#[derive(Default)]
pub(super) struct PartlyRead {
    /// The members that can be read.
    pub(super) read: Map<String, Value>,
    /// The others, as they came.
    pub(super) unread: BTreeMap<String, Box<RawValue>>,
}

impl JsonText {
    /// Reads a text, or nothing if it is no JSON, or a list of more than could be notifications. Where a list or an object ends and its members begin can
    /// be told without reading what they hold.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        if values(text) > MOST_VALUES {
            return large::read(text);
        }
        Self::without_mark(text).or_else(|| Self::without_mark(&without_inner_marks(text)?))
    }

    fn without_mark(text: &[u8]) -> Option<Self> {
        let whole = read_bytes(text).map(Self::Whole);
        let members = whole.or_else(|_| read_bytes(text).map(Self::Members));
        members.or_else(|_| read_bytes(text).map(|all| Self::Partly(PartlyRead::of(all)))).ok()
    }
}

impl PartlyRead {
    fn of(all: BTreeMap<String, Box<RawValue>>) -> Self {
        let mut partly = Self::default();
        for (name, raw) in all {
            match read_bytes(raw.get().as_bytes()) {
                Ok(value) => drop(partly.read.insert(name, value)),
                Err(_) => drop(partly.unread.insert(name, raw)),
            }
        }
        partly
    }
}

/// The text without the byte order marks between its members, where several texts were put into one; none if
/// it has none there. Within a string a mark is a character as others are.
fn without_inner_marks(text: &[u8]) -> Option<Vec<u8>> {
    let mut left = Vec::with_capacity(text.len());
    let (mut is_in_string, mut is_escaped) = (false, false);
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        if !is_in_string && let Some(after) = rest.strip_prefix(BYTE_ORDER_MARK) {
            rest = after;
            continue;
        }
        is_in_string ^= *byte == b'"' && !is_escaped;
        is_escaped = is_in_string && *byte == b'\\' && !is_escaped;
        left.push(*byte);
        rest = after;
    }
    (left.len() < text.len()).then_some(left)
}
