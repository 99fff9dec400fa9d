//! Every fault as a type: who has to act, what happened, and whether the fault passes.
//!
//! There are two enums because the next step differs: the Worker retries a [`TransientFault`]; a [`FinalFault`] needs a
//! person. Each renders its stable code here, and nobody parses a code: code that depends on a fault matches on the
//! fault.
//!
//! | who must act | type |
//! |---|---|
//! | nobody; time does | [`TransientFault`] whose [`TransientFault::mended_by_operator`] is none |
//! | an operator: a key, a scope, an API client | the other [`TransientFault`]s |
//! | somebody who knows the record | [`FinalFault`] |
//!
//! Not in scope: why a notification is ignored ([`crate::push::plan::IgnoreReason`]), what is wrong
//! with the settings ([`crate::config`]), and why a push is not authenticated (`edge::auth`).

use std::borrow::Cow;
use std::time::Duration;

use crate::http::{HttpAnswer, NoAnswer};
use crate::mapping::fault::MappingFault;
use crate::push::envelope::Undecodable;

/// An outside system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// commercetools' HTTP API.
    Commercetools,
    /// commercetools' token endpoint.
    CommercetoolsToken,
    /// Klaviyo.
    Klaviyo,
}

impl System {
    /// Its name in codes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Commercetools => "commercetools",
            Self::CommercetoolsToken => "commercetools_token",
            Self::Klaviyo => "klaviyo",
        }
    }
}

/// A fault that passes by itself, or after an operator has fixed something outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransientFault {
    /// The system answered with this status, which asks for a retry.
    Status(System, u16),
    /// An answer with this status that is not the system's own: a page of a proxy, a redirect,
    /// a form that is not the documented one. It says nothing of the resource.
    ForeignAnswer(System, u16),
    /// The system did not answer.
    NoAnswer(System, NoAnswer),
    /// commercetools granted a token, but the Worker cannot read it.
    TokenMalformed,
    /// Klaviyo accepted a job but did not return its id.
    JobWithoutId,
    /// As many jobs are open as the Worker may have.
    TooManyJobs,
    /// A job at Klaviyo holds part of it.
    JobUnderWay,
    /// It takes more calls than a push has time for.
    TooManyCalls,
    /// It came with many others; the outbox reads and writes them together.
    ManyAtOnce,
    /// The feed read it.
    FromFeed,
    /// More follows from it than a push has time for.
    ManyFollow,
    /// Another notification gave rise to it.
    Follows,
    /// The Worker looks at what changed as soon as Klaviyo can no longer carry out older writes.
    FollowsLater,
    /// A price of the product starts or ends at a known time.
    PriceEdge,
    /// A call to Klaviyo had no answer, and Klaviyo may still carry it out. The resource stays parked until that is
    /// impossible; then it is written once more.
    MayBeCarriedOut,
    /// It changed again and again during the write.
    Overtaken,
    /// An operator asked for it.
    Replayed,
    /// A payment exists before its order; a message about a refund can arrive before commercetools links the two.
    PaymentWithoutOrder,
    /// The outbox could not store something.
    OutboxUnavailable,
}

impl TransientFault {
    /// Whether Klaviyo may still carry out a write that met this fault.
    #[must_use]
    pub fn leaves_in_doubt(self) -> bool {
        matches!(self, Self::NoAnswer(System::Klaviyo, _) | Self::JobWithoutId)
    }

    /// Whether this system, or a proxy in front of it, took too long: it may answer a smaller request.
    #[must_use]
    pub fn is_slowness_of(self, system: System) -> bool {
        self == Self::NoAnswer(system, NoAnswer::Timeout)
            || self == Self::Status(system, 504)
            || self == Self::ForeignAnswer(system, 504)
    }

