//! Schedules in virtual time: whatever runs, is stopped or is down meanwhile, each slot is handled once.

use std::time::Duration;

use chrono::{DateTime, Datelike, Timelike, Utc};
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::config::schedule::{ScheduledMode, SlotDay, SlotPattern};
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::schedule::{
    CompletedRun, SlotDecision, SlotSkip, decide, due_slot, newest_slot, next_slot,
};
use commercetools_klaviyo::import::selection::{RunSelection, RunTrigger};
use commercetools_klaviyo::import::stored::StoredRun;
use commercetools_klaviyo::time::UnixMs;
use serde_json::json;

use super::NOW;
use super::modes::calm;
use super::world::Chance;
use crate::support::at;

const KIND: ImportKind = ImportKind::Orders;
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Worlds of a schedule each, and their months: 10,000 together.
const WORLDS: u64 = 1_000;
const MONTHS: u32 = 10;

/// What became of slots.
#[derive(Default)]
struct Tally {
    run: u64,
    folded: u64,
    running: u64,
    stopped: u64,
}

/// A kind with a schedule, its runs, and the orders that a shop has.
struct Plan {
    pattern: SlotPattern,
    mode: ScheduledMode,
    rules: OperatorRules,
    seen: UnixMs,
    newest: Option<ImportRun>,
    /// When the run that is under way will end, and how.
    ends: Option<(UnixMs, RunState)>,
    completed: Option<CompletedRun>,
    /// Up to when what changed was read, if it was as old as the run wants.
    covered: UnixMs,
}

fn utc(time: UnixMs) -> DateTime<Utc> {
    time.to_utc().expect("a time")
}

/// Whether a time is a slot, by the calendar.
fn is_slot(pattern: SlotPattern, time: UnixMs) -> bool {
    let date = utc(time);
    let of_day = u16::try_from(date.hour() * 60 + date.minute()).expect("minutes");
    let is_sharp = date.second() == 0 && date.nanosecond() == 0;
    is_sharp
        && match pattern {
            SlotPattern::Hour { minute } => of_day % 60 == minute,
            SlotPattern::Day { at } => of_day == at,
            SlotPattern::Week { on, at } => {
                of_day == at && date.weekday().num_days_from_monday() == on as u32
            }
        }
}

fn drawn_pattern(dice: &mut Chance) -> SlotPattern {
    let at = u16::try_from(dice.next(24 * 60)).expect("minutes");
    match dice.next(3) {
        0 => SlotPattern::Hour { minute: at % 60 },
        1 => SlotPattern::Day { at },
        _ => {
            let days = [
                SlotDay::Monday,
                SlotDay::Tuesday,
                SlotDay::Wednesday,
                SlotDay::Thursday,
                SlotDay::Friday,
                SlotDay::Saturday,
                SlotDay::Sunday,
            ];
            let on = days[usize::try_from(dice.next(7)).expect("a day")];
            SlotPattern::Week { on, at }
        }
    }
}

impl Plan {
    fn drawn(dice: &mut Chance, now: UnixMs) -> Self {
        let pattern = drawn_pattern(dice);
        let overlap_hours = u32::try_from(dice.next(30)).expect("hours");
        let mode = if dice.happens(300) {
            ScheduledMode::Full
        } else {
            ScheduledMode::Since { overlap_hours }
        };
        let hours = 1 + dice.next(72);
        let rules = json!({"order": {"flowsUpToHours": hours}}).to_string();
        let rules = OperatorRules::parse(&rules).expect("rules");
        let seen = newest_slot(pattern, now);
        Self {
            pattern,
            mode,
            rules,
            seen,
            newest: None,
            ends: None,
            completed: None,
            covered: UnixMs::EPOCH,
        }
    }

    fn begin(&mut self, dice: &mut Chance, now: UnixMs, start: (RunSelection, RunTrigger)) {
        let (selection, trigger) = start;
        let run = ImportRun::new(&self.rules, "r".to_owned(), KIND, selection, trigger, utc(now));
        self.newest = Some(run);
        let state = match dice.next(10) {
            0 => RunState::Stopped,
            1 => RunState::Failed,
            _ => RunState::Completed,
        };
        let most = if dice.happens(50) { 20 * 24 * 60 } else { 90 };
        self.ends =
            Some((now + MINUTE * (1 + u32::try_from(dice.next(most)).expect("minutes")), state));
    }

    /// What ended by now.
    fn bring_on(&mut self, now: UnixMs) {
        let Some((end, state)) = self.ends.filter(|(end, _)| *end <= now) else { return };
        let run = self.newest.as_mut().expect("a run");
        run.state = state;
        run.finished_at = Some(utc(end));
        self.ends = None;
        let after = CompletedRun::after(run, self.completed);
        if let Some(completed) = after {
            self.never_misses(completed);
            self.completed = Some(completed);
        }
    }

    /// Whatever an order's time of creation and of change: it is read by this run, was read by one before, or
    /// is left to the next.
    fn never_misses(&mut self, completed: CompletedRun) {
        let run = self.newest.as_ref().expect("a run");
        let from = match run.selection {
            RunSelection::Since(since) => UnixMs::from(since),
            _ => UnixMs::EPOCH,
        };
        if from > self.covered && self.completed.is_some() {
            assert_eq!(run.trigger, RunTrigger::Hand, "what changed in {:?} is lost", self.covered);
        } else {
            self.covered =
                run.started_at.min(run.leaves_out_from().expect("orders are left out")).into();
        }
        assert_eq!(completed.read_up_to(), self.covered);
    }

