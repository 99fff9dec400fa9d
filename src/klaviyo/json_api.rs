//! The envelope of every body: JSON:API resources.

use serde::Serialize;

/// The outermost member of a body, and of nested resources.
#[derive(Serialize)]
pub(super) struct DataMember<T> {
    data: T,
}

/// A resource that gets its id from Klaviyo.
#[derive(Serialize)]
pub(super) struct NewResource<T> {
    r#type: &'static str,
    attributes: T,
}

/// A resource with more than attributes, with its id if it has one.
#[derive(Serialize)]
pub(super) struct ResourceWithMeta<'a, T, M> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    attributes: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

/// A resource with an id.
#[derive(Serialize)]
pub(super) struct IdentifiedResource<'a, T> {
    r#type: &'static str,
    id: &'a str,
    attributes: T,
}

pub(super) fn data<T>(data: T) -> DataMember<T> {
    DataMember { data }
}

pub(super) fn resource<T>(r#type: &'static str, attributes: T) -> NewResource<T> {
    NewResource { r#type, attributes }
}

pub(super) fn with_meta<'a, T, M>(
    r#type: &'static str,
    id: Option<&'a str>,
    attributes: T,
    meta: Option<M>,
) -> ResourceWithMeta<'a, T, M> {
    ResourceWithMeta { r#type, id, attributes, meta }
}

pub(super) fn identified<'a, T>(
    r#type: &'static str,
    id: &'a str,
    attributes: T,
) -> IdentifiedResource<'a, T> {
    IdentifiedResource { r#type, id, attributes }
}

pub(super) fn text(body: &impl Serialize) -> String {
    // Bodies hold strings, numbers and maps with text keys: none of them can fail to serialise.
    serde_json::to_string(body).unwrap_or_default()
}

/// A JSON text with a list of rows, which are JSON. It may have 5 MB, so its size is reserved in advance.
pub(super) fn with_rows(before: &str, rows: &[impl AsRef<str>], after: &str) -> String {
    let bytes: usize = rows.iter().map(|row| row.as_ref().len() + 1).sum();
    let mut text = String::with_capacity(before.len() + bytes + after.len());
    text.push_str(before);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(row.as_ref());
    }
    text.push_str(after);
    text
}
