//! Which write comes next: what waits in the queue, then batches, then items that are awaited.

use std::time::Duration;

use super::batches::{Batch, BatchRow, BatchSort};
use super::call::HostCall;
use super::grants::CallGrants;
use super::jobs::JobKey;
use super::stubborn::CallTries;
use super::unit_no::UnitNo;
use super::writer::{AwaitedItem, UnitWriter, WriterHost};
use crate::fault::{Setback, System, TransientFault};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::job::JobRef;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::query::{IDS_PER_QUERY, KlaviyoLookup};
use crate::klaviyo::request::WriteRequest;
use crate::time::UnixMs;

/// A call of the engine that is to be made, or is under way.
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
    /// Which objects of a batch Klaviyo has, of which nobody knows it; those that it has so far, and
    /// what else is to be asked.
    Know { batch: Batch, lookup: KlaviyoLookup, known: Vec<String>, rest: Vec<KlaviyoLookup> },
    /// A request by itself, of all who want it.
    Single { units: Vec<UnitNo>, request: WriteRequest },
    /// How far a job is.
    Look(JobKey, JobRef),
    /// What was wrong with the rows of a profile job of this id.
    Errors { job: JobKey, id: String, cursor: Option<String> },
    /// Whether items are there.
    Items { lookup: KlaviyoLookup, awaited: Vec<AwaitedItem> },
}

/// How long a row waits for others.
const AGE: Duration = Duration::from_millis(1_500);

/// How long between two looks for items.
pub(super) const LOOK_FOR_ITEMS: Duration = Duration::from_secs(1);

/// The longest wait for Klaviyo's quota in the middle of a try, where a host keeps nothing.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// How long to wait for room, while too many jobs are open.
const NO_ROOM: Duration = Duration::from_secs(10);

impl WriteTask {
    pub(super) fn new(call: WriteCall, not_before: UnixMs) -> Self {
        Self { call, not_before, tries: CallTries::default() }
    }

    pub(super) fn begins_job(&self) -> bool {
        matches!(&self.call, WriteCall::Batch(batch) if matches!(batch.sort, BatchSort::Job(_)))
    }

    /// Whether it brings events in bulk that say customers' e-mails. Nobody can ask when those are carried out.
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

    /// The units of a job that it starts.
    pub(crate) fn units_of_job(&self) -> Vec<UnitNo> {
        if self.begins_job() { self.units().collect() } else { Vec::new() }
    }

    /// The units of which something is written.
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

impl UnitWriter {
    /// The next call, if one can be made now. `quiet` says that no further rows come soon, so that
    /// batches need not become fuller.
    pub(crate) fn next(
        &mut self,
        grants: &mut CallGrants,
        quiet: bool,
    ) -> Option<(WriteTask, HostCall)> {
        if grants.connections == 0 {
            return None;
        }
        let task = self
            .queued(grants)
            .or_else(|| self.batch(grants, quiet))
            .or_else(|| self.items(grants))?;
        let call = task.call.call();
        Some((task, call))
    }

    fn queued(&mut self, grants: &mut CallGrants) -> Option<WriteTask> {
        let mut refused: Vec<Operation> = Vec::new();
        let mut index = 0;
        while index < self.queue.len() {
            let task = &self.queue[index];
            if task.not_before > grants.now {
                grants.wake_at(task.not_before);
                index += 1;
                continue;
            }
            let no_room = task.bytes() > grants.bytes || task.begins_job() && grants.jobs == 0;
            let operation = task.call.operation();
            if no_room || refused.contains(&operation) {
                index += 1;
                continue;
            }
            match grants.take(operation) {
                Ok(()) => return self.queue.remove(index),
                Err(setback) if task.call.writes() && self.lets_go(setback) => {
                    let task = self.queue.remove(index)?;
                    self.let_go(task.call, setback, false, grants.now);
                }
                Err(_) => {
                    refused.push(operation);
                    index += 1;
                }
            }
        }
        None
    }

