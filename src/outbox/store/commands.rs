//! What the machine wants stored, and how it is stored.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::dead_letters::{self, NewDeadLetter};
use super::erasure::EraseAgain;
use super::generation::RowGeneration;
use super::jobs::{self, JobFate, JobRow};
use super::offspring::park_offspring;
use super::parked::{self, ParkedRow};
use super::{lost, sent};
use crate::commercetools::notification::Notification;
use crate::config::rules::OperatorRules;
use crate::engine::circuits::OperationName;
use crate::engine::events::JobEnd;
use crate::fault::{Rejection, TransientFault};
use crate::klaviyo::job::{JobRef, JobType, RowDigest};
use crate::klaviyo::job_answer::blamed;
use crate::mapping::body::Cut;
use crate::outbox::fate::RowFate;
use crate::push::envelope::PushedItem;
use crate::push::outcome::Outcome;
use crate::push::plan::IgnoreReason;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Something to store.
pub enum StoreCommand {
    /// Remove a row without content.
    Remove(ParkedRow),
    /// The result of a row.
    Settle {
        /// The row.
        tried: Box<TriedRow>,
        /// What becomes of it.
        fate: RowFate,
        /// The operation that stopped it.
        waits_for: Option<OperationName>,
    },
    /// The parts of a row that Klaviyo accepted.
    NoteSent {
        /// The row.
        row: ParkedRow,
        /// Digests.
        sent: HashSet<RowDigest>,
    },
    /// Until when Klaviyo may still carry out a write of a row.
    KeepInDoubt {
        /// The row.
        row: ParkedRow,
        /// That time.
        until: UnixMs,
    },
    /// A job with these rows is being started.
    StartJob(Vec<RowGeneration>),
    /// Klaviyo accepted a job.
    OpenJob {
        /// The job.
        job: JobRef,
        /// Its rows.
        rows: Vec<JobRow>,
    },
    /// A job is not done yet, or its state is unknown.
    PutJobOff {
        /// The job.
        job: JobRef,
        /// Why its rows wait.
        fault: TransientFault,
        /// When to look at it again.
        until: UnixMs,
    },
    /// A job has ended.
    CloseJob {
        /// The job.
        job: JobRef,
        /// What became of it.
        end: JobEnd,
    },
    /// Park notifications that rows led to; they must not be tried before a time (ms since 1970 UTC).
    Park(Vec<Map<String, Value>>, UnixMs),
    /// Erase a customer once more, whose profile may have been brought back.
    EraseAgain(EraseAgain),
    /// An operation goes through again: the rows that wait for it are due.
    Wake(OperationName),
    /// All rows of a round have ended.
    EndRound,
}

/// A row after a try.
pub struct TriedRow {
    /// The row, as it was before the try.
    pub row: ParkedRow,
    /// Its notification.
    pub item: PushedItem,
    /// The bytes of the notification.
    pub content: Vec<u8>,
    /// Whether the try may have written something.
    pub is_written: bool,
    /// How long the try took.
    pub duration: Duration,
    /// Calls that it had a part in.
    pub calls: u32,
    /// Names of properties that were cut to keep Klaviyo's limits.
    pub cut: Vec<Cut>,
}

