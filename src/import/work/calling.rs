//! Which call comes next: what waits in the queue, then batches, then items that are awaited, then
//! pages.

use super::{Awaited, RunWork, ms};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{Walk, WalkEnd};
use crate::config::Config;
use crate::import::batches::{Batch, BatchSort};
use crate::import::call::Call;
use crate::import::grants::Grants;
use crate::import::owner::{Owner, PageNo};
use crate::import::page::PageOrigin;
use crate::import::passes::{PassReading, of_ids};
use crate::import::records::Need;
use crate::import::run::{Range, State};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::query::{IDS_PER_QUERY, Lookup};
use crate::klaviyo::request::Request;

/// A call that is to be made, or is under way, and why.
pub(in crate::import) struct Task {
    pub(super) what: What,
    /// Not before this time, in ms.
    pub(super) not_before: u64,
    /// How often it was tried.
    pub(super) tries: u32,
}

/// Why a call is made.
pub(super) enum What {
    /// To know from when to when the documents of the pass are.
    End(WalkEnd),
    /// A page of a range. `after` is where it begins.
    Page { range: usize, limit: usize, reading: PassReading },
    /// Records that a job refused.
    Again(Vec<Id>),
    /// The documents that those of a page lead to.
    Linked { page: PageNo, walk: Walk },
    /// Something that a page needs.
    Need { page: PageNo, need: Need },
    /// Rows.
    Batch(Batch),
    /// A request of one record.
    Single { owner: Owner, request: Request },
    /// How far a job is.
    Look(u64),
    /// What was wrong with the rows of a profile job.
    Errors { job: u64, cursor: Option<String> },
    /// Records of a page that are left to the outbox.
    HandOver { page: PageNo, ids: Vec<Id> },
    /// Whether items are there.
    Items { lookup: Lookup, awaited: Vec<Awaited> },
}

impl Task {
    pub(super) fn new(what: What, not_before: u64) -> Self {
        Self { what, not_before, tries: 0 }
    }

    /// Whether it reads from commercetools.
    pub(in crate::import) fn reads(&self) -> bool {
        match &self.what {
            What::End(_) | What::Again(_) | What::Linked { .. } => true,
            What::Page { reading, .. } => matches!(reading, PassReading::Walk(_)),
            What::Need { need, .. } => matches!(need, Need::Query(_) | Need::Walk(_)),
            _ => false,
        }
    }

    fn begins_job(&self) -> bool {
        matches!(&self.what, What::Batch(batch) if matches!(batch.sort, BatchSort::Job(_)))
    }

    /// The bytes of its body that count.
    pub(in crate::import) fn bytes(&self) -> usize {
        match &self.what {
            What::Batch(batch) => batch.bytes(),
            _ => 0,
        }
    }
}

/// How far a range is read. What is read further than committed is in pages.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) after: Option<String>,
    pub(super) reading: bool,
    pub(super) ended: bool,
    pub(super) pages: std::collections::VecDeque<PageNo>,
}

impl Reader {
    pub(super) fn of(range: &Range) -> Self {
        Self { after: range.after.clone(), ended: range.done, ..Self::default() }
    }

    fn is_active(&self) -> bool {
        !self.ended && (self.reading || self.after.is_some())
    }
}

/// Bytes that a page is to have. With [`ROOM`] of pages and what is made of them an isolate stays
/// below half of its 128 MB.
pub(super) const PAGE_BYTES: usize = 1_000_000;

/// Bytes of pages and rows that wait, of all runs, before no further pages are read. A product waits
/// some seconds for its item before its variants can be written: so many have to be under way
/// that all connections are busy meanwhile.
pub(in crate::import) const ROOM: usize = 16_000_000;

/// Records that wait for jobs before a run reads no further: their ids take some 100 bytes each.
const PENDING: usize = 60_000;

/// Records that are to be sent again before a run reads no further.
const AGAIN: usize = 1_000;

/// Records that are sent again with one page.
const AGAIN_PAGE: usize = 50;

/// How long a row waits for others, in ms.
const AGE: u64 = 1_500;

