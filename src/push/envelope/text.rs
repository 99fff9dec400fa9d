//! JSON as brokers and their connectors write it, which goes beyond what a JSON reader accepts: with byte order marks,
//! with half of a surrogate pair at the cut of a text, with a number that is too large, with more content than the
//! memory allows.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::large::{self, MOST_VALUES};
use crate::json::read_bytes;

/// The bytes of a member that is read although its text is [`large`]: the members that name a resource and what
/// happened to it are short.
const SHORT_MEMBER: usize = 4_096;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The result of reading a text.
pub(super) enum JsonText {
    /// All of it.
    Whole(Value),
    /// It is a list that is too large, or that has an unreadable member; each member in its original form.
    Members(Vec<Box<RawValue>>),
    /// It is an object that is too large, or that has an unreadable member.
    Partly(PartlyRead),
}

/// An object, as far as it can be read.
#[derive(Default)]
pub(super) struct PartlyRead {
    /// The readable members.
    pub(super) read: Map<String, Value>,
    /// The others, in their original form.
    pub(super) unread: BTreeMap<String, Box<RawValue>>,
}

impl JsonText {
    /// Reads a text; none if it is no JSON, or has more members than could be of use. The boundaries of a list or an
    /// object and of its members are visible without reading their content.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = without_leading_mark(text);
        if is_large(text) {
            return Self::of_large(text);
        }
        Self::without_mark(text).or_else(|| Self::without_mark(&without_inner_marks(text)?))
    }

    fn of_large(text: &[u8]) -> Option<Self> {
        if let Some(list) = large::list(text) {
            return Some(Self::Members(list.into_iter().map(ToOwned::to_owned).collect()));
        }
        let mut partly = PartlyRead::default();
        for (name, raw) in large::object(text)? {
            let is_short = raw.get().len() <= SHORT_MEMBER;
            partly.add(name, raw.to_owned(), is_short);
        }
        Some(Self::Partly(partly))
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
            partly.add(name, raw, true);
        }
        partly
    }

    /// Adds a member: parsed, if it is readable and `is_wanted`, otherwise raw.
    fn add(&mut self, name: String, raw: Box<RawValue>, is_wanted: bool) {
        let read = is_wanted.then(|| read_bytes(raw.get().as_bytes()).ok()).flatten();
        match read {
            Some(value) => drop(self.read.insert(name, value)),
            None => drop(self.unread.insert(name, raw)),
        }
    }
}

/// Whether a text has too many values to become a tree.
pub(super) fn is_large(text: &[u8]) -> bool {
    large::values(text) > MOST_VALUES
}

/// The text without a leading byte order mark.
pub(super) fn without_leading_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// The text without byte order marks between its members, if several texts were joined; none if it has none there.
/// Inside a string a mark is an ordinary character.
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