/// The result of a row, for the log.
pub struct ToldOutcome {
    /// The row.
    pub tried: Box<TriedRow>,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Stores something; returns what to log.
///
/// # Errors
/// A statement failed.
pub fn carry_out(
    sql: &dyn Sql,
    rules: &OperatorRules,
    command: StoreCommand,
    now: UnixMs,
) -> Result<Option<ToldOutcome>, SqlError> {
    match command {
        StoreCommand::Remove(row) => {
            parked::remove(sql, &row)?;
        }
        StoreCommand::Settle { tried, fate, waits_for } => {
            let outcome = settle(sql, &tried, fate, waits_for.as_ref(), now)?;
            return Ok(Some(ToldOutcome { tried, outcome }));
        }
        StoreCommand::NoteSent { row, sent: digests } => {
            let digests: Vec<_> = digests.into_iter().collect();
            sent::note(sql, &row.key, row.seq, &digests, now)?;
        }
        StoreCommand::KeepInDoubt { row, until } => parked::keep_in_doubt(sql, &row, until)?,
        StoreCommand::StartJob(rows) => lost::job_starts(sql, &rows)?,
        StoreCommand::OpenJob { job, rows } => jobs::open(sql, &job, &rows, now)?,
        StoreCommand::PutJobOff { job, fault, until } => jobs::put_off(sql, &job, fault, until)?,
        StoreCommand::CloseJob { job, end } => close_job(sql, &job, end, now)?,
        StoreCommand::Park(notifications, not_before) => {
            park_offspring(sql, rules, notifications, not_before, now)?;
        }
        StoreCommand::EraseAgain(asked) => asked.park(sql, rules, now)?,
        StoreCommand::Wake(operation) => parked::wake(sql, &operation, now)?,
        StoreCommand::EndRound => lost::round_ended(sql)?,
    }
    Ok(None)
}

fn settle(
    sql: &dyn Sql,
    tried: &TriedRow,
    fate: RowFate,
    waits_for: Option<&OperationName>,
    now: UnixMs,
) -> Result<Outcome, SqlError> {
    let row = &tried.row;
    match fate {
        RowFate::Delivered => {
            remove(sql, row)?;
            Ok(Outcome::Delivered)
        }
        RowFate::NextEdge(edge) => {
            parked::move_to_edge(sql, row, edge)?;
            Ok(Outcome::Delivered)
        }
        RowFate::Ignored(why) => {
            remove(sql, row)?;
            Ok(Outcome::Ignored(why))
        }
        RowFate::PutOff { due, fault, anew } => {
            if anew {
                sent::forget(sql, &row.key)?;
            }
            let is_written = tried.is_written || row.written_since > UnixMs::EPOCH;
            parked::put_off(sql, row, due, fault, waits_for, is_written)?;
            Ok(Outcome::Parked { code: fault.code().into_owned() })
        }
        RowFate::GivenUp(rejection) => give_up(sql, tried, rejection, now),
    }
}

/// Removes a row with its sent digests; returns whether it still existed in this generation.
fn remove(sql: &dyn Sql, row: &ParkedRow) -> Result<bool, SqlError> {
    let removed = parked::remove(sql, row)?;
    if removed {
        sent::forget(sql, &row.key)?;
    }
    Ok(removed)
}

/// Turns a row into a dead letter, if it still exists: it may have been erased meanwhile, or a
/// newer generation has its own turn.
fn give_up(
    sql: &dyn Sql,
    tried: &TriedRow,
    rejection: Rejection,
    now: UnixMs,
) -> Result<Outcome, SqlError> {
    if !remove(sql, &tried.row)? {
        return Ok(Outcome::Ignored(IgnoreReason::Superseded));
    }
    let code = rejection.code().into_owned();
    let notification: Option<&Notification> = match &tried.item {
        PushedItem::Notification(notification) => Some(notification),
        PushedItem::Refused { .. } => None,
    };
    let letter = NewDeadLetter::of(notification, rejection, tried.row.attempts + 1, now);
    let id = dead_letters::keep(sql, &letter, &tried.content)?;
    Ok(Outcome::DeadLettered { id, code })
}

fn close_job(sql: &dyn Sql, job: &JobRef, end: JobEnd, now: UnixMs) -> Result<(), SqlError> {
    let fate = match end {
        JobEnd::Unknown => JobFate::Unknown,
        JobEnd::Done { failed: 0, .. } => JobFate::DoneBut(Vec::new()),
        JobEnd::Done { failed, errors } => {
            let rows = match job.of {
                JobType::Profiles => jobs::rows_of_profiles(sql, job)?,
                JobType::Catalog(..) => Vec::new(),
            };
            let row_of = |id: &str| rows.iter().find(|(other, _)| other == id).map(|(_, row)| *row);
            blamed(failed, &errors, row_of).map_or(JobFate::Unknown, JobFate::DoneBut)
        }
    };
    jobs::close(sql, job, &fate, now)
}
