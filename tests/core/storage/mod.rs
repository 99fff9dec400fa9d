//! What the two objects store, on real SQLite: the statements of
//! [`commercetools_klaviyo::outbox::store`] and [`commercetools_klaviyo::import::store`].

mod about;
mod batches;
mod dead_letters;
mod desk;
mod erasure;
mod failures;
mod generations;
mod hand_over;
mod job_rows;
mod migrations;
mod parking;
mod parts;
mod price_edges;
mod pushes;
mod released;
mod runs;
mod schedule;
mod sequence;
mod skipped;
mod trying;
mod waiting;
mod watch;

use commercetools_klaviyo::engine::circuits::Allowance;
use commercetools_klaviyo::klaviyo::job::{JobRef, JobType};
use commercetools_klaviyo::outbox::store::generation::RowGeneration;
use commercetools_klaviyo::outbox::store::jobs::{self, JobRow};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::tables::MIGRATIONS;
use commercetools_klaviyo::outbox::store::tries::{self, TakenRow};
use commercetools_klaviyo::push::parking::RowGroup;
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};
use commercetools_klaviyo::storage::sql::{Sql, SqlAnswer, SqlError, SqlValue};
use commercetools_klaviyo::time::UnixMs;
use serde::Deserialize;

use crate::sqlite::Sqlite;
use crate::support::at;

/// The outbox with nothing in it.
fn outbox() -> Sqlite {
    let sql = Sqlite::new();
    assert_eq!(migrate(&sql, &MIGRATIONS), Ok(SchemaState::Current));
    sql
}

/// A notification that was tried once at 1,000 and is to be tried at 2,000.
fn new_parked(key: &str) -> NewParked {
    NewParked {
        key: key.to_owned(),
        rank: 0,
        customer: None,
        at: at(1_000),
        due: at(2_000),
        code: "klaviyo_503".to_owned(),
        attempts: 1,
        doubtful_until: UnixMs::EPOCH,
        written_since: UnixMs::EPOCH,
    }
}

/// The outbox with these slots.
fn outbox_with(keys: &[&str]) -> Sqlite {
    let sql = outbox();
    for key in keys {
        park(&sql, &new_parked(key), key.as_bytes()).expect("parked");
    }
    sql
}

/// A row of `parked`, with its content.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct StoredRow {
    seq: RowGeneration,
    key: String,
    rank: u8,
    customer: Option<String>,
    since: u64,
    due: Option<u64>,
    attempts: u32,
    code: String,
    bytes: usize,
    alone: u8,
    doubtful_until: u64,
    written_since: u64,
    lost: u32,
    lost_alone: u32,
    #[serde(skip)]
    content: Vec<u8>,
}

/// The row of a slot, if there is one.
fn slot(sql: &Sqlite, key: &str) -> Option<StoredRow> {
    let select = "SELECT * FROM parked WHERE key = ?";
    let row = sql.exec(select, vec![key.into()]).and_then(SqlAnswer::first::<StoredRow>);
    let mut row = row.expect("a row")?;
    let select = "SELECT content FROM parked_parts WHERE owner = ? ORDER BY part";
    for value in sql.exec(select, vec![row.seq.into()]).expect("parts").rows.into_iter().flatten() {
        let SqlValue::Blob(bytes) = value else { panic!("a part is {value:?}") };
        row.content.extend(bytes);
    }
    Some(row)
}

/// Takes what is due of the group at `now`, in company.
fn take(sql: &Sqlite, group: RowGroup, now: u64) -> Vec<TakenRow> {
    let due = tries::due(sql, group, Allowance::All, at(now), 100).expect("due rows");
    let rows = due.into_iter().map(|due| due.row).collect();
    tries::take(sql, at(now), rows, false).expect("taken rows")
}

/// Takes the one customer that is due.
fn take_customer(sql: &Sqlite, now: u64) -> TakenRow {
    let mut taken = take(sql, RowGroup::Customers, now);
    assert_eq!(taken.len(), 1);
    taken.remove(0)
}

/// What a slot has in a job: its digest is `d` and the number of the row.
fn job_row(n: usize, key: &str, seq: RowGeneration) -> JobRow {
    JobRow {
        n,
        key: key.to_owned(),
        seq,
        digest: format!("d{n}"),
        external_id: key.strip_prefix("customer/").map(ToOwned::to_owned),
    }
}

/// Klaviyo took a job at `now` with these rows.
fn open(sql: &Sqlite, id: &str, rows: &[JobRow], now: u64) {
    let job = JobRef { of: JobType::Profiles, id: id.to_owned() };
    jobs::open(sql, &job, rows, at(now)).expect("opened");
}

/// Whatever statement of it fails: it says so, and nothing of it is kept.
fn fails_whole<T>(sql: &Sqlite, work: impl Fn(&dyn Sql) -> Result<T, SqlError>) {
    let before = sql.tables();
    for n in 1.. {
        sql.fail_at(n);
        sql.begin();
        let failed = work(sql).is_err();
        sql.rollback();
        assert_eq!(sql.tables(), before, "statement {n}");
        // All of them were carried out before it was the turn of the one that is to fail.
        if sql.fail_no_more() {
            assert!(!failed && n > 1);
            return;
        }
        assert!(failed, "statement {n} failed, and nobody said so");
    }
}

/// No content is without its row, and no row without its content.
fn assert_whole(sql: &Sqlite) {
    for (rows, parts) in [("parked", "parked_parts"), ("dead_letters", "dead_letter_parts")] {
        let orphans =
            format!("SELECT owner FROM {parts} WHERE owner NOT IN (SELECT seq FROM {rows})");
        assert!(sql.all(&orphans).is_empty(), "{parts}: content without a row");
        let empty = format!("SELECT seq FROM {rows} WHERE seq NOT IN (SELECT owner FROM {parts})");
        assert!(sql.all(&empty).is_empty(), "{rows}: a row without content");
    }
}

/// When the next rows of a group are due that wait for no operation.
fn next_due(sql: &Sqlite, group: RowGroup) -> Option<u64> {
    let times = tries::next_due(sql).expect("times").into_iter();
    times
        .filter(|(of, waits_for, _)| *of == group && waits_for.is_none())
        .map(|time| time.2.ms())
        .min()
}
