//! The stored form of a run: its shape, and the handling of another version's.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::ImportRun;
use serde_json::json;

use super::modes::{calm, customers};
use super::{all, verify};
use crate::support::config;

#[test]
fn a_run_of_another_version_is_shown_kept_and_not_run() {
    let mut world = calm(&json!({}));
    customers(&mut world, 5);
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.store.make_newer(ImportKind::Customers);
    world.deploy(config(&[]));
    world.run();
    let shown = world.shown(ImportKind::Customers);
    assert_eq!((&shown["state"], &shown["id"]), (&json!("failed"), &json!("run-1")));
    assert_eq!(shown["error"]["code"], "stored_by_another_version");
    assert_eq!(world.store.run(ImportKind::Customers).version, 99, "it is kept");
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
}

/// The shape of a stored run. A change of it needs a new version, and a way to read the old one.
#[test]
fn what_is_stored_keeps_its_shape() {
    let stored = json!({
        "version": 5, "id": "r", "kind": "orders",
        "selection": {"since": "2026-01-01T00:00:00Z"}, "trigger": "hand", "state": "running",
        "counts": {"read": 4, "sent": 1, "skipped": 2, "failed": 1}, "reread": 0,
        "phonesLeftOut": 2, "leftOut": {"no_price": 3}, "total": 9,
        "passes": [
            {"source": {"documents": {
                "createdFrom": null, "createdBefore": "2026-01-01T23:00:00Z",
                "changedSince": "2026-01-01T00:00:00Z", "changedBefore": null, "fromId": null,
                "published": false, "among": null}}, "reread": false, "handOver": false},
            {"source": {"linked": {"link": "payments", "since": "2026-01-01T00:00:00Z",
                "filter": {
                    "createdFrom": null, "createdBefore": "2026-01-01T23:00:00Z",
                    "changedSince": null, "changedBefore": "2026-01-01T00:00:00Z", "fromId": null,
                    "published": false, "among": null}}}, "reread": false, "handOver": false},
            {"source": {"held": {"check": true}}, "reread": true, "handOver": false},
            {"source": {"list": {"changedSince": null}}, "reread": false, "handOver": true}
        ],
        "pass": 0, "closingBegan": "2026-01-02T00:00:00Z", "doubtfulUntil": null,
        "ranges": [{"from": null, "to": "2026-02-01T00:00:00Z", "after": "x", "done": false}],
        "catalogModel": "InMigration",
        "again": ["y"], "startedAt": "2026-01-02T00:00:00Z", "updatedAt": "2026-01-02T00:00:00Z",
        "unsettledMs": 60_000, "finishedAt": null, "waiting": {"code": "klaviyo_503", "since": "2026-01-02T00:00:00Z"},
        "error": null
    });
    let run: ImportRun = serde_json::from_value(stored.clone()).expect("a run");
    assert_eq!(serde_json::to_value(&run).expect("JSON"), stored);
}
