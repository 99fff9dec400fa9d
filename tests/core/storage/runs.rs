//! Runs of imports: saved as a whole, and loaded without a difference.

use chrono::{DateTime, Utc};
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{KeptRows, RecordFailure, RunSaving, StoredRunParts};
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::selection::{RunSelection, RunTrigger};
use commercetools_klaviyo::import::store::runs;
use commercetools_klaviyo::import::store::tables::MIGRATIONS;
use commercetools_klaviyo::import::stored::StoredRun;
use commercetools_klaviyo::klaviyo::job::{JobRef, JobType};
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};

use super::fails_whole;
use crate::sqlite::Sqlite;
use crate::support::at;

pub(super) fn imports() -> Sqlite {
    let sql = Sqlite::new();
    assert_eq!(migrate(&sql, &MIGRATIONS), Ok(SchemaState::Current));
    sql
}

pub(super) fn id(id: &str) -> Id {
    Id::new(id).expect("an id")
}

pub(super) fn run(number: u64, kind: ImportKind, selection: RunSelection) -> ImportRun {
    let now: DateTime<Utc> = "2026-07-01T12:00:00Z".parse().expect("a time");
    let id = format!("{number:013}");
    ImportRun::new(&OperatorRules::default(), id, kind, selection, RunTrigger::Hand, now)
}

fn kept(job: &str, records: &[&str]) -> KeptRows {
    KeptRows {
        job: JobRef { of: JobType::Profiles, id: job.to_owned() },
        at: at(1_000),
        rows: records.iter().map(|record| id(record)).enumerate().collect(),
    }
}

fn load(sql: &Sqlite) -> Vec<StoredRunParts> {
    runs::load(sql, &OperatorRules::default()).expect("loaded")
}

fn readable(run: &ImportRun) -> StoredRun {
    StoredRun::Readable(Box::new(run.clone()))
}

#[test]
fn a_run_is_loaded_with_its_list_and_its_kept_rows() {
    let sql = imports();
    // The ids of a run may take more than a value does.
    let list: Vec<_> = (0..60_000).map(|n| id(&format!("{n:036}"))).collect();
    let mut run = run(1, ImportKind::Customers, RunSelection::Ids);
    let first =
        RunSaving { run: Some(run.clone()), list: Some(list.clone()), ..RunSaving::default() };
    fails_whole(&sql, |sql| runs::save(sql, &first));
    runs::save(&sql, &first).expect("saved");
    run.counts.read = 3;
    let rows = [kept("j1", &["a", "b"]), kept("j1", &["c"]), kept("j2", &["d"])];
    let failure = RecordFailure {
        id: id("a"),
        name: None,
        code: "c".to_owned(),
        detail: "d".to_owned(),
        pointer: None,
    };
    let next = RunSaving {
        run: Some(run.clone()),
        kept: rows.to_vec(),
        failures: vec![failure],
        sent: vec![id("b")],
        ..RunSaving::default()
    };
    fails_whole(&sql, |sql| runs::save(sql, &next));
    runs::save(&sql, &next).expect("saved");
    let [stored] = load(&sql).try_into().expect("one run");
    assert_eq!(stored.run, readable(&run));
    assert!(stored.list == list, "the list is written once, and stays");
    assert_eq!(stored.kept, rows);

    let closing =
        RunSaving { run: Some(run.clone()), closed: vec!["j1".to_owned()], ..RunSaving::default() };
    runs::save(&sql, &closing).expect("saved");
    assert_eq!(load(&sql).remove(0).kept, rows[2..]);
    assert_eq!(runs::may_any_write(&sql, &OperatorRules::default()), Ok(true));

    run.state = RunState::Completed;
    runs::save(&sql, &RunSaving { run: Some(run.clone()), ..RunSaving::default() }).expect("saved");
    let [stored] = load(&sql).try_into().expect("one run");
    assert_eq!((stored.run, stored.list.len(), stored.kept.len()), (readable(&run), 0, 0));
    assert_eq!(runs::may_any_write(&sql, &OperatorRules::default()), Ok(false));
}

