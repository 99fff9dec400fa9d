//! Calls that fail again and again while others like them go through. Then the system is not down, but cannot handle
//! something about the call: the engine divides a call of many rows, and gives up a single one.
//!
//! A call that is alone has no others to compare with; if it has many rows, its first row goes by itself to find out.

use std::collections::BTreeMap;

use crate::fault::{FinalFault, Rejection, TransientFault};
use crate::klaviyo::pacing::Operation;

/// From this many tries on, after some 15 s, a call of many rows is divided.
const DIVIDED_AT: u32 = 5;

/// From this many tries on, after some 4 minutes, a call is given up. If a system answers every second call with a
/// fault, one call in 4,000 has this many faults in a row.
const GIVEN_UP_AT: u32 = 12;

/// How often a call was tried, and how many others had gone through when it met its first fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CallTries {
    pub(crate) count: u32,
    through_before: Option<u64>,
    last_fault: Option<TransientFault>,
}

/// What to do with a call that met another fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StubbornStep {
    /// Wait, and try it again.
    Wait,
    /// The same, and send the first row by itself, to see whether anything goes through.
    Probe,
    /// Send its halves by themselves.
    Divide,
    /// Give it up.
    GiveUp,
}

/// How many calls went through.
#[derive(Debug, Default)]
pub(crate) struct ThroughCounts(BTreeMap<Operation, u64>);

impl ThroughCounts {
    pub(crate) fn went_through(&mut self, operation: Operation) {
        *self.0.entry(operation).or_default() += 1;
    }

    /// How many calls show that a write of this operation could go: calls of the same operation; for a single write
    /// also bulk calls, since few single ones go.
    pub(crate) fn beside(&self, operation: Operation) -> u64 {
        let counts = self.0.iter().filter(|(other, _)| match operation {
            Operation::StartJob(_) | Operation::CreateEvents => **other == operation,
            _ => {
                matches!(other, Operation::StartJob(_) | Operation::CreateEvents)
                    || **other == operation
            }
        });
        counts.map(|(_, count)| count).sum()
    }
}

impl CallTries {
    /// Another try met a fault. `rows` is how many rows may be to blame; `through` is how many others like it have gone
    /// through so far.
    pub(crate) fn and_another(
        self,
        fault: TransientFault,
        rows: usize,
        through: u64,
    ) -> (Self, StubbornStep) {
        let before = self.through_before.unwrap_or(through);
        let next =
            Self { count: self.count + 1, through_before: Some(before), last_fault: Some(fault) };
        let others_go = through > before;
        let step = match next.count {
            _ if !may_be_of_the_call(fault) => StubbornStep::Wait,
            DIVIDED_AT.. if others_go && rows > 1 => StubbornStep::Divide,
            GIVEN_UP_AT.. if others_go => StubbornStep::GiveUp,
            DIVIDED_AT if rows > 1 => StubbornStep::Probe,
            _ => StubbornStep::Wait,
        };
        (next, step)
    }

    /// The tries of a part that was not tried yet: another part that goes through counts for it.
    pub(crate) fn of_part(self) -> Self {
        Self { count: 0, ..self }
    }

    /// Whether it had so many tries that the engine gives it up if nothing else is left.
    pub(crate) fn are_many(self) -> bool {
        self.count >= GIVEN_UP_AT
    }

    /// Why it is given up.
    pub(crate) fn rejection(self) -> Rejection {
        debug_assert!(self.last_fault.is_some(), "it met a fault");
        let fault = self.last_fault.unwrap_or(TransientFault::TooManyCalls);
        Rejection::new(
            FinalFault::Expired(fault),
            "it met this fault again and again, and others did not",
        )
    }
}

