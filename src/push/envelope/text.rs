//! JSON as brokers and their connectors write it, which is more than a reader of JSON takes: with a
//! byte order mark, with half of a surrogate pair where a text was cut, with a number that is too large.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::read_bytes;

/// UTF-8's.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What was read of a text.
pub(super) enum JsonText {
    /// All of it.
    Whole(Value),
    /// It is a list, of which at least one member cannot be read; each as it came.
    Members(Vec<Box<RawValue>>),
}

impl JsonText {
    /// Reads a text, or nothing if it is no JSON. Where a list ends and its members begin can be told
    /// without reading what they hold.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let whole = read_bytes(text).map(Self::Whole);
        whole.or_else(|_| read_bytes(text).map(Self::Members)).ok()
    }
}
