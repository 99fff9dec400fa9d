//! Failures of imports, and deleted records that a run may still write.

use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{RecordFailure, RunSaving};
use commercetools_klaviyo::import::run::RunState;
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::settled::SettledRecord;
use commercetools_klaviyo::import::store::failures::{self, FailurePage};
use commercetools_klaviyo::import::store::{gone, runs};
use commercetools_klaviyo::storage::selection::KeptSelection;
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Value, json};

use super::runs::{id, imports, run};
use crate::sqlite::Sqlite;
use crate::support::object;

fn failure(record: &str, code: &str) -> RecordFailure {
    RecordFailure {
        id: id(record),
        name: None,
        code: code.to_owned(),
        detail: "d".to_owned(),
        pointer: None,
    }
}

#[test]
fn what_realtime_settled_since_is_healed() {
    let sql = imports();
    failed(&sql, 1, vec![failure("a", "c"), failure("b", "c"), failure("d", "c")]);
    let at = |record: &str| {
        let shown = failures::one(&sql, ImportKind::Orders, &id(record)).expect("a row");
        let text = shown.expect("a failure")["at"].as_str().expect("a time").to_owned();
        UnixMs::from(text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time"))
    };
    let second = std::time::Duration::from_secs(1);
    let settled = |kind, record: &str, at: UnixMs| SettledRecord { kind, id: id(record), at };
    let records = [
        settled(ImportKind::Orders, "a", at("a") + second),
        // Before it failed.
        settled(ImportKind::Orders, "b", at("b")),
        settled(ImportKind::Products, "d", at("d") + second),
        settled(ImportKind::Orders, "none", at("d") + second),
    ];
    failures::settled(&sql, &records).expect("healed");
    assert_eq!(ids(&sql), ["b", "d"]);
}

#[test]
fn what_people_know_a_record_by_is_kept() {
    let sql = imports();
    let named = |record, name: Option<&str>| RecordFailure {
        name: name.map(Into::into),
        ..failure(record, "c")
    };
    failed(&sql, 1, vec![named("a", Some("1001")), named("b", None)]);
    // A later run that knows no name, since it has only the id, takes none away.
    failed(&sql, 2, vec![named("a", None)]);
    let shown = page(&sql, "", None);
    assert_eq!(shown["failures"][0]["name"], json!("1001"));
    assert_eq!(shown["failures"][1].get("name"), None, "no member without a name");
    let one = failures::one(&sql, ImportKind::Orders, &id("a")).expect("a row").expect("a failure");
    assert_eq!(one["name"], json!("1001"));
}

/// A run of all orders saves this.
fn save(sql: &Sqlite, number: u64, selection: RunSelection, saving: RunSaving) {
    let mut run = run(number, ImportKind::Orders, selection);
    if saving.failures.is_empty() && saving.sent.is_empty() {
        run.state = RunState::Completed;
    }
    runs::save(sql, &RunSaving { run: Some(run), ..saving }).expect("saved");
}

fn failed(sql: &Sqlite, number: u64, failures: Vec<RecordFailure>) {
    save(sql, number, RunSelection::Full, RunSaving { failures, ..RunSaving::default() });
}

fn ids(sql: &Sqlite) -> Vec<String> {
    let ids = failures::ids(sql, ImportKind::Orders, &KeptSelection::All).expect("ids");
    ids.iter().map(ToString::to_string).collect()
}

fn page(sql: &Sqlite, cursor: &str, code: Option<&str>) -> Value {
    FailurePage { kind: ImportKind::Orders, cursor, code }.shown(sql).expect("a page")
}

#[test]
fn those_of_a_code_are_listed_forgotten_and_retried() {
    let kept = || {
        let sql = imports();
        let number = |n| failure(&format!("{n:03}"), if n % 2 == 0 { "even" } else { "odd" });
        failed(&sql, 1, (0..250).map(number).collect());
        sql
    };
    let sql = kept();
    let first = page(&sql, "", Some("odd"));
    assert_eq!((&first["failures"][99]["id"], &first["next"]), (&json!("199"), &json!("199")));
    let rest = page(&sql, "199", Some("odd"));
    assert_eq!(rest["failures"].as_array().map(Vec::len), Some(25));
    assert_eq!(rest["next"], json!(null));
    let none = page(&sql, "", Some("none"));
    assert_eq!((&none["failures"], &none["next"]), (&json!([]), &json!(null)));
    // Whatever is asked for, the first page says how many there are of each.
    let codes = json!([{"code": "even", "count": 125}, {"code": "odd", "count": 125}]);
    assert_eq!((&none["codes"], &rest["codes"]), (&codes, &json!(null)));

    let two = KeptSelection::Ids(vec!["000".to_owned(), "003".to_owned(), "unknown".to_owned()]);
    for (which, count) in
        [(KeptSelection::Code("odd".to_owned()), 125), (two, 2), (KeptSelection::All, 250)]
    {
        let sql = kept();
        let of = |kind| failures::ids(&sql, kind, &which).expect("ids").len();
        assert_eq!((of(ImportKind::Orders), of(ImportKind::Customers)), (count, 0), "{which:?}");
        assert_eq!(failures::delete(&sql, ImportKind::Customers, &which), Ok(false));
        assert_eq!(failures::delete(&sql, ImportKind::Orders, &which), Ok(true));
        assert_eq!((of(ImportKind::Orders), ids(&sql).len()), (0, 250 - count), "{which:?}");
    }
}

#[test]
fn a_table_has_many_and_says_where_it_goes_on() {
    let csv = |sql: &Sqlite, cursor: &str, code: Option<&str>| {
        FailurePage { kind: ImportKind::Orders, cursor, code }.csv(sql).expect("a table")
    };
    let sql = imports();
    let header = "id,code,detail,pointer,run,at\r\n";
    assert_eq!(csv(&sql, "", None), (header.to_owned(), None));
    let detail = "=1+1, he said".to_owned();
    let formula = RecordFailure { detail, pointer: Some("/data".into()), ..failure("a", "c") };
    failed(&sql, 1, vec![formula, failure("b", "other")]);
    let line = "a,c,\"'=1+1, he said\",/data,0000000000001,2026-07-01T12:00:00.000Z\r\n";
    assert_eq!(csv(&sql, "", Some("c")), (format!("{header}{line}"), None));
    assert_eq!(csv(&sql, "", None).0.lines().count(), 3);

    failed(&sql, 2, (0..10_001).map(|n| failure(&format!("n {n:05}"), "a&b")).collect());
    let (table, next) = csv(&sql, "", Some("a&b"));
    assert_eq!(table.lines().count(), 10_001);
    assert_eq!(next.as_deref(), Some("?cursor=n%2009999&code=a%26b"));
    assert_eq!(csv(&sql, "n 09999", Some("a&b")).0.lines().count(), 2);
}

#[test]
fn failures_are_listed_in_pages() {
    let sql = imports();
    failed(&sql, 1, (0..250).map(|n| failure(&format!("{n:03}"), "c")).collect());
    let (mut sizes, mut found, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = page(&sql, &cursor, None);
        let rows = page["failures"].as_array().expect("failures");
        sizes.push(rows.len());
        found.extend(rows.iter().map(|row| row["id"].as_str().unwrap_or("").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(found, ids(&sql));
    let page = page(&sql, "248", None);
    let expected = json!({"failures": [{"id": "249", "code": "c", "detail": "d", "pointer": null,
        "run": "0000000000001", "at": "2026-07-01T12:00:00.000Z"}], "next": null});
    assert_eq!(page, expected);
    let other = FailurePage { kind: ImportKind::Customers, cursor: "", code: None }.shown(&sql);
    let other = other.expect("a page");
    assert_eq!(other, json!({"failures": [], "next": null}));
}

#[test]
fn the_newest_reason_counts_until_the_record_is_sent() {
    let sql = imports();
    failed(&sql, 1, vec![failure("a", "old"), failure("b", "old"), failure("c", "old")]);
    failed(&sql, 2, vec![failure("a", "new")]);
    let page = page(&sql, "", None);
    assert_eq!(
        (&page["failures"][0]["code"], &page["failures"][1]["code"]),
        (&json!("new"), &json!("old"))
    );
    save(&sql, 3, RunSelection::Retry, RunSaving { sent: vec![id("b")], ..RunSaving::default() });
    assert_eq!(ids(&sql), ["a", "c"]);
    // A run over a list says nothing of the others; a full one that completed does.
    save(&sql, 4, RunSelection::Ids, RunSaving::default());
    assert_eq!(ids(&sql), ["a", "c"]);
    save(&sql, 2, RunSelection::Full, RunSaving::default());
    assert_eq!(ids(&sql), ["a"], "its own failures stay");
    assert_eq!(failures::delete_one(&sql, ImportKind::Orders, "a"), Ok(true));
    assert_eq!(failures::delete_one(&sql, ImportKind::Orders, "a"), Ok(false));
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
        ("VariantDeleted", "variant", product, Some("product/p")),
        ("ResourceDeleted", "customer", json!({}), None),
        ("ResourceUpdated", "product", json!({}), None),
        ("ProductDeleted", "product", json!({}), Some("product/x")),
        ("ProductPublished", "product", json!({}), None),
        ("InventoryEntryDeleted", "inventory-entry", named.clone(), Some("inventory-entry/s")),
        ("StandalonePriceDeleted", "standalone-price", named, Some("standalone-price/s")),
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
