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
fn a_run_is_told_of_what_is_deleted_and_it_may_write() {
    let sku = json!({"resourceUserProvidedIdentifiers": {"sku": "s"}});
    let named = json!({"sku": "s"});
    let product = json!({"product": {"typeId": "product", "id": "p"}});
    for (kind, type_id, more, expected) in [
        ("ResourceDeleted", "product", json!({}), Some("product/x")),
        ("ResourceDeleted", "category", json!({}), Some("category/x")),
        ("ResourceDeleted", "inventory-entry", sku.clone(), Some("inventory-entry/s")),
        ("ResourceDeleted", "inventory-entry", json!({}), None),
        ("ResourceDeleted", "standalone-price", sku, Some("standalone-price/s")),
        ("ResourceDeleted", "variant", json!({}), None),
        ("ResourceDeleted", "customer", json!({}), None),
        ("ResourceUpdated", "product", json!({}), None),
        ("ProductDeleted", "product", json!({}), Some("product/x")),
        ("ProductPublished", "product", json!({}), None),
        ("InventoryEntryDeleted", "inventory-entry", named.clone(), Some("inventory-entry/s")),
        ("StandalonePriceDeleted", "standalone-price", named, Some("standalone-price/s")),
        ("VariantDeleted", "variant", product, Some("product/p")),
    ] {
        let is_message = !kind.starts_with("Resource");
        let mut told = object(json!({"resource": {"typeId": type_id, "id": "x"}, "id": "m",
            "notificationType": if is_message { "Message" } else { kind }, "type": kind}));
        told.extend(object(more));
        let notification = Notification::read(told).expect("a notification");
        let gone = gone::deleted(&notification);
        let gone = gone.map(|gone| format!("{}/{}", gone.of_type, gone.id));
        assert_eq!(gone.as_deref(), expected, "{kind} {type_id}");
    }
}
