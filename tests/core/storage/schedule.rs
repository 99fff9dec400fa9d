//! Schedules: which slots are handled, and what is stored about them.

use chrono::{DateTime, Utc};
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::RunSaving;
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::selection::{RunSelection, RunTrigger};
use commercetools_klaviyo::import::sequence::ImportSequence;
use commercetools_klaviyo::import::store::schedule::{SeenSlot, notice, see_to, shown};
use commercetools_klaviyo::import::store::{completed, runs, sequence};
use commercetools_klaviyo::import::stored::StoredRun;
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Value, json};

use super::fails_whole;
use super::runs::imports;
use crate::sqlite::Sqlite;

const KIND: ImportKind = ImportKind::Orders;

fn rules(schedule: &Value) -> OperatorRules {
    OperatorRules::parse(&json!({ "import": { "schedule": schedule } }).to_string()).expect("rules")
}

fn nightly() -> OperatorRules {
    rules(&json!({"orders": {"every": "day", "at": "02:30"}}))
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn ms(text: &str) -> UnixMs {
    time(text).into()
}

/// A tick: what it sees to. The run that it starts is stored.
fn tick(sql: &Sqlite, rules: &OperatorRules, now: &str) -> Option<SeenSlot> {
    notice(sql, rules, ms(now)).expect("noticed");
    let seen = see_to(sql, rules, KIND, ms(now)).expect("seen");
    if let Some(SeenSlot { outcome: Ok((id, start)), .. }) = &seen {
        let selection = start.selection.clone();
        save(sql, &ImportRun::new(rules, id.clone(), KIND, selection, start.trigger, time(now)));
    }
    seen
}

fn save(sql: &Sqlite, run: &ImportRun) {
    let saving = RunSaving { run: Some(run.clone()), ..RunSaving::default() };
    runs::save(sql, &saving).expect("saved");
}

/// The run that a tick started.
fn started(seen: Option<SeenSlot>) -> RunSelection {
    let (_, start) = seen.expect("a slot").outcome.expect("a run");
    assert_eq!(start.trigger, RunTrigger::Schedule);
    start.selection
}

fn skipped(seen: Option<SeenSlot>) -> &'static str {
    seen.expect("a slot").outcome.expect_err("no run")
}

fn end(sql: &Sqlite, state: RunState, at: &str) {
    let run = runs::current(sql, &OperatorRules::default(), KIND).expect("an answer");
    let mut run = run.and_then(StoredRun::readable).expect("a run");
    run.state = state;
    run.finished_at = Some(time(at));
    save(sql, &run);
}

#[test]
fn a_schedule_counts_from_when_it_is_first_seen() {
    let sql = imports();
    let nightly = nightly();
    assert_eq!(tick(&sql, &nightly, "2026-06-01T12:00:00Z"), None);
    assert_eq!(tick(&sql, &nightly, "2026-06-02T02:29:00Z"), None);
    let other = rules(&json!({"orders": {"every": "day", "at": "01:00", "mode": "full"}}));
    assert_eq!(tick(&sql, &other, "2026-06-02T02:30:00Z"), None, "other times count anew");
    assert_eq!(tick(&sql, &nightly, "2026-06-02T02:40:00Z"), None);
    let none = rules(&json!({}));
    assert_eq!(tick(&sql, &none, "2026-06-03T02:00:00Z"), None);
    assert!(sql.tables()["slots"].is_empty(), "it is forgotten");
    assert_eq!(tick(&sql, &nightly, "2026-06-05T12:00:00Z"), None);
    let full = rules(&json!({"orders": {"every": "day", "at": "02:30", "mode": "full"}}));
    let seen = tick(&sql, &full, "2026-06-06T02:30:01Z");
    assert_eq!(started(seen), RunSelection::Full, "another mode changes no time");
}

