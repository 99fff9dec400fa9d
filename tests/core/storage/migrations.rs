//! Tables of an earlier version: a migration updates them, and their content stays.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::schedule::CompletedRun;
use commercetools_klaviyo::import::store::completed;
use commercetools_klaviyo::import::store::tables::MIGRATIONS as IMPORT;
use commercetools_klaviyo::outbox::store::tables::MIGRATIONS as OUTBOX;
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};
use commercetools_klaviyo::storage::sql::{Sql, SqlValue};
use commercetools_klaviyo::time::UnixMs;
use serde_json::json;

use super::{fails_whole, slot, take_customer};
use crate::sqlite::Sqlite;

/// What each version of the outbox stored, first what the first one did.
pub(super) const OUTBOX_ROWS: [&str; 5] = [
    "INSERT INTO parked (seq, key, rank, customer, since, due, attempts, code, bytes, alone)
        VALUES (7, 'customer/c', 1, 'c', 1000, 2000, 3, 'klaviyo_503', 2, 1);
     INSERT INTO parked_parts (owner, part, content) VALUES (7, 0, CAST('{}' AS BLOB));
     INSERT INTO jobs (seq, job, since, due)
        VALUES (1, '{\"of\":\"profiles\",\"id\":\"j\"}', 1000, 2000);
     INSERT INTO job_rows (job, n, key, digest, external_id) VALUES (1, 0, 'customer/d', 'd', 'd');
     INSERT INTO sent (key, digest) VALUES ('customer/c', 'd');
     INSERT INTO dead_letters (id, at, code, detail, pointer, resource, customer, attempts)
        VALUES ('x', 1000, 'not_json', 'd', NULL, NULL, 'c', 1);
     INSERT INTO dead_letter_parts (owner, part, content) VALUES (1, 0, CAST('x' AS BLOB));",
    "UPDATE parked SET doubtful_until = 9, trying = 1, lost = 2, lost_alone = 1, lost_at_round = 4;
     UPDATE rounds SET ended = 5;
     INSERT INTO erased (hash, at) VALUES ('h', 1000);",
    "UPDATE parked SET waits_for = 'klaviyo ImportProfile';",
    "UPDATE parked SET written_since = 8;",
    "INSERT INTO feed_batch (only, number, taken) VALUES (1, 6, 1);",
];

/// The same of the object that runs imports.
pub(super) const IMPORT_ROWS: [&str; 8] = [
    "INSERT INTO runs (seq, id, kind) VALUES (1, '0000000001000', 'orders');
     INSERT INTO kept (seq, kind, job, rows) VALUES (1, 'orders', 'j', '[]');
     INSERT INTO slices (only, lost) VALUES (1, 2);
     INSERT INTO run_parts (owner, part, content) VALUES (1, 0, CAST('{}' AS BLOB));
     INSERT INTO list_parts (owner, part, content) VALUES (1, 0, CAST('[]' AS BLOB));
     INSERT INTO failures (kind, id, code, detail, pointer, run, at)
        VALUES ('orders', 'o', 'c', 'd', NULL, '0000000001000', 1000);",
    "INSERT INTO gone_in_run (type, id) VALUES ('product', 'p');",
    "INSERT INTO doubts (run, kind, since, until, is_left)
        VALUES ('0000000001000', 'orders', 1000, 2000, 1);",
    "INSERT INTO open_pages (seq, page, changes) VALUES (1, 2, '[{}]');",
    "UPDATE open_pages SET run = '0000000001000';",
    "INSERT INTO skipped (kind, seq, id, code, run, at)
        VALUES ('orders', 1, 'o', 'no_identity', '0000000001000', 1000);",
    "INSERT INTO sequence (only, kinds, done, state, run, started, finished)
        VALUES (1, '[\"orders\"]', 0, 'running', '0000000001000', 1000, NULL);
     INSERT INTO slots (kind, pattern, seen, run, skipped)
        VALUES ('orders', 'day 02:30', 1000, '0000000001000', NULL);
     INSERT INTO completed (kind, started, left_out_from, succeeded)
        VALUES ('customers', 1000, NULL, 2000);",
    "UPDATE failures SET name = '1001';",
];

pub(super) type Tables = BTreeMap<String, Vec<Vec<SqlValue>>>;

/// Each row that was there begins a row that is there; columns may have been added at the end.
pub(super) fn assert_kept(before: &Tables, after: &Tables, version: usize) {
    for (name, rows) in before.iter().filter(|(name, _)| *name != "schema") {
        assert_eq!(rows.len(), after[name].len(), "{name} from version {version}");
        for (old, new) in rows.iter().zip(&after[name]) {
            assert_eq!(new[..old.len()], old[..], "{name} from version {version}");
        }
    }
}

fn of_version(migrations: &[&str], rows: &[&str], version: usize) -> Sqlite {
    let sql = Sqlite::new();
    assert_eq!(migrate(&sql, &migrations[..version]), Ok(SchemaState::Current));
    for statements in rows.iter().take(version) {
        sql.all(statements);
    }
    sql
}

