//! The one outcome of every notification, and the one table from outcome to status.

use std::time::Duration;

use super::plan::IgnoreReason;

/// How the work on a notification ended, after everything necessary was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Klaviyo accepted everything.
    Delivered,
    /// Nothing had to be delivered.
    Ignored(IgnoreReason),
    /// Stored; the outbox tries it again until it goes through.
    Parked {
        /// Why.
        code: String,
    },
    /// Kept for a person.
    DeadLettered {
        /// The dead letter's id.
        id: String,
        /// Why.
        code: String,
    },
    /// Neither done nor kept: the sender still has it and must try again.
    NotStored {
        /// Why.
        code: String,
        /// When.
        retry_after: Duration,
    },
}

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushReply {
    /// 204: done.
    Done,
    /// 202: stored, will be tried again.
    Parked,
    /// 202: kept for a person.
    DeadLettered {
        /// The dead letter's id.
        id: String,
        /// Why.
        code: String,
    },
    /// 503: try again.
    TryAgain {
        /// Why.
        code: String,
        /// When.
        retry_after: Duration,
    },
}

impl Outcome {
    /// The name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Ignored(_) => "ignored",
            Self::Parked { .. } => "parked",
            Self::DeadLettered { .. } => "dead_lettered",
            Self::NotStored { .. } => "not_stored",
        }
    }

    /// The stable code of the reason why it was not delivered.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Delivered => None,
            Self::Ignored(why) => Some(why.code()),
            Self::Parked { code }
            | Self::DeadLettered { code, .. }
            | Self::NotStored { code, .. } => Some(code),
        }
    }
}

/// Answers a push with the worst of its outcomes.
#[must_use]
pub fn reply(outcomes: Vec<Outcome>) -> PushReply {
    let mut reply = PushReply::Done;
    for outcome in outcomes {
        match outcome {
            Outcome::NotStored { code, retry_after } => {
                return PushReply::TryAgain { code, retry_after };
            }
            Outcome::DeadLettered { id, code } => match reply {
                PushReply::Done | PushReply::Parked => reply = PushReply::DeadLettered { id, code },
                PushReply::DeadLettered { .. } | PushReply::TryAgain { .. } => {}
            },
            Outcome::Parked { .. } if reply == PushReply::Done => reply = PushReply::Parked,
            Outcome::Parked { .. } | Outcome::Delivered | Outcome::Ignored(_) => {}
        }
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_answers() {
        let dead = || Outcome::DeadLettered { id: "d".to_owned(), code: "c".to_owned() };
        let again =
            || Outcome::NotStored { code: "n".to_owned(), retry_after: Duration::from_secs(5) };
        let parked = || Outcome::Parked { code: "p".to_owned() };
        let ignored = || Outcome::Ignored(IgnoreReason::Disabled);
        let dead_reply = PushReply::DeadLettered { id: "d".to_owned(), code: "c".to_owned() };
        let again_reply =
            PushReply::TryAgain { code: "n".to_owned(), retry_after: Duration::from_secs(5) };
        for (outcomes, expected) in [
            (vec![], PushReply::Done),
            (vec![Outcome::Delivered, ignored()], PushReply::Done),
            (vec![Outcome::Delivered, parked(), ignored()], PushReply::Parked),
            (vec![parked(), dead(), parked()], dead_reply),
            (vec![dead(), again(), Outcome::Delivered], again_reply),
        ] {
            assert_eq!(reply(outcomes), expected);
        }
    }
}
