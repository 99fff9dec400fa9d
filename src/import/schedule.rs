//! When an import starts by itself: which slot of a schedule is due, and what becomes of it.
//!
//! A slot is a time at which `CONFIG.import.schedule` wants a run of a kind. Each is handled once: it starts a run, or
//! is skipped with a reason. If several slots were missed together while the Worker was down, the newest stands for
//! all. Not in scope: what is stored about slots ([`super::store::schedule`]).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::kind::ImportKind;
use super::run::{ImportRun, RunState};
use super::selection::RunSelection;
use super::stored::StoredRun;
use crate::config::schedule::{ImportSchedules, KindSchedule, ScheduledMode, SlotPattern};
use crate::time::{UnixMs, millis};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// From the beginning of 1970, a Thursday, to the Monday after it.
const TO_MONDAY: u32 = 4;

/// commercetools' clock is not ours, and a query may not know yet what changed a moment ago.
const LEAST_OVERLAP: Duration = MINUTE;

/// The schedule of a kind, if it has one.
#[must_use]
pub fn schedule_of(schedules: &ImportSchedules, kind: ImportKind) -> Option<&KindSchedule> {
    match kind {
        ImportKind::Categories => schedules.categories.as_ref(),
        ImportKind::Products => schedules.products.as_ref(),
        ImportKind::Customers => schedules.customers.as_ref(),
        ImportKind::Orders => schedules.orders.as_ref(),
    }
}

/// The newest slot at or before a time.
#[must_use]
pub fn newest_slot(pattern: SlotPattern, now: UnixMs) -> UnixMs {
    let (period, offset) = rhythm(pattern);
    let (period, offset) = (millis(period), millis(offset));
    UnixMs::from_ms(now.ms().saturating_sub((now.ms() + period - offset) % period))
}

/// The first slot after a time.
#[must_use]
pub fn next_slot(pattern: SlotPattern, now: UnixMs) -> UnixMs {
    newest_slot(pattern, now) + rhythm(pattern).0
}

/// The slot that is due, if `seen` is the newest slot that was handled.
#[must_use]
pub fn due_slot(pattern: SlotPattern, seen: UnixMs, now: UnixMs) -> Option<UnixMs> {
    Some(newest_slot(pattern, now)).filter(|slot| *slot > seen)
}

/// The interval of the slots, and the offset of the first one after the beginning of 1970.
fn rhythm(pattern: SlotPattern) -> (Duration, Duration) {
    match pattern {
        SlotPattern::Hour { minute } => (HOUR, MINUTE * u32::from(minute)),
        SlotPattern::Day { at } => (DAY, MINUTE * u32::from(at)),
        SlotPattern::Week { on, at } => {
            let days = (TO_MONDAY + on as u32) % 7;
            (DAY * 7, DAY * days + MINUTE * u32::from(at))
        }
    }
}

/// What becomes of a slot that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotDecision {
    /// A run over these records starts.
    Run(RunSelection),
    /// No run starts.
    Skip(SlotSkip),
}

/// Why a slot starts no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotSkip {
    /// A run of the kind is under way, or a sequence will start one.
    Running,
    /// A person stopped the newest run: a new one would lose its position.
    Stopped,
    /// Another version stored the newest run, and can resume it.
    StoredByAnotherVersion,
}

impl SlotSkip {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::StoredByAnotherVersion => "stored_by_another_version",
        }
    }
}

/// The last completed run over all records, or over all that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletedRun {
    #[expect(missing_docs, reason = "as its name says")]
    pub started: UnixMs,
    /// The time of creation from which on it left out records as too young.
    pub left_out_from: Option<UnixMs>,
}

impl CompletedRun {
    /// What to keep after a run has ended, if it counts; `before` is what was kept until then. A run over changes since
    /// a time that no run read up to leaves a gap: then the next run goes on from the one before it.
    #[must_use]
    pub fn after(run: &ImportRun, before: Option<Self>) -> Option<Self> {
        let since = match run.selection {
            RunSelection::Full => None,
            RunSelection::Since(since) => Some(UnixMs::from(since)),
            RunSelection::Ids
            | RunSelection::StartId(_)
            | RunSelection::DeleteAll
            | RunSelection::Retry => return None,
        };
        let started = run.started_at.into();
        let left_out_from = run.leaves_out_from().map(UnixMs::from);
        let gap = before.filter(|before| since.is_some_and(|since| since > before.read_up_to()));
        let completed = gap.unwrap_or(Self { started, left_out_from });
        (run.state == RunState::Completed).then_some(completed)
    }

    /// All changes up to this time were read.
    #[must_use]
    pub fn read_up_to(self) -> UnixMs {
        self.left_out_from.map_or(self.started, |from| from.min(self.started))
    }
}

