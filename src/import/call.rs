//! A call of one of the two systems, as a value: whoever runs the machine makes it.

use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;

/// A call, as it is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A `GET` of commercetools, below `{api}/{project}`.
    Commercetools(String),
    /// A call of Klaviyo.
    Klaviyo {
        /// The HTTP method.
        method: &'static str,
        /// The path and query below Klaviyo's address.
        path: String,
        /// The body, if there is one.
        body: Option<String>,
    },
}

impl Call {
    pub(in crate::import) fn of_lookup(lookup: &Lookup) -> Self {
        Self::Klaviyo { method: "GET", path: lookup.path_and_query(), body: None }
    }

    pub(in crate::import) fn of_request(request: &Request) -> Self {
        Self::Klaviyo { method: request.method(), path: request.path(), body: request.body() }
    }
}
