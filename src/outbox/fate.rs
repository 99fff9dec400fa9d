//! What becomes of a row after a try.

use std::time::Duration;

use super::store::parked::ParkedRow;
use crate::engine::backoff::{jitter, patience, wait_after};
use crate::engine::deliveries::StepContext;
use crate::fault::{FinalFault, Rejection, Setback, TransientFault};
use crate::push::conclusion::Conclusion;
use crate::push::plan::IgnoreReason;
use crate::time::UnixMs;

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFate {
    /// Klaviyo has all of it; the row is removed.
    Delivered,
    /// Klaviyo has all of it; the row stays, for a try at the next edge of its prices.
    NextEdge(UnixMs),
    /// Nothing has to be delivered; the row is removed.
    Ignored(IgnoreReason),
    /// The row is tried again.
    PutOff {
        /// When.
        due: UnixMs,
        /// Why.
        fault: TransientFault,
        /// Whether all of it is sent again.
        anew: bool,
    },
    /// It becomes a dead letter.
    GivenUp(Rejection),
}

/// What becomes of a row after a try with this conclusion.
pub(super) fn fate_of(
    around: &StepContext<'_>,
    row: &ParkedRow,
    conclusion: Conclusion,
) -> RowFate {
    let now = around.now_ms();
    let jitter = jitter(now);
    let expired = row.since + around.config.rules.outbox.retention() < now;
    let put_off = |wait: Duration, fault| RowFate::PutOff { due: now + wait, fault, anew: false };
    match conclusion {
        // Klaviyo may still carry out an older write: after that the row is read and written once
        // more, even if nothing has to be written now.
        Conclusion::Delivered | Conclusion::Ignored(_)
            if row.doubtful_until > now && !row.is_fact() =>
        {
            RowFate::PutOff {
                due: row.doubtful_until,
                fault: TransientFault::MayBeCarriedOut,
                anew: true,
            }
        }
        Conclusion::Delivered => RowFate::Delivered,
        Conclusion::Ignored(why) => RowFate::Ignored(why),
        Conclusion::Never(rejection) => RowFate::GivenUp(rejection),
        Conclusion::Later(Setback { fault, .. }) if expired => RowFate::GivenUp(expiry(fault)),
        Conclusion::NotYet(not_yet) if expired => RowFate::GivenUp(expiry(not_yet.fault())),
        Conclusion::Later(setback) => {
            put_off(wait_after(setback, row.attempts + 1, jitter), setback.fault)
        }
        Conclusion::NotYet(not_yet) => {
            let age = now.since(row.since);
            put_off(patience(row.attempts + 1, age, jitter), not_yet.fault())
        }
    }
}

fn expiry(fault: TransientFault) -> Rejection {
    let detail = "It was tried for as long as CONFIG.outbox.retentionDays says.";
    Rejection::new(FinalFault::Expired(fault), detail)
}
