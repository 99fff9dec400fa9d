//! Records that needed nothing sent: the last ones of the newest run.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{RecordFailure, RunSaving, SkippedRecord};
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::store::failures::{self, FailurePage};
use commercetools_klaviyo::import::store::{runs, skipped};
use commercetools_klaviyo::storage::sql::RowId;
use serde_json::{Value, json};

use super::fails_whole;
use super::runs::{id, imports, run};
use crate::sqlite::Sqlite;

fn record(name: &str, is_counted: bool) -> SkippedRecord {
    SkippedRecord { id: id(name), code: "no_identity", is_counted }
}

fn saving(number: u64, kind: ImportKind, skipped: Vec<SkippedRecord>) -> RunSaving {
    RunSaving { run: Some(run(number, kind, RunSelection::Full)), skipped, ..RunSaving::default() }
}

/// The run of this number skips records `from..to`.
fn skips(sql: &Sqlite, number: u64, from: usize, to: usize) {
    let records = (from..to).map(|n| record(&n.to_string(), true)).collect();
    runs::save(sql, &saving(number, ImportKind::Orders, records)).expect("saved");
}

fn page(sql: &Sqlite, kind: ImportKind, cursor: Option<&str>) -> Value {
    skipped::page(sql, kind, cursor.and_then(RowId::parse)).expect("a page")
}

/// The ids of all pages, and how many each had.
fn listed(sql: &Sqlite, kind: ImportKind) -> (Vec<String>, Vec<usize>) {
    let (mut ids, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = page(sql, kind, cursor.as_deref());
        let rows = page["skipped"].as_array().expect("rows");
        sizes.push(rows.len());
        ids.extend(rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        cursor = page["next"].as_str().map(ToOwned::to_owned);
        if cursor.is_none() {
            return (ids, sizes);
        }
    }
}

#[test]
fn they_are_listed_in_pages_the_last_first() {
    let sql = imports();
    let nothing = json!({"skipped": [], "next": null});
    assert_eq!(page(&sql, ImportKind::Orders, None), nothing);
    skips(&sql, 1, 0, 120);
    skips(&sql, 1, 120, 250);
    let (ids, sizes) = listed(&sql, ImportKind::Orders);
    assert_eq!(sizes, [100, 100, 50]);
    assert!(ids.iter().map(String::as_str).eq((0..250).rev().map(|n| n.to_string())));
    let row = json!({"id": "0", "code": "no_identity", "run": "0000000000001",
        "at": "2026-07-01T12:00:00.000Z"});
    assert_eq!(page(&sql, ImportKind::Orders, Some("2")), json!({"skipped": [row], "next": null}));
    assert_eq!(page(&sql, ImportKind::Customers, None), nothing);
}

#[test]
fn the_last_ten_thousand_are_kept_of_each_kind() {
    let sql = imports();
    runs::save(&sql, &saving(1, ImportKind::Products, vec![record("p", true)])).expect("saved");
    skips(&sql, 2, 0, 9_950);
    skips(&sql, 2, 9_950, 10_100);
    let (ids, _) = listed(&sql, ImportKind::Orders);
    assert_eq!((ids.len(), &*ids[0], &*ids[9_999]), (10_000, "10099", "100"));
    skips(&sql, 2, 20_000, 40_000);
    let (ids, _) = listed(&sql, ImportKind::Orders);
    assert_eq!((ids.len(), &*ids[0], &*ids[9_999]), (10_000, "39999", "30000"));
    assert_eq!(listed(&sql, ImportKind::Products).0, ["p"]);
}

#[test]
fn a_run_that_begins_forgets_those_before() {
    let sql = imports();
    runs::save(&sql, &saving(1, ImportKind::Products, vec![record("p", true)])).expect("saved");
    skips(&sql, 2, 0, 3);
    runs::save(&sql, &saving(3, ImportKind::Orders, vec![])).expect("saved");
    assert!(listed(&sql, ImportKind::Orders).0.is_empty());
    // What a run skips before it is stored for the first time is its own.
    runs::save(&sql, &saving(4, ImportKind::Orders, vec![record("a", true)])).expect("saved");
    runs::save(&sql, &saving(4, ImportKind::Orders, vec![record("b", true)])).expect("saved");
    assert_eq!(listed(&sql, ImportKind::Orders).0, ["b", "a"]);
    assert_eq!(listed(&sql, ImportKind::Products).0, ["p"]);
}

#[test]
fn what_is_read_once_more_heals_and_is_not_listed() {
    let sql = imports();
    let failure = RecordFailure {
        id: id("f"),
        name: None,
        code: "c".to_owned(),
        detail: "d".to_owned(),
        pointer: None,
    };
    let failed = RunSaving { failures: vec![failure], ..saving(1, ImportKind::Orders, vec![]) };
    runs::save(&sql, &failed).expect("saved");
    let mut again = saving(1, ImportKind::Orders, vec![record("f", false), record("s", true)]);
    again.run.as_mut().expect("a run").counts.failed = 1;
    fails_whole(&sql, |sql| runs::save(sql, &again));
    let healed = runs::save(&sql, &again).expect("saved");
    assert_eq!(healed.skipped, 1);
    let failures = FailurePage { kind: ImportKind::Orders, cursor: "", code: None }.shown(&sql);
    assert_eq!(failures, Ok(json!({"failures": [], "next": null})));
    assert_eq!(listed(&sql, ImportKind::Orders).0, ["s"]);
    assert_eq!(failures::delete_one(&sql, ImportKind::Orders, "f"), Ok(false));
}

#[test]
fn an_erased_customer_is_forgotten() {
    let sql = imports();
    let of = |kind| saving(1, kind, vec![record("a", true), record("b", true)]);
    runs::save(&sql, &of(ImportKind::Customers)).expect("saved");
    skips(&sql, 2, 0, 1);
    skipped::delete_one(&sql, ImportKind::Customers, &id("a")).expect("deleted");
    assert_eq!(listed(&sql, ImportKind::Customers).0, ["b"]);
    assert_eq!(listed(&sql, ImportKind::Orders).0, ["0"]);
}
