//! Klaviyo's rate limits: the operations, the limit of each, and a count of calls without a clock.
//!
//! Klaviyo counts by account and operation, in two fixed windows at once: a second and a minute. A window opens with
//! the first call in it. Others may use the same account, and cannot be asked: they show as 429. Then this side gives
//! way, as the others do: the operation continues with half of its limit, and grows back within a minute. Not in scope:
//! waiting, and other work meanwhile.
//!
//! Source of the tiers: `x-klaviyo-ratelimit` in the official specification, revision [`super::REVISION`].

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::{CatalogAction, CatalogKind};
use super::job::JobType;
use crate::http::HttpAnswer;
use crate::time::UnixMs;

/// An operation, as Klaviyo counts its rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as their names say")]
pub enum Operation {
    ImportProfile,
    UpdateProfile,
    EraseProfile,
    ListProfiles,
    CreateEvent,
    CreateEvents,
    /// A write of one object of the catalogue.
    Catalog(CatalogKind, CatalogAction),
    /// A list of objects of the catalogue.
    ListCatalog(CatalogKind),
    VariantsOfItem,
    CategoriesOfItem,
    CategoryName,
    /// The start of a job.
    StartJob(JobType),
    /// How far a job is.
    JobStatus(JobType),
    /// The errors of the rows of a profile job.
    ImportErrors,
}

/// Calls in a second and in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateTier {
    second: u32,
    minute: u32,
}

impl RateTier {
    /// Reads `RateLimit-Limit` in the form of the live system (`75, 75;w=1, 750;w=60`), which has both windows, each
    /// with its length in seconds.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let window = |length: &str| {
            let mut parts = header.split(',').filter_map(|part| part.trim().split_once(";w="));
            let (limit, _) = parts.find(|(_, of)| *of == length)?;
            limit.trim().parse().ok().filter(|limit| *limit > 0)
        };
        Some(Self { second: window("1")?, minute: window("60")? })
    }
}

const S: RateTier = RateTier { second: 3, minute: 60 };
const M: RateTier = RateTier { second: 10, minute: 150 };
const L: RateTier = RateTier { second: 75, minute: 750 };
const XL: RateTier = RateTier { second: 350, minute: 3500 };

impl Operation {
    /// Calls that Klaviyo allows in a minute, according to the specification.
    #[must_use]
    pub fn per_minute(self) -> u32 {
        self.tier().minute
    }

