//! Klaviyo's limits on requests, and how bodies are cut to keep them.
//!
//! Sources: the events API overview ("Limitations"), the profile and event operations of the
//! official specification, revision [`super::REVISION`].

use serde_json::{Map, Value};

/// Events in one `event-bulk-create-job`.
pub const EVENTS_PER_JOB: usize = 1000;

/// Bytes of the rows of one bulk request. A body may have 5 MB; its envelope stays far below the
/// 100 kB left for it.
pub const JOB_BYTES: usize = 4_900_000;

/// Up to this many events go each in its own call, at once: a Worker has six connections.
pub const EVENTS_ALONE: usize = 6;

/// Top-level properties of an event.
const EVENT_PROPERTIES: usize = 400;

/// Levels of objects and lists in an event's properties, the properties themselves being the
/// first.
const EVENT_NESTING: usize = 10;

/// Members of a list in an event's properties.
const EVENT_LIST: usize = 4000;

/// Bytes of one text in an event's properties: 100 KB.
const EVENT_TEXT: usize = 100_000;

/// Bytes of an event's properties. A body may have 5 MB; the rest of it (metric, profile, ids)
/// stays far below the 100 kB left for it.
const EVENT_BYTES: usize = 4_900_000;

/// Bytes of a profile's properties. A body may have 100 KB; the other attributes are texts of
/// commercetools' forms, for which 20 kB are left.
const PROFILE_BYTES: usize = 80_000;

/// Bytes of the custom metadata of an item or variant: 100 KB.
const METADATA_BYTES: usize = 99_000;

/// Cuts the custom metadata of an item or variant to the limit. Returns the names of the cut
/// members.
pub fn fit_metadata(metadata: &mut Map<String, Value>) -> Vec<String> {
    let mut cut = Vec::new();
    shrink(metadata, METADATA_BYTES, &mut cut);
    cut
}

/// Cuts an event's properties to the limits; the first properties are the most important. Returns
/// the paths of the cut values.
pub fn fit_event_properties(properties: &mut Map<String, Value>) -> Vec<String> {
    let mut cut = Vec::new();
    for (name, value) in properties.iter_mut() {
        // Mostly there is nothing to cut, so no path has to be built.
        if !fits(value, 2) {
            fit(value, 2, name, &mut cut);
        }
    }
    for name in properties.keys().skip(EVENT_PROPERTIES).cloned().collect::<Vec<_>>() {
        properties.shift_remove(&name);
        cut.push(name);
    }
    shrink(properties, EVENT_BYTES, &mut cut);
    cut
}

/// Cuts a profile's properties to the limits. Returns the names of the cut properties.
pub fn fit_profile_properties(properties: &mut Map<String, Value>) -> Vec<String> {
    let mut cut = Vec::new();
    shrink(properties, PROFILE_BYTES, &mut cut);
    cut
}

/// Whether texts, lists and nesting keep the limits.
fn fits(value: &Value, level: usize) -> bool {
    match value {
        Value::String(text) => text.len() <= EVENT_TEXT,
        Value::Array(_) | Value::Object(_) if level > EVENT_NESTING => false,
        Value::Array(list) => {
            list.len() <= EVENT_LIST && list.iter().all(|member| fits(member, level + 1))
        }
        Value::Object(members) => members.values().all(|member| fits(member, level + 1)),
        _ => true,
    }
}

/// Shortens texts and lists; empties values that are nested too deep.
fn fit(value: &mut Value, level: usize, path: &str, cut: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() > EVENT_TEXT => {
            let end = (0..=EVENT_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            cut.push(path.to_owned());
        }
        Value::Array(_) | Value::Object(_) if level > EVENT_NESTING => {
            *value = Value::Null;
            cut.push(path.to_owned());
        }
        Value::Array(list) => {
            if list.len() > EVENT_LIST {
                list.truncate(EVENT_LIST);
                cut.push(path.to_owned());
            }
            for member in list {
                fit(member, level + 1, path, cut);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                fit(member, level + 1, &format!("{path}.{name}"), cut);
            }
        }
        _ => {}
    }
}

/// Drops the largest property until the total is small enough.
fn shrink(properties: &mut Map<String, Value>, limit: usize, cut: &mut Vec<String>) {
    // Mostly an estimate proves that it is; serializing everything to count is expensive.
    if properties.iter().map(|(name, value)| name.len() + at_most(value)).sum::<usize>() <= limit {
        return;
    }
    let mut sizes: Vec<(usize, String)> = properties
        .iter()
        .map(|(name, value)| (name.len() + value.to_string().len() + 4, name.clone()))
        .collect();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    sizes.sort_unstable();
    while total > limit {
        let Some((size, name)) = sizes.pop() else { return };
        properties.shift_remove(&name);
        total -= size;
        cut.push(name);
    }
}

/// An upper bound of the bytes of a value as JSON, with its separator: a byte of text may become
/// six (`\u0000`), a number takes up to 24.
fn at_most(value: &Value) -> usize {
    8 + match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(_) => 24,
        Value::String(text) => 6 * text.len(),
        Value::Array(list) => list.iter().map(at_most).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| 6 * name.len() + at_most(member)).sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!({}), |inner, _| json!({ "in": inner }))
    }

    #[test]
    fn what_keeps_the_limits_is_untouched() {
        let mut properties = object(json!({"a": nested(EVENT_NESTING - 1), "b": [1, 2], "c": "x"}));
        let before = properties.clone();
        assert_eq!(fit_event_properties(&mut properties), Vec::<String>::new());
        assert_eq!(properties, before);
    }

    #[test]
    fn each_limit_of_an_event_is_kept_and_named() {
        let mut properties = object(json!({
            "deep": nested(EVENT_NESTING),
            "long": "ä".repeat(EVENT_TEXT),
            "list": vec![0; EVENT_LIST + 1],
        }));
        for index in 0..EVENT_PROPERTIES {
            properties.insert(format!("p{index}"), json!(index));
        }
        let cut = fit_event_properties(&mut properties);
        assert_eq!(cut[0], format!("deep{}", ".in".repeat(EVENT_NESTING - 1)));
        assert_eq!(cut[1..3], ["long", "list"]);
        assert_eq!(cut[3..], ["p397", "p398", "p399"]);
        assert_eq!(properties["long"].as_str().map(str::len), Some(EVENT_TEXT));
        assert_eq!(properties["list"].as_array().map(Vec::len), Some(EVENT_LIST));
        assert_eq!(properties.len(), EVENT_PROPERTIES);
    }

    #[test]
    fn the_largest_property_goes_first() {
        let text = "x".repeat(EVENT_TEXT);
        let mut properties =
            object(json!({"small": 1, "lines": vec![text.clone(); 45], "other": vec![text; 10]}));
        assert_eq!(fit_event_properties(&mut properties), ["lines"]);
        let mut properties = object(json!({"a": "x".repeat(PROFILE_BYTES), "b": "y"}));
        assert_eq!(fit_profile_properties(&mut properties), ["a"]);
        assert_eq!(properties.len(), 1);
    }
}
