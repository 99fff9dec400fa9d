//! Failures of imports, and what is gone while a run may still write it.

use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::import::machine::{RecordFailure, RunSaving};
use commercetools_klaviyo::import::run::{ImportKind, RunSelection, RunState};
use commercetools_klaviyo::import::store::gone;
use commercetools_klaviyo::import::store::{failures, runs};
use serde_json::json;

use super::runs::{id, imports, run};
use crate::sqlite::Sqlite;
use crate::support::object;

fn failure(record: &str, code: &str) -> RecordFailure {
    RecordFailure { id: id(record), code: code.to_owned(), detail: "d".to_owned(), pointer: None }
}

/// A run of all orders saves this.
fn save(sql: &Sqlite, number: u64, selection: RunSelection, saving: RunSaving) {
    let mut run = run(number, ImportKind::Orders, selection);
    if saving.failures.is_empty() && saving.healed.is_empty() {
        run.state = RunState::Completed;
    }
    runs::save(sql, &RunSaving { run: Some(run), ..saving }).expect("saved");
}

fn failed(sql: &Sqlite, number: u64, failures: Vec<RecordFailure>) {
    save(sql, number, RunSelection::Full, RunSaving { failures, ..RunSaving::default() });
}

fn ids(sql: &Sqlite) -> Vec<String> {
    let ids = failures::ids(sql, ImportKind::Orders).expect("ids");
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn failures_are_listed_in_pages() {
    let sql = imports();
    failed(&sql, 1, (0..250).map(|n| failure(&format!("{n:03}"), "c")).collect());
    let (mut sizes, mut found, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = failures::page(&sql, ImportKind::Orders, &cursor).expect("a page");
        let rows = page["failures"].as_array().expect("failures");
        sizes.push(rows.len());
        found.extend(rows.iter().map(|row| row["id"].as_str().unwrap_or("").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(found, ids(&sql));
    let page = failures::page(&sql, ImportKind::Orders, "248").expect("a page");
    let expected = json!({"failures": [{"id": "249", "code": "c", "detail": "d", "pointer": null,
        "run": "0000000000001", "at": "2026-07-01T12:00:00.000Z"}], "next": null});
    assert_eq!(page, expected);
    let other = failures::page(&sql, ImportKind::Customers, "").expect("a page");
    assert_eq!(other, json!({"failures": [], "next": null}));
}

#[test]
fn the_newest_reason_counts_until_the_record_is_sent() {
    let sql = imports();
    failed(&sql, 1, vec![failure("a", "old"), failure("b", "old"), failure("c", "old")]);
    failed(&sql, 2, vec![failure("a", "new")]);
    let page = failures::page(&sql, ImportKind::Orders, "").expect("a page");
    assert_eq!(
        (&page["failures"][0]["code"], &page["failures"][1]["code"]),
        (&json!("new"), &json!("old"))
    );
    save(&sql, 3, RunSelection::Retry, RunSaving { healed: vec![id("b")], ..RunSaving::default() });
    assert_eq!(ids(&sql), ["a", "c"]);
    // A run over a list says nothing of the others; a full one that completed does.
    save(&sql, 4, RunSelection::Ids, RunSaving::default());
    assert_eq!(ids(&sql), ["a", "c"]);
    save(&sql, 2, RunSelection::Full, RunSaving::default());
    assert_eq!(ids(&sql), ["a"], "its own failures stay");
    failures::delete(&sql, ImportKind::Orders, "a").expect("deleted");
    assert!(ids(&sql).is_empty());
}

#[test]
fn a_run_is_told_of_deleted_products_and_categories_only() {
    let told = |notification: serde_json::Value| {
        let notification = Notification::read(object(notification)).expect("a notification");
        gone::deleted(&notification).map(|(of_type, id)| format!("{of_type}/{id}"))
    };
    let of = |kind: &str, type_id: &str| {
        told(json!({"notificationType": kind, "resource": {"typeId": type_id, "id": "x"}}))
    };
    assert_eq!(of("ResourceDeleted", "product").as_deref(), Some("product/x"));
    assert_eq!(of("ResourceDeleted", "category").as_deref(), Some("category/x"));
    assert_eq!(of("ResourceDeleted", "customer"), None);
    assert_eq!(of("ResourceUpdated", "product"), None);
    let message = |name: &str| {
        told(json!({"notificationType": "Message", "type": name, "id": "m",
            "resource": {"typeId": "product", "id": "x"}}))
    };
    assert_eq!(message("ProductDeleted").as_deref(), Some("product/x"));
    assert_eq!(message("ProductPublished"), None);
}
