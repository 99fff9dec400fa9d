//! Chooses the next write: first the queue, then batches, then lookups of awaited items.

use std::time::Duration;

use super::batches::BatchSort;
use super::call::HostCall;
use super::grants::CallGrants;
use super::write_task::{WriteCall, WriteTask};
use super::writer::{UnitWriter, WriterHost};
use crate::fault::{Setback, System, TransientFault};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::query::{KlaviyoLookup, first_piece};
use crate::time::UnixMs;

/// How long a row waits for others.
const AGE: Duration = Duration::from_millis(1_500);

/// The pause between two lookups of items.
pub(super) const LOOK_FOR_ITEMS: Duration = Duration::from_secs(1);

/// The longest wait for Klaviyo's quota in the middle of a try, if the host keeps no units.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// How long to wait while too many jobs are open.
const NO_ROOM: Duration = Duration::from_secs(10);

impl UnitWriter {
    /// The next call, if one can be made now. With `quiet`, no further rows come soon, so batches need not fill up.
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

    /// A batch that is full or whose rows are old; any batch if no more rows come soon.
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

    /// Sends the few rows of a sort each by itself: Klaviyo would carry out a job later.
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
        let count = first_piece(self.awaited.iter().map(|one| one.item.as_str()));
        let awaited: Vec<_> = self.awaited.drain(..count).collect();
        let ids = awaited.iter().map(|one| one.item.clone()).collect();
        let lookup = KlaviyoLookup::Existing { kind: CatalogKind::Item, ids };
        if self.awaited.is_empty() {
            self.next_look_for_items = grants.now + LOOK_FOR_ITEMS;
        }
        Some(WriteTask::new(WriteCall::Items { lookup, awaited }, UnixMs::EPOCH))
    }

    /// Whether a host gives up instead of waiting until an operation is free: the outbox waits a moment for the quota.
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
