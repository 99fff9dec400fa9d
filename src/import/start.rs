//! The start of an import: the body of `POST /sync/{kind}`.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::kind::ImportKind;
use super::selection::{RunSelection, RunTrigger};
use crate::commercetools::reference::Id;
use crate::json::read_bytes;

/// What a start asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// Which records.
    pub selection: RunSelection,
    /// The ids, if the selection is a list.
    pub ids: Vec<Id>,
    /// Who asks.
    pub trigger: RunTrigger,
}

impl RunStart {
    /// A start by hand, without a list.
    fn of(selection: RunSelection) -> Self {
        Self::over(Vec::new(), selection)
    }

    /// A start by hand, over a list.
    #[must_use]
    pub fn over(ids: Vec<Id>, selection: RunSelection) -> Self {
        Self { selection, ids, trigger: RunTrigger::Hand }
    }
}

/// Reads the body of a start; an empty one asks for everything.
///
/// # Errors
/// What is wrong with the body, as a sentence.
pub fn read(kind: ImportKind, body: &[u8]) -> Result<RunStart, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(RunStart::of(RunSelection::Full));
    }
    let members: Map<String, Value> =
        read_bytes(body).map_err(|_| "The body must be a JSON object, or empty.".to_owned())?;
    let known = ["ids", "startId", "since", "deleteAll", "confirmDeletion"];
    if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("\"{unknown}\" is not known; there are {}.", known.join(", ")));
    }
    let deletes = ["deleteAll", "confirmDeletion"];
    let asked: Vec<_> = ["ids", "startId", "since", "deleteAll"]
        .into_iter()
        .filter(|name| members.contains_key(*name))
        .collect();
    if asked.len() > 1 {
        return Err(format!("{} cannot be combined.", asked.join(" and ")));
    }
    if deletes.iter().any(|name| members.contains_key(*name)) {
        return deletion(kind, &members).map(|()| RunStart::of(RunSelection::DeleteAll));
    }
    if let Some(ids) = members.get("ids") {
        return Ok(RunStart::over(self::ids(ids)?, RunSelection::Ids));
    }
    if let Some(id) = members.get("startId") {
        let id = id.as_str().and_then(Id::new);
        let id = id.ok_or("startId must be a text of 1 to 256 bytes.")?;
        return Ok(RunStart::of(RunSelection::StartId(id)));
    }
    if let Some(since) = members.get("since") {
        let since = since.as_str().and_then(|since| DateTime::parse_from_rfc3339(since).ok());
        let since =
            since.ok_or("since must be a time as in RFC 3339, such as 2026-01-31T00:00:00Z.")?;
        return Ok(RunStart::of(RunSelection::Since(since.to_utc())));
    }
    Ok(RunStart::of(RunSelection::Full))
}

fn ids(value: &Value) -> Result<Vec<Id>, String> {
    let problem = || "ids must be a list of texts of 1 to 256 bytes.".to_owned();
    let list = value.as_array().filter(|list| !list.is_empty()).ok_or_else(problem)?;
    let ids: Option<Vec<_>> = list.iter().map(|id| id.as_str().and_then(Id::new)).collect();
    let mut ids = ids.ok_or_else(problem)?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// As in the plugin: a caller who deletes everything has to write the kind's name.
fn deletion(kind: ImportKind, members: &Map<String, Value>) -> Result<(), String> {
    let (name, what) = match kind {
        ImportKind::Categories => ("categories", "ALL CATEGORIES"),
        ImportKind::Products => ("products", "ALL PRODUCTS/VARIANTS"),
        ImportKind::Customers | ImportKind::Orders => {
            return Err(format!("{} cannot be deleted in Klaviyo.", kind.title()));
        }
    };
    if members.get("deleteAll") != Some(&Value::Bool(true)) {
        return Err("deleteAll must be true.".to_owned());
    }
    if members.get("confirmDeletion").and_then(Value::as_str) != Some(name) {
        return Err(format!(
            "For testing only. This operation will delete {what} in Klaviyo, including those not \
             created by this plugin. If you understand the risk and still want to do it, add \
             \"confirmDeletion\": \"{name}\" to the request body."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(body: &str) -> Result<RunStart, String> {
        read(ImportKind::Products, body.as_bytes())
    }

    #[test]
    fn each_way_to_start_is_read() {
        let id = |id| Id::new(id).expect("an id");
        let since = DateTime::UNIX_EPOCH;
        for (body, expected) in [
            ("", RunSelection::Full),
            (" \n", RunSelection::Full),
            ("{}", RunSelection::Full),
            (r#"{"startId":"a"}"#, RunSelection::StartId(id("a"))),
            (r#"{"since":"1970-01-01T01:00:00+01:00"}"#, RunSelection::Since(since)),
            (r#"{"deleteAll":true,"confirmDeletion":"products"}"#, RunSelection::DeleteAll),
        ] {
            assert_eq!(start(body), Ok(RunStart::of(expected)), "{body}");
        }
        let ids = RunStart::over(vec![id("a"), id("b")], RunSelection::Ids);
        assert_eq!(start(r#"{"ids":["b","a","b"]}"#), Ok(ids));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, said) in [
            ("x", "JSON object"),
            ("[]", "JSON object"),
            (r#"{"id":[]}"#, "\"id\" is not known"),
            (r#"{"ids":["a"],"since":"2026-01-01T00:00:00Z"}"#, "ids and since"),
            (r#"{"ids":[]}"#, "ids must"),
            (r#"{"ids":[1]}"#, "ids must"),
            (r#"{"ids":"a"}"#, "ids must"),
            (r#"{"ids":[""]}"#, "ids must"),
            (r#"{"startId":1}"#, "startId must"),
            (r#"{"since":"yesterday"}"#, "since must"),
            (r#"{"deleteAll":false}"#, "deleteAll must"),
            (r#"{"confirmDeletion":"products"}"#, "deleteAll must"),
            (r#"{"deleteAll":true}"#, "confirmDeletion"),
            (r#"{"deleteAll":true,"confirmDeletion":"categories"}"#, "confirmDeletion"),
        ] {
            let problem = start(body).expect_err(body);
            assert!(problem.contains(said), "{body}: {problem}");
        }
        let deletion = br#"{"deleteAll":true,"confirmDeletion":"orders"}"#;
        assert!(read(ImportKind::Orders, deletion).is_err());
    }
}
