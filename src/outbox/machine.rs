//! The outbox's work as a pure state machine: from what just happened to what to store and which calls to make.
//!
//! Rows are tried in rounds. The machine takes the rows of a round from the store ([`OutboxEffect::Take`]) and delivers
//! them through the engine until each has ended. The result of each is stored ([`StoreCommand`]) before the next call.
//! Beside the rounds, the machine follows jobs to their end.

use std::collections::BTreeMap;

use super::fate::{RowFate, fate_of};
use super::late_emails;
use super::quota::left_for_outbox;
use super::store::commands::{StoreCommand, TriedRow};
use super::store::erasure::EraseAgain;
use super::store::jobs::{AwaitedJob, JobRow};
use super::store::new_parked::UnverifiedWrites;
use super::store::parked::ParkedRow;
use super::store::tries::TakenRow;
use crate::assembly::delivery::Delivery;
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::engine::call::{CallTicket, HostCall, SliceInput};
use crate::engine::circuits::{Allowance, OperationName};
use crate::engine::deliveries::machine::{DeliveryMachine, DoubtfulWrites};
use crate::engine::deliveries::{
    DeliveryEnd, DeliveryNo, EndedDelivery, JobNews, NewDelivery, StepContext,
};
use crate::engine::events::StartedRow;
use crate::engine::writer::WriterHost;
use crate::fault::TransientFault;
use crate::klaviyo::job::JobRef;
use crate::klaviyo::pacing::{CallPace, Operation};
use crate::mapping::body::Cut;
use crate::push::conclusion::{Conclusion, work_of};
use crate::push::envelope::{self, PushedItem};
use crate::push::parking::RowGroup;
use crate::push::plan::price_edge::PriceEdge;
use crate::time::UnixMs;

/// What happened.
pub enum OutboxInput {
    /// An event of a slice: rows may be taken from its beginning until it rests.
    Slice(SliceInput),
    /// The rows that were taken; an empty list means that none is due.
    Taken(Vec<TakenRow>),
}

/// What the host has to do, in this order.
pub enum OutboxEffect {
    /// Store this.
    Store(Box<StoreCommand>),
    /// Take the rows of the next round, and pass them in.
    Take,
    /// Make this call, and return its answer under this number.
    Call(CallTicket, HostCall),
}

/// A row that is being tried.
struct RowUnderWay {
    row: ParkedRow,
    item: PushedItem,
    content: Vec<u8>,
    /// When the try began.
    began: UnixMs,
}

/// The outbox at work.
pub struct OutboxMachine {
    machine: DeliveryMachine,
    rows: BTreeMap<DeliveryNo, Box<RowUnderWay>>,
    /// The operation that stopped the last stopped row of a group; none after a row of the group went through.
    stopped: BTreeMap<RowGroup, OperationName>,
    pace: CallPace,
    /// When an import last asked what waiting rows need.
    import_asked: Option<UnixMs>,
    to_store: Vec<StoreCommand>,
    /// Whether rows may be taken.
    takes: bool,
    /// Whether no row was due at the last attempt.
    none_due: bool,
    in_round: bool,
    /// How many rounds have ended.
    rounds: u64,
}

impl OutboxMachine {
    /// The machine with the stored jobs.
    #[must_use]
    pub fn new(config: &Config, jobs: Vec<AwaitedJob>) -> Self {
        let mut machine = DeliveryMachine::new(WriterHost::Outbox);
        for AwaitedJob { job, since, due, .. } in jobs {
            machine.deliveries.writer.follow(job, since, due);
        }
        Self {
            machine,
            rows: BTreeMap::new(),
            stopped: BTreeMap::new(),
            pace: CallPace::new(config.rules.klaviyo.share),
            import_asked: None,
            to_store: Vec::new(),
            takes: false,
            none_due: false,
            in_round: false,
            rounds: 0,
        }
    }

    /// An import asks for its part of the limits.
    pub fn import_asks(&mut self, now: UnixMs) {
        self.import_asked = Some(now);
    }

