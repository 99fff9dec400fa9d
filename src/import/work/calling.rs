//! Chooses the next call: first the queue, then writes, then pages.

use super::RunWork;
use crate::assembly::together::JointReading;
use crate::commercetools::notification::change;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{Walk, WalkEnd};
use crate::config::Config;
use crate::engine::call::HostCall;
use crate::engine::grants::CallGrants;
use crate::engine::stubborn::CallTries;
use crate::engine::write_task::WriteTask;
use crate::http::{DOCUMENT_BYTES, PAGE_BYTES};
use crate::import::page::PageOrigin;
use crate::import::passes::PassRange;
use crate::import::passes::{PassReading, of_ids};
use crate::import::record_ref::PageNo;
use crate::import::run::RunState;
use crate::klaviyo::pacing::Operation;
use crate::push::plan::customer::written_since;
use crate::push::plan::price_edge::PriceEdge;
use crate::time::UnixMs;

/// A call under way, and its purpose.
pub(in crate::import) enum RunTask {
    /// Reads something.
    Read(ReadTask),
    /// A call of the engine.
    Write(WriteTask),
}

/// A reading that waits or is under way.
pub(in crate::import) struct ReadTask {
    pub(super) what: RunReading,
    /// Not before this time.
    pub(super) not_before: UnixMs,
    pub(super) tries: CallTries,
}

/// What is read, and why.
pub(super) enum RunReading {
    /// The first or last document of the pass by time.
    End(WalkEnd),
    /// The number of documents in a part of the pass.
    Count(PassRange),
    /// Where the project keeps variants.
    Project,
    /// A page of a range.
    Page { range: usize, limit: usize, reading: PassReading },
    /// Records that a job refused.
    Again(Vec<Id>),
    /// The documents that those of a page lead to.
    Linked { page: PageNo, walk: Walk },
    /// Which of these customers, whose profiles the run wrote, still exist.
    Written(Vec<Id>),
    /// Customers who do not exist any more; the run leaves their profiles to the outbox.
    LeaveGone(Vec<Id>),
    /// Something that records of a page need.
    Need { page: PageNo, need: JointReading },
    /// Records of a page that the run leaves to the outbox.
    HandOver { page: PageNo, ids: Vec<Id> },
    /// Edges of the prices of a page, which the outbox keeps. Klaviyo may carry out a write of its
    /// products until `doubtful_until`.
    KeepEdges { page: PageNo, edges: Vec<PriceEdge>, doubtful_until: UnixMs },
}

impl ReadTask {
    pub(super) fn new(what: RunReading, not_before: UnixMs) -> Self {
        Self { what, not_before, tries: CallTries::default() }
    }

    /// Whether it reads from commercetools.
    fn of_commercetools(&self) -> bool {
        match &self.what {
            RunReading::End(_)
            | RunReading::Count(_)
            | RunReading::Project
            | RunReading::Again(_)
            | RunReading::Linked { .. }
            | RunReading::Written(_) => true,
            RunReading::Page { reading, .. } => matches!(reading, PassReading::Walk(_)),
            RunReading::Need { need, .. } => need.is_of_commercetools(),
            RunReading::HandOver { .. }
            | RunReading::KeepEdges { .. }
            | RunReading::LeaveGone(_) => false,
        }
    }
}

impl RunReading {
    /// How many parts of the request may be to blame for a fault.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Need { need: JointReading::Queries(query), .. } => query.halves().len().max(1),
            _ => 1,
        }
    }
}

/// How many readings of each system were answered.
#[derive(Debug, Default)]
pub(super) struct AnsweredReadings {
    commercetools: u64,
    klaviyo: u64,
}

impl AnsweredReadings {
    pub(super) fn note(&mut self, task: &ReadTask) {
        if task.of_commercetools() {
            self.commercetools += 1;
        } else {
            self.klaviyo += 1;
        }
    }

    /// The count for the system that a task asks.
    pub(super) fn beside(&self, task: &ReadTask) -> u64 {
        if task.of_commercetools() { self.commercetools } else { self.klaviyo }
    }
}

impl RunTask {
    /// Whether it reads from commercetools.
    pub(in crate::import) fn reads(&self) -> bool {
        matches!(self, Self::Read(task) if task.of_commercetools())
    }

    /// The bytes of its body that count.
    pub(in crate::import) fn bytes(&self) -> usize {
        match self {
            Self::Read(_) => 0,
            Self::Write(task) => task.bytes(),
        }
    }
}

