//! What the imports leave to the outbox: deleted customers and records, and what ended runs may have overwritten.

use chrono::{DateTime, Duration, Utc};
use commercetools_klaviyo::commercetools::notification::{Notification, change};
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{OpenPage, RunSaving};
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::store::{gone, hand_over, runs};
use commercetools_klaviyo::push::plan::{Work, WorkPlan, plan};
use serde_json::json;

use super::runs::{id, imports, run};
use crate::sqlite::Sqlite;
use crate::support::at;

fn ms(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp_millis()).expect("after 1970")
}

/// When the runs begin.
fn start() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().expect("a time")
}

fn save(sql: &Sqlite, run: &ImportRun) {
    runs::save(sql, &RunSaving { run: Some(run.clone()), ..RunSaving::default() }).expect("saved");
}

/// A run that ended so, with a write that may be carried out until so many seconds after it began.
fn ended(number: u64, kind: ImportKind, state: RunState, doubt: Option<i64>) -> ImportRun {
    let mut run = run(number, kind, RunSelection::Full);
    run.state = state;
    run.closing_began = Some(start() + Duration::seconds(30));
    run.doubtful_until = doubt.map(|seconds| start() + Duration::seconds(seconds));
    run.finished_at = Some(start() + Duration::seconds(60));
    run
}

fn remember(sql: &Sqlite, of_type: &str, name: &str, now: u64) {
    let rules = OperatorRules::default();
    gone::remember(sql, &rules, of_type, &id(name), at(now)).expect("remembered");
}

/// What is handed over at this time: the customers with how long to wait for (ms), and the changes as
/// types with the time, from the start on, before which they are not to be delivered (ms).
type HandedOver = (Vec<String>, u128, Vec<(Vec<String>, u128)>);

fn handed_over(sql: &Sqlite, now: u64) -> Option<HandedOver> {
    let due = hand_over::due(sql, &OperatorRules::default(), at(now)).expect("what is due")?;
    let customers = due.erase.customers.iter().map(ToString::to_string).collect();
    let changes = due.changes.iter().map(|(changes, not_before)| {
        let types = changes.iter().map(|change| change["resource"]["typeId"].as_str());
        let types = types.map(|name| name.unwrap_or_default().to_owned()).collect();
        (types, not_before.since(start().into()).as_millis())
    });
    let handed_over = (customers, due.erase.wait.as_millis(), changes.collect());
    hand_over::done(sql, &due, at(now)).expect("noted");
    Some(handed_over)
}

#[test]
fn what_is_gone_waits_for_the_end_of_all_runs() {
    let sql = imports();
    let now = ms(start()) + 60_000;
    remember(&sql, "product", "early", now);
    assert_eq!(handed_over(&sql, now), None, "no run may write it");
    let mut products = run(1, ImportKind::Products, RunSelection::Full);
    save(&sql, &products);
    for (of_type, name) in [("product", "p"), ("product", "p"), (gone::CUSTOMER, "c")] {
        remember(&sql, of_type, name, now);
    }
    assert_eq!(handed_over(&sql, now), None, "the run is active");
    products = ended(1, ImportKind::Products, RunState::Completed, None);
    save(&sql, &products);
    let expected = (vec!["c".to_owned()], 0, vec![(vec!["product".to_owned()], 0)]);
    assert_eq!(handed_over(&sql, now), Some(expected));
    assert_eq!(handed_over(&sql, now), None, "it is forgotten");
}