#[test]
fn each_slot_is_seen_to_once() {
    let sql = imports();
    let nightly = nightly();
    assert_eq!(tick(&sql, &nightly, "2026-06-01T12:00:00Z"), None);
    notice(&sql, &nightly, ms("2026-06-02T02:30:00Z")).expect("noticed");
    fails_whole(&sql, |sql| see_to(sql, &nightly, KIND, ms("2026-06-02T02:30:00Z")));
    assert_eq!(started(tick(&sql, &nightly, "2026-06-02T02:30:00Z")), RunSelection::Full);
    assert_eq!(tick(&sql, &nightly, "2026-06-02T02:31:00Z"), None);
    assert_eq!(skipped(tick(&sql, &nightly, "2026-06-03T02:30:00Z")), "running");
    end(&sql, RunState::Completed, "2026-06-03T03:00:00Z");
    assert_eq!(tick(&sql, &nightly, "2026-06-03T03:01:00Z"), None, "a skipped slot is over");
    // Three nights were missed: one run. Flows are kept for orders of a day, so they count.
    let seen = tick(&sql, &nightly, "2026-06-06T12:00:00Z");
    assert_eq!(seen.as_ref().map(|seen| seen.slot), Some(ms("2026-06-06T02:30:00Z")));
    assert_eq!(started(seen), RunSelection::Since(time("2026-06-01T02:29:00Z")));
    end(&sql, RunState::Stopped, "2026-06-06T13:00:00Z");
    assert_eq!(skipped(tick(&sql, &nightly, "2026-06-07T02:30:00Z")), "stopped");
    end(&sql, RunState::Failed, "2026-06-07T13:00:00Z");
    let seen = tick(&sql, &nightly, "2026-06-08T02:30:00Z");
    let since = RunSelection::Since(time("2026-06-01T02:29:00Z"));
    assert_eq!(started(seen), since, "no run was completed since");
    end(&sql, RunState::Completed, "2026-06-08T03:00:00Z");
    sequence::begin(&sql, &ImportSequence::new(vec![ImportKind::Products, KIND], UnixMs::EPOCH))
        .expect("begun");
    assert_eq!(skipped(tick(&sql, &nightly, "2026-06-09T02:30:00Z")), "running");
}

#[test]
fn what_became_of_the_last_slot_is_shown() {
    let sql = imports();
    let nightly = nightly();
    let shown = |now: &str| shown(&sql, &nightly, ms(now)).expect("shown");
    assert_eq!(tick(&sql, &nightly, "2026-06-01T12:00:00Z"), None);
    assert_eq!(
        shown("2026-06-01T12:00:00Z"),
        json!({"orders": {"mode": "since", "next": "2026-06-02T02:30:00.000Z", "last": null}})
    );
    assert_eq!(shown("2026-06-02T02:30:20Z")["orders"]["next"], "2026-06-02T02:30:00.000Z");
    let (id, _) =
        tick(&sql, &nightly, "2026-06-02T02:30:30Z").expect("a slot").outcome.expect("run");
    assert_eq!(
        shown("2026-06-02T02:31:00Z"),
        json!({"orders": {"mode": "since", "next": "2026-06-03T02:30:00.000Z",
            "last": {"at": "2026-06-02T02:30:00.000Z", "outcome": "started", "reason": null,
                "run": id}}})
    );
    skipped(tick(&sql, &nightly, "2026-06-03T02:30:30Z"));
    assert_eq!(
        shown("2026-06-03T02:31:00Z")["orders"]["last"],
        json!({"at": "2026-06-03T02:30:00.000Z", "outcome": "skipped", "reason": "running",
            "run": null})
    );
}

#[test]
fn the_last_success_outlives_the_runs() {
    let sql = imports();
    let rules = OperatorRules::default();
    let now = time("2026-06-01T12:00:00Z");
    for number in 1..=30_u64 {
        let selection = if number == 3 { RunSelection::Full } else { RunSelection::Retry };
        let id = format!("{number:013}");
        save(&sql, &ImportRun::new(&rules, id, KIND, selection, RunTrigger::Hand, now));
        end(&sql, RunState::Completed, "2026-06-01T13:00:00Z");
    }
    let success = completed::last_success(&sql).expect("shown");
    assert_eq!(
        success,
        json!({"customers": null, "orders": "2026-06-01T13:00:00.000Z", "categories": null,
            "products": null})
    );
    // A run with failures is gone on from, and is no success.
    let later = time("2026-06-02T12:00:00Z");
    let id = format!("{:013}", 31);
    let mut run = ImportRun::new(&rules, id, KIND, RunSelection::Full, RunTrigger::Hand, later);
    run.counts.failed = 1;
    save(&sql, &run);
    end(&sql, RunState::Completed, "2026-06-02T13:00:00Z");
    assert_eq!(completed::last_success(&sql), Ok(success));
    let last = completed::of_kind(&sql, KIND).expect("an answer").expect("a run");
    assert_eq!(last.started, UnixMs::from(later));
}
