//! Klaviyo's rate limits: which operations there are, what each allows, and a clockless count of
//! what was used.
//!
//! Klaviyo counts per account and operation, in two fixed windows at once: a second and a minute. A
//! window opens with the first call in it. Not in scope: waiting, and what is done instead.
//!
//! Source of the tiers: `x-klaviyo-ratelimit` in the official specification, revision
//! [`super::REVISION`].

use std::collections::HashMap;
use std::time::Duration;

use super::catalog::{Action, Kind};
use super::job::JobType;

/// An operation, as Klaviyo counts its rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as their names say")]
pub enum Operation {
    ImportProfile,
    UpdateProfile,
    EraseProfile,
    ListProfiles,
    CreateEvent,
    CreateEvents,
    /// A write of one object of the catalogue.
    Catalog(Kind, Action),
    /// A list of objects of the catalogue.
    ListCatalog(Kind),
    VariantsOfItem,
    CategoriesOfItem,
    CategoryName,
    /// The beginning of a job.
    StartJob(JobType),
    /// How far a job is.
    JobStatus(JobType),
    /// What was wrong with the rows of a profile job.
    ImportErrors,
}

/// Calls in a second and in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tier {
    second: u32,
    minute: u32,
}

const S: Tier = Tier { second: 3, minute: 60 };
const M: Tier = Tier { second: 10, minute: 150 };
const L: Tier = Tier { second: 75, minute: 750 };
const XL: Tier = Tier { second: 350, minute: 3500 };

impl Operation {
    fn tier(self) -> Tier {
        match self {
            Self::EraseProfile => S,
            Self::CreateEvents
            | Self::ImportErrors
            | Self::StartJob(JobType::Profiles)
            | Self::JobStatus(JobType::Profiles) => M,
            // The status of jobs that create or update items or variants is L since 2026-04-15, of
            // all others XL.
            Self::ImportProfile
            | Self::UpdateProfile
            | Self::ListProfiles
            | Self::Catalog(..)
            | Self::StartJob(JobType::Catalog(..))
            | Self::JobStatus(JobType::Catalog(
                Kind::Item | Kind::Variant,
                Action::Create | Action::Update,
            )) => L,
            Self::CreateEvent
            | Self::ListCatalog(_)
            | Self::VariantsOfItem
            | Self::CategoriesOfItem
            | Self::CategoryName
            | Self::JobStatus(JobType::Catalog(..)) => XL,
        }
    }
}

/// Windows are taken to be a little longer than Klaviyo's, which opens them when a call arrives:
/// the first call of a window may have been slower than the first of the next.
const SECOND_MS: u64 = 1_100;
const MINUTE_MS: u64 = 60_500;

/// What was used of each operation's limits.
#[derive(Debug, Clone)]
pub struct Pace {
    share: f64,
    used: HashMap<Operation, Used>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    second: Window,
    minute: Window,
    /// Not before this, in ms.
    refused_until: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// When it was opened, in ms.
    opened: u64,
    calls: u32,
}

impl Window {
    /// How long to wait in ms; none if there is room. A window that is over is closed.
    fn wait(&mut self, now_ms: u64, length: u64, limit: u32) -> Option<u64> {
        let end = self.opened.saturating_add(length);
        if now_ms >= end || now_ms < self.opened {
            *self = Self { opened: now_ms, calls: 0 };
        }
        (self.calls >= limit).then_some(end.saturating_sub(now_ms))
    }
}

impl Pace {
    /// A pace of which `share` (above 0, at most 1) of every limit is used, and at least one call.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self { share, used: HashMap::new() }
    }

    /// Changes the share; what was used stays.
    pub fn set_share(&mut self, share: f64) {
        self.share = share;
    }

    /// Takes one call of an operation at `now_ms`.
    ///
    /// # Errors
    /// How long to wait, where there is none to take.
    pub fn take(&mut self, operation: Operation, now_ms: u64) -> Result<(), Duration> {
        let tier = operation.tier();
        let (second, minute) = (self.limit(tier.second), self.limit(tier.minute));
        let used = self.used.entry(operation).or_default();
        let refused = used.refused_until.checked_sub(now_ms).filter(|wait| *wait > 0);
        let waits = [
            refused,
            used.second.wait(now_ms, SECOND_MS, second),
            used.minute.wait(now_ms, MINUTE_MS, minute),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(Duration::from_millis(wait));
        }
        used.second.calls += 1;
        used.minute.calls += 1;
        Ok(())
    }

    /// Klaviyo refuses the operation until `until_ms`: others use the same account.
    pub fn refused(&mut self, operation: Operation, until_ms: u64) {
        let used = self.used.entry(operation).or_default();
        used.refused_until = used.refused_until.max(until_ms);
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 3500")]
    fn limit(&self, calls: u32) -> u32 {
        ((f64::from(calls) * self.share) as u32).clamp(1, calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATE: Operation = Operation::Catalog(Kind::Variant, Action::Update);

    /// How many calls can be taken at this time.
    fn room(pace: &mut Pace, operation: Operation, now_ms: u64) -> u32 {
        let mut taken = 0;
        while pace.take(operation, now_ms).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn both_windows_are_kept() {
        let mut pace = Pace::new(1.0);
        let start = 1_000_000;
        let minute: Vec<_> =
            (0..12).map(|n| room(&mut pace, UPDATE, start + n * SECOND_MS)).collect();
        assert_eq!(minute, [75, 75, 75, 75, 75, 75, 75, 75, 75, 75, 0, 0]);
        let wait = pace.take(UPDATE, start + 20_000);
        assert_eq!(wait, Err(Duration::from_millis(MINUTE_MS - 20_000)));
        assert_eq!(room(&mut pace, UPDATE, start + MINUTE_MS), 75);
        assert_eq!(pace.take(UPDATE, start + MINUTE_MS), Err(Duration::from_millis(SECOND_MS)));
    }

    #[test]
    fn each_operation_has_its_own() {
        let mut pace = Pace::new(1.0);
        assert_eq!(room(&mut pace, UPDATE, 5), 75);
        assert_eq!(room(&mut pace, Operation::Catalog(Kind::Variant, Action::Create), 5), 75);
        assert_eq!(room(&mut pace, Operation::StartJob(JobType::Profiles), 5), 10);
        assert_eq!(room(&mut pace, Operation::VariantsOfItem, 5), 350);
        let deletions = JobType::Catalog(Kind::Item, Action::Delete);
        assert_eq!(room(&mut pace, Operation::JobStatus(deletions), 5), 350);
    }

    #[test]
    fn a_share_leaves_the_rest_to_others_and_at_least_one_call() {
        let mut pace = Pace::new(0.5);
        assert_eq!(room(&mut pace, UPDATE, 5), 37);
        pace.set_share(0.001);
        assert_eq!(room(&mut pace, Operation::CreateEvents, 5), 1);
    }

    #[test]
    fn a_refusal_is_kept_to_the_longest() {
        let mut pace = Pace::new(1.0);
        pace.refused(UPDATE, 10_000);
        pace.refused(UPDATE, 9_000);
        assert_eq!(pace.take(UPDATE, 4_000), Err(Duration::from_secs(6)));
        assert_eq!(pace.take(UPDATE, 10_000), Ok(()));
    }
}