    /// A stable code.
    #[must_use]
    pub fn code(self) -> Cow<'static, str> {
        let code = match self {
            Self::Status(system, status) => return format!("{}_{status}", system.name()).into(),
            Self::ForeignAnswer(system, status) => {
                return format!("{}_foreign_{status}", system.name()).into();
            }
            Self::NoAnswer(system, why) => {
                let why = match why {
                    NoAnswer::Timeout => "timeout",
                    NoAnswer::Network => "network",
                };
                return format!("{}_{why}", system.name()).into();
            }
            Self::TokenMalformed => "commercetools_token_malformed",
            Self::JobWithoutId => "klaviyo_job_without_id",
            Self::TooManyJobs => "klaviyo_jobs_open",
            Self::JobUnderWay => "klaviyo_job",
            Self::TooManyCalls => "too_many_calls",
            Self::ManyAtOnce => "many_at_once",
            Self::FromFeed => "from_feed",
            Self::ManyFollow => "many_follow",
            Self::Follows => "follows",
            Self::FollowsLater => "follows_later",
            Self::PriceEdge => "price_edge",
            Self::MayBeCarriedOut => "klaviyo_unanswered",
            Self::Overtaken => "overtaken",
            Self::Replayed => "replayed",
            Self::PaymentWithoutOrder => "payment_without_order",
            Self::OutboxUnavailable => "outbox_unavailable",
        };
        code.into()
    }

    /// What an operator has to do, if waiting alone does not help.
    #[must_use]
    pub fn mended_by_operator(self) -> Option<&'static str> {
        match self {
            Self::Status(System::CommercetoolsToken, 400) => {
                Some("commercetools refuses the API client: see CT_API_CLIENT and CT_SCOPES")
            }
            Self::Status(System::CommercetoolsToken, 401 | 403) => {
                Some("commercetools refuses the API client: see CT_API_CLIENT and CT_AUTH_URL")
            }
            Self::Status(System::Commercetools, 401 | 403) => {
                Some("commercetools refuses the call: the API client lacks a scope")
            }
            Self::Status(System::Klaviyo, 401) => {
                Some("Klaviyo refuses the key: see KLAVIYO_AUTH_KEY")
            }
            Self::Status(System::Klaviyo, 403) => {
                Some("Klaviyo refuses the call: the key lacks a scope")
            }
            Self::Status(System::Klaviyo, 410) => Some(
                "Klaviyo has retired the revision of its API that this Worker speaks: update it",
            ),
            _ => None,
        }
    }
}

/// A transient fault, and the pause that the other side asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setback {
    /// What went wrong.
    pub fault: TransientFault,
    /// The value of `Retry-After`, if the answer has it.
    pub retry_after: Option<Duration>,
}

impl From<TransientFault> for Setback {
    fn from(fault: TransientFault) -> Self {
        Self { fault, retry_after: None }
    }
}

impl Setback {
    /// `system` did not answer.
    #[must_use]
    pub fn no_answer(system: System, why: NoAnswer) -> Self {
        TransientFault::NoAnswer(system, why).into()
    }

    /// An answer of `system` with a status that asks for a retry.
    #[must_use]
    pub fn answered(system: System, answer: &HttpAnswer) -> Self {
        let fault = TransientFault::Status(system, answer.status);
        Self { fault, retry_after: answer.retry_after }
    }

    /// An answer that does not come from `system` itself.
    #[must_use]
    pub fn foreign(system: System, answer: &HttpAnswer) -> Self {
        let fault = TransientFault::ForeignAnswer(system, answer.status);
        Self { fault, retry_after: answer.retry_after }
    }

    /// Klaviyo's quota for an operation is used up, so the Worker did not call it.
    #[must_use]
    pub fn throttled(wait: Duration) -> Self {
        // Whole seconds, as in `Retry-After`; rounded up, since Klaviyo refuses every call that comes too early.
        let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let fault = TransientFault::Status(System::Klaviyo, 429);
        Self { fault, retry_after: Some(wait) }
    }
}

/// A fault that only somebody who knows the record can fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinalFault {
    /// The system refuses it with this status, in its own error format.
    Refused(System, u16),
    /// A document of commercetools does not have the expected shape.
    DocumentMalformed,
    /// Klaviyo refused it in a job, and gave no status.
    RefusedInJob,
    /// The push holds no notification.
    Undecodable(Undecodable),
    /// A message lacks what its type promises.
    MessageMalformed,
    /// The document contains nothing that Klaviyo accepts.
    Mapping(MappingFault),
    /// A document of commercetools is too large for the available memory.
    TooLarge,
    /// commercetools has no such record, or hides it.
    NotFound,
    /// The time for its tries is over; this was the fault of the last try.
    Expired(TransientFault),
    /// The runtime went down in each of its tries, even when it was tried alone.
    NeverFinished,
}

