//! The envelope of every body: JSON:API resources.

use serde::Serialize;

/// The outermost member of a body, and of what stands inside one.
#[derive(Serialize)]
pub(super) struct Data<T> {
    data: T,
}

/// A resource that Klaviyo gives an id.
#[derive(Serialize)]
pub(super) struct Resource<T> {
    r#type: &'static str,
    attributes: T,
}

/// A resource that has one.
#[derive(Serialize)]
pub(super) struct Identified<'a, T> {
    r#type: &'static str,
    id: &'a str,
    attributes: T,
}

pub(super) fn data<T>(data: T) -> Data<T> {
    Data { data }
}

pub(super) fn resource<T>(r#type: &'static str, attributes: T) -> Resource<T> {
    Resource { r#type, attributes }
}

pub(super) fn identified<'a, T>(
    r#type: &'static str,
    id: &'a str,
    attributes: T,
) -> Identified<'a, T> {
    Identified { r#type, id, attributes }
}

pub(super) fn text(body: &impl Serialize) -> String {
    // Bodies hold strings, numbers and maps with text keys: none of them can fail to serialise.
    serde_json::to_string(body).unwrap_or_default()
}