    fn tier(self) -> RateTier {
        match self {
            Self::EraseProfile => S,
            Self::CreateEvents
            | Self::ImportErrors
            | Self::StartJob(JobType::Profiles)
            | Self::JobStatus(JobType::Profiles) => M,
            // The status of jobs that create or update items or variants has tier L since 2026-04-15, that of all
            // others XL.
            Self::ImportProfile
            | Self::UpdateProfile
            | Self::ListProfiles
            | Self::Catalog(..)
            | Self::StartJob(JobType::Catalog(..))
            | Self::JobStatus(JobType::Catalog(
                CatalogKind::Item | CatalogKind::Variant,
                CatalogAction::Create | CatalogAction::Update,
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

/// The assumed windows are a little longer than Klaviyo's, which open when a call arrives: the first call of a window
/// may have been slower than the first of the next.
const SECOND: Duration = Duration::from_millis(1_100);
const MINUTE: Duration = Duration::from_millis(60_500);

/// The part of the limits that one user of a shared budget may use, from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaParts {
    /// Of these operations.
    pub of: BTreeMap<Operation, f64>,
    /// Of all others.
    pub rest: f64,
}

impl QuotaParts {
    /// The same part of every limit.
    #[must_use]
    pub fn of_all(part: f64) -> Self {
        Self { of: BTreeMap::new(), rest: part }
    }
}

/// The calls of each operation so far.
#[derive(Debug, Clone)]
pub struct CallPace {
    share: f64,
    parts: QuotaParts,
    used: HashMap<Operation, OperationUse>,
    /// The limits of operations according to answers, if they differ from the table.
    told: HashMap<Operation, RateTier>,
}

#[derive(Debug, Clone, Copy, Default)]
struct OperationUse {
    second: QuotaWindow,
    minute: QuotaWindow,
    /// No calls before this time.
    refused_until: UnixMs,
    /// The part left to others, and since when.
    given_way: GivenWay,
}

/// The part of a limit left to others after a refusal: half of the current use, which fades within [`GROWS_BACK`].
#[derive(Debug, Clone, Copy, Default)]
struct GivenWay {
    part: f64,
    since: UnixMs,
}

/// The most that is left to others.
const MOST_GIVEN_WAY: f64 = 0.75;

/// How long until the whole limit is used again.
const GROWS_BACK: Duration = Duration::from_mins(1);

impl GivenWay {
    fn now(self, now: UnixMs) -> f64 {
        let passed = now.since(self.since).div_duration_f64(GROWS_BACK);
        (self.part - passed).max(0.0)
    }

    /// Leaves half of the present use to others, too.
    fn halve(&mut self, now: UnixMs) {
        let given = self.now(now);
        *self = Self { part: (given + (1.0 - given) / 2.0).min(MOST_GIVEN_WAY), since: now };
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct QuotaWindow {
    /// When it was opened.
    opened: UnixMs,
    calls: u32,
}

impl QuotaWindow {
    /// How long to wait; none if there is room. An expired window is closed.
    fn wait(&mut self, now: UnixMs, length: Duration, limit: u32) -> Option<Duration> {
        let end = self.opened + length;
        if now >= end || now < self.opened {
            *self = Self { opened: now, calls: 0 };
        }
        (self.calls >= limit).then_some(end.since(now))
    }
}

impl CallPace {
    /// A pace that uses `share` (above 0, at most 1) of every limit, but at least one call.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self { share, parts: QuotaParts::of_all(1.0), used: HashMap::new(), told: HashMap::new() }
    }

    /// Changes the share; the counts stay.
    pub fn set_share(&mut self, share: f64) {
        self.share = share;
    }

    /// Uses only a part of the share, since a known partner uses the rest.
    pub fn use_parts(&mut self, parts: QuotaParts) {
        self.parts = parts;
    }

    /// Takes one call of an operation at `now`.
    ///
    /// # Errors
    /// How long to wait, if no call is free.
    pub fn take(&mut self, operation: Operation, now: UnixMs) -> Result<(), Duration> {
        let tier = self.told.get(&operation).copied().unwrap_or_else(|| operation.tier());
        let part = self.parts.of.get(&operation).copied().unwrap_or(self.parts.rest);
        let left = self.used.get(&operation).map_or(1.0, |used| 1.0 - used.given_way.now(now));
        let left = left * part;
        let (second, minute) = (self.limit(tier.second, left), self.limit(tier.minute, left));
        let used = self.used.entry(operation).or_default();
        let refused = (used.refused_until > now).then(|| used.refused_until.since(now));
        let waits =
            [refused, used.second.wait(now, SECOND, second), used.minute.wait(now, MINUTE, minute)];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        used.second.calls += 1;
        used.minute.calls += 1;
        Ok(())
    }

    /// Takes the limits of an operation from an answer.
    pub fn note(&mut self, operation: Operation, answer: &HttpAnswer, now: UnixMs) {
        if let Some(tier) = answer.quota_limits.as_deref().and_then(RateTier::parse) {
            self.learn(operation, tier);
        }
        let Some(wait) = answer.quota_wait() else { return };
        let until = now + wait;
        if answer.status == 429 {
            self.refused(operation, now, until);
        } else {
            self.used_up(operation, until);
        }
    }

    /// How long not to call an operation, if it was refused or its quota is used up. For a host that does not count its
    /// calls.
    #[must_use]
    pub fn refused_for(&self, operation: Operation, now: UnixMs) -> Option<Duration> {
        let until = self.used.get(&operation)?.refused_until;
        (until > now).then(|| until.since(now))
    }

    /// Klaviyo refuses the operation until `until`: others use the same account. Several refusals of one second count
    /// once.
    pub fn refused(&mut self, operation: Operation, now: UnixMs, until: UnixMs) {
        let used = self.used.entry(operation).or_default();
        if now >= used.refused_until {
            used.given_way.halve(now);
        }
        used.refused_until = used.refused_until.max(until);
    }

    /// The quota of the operation is used up until `until`, as its answer says.
    pub fn used_up(&mut self, operation: Operation, until: UnixMs) {
        let used = self.used.entry(operation).or_default();
        used.refused_until = used.refused_until.max(until);
    }

    /// Takes the limits of the operation from an answer.
    pub fn learn(&mut self, operation: Operation, tier: RateTier) {
        if tier == operation.tier() {
            self.told.remove(&operation);
        } else {
            self.told.insert(operation, tier);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 3500")]
    fn limit(&self, calls: u32, left: f64) -> u32 {
        ((f64::from(calls) * self.share * left) as u32).clamp(1, calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    const UPDATE: Operation = Operation::Catalog(CatalogKind::Variant, CatalogAction::Update);

    /// How many calls can be taken at this time.
    fn room(pace: &mut CallPace, operation: Operation, now: UnixMs) -> u32 {
        let mut taken = 0;
        while pace.take(operation, now).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_part_of_the_share_is_used_where_somebody_else_uses_the_rest() {
        let mut pace = CallPace::new(0.8);
        pace.use_parts(QuotaParts { of: BTreeMap::from([(UPDATE, 0.25)]), rest: 0.5 });
        assert_eq!(room(&mut pace, UPDATE, UnixMs::EPOCH), 15);
        assert_eq!(room(&mut pace, Operation::CreateEvents, UnixMs::EPOCH), 4);
        pace.use_parts(QuotaParts::of_all(1.0));
        assert_eq!(room(&mut pace, UPDATE, UnixMs::EPOCH + SECOND), 60);
    }

    #[test]
    fn both_windows_are_kept() {
        let mut pace = CallPace::new(1.0);
        let start = at(1_000_000);
        let minute: Vec<_> = (0..12).map(|n| room(&mut pace, UPDATE, start + n * SECOND)).collect();
        assert_eq!(minute, [75, 75, 75, 75, 75, 75, 75, 75, 75, 75, 0, 0]);
        let passed = Duration::from_secs(20);
        let wait = pace.take(UPDATE, start + passed);
        assert_eq!(wait, Err((start + MINUTE).since(start + passed)));
        assert_eq!(room(&mut pace, UPDATE, start + MINUTE), 75);
        assert_eq!(pace.take(UPDATE, start + MINUTE), Err(SECOND));
    }

    #[test]
    fn each_operation_has_its_own() {
        let mut pace = CallPace::new(1.0);
        assert_eq!(room(&mut pace, UPDATE, at(5)), 75);
        assert_eq!(
            room(&mut pace, Operation::Catalog(CatalogKind::Variant, CatalogAction::Create), at(5)),
            75
        );
        assert_eq!(room(&mut pace, Operation::StartJob(JobType::Profiles), at(5)), 10);
        assert_eq!(room(&mut pace, Operation::VariantsOfItem, at(5)), 350);
        let deletions = JobType::Catalog(CatalogKind::Item, CatalogAction::Delete);
        assert_eq!(room(&mut pace, Operation::JobStatus(deletions), at(5)), 350);
    }

    #[test]
    fn a_share_leaves_the_rest_to_others_and_at_least_one_call() {
        let mut pace = CallPace::new(0.5);
        assert_eq!(room(&mut pace, UPDATE, at(5)), 37);
        pace.set_share(0.001);
        assert_eq!(room(&mut pace, Operation::CreateEvents, at(5)), 1);
    }

    #[test]
    fn after_a_refusal_half_is_left_to_others_and_grows_back() {
        let mut pace = CallPace::new(1.0);
        let start = at(1_000_000);
        let later = |seconds| start + Duration::from_secs(seconds);
        pace.refused(UPDATE, start, later(1));
        // Several refusals of one second count once.
        pace.refused(UPDATE, start, later(1));
        assert_eq!(room(&mut pace.clone(), UPDATE, later(1)), 38);
        assert_eq!(room(&mut pace.clone(), UPDATE, later(15)), 56);
        assert_eq!(room(&mut pace.clone(), UPDATE, later(30)), 75);
        for n in 1..9 {
            pace.refused(UPDATE, later(n), later(n + 1));
        }
        let least = room(&mut pace.clone(), UPDATE, later(9));
        assert!((18..=20).contains(&least), "{least}: a quarter is always used");
        let other = Operation::Catalog(CatalogKind::Item, CatalogAction::Update);
        assert_eq!(room(&mut pace, other, later(9)), 75, "for that operation alone");
    }

    #[test]
    fn the_limits_are_those_that_the_answers_tell() {
        assert_eq!(RateTier::parse("75, 75;w=1, 750;w=60"), Some(L));
        for header in ["", "75", "75;w=1", "0;w=1, 1;w=60", "x;w=1, 750;w=60"] {
            assert_eq!(RateTier::parse(header), None, "{header}");
        }
        let mut pace = CallPace::new(1.0);
        pace.learn(UPDATE, M);
        assert_eq!(room(&mut pace, UPDATE, at(5)), 10);
        pace.learn(UPDATE, L);
        assert_eq!(room(&mut pace, UPDATE, at(5)), 65);
    }

    #[test]
    fn a_refusal_is_kept_to_the_longest() {
        let mut pace = CallPace::new(1.0);
        pace.used_up(UPDATE, at(10_000));
        pace.used_up(UPDATE, at(9_000));
        assert_eq!(pace.take(UPDATE, at(4_000)), Err(Duration::from_secs(6)));
        assert_eq!(pace.take(UPDATE, at(10_000)), Ok(()));
    }
}