/// How far a range is read. Records read beyond the committed ones are in pages.
#[derive(Default)]
pub(super) struct RangeReader {
    pub(super) after: Option<String>,
    pub(super) reading: bool,
    pub(super) ended: bool,
    pub(super) pages: std::collections::VecDeque<PageNo>,
}

impl RangeReader {
    pub(super) fn of(range: &PassRange) -> Self {
        Self { after: range.after.clone(), ended: range.done, ..Self::default() }
    }

    fn is_active(&self) -> bool {
        !self.ended && (self.reading || self.after.is_some())
    }
}

/// Bytes of pages and rows of all runs that may wait before runs stop reading pages. A product
/// waits some seconds for its item before its variants can be written: this much has to be under
/// way to keep all connections busy meanwhile.
pub(in crate::import) const ROOM: usize = 12_000_000;

/// Records that may wait for jobs before a run stops reading: their ids take some 100 bytes each.
const PENDING: usize = 60_000;

/// Records that may wait to be sent again before a run stops reading.
const AGAIN: usize = 1_000;

/// Records in one page of records that are sent again.
const AGAIN_PAGE: usize = 50;

impl RunWork {
    /// The next call, if one can be made now.
    pub(in crate::import) fn next(
        &mut self,
        config: &Config,
        grants: &mut CallGrants,
    ) -> Option<(RunTask, HostCall)> {
        if self.run.state != RunState::Running || grants.connections == 0 {
            return None;
        }
        // One connection always reads: the last record of a page takes time until it is written, so
        // the next page should be on its way when everything that waits now is done.
        let first = if grants.nobody_reads { self.page(config, grants) } else { None };
        let read = first.or_else(|| self.queued(grants));
        let next = match read {
            Some(task) => Some(self.read_call(task)),
            None => self.write_call(grants),
        };
        let next = next.or_else(|| {
            let task = self.page(config, grants)?;
            Some(self.read_call(task))
        });
        self.under_way += u32::from(next.is_some());
        next
    }

    fn read_call(&self, task: ReadTask) -> (RunTask, HostCall) {
        let call = self.call(&task.what);
        (RunTask::Read(task), call)
    }

    fn write_call(&mut self, grants: &mut CallGrants) -> Option<(RunTask, HostCall)> {
        let quiet = self.is_quiet();
        let (task, call) = self.writer.next(grants, quiet)?;
        Some((RunTask::Write(task), call))
    }

    fn queued(&mut self, grants: &mut CallGrants) -> Option<ReadTask> {
        let mut refused: Vec<Operation> = Vec::new();
        for index in 0..self.queue.len() {
            let task = &self.queue[index];
            if task.not_before > grants.now {
                grants.wake_at(task.not_before);
                continue;
            }
            let no_room = task.of_commercetools() && grants.reading == 0;
            let operation = operation(&task.what);
            if no_room || operation.is_some_and(|operation| refused.contains(&operation)) {
                continue;
            }
            match operation.map_or(Ok(()), |operation| grants.take(operation)) {
                Ok(()) => return self.queue.remove(index),
                Err(_) => refused.extend(operation),
            }
        }
        None
    }

    /// Whether no further rows come soon: nothing is being read, and nothing can be.
    pub(super) fn is_quiet(&self) -> bool {
        let reading = self.readers.iter().any(|reader| reader.reading);
        let preparing = self.pages.iter().any(|(number, page)| match page.unread {
            Some(_) => self.has_room_to_read(*number),
            None => page.waits > 0,
        });
        let more = self.readers.iter().any(|reader| !reader.ended) && self.has_room();
        !reading && !preparing && !more
    }

    fn page(&mut self, config: &Config, grants: &mut CallGrants) -> Option<ReadTask> {
        if !self.has_room() {
            return None;
        }
        let pass = self.run.passes.get(self.run.pass)?;
        let ranges = self.run.ranges.as_ref()?;
        let lanes = usize::try_from(config.rules.import.lanes).unwrap_or(1);
        let active = self.readers.iter().filter(|reader| reader.is_active()).count();
        let range = self.readers.iter().position(|reader| {
            !reader.ended && !reader.reading && (reader.is_active() || active < lanes)
        })?;
        let after = self.readers[range].after.as_deref();
        let reading =
            pass.reading(self.run.kind, &ranges[range], after, &self.list, self.size.limit);
        let page = RunReading::Page { range, limit: self.size.limit, reading };
        let task = ReadTask::new(page, UnixMs::EPOCH);
        if task.of_commercetools() && grants.reading == 0 {
            return None;
        }
        if let Some(operation) = operation(&task.what) {
            grants.take(operation).ok()?;
        }
        self.readers[range].reading = true;
        Some(task)
    }

