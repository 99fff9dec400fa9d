//! Which operations of the two systems are down. The Worker does not try those; all others go on.
//!
//! An operation that fails several times in a row is shut for a growing pause; then one call tries it. This state
//! exists in memory only: an unknown operation may be tried.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::{backoff, jitter};
use crate::fault::{Setback, TransientFault};
use crate::klaviyo::pacing::Operation;
use crate::time::UnixMs;

/// The name of an operation of either system. It is stored with the rows that wait for it, and only compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName(String);

impl OperationName {
    /// The reads of a resource, by a path below the project.
    #[must_use]
    pub fn of_commercetools(path: &str) -> Self {
        let resource = path.split(['/', '?']).find(|segment| !segment.is_empty());
        Self(format!("commercetools {}", resource.unwrap_or_default()))
    }

    /// An operation of Klaviyo.
    #[must_use]
    pub fn of_klaviyo(operation: Operation) -> Self {
        Self(format!("klaviyo {operation:?}"))
    }

    /// A name from storage.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name for storage.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Failures in a row after which an operation is shut. A single one may have any cause.
const FAILURES: u32 = 3;

/// How long a call that tries a shut operation has before another may try it.
const TRIAL: Duration = Duration::from_secs(10);

/// How many of the rows that wait for an operation may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// All of them, in the order of their due times.
    All,
    /// A few, those with the fewest tries first: a new row does not wait behind all that fail again and again.
    Few(u32),
    /// None for now.
    None,
}

/// How many waiting rows try an operation again.
const FEW: u32 = 5;

/// The known state of operations.
#[derive(Debug, Clone, Default)]
pub struct Circuits {
    failing: BTreeMap<OperationName, FailingOperation>,
    /// Operations that failed and went through since.
    reopened: Vec<OperationName>,
}

/// An operation whose last calls failed.
#[derive(Debug, Clone, Copy)]
struct FailingOperation {
    failures: u32,
    /// Shut until this time.
    until: UnixMs,
    setback: Setback,
}

impl Circuits {
    /// Takes a call of an operation. After a pause one call tries a shut operation, and the others wait for its result.
    ///
    /// # Errors
    /// The fault of the operation, if it is shut.
    pub fn take(&mut self, operation: &OperationName, now: UnixMs) -> Result<(), Setback> {
        let Some(failing) = self.failing.get_mut(operation) else { return Ok(()) };
        if failing.failures < FAILURES {
            return Ok(());
        }
        if now < failing.until {
            return Err(failing.setback);
        }
        failing.until = now + TRIAL;
        Ok(())
    }

    /// A call went through.
    pub fn went_through(&mut self, operation: &OperationName) {
        if self.failing.remove(operation).is_some() {
            self.reopened.push(operation.clone());
        }
    }

    /// The operations that failed and went through again since the last call of this method: the rows that wait for
    /// them can go on.
    pub fn take_reopened(&mut self) -> Vec<OperationName> {
        std::mem::take(&mut self.reopened)
    }

    /// A call met a fault. A fault that says nothing about the system as a whole does not count.
    pub fn failed(&mut self, operation: &OperationName, setback: Setback, now: UnixMs) {
        if !is_of_system(setback.fault) {
            return;
        }
        let known = self.failing.get(operation);
        let failures = known.map_or(0, |failing| failing.failures).saturating_add(1);
        let attempts = failures.saturating_sub(FAILURES - 1);
        let until = now + backoff(attempts, setback.retry_after, jitter(now));
        self.failing.insert(operation.clone(), FailingOperation { failures, until, setback });
    }

    /// An operator wants waiting rows tried now: every pause ends, except one that the system asked for.
    pub fn retry(&mut self, now: UnixMs) {
        let paused =
            self.failing.values_mut().filter(|failing| failing.setback.retry_after.is_none());
        paused.for_each(|failing| failing.until = failing.until.min(now));
    }

    /// How many of the rows that wait for an operation may be tried.
    #[must_use]
    pub fn allowance(&self, operation: &OperationName, now: UnixMs) -> Allowance {
        match self.failing.get(operation) {
            None => Allowance::All,
            Some(failing) if failing.failures < FAILURES => Allowance::All,
            Some(failing) if now < failing.until => Allowance::None,
            Some(_) => Allowance::Few(FEW),
        }
    }

