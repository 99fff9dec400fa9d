//! What the feed does next, and the effect of a page on its cursors.

use std::time::Duration;

use super::state::{
    FeedCursors, FeedFailure, FeedLook, FeedReading, FeedReplay, FeedState, PageEnd, ReadingGoal,
};
use crate::commercetools::keyset::{Keyset, StampedPage, StampedResource};
use crate::commercetools::query::PAGE;
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::config::{FeedMode, FeedRules};
use crate::time::{UnixMs, millis};

/// How often the feed looks for documents that became readable late, and for changes without a message.
const LOOK: Duration = Duration::from_mins(1);

/// How often the feed reads the project, and looks for variants: most of their changes have a message.
const RARE_LOOK: Duration = Duration::from_mins(5);

/// How often the feed compares all categories with those of the last time.
const ROUND: Duration = Duration::from_hours(1);

/// How long to wait after a failure; twice as long after the next one, up to the longest.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// How many documents that are too large the queries exclude; after that the feed meets the oldest one again.
const MOST_WITHOUT: usize = 20;

/// The next step.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedStep {
    /// Do nothing until this time, by our clock.
    Rest(UnixMs),
    /// Read the project.
    Project,
    /// Ask the outbox whether it took the batch of this number; if not, it refuses it from then on.
    Settle(u64),
    /// Read a page.
    Read(FeedReading, StampedPage),
    /// Read a page of all categories, for their ids.
    Categories(Option<Id>),
    /// Read a missing category.
    Category(Id),
}

/// The next step.
#[must_use]
pub fn next(state: &FeedState, rules: &FeedRules, now: UnixMs) -> FeedStep {
    if let Some(pending) = &state.pending {
        if now < state.outbox_due {
            return FeedStep::Rest(state.outbox_due);
        }
        return FeedStep::Settle(pending.number);
    }
    if now >= state.project.due {
        return FeedStep::Project;
    }
    if state.project.failure.is_some() || state.began == UnixMs::EPOCH {
        return FeedStep::Rest(state.project.due);
    }
    let mut rest = state.project.due;
    for of in StampedResource::ALL {
        let Some(cursors) = state.cursors.get(&of) else { continue };
        let (due, goal) = due(cursors, of);
        if now >= due {
            let reading = FeedReading { of, goal };
            let before = before(state, rules, now);
            return FeedStep::Read(reading, page(cursors, reading, before));
        }
        rest = rest.min(due);
    }
    let categories = &state.categories;
    let is_under_way = categories.after.is_some() || !categories.missing.is_empty();
    let due = if is_under_way { categories.retry } else { categories.due.max(categories.retry) };
    if now >= due {
        return match categories.missing.first() {
            Some(missing) => FeedStep::Category(missing.clone()),
            None => FeedStep::Categories(categories.after.clone()),
        };
    }
    rest = rest.min(due);
    if let (Some(replay), Some(cursors)) =
        (state.replays.first(), state.cursors.get(&StampedResource::Messages))
    {
        if now >= cursors.retry {
            return again(replay, cursors);
        }
        rest = rest.min(cursors.retry);
    }
    FeedStep::Rest(rest)
}

/// The next page of a replay.
fn again(replay: &FeedReplay, cursors: &FeedCursors) -> FeedStep {
    let reading = FeedReading { of: StampedResource::Messages, goal: ReadingGoal::Replay };
    let page = StampedPage {
        of: reading.of,
        after: replay.after.clone(),
        before: Some(replay.to),
        types: replay.types.clone(),
        without: cursors.without.clone(),
        limit: cursors.limit,
    };
    FeedStep::Read(reading, page)
}

/// When to read a resource next, by our clock, and why.
fn due(cursors: &FeedCursors, of: StampedResource) -> (UnixMs, ReadingGoal) {
    let look = if cursors.look.is_some() { UnixMs::EPOCH } else { cursors.look_due };
    let has_head = of == StampedResource::Messages;
    let (due, goal) = if has_head && cursors.head_due < look {
        (cursors.head_due, ReadingGoal::Head)
    } else {
        (look, ReadingGoal::Look)
    };
    (due.max(cursors.retry), goal)
}

