//! What the answers to all requests of a notification mean together.

use super::plan::Ignored;
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, System, TransientFault};
use crate::klaviyo::verdict::Verdict;

/// How the work on a notification ended, before anything is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Klaviyo took everything.
    Delivered,
    /// There was nothing to deliver.
    Ignored(Ignored),
    /// It can succeed later: a system is out, or refuses for now.
    Later(Setback),
    /// Something else has to come about first.
    NotYet(NotYet),
    /// It cannot, unless a person does something.
    Never(Rejection),
}

/// Something that is expected to come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// A payment is made before its order; a refund can be told of before the two are linked.
    OrderOfPayment,
}

impl NotYet {
    /// The fault that it is until then.
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

/// The worst of all verdicts decides. A fault that passes outweighs one that does not: everything
/// is sent again then, and what can never succeed shows again when it is alone.
#[must_use]
pub fn conclude(verdicts: Vec<Verdict>) -> Conclusion {
    let mut never = None;
    let nothing_held =
        !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Verdict::NotHeld);
    if nothing_held {
        return Conclusion::Ignored(Ignored::NotHeld);
    }
    for verdict in verdicts {
        match verdict {
            Verdict::Accepted | Verdict::NotHeld => {}
            Verdict::Later(setback) => return Conclusion::Later(setback),
            Verdict::Conflict { .. } => {
                never.get_or_insert(refused(409, "Klaviyo has it already"));
            }
            Verdict::Missing => {
                never.get_or_insert(refused(404, "Klaviyo does not know it"));
            }
            Verdict::Refused(refusal) => {
                never.get_or_insert(refusal.into());
            }
        }
    }
    never.map_or(Conclusion::Delivered, Conclusion::Never)
}

fn refused(status: u16, detail: &str) -> Rejection {
    Rejection::new(FinalFault::Refused(System::Klaviyo, status), detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::verdict::Refusal;

    #[test]
    fn the_worst_verdict_decides() {
        let later = || Verdict::Later(TransientFault::Status(System::Klaviyo, 429).into());
        let refused = || Verdict::Refused(Refusal { status: 400, errors: Vec::new() });
        for (verdicts, expected) in [
            (vec![], "delivered"),
            (vec![Verdict::Accepted, Verdict::Accepted], "delivered"),
            (vec![Verdict::Accepted, refused()], "klaviyo_400"),
            (vec![refused(), later()], "klaviyo_429"),
            (vec![Verdict::Missing, refused()], "klaviyo_404"),
            (vec![Verdict::Conflict { duplicate: None }], "klaviyo_409"),
            (vec![Verdict::NotHeld], "not_held"),
            (vec![Verdict::NotHeld, Verdict::Accepted], "delivered"),
        ] {
            let code = match conclude(verdicts) {
                Conclusion::Delivered => "delivered".to_owned(),
                Conclusion::Ignored(why) => why.code().to_owned(),
                Conclusion::Later(setback) => setback.fault.code().into_owned(),
                Conclusion::NotYet(not_yet) => not_yet.fault().code().into_owned(),
                Conclusion::Never(rejection) => rejection.code().into_owned(),
            };
            assert_eq!(code, expected);
        }
    }
}
