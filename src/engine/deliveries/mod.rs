//! Deliveries under way, each from its work to its end. Their reads are combined, their writes go through the
//! [`UnitWriter`], and what may have been overtaken is read again.
//!
//! Both pushes and rows of the outbox use this. It keeps nothing: a delivery that meets a transient fault ends with it,
//! and its source tries it another time.

pub mod machine;
mod reading;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::assembly::DeliveryStep;
use crate::assembly::delivery::Delivery;
use crate::assembly::reading::UnitReading;
use crate::assembly::shared::SharedDocuments;
use crate::assembly::together::JointReading;
use crate::config::Config;
use crate::engine::call::HostCall;
use crate::engine::circuits::{Circuits, OperationName};
use crate::engine::events::{EndedUnit, JobEnd, StartedRow, WriteEvent};
use crate::engine::grants::{CallGrants, MemoryPart};
use crate::engine::unit::UnitEnd;
use crate::engine::unit_no::UnitNo;
use crate::engine::write_task::WriteTask;
use crate::engine::writer::{NewUnit, UnitWriter, WriterHost};
use crate::engine::written::MISSING;
use crate::fault::{Setback, TransientFault};
use crate::http::HttpAnswer;
use crate::klaviyo::job::{JobRef, RowDigest};
use crate::klaviyo::pacing::CallPace;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::body::Cut;
use crate::push::conclusion::Conclusion;
use crate::push::plan::price_edge::PriceEdge;
use crate::push::plan::{IgnoreReason, Work};
use crate::time::UnixMs;

/// The number of a delivery, unique within the life of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryNo(usize);

/// Single writes of the catalogue that a push can wait for: Klaviyo allows 75 of a sort in a second. More of them go in
/// jobs, which only the outbox can follow.
const MOST_CALLS: usize = 50;

/// Bytes of the notifications and documents of deliveries under way. Processing an order takes some twenty times its
/// bytes, and an isolate has 128 MB for all its work.
const ROOM: usize = 600_000;

/// The minimum size of a delivery: the size of what it reads is not known yet.
const LEAST_BYTES: usize = 3_000;

/// A new delivery.
pub struct NewDelivery {
    #[expect(missing_docs, reason = "as its name says")]
    pub work: Work,
    /// Whether all of it goes alone, not in batches.
    pub alone: bool,
    /// Digests of the rows that Klaviyo accepted in earlier tries.
    pub sent: HashSet<RowDigest>,
    /// The bytes of its notification.
    pub bytes: usize,
}

/// A delivery that has ended.
pub struct EndedDelivery {
    #[expect(missing_docs, reason = "as its name says")]
    pub no: DeliveryNo,
    #[expect(missing_docs, reason = "as its name says")]
    pub end: DeliveryEnd,
    /// The rows that Klaviyo accepted in this try and before.
    pub sent: HashSet<RowDigest>,
    /// Names of properties that were cut to keep Klaviyo's limits.
    pub cut: Vec<Cut>,
    /// Calls that it had a part in.
    pub calls: u32,
    /// What was read and written for it.
    pub delivery: Delivery,
    /// The operation that stopped it.
    pub stopped_by: Option<OperationName>,
    /// How long Klaviyo may still carry out a write of it: one that had no answer, or one of events that Klaviyo
    /// accepted together.
    pub in_doubt: Option<Duration>,
    /// When the delivery becomes outdated, since prices of it become valid or end.
    pub price_edge: Option<PriceEdge>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryEnd {
    /// With this conclusion.
    Concluded(Conclusion),
    /// A job at Klaviyo holds part of it.
    WithJob,
}

/// The surroundings of a step of all deliveries.
pub struct StepContext<'a> {
    #[expect(missing_docs, reason = "as its name says")]
    pub config: &'a Config,
    /// What many deliveries share.
    pub shared: &'a mut SharedDocuments,
    /// The time (UTC).
    pub now: DateTime<Utc>,
    /// How much of the isolate's memory the host may fill at the time.
    pub memory: MemoryPart,
}

