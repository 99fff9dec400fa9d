//! What every mapping gives: a body, and what it could not say.

/// A mapped document, and the names of what had to be left out: to keep Klaviyo's limits, or since it
/// has no form that Klaviyo can use.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedBody<T> {
    /// The body.
    pub body: T,
    /// For the log; names only.
    pub cut: Vec<String>,
}