/// Whether the content of a call may cause a fault, and not the account or the quota.
fn may_be_of_the_call(fault: TransientFault) -> bool {
    match fault {
        TransientFault::Status(_, status) => status == 408 || status >= 500,
        TransientFault::ForeignAnswer(..) | TransientFault::NoAnswer(..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::System;
    use crate::http::NoAnswer;
    use crate::klaviyo::catalog::{CatalogAction, CatalogKind};
    use crate::klaviyo::job::JobType;

    const JOB: Operation = Operation::StartJob(JobType::Profiles);
    const OUT: TransientFault = TransientFault::Status(System::Klaviyo, 500);

    /// The steps of a call that meets `fault` each time; another call goes through before each try in `through`.
    fn steps(
        fault: TransientFault,
        rows: usize,
        operation: Operation,
        through: &[u32],
    ) -> Vec<StubbornStep> {
        let (mut tries, mut counts) = (CallTries::default(), ThroughCounts::default());
        counts.went_through(JOB);
        let step = |number| {
            if through.contains(&number) {
                counts.went_through(JOB);
            }
            let (next, step) = tries.and_another(fault, rows, counts.beside(operation));
            tries = next;
            step
        };
        (1..=14).map(step).collect()
    }

    fn at(steps: &[StubbornStep], wanted: StubbornStep) -> Vec<usize> {
        (1..).zip(steps).filter(|(_, step)| **step == wanted).map(|(number, _)| number).collect()
    }

    #[test]
    fn in_an_outage_a_call_waits_and_one_row_of_many_is_tried_by_itself() {
        let of_many = steps(OUT, 300, JOB, &[]);
        assert_eq!(at(&of_many, StubbornStep::Probe), [5]);
        assert_eq!(at(&of_many, StubbornStep::Wait).len(), 13);
        let single = steps(OUT, 1, Operation::ImportProfile, &[]);
        assert_eq!(at(&single, StubbornStep::Wait).len(), 14);
    }

    #[test]
    fn while_others_go_through_many_are_divided_and_one_is_given_up() {
        let of_many = steps(OUT, 300, JOB, &[2]);
        assert_eq!(at(&of_many, StubbornStep::Divide), (5..=14).collect::<Vec<_>>());
        for operation in [JOB, Operation::ImportProfile] {
            let single = steps(OUT, 1, operation, &[9]);
            assert_eq!(at(&single, StubbornStep::GiveUp), [12, 13, 14], "{operation:?}");
        }
        let before = steps(OUT, 1, JOB, &[1]);
        assert_eq!(
            at(&before, StubbornStep::GiveUp),
            [] as [usize; 0],
            "it went before the first fault"
        );
    }

    #[test]
    fn bulk_counts_for_what_goes_by_itself_and_not_the_other_way_round() {
        const OTHER_JOB: Operation =
            Operation::StartJob(JobType::Catalog(CatalogKind::Item, CatalogAction::Create));
        let mut counts = ThroughCounts::default();
        for (operation, times) in [
            (JOB, 1),
            (OTHER_JOB, 2),
            (Operation::CreateEvents, 4),
            (Operation::ImportProfile, 8),
            (Operation::CreateEvent, 16),
        ] {
            (0..times).for_each(|_| counts.went_through(operation));
        }
        for (operation, beside) in [
            (JOB, 1),
            (OTHER_JOB, 2),
            (Operation::CreateEvents, 4),
            (Operation::ImportProfile, 1 + 2 + 4 + 8),
            (Operation::CreateEvent, 1 + 2 + 4 + 16),
        ] {
            assert_eq!(counts.beside(operation), beside, "{operation:?}");
        }
    }

    #[test]
    fn what_the_account_refuses_is_not_the_call_s() {
        for (fault, is_the_call_s) in [
            (TransientFault::Status(System::Klaviyo, 429), false),
            (TransientFault::Status(System::Klaviyo, 403), false),
            (TransientFault::TooManyJobs, false),
            (TransientFault::Status(System::Klaviyo, 503), true),
            (TransientFault::ForeignAnswer(System::Klaviyo, 403), true),
            (TransientFault::NoAnswer(System::Klaviyo, NoAnswer::Timeout), true),
        ] {
            let steps = steps(fault, 1, JOB, &[2]);
            assert_eq!(!at(&steps, StubbornStep::GiveUp).is_empty(), is_the_call_s, "{fault:?}");
        }
    }
}