impl StepContext<'_> {
    /// The same time as it is stored and compared.
    pub(crate) fn now_ms(&self) -> UnixMs {
        UnixMs::from(self.now)
    }
}

/// A call under way.
pub struct DeliveryTask(DeliveryCall);

enum DeliveryCall {
    Read(JointReading),
    Write(WriteTask),
}

impl DeliveryTask {
    /// Whether it reads from commercetools.
    #[must_use]
    pub(crate) fn reads(&self) -> bool {
        matches!(&self.0, DeliveryCall::Read(joint) if joint.is_of_commercetools())
    }

    /// Whether it sends events in bulk with customers' e-mail addresses.
    pub(crate) fn brings_emails(&self) -> bool {
        matches!(&self.0, DeliveryCall::Write(task) if task.brings_emails())
    }

    /// The bytes of its body that count.
    pub(crate) fn bytes(&self) -> usize {
        match &self.0 {
            DeliveryCall::Read(_) => 0,
            DeliveryCall::Write(task) => task.bytes(),
        }
    }
}

/// A delivery that has not ended.
struct OpenDelivery {
    delivery: Delivery,
    alone: bool,
    sent: HashSet<RowDigest>,
    cut: Vec<Cut>,
    calls: u32,
    /// The bytes of its notification and of what was read for it.
    bytes: usize,
    /// Answers that it waits for before it goes on.
    waits: usize,
    /// The writes under way.
    stages: Vec<Vec<WriteRequest>>,
    /// Whether any of them had to be sent.
    wrote: bool,
    /// When the delivery becomes outdated.
    price_edge: Option<PriceEdge>,
}

/// All deliveries of a host that are under way.
pub struct Deliveries {
    host: WriterHost,
    next_no: usize,
    open: BTreeMap<DeliveryNo, Box<OpenDelivery>>,
    /// The deliveries that wait for room.
    not_begun: VecDeque<DeliveryNo>,
    /// The bytes of all others.
    begun_bytes: usize,
    units: BTreeMap<UnitNo, DeliveryNo>,
    /// Readings that are not combined yet.
    wanted: Vec<(usize, UnitReading)>,
    /// Combined readings to make.
    reads: VecDeque<JointReading>,
    /// Readings under way.
    reading: usize,
    pub(crate) writer: UnitWriter,
    ended: Vec<EndedDelivery>,
    follows: Vec<Map<String, Value>>,
    doubtful: Vec<Map<String, Value>>,
    job_news: Vec<JobNews>,
}

/// What a host has to know about jobs.
#[derive(Debug)]
pub(crate) enum JobNews {
    /// Klaviyo accepted a job with these rows.
    Started(JobRef, Vec<StartedRow<DeliveryNo>>),
    /// It is not done yet, or its state is unknown; the next look is at this time.
    PutOff(JobRef, Setback, UnixMs),
    /// It has ended.
    Ended(JobRef, JobEnd),
}

impl Deliveries {
    pub(crate) fn new(host: WriterHost) -> Self {
        Self {
            host,
            next_no: 0,
            open: BTreeMap::new(),
            not_begun: VecDeque::new(),
            begun_bytes: 0,
            units: BTreeMap::new(),
            wanted: Vec::new(),
            reads: VecDeque::new(),
            reading: 0,
            writer: UnitWriter::new(host),
            ended: Vec::new(),
            follows: Vec::new(),
            doubtful: Vec::new(),
            job_news: Vec::new(),
        }
    }

    /// Begins a delivery.
    pub fn add(&mut self, new: NewDelivery, around: &mut StepContext<'_>) -> DeliveryNo {
        let NewDelivery { work, alone, sent, bytes } = new;
        self.next_no += 1;
        let no = DeliveryNo(self.next_no);
        let open = OpenDelivery {
            delivery: Delivery::new(work),
            alone,
            sent,
            cut: Vec::new(),
            calls: 0,
            bytes: bytes.max(LEAST_BYTES),
            waits: 0,
            stages: Vec::new(),
            wrote: false,
            price_edge: None,
        };
        self.open.insert(no, Box::new(open));
        self.not_begun.push_back(no);
        self.begin(around);
        no
    }