/// Each run numbers its pages itself.
#[test]
fn a_page_of_one_run_is_not_finished_by_that_of_another() {
    let sql = imports();
    let now = ms(start()) + 60_000;
    let page = || OpenPage { page: Some(1), changes: vec![change("category", "c")] };
    let stopped = ended(1, ImportKind::Customers, RunState::Stopped, None);
    let opened = RunSaving { run: Some(stopped), opened: vec![page()], ..RunSaving::default() };
    runs::save(&sql, &opened).expect("saved");
    // The next run of the kind, and one of another.
    for (number, kind) in [(2, ImportKind::Customers), (3, ImportKind::Products)] {
        let run = Some(ended(number, kind, RunState::Completed, None));
        let opened = RunSaving { run: run.clone(), opened: vec![page()], ..RunSaving::default() };
        runs::save(&sql, &opened).expect("saved");
        let finished = RunSaving { run, finished: vec![1], ..RunSaving::default() };
        runs::save(&sql, &finished).expect("saved");
    }
    // Beside the walk over what the stopped run may have overwritten.
    let told = ["customer", "category"].map(|of_type| (vec![of_type.to_owned()], 0));
    assert_eq!(handed_over(&sql, now), Some((Vec::new(), 0, told.to_vec())));
}

/// As if another version had stored the runs.
fn make_newer(sql: &Sqlite) {
    sql.all(
        "UPDATE run_parts SET content =
            CAST(json_set(CAST(content AS TEXT), '$.version', 99) AS BLOB)",
    );
}

/// The version that can read a run may go on with it. If the run is begun anew instead, its last writes may
/// still be carried out.
#[test]
fn what_a_run_of_another_version_may_write_is_not_forgotten() {
    let sql = imports();
    let now = ms(start()) + 60_000;
    save(&sql, &run(1, ImportKind::Products, RunSelection::Full));
    make_newer(&sql);
    for (of_type, name) in [("product", "p"), (gone::CUSTOMER, "c")] {
        remember(&sql, of_type, name, now);
    }
    assert_eq!(handed_over(&sql, now), None, "its own version may go on with it");
    save(&sql, &ended(2, ImportKind::Products, RunState::Completed, None));
    let (customers, wait, changes) = handed_over(&sql, now).expect("what is handed over");
    assert_eq!((customers, wait), (vec!["c".to_owned()], 540_000));
    let after: Vec<_> = changes.iter().map(|(types, after)| (types.len(), *after)).collect();
    assert_eq!(after, [(4, 600_000), (1, 600_000)], "what changed since it began, and the product");
}

/// Stock and a price are told by their SKU, which is what is left of them: their plan leads to the SKU's
/// stock, and to the product of the SKU.
#[test]
fn what_is_gone_is_told_by_what_is_left_of_it() {
    let sql = imports();
    let now = ms(start()) + 60_000;
    save(&sql, &run(1, ImportKind::Products, RunSelection::Full));
    for (of_type, name) in [("product", "p"), ("inventory-entry", "s"), ("standalone-price", "s")] {
        remember(&sql, of_type, name, now);
    }
    save(&sql, &ended(1, ImportKind::Products, RunState::Completed, None));
    let rules = OperatorRules::default();
    let due = hand_over::due(&sql, &rules, at(now)).expect("what is due").expect("changes");
    let works = due.changes.into_iter().flat_map(|(changes, _)| changes).map(|change| {
        let notification = Notification::read(change).expect("a notification");
        plan(&rules, &notification).expect("a plan")
    });
    let mut works: Vec<_> = works.map(|work| format!("{work:?}")).collect();
    works.sort_unstable();
    let sku = Some("s".to_owned());
    let expected = [
        Work::Product(id("p")),
        Work::StandalonePrice { price: id("s"), sku: sku.clone() },
        Work::Stock { entry: id("s"), sku, gone: true },
    ];
    assert_eq!(works, expected.map(|work| format!("{:?}", WorkPlan::Work(work))));
}

