//! What ended runs may have overwritten with older data, or still may.
//!
//! A run reads a record, the shop changes it, and the run writes what it read. The closing pass repairs that. If a run
//! ends without a closing pass, or while Klaviyo may still carry out a write of it, the outbox takes over: it reads
//! what changed since the run began, as soon as no write of that run can follow. The same holds for a run over orders:
//! its events contain their customers' e-mail addresses, Klaviyo accepts them in bulk, and nobody can ask when it
//! carries them out.
//!
//! Table `doubts` has a row for each such run, until the outbox has taken over and no write of the run can follow.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::commercetools::walk::{WalkOver, WalkedResource};
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::import::kind::ImportKind;
use crate::import::passes::LOOK_BACK;
use crate::import::run::{ImportRun, RunState};
use crate::push::plan::id_walk::notification;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// What an ended run left in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RunDoubt {
    run: String,
    kind: ImportKind,
    /// When the run began: it read everything that it wrote after that.
    since: UnixMs,
    /// Until when Klaviyo may still carry out a write of it.
    pub until: UnixMs,
}

impl RunDoubt {
    /// The walks over what the run may have overwritten. Events are facts, except for e-mail addresses.
    #[must_use]
    pub fn walks(&self) -> Vec<Map<String, Value>> {
        let of: &[WalkedResource] = match self.kind {
            ImportKind::Customers | ImportKind::Orders => &[WalkedResource::Customers],
            ImportKind::Categories => &[WalkedResource::Categories],
            ImportKind::Products => &[
                WalkedResource::Products,
                WalkedResource::Inventory,
                WalkedResource::StandalonePrices,
                WalkedResource::Variants,
            ],
        };
        let since = self.since.to_utc().unwrap_or_default() - LOOK_BACK;
        let walks = of.iter().map(|of| WalkOver::ChangedSince { of: *of, since });
        walks.map(|over| notification(&over, None)).collect()
    }
}

/// Keeps what an ended run leaves in doubt. An active run leaves nothing yet.
pub fn keep(sql: &dyn Sql, run: &ImportRun) -> Result<(), SqlError> {
    if run.finished_at.is_none() {
        sql.exec("DELETE FROM doubts WHERE run = ?", vec![run.id.as_str().into()])?;
        return Ok(());
    }
    let closing = run.closing_began.unwrap_or(run.started_at);
    let until = run.doubtful_until.max(emails_until(run)).unwrap_or(run.started_at);
    if run.state == RunState::Completed && until <= closing {
        return Ok(());
    }
    insert(sql, &run.id, run.kind, UnixMs::from(run.started_at), UnixMs::from(until))
}

/// Keeps the doubt of a run that did not end but was replaced, since this version cannot read it. Its id says when it
/// began.
pub fn keep_of_replaced(sql: &dyn Sql, id: &str, by: &ImportRun) -> Result<(), SqlError> {
    let since = UnixMs::from_ms(id.parse().unwrap_or(0));
    let until = UnixMs::from(by.started_at + JOB_IN_DOUBT);
    insert(sql, id, by.kind, since, until)
}

fn insert(
    sql: &dyn Sql,
    run: &str,
    kind: ImportKind,
    since: UnixMs,
    until: UnixMs,
) -> Result<(), SqlError> {
    sql.exec(
        "INSERT OR IGNORE INTO doubts (run, kind, since, until, is_left) VALUES (?, ?, ?, ?, 0)",
        vec![run.into(), kind.name().into(), since.into(), until.into()],
    )?;
    Ok(())
}

/// Until when Klaviyo may carry out events of an ended run (UTC), if it accepted any.
fn emails_until(run: &ImportRun) -> Option<DateTime<Utc>> {
    let may_have_sent = run.counts.sent > 0 || run.state != RunState::Completed;
    let ended = run.finished_at.filter(|_| run.kind == ImportKind::Orders && may_have_sent);
    ended.map(|at| at + JOB_IN_DOUBT)
}

/// Until when Klaviyo may still carry out a write of an ended run; [`UnixMs::EPOCH`] if it cannot.
pub fn until(sql: &dyn Sql) -> Result<UnixMs, SqlError> {
    let until: Option<UnixMs> =
        sql.exec("SELECT MAX(until) AS until FROM doubts", vec![])?.value()?;
    Ok(until.unwrap_or_default())
}

/// The doubts to leave to the outbox.
pub fn to_leave(sql: &dyn Sql) -> Result<Vec<RunDoubt>, SqlError> {
    sql.exec("SELECT run, kind, since, until FROM doubts WHERE is_left = 0", vec![])?.read()
}

/// The outbox has taken these over.
pub fn left(sql: &dyn Sql, doubts: &[RunDoubt], now: UnixMs) -> Result<(), SqlError> {
    for RunDoubt { run, .. } in doubts {
        sql.exec("UPDATE doubts SET is_left = 1 WHERE run = ?", vec![run.as_str().into()])?;
    }
    sql.exec("DELETE FROM doubts WHERE is_left = 1 AND until <= ?", vec![now.into()])?;
    Ok(())
}