/// How far behind the feed reads beside a broker: if the broker delivers within 60 s, the isolates report it 10 s
/// later.
const TRAIL: Duration = Duration::from_secs(75);

/// The stamp before which to read; none to read up to the newest.
fn before(state: &FeedState, rules: &FeedRules, now: UnixMs) -> Option<UnixMs> {
    (rules.mode == FeedMode::Beside).then(|| their_time(state, now) - TRAIL)
}

fn page(cursors: &FeedCursors, reading: FeedReading, before: Option<UnixMs>) -> StampedPage {
    let after = match (reading.goal, &cursors.look) {
        (ReadingGoal::Head | ReadingGoal::Replay, _) => cursors.head.clone(),
        (ReadingGoal::Look, Some(look)) => look.after.clone(),
        (ReadingGoal::Look, None) => Keyset::from(cursors.from),
    };
    StampedPage {
        of: reading.of,
        after,
        before,
        types: Vec::new(),
        without: cursors.without.clone(),
        limit: cursors.limit,
    }
}

/// The feed begins at this time.
pub fn begin(state: &mut FeedState, at: UnixMs) {
    state.began = at;
    let everywhere = StampedResource::ALL.into_iter().filter(|of| *of != StampedResource::Variants);
    state.cursors = everywhere.map(|of| (of, cursors_from(at))).collect();
}

fn cursors_from(at: UnixMs) -> FeedCursors {
    FeedCursors {
        from: at,
        head: Keyset::from(at),
        look: None,
        look_due: UnixMs::EPOCH,
        head_due: UnixMs::EPOCH,
        read_until: at,
        limit: PAGE,
        without: Vec::new(),
        failure: None,
        retry: UnixMs::EPOCH,
    }
}

/// Reads variants while the project has some that are documents of their own.
fn keep_variants(state: &mut FeedState, model: CatalogModel, at: UnixMs) {
    match model {
        CatalogModel::InMigration | CatalogModel::Modular => {
            state.cursors.entry(StampedResource::Variants).or_insert_with(|| cursors_from(at));
        }
        CatalogModel::Classic => drop(state.cursors.remove(&StampedResource::Variants)),
        CatalogModel::Unknown => {}
    }
}

/// A page is passed on, or needs nothing: the cursors move. True at the end of a look: then the feed does not meet
/// documents stamped before the cursor *from* again.
pub fn page_done(
    state: &mut FeedState,
    rules: &FeedRules,
    reading: FeedReading,
    page: &PageEnd,
    now: UnixMs,
) -> bool {
    let began = state.began;
    let Some(cursors) = state.cursors.get_mut(&reading.of) else { return false };
    (cursors.failure, cursors.retry, cursors.limit) = (None, UnixMs::EPOCH, page.limit);
    if let Some(id) = &page.too_large {
        cursors.without.push(id.clone());
        let most = cursors.without.len().saturating_sub(MOST_WITHOUT);
        cursors.without.drain(..most);
    }
    match reading.goal {
        ReadingGoal::Replay => {
            match (&page.last, page.goes_on, state.replays.first_mut()) {
                (Some(last), true, Some(replay)) => replay.after = last.clone(),
                (_, false, Some(_)) => drop(state.replays.remove(0)),
                _ => {}
            }
            false
        }
        ReadingGoal::Head => {
            if let Some(last) = &page.last {
                cursors.head = last.clone();
            }
            if !page.goes_on {
                cursors.read_until = cursors.read_until.max(page.until);
                cursors.head_due = now + rules.every();
            }
            false
        }
        ReadingGoal::Look => {
            let (looked_from, before) = match cursors.look.take() {
                Some(look) => (look.began, look.after),
                None => (page.until, Keyset::from(cursors.from)),
            };
            let after = page.last.clone().unwrap_or(before);
            // No readable document lies between the head and the end of a look.
            if after.at >= cursors.head.at {
                cursors.head = after.clone();
            }
            if page.goes_on {
                cursors.look = Some(FeedLook { began: looked_from, after });
                return false;
            }
            cursors.from = cursors.from.max(looked_from - rules.overlap()).max(began);
            cursors.read_until = cursors.read_until.max(page.until);
            let is_rare = reading.of == StampedResource::Variants;
            cursors.look_due = now + if is_rare { RARE_LOOK } else { LOOK };
            cursors.head_due = now + rules.every();
            true
        }
    }
}