impl FinalFault {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> Cow<'static, str> {
        match self {
            Self::Refused(system, status) => format!("{}_{status}", system.name()).into(),
            Self::DocumentMalformed => "commercetools_document_malformed".into(),
            Self::RefusedInJob => "klaviyo_job_refused".into(),
            Self::Undecodable(why) => why.code().into(),
            Self::MessageMalformed => "message_malformed".into(),
            Self::Mapping(fault) => fault.code().into(),
            Self::TooLarge => "too_large".into(),
            Self::NotFound => "not_found".into(),
            Self::Expired(fault) => format!("expired_{}", fault.code()).into(),
            Self::NeverFinished => "never_finished".into(),
        }
    }
}

/// A final fault with what the other side said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What is wrong.
    pub fault: FinalFault,
    /// The reason in words; they may be Klaviyo's own, so the Worker stores but does not log them.
    pub detail: String,
    /// The place in the body, as a JSON pointer.
    pub pointer: Option<String>,
}

impl Rejection {
    /// A rejection without a place.
    #[must_use]
    pub fn new(fault: FinalFault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), pointer: None }
    }

    /// A stable code.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        self.fault.code()
    }
}

impl From<MappingFault> for Rejection {
    fn from(fault: MappingFault) -> Self {
        let pointer = Some(fault.pointer().to_owned());
        Self { pointer, ..Self::new(FinalFault::Mapping(fault), fault.to_string()) }
    }
}

impl From<Undecodable> for Rejection {
    fn from(why: Undecodable) -> Self {
        Self::new(FinalFault::Undecodable(why), why.to_string())
    }
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFault {
    /// Try again later.
    Later(Setback),
    /// commercetools refused the query, or a document does not have the expected shape; the text says why, without the
    /// document.
    Never(Rejection),
}

impl From<Setback> for ReadFault {
    fn from(setback: Setback) -> Self {
        Self::Later(setback)
    }
}

impl From<Rejection> for ReadFault {
    fn from(rejection: Rejection) -> Self {
        Self::Never(rejection)
    }
}

/// Whether a status means that the same call can succeed later, from either system: a wrong key or missing scope (401,
/// 403: an operator fixes it), a timeout, too early, throttled, or a fault of the server.
#[must_use]
pub fn passes(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 425 | 429) || status >= 500
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_pass() {
        for status in [401, 403, 408, 425, 429, 500, 502, 503, 504, 524] {
            assert!(passes(status), "{status}");
        }
        for status in [200, 204, 301, 400, 404, 409, 410, 413, 421, 422, 423] {
            assert!(!passes(status), "{status}");
        }
    }

    #[test]
    fn codes_say_whose_and_what() {
        let klaviyo = System::Klaviyo;
        for (fault, code) in [
            (TransientFault::Status(klaviyo, 503), "klaviyo_503"),
            (
                TransientFault::ForeignAnswer(System::Commercetools, 404),
                "commercetools_foreign_404",
            ),
            (TransientFault::NoAnswer(klaviyo, NoAnswer::Timeout), "klaviyo_timeout"),
            (
                TransientFault::NoAnswer(System::CommercetoolsToken, NoAnswer::Network),
                "commercetools_token_network",
            ),
        ] {
            assert_eq!(fault.code(), code);
            let expired = FinalFault::Expired(fault);
            assert_eq!(expired.code(), format!("expired_{code}"));
        }
        assert_eq!(FinalFault::Refused(klaviyo, 400).code(), "klaviyo_400");
        let mapping = FinalFault::Mapping(MappingFault::MalformedEmail);
        assert_eq!(mapping.code(), "malformed_email");
    }

    #[test]
    fn an_operator_is_called_for_keys_and_scopes_alone() {
        use System::{Commercetools, CommercetoolsToken, Klaviyo};
        for (system, status, says) in [
            (CommercetoolsToken, 400, Some("CT_SCOPES")),
            (CommercetoolsToken, 401, Some("CT_AUTH_URL")),
            (Commercetools, 403, Some("scope")),
            (Klaviyo, 401, Some("KLAVIYO_AUTH_KEY")),
            (Klaviyo, 403, Some("scope")),
            (Klaviyo, 410, Some("update")),
            (Klaviyo, 429, None),
            (Commercetools, 503, None),
        ] {
            let text = TransientFault::Status(system, status).mended_by_operator();
            let told = text.zip(says).is_some_and(|(text, says)| text.contains(says));
            assert_eq!(told, says.is_some(), "{system:?} {status}: {text:?}");
        }
    }
}
