//! The stored entries that a caller means: all, those with a code, or those in a list of ids.

use serde_json::{Map, Value, json};

use super::sql::SqlValue;
use crate::json::read_bytes;

/// How many ids a request may name, and how long one may be: a value in SQLite may have 2 MB.
const IDS: usize = 1_000;
const ID_BYTES: usize = 256;

/// Selected entries of a table with the columns `id` and `code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptSelection {
    /// All entries.
    All,
    /// The entries with these ids. An unknown id is no error.
    Ids(Vec<String>),
    /// The entries with this reason.
    Code(String),
}

impl KeptSelection {
    /// Reads a body: `{"ids"}` or `{"code"}`; an empty one asks for all.
    ///
    /// # Errors
    /// What is wrong with the body, as a sentence.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::All);
        }
        let members: Map<String, Value> =
            read_bytes(body).map_err(|_| "The body must be a JSON object, or empty.".to_owned())?;
        if let Some(unknown) = members.keys().find(|name| *name != "ids" && *name != "code") {
            return Err(format!("\"{unknown}\" is not known; there are ids, code."));
        }
        match (members.get("ids"), members.get("code")) {
            (None, None) => Ok(Self::All),
            (Some(ids), None) => Ok(Self::Ids(self::ids(ids)?)),
            (None, Some(code)) => {
                let code = code.as_str().filter(|code| !code.is_empty());
                let code = code.ok_or("code must be a text that is not empty.")?;
                Ok(Self::Code(code.to_owned()))
            }
            (Some(_), Some(_)) => Err("ids and code cannot be combined.".to_owned()),
        }
    }

    /// Reads the parameters `code` and `all` of a deletion. It deletes all only if the caller says so.
    ///
    /// # Errors
    /// What is wrong with the parameters, as a sentence.
    pub fn to_delete(code: Option<String>, all: Option<&str>) -> Result<Self, String> {
        match (code.filter(|code| !code.is_empty()), all) {
            (Some(code), None) => Ok(Self::Code(code)),
            (None, Some("true")) => Ok(Self::All),
            _ => Err("Say which: ?code=… or ?all=true.".to_owned()),
        }
    }

    /// An SQL condition for the selected rows, with one value: [`Self::value`].
    pub(crate) fn condition(&self) -> &'static str {
        match self {
            Self::All => "? IS NULL",
            Self::Ids(_) => "id IN (SELECT value FROM json_each(?))",
            Self::Code(_) => "code = ?",
        }
    }

    /// The value of the condition.
    pub(crate) fn value(&self) -> SqlValue {
        match self {
            Self::All => SqlValue::Null,
            Self::Ids(ids) => json!(ids).to_string().into(),
            Self::Code(code) => code.as_str().into(),
        }
    }
}

fn ids(value: &Value) -> Result<Vec<String>, String> {
    let list = value.as_array().filter(|list| (1..=IDS).contains(&list.len()));
    let ids: Option<Vec<_>> = list.and_then(|list| {
        let id = |id: &Value| {
            let id = id.as_str().filter(|id| (1..=ID_BYTES).contains(&id.len()))?;
            Some(id.to_owned())
        };
        list.iter().map(id).collect()
    });
    ids.ok_or_else(|| format!("ids must be a list of 1 to {IDS} texts of 1 to {ID_BYTES} bytes."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_names_ids_or_a_code_or_nothing() {
        let ids = |ids: &[&str]| KeptSelection::Ids(ids.iter().map(|id| (*id).into()).collect());
        for (body, expected) in [
            ("", KeptSelection::All),
            (" \n", KeptSelection::All),
            ("{}", KeptSelection::All),
            (r#"{"ids":["a","b"]}"#, ids(&["a", "b"])),
            (r#"{"code":"klaviyo_400"}"#, KeptSelection::Code("klaviyo_400".to_owned())),
        ] {
            assert_eq!(KeptSelection::read(body.as_bytes()), Ok(expected), "{body}");
        }
        let long = json!({"ids": vec!["a"; IDS]}).to_string();
        assert!(KeptSelection::read(long.as_bytes()).is_ok());
        let too_long = json!({"ids": vec!["a"; IDS + 1]}).to_string();
        for (body, said) in [
            ("x", "JSON object"),
            ("[]", "JSON object"),
            (r#"{"id":"a"}"#, "\"id\" is not known"),
            (r#"{"ids":["a"],"code":"c"}"#, "ids and code"),
            (r#"{"ids":[]}"#, "ids must"),
            (r#"{"ids":"a"}"#, "ids must"),
            (r#"{"ids":["a",1]}"#, "ids must"),
            (r#"{"ids":[""]}"#, "ids must"),
            (too_long.as_str(), "ids must"),
            (r#"{"code":""}"#, "code must"),
            (r#"{"code":null}"#, "code must"),
        ] {
            let problem = KeptSelection::read(body.as_bytes()).expect_err(body);
            assert!(problem.contains(said), "{body}: {problem}");
        }
    }

    #[test]
    fn all_is_deleted_only_for_somebody_who_says_so() {
        let code = |code: &str| Some(code.to_owned());
        let to_delete = KeptSelection::to_delete;
        assert_eq!(to_delete(None, Some("true")), Ok(KeptSelection::All));
        assert_eq!(to_delete(code("c"), None), Ok(KeptSelection::Code("c".to_owned())));
        for (code, all) in [
            (None, None),
            (code(""), None),
            (None, Some("")),
            (None, Some("false")),
            (code("c"), Some("true")),
        ] {
            assert!(to_delete(code.clone(), all).is_err(), "{code:?} {all:?}");
        }
    }
}