    /// Begins deliveries in their order while there is room for their documents and requests. One delivery always
    /// begins, whatever its size.
    fn begin(&mut self, around: &mut StepContext<'_>) {
        while let Some(no) = self.not_begun.front().copied() {
            let bytes = self.open.get(&no).map_or(0, |open| open.bytes);
            if self.begun_bytes > 0 && self.begun_bytes + bytes > around.memory.of(ROOM) {
                return;
            }
            self.not_begun.pop_front();
            self.begun_bytes += bytes;
            self.advance(no, around);
        }
    }

    /// Whether only jobs are under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// The deliveries that ended since the last call of this method.
    pub fn take_ended(&mut self) -> Vec<EndedDelivery> {
        std::mem::take(&mut self.ended)
    }

    /// The notifications that deliveries created since the last call of this method; the host stores them before the
    /// ended deliveries.
    pub(crate) fn take_follows(&mut self) -> Vec<Map<String, Value>> {
        std::mem::take(&mut self.follows)
    }

    /// The notifications of unanswered writes beside deliveries since the last call of this method: see
    /// [`machine::DoubtfulWrites`].
    pub(crate) fn take_doubtful(&mut self) -> Vec<Map<String, Value>> {
        std::mem::take(&mut self.doubtful)
    }

    /// The deliveries of the job that a call starts.
    pub(crate) fn of_job(&self, task: &DeliveryTask) -> Vec<DeliveryNo> {
        match &task.0 {
            DeliveryCall::Read(_) => Vec::new(),
            DeliveryCall::Write(task) => {
                let units = task.units_of_job().into_iter();
                units.filter_map(|unit| self.units.get(&unit).copied()).collect()
            }
        }
    }

    /// What became of jobs since the last call of this method.
    pub(crate) fn take_job_news(&mut self) -> Vec<JobNews> {
        std::mem::take(&mut self.job_news)
    }

    /// The next call, if one can be made now.
    pub(crate) fn next(
        &mut self,
        around: &mut StepContext<'_>,
        grants: &mut CallGrants<'_>,
    ) -> Option<(DeliveryTask, HostCall)> {
        if grants.connections == 0 {
            return None;
        }
        self.begin(around);
        self.plan_readings();
        if let Some((joint, call)) = self.next_reading(grants) {
            self.reading += 1;
            return Some((DeliveryTask(DeliveryCall::Read(joint)), call));
        }
        let quiet = self.reading == 0 && self.reads.is_empty();
        let next = self.writer.next(grants, quiet);
        self.take_write_events(around, grants.circuits.as_deref_mut());
        let (task, call) = next?;
        Some((DeliveryTask(DeliveryCall::Write(task)), call))
    }

    /// Takes the answer to a call, or why it is missing.
    pub(crate) fn answered(
        &mut self,
        task: DeliveryTask,
        answer: Result<HttpAnswer, Setback>,
        around: &mut StepContext<'_>,
        pace: &mut CallPace,
        circuits: &mut Circuits,
    ) {
        match task.0 {
            DeliveryCall::Write(task) => {
                self.writer.answered(task, answer, around.now_ms(), pace);
                self.take_write_events(around, Some(circuits));
            }
            DeliveryCall::Read(joint) => {
                self.reading = self.reading.saturating_sub(1);
                self.read(&joint, answer, around, pace, circuits);
            }
        }
    }

