//! A call of the engine that writes, or that follows a write, as a value. [`super::calling`] chooses the next one.

use super::batches::{Batch, BatchRow, BatchSort};
use super::call::HostCall;
use super::jobs::JobKey;
use super::stubborn::CallTries;
use super::unit_no::UnitNo;
use crate::klaviyo::job::JobRef;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::time::UnixMs;

/// A call of the engine that waits or is under way.
pub(crate) struct WriteTask {
    pub(super) call: WriteCall,
    /// Not before this time.
    pub(super) not_before: UnixMs,
    pub(super) tries: CallTries,
}

/// What a call is for.
pub(super) enum WriteCall {
    /// Rows.
    Batch(Batch),
    /// Asks which objects of a batch Klaviyo has, if nobody knows; holds those that it has so far, and the further
    /// lookups.
    Know { batch: Batch, lookup: KlaviyoLookup, known: Vec<String>, rest: Vec<KlaviyoLookup> },
    /// A request by itself, for all units that want it.
    Single { units: Vec<UnitNo>, request: WriteRequest },
    /// How far a job is.
    Look(JobKey, JobRef),
    /// The errors of the rows of a profile job with this id.
    Errors { job: JobKey, id: String, cursor: Option<String> },
    /// Whether items exist.
    Items { lookup: KlaviyoLookup, awaited: Vec<AwaitedItem> },
}

/// An item that a job writes and that the next stage needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AwaitedItem {
    pub(super) unit: UnitNo,
    /// Klaviyo's id.
    pub(super) item: String,
    pub(super) job: JobKey,
    pub(super) index: usize,
}

impl WriteTask {
    pub(super) fn new(call: WriteCall, not_before: UnixMs) -> Self {
        Self { call, not_before, tries: CallTries::default() }
    }

    pub(super) fn begins_job(&self) -> bool {
        matches!(&self.call, WriteCall::Batch(batch) if matches!(batch.sort, BatchSort::Job(_)))
    }

    /// Whether it sends events in bulk with customers' e-mail addresses. Nobody can ask when Klaviyo carries those out.
    pub(crate) fn brings_emails(&self) -> bool {
        let brings = |row: &BatchRow| match row.request.as_deref() {
            Some(WriteRequest::CreateEvent(event)) => {
                event.profile.external_id.is_some() && event.profile.email.is_some()
            }
            _ => false,
        };
        let of_events = |batch: &Batch| batch.sort == BatchSort::Events;
        matches!(&self.call, WriteCall::Batch(batch) if of_events(batch) && batch.rows.iter().any(brings))
    }

    /// The units of the job that it starts.
    pub(crate) fn units_of_job(&self) -> Vec<UnitNo> {
        if self.begins_job() { self.units().collect() } else { Vec::new() }
    }

    /// The units that it writes something for.
    pub(super) fn units(&self) -> Box<dyn Iterator<Item = UnitNo> + '_> {
        match &self.call {
            WriteCall::Batch(batch) => {
                Box::new(batch.rows.iter().flat_map(|row| row.units.iter().copied()))
            }
            WriteCall::Single { units, .. } => Box::new(units.iter().copied()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The bytes of its body that count.
    pub(crate) fn bytes(&self) -> usize {
        match &self.call {
            WriteCall::Batch(batch) => batch.bytes(),
            _ => 0,
        }
    }
}

impl WriteCall {
    /// The operation, as Klaviyo counts its limits.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Batch(batch) => batch.sort.operation(),
            Self::Know { lookup, .. } | Self::Items { lookup, .. } => lookup.operation(),
            Self::Single { request, .. } => request.operation(),
            Self::Look(_, job) => Operation::JobStatus(job.of),
            Self::Errors { .. } => Operation::ImportErrors,
        }
    }

    /// Whether it is for rows, which their host tries again. A call that follows a job has no such host: without it
    /// every row of the job would wait for ever.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Batch(_) | Self::Know { .. } | Self::Single { .. } => true,
            Self::Look(..) | Self::Errors { .. } | Self::Items { .. } => false,
        }
    }

    /// How many rows may be to blame for a fault of the call.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Batch(batch) | Self::Know { batch, .. } => batch.rows.len(),
            Self::Single { .. } | Self::Look(..) | Self::Errors { .. } | Self::Items { .. } => 1,
        }
    }

    pub(super) fn call(&self) -> HostCall {
        match self {
            Self::Batch(batch) => HostCall::Klaviyo {
                method: "POST",
                path: batch.sort.path(),
                body: Some(batch.body()),
            },
            Self::Know { lookup, .. } | Self::Items { lookup, .. } => HostCall::of_lookup(lookup),
            Self::Single { request, .. } => HostCall::of_request(request),
            Self::Look(_, job) => HostCall::of_lookup(&KlaviyoLookup::Job(job.clone())),
            Self::Errors { id, cursor, .. } => {
                let (job, cursor) = (id.clone(), cursor.clone());
                HostCall::of_lookup(&KlaviyoLookup::ImportErrors { job, cursor })
            }
        }
    }
}