#[test]
fn a_new_run_takes_the_place_of_the_one_before() {
    let sql = imports();
    let old = run(1, ImportKind::Orders, RunSelection::Ids);
    let other = run(2, ImportKind::Products, RunSelection::Full);
    let list = Some(vec![id("a")]);
    let kept = vec![kept("j", &["a"])];
    for run in [&old, &other] {
        let (run, list, kept) = (Some(run.clone()), list.clone(), kept.clone());
        runs::save(&sql, &RunSaving { run, list, kept, ..RunSaving::default() }).expect("saved");
    }
    let new = run(3, ImportKind::Orders, RunSelection::Full);
    runs::save(&sql, &RunSaving { run: Some(new.clone()), ..RunSaving::default() }).expect("saved");
    let [orders, products] = load(&sql).try_into().expect("two runs");
    assert_eq!((orders.run, orders.list.len(), orders.kept.len()), (readable(&new), 0, 0));
    assert_eq!((products.list.len(), products.kept.len()), (1, 1), "another kind is left alone");
    let rules = OperatorRules::default();
    let history = runs::of_kind(&sql, &rules, ImportKind::Orders).expect("runs");
    assert_eq!(history, [readable(&new), readable(&old)]);
    assert_eq!(runs::current(&sql, &rules, ImportKind::Orders), Ok(Some(readable(&new))));
    assert_eq!(runs::current(&sql, &rules, ImportKind::Categories), Ok(None));
    assert_eq!(runs::all_current(&sql, &rules).expect("runs").len(), 2);
}

#[test]
fn the_last_twenty_of_a_kind_are_kept() {
    let sql = imports();
    for number in 1..=25 {
        let run = Some(run(number, ImportKind::Orders, RunSelection::Full));
        runs::save(&sql, &RunSaving { run, ..RunSaving::default() }).expect("saved");
    }
    let history = runs::of_kind(&sql, &OperatorRules::default(), ImportKind::Orders).expect("runs");
    let ids = history.into_iter().filter_map(StoredRun::readable).map(|run| run.id);
    let expected = (6..=25_u64).rev().map(|number| format!("{number:013}"));
    assert_eq!(ids.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(sql.tables()["run_parts"].len(), 20);
}

#[test]
fn a_run_without_all_that_belongs_to_it_does_not_go_on() {
    for (what, statement) in [
        ("its text", "UPDATE run_parts SET content = CAST('{' AS BLOB)"),
        ("its list", "UPDATE list_parts SET content = CAST('[' AS BLOB)"),
        ("its rows", "UPDATE kept SET rows = '{}'"),
    ] {
        let sql = imports();
        let saving = RunSaving {
            run: Some(run(1, ImportKind::Orders, RunSelection::Ids)),
            list: Some(vec![id("a")]),
            kept: vec![kept("j", &["a"])],
            ..RunSaving::default()
        };
        runs::save(&sql, &saving).expect("saved");
        sql.all(statement);
        let found = load(&sql).remove(0).run;
        assert!(matches!(found, StoredRun::Unreadable(_)), "{what}");
        assert_eq!(found.shown()["id"], "0000000000001", "{what}");
    }
}

#[test]
fn ids_of_runs_grow_even_if_the_clock_does_not() {
    let sql = imports();
    for (now, expected) in [(5_000, 5_000), (5_000, 5_001), (4_000, 5_002), (9_000, 9_000)] {
        let new = runs::new_id(&sql, at(now)).expect("an id");
        assert_eq!(new, format!("{expected:013}"));
        let run = Some(run(expected, ImportKind::Orders, RunSelection::Full));
        runs::save(&sql, &RunSaving { run, ..RunSaving::default() }).expect("saved");
    }
}

#[test]
fn slices_that_never_ended_are_counted_in_a_row() {
    let sql = imports();
    assert_eq!(runs::lost(&sql), Ok(0));
    let begun: Vec<_> = (0..3).map(|_| runs::slice_begins(&sql)).collect();
    assert_eq!(begun, [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(runs::lost(&sql), Ok(3));
    runs::slice_ended(&sql).expect("ended");
    assert_eq!(runs::slice_begins(&sql), Ok(0));
}