    /// An operator wants waiting rows tried now.
    pub fn retry(&mut self, now: UnixMs) {
        self.machine.circuits.retry(now);
    }

    /// How many rows of a group may be tried that wait for no known operation.
    #[must_use]
    pub fn allowance_of_group(&self, group: RowGroup, now: UnixMs) -> Allowance {
        let stopped = self.stopped.get(&group);
        stopped.map_or(Allowance::All, |operation| self.machine.circuits.allowance(operation, now))
    }

    /// How many rows that wait for an operation may be tried.
    #[must_use]
    pub fn allowance_of(&self, operation: &OperationName, now: UnixMs) -> Allowance {
        self.machine.circuits.allowance(operation, now)
    }

    /// When rows that are due at `due` can be tried.
    #[must_use]
    pub fn next_try(
        &self,
        waits_for: Option<&OperationName>,
        group: RowGroup,
        due: UnixMs,
    ) -> UnixMs {
        match waits_for.or_else(|| self.stopped.get(&group)) {
            Some(operation) => self.machine.circuits.next_try(operation, due),
            None => due,
        }
    }

    /// When the machine can look at a job. A due job without a look waits for the quota.
    #[must_use]
    pub fn next_look(&self, job: &AwaitedJob, now: UnixMs) -> UnixMs {
        let operation = OperationName::of_klaviyo(Operation::JobStatus(job.job.of));
        let next = self.machine.circuits.next_try(&operation, job.due);
        if next <= now { self.wake().unwrap_or(next) } else { next }
    }

    /// Whether a row that has to be tried alone comes before the others, so that both have their turn.
    #[must_use]
    pub fn alone_first(&self) -> bool {
        self.rounds % 2 == 1
    }

    /// When to step again without an answer.
    #[must_use]
    pub fn wake(&self) -> Option<UnixMs> {
        self.machine.wake()
    }

    /// One step: takes what happened, and returns what to do.
    pub fn step(&mut self, around: &mut StepContext<'_>, input: OutboxInput) -> Vec<OutboxEffect> {
        self.pace.set_share(around.config.rules.klaviyo.share);
        self.pace.use_parts(left_for_outbox(self.import_asked, around.now_ms()));
        self.none_due = matches!(&input, OutboxInput::Taken(rows) if rows.is_empty());
        match input {
            OutboxInput::Slice(SliceInput::Begun { .. }) => self.takes = true,
            OutboxInput::Slice(SliceInput::Rest) => self.takes = false,
            OutboxInput::Slice(SliceInput::Tick) => {}
            OutboxInput::Slice(SliceInput::Answered { ticket, answer }) => {
                self.machine.answered(ticket, answer, around, &mut self.pace);
            }
            OutboxInput::Taken(rows) => {
                self.in_round = !rows.is_empty();
                for row in rows {
                    self.begin(row, around);
                }
            }
        }
        let calls = self.machine.calls(around, &mut self.pace);
        let starting = self.machine.take_starting();
        let starting: Vec<_> =
            starting.iter().filter_map(|no| Some(self.rows.get(no)?.row.seq)).collect();
        if !starting.is_empty() {
            self.to_store.push(StoreCommand::StartJob(starting));
        }
        if self.machine.take_brings_emails() {
            let now = around.now_ms();
            let began = self.rows.values().map(|row| row.began).min().unwrap_or(now);
            let (walk, due) = late_emails::walk(began, now);
            self.to_store.push(StoreCommand::Park(vec![walk], due));
        }
        self.settle(around);
        if self.in_round && self.machine.deliveries.is_idle() {
            self.in_round = false;
            self.rounds += 1;
            self.to_store.push(StoreCommand::EndRound);
        }
        let stored = std::mem::take(&mut self.to_store);
        let mut effects: Vec<_> =
            stored.into_iter().map(|command| OutboxEffect::Store(Box::new(command))).collect();
        effects.extend(calls.into_iter().map(|(ticket, call)| OutboxEffect::Call(ticket, call)));
        if self.takes && !self.in_round && !self.none_due {
            effects.push(OutboxEffect::Take);
        }
        effects
    }