    /// Goes on until it needs an answer.
    fn advance(&mut self, no: DeliveryNo, around: &mut StepContext<'_>) {
        loop {
            let Some(open) = self.open.get_mut(&no) else { return };
            debug_assert!(open.waits == 0, "a delivery goes on when all is answered");
            let conclusion = match open.delivery.next_with(around.config, around.shared, around.now)
            {
                DeliveryStep::Read(readings) => return self.want(no, readings),
                DeliveryStep::Follow(_) if self.host == WriterHost::Push => {
                    Conclusion::Later(TransientFault::ManyFollow.into())
                }
                DeliveryStep::Follow(notifications) => {
                    open.delivery.followed();
                    self.follows.extend(notifications);
                    continue;
                }
                DeliveryStep::Send { stages, .. }
                    if self.host == WriterHost::Push && catalog_calls(&stages) > MOST_CALLS =>
                {
                    Conclusion::Later(TransientFault::TooManyCalls.into())
                }
                DeliveryStep::Send { stages, cut } => {
                    open.cut = cut;
                    // It stays right until then, however long it waits to be taken.
                    open.price_edge = open.delivery.price_edge(around.config, around.now);
                    return self.send(no, stages, around);
                }
                DeliveryStep::Conclude(conclusion) => conclusion,
            };
            if let Some(open) = self.open.get_mut(&no) {
                // The state was found current in this step, so no price can start or end in between.
                open.price_edge = open.delivery.price_edge(around.config, around.now);
            }
            return self.end(no, DeliveryEnd::Concluded(conclusion), None, None);
        }
    }

    fn send(
        &mut self,
        no: DeliveryNo,
        stages: Vec<Vec<WriteRequest>>,
        around: &mut StepContext<'_>,
    ) {
        let Some(open) = self.open.get_mut(&no) else { return };
        let is_push = self.host == WriterHost::Push;
        let apart = |one: WriteRequest| if is_push { vec![one] } else { one_by_one(one) };
        // A fact is not compared with the documents after the write.
        open.stages = if open.delivery.is_of_state() { stages.clone() } else { Vec::new() };
        let all = stages.into_iter().map(|stage| stage.into_iter().flat_map(apart).collect());
        let mut to_send: Vec<Vec<WriteRequest>> = all.collect();
        if !open.sent.is_empty() {
            let present = to_send.iter().flatten().filter_map(WriteRequest::digest);
            // If a row was sent before and is not wanted now, another write overwrites it. If it is wanted again later,
            // it is sent again.
            open.sent = present.filter(|digest| open.sent.contains(digest)).collect();
            let is_new =
                |one: &WriteRequest| one.digest().is_none_or(|one| !open.sent.contains(&one));
            for stage in &mut to_send {
                stage.retain(is_new);
            }
        }
        open.wrote = to_send.iter().any(|stage| !stage.is_empty());
        let external_id = None;
        let new = NewUnit { alone: open.alone, external_id, stages: to_send };
        let unit = self.writer.add(new, around.now_ms());
        self.units.insert(unit, no);
        // A unit with nothing to send has ended already.
        self.take_write_events(around, None);
    }

    fn take_write_events(
        &mut self,
        around: &mut StepContext<'_>,
        mut circuits: Option<&mut Circuits>,
    ) {
        loop {
            let events = self.writer.take_events();
            if events.is_empty() {
                return;
            }
            for event in events {
                match event {
                    WriteEvent::Ended(ended) => {
                        if let Some(no) = self.units.remove(&ended.no) {
                            self.written(no, ended, around);
                        }
                    }
                    WriteEvent::WentThrough(operation) => {
                        if let Some(circuits) = &mut circuits {
                            circuits.went_through(&OperationName::of_klaviyo(operation));
                        }
                    }
                    WriteEvent::Delayed(operation, setback) => {
                        if let Some(circuits) = &mut circuits {
                            let name = OperationName::of_klaviyo(operation);
                            circuits.failed(&name, setback, around.now_ms());
                        }
                    }
                    WriteEvent::RequestRefused(_) | WriteEvent::JobLeft(_) => {}
                    WriteEvent::JobStarted(job, rows) => {
                        let rows = rows.into_iter().map(|row| self.started(row)).collect();
                        self.job_news.push(JobNews::Started(job, rows));
                    }
                    WriteEvent::JobPutOff(job, setback, until) => {
                        self.job_news.push(JobNews::PutOff(job, setback, until));
                    }
                    WriteEvent::JobEnded(job, end) => {
                        self.job_news.push(JobNews::Ended(job, end));
                    }
                }
            }
        }
    }

