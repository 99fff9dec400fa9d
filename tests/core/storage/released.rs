//! The data of released versions, each as a dump of its four objects in `released/<version>/`: the newest version reads
//! it, and its content stays. Each deployed migration is pinned beside its tables; here are the rows, and the JSON in
//! them.
//!
//! The version of `Cargo.toml` has its dump: `WRITE_RELEASED=1 cargo test --test core -- released` writes it, before a
//! release; a released dump is never written again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use commercetools_klaviyo::commercetools::keyset::{Keyset, StampedResource};
use commercetools_klaviyo::feed::state::{FeedCursors, FeedState};
use commercetools_klaviyo::feed::store as feed_store;
use commercetools_klaviyo::feed::store::tables::MIGRATIONS as FEED;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::store::tables::MIGRATIONS as IMPORT;
use commercetools_klaviyo::import::store::{completed, failures, runs, sequence};
use commercetools_klaviyo::import::stored::StoredRun;
use commercetools_klaviyo::outbox::store::tables::MIGRATIONS as OUTBOX;
use commercetools_klaviyo::outbox::store::{dead_letters, parked, status};
use commercetools_klaviyo::push::outcome::Outcome;
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};
use commercetools_klaviyo::storage::sql::Sql;
use commercetools_klaviyo::watch::store::counts::{self, CountSpan};
use commercetools_klaviyo::watch::store::state;
use commercetools_klaviyo::watch::store::tables::MIGRATIONS as WATCH;
use commercetools_klaviyo::watch::tally::Tally;

use super::migrations::{IMPORT_ROWS, OUTBOX_ROWS, assert_kept};
use crate::sqlite::Sqlite;
use crate::support::{at, config};

/// The objects with the migrations of each.
const OBJECTS: [(&str, &[&str]); 4] =
    [("outbox", &OUTBOX), ("import", &IMPORT), ("watch", &WATCH), ("feed", &FEED)];

/// A run in the middle of its work, as `import::stored` has it.
const RUN: &str = include_str!("../../../fuzz/corpus/stored_run/version_5.json");

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/core/storage/released")
}

fn dump_path(version: &str, object: &str) -> PathBuf {
    folder().join(version).join(format!("{object}.sql"))
}

/// The statements that make the same tables with the same rows.
fn dumped(sql: &Sqlite) -> String {
    let mut text = String::new();
    let tables = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
        ORDER BY type DESC, rowid";
    let statements: Vec<String> = sql.all(tables).column().expect("statements");
    for statement in statements {
        writeln!(text, "{statement};").expect("room");
    }
    for name in sql.tables().keys().filter(|name| !name.starts_with("sqlite_")) {
        let columns = sql.all(&format!("SELECT * FROM {name}")).columns;
        let quoted: Vec<_> = columns.iter().map(|column| format!("quote({column})")).collect();
        let select = format!("SELECT {} AS row FROM {name}", quoted.join(" || ', ' || "));
        let rows: Vec<String> = sql.all(&select).column().expect("rows");
        for row in rows {
            writeln!(text, "INSERT INTO {name} ({}) VALUES ({row});", columns.join(", "))
                .expect("room");
        }
    }
    text
}

/// The objects of this version with something in every table that is read here.
fn filled(object: &str, migrations: &[&str]) -> Sqlite {
    let sql = Sqlite::new();
    assert_eq!(migrate(&sql, migrations), Ok(SchemaState::Current));
    match object {
        "outbox" => {
            for rows in &OUTBOX_ROWS {
                drop(sql.all(rows));
            }
        }
        "import" => {
            for rows in &IMPORT_ROWS {
                drop(sql.all(rows));
            }
            let run = RUN.as_bytes().to_vec().into();
            sql.exec("UPDATE run_parts SET content = ?", vec![run]).expect("a run");
        }
        "watch" => {
            let mut tally = Tally::default();
            tally.pushed(Some("OrderCreated"), &Outcome::Delivered, at(60_000));
            counts::add(&sql, &tally, at(60_000)).expect("counts");
            let mut known = state::load(&sql, at(60_000)).expect("a state");
            known.take(&tally);
            state::save(&sql, &known).expect("a state");
        }
        _ => feed_store::state::save(&sql, &feed_state()).expect("a state"),
    }
    sql
}

/// A feed that has read messages.
fn feed_state() -> FeedState {
    let cursors = FeedCursors {
        from: at(1_000),
        head: Keyset::from(at(2_000)),
        look: None,
        look_due: at(3_000),
        head_due: at(4_000),
        read_until: at(2_000),
        limit: 500,
        without: Vec::new(),
        failure: None,
        retry: at(0),
    };
    FeedState {
        began: at(1_000),
        clock_ahead: -7,
        cursors: BTreeMap::from([(StampedResource::Messages, cursors)]),
        batch: 6,
        lost: 2,
        ..FeedState::default()
    }
}

/// What is in a dump is found by the functions that the endpoints and the machines use.
fn assert_read(object: &str, sql: &Sqlite) {
    match object {
        "outbox" => {
            let page = parked::page(sql, None).expect("rows");
            assert_eq!(page["parked"][0]["code"], "klaviyo_503");
            let letters = dead_letters::list(sql, None, None).expect("letters");
            assert_eq!(letters["deadLetters"][0]["id"], "x");
            assert!(dead_letters::read(sql, "x").expect("a letter").is_some());
            status::status(sql).expect("a status");
        }
        "import" => {
            let rules = config(&[]).rules;
            let run = runs::current(sql, &rules, ImportKind::Orders).expect("a run");
            assert!(matches!(run, Some(StoredRun::Readable(_))), "{run:?}");
            assert_eq!(failures::count(sql, ImportKind::Orders), Ok(1));
            assert!(completed::of_kind(sql, ImportKind::Customers).expect("a run").is_some());
            assert_eq!(sequence::shown(sql).expect("a sequence")["state"], "running");
        }
        "watch" => {
            let minute = counts::of(sql, CountSpan::Minute, at(60_000)).expect("counts");
            assert_eq!(minute.delivered, 1);
            let known = state::load(sql, at(120_000)).expect("a state");
            assert_eq!(known.facts.began, at(60_000), "it began then and not now");
        }
        _ => assert_eq!(feed_store::state::load(sql), Ok(feed_state())),
    }
}

#[test]
fn what_every_released_version_stored_is_read() {
    let versions = fs::read_dir(folder()).expect("a folder");
    let mut read = 0;
    for version in versions {
        let version = version.expect("an entry").file_name().into_string().expect("a name");
        for (object, migrations) in OBJECTS {
            let dump = fs::read_to_string(dump_path(&version, object)).expect("a dump");
            let sql = Sqlite::new();
            sql.all(&dump);
            let before = sql.tables();
            assert_eq!(migrate(&sql, migrations), Ok(SchemaState::Current), "{version} {object}");
            assert_kept(&before, &sql.tables(), 0);
            assert_read(object, &sql);
            read += 1;
        }
    }
    assert!(read >= OBJECTS.len(), "nothing was read");
}

#[test]
fn this_version_has_its_dump() {
    let version = env!("CARGO_PKG_VERSION");
    let writes = std::env::var_os("WRITE_RELEASED").is_some();
    for (object, migrations) in OBJECTS {
        let path = dump_path(version, object);
        if writes && !path.exists() {
            fs::create_dir_all(folder().join(version)).expect("a folder");
            fs::write(&path, dumped(&filled(object, migrations))).expect("a dump");
        }
        assert!(path.exists(), "run `WRITE_RELEASED=1 cargo test --test core -- released`");
    }
}