    /// Begins the try of a row.
    fn begin(&mut self, taken: TakenRow, around: &mut StepContext<'_>) {
        let TakenRow { row, content, sent } = taken;
        let Some(item) = envelope::decode(&content, None).items.into_iter().next() else {
            self.to_store.push(StoreCommand::Remove(row));
            return;
        };
        let began = around.now_ms();
        let (alone, bytes) = (row.alone(), content.len());
        let under_way = RowUnderWay { row, item, content, began };
        let work = match &under_way.item {
            PushedItem::Refused { why, .. } => Err(Conclusion::Never((*why).into())),
            PushedItem::Notification(notification) => {
                around.shared.forget(notification);
                work_of(&around.config.rules, notification)
            }
        };
        match work {
            Ok(work) => {
                let no = self.machine.add(NewDelivery { work, alone, sent, bytes }, around);
                self.rows.insert(no, Box::new(under_way));
            }
            Err(conclusion) => {
                let fate = fate_of(around, &under_way.row, conclusion);
                let tried = under_way.tried(around.now_ms(), 0, Vec::new());
                self.to_store.push(StoreCommand::Settle {
                    tried: Box::new(tried),
                    fate,
                    waits_for: None,
                });
            }
        }
    }

    /// Notes what to store: offspring of rows, jobs, and the results of rows.
    fn settle(&mut self, around: &StepContext<'_>) {
        let follows = self.machine.deliveries.take_follows();
        if !follows.is_empty() {
            self.to_store.push(StoreCommand::Park(follows, around.now_ms()));
        }
        if let Some(DoubtfulWrites { changes, due }) = self.machine.take_doubtful(around.now_ms()) {
            self.to_store.push(StoreCommand::Park(changes, due));
        }
        for news in self.machine.deliveries.take_job_news() {
            match news {
                JobNews::Started(job, rows) => self.job_started(job, rows),
                JobNews::PutOff(job, setback, until) => {
                    self.to_store.push(StoreCommand::PutJobOff {
                        job,
                        fault: setback.fault,
                        until,
                    });
                }
                JobNews::Ended(job, end) => {
                    self.to_store.push(StoreCommand::CloseJob { job, end });
                }
            }
        }
        for ended in self.machine.take_ended() {
            self.ended(ended, around);
        }
        for operation in self.machine.circuits.take_reopened() {
            self.to_store.push(StoreCommand::Wake(operation));
        }
    }

    fn job_started(&mut self, job: JobRef, rows: Vec<StartedRow<DeliveryNo>>) {
        let mut stored = Vec::new();
        for (n, row) in rows.into_iter().enumerate() {
            let StartedRow { owners, digest, external_id } = row;
            for no in owners {
                let Some(under_way) = self.rows.get(&no) else { continue };
                stored.push(JobRow {
                    n,
                    key: under_way.row.key.clone(),
                    seq: under_way.row.seq,
                    digest: digest.clone(),
                    external_id: external_id.clone(),
                });
            }
        }
        self.to_store.push(StoreCommand::OpenJob { job, rows: stored });
    }