/// How long between two looks for items, in ms.
pub(super) const LOOK_FOR_ITEMS: u64 = 1_000;

impl RunWork {
    /// The next call, if one can be made now.
    pub(in crate::import) fn next(
        &mut self,
        config: &Config,
        grants: &mut Grants,
    ) -> Option<(Task, Call)> {
        if self.run.state != State::Running || grants.connections == 0 {
            return None;
        }
        // One connection always reads: what is read needs time before the last of it is written, so
        // there is to be something on its way when all that waits now is done.
        let first = if grants.nobody_reads { self.page(config, grants) } else { None };
        let task = first
            .or_else(|| self.queued(grants))
            .or_else(|| self.batch(grants))
            .or_else(|| self.items(grants))
            .or_else(|| self.page(config, grants))?;
        let call = self.call(&task.what);
        self.under_way += 1;
        Some((task, call))
    }

    fn queued(&mut self, grants: &mut Grants) -> Option<Task> {
        let mut refused: Vec<Operation> = Vec::new();
        for index in 0..self.queue.len() {
            let task = &self.queue[index];
            if task.not_before > grants.now {
                grants.wake_at(task.not_before);
                continue;
            }
            let no_room = task.reads() && grants.reading == 0
                || task.bytes() > grants.bytes
                || task.begins_job() && grants.jobs == 0;
            let operation = self.operation(&task.what);
            if no_room || operation.is_some_and(|operation| refused.contains(&operation)) {
                continue;
            }
            match operation.map_or(Ok(()), |operation| grants.take(operation)) {
                Ok(()) => return self.queue.remove(index),
                Err(()) => refused.extend(operation),
            }
        }
        None
    }

    /// A batch that is full, or whose rows are old, or any if nothing more comes soon.
    fn batch(&mut self, grants: &mut Grants) -> Option<Task> {
        if self.buffers.is_empty() {
            return None;
        }
        let quiet = self.is_quiet();
        let old = grants.now.saturating_sub(AGE);
        for sort in self.buffers.due(old, quiet) {
            if matches!(sort, BatchSort::Job(_)) && grants.jobs == 0 {
                continue;
            }
            if self.buffers.next_bytes(sort) <= grants.bytes
                && grants.take(sort.operation()).is_ok()
            {
                let batch = self.buffers.take(sort, grants.now);
                return Some(Task::new(What::Batch(batch), 0));
            }
        }
        grants.wake_at(grants.now + AGE / 3);
        None
    }

    /// Whether no further rows come soon: nothing is being read, and nothing can be.
    pub(super) fn is_quiet(&self) -> bool {
        let reading = self.readers.iter().any(|reader| reader.reading);
        let preparing = self.pages.values().any(|page| page.waits > 0);
        let more = self.readers.iter().any(|reader| !reader.ended) && self.has_room();
        !reading && !preparing && !more
    }

    fn items(&mut self, grants: &mut Grants) -> Option<Task> {
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
        let lookup = Lookup::Existing { kind: CatalogKind::Item, ids };
        if self.awaited.is_empty() {
            self.next_look_for_items = grants.now + LOOK_FOR_ITEMS;
        }
        Some(Task::new(What::Items { lookup, awaited }, 0))
    }

    fn page(&mut self, config: &Config, grants: &mut Grants) -> Option<Task> {
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
        let reading = pass.reading(self.run.kind, &ranges[range], after, &self.list, self.limit);
        let task = Task::new(What::Page { range, limit: self.limit, reading }, 0);
        if task.reads() && grants.reading == 0 {
            return None;
        }
        if let Some(operation) = self.operation(&task.what) {
            grants.take(operation).ok()?;
        }
        self.readers[range].reading = true;
        Some(task)
    }