    /// When the rows that wait for an operation and are due at `due` can be tried. It depends only on stored rows and
    /// on failures: asking again does not move it.
    #[must_use]
    pub fn next_try(&self, operation: &OperationName, due: UnixMs) -> UnixMs {
        match self.failing.get(operation) {
            Some(failing) if failing.failures >= FAILURES => due.max(failing.until),
            _ => due,
        }
    }
}

/// Whether other calls would meet the fault as well. A 429 is a matter of the quota; something missing concerns one
/// resource.
fn is_of_system(fault: TransientFault) -> bool {
    match fault {
        TransientFault::Status(_, status) => !matches!(status, 404 | 429),
        TransientFault::ForeignAnswer(..)
        | TransientFault::NoAnswer(..)
        | TransientFault::TokenMalformed => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::System;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    fn down() -> Setback {
        TransientFault::Status(System::Klaviyo, 503).into()
    }

    #[test]
    fn what_fails_is_shut_and_tried_at_growing_pauses_while_others_go_on() {
        let mut circuits = Circuits::default();
        let profiles = OperationName::of_klaviyo(Operation::ImportProfile);
        let products = OperationName::of_commercetools("/products?limit=1");
        for _ in 0..FAILURES {
            assert_eq!(circuits.take(&profiles, at(0)), Ok(()));
            circuits.failed(&profiles, down(), at(0));
        }
        assert_eq!(circuits.take(&profiles, at(999)), Err(down()));
        assert_eq!(circuits.allowance(&profiles, at(999)), Allowance::None);
        assert_eq!(circuits.take(&products, at(0)), Ok(()));
        assert_eq!(circuits.next_try(&profiles, at(5)), at(1_000));
        assert_eq!(circuits.next_try(&profiles, at(5_000)), at(5_000));
        assert_eq!(circuits.next_try(&products, at(5)), at(5));
        assert_eq!(circuits.allowance(&profiles, at(1_000)), Allowance::Few(FEW));
        assert_eq!(circuits.take(&profiles, at(1_000)), Ok(()), "one call tries it");
        assert_eq!(circuits.take(&profiles, at(1_000)), Err(down()), "the others wait for it");
        circuits.failed(&profiles, down(), at(1_000));
        assert_eq!(circuits.next_try(&profiles, at(0)), at(3_000));
        circuits.went_through(&products);
        circuits.went_through(&profiles);
        assert_eq!(circuits.take_reopened(), std::slice::from_ref(&profiles), "the outage is over");
        circuits.went_through(&profiles);
        assert_eq!(circuits.take_reopened(), []);
        assert_eq!(circuits.allowance(&profiles, at(1_000)), Allowance::All);
    }

    #[test]
    fn who_asks_for_a_try_has_one_unless_the_system_said_when() {
        let operation = OperationName::of_klaviyo(Operation::ImportProfile);
        for (retry_after, expected) in [(None, 10), (Some(Duration::from_secs(5)), 5_000)] {
            let mut circuits = Circuits::default();
            for _ in 0..FAILURES {
                circuits.failed(&operation, Setback { retry_after, ..down() }, at(0));
            }
            circuits.retry(at(10));
            assert_eq!(circuits.next_try(&operation, at(10)), at(expected));
            circuits.retry(at(20_000));
            assert!(circuits.take(&operation, at(20_000)).is_ok(), "one call tries it");
        }
    }

    #[test]
    fn only_what_others_would_meet_as_well_counts() {
        let operation = OperationName::of_klaviyo(Operation::CreateEvent);
        for (status, is_shut) in [(429, false), (404, false), (500, true), (401, true), (403, true)]
        {
            let mut circuits = Circuits::default();
            for _ in 0..FAILURES {
                let fault = TransientFault::Status(System::Klaviyo, status);
                circuits.failed(&operation, fault.into(), at(0));
            }
            assert_eq!(circuits.take(&operation, at(0)).is_err(), is_shut, "{status}");
        }
    }

    #[test]
    fn reads_of_a_resource_are_one_operation() {
        let names = ["/products/p?expand=x", "/products?where=y", "products"];
        let names = names.map(OperationName::of_commercetools);
        assert!(names.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(names[0].as_str(), "commercetools products");
    }
}