/// A start of a job without an answer may be carried out after the run completed.
#[test]
fn what_is_gone_after_a_run_waits_for_its_last_write() {
    let sql = imports();
    let now = ms(start()) + 90_000;
    save(&sql, &ended(1, ImportKind::Customers, RunState::Completed, Some(600)));
    let walk = (Vec::new(), 510_000, vec![(vec!["customer".to_owned()], 600_000)]);
    assert_eq!(handed_over(&sql, now), Some(walk));
    // A new run of the kind takes nothing of that back.
    save(&sql, &ended(2, ImportKind::Customers, RunState::Completed, None));
    remember(&sql, gone::CUSTOMER, "c", now);
    remember(&sql, "category", "k", now);
    let until = vec![(vec!["category".to_owned()], 600_000)];
    assert_eq!(handed_over(&sql, now), Some((vec!["c".to_owned()], 510_000, until)));
    let later = ms(start()) + 600_000;
    remember(&sql, gone::CUSTOMER, "late", later);
    assert_eq!(handed_over(&sql, later), None);
}

/// The closing pass mends what a run overwrote; a run that has none leaves that to the outbox.
#[test]
fn a_run_that_ends_early_leaves_what_changed_since() {
    let now = ms(start()) + 90_000;
    let walks = |state, doubt| {
        let sql = imports();
        save(&sql, &ended(1, ImportKind::Products, state, doubt));
        handed_over(&sql, now).map(|(_, _, changes)| changes)
    };
    let all = ["product", "inventory-entry", "standalone-price", "variant"];
    let all = all.map(str::to_owned).to_vec();
    let now_at_once = Some(vec![(all.clone(), 0)]);
    assert_eq!(walks(RunState::Completed, None), None);
    assert_eq!(walks(RunState::Completed, Some(20)), None, "carried out before the closing pass");
    assert_eq!(walks(RunState::Completed, Some(40)), Some(vec![(all.clone(), 40_000)]));
    assert_eq!(walks(RunState::Stopped, None), now_at_once);
    assert_eq!(walks(RunState::Failed, Some(600)), Some(vec![(all, 600_000)]));
}

/// What a run over orders sent has the e-mails of customers, and nobody can ask when that is carried out.
#[test]
fn a_run_over_orders_leaves_the_customers_who_changed_since() {
    let now = ms(start()) + 90_000;
    let left = |state, sent| {
        let sql = imports();
        let mut orders = ended(1, ImportKind::Orders, state, None);
        (orders.closing_began, orders.counts.sent) = (None, sent);
        save(&sql, &orders);
        handed_over(&sql, now).map(|(_, _, changes)| changes)
    };
    let customers = Some(vec![(vec!["customer".to_owned()], 660_000)]);
    assert_eq!(left(RunState::Completed, 0), None, "nothing was sent");
    assert_eq!(left(RunState::Completed, 1), customers);
    // What was sent last may not be counted.
    assert_eq!(left(RunState::Stopped, 0), customers);
    assert_eq!(left(RunState::Failed, 7), customers);
}

#[test]
fn a_run_that_goes_on_leaves_nothing_yet() {
    let sql = imports();
    let now = ms(start()) + 90_000;
    let stopped = ended(1, ImportKind::Categories, RunState::Stopped, Some(600));
    save(&sql, &stopped);
    save(&sql, &ImportRun { state: RunState::Running, finished_at: None, ..stopped.clone() });
    assert_eq!(handed_over(&sql, now), None);
    save(&sql, &stopped);
    assert!(handed_over(&sql, now).is_some());
    // Its events have the e-mails of customers, and may be carried out until 10 minutes after its end.
    save(&sql, &ended(2, ImportKind::Orders, RunState::Stopped, Some(600)));
    let walk = vec![(vec!["customer".to_owned()], 660_000)];
    assert_eq!(handed_over(&sql, now), Some((Vec::new(), 570_000, walk)));
    let sql = imports();
    let mut lost = run(3, ImportKind::Customers, RunSelection::Full);
    lost.lost(start() + Duration::seconds(90));
    save(&sql, &lost);
    let walk = vec![(vec!["customer".to_owned()], 690_000)];
    assert_eq!(handed_over(&sql, now), Some((Vec::new(), 600_000, walk)));
    assert_eq!(json!(lost.state), json!("failed"));
}
