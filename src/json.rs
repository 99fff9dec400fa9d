//! JSON as this crate reads it: text, by one reader.
//!
//! `serde` compiles every type once more for each kind of reader. `serde_json` has four (`&str`, `&[u8]`, `Value`,
//! `&Value`); each costs the worker 20 kB and more, compressed. So a test keeps the other three out of the other
//! modules. Not in scope: what a text means.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error};
use serde_json::Value;

/// Reads bytes that should be JSON, which is UTF-8 (RFC 8259, section 8.1).
///
/// # Errors
/// The bytes are not UTF-8, not JSON, or not a `T`.
pub(crate) fn read_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> serde_json::Result<T> {
    let text = std::str::from_utf8(bytes).map_err(serde_json::Error::custom)?;
    serde_json::from_str(text)
}

/// Reads a tree by way of its text.
///
/// # Errors
/// The tree is not a `T`.
pub(crate) fn read_value<T: DeserializeOwned>(value: &Value) -> serde_json::Result<T> {
    serde_json::from_str(&value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_are_read_as_text() {
        let cases: [(&[u8], Option<Value>); 4] = [
            (b"[1]", Some(json!([1]))),
            ("\"\u{fc}\"".as_bytes(), Some(json!("\u{fc}"))),
            (b"\"\xfc\"", None),
            (b"[1", None),
        ];
        for (bytes, read) in cases {
            assert_eq!(read_bytes::<Value>(bytes).ok(), read, "{bytes:?}");
        }
    }

    #[test]
    fn a_tree_is_read_by_its_members() {
        let read: Option<Vec<u8>> = read_value(&json!([1, 2])).ok();
        assert_eq!(read, Some(vec![1, 2]));
        assert!(read_value::<Vec<u8>>(&json!([-1])).is_err());
    }
}
