//! How the work on a notification ended.

use super::plan::{IgnoreReason, Work, WorkPlan, plan};
use crate::commercetools::notification::Notification;
use crate::config::rules::OperatorRules;
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, TransientFault};

/// How the work on a notification ended, before anything is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Klaviyo accepted everything.
    Delivered,
    /// Nothing had to be delivered.
    Ignored(IgnoreReason),
    /// It can succeed later: a system is down, or refuses for now.
    Later(Setback),
    /// Something else has to exist first.
    NotYet(NotYet),
    /// It cannot succeed unless a person acts.
    Never(Rejection),
}

/// The work that a notification asks for.
///
/// # Errors
/// The conclusion, if it asks for nothing.
pub fn work_of(rules: &OperatorRules, notification: &Notification) -> Result<Work, Conclusion> {
    match plan(rules, notification) {
        Ok(WorkPlan::Work(work)) => Ok(work),
        Ok(WorkPlan::Ignore(why)) => Err(Conclusion::Ignored(why)),
        Err(malformed) => {
            let fault = FinalFault::MessageMalformed;
            Err(Conclusion::Never(Rejection::new(fault, malformed.to_string())))
        }
    }
}

/// Something that is expected to exist soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// A payment exists before its order; a message about a refund can arrive before commercetools links the two.
    OrderOfPayment,
}

impl NotYet {
    /// The fault until then.
    #[must_use]
    pub fn fault(self) -> TransientFault {
        match self {
            Self::OrderOfPayment => TransientFault::PaymentWithoutOrder,
        }
    }
}

impl From<ReadFault> for Conclusion {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Later(setback) => Self::Later(setback),
            ReadFault::Never(rejection) => Self::Never(rejection),
        }
    }
}
