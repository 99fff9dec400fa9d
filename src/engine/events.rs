//! What the engine tells its host.

use std::time::Duration;

use super::unit::UnitEnd;
use super::unit_no::UnitNo;
use crate::fault::{Rejection, Setback};
use crate::klaviyo::job::{JobRef, RowDigest};
use crate::klaviyo::job_answer::RowError;
use crate::klaviyo::pacing::Operation;
use crate::time::UnixMs;

/// Something that a host has to know; events keep the order in which they happened.
#[derive(Debug)]
pub(crate) enum WriteEvent {
    /// A unit has ended.
    Ended(EndedUnit),
    /// A call of this operation went through.
    WentThrough(Operation),
    /// A call met a fault that passes.
    Delayed(Operation, Setback),
    /// Nobody waits any longer for rows of a job that began at this time (ms) and that Klaviyo still has to carry out:
    /// its items exist, perhaps by another writer, or Klaviyo refused something else of their unit.
    JobLeft(UnixMs),
    /// Klaviyo refuses a request whatever its content, such as a bulk request with any rows.
    RequestRefused(Rejection),
    /// Klaviyo accepted a job whose rows the host keeps.
    JobStarted(JobRef, Vec<StartedRow<UnitNo>>),
    /// A job is not done yet, or its state is unknown for this reason; the next look is not before the time (ms).
    JobPutOff(JobRef, Setback, UnixMs),
    /// A job has ended; with the errors of its rows, if the host keeps them.
    JobEnded(JobRef, JobEnd),
}

/// A unit that has ended.
#[derive(Debug)]
pub(crate) struct EndedUnit {
    pub(crate) no: UnitNo,
    pub(crate) end: UnitEnd,
    /// The rows that Klaviyo accepted outside of jobs, if the host wants to know.
    pub(crate) taken: Vec<RowDigest>,
    /// Calls that it had a part in.
    pub(crate) calls: u32,
    /// How long Klaviyo may still carry out a write of it: one that had no answer, or one of events that Klaviyo
    /// accepted together.
    pub(crate) in_doubt: Option<Duration>,
}

/// A row of a started job.
#[derive(Debug)]
pub(crate) struct StartedRow<U> {
    /// The owners: all who want the same written.
    pub(crate) owners: Vec<U>,
    /// What it writes.
    pub(crate) digest: RowDigest,
    /// The external id of its profile.
    pub(crate) external_id: Option<String>,
}

/// What became of a job.
#[derive(Debug)]
pub enum JobEnd {
    /// Klaviyo is done with it.
    Done {
        /// How many rows failed.
        failed: u64,
        /// The errors of its rows, each with the external id of its profile if Klaviyo names it.
        errors: Vec<(RowError, Option<String>)>,
    },
    /// The result is unknown.
    Unknown,
}