    /// The try of a row has ended.
    fn ended(&mut self, ended: EndedDelivery, around: &StepContext<'_>) {
        let Some(under_way) = self.rows.remove(&ended.no) else { return };
        let unverified = UnverifiedWrites::of(&ended, under_way.began);
        let EndedDelivery {
            end, sent, cut, calls, delivery, stopped_by, in_doubt, price_edge, ..
        } = ended;
        let group = RowGroup::of_key(&under_way.row.key);
        if let Some(group) = group {
            match &stopped_by {
                Some(operation) => self.stopped.insert(group, operation.clone()),
                None => self.stopped.remove(&group),
            };
        }
        let now = around.now_ms();
        // Events are sent once more without waiting: Klaviyo records one of them.
        let in_doubt = in_doubt.filter(|_| group != Some(RowGroup::Facts));
        let doubtful_until = in_doubt.map_or(UnixMs::EPOCH, |length| now + length);
        if doubtful_until > UnixMs::EPOCH {
            let row = under_way.row.clone();
            self.to_store.push(StoreCommand::KeepInDoubt { row, until: doubtful_until });
        }
        if around.config.rules.customer.deletion == CustomerDeletion::Erase {
            let asked = erase_again(&under_way, &delivery, unverified, now);
            self.to_store.extend(asked.map(StoreCommand::EraseAgain));
        }
        let conclusion = match end {
            DeliveryEnd::Concluded(conclusion) => conclusion,
            DeliveryEnd::WithJob => {
                self.to_store.push(StoreCommand::NoteSent { row: under_way.row, sent });
                return;
            }
        };
        let fate = fate_of(around, &under_way.row, conclusion);
        let fate = self.keep_edge(fate, group, price_edge, now);
        if matches!(fate, RowFate::PutOff { .. }) {
            let row = under_way.row.clone();
            self.to_store.push(StoreCommand::NoteSent { row, sent });
        }
        let is_written = unverified.since > UnixMs::EPOCH;
        let tried = TriedRow { is_written, ..under_way.tried(now, calls, cut) };
        self.to_store.push(StoreCommand::Settle {
            tried: Box::new(tried),
            fate,
            waits_for: stopped_by,
        });
    }

    /// Makes sure that a product is written again at the edge of its prices. The row for its edges moves to the next
    /// edge; any other row parks that row. So the end of a row's try never replaces the row itself.
    fn keep_edge(
        &mut self,
        fate: RowFate,
        group: Option<RowGroup>,
        price_edge: Option<PriceEdge>,
        now: UnixMs,
    ) -> RowFate {
        match (fate, price_edge) {
            (RowFate::Delivered, Some(edge)) if group == Some(RowGroup::PriceEdges) => {
                RowFate::NextEdge(UnixMs::from(edge.at))
            }
            // Klaviyo may still carry out an earlier write, and the edge comes sooner.
            (
                RowFate::PutOff { due, fault: fault @ TransientFault::MayBeCarriedOut, anew },
                Some(edge),
            ) if group == Some(RowGroup::PriceEdges) => {
                RowFate::PutOff { due: due.min(UnixMs::from(edge.at)), fault, anew }
            }
            (fate, Some(edge)) if group != Some(RowGroup::PriceEdges) => {
                self.to_store.push(StoreCommand::Park(vec![edge.notification()], now));
                fate
            }
            (fate, _) => fate,
        }
    }
}

/// A write may have brought back an erased profile: only the store knows who was erased, perhaps meanwhile, and then
/// the row no longer exists. A missing customer may have been erased in another deployment; that matters if this try or
/// an earlier one wrote something.
fn erase_again(
    tried: &RowUnderWay,
    delivery: &Delivery,
    unverified: UnverifiedWrites,
    now: UnixMs,
) -> Option<EraseAgain> {
    let customer = delivery.customer()?;
    let row = &tried.row;
    let in_doubt = unverified.in_doubt.map_or(UnixMs::EPOCH, |length| now + length);
    let doubtful_until = row.doubtful_until.max(in_doubt);
    let since = [row.written_since, unverified.since]
        .into_iter()
        .filter(|since| *since > UnixMs::EPOCH)
        .min();
    let is_gone = delivery.gone_customer().is_some();
    if unverified.since == UnixMs::EPOCH
        && doubtful_until == UnixMs::EPOCH
        && (!is_gone || since.is_none())
    {
        return None;
    }
    // A customer who exists now may be gone by then; a row that is not a fact stays, and finds that out itself.
    let is_seen_to = is_gone || (doubtful_until > now && row.is_fact());
    Some(EraseAgain {
        customers: vec![customer.clone()],
        wait: doubtful_until.since(now),
        gone_written_since: since.filter(|_| is_seen_to).and_then(UnixMs::to_utc),
    })
}

impl RowUnderWay {
    fn tried(self, now: UnixMs, calls: u32, cut: Vec<Cut>) -> TriedRow {
        let Self { row, item, content, began } = self;
        let duration = now.since(began);
        TriedRow { row, item, content, is_written: false, duration, calls, cut }
    }
}