    /// The row of a job with the deliveries that wait for it.
    fn started(&self, row: StartedRow<UnitNo>) -> StartedRow<DeliveryNo> {
        let StartedRow { owners, digest, external_id } = row;
        let owners = owners.iter().filter_map(|unit| self.units.get(unit).copied()).collect();
        StartedRow { owners, digest, external_id }
    }

    /// The writes of a delivery have ended.
    fn written(&mut self, no: DeliveryNo, ended: EndedUnit, around: &mut StepContext<'_>) {
        let EndedUnit { end, taken, calls, in_doubt, .. } = ended;
        let Some(open) = self.open.get_mut(&no) else { return };
        open.calls += calls;
        open.sent.extend(taken);
        let (end, stopped_by) = match end {
            UnitEnd::Written if open.wrote => {
                // Digests from before say nothing about the next requests.
                open.sent.clear();
                let stages = std::mem::take(&mut open.stages);
                open.delivery.taken(&stages);
                return self.advance(no, around);
            }
            // The documents were read again after the job; only the difference was left to send.
            UnitEnd::Written => (Conclusion::Delivered, None),
            UnitEnd::NotHeld => (Conclusion::Ignored(IgnoreReason::NotHeld), None),
            // If a category is gone, Klaviyo refuses the item, or answers that it does not find the category.
            UnitEnd::Failed(_) | UnitEnd::Later { setback: Setback { fault: MISSING, .. }, .. }
                if open.delivery.refused() =>
            {
                around.shared.distrust_categories();
                return self.advance(no, around);
            }
            UnitEnd::Failed(rejection) => (Conclusion::Never(rejection), None),
            UnitEnd::Later { setback, operation } => {
                (Conclusion::Later(setback), Some(OperationName::of_klaviyo(operation)))
            }
            UnitEnd::WithJob | UnitEnd::Alone => {
                return self.end(no, DeliveryEnd::WithJob, None, in_doubt);
            }
        };
        self.end(no, DeliveryEnd::Concluded(end), stopped_by, in_doubt);
    }

    fn end(
        &mut self,
        no: DeliveryNo,
        end: DeliveryEnd,
        stopped_by: Option<OperationName>,
        in_doubt: Option<Duration>,
    ) {
        let Some(open) = self.open.remove(&no) else { return };
        let OpenDelivery { delivery, sent, cut, calls, price_edge, bytes, .. } = *open;
        debug_assert!(self.begun_bytes >= bytes, "it was begun with these bytes");
        self.begun_bytes = self.begun_bytes.saturating_sub(bytes);
        let is_delivered = end == DeliveryEnd::Concluded(Conclusion::Delivered);
        let price_edge = price_edge.filter(|_| is_delivered);
        self.ended.push(EndedDelivery {
            no,
            end,
            sent,
            cut,
            calls,
            delivery,
            stopped_by,
            in_doubt,
            price_edge,
        });
    }
}

/// Events that would go in one request of their own can go with those of others.
fn one_by_one(request: WriteRequest) -> Vec<WriteRequest> {
    match request {
        WriteRequest::CreateEvents(events) => {
            events.into_iter().map(|event| WriteRequest::CreateEvent(Box::new(event))).collect()
        }
        request => vec![request],
    }
}

fn catalog_calls(stages: &[Vec<WriteRequest>]) -> usize {
    stages.iter().flatten().filter(|request| matches!(request, WriteRequest::Catalog(_))).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::CatalogKind;
    use crate::klaviyo::catalog_write::CatalogWrite;

    #[test]
    fn calls_of_the_catalogue_are_those_of_all_stages_and_nothing_else() {
        let delete = |id: &str| {
            let (kind, id) = (CatalogKind::Variant, id.to_owned());
            WriteRequest::Catalog(CatalogWrite::Delete { kind, id })
        };
        let events = || WriteRequest::CreateEvents(Vec::new());
        for (stages, calls) in [
            (vec![], 0),
            (vec![vec![events()]], 0),
            (vec![vec![delete("a"), events()], vec![], vec![delete("b"), delete("c")]], 3),
        ] {
            assert_eq!(catalog_calls(&stages), calls, "{stages:?}");
        }
    }
}