    /// A batch that is full, or whose rows are old, or any if nothing more comes soon.
    fn batch(&mut self, grants: &mut CallGrants, quiet: bool) -> Option<WriteTask> {
        if self.buffers.is_empty() {
            return None;
        }
        let old = grants.now - AGE;
        for sort in self.buffers.due(old, quiet) {
            if self.buffers.count(sort) <= self.host.alone_up_to() {
                self.send_alone(sort, grants.now);
                return self.queued(grants);
            }
            if matches!(sort, BatchSort::Job(_)) && grants.jobs == 0 {
                if !self.host.keeps() {
                    let retry_after = Some(NO_ROOM);
                    let setback = Setback { fault: TransientFault::TooManyJobs, retry_after };
                    let batch = self.buffers.take(sort, grants.now);
                    self.let_go(WriteCall::Batch(batch), setback, false, grants.now);
                }
                continue;
            }
            if self.buffers.next_bytes(sort) > grants.bytes {
                continue;
            }
            match grants.take(sort.operation()) {
                Ok(()) => {
                    let batch = self.buffers.take(sort, grants.now);
                    return Some(WriteTask::new(self.known_first(batch), UnixMs::EPOCH));
                }
                Err(setback) if self.lets_go(setback) => {
                    let batch = self.buffers.take(sort, grants.now);
                    self.let_go(WriteCall::Batch(batch), setback, false, grants.now);
                }
                Err(_) => {}
            }
        }
        grants.wake_at(grants.now + AGE / 3);
        None
    }

    /// Sends the few rows of a sort each by itself: a job is carried out later.
    fn send_alone(&mut self, sort: BatchSort, now: UnixMs) {
        while self.buffers.count(sort) > 0 {
            for row in self.buffers.take(sort, now).rows {
                self.queue_row(row, now);
            }
        }
    }

    fn items(&mut self, grants: &mut CallGrants) -> Option<WriteTask> {
        if self.awaited.is_empty() {
            return None;
        }
        if self.next_look_for_items > grants.now {
            grants.wake_at(self.next_look_for_items);
            return None;
        }
        grants.take(Operation::ListCatalog(CatalogKind::Item)).ok()?;
        let count = self.awaited.len().min(IDS_PER_QUERY);
        let awaited: Vec<_> = self.awaited.drain(..count).collect();
        let ids = awaited.iter().map(|one| one.item.clone()).collect();
        let lookup = KlaviyoLookup::Existing { kind: CatalogKind::Item, ids };
        if self.awaited.is_empty() {
            self.next_look_for_items = grants.now + LOOK_FOR_ITEMS;
        }
        Some(WriteTask::new(WriteCall::Items { lookup, awaited }, UnixMs::EPOCH))
    }

    /// Whether a host gives up rather than wait until an operation is free: the outbox waits a moment
    /// for the quota.
    pub(super) fn lets_go(&self, setback: Setback) -> bool {
        let is_short = setback.fault == TransientFault::Status(System::Klaviyo, 429)
            && setback.retry_after.is_none_or(|wait| wait <= SHORT_WAIT);
        match self.host {
            WriterHost::Import => false,
            WriterHost::Outbox => !is_short,
            WriterHost::Push => true,
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

    /// Whether it is for rows, which their host tries again. What looks after a job is made for nobody else:
    /// without it whatever waits for the job would wait for ever.
    fn writes(&self) -> bool {
        match self {
            Self::Batch(_) | Self::Know { .. } | Self::Single { .. } => true,
            Self::Look(..) | Self::Errors { .. } | Self::Items { .. } => false,
        }
    }

    /// How many rows may be to blame for what it meets.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Batch(batch) | Self::Know { batch, .. } => batch.rows.len(),
            Self::Single { .. } | Self::Look(..) | Self::Errors { .. } | Self::Items { .. } => 1,
        }
    }

    fn call(&self) -> HostCall {
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
