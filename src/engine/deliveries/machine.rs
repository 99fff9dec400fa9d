//! The deliveries of a host with their calls: which can be made now, and what their answers were.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Deliveries, DeliveryTask, EndedDelivery, NewDelivery, StepContext};
use crate::engine::backoff::SINGLE_IN_DOUBT;
use crate::engine::call::{CallTicket, HostCall};
use crate::engine::circuits::Circuits;
use crate::engine::deliveries::DeliveryNo;
use crate::engine::grants::{CONNECTIONS, CallGrants, READING, bytes_left};
use crate::engine::writer::WriterHost;
use crate::fault::Setback;
use crate::http::HttpAnswer;
use crate::klaviyo::job::OPEN_JOBS;
use crate::klaviyo::pacing::CallPace;
use crate::time::UnixMs;

/// Writes beside deliveries that had no answer, such as a category for a product. The object may be deleted before
/// Klaviyo carries the write out.
pub struct DoubtfulWrites {
    /// The notifications that lead to it.
    pub changes: Vec<Map<String, Value>>,
    /// When to deliver them: Klaviyo can no longer carry out the writes then.
    pub due: UnixMs,
}

/// Deliveries, and their calls under way.
pub struct DeliveryMachine {
    host: WriterHost,
    pub(crate) deliveries: Deliveries,
    pub(crate) circuits: Circuits,
    under_way: BTreeMap<CallTicket, Box<DeliveryTask>>,
    last_ticket: CallTicket,
    /// When the machine can next do something that it cannot do now.
    wake: Option<UnixMs>,
    /// Deliveries for which jobs are being started.
    starting: Vec<DeliveryNo>,
    /// Whether an issued call sends events in bulk with customers' e-mail addresses.
    brings_emails: bool,
}

impl DeliveryMachine {
    /// The deliveries of one push.
    #[must_use]
    pub fn of_push() -> Self {
        Self::new(WriterHost::Push)
    }

    pub(crate) fn new(host: WriterHost) -> Self {
        Self {
            host,
            deliveries: Deliveries::new(host),
            circuits: Circuits::default(),
            under_way: BTreeMap::new(),
            last_ticket: CallTicket::default(),
            wake: None,
            starting: Vec::new(),
            brings_emails: false,
        }
    }

    /// Begins a delivery.
    pub fn add(&mut self, new: NewDelivery, around: &mut StepContext<'_>) -> DeliveryNo {
        self.deliveries.add(new, around)
    }

    /// All calls that can be made now, each with its number.
    pub fn calls(
        &mut self,
        around: &mut StepContext<'_>,
        pace: &mut CallPace,
    ) -> Vec<(CallTicket, HostCall)> {
        let mut calls = Vec::new();
        self.wake = None;
        loop {
            let reads = self.under_way.values().filter(|task| task.reads()).count();
            let bytes: usize = self.under_way.values().map(|task| task.bytes()).sum();
            let mut grants = CallGrants {
                connections: CONNECTIONS.saturating_sub(self.under_way.len()),
                reading: READING.saturating_sub(reads),
                nobody_reads: reads == 0,
                bytes: bytes_left(bytes, around.memory),
                jobs: OPEN_JOBS.saturating_sub(self.deliveries.writer.open_jobs()),
                pace,
                counts: self.host != WriterHost::Push,
                circuits: Some(&mut self.circuits),
                now: around.now_ms(),
                wake: &mut self.wake,
                refused: None,
            };
            let Some((task, call)) = self.deliveries.next(around, &mut grants) else {
                return calls;
            };
            self.last_ticket = self.last_ticket.next();
            self.starting.extend(self.deliveries.of_job(&task));
            self.brings_emails |= task.brings_emails();
            self.under_way.insert(self.last_ticket, Box::new(task));
            calls.push((self.last_ticket, call));
        }
    }

    /// Takes the answer to the call of this number, or why it is missing.
    pub fn answered(
        &mut self,
        ticket: CallTicket,
        answer: Result<HttpAnswer, Setback>,
        around: &mut StepContext<'_>,
        pace: &mut CallPace,
    ) {
        if let Some(task) = self.under_way.remove(&ticket) {
            self.deliveries.answered(*task, answer, around, pace, &mut self.circuits);
        }
    }

    /// The deliveries that ended since the last call of this method.
    pub fn take_ended(&mut self) -> Vec<EndedDelivery> {
        self.deliveries.take_ended()
    }

    /// The writes in doubt beside deliveries since the last call of this method.
    pub fn take_doubtful(&mut self, now: UnixMs) -> Option<DoubtfulWrites> {
        let changes = self.deliveries.take_doubtful();
        (!changes.is_empty()).then(|| DoubtfulWrites { changes, due: now + SINGLE_IN_DOUBT })
    }

    /// The deliveries for which calls issued since the last call of this method start jobs.
    pub(crate) fn take_starting(&mut self) -> Vec<DeliveryNo> {
        std::mem::take(&mut self.starting)
    }

    /// Whether a call issued since the last call of this method sends events in bulk with customers' e-mail addresses.
    pub(crate) fn take_brings_emails(&mut self) -> bool {
        std::mem::take(&mut self.brings_emails)
    }

    /// When to ask for calls again even without an answer.
    #[must_use]
    pub fn wake(&self) -> Option<UnixMs> {
        self.wake
    }
}
