//! Why a document cannot be mapped.

/// A document without a body that Klaviyo would accept, for a reason that only a person can fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MappingFault {
    /// The e-mail address is malformed. It is not repaired: a guess could reach somebody else.
    #[error("the e-mail address is malformed; correct it in commercetools")]
    MalformedEmail,
}

impl MappingFault {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedEmail => "malformed_email",
        }
    }

    /// The place of the fault, as a JSON pointer into the Klaviyo profile.
    #[must_use]
    pub fn pointer(self) -> &'static str {
        match self {
            Self::MalformedEmail => "/data/attributes/email",
        }
    }
}
