//! A call of one of the two systems, as a value: the host makes it.

use crate::commercetools::reference::Id;
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
    /// Park these records in the outbox, as if each had been changed. Answered 201 once they are
    /// stored.
    HandOver {
        /// commercetools' name of such a resource.
        resource_type: &'static str,
        /// Their ids.
        ids: Vec<Id>,
    },
}

impl Call {
    pub(crate) fn of_lookup(lookup: &Lookup) -> Self {
        Self::Klaviyo { method: "GET", path: lookup.path_and_query(), body: None }
    }

    pub(crate) fn of_request(request: &Request) -> Self {
        Self::Klaviyo { method: request.method(), path: request.path(), body: request.body() }
    }
}