    /// What a tick makes of the slot that is due, if one is.
    fn tick(&mut self, dice: &mut Chance, now: UnixMs, tally: &mut Tally) -> Option<UnixMs> {
        self.bring_on(now);
        let slot = due_slot(self.pattern, self.seen, now)?;
        let newest = self.newest.clone().map(|run| StoredRun::Readable(Box::new(run)));
        let state = self.newest.as_ref().map(|run| run.state);
        match decide(self.mode, newest.as_ref(), false, self.completed) {
            SlotDecision::Run(selection) => {
                assert!(!matches!(state, Some(RunState::Running | RunState::Stopped)), "{state:?}");
                let is_full = self.mode == ScheduledMode::Full || self.completed.is_none();
                assert_eq!(selection == RunSelection::Full, is_full);
                self.begin(dice, now, (selection, RunTrigger::Schedule));
                tally.run += 1;
            }
            SlotDecision::Skip(SlotSkip::Running) => {
                assert_eq!(state, Some(RunState::Running));
                tally.running += 1;
            }
            SlotDecision::Skip(SlotSkip::Stopped) => {
                assert_eq!(state, Some(RunState::Stopped));
                tally.stopped += 1;
            }
            SlotDecision::Skip(other) => panic!("nobody {other:?}"),
        }
        self.seen = slot;
        Some(slot)
    }
}

/// The ticks of a world: most slots are seen to within a minute, some after a downtime of up to three weeks.
fn world(seed: u64, tally: &mut Tally) {
    let mut dice = Chance::new(seed);
    // Over some centuries, so that leap years of all sorts are among them.
    let begin = at(NOW) + HOUR * u32::try_from(dice.next(4_000_000)).expect("hours");
    let end = begin + HOUR * 24 * 30 * MONTHS;
    let mut plan = Plan::drawn(&mut dice, begin);
    let (mut now, mut expected) = (begin, next_slot(plan.pattern, begin));
    while now < end {
        let before = next_slot(plan.pattern, now);
        assert!(is_slot(plan.pattern, before) && before > now, "seed {seed}: {before:?}");
        // Nothing is due between two slots, however often it is asked.
        let between = now + before.since(now).mul_f64(0.5);
        if between > now && between < before {
            assert_eq!(plan.tick(&mut dice, between, tally), None, "seed {seed}");
            if dice.happens(60) && plan.ends.is_none() {
                // A person does something by hand, among it what counts for nothing.
                let hours = u32::try_from(dice.next(1_000)).expect("hours");
                let since = RunSelection::Since(utc(between - HOUR * hours));
                let selection = [RunSelection::Full, RunSelection::Retry, RunSelection::Ids, since]
                    [usize::try_from(dice.next(4)).expect("one of them")]
                .clone();
                plan.begin(&mut dice, between, (selection, RunTrigger::Hand));
            }
        }
        let down = if dice.happens(20) {
            HOUR * u32::try_from(dice.next(500)).expect("hours")
        } else {
            Duration::ZERO
        };
        now = before + down + Duration::from_millis(dice.next(60_000));
        let slot =
            plan.tick(&mut dice, now, tally).unwrap_or_else(|| panic!("seed {seed}: no slot"));
        // It is the newest; those before it were missed with it.
        while expected < slot {
            tally.folded += 1;
            expected = next_slot(plan.pattern, expected);
        }
        assert_eq!(slot, expected, "seed {seed}");
        assert!(now.since(slot) < next_slot(plan.pattern, slot).since(slot), "seed {seed}");
        // So it is when the cron trigger comes twice.
        assert_eq!(plan.tick(&mut dice, now, tally), None, "seed {seed}: twice");
        expected = next_slot(plan.pattern, slot);
    }
}

#[test]
fn each_slot_of_ten_thousand_months_is_seen_to_once() {
    let mut tally = Tally::default();
    for seed in 0..WORLDS {
        world(seed, &mut tally);
    }
    let Tally { run, folded, running, stopped } = tally;
    assert!(run > 50_000, "{run}");
    for (what, count) in [("folded", folded), ("running", running), ("stopped", stopped)] {
        assert!(count > 1_000, "{what}: {count}");
    }
}

/// A run that starts by itself takes no flow from realtime; one by hand leaves out less.
#[test]
fn a_scheduled_run_leaves_out_what_may_start_a_flow() {
    for (older_than, flows, scheduled) in [(60, 24, 24), (60, 48, 48), (6_000, 24, 100)] {
        let rules = json!({"import": {"ordersOlderThanMinutes": older_than},
            "order": {"flowsUpToHours": flows}});
        let rules = OperatorRules::parse(&rules.to_string()).expect("rules");
        for (trigger, hours) in [
            (RunTrigger::Schedule, scheduled * 60),
            (RunTrigger::Hand, older_than),
            (RunTrigger::Sequence, older_than),
        ] {
            let now = utc(at(NOW));
            let id = "r".to_owned();
            let run = ImportRun::new(&rules, id, KIND, RunSelection::Full, trigger, now);
            let left_out = run.leaves_out_from().map(|from| (now - from).num_minutes());
            assert_eq!(left_out, Some(hours), "{trigger:?}");
        }
    }
    let mut world = calm(&json!({}));
    assert_eq!(world.shown(KIND)["trigger"], json!(null));
    world.start(KIND, super::all(KIND));
    world.run();
    assert_eq!(world.shown(KIND)["trigger"], "hand");
}