    /// Queues the records that were refused among others, each to be sent by itself.
    pub(super) fn queue_again(&mut self, now: u64) {
        let free = self.run.again.iter().filter(|id| !self.again_under_way.contains(id));
        let ids: Vec<_> = free.take(AGAIN_PAGE).cloned().collect();
        let busy = self.pages.values().any(|page| page.origin == PageOrigin::Again)
            || self.queue.iter().any(|task| matches!(task.what, What::Again(_)));
        if !ids.is_empty() && !busy && self.again_under_way.is_empty() {
            self.again_under_way.extend(ids.iter().cloned());
            self.queue.push_back(Task::new(What::Again(ids), now));
        }
    }

    /// Whether another page may be read: memory stays flat however slow the writing is.
    fn has_room(&self) -> bool {
        let pages: usize = self.pages.values().map(|page| page.bytes).sum();
        let reading = self.readers.iter().filter(|reader| reader.reading).count();
        let coming = reading * self.page_bytes;
        pages + coming + self.buffers.bytes() < self.room
            && self.pending.len() < PENDING
            && self.run.again.len() < AGAIN
    }

    fn operation(&self, what: &What) -> Option<Operation> {
        match what {
            What::End(_) | What::Again(_) | What::Linked { .. } | What::HandOver { .. } => None,
            What::Page { reading, .. } => match reading {
                PassReading::Walk(_) => None,
                PassReading::Lookup(lookup) => Some(lookup.operation()),
            },
            What::Need { need, .. } => match need {
                Need::Query(_) | Need::Walk(_) => None,
                Need::Lookup(lookup) => Some(lookup.operation()),
                Need::Category(request) => Some(request.operation()),
            },
            What::Batch(batch) => Some(batch.sort.operation()),
            What::Single { request, .. } => Some(request.operation()),
            What::Look(job) => self.jobs.get(*job).map(|open| Operation::JobStatus(open.job.of)),
            What::Errors { .. } => Some(Operation::ImportErrors),
            What::Items { lookup, .. } => Some(lookup.operation()),
        }
    }

    pub(super) fn operation_of(&self, what: &What) -> Option<Operation> {
        self.operation(what)
    }

    fn call(&self, what: &What) -> Call {
        let get = |path| Call::Klaviyo { method: "GET", path, body: None };
        match what {
            What::End(end) => Call::Commercetools(end.path_and_query()),
            What::Page { reading, .. } => match reading {
                PassReading::Walk(walk) => Call::Commercetools(walk.path_and_query()),
                PassReading::Lookup(lookup) => Call::of_lookup(lookup),
            },
            What::Again(ids) => Call::Commercetools(of_ids(self.run.kind, ids).path_and_query()),
            What::Linked { walk, .. } => Call::Commercetools(walk.path_and_query()),
            What::HandOver { ids, .. } => Call::HandOver { kind: self.run.kind, ids: ids.clone() },
            What::Need { need, .. } => need.call(),
            What::Batch(batch) => {
                Call::Klaviyo { method: "POST", path: batch.sort.path(), body: Some(batch.body()) }
            }
            What::Single { request, .. } => Call::of_request(request),
            What::Look(job) => {
                let open = self.jobs.get(*job);
                get(open.map_or_else(String::new, |open| {
                    Lookup::Job(open.job.clone()).path_and_query()
                }))
            }
            What::Errors { job, cursor } => {
                let open = self.jobs.get(*job);
                get(open.map_or_else(String::new, |open| {
                    let (job, cursor) = (open.job.id.clone(), cursor.clone());
                    Lookup::ImportErrors { job, cursor }.path_and_query()
                }))
            }
            What::Items { lookup, .. } => Call::of_lookup(lookup),
        }
    }

    /// The records of a page that has this many bytes for so many records.
    pub(super) fn learn_size(&mut self, config: &Config, records: usize, bytes: usize) {
        if records >= 10 {
            self.page_bytes = bytes;
            let each = (bytes / records).max(1);
            let most = usize::try_from(config.rules.import.page_size).unwrap_or(1);
            self.limit = (PAGE_BYTES / each).clamp(most.min(20), most);
        }
    }

    pub(super) fn now_queue(&mut self, what: What, now: chrono::DateTime<chrono::Utc>) {
        self.queue.push_back(Task::new(what, ms(now)));
    }
}