/// A page could not be read: it is tried again later, and no cursor moves.
pub fn page_failed(
    state: &mut FeedState,
    of: StampedResource,
    words: String,
    needs_person: bool,
    now: UnixMs,
) {
    let Some(cursors) = state.cursors.get_mut(&of) else { return };
    let failure = failed(cursors.failure.take(), words, needs_person, now);
    cursors.retry = now + retry_after(&failure);
    cursors.failure = Some(failure);
}

/// The project could not be read, or has no messages.
pub fn project_failed(state: &mut FeedState, words: String, needs_person: bool, now: UnixMs) {
    let failure = failed(state.project.failure.take(), words, needs_person, now);
    state.project.due = now + retry_after(&failure);
    state.project.failure = Some(failure);
}

/// The project keeps messages for this many days, and variants as its model says; neither is known if the client may
/// not read it. `clock` is commercetools' time, if the answer has it.
pub fn project_read(
    state: &mut FeedState,
    retention_days: Option<u32>,
    model: CatalogModel,
    clock: Option<UnixMs>,
    now: UnixMs,
) {
    state.project.failure = None;
    state.project.retention_days = retention_days;
    state.project.due = now + RARE_LOOK;
    let at = clock.unwrap_or(now);
    if state.began == UnixMs::EPOCH {
        begin(state, at);
    }
    keep_variants(state, model, at);
}

/// A page of categories was read. True if the round has met all categories.
pub fn categories_read(state: &mut FeedState, last: Option<Id>, goes_on: bool) -> bool {
    state.categories.retry = UnixMs::EPOCH;
    if goes_on && last.is_some() {
        state.categories.after = last;
        return false;
    }
    state.categories.after = None;
    true
}

/// A round has ended without meeting these.
pub fn categories_compared(state: &mut FeedState, missing: Vec<Id>, now: UnixMs) {
    state.categories.missing = missing;
    state.categories.number += 1;
    state.categories.due = now + ROUND;
}

/// A missing category exists, or its deletion is passed on.
pub fn category_done(state: &mut FeedState, id: &Id) {
    state.categories.retry = UnixMs::EPOCH;
    state.categories.missing.retain(|missing| missing != id);
}

/// The categories could not be read: nothing is deleted, and the feed reads them later.
pub fn categories_failed(state: &mut FeedState, now: UnixMs) {
    state.categories.retry = now + LONGEST_RETRY;
}

/// The outbox did not answer: the feed asks again.
pub fn outbox_failed(state: &mut FeedState, now: UnixMs) {
    state.outbox_due = now + RETRY;
}

fn failed(
    before: Option<FeedFailure>,
    words: String,
    needs_person: bool,
    now: UnixMs,
) -> FeedFailure {
    let (since, count) = before.map_or((now, 0), |before| (before.since, before.count));
    FeedFailure { words, needs_person, since, count: count.saturating_add(1) }
}

fn retry_after(failure: &FeedFailure) -> Duration {
    let times = 1_u32.checked_shl(failure.count.saturating_sub(1)).unwrap_or(u32::MAX);
    RETRY.saturating_mul(times).min(LONGEST_RETRY)
}

/// Remembers how far commercetools' clock is ahead of ours.
pub fn keep_clock(state: &mut FeedState, clock: UnixMs, now: UnixMs) {
    let ahead = |later: UnixMs, earlier: UnixMs| {
        i64::try_from(millis(later.since(earlier))).unwrap_or(i64::MAX)
    };
    state.clock_ahead =
        if clock >= now { ahead(clock, now) } else { ahead(now, clock).saturating_neg() };
}

/// The time of commercetools at one of our times.
#[must_use]
pub fn their_time(state: &FeedState, now: UnixMs) -> UnixMs {
    let ahead = Duration::from_millis(state.clock_ahead.unsigned_abs());
    if state.clock_ahead < 0 { now - ahead } else { now + ahead }
}
