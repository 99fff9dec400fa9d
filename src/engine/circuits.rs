//! Which operations of the two systems are out: what cannot go is not tried, while what can go goes.
//!
//! An operation that fails several times in a row is shut for a growing pause, then tried with one
//! call. It is kept in memory only: of what nothing is known, everything may be tried.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backoff::{backoff, jitter};
use crate::fault::{Setback, TransientFault};
use crate::klaviyo::pacing::Operation;
use crate::time::UnixMs;

/// An operation of either system, by name. Stored with what waits for it, and compared only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationName(String);

impl OperationName {
    /// The reads of a resource, by a path below the project.
    #[must_use]
    pub fn of_commercetools(path: &str) -> Self {
        let resource = path.split(['/', '?']).find(|segment| !segment.is_empty());
        Self(format!("commercetools {}", resource.unwrap_or_default()))
    }

    /// An operation of Klaviyo's.
    #[must_use]
    pub fn of_klaviyo(operation: Operation) -> Self {
        Self(format!("klaviyo {operation:?}"))
    }

    /// One that was stored.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Failures in a row after which an operation is shut. One alone may be anybody's.
const FAILURES: u32 = 3;

/// How long a call that tries a shut operation has before another may.
const TRIAL: Duration = Duration::from_secs(10);

/// How many of those who wait for an operation may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// As many as there are, by the time they are due.
    All,
    /// A few, those that were tried least first: one that has only just come does not wait behind
    /// all that fail again and again.
    Few(u32),
    /// None for now.
    None,
}

/// With so many of those who wait for it an operation is tried again.
const FEW: u32 = 5;

/// What is known of operations.
#[derive(Debug, Clone, Default)]
pub struct Circuits {
    failing: BTreeMap<OperationName, FailingOperation>,
    /// Those that failed, and went through since.
    reopened: Vec<OperationName>,
}

/// An operation of which the last calls failed.
#[derive(Debug, Clone, Copy)]
struct FailingOperation {
    failures: u32,
    /// Not before this time.
    until: UnixMs,
    setback: Setback,
}

impl Circuits {
    /// Takes a call of an operation. After a pause one call tries a shut operation, and the others go
    /// on waiting for what comes of it.
    ///
    /// # Errors
    /// What it fails with, if it is shut.
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

    /// The operations that failed and go through again, since it was asked last: what waits for them
    /// need not wait any longer.
    pub fn take_reopened(&mut self) -> Vec<OperationName> {
        std::mem::take(&mut self.reopened)
    }

    /// A call met a fault. One that says nothing of the system as a whole does not count.
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

    /// Somebody asks for what waits to be tried now: no operation is out for longer, unless its system
    /// said how long.
    pub fn retry(&mut self, now: UnixMs) {
        let paused =
            self.failing.values_mut().filter(|failing| failing.setback.retry_after.is_none());
        paused.for_each(|failing| failing.until = failing.until.min(now));
    }

    /// How many of those who wait for an operation may be tried.
    #[must_use]
    pub fn allowance(&self, operation: &OperationName, now: UnixMs) -> Allowance {
        match self.failing.get(operation) {
            None => Allowance::All,
            Some(failing) if failing.failures < FAILURES => Allowance::All,
            Some(failing) if now < failing.until => Allowance::None,
            Some(_) => Allowance::Few(FEW),
        }
    }

    /// When those who wait for an operation and are due at `due` can be tried. It depends on
    /// nothing but what was stored and what failed: asking again does not move it.
    #[must_use]
    pub fn next_try(&self, operation: &OperationName, due: UnixMs) -> UnixMs {
        match self.failing.get(operation) {
            Some(failing) if failing.failures >= FAILURES => due.max(failing.until),
            _ => due,
        }
    }
}

/// Whether a fault says that others would meet it as well. A 429 is the quota's matter, and what is
/// missing is one resource's.
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
