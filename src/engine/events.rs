//! What the engine tells its host.

use std::time::Duration;

use super::unit::UnitEnd;
use super::unit_no::UnitNo;
use crate::fault::{Rejection, Setback};
use crate::klaviyo::job::{JobRef, RowDigest};
use crate::klaviyo::job_answer::RowError;
use crate::klaviyo::pacing::Operation;
use crate::time::UnixMs;

/// Something that a host has to know, in the order in which it came about.
#[derive(Debug)]
pub(crate) enum WriteEvent {
    /// Nothing more comes of a unit.
    Ended(EndedUnit),
    /// A call of this operation went through.
    WentThrough(Operation),
    /// A call met a fault that passes.
    Delayed(Operation, Setback),
    /// Nobody waits any longer for rows of a job that began at this time (ms), and that is still to be carried
    /// out: its items are there, and may be somebody else's, or something else of their unit was refused.
    JobLeft(UnixMs),
    /// Klaviyo refuses a request whatever it is about, such as a bulk request with any rows.
    RequestRefused(Rejection),
    /// Klaviyo took a job whose rows the host keeps.
    JobStarted(JobRef, Vec<StartedRow<UnitNo>>),
    /// A job is not done yet, or nothing was learned of it for this reason; the next look is not
    /// before the time (ms).
    JobPutOff(JobRef, Setback, UnixMs),
    /// A job has ended; with what was wrong with its rows, where the host keeps them.
    JobEnded(JobRef, JobEnd),
}

/// A unit of which nothing more comes.
#[derive(Debug)]
pub(crate) struct EndedUnit {
    pub(crate) no: UnitNo,
    pub(crate) end: UnitEnd,
    /// What of it Klaviyo took by itself, where the host wants to know.
    pub(crate) taken: Vec<RowDigest>,
    /// Calls that it had a part in.
    pub(crate) calls: u32,
    /// How long a write of it may still be carried out, since it had no answer, or is of events that Klaviyo
    /// took together.
    pub(crate) in_doubt: Option<Duration>,
}

/// A row of a job that was started.
#[derive(Debug)]
pub(crate) struct StartedRow<U> {
    /// Whose it is: of all who want the same written.
    pub(crate) owners: Vec<U>,
    /// What it writes.
    pub(crate) digest: RowDigest,
    /// The external id of a profile.
    pub(crate) external_id: Option<String>,
}

/// What became of a job.
#[derive(Debug)]
pub enum JobEnd {
    /// Klaviyo is done with it.
    Done {
        /// How many rows failed.
        failed: u64,
        /// What was wrong with them, each with the external id of its profile where that is said.
        errors: Vec<(RowError, Option<String>)>,
    },
    /// Nobody knows.
    Unknown,
}