/// What becomes of a slot. `newest` is the newest run of the kind; `awaited` is whether a sequence will start one.
#[must_use]
pub fn decide(
    mode: ScheduledMode,
    newest: Option<&StoredRun>,
    awaited: bool,
    completed: Option<CompletedRun>,
) -> SlotDecision {
    match newest {
        Some(StoredRun::Unreadable(_)) => {
            return SlotDecision::Skip(SlotSkip::StoredByAnotherVersion);
        }
        Some(StoredRun::Readable(run)) if run.is_active() => {
            return SlotDecision::Skip(SlotSkip::Running);
        }
        _ if awaited => return SlotDecision::Skip(SlotSkip::Running),
        Some(StoredRun::Readable(run)) if run.state == RunState::Stopped => {
            return SlotDecision::Skip(SlotSkip::Stopped);
        }
        _ => {}
    }
    let since = match mode {
        ScheduledMode::Full => None,
        ScheduledMode::Since { overlap_hours } => {
            completed.and_then(|run| since(run, overlap_hours))
        }
    };
    SlotDecision::Run(since.map_or(RunSelection::Full, RunSelection::Since))
}

/// The earliest change that the next run has to read so that it misses nothing. Records that the last run left out as
/// too young were created at or after the time from which it left them out, and changed no earlier than that.
fn since(
    CompletedRun { started, left_out_from }: CompletedRun,
    overlap_hours: u32,
) -> Option<DateTime<Utc>> {
    let overlap = (HOUR * overlap_hours).max(LEAST_OVERLAP);
    let since = started - overlap;
    let left_out_from = left_out_from.map(|from| from - LEAST_OVERLAP);
    left_out_from.map_or(since, |from| from.min(since)).to_utc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::OperatorRules;
    use crate::config::schedule::SlotDay;
    use crate::import::selection::RunTrigger;
    use crate::import::stored::UnreadableRun;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn the_slots_beside_a_time() {
        let half_past = SlotPattern::Hour { minute: 30 };
        let night = SlotPattern::Day { at: 150 };
        let monday = SlotPattern::Week { on: SlotDay::Monday, at: 150 };
        let sunday = SlotPattern::Week { on: SlotDay::Sunday, at: 0 };
        // 2026-11-30 is a Monday.
        for (pattern, now, newest, next) in [
            (half_past, "2026-11-30T14:29:59.999Z", "2026-11-30T13:30:00Z", "2026-11-30T14:30:00Z"),
            (half_past, "2026-11-30T14:30:00Z", "2026-11-30T14:30:00Z", "2026-11-30T15:30:00Z"),
            (night, "2026-11-30T02:29:59Z", "2026-11-29T02:30:00Z", "2026-11-30T02:30:00Z"),
            (night, "2028-02-29T02:30:00Z", "2028-02-29T02:30:00Z", "2028-03-01T02:30:00Z"),
            (monday, "2026-11-30T02:29:59Z", "2026-11-23T02:30:00Z", "2026-11-30T02:30:00Z"),
            (monday, "2026-11-30T02:30:00Z", "2026-11-30T02:30:00Z", "2026-12-07T02:30:00Z"),
            (sunday, "2026-11-30T02:30:00Z", "2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"),
        ] {
            let now = UnixMs::from(time(now));
            assert_eq!(newest_slot(pattern, now).to_utc(), Some(time(newest)), "{pattern} {now:?}");
            assert_eq!(next_slot(pattern, now).to_utc(), Some(time(next)), "{pattern} {now:?}");
        }
    }

    #[test]
    fn a_slot_is_due_until_it_is_seen_to() {
        let pattern = SlotPattern::Day { at: 0 };
        let [first, second, third] =
            ["2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z"]
                .map(|text| UnixMs::from(time(text)));
        assert_eq!(due_slot(pattern, first, first + HOUR), None);
        assert_eq!(due_slot(pattern, first, second - MINUTE), None);
        assert_eq!(due_slot(pattern, first, second), Some(second));
        assert_eq!(due_slot(pattern, first, third + HOUR), Some(third), "the newest for both");
        assert_eq!(due_slot(pattern, third, second), None, "the clock went back");
    }

    fn run(state: RunState) -> StoredRun {
        let rules = OperatorRules::default();
        let (kind, selection) = (ImportKind::Orders, RunSelection::Full);
        let now = DateTime::UNIX_EPOCH;
        let mut run = ImportRun::new(&rules, "r".into(), kind, selection, RunTrigger::Hand, now);
        run.state = state;
        StoredRun::Readable(Box::new(run))
    }

    #[test]
    fn a_run_that_is_not_over_skips_the_slot() {
        let other = UnreadableRun { id: "r".to_owned(), kind: ImportKind::Orders };
        let full = SlotDecision::Run(RunSelection::Full);
        for (newest, awaited, expected) in [
            (None, false, full.clone()),
            (None, true, SlotDecision::Skip(SlotSkip::Running)),
            (Some(run(RunState::Running)), false, SlotDecision::Skip(SlotSkip::Running)),
            (Some(run(RunState::Stopping)), false, SlotDecision::Skip(SlotSkip::Running)),
            (Some(run(RunState::Stopped)), false, SlotDecision::Skip(SlotSkip::Stopped)),
            (Some(run(RunState::Stopped)), true, SlotDecision::Skip(SlotSkip::Running)),
            (Some(run(RunState::Completed)), false, full.clone()),
            (Some(run(RunState::Failed)), false, full.clone()),
            (
                Some(StoredRun::Unreadable(other)),
                false,
                SlotDecision::Skip(SlotSkip::StoredByAnotherVersion),
            ),
        ] {
            let decision = decide(ScheduledMode::Full, newest.as_ref(), awaited, None);
            assert_eq!(decision, expected, "{newest:?} {awaited}");
        }
    }

    #[test]
    fn since_is_the_earlier_of_the_overlap_and_of_what_was_left_out() {
        let started = UnixMs::from(time("2026-06-10T12:00:00Z"));
        for (overlap_hours, left_out_hours, expected) in [
            (6, None, "2026-06-10T06:00:00Z"),
            (0, None, "2026-06-10T11:59:00Z"),
            (6, Some(1), "2026-06-10T06:00:00Z"),
            (6, Some(24), "2026-06-09T11:59:00Z"),
            (720, Some(24), "2026-05-11T12:00:00Z"),
        ] {
            let left_out_from = left_out_hours.map(|hours: u32| started - HOUR * hours);
            let completed = Some(CompletedRun { started, left_out_from });
            let decision = decide(ScheduledMode::Since { overlap_hours }, None, false, completed);
            let expected = SlotDecision::Run(RunSelection::Since(time(expected)));
            assert_eq!(decision, expected, "{overlap_hours} {left_out_hours:?}");
        }
        let none = decide(ScheduledMode::Since { overlap_hours: 6 }, None, false, None);
        assert_eq!(none, SlotDecision::Run(RunSelection::Full), "nothing to count from");
    }

    #[test]
    fn only_completed_runs_over_all_or_what_changed_are_counted_from() {
        let rules = OperatorRules::default();
        let now = time("2026-06-10T12:00:00Z");
        let since = RunSelection::Since(DateTime::UNIX_EPOCH);
        for (selection, state, counts) in [
            (RunSelection::Full, RunState::Completed, true),
            (since.clone(), RunState::Completed, true),
            (since, RunState::Failed, false),
            (RunSelection::Full, RunState::Stopped, false),
            (RunSelection::Ids, RunState::Completed, false),
            (RunSelection::Retry, RunState::Completed, false),
            (RunSelection::DeleteAll, RunState::Completed, false),
        ] {
            for (kind, trigger, left_out) in [
                (ImportKind::Orders, RunTrigger::Hand, Some(1)),
                (ImportKind::Orders, RunTrigger::Schedule, Some(24)),
                (ImportKind::Products, RunTrigger::Schedule, None),
            ] {
                let selection = selection.clone();
                let mut run = ImportRun::new(&rules, "r".into(), kind, selection, trigger, now);
                run.state = state;
                let left_out_from = left_out.map(|hours: u32| UnixMs::from(now) - HOUR * hours);
                let completed = CompletedRun { started: now.into(), left_out_from };
                let expected = counts.then_some(completed);
                assert_eq!(CompletedRun::after(&run, None), expected, "{run:?}");
            }
        }
    }

    #[test]
    fn a_run_that_leaves_a_gap_is_not_gone_on_from() {
        let rules = OperatorRules::default();
        let now = time("2026-06-10T12:00:00Z");
        let before = CompletedRun {
            started: time("2026-06-08T12:00:00Z").into(),
            left_out_from: Some(time("2026-06-08T11:00:00Z").into()),
        };
        for (since, is_kept) in [("2026-06-08T11:00:00Z", false), ("2026-06-08T11:00:01Z", true)] {
            let selection = RunSelection::Since(time(since));
            let (id, kind) = ("r".to_owned(), ImportKind::Orders);
            let mut run = ImportRun::new(&rules, id, kind, selection, RunTrigger::Hand, now);
            run.state = RunState::Completed;
            let after = CompletedRun::after(&run, Some(before)).expect("it counts");
            assert_eq!(after == before, is_kept, "{since}");
        }
    }
}