#[test]
fn from_every_earlier_version_the_rows_are_kept() {
    for (migrations, rows) in [(&OUTBOX[..], &OUTBOX_ROWS[..]), (&IMPORT[..], &IMPORT_ROWS[..])] {
        assert_eq!(migrations.len(), rows.len(), "a new version stores rows here, too");
        for version in 0..=migrations.len() {
            let sql = of_version(migrations, rows, version);
            let before = sql.tables();
            fails_whole(&sql, |sql| migrate(sql, migrations));
            assert_eq!(migrate(&sql, migrations), Ok(SchemaState::Current));
            let after = sql.tables();
            assert_kept(&before, &after, version);
            assert_eq!(migrate(&sql, migrations), Ok(SchemaState::Current), "and nothing twice");
            assert_eq!(sql.tables(), after);
            // It has the columns that it has when it is new.
            let columns = |sql: &Sqlite| {
                let names =
                    after.keys().map(|name| sql.all(&format!("SELECT * FROM {name}")).columns);
                names.collect::<Vec<_>>()
            };
            let new = of_version(migrations, &[], 0);
            assert_eq!(migrate(&new, migrations), Ok(SchemaState::Current));
            assert_eq!(columns(&sql), columns(&new), "from version {version}");
        }
    }
}

#[test]
fn what_the_first_version_parked_is_delivered_by_this_one() {
    let sql = of_version(&OUTBOX, &OUTBOX_ROWS, 1);
    assert_eq!(migrate(&sql, &OUTBOX), Ok(SchemaState::Current));
    let row = slot(&sql, "customer/c").expect("a row");
    assert_eq!((row.doubtful_until, row.lost, row.lost_alone), (0, 0, 0));
    let taken = take_customer(&sql, 2_000);
    assert_eq!((taken.content.as_slice(), taken.sent.len()), (b"{}".as_slice(), 1));
    assert!(taken.row.alone());
}

/// What runs by time go on from, and the last success, is known of the runs that earlier versions stored.
#[test]
fn the_last_completed_runs_are_those_that_are_stored() {
    let sql = of_version(&IMPORT, &[], 6);
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    let runs = [
        ("orders", json!("full"), "completed", 0, "2026-01-01T01:00:00.5Z"),
        ("orders", since, "completed", 2, "2026-01-02T01:00:00.5Z"),
        ("orders", json!("retry"), "completed", 0, "2026-01-03T01:00:00Z"),
        ("orders", json!("full"), "failed", 0, "2026-01-04T01:00:00Z"),
        ("products", json!("full"), "completed", 1, "2026-01-05T01:00:00Z"),
        ("customers", json!("ids"), "completed", 0, "2026-01-06T01:00:00Z"),
    ];
    for (seq, (kind, selection, state, failed, time)) in (1_u32..).zip(runs) {
        let source = json!({"documents": {"createdBefore": (kind == "orders").then_some(time)}});
        let run = json!({"selection": selection, "state": state, "counts": {"failed": failed},
            "startedAt": time, "finishedAt": time, "passes": [{"source": source}]});
        store(&sql, seq, kind, run.to_string());
    }
    // One that cannot be read, and one of the first version, which kept no passes.
    store(&sql, 7, "products", "{".to_owned());
    let first = json!({"selection": "full", "state": "completed", "counts": {"failed": 0},
        "startedAt": "2026-01-07T00:00:00Z", "finishedAt": "2026-01-07T01:00:00Z"});
    store(&sql, 8, "categories", first.to_string());
    assert_eq!(migrate(&sql, &IMPORT), Ok(SchemaState::Current));
    let ms = |time: &str| UnixMs::from(time.parse::<DateTime<Utc>>().expect("a time"));
    for (kind, expected) in [
        (ImportKind::Orders, Some(("2026-01-02T01:00:00Z", Some("2026-01-02T01:00:00Z")))),
        (ImportKind::Products, Some(("2026-01-05T01:00:00Z", None))),
        (ImportKind::Categories, Some(("2026-01-07T00:00:00Z", None))),
        (ImportKind::Customers, None),
    ] {
        let expected = expected.map(|(started, left_out)| CompletedRun {
            started: ms(started),
            left_out_from: left_out.map(ms),
        });
        assert_eq!(completed::of_kind(&sql, kind), Ok(expected), "{kind:?}");
    }
    let success = json!({"customers": null, "orders": "2026-01-01T01:00:00.000Z",
        "categories": "2026-01-07T01:00:00.000Z", "products": null});
    assert_eq!(completed::last_success(&sql), Ok(success));
}

fn store(sql: &Sqlite, seq: u32, kind: &str, run: String) {
    let insert = "INSERT INTO runs (seq, id, kind) VALUES (?1, ?1, ?2)";
    sql.exec(insert, vec![seq.into(), kind.into()]).expect("stored");
    let insert = "INSERT INTO run_parts (owner, part, content) VALUES (?, 0, ?)";
    sql.exec(insert, vec![seq.into(), run.into_bytes().into()]).expect("stored");
}

#[test]
fn what_a_newer_version_stored_is_not_touched() {
    let sql = of_version(&OUTBOX, &OUTBOX_ROWS, OUTBOX.len());
    sql.all("UPDATE schema SET version = version + 1");
    let before = sql.tables();
    assert_eq!(migrate(&sql, &OUTBOX), Ok(SchemaState::Newer));
    assert_eq!(sql.tables(), before);
}

/// A secret that each object makes for itself.
#[test]
fn each_outbox_has_its_own_key_for_erasures() {
    let key = || {
        let sql = of_version(&OUTBOX, &[], 0);
        assert_eq!(migrate(&sql, &OUTBOX), Ok(SchemaState::Current));
        let key = sql.exec("SELECT key FROM erasure_key", vec![]).expect("an answer");
        key.value::<String>().expect("a key").expect("a key")
    };
    let (one, other) = (key(), key());
    assert_eq!((one.len(), other.len()), (64, 64));
    assert_ne!(one, other);
}