    /// Queues the records that Klaviyo refused among others; each goes by itself.
    pub(super) fn queue_again(&mut self, now: UnixMs) {
        let free = self.run.again.iter().filter(|id| !self.again_under_way.contains(id));
        let ids: Vec<_> = free.take(AGAIN_PAGE.min(self.size.limit)).cloned().collect();
        let busy = self.pages.values().any(|page| page.origin == PageOrigin::Again)
            || self.queue.iter().any(|task| matches!(task.what, RunReading::Again(_)));
        if !ids.is_empty() && !busy && self.again_under_way.is_empty() {
            self.again_under_way.extend(ids.iter().cloned());
            self.queue.push_back(ReadTask::new(RunReading::Again(ids), now));
        }
    }

    /// The bytes of waiting pages and rows.
    pub(in crate::import) fn filled(&self) -> usize {
        self.pages.values().map(|page| page.bytes).sum::<usize>() + self.writer.bytes()
    }

    /// Whether the run may read another page: memory stays flat however slow the writes are.
    fn has_room(&self) -> bool {
        let reading = self.readers.iter().filter(|reader| reader.reading).count();
        let coming = reading * self.size.bytes;
        self.filled() + coming < self.room
            && self.pending.len() < PENDING
            && self.run.again.len() < AGAIN
    }

    fn call(&self, what: &RunReading) -> HostCall {
        match what {
            RunReading::End(end) => read(end.path_and_query(), PAGE_BYTES),
            RunReading::Count(range) => {
                let pass = self.run.passes.get(self.run.pass);
                let count = pass.and_then(|pass| pass.count(self.run.kind, range));
                read(count.map(|count| count.path_and_query()).unwrap_or_default(), PAGE_BYTES)
            }
            RunReading::Project => read(DocumentQuery::Project.path_and_query(), PAGE_BYTES),
            RunReading::Page { reading, .. } => match reading {
                PassReading::Walk(walk) => walk_call(walk),
                PassReading::Lookup(lookup) => HostCall::of_lookup(lookup),
            },
            RunReading::Again(ids) | RunReading::Written(ids) => {
                walk_call(&of_ids(self.run.kind, ids))
            }
            RunReading::LeaveGone(ids) => {
                let since = self.run.started_at;
                let changes = ids.iter().map(|id| written_since(id, since)).collect();
                HostCall::HandOver { changes, not_before: UnixMs::EPOCH }
            }
            RunReading::Linked { walk, .. } => walk_call(walk),
            RunReading::HandOver { ids, .. } => {
                let of_type = self.run.kind.resource_type();
                let changes = ids.iter().map(|id| change(of_type, id.as_str())).collect();
                HostCall::HandOver { changes, not_before: UnixMs::EPOCH }
            }
            RunReading::KeepEdges { edges, doubtful_until, .. } => {
                let changes = edges.iter().map(PriceEdge::notification).collect();
                HostCall::HandOver { changes, not_before: *doubtful_until }
            }
            RunReading::Need { need, .. } => HostCall::of_reading(need),
        }
    }

    pub(super) fn now_queue(&mut self, what: RunReading, now: chrono::DateTime<chrono::Utc>) {
        self.queue.push_back(ReadTask::new(what, UnixMs::from(now)));
    }
}

/// A `GET` of commercetools.
fn read(path: String, most: usize) -> HostCall {
    HostCall::Commercetools { path, most }
}

fn walk_call(walk: &Walk) -> HostCall {
    read(walk.path_and_query(), if walk.limit == 1 { DOCUMENT_BYTES } else { PAGE_BYTES })
}

/// The operation of a call of Klaviyo.
pub(super) fn operation(what: &RunReading) -> Option<Operation> {
    match what {
        RunReading::End(_)
        | RunReading::Count(_)
        | RunReading::Project
        | RunReading::Again(_)
        | RunReading::Written(_)
        | RunReading::LeaveGone(_)
        | RunReading::Linked { .. }
        | RunReading::KeepEdges { .. }
        | RunReading::HandOver { .. } => None,
        RunReading::Page { reading, .. } => match reading {
            PassReading::Walk(_) => None,
            PassReading::Lookup(lookup) => Some(lookup.operation()),
        },
        RunReading::Need { need, .. } => need.operation(),
    }
}
