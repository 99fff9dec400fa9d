//! What became of writes.

use std::collections::HashSet;

use super::backoff::{JOB_IN_DOUBT, SINGLE_IN_DOUBT, jitter, wait_after};
use super::batches::{Batch, BatchRow, BatchSort};
use super::blame::BlameStep;
use super::events::{StartedRow, WriteEvent};
use super::jobs::JobRows;
use super::stubborn::StubbornStep;
use super::unit::UnitEnd;
use super::unit_no::UnitNo;
use super::write_task::{AwaitedItem, WriteCall, WriteTask};
use super::writer::UnitWriter;
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, System, TransientFault};
use crate::http::HttpAnswer;
use crate::klaviyo::answer::ids;
use crate::klaviyo::job::{JobRef, JobType};
use crate::klaviyo::job_answer::{self, row_of_pointer};
use crate::klaviyo::pacing::{CallPace, Operation};
use crate::klaviyo::query::existing;
use crate::klaviyo::request::WriteRequest;
use crate::klaviyo::verdict::{Refusal, Verdict, judge};
use crate::time::UnixMs;

/// How often a write that Klaviyo answers with 404 is tried again: the object that it belongs to may still appear.
const MISSING_TRIES: u32 = 3;

/// Klaviyo does not find it.
pub(crate) const MISSING: TransientFault = TransientFault::Status(System::Klaviyo, 404);

fn refused(status: u16, detail: &str) -> Rejection {
    Rejection::new(FinalFault::Refused(System::Klaviyo, status), detail)
}

/// When to repeat a call that met a setback for the `tries`th time.
pub(crate) fn again_at(setback: Setback, tries: u32, now: UnixMs) -> UnixMs {
    now + wait_after(setback, tries, jitter(now))
}

impl UnitWriter {
    /// Takes the answer to a call, or why it is missing.
    pub(crate) fn answered(
        &mut self,
        task: WriteTask,
        answer: Result<HttpAnswer, Setback>,
        now: UnixMs,
        pace: &mut CallPace,
    ) {
        let operation = task.call.operation();
        for no in task.units() {
            if let Some(unit) = self.units.get_mut(&no) {
                unit.calls += 1;
            }
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(setback) => return self.put_off(task, setback, now),
        };
        pace.note(operation, &answer, now);
        let read = match task.call {
            WriteCall::Batch(_) | WriteCall::Single { .. } => {
                return self.written(task, &answer, now);
            }
            WriteCall::Know { .. } => return self.known(task, &answer, now),
            WriteCall::Look(key, _) => self.job_seen(key, &answer, now),
            WriteCall::Errors { job, .. } => self.errors_read(job, &answer, now),
            WriteCall::Items { ref awaited, .. } => self.items_seen(&answer, awaited, now),
        };
        match read {
            Ok(()) => self.went_through(operation),
            Err(ReadFault::Later(setback)) => self.put_off(task, setback, now),
            Err(ReadFault::Never(rejection)) => match task.call {
                // Klaviyo accepted the rows, and will not report on them: each is sent again.
                WriteCall::Look(job, _) | WriteCall::Errors { job, .. } => {
                    self.job_ended(job, None, now);
                }
                // Everything that waits for these items cannot go on.
                _ => self.events.push(WriteEvent::RequestRefused(rejection)),
            },
        }
    }

    fn written(&mut self, task: WriteTask, answer: &HttpAnswer, now: UnixMs) {
        let operation = task.call.operation();
        let judged = |success| judge(&success, &Ok(answer.clone()));
        match task.call {
            WriteCall::Batch(batch) => match judged(batch.sort.success()) {
                Verdict::Accepted => {
                    self.went_through(operation);
                    self.batch_taken(batch, answer, now);
                }
                Verdict::Later(setback) => {
                    self.put_off(WriteTask { call: WriteCall::Batch(batch), ..task }, setback, now);
                }
                Verdict::Refused(refusal) => self.batch_refused(batch, &refusal, now),
                _ => self.batch_refused(batch, &Refusal::default(), now),
            },
            WriteCall::Single { units, request } => {
                let verdict = judged(request.success());
                if let Some(request) = request.way_out(&verdict) {
                    return self.queue_call(WriteCall::Single { units, request }, now);
                }
                let again = task.tries.count < MISSING_TRIES || !self.host.keeps();
                let end = match request.settled(verdict) {
                    Verdict::Later(setback) if setback.fault != MISSING || again => {
                        let call = WriteCall::Single { units, request };
                        return self.put_off(WriteTask { call, ..task }, setback, now);
                    }
                    verdict => self.single_end(&units, &request, verdict),
                };
                self.went_through(operation);
                self.rows_done(units, end.as_ref(), now);
            }
            _ => {}
        }
    }

    /// What a verdict on a single request means for its units; none if it is done.
    fn single_end(
        &mut self,
        units: &[UnitNo],
        request: &WriteRequest,
        verdict: Verdict,
    ) -> Option<UnitEnd> {
        let rejection = match verdict {
            Verdict::NotHeld => return None,
            Verdict::Accepted => {
                let digest = (!self.host.keeps()).then(|| request.digest()).flatten();
                let later =
                    matches!(request, WriteRequest::CreateEvents(_)).then_some(JOB_IN_DOUBT);
                for no in units {
                    if let Some(unit) = self.units.get_mut(no) {
                        unit.is_held = true;
                        unit.taken.extend(digest.clone());
                        unit.in_doubt = unit.in_doubt.max(later);
                    }
                }
                return None;
            }
            Verdict::Later(_) => refused(404, "Klaviyo does not know what it belongs to"),
            Verdict::Conflict { .. } => refused(409, "Klaviyo has it already"),
            Verdict::Missing => refused(404, "Klaviyo does not know it"),
            Verdict::Refused(refusal) => refusal.into(),
        };
        Some(UnitEnd::Failed(rejection))
    }

    fn batch_taken(&mut self, batch: Batch, answer: &HttpAnswer, now: UnixMs) {
        self.blame.taken(&batch);
        // Klaviyo reports nothing more about events that it accepted together, and carries them out later.
        let later = (batch.sort == BatchSort::Events).then_some(JOB_IN_DOUBT);
        for no in batch.rows.iter().flat_map(|row| &row.units) {
            if let Some(unit) = self.units.get_mut(no) {
                unit.is_held = true;
                unit.in_doubt = unit.in_doubt.max(later);
            }
        }
        let BatchSort::Job(of) = batch.sort else {
            for row in batch.rows {
                self.rows_done(row.units, None, now);
            }
            return;
        };
        match job_answer::started(answer) {
            Ok(id) => self.job_started(JobRef { of, id }, batch, now),
            // Klaviyo accepted it but did not return its id: each row goes by itself.
            Err(_) if self.host.keeps() => {
                for row in batch.rows {
                    self.queue_row(row, now);
                }
            }
            Err(_) => {
                let setback = TransientFault::JobWithoutId.into();
                self.let_go(WriteCall::Batch(batch), setback, true, now);
            }
        }
    }

    fn job_started(&mut self, job: JobRef, batch: Batch, now: UnixMs) {
        if self.host.keeps() {
            return self.keep_job(job, batch, now);
        }
        let key = self.jobs.add(job.clone(), now, JobRows::WithHost);
        let rows = batch.rows.iter().filter_map(|row| {
            let (_, content) = row.request.as_ref()?.row()?;
            let (digest, external_id) = (content.digest, content.external_id);
            Some(StartedRow { owners: row.units.clone(), digest, external_id })
        });
        self.events.push(WriteEvent::JobStarted(job.clone(), rows.collect()));
        self.queue_call(WriteCall::Look(key, job), self.jobs.next_look(now, now));
        for row in batch.rows {
            self.rows_done(row.units, Some(&UnitEnd::WithJob), now);
        }
    }

    fn keep_job(&mut self, job: JobRef, batch: Batch, now: UnixMs) {
        let units = batch.rows.iter().map(|row| row.units.clone()).collect();
        let key = self.jobs.add(job.clone(), now, JobRows::Here(units));
        self.queue_call(WriteCall::Look(key, job), self.jobs.next_look(now, now));
        for (index, row) in batch.rows.iter().enumerate() {
            for no in &row.units {
                let Some(unit) = self.units.get_mut(no) else { continue };
                unit.jobs.push(key);
                unit.in_jobs += 1;
                if let Some(item) = row.new_item.clone().filter(|_| unit.has_later()) {
                    unit.awaited += 1;
                    self.awaited.push(AwaitedItem { unit: *no, item, job: key, index });
                }
            }
        }
        for row in batch.rows {
            self.rows_done(row.units, None, now);
        }
    }

    /// Takes out the rows that Klaviyo names, and sends the rest again; if it names none, finds out what is to blame.
    fn batch_refused(&mut self, batch: Batch, refusal: &Refusal, now: UnixMs) {
        let pointers = refusal.errors.iter().filter_map(|error| error.pointer.as_deref());
        let named: HashSet<_> =
            pointers.filter_map(row_of_pointer).filter(|row| *row < batch.rows.len()).collect();
        if !named.is_empty() {
            let (refused, rest) = batch.without(&named);
            for row in refused {
                self.queue_row(row, now);
            }
            if !rest.rows.is_empty() {
                self.queue_call(WriteCall::Batch(rest), now);
            }
            return;
        }
        let parts = match self.blame.refused(&batch) {
            BlameStep::Row => {
                for row in batch.rows {
                    self.queue_row(row, now);
                }
                return;
            }
            BlameStep::Request => {
                let mut rejection = Rejection::from(refusal.clone());
                rejection.detail =
                    format!("Klaviyo refuses every bulk request: {}", rejection.detail);
                self.events.push(WriteEvent::RequestRefused(rejection));
                let fault = TransientFault::Status(System::Klaviyo, refusal.status);
                if !self.host.keeps() {
                    self.let_go(WriteCall::Batch(batch), fault.into(), true, now);
                }
                return;
            }
            BlameStep::FirstRow => batch.first_alone(),
            BlameStep::Halves => batch.halves(),
        };
        for part in parts {
            self.queue_call(WriteCall::Batch(part), now);
        }
    }

    /// The question before a batch is sent: which of its objects Klaviyo has, if nobody knows.
    /// A job does not tell for certain which of its rows it failed with, so none is to fail for this.
    pub(super) fn known_first(&self, batch: Batch) -> WriteCall {
        if self.host.keeps() || !matches!(batch.sort, BatchSort::Job(JobType::Catalog(..))) {
            return WriteCall::Batch(batch);
        }
        let mut lookups = Vec::new();
        let doubts: Vec<_> = batch.doubts().collect();
        if let Some((kind, _)) = doubts.first().copied() {
            let ids: Vec<_> = doubts.iter().map(|(_, id)| (*id).to_owned()).collect();
            lookups = existing(kind, &ids);
        }
        match lookups.pop() {
            Some(lookup) => WriteCall::Know { batch, lookup, known: Vec::new(), rest: lookups },
            None => WriteCall::Batch(batch),
        }
    }

    fn known(&mut self, task: WriteTask, answer: &HttpAnswer, now: UnixMs) {
        let WriteCall::Know { batch, lookup, mut known, mut rest } = task.call else { return };
        match ids(answer) {
            Ok(page) => known.extend(page.unwrap_or_default().ids),
            Err(fault) => {
                let setback = match fault {
                    ReadFault::Later(setback) => setback,
                    ReadFault::Never(_) => TransientFault::Status(System::Klaviyo, 400).into(),
                };
                let call = WriteCall::Know { batch, lookup, known, rest };
                return self.put_off(WriteTask { call, ..task }, setback, now);
            }
        }
        self.went_through(lookup.operation());
        if let Some(lookup) = rest.pop() {
            return self.queue_call(WriteCall::Know { batch, lookup, known, rest }, now);
        }
        let unknown: HashSet<usize> = batch.without_object(&known);
        let (missing, rest) = batch.without(&unknown);
        for row in missing {
            self.object_is_missing(row, now);
        }
        if !rest.rows.is_empty() {
            self.queue_call(WriteCall::Batch(rest), now);
        }
    }

    /// Klaviyo does not have the object of a row: the row ends without a write, or the object is created.
    fn object_is_missing(&mut self, row: BatchRow, now: UnixMs) {
        let Some(WriteRequest::Catalog(write)) = row.request.as_deref() else {
            return self.queue_row(row, now);
        };
        if let Some(create) = write.without_object() {
            let request = WriteRequest::Catalog(create);
            let first = row.units.first().copied();
            let created = first.and_then(|first| BatchRow::of(first, &request, true));
            let Some((sort, mut created)) = created else { return self.queue_row(row, now) };
            created.units = row.units;
            return self.buffers.push(sort, created, now);
        }
        for no in row.units.iter().filter(|_| write.deletes()) {
            if let Some(unit) = self.units.get_mut(no) {
                unit.is_held = true;
            }
        }
        self.rows_done(row.units, None, now);
    }

    /// Postpones a call after a transient fault, or drops it if the host keeps no units.
    fn put_off(&mut self, task: WriteTask, setback: Setback, now: UnixMs) {
        self.events.push(WriteEvent::Delayed(task.call.operation(), setback));
        let WriteTask { call, tries, .. } = task;
        let operation = call.operation();
        let (tries, step) =
            tries.and_another(setback.fault, call.rows(), self.through.beside(operation));
        let not_before = again_at(setback, tries.count, now);
        if let WriteCall::Look(key, _) | WriteCall::Errors { job: key, .. } = &call {
            match self.jobs.get(*key) {
                // The job may be done meanwhile: its items were seen.
                None => return,
                // Whatever became of the job, its rows are sent again.
                Some(open) if open.is_too_old(now) => return self.job_ended(*key, None, now),
                Some(open) if !self.host.keeps() => {
                    let job = open.job.clone();
                    self.events.push(WriteEvent::JobPutOff(job, setback, not_before));
                }
                Some(_) => {}
            }
        } else if !self.host.keeps() {
            return self.let_go(call, setback, true, now);
        }
        match (step, call) {
            (StubbornStep::Divide, WriteCall::Batch(batch)) => {
                let tries = tries.of_part();
                for half in batch.halves() {
                    self.queue.push_back(WriteTask {
                        call: WriteCall::Batch(half),
                        not_before: now,
                        tries,
                    });
                }
            }
            (StubbornStep::Probe, WriteCall::Batch(batch)) => {
                let [first, rest] = batch.first_alone();
                self.queue_call(WriteCall::Batch(first), now);
                self.queue.push_back(WriteTask { call: WriteCall::Batch(rest), not_before, tries });
            }
            (StubbornStep::GiveUp, WriteCall::Batch(batch)) => {
                for row in batch.rows {
                    self.queue_row(row, now);
                }
            }
            (StubbornStep::GiveUp, WriteCall::Single { units, .. }) => {
                self.rows_done(units, Some(&UnitEnd::Failed(tries.rejection())), now);
            }
            (_, call) => self.queue.push_back(WriteTask { call, not_before, tries }),
        }
    }

    /// Ends the units of a call with this setback. `called` says whether Klaviyo got the call, and may carry it out.
    pub(super) fn let_go(&mut self, call: WriteCall, setback: Setback, called: bool, now: UnixMs) {
        let operation = call.operation();
        let rows: Vec<Vec<UnitNo>> = match call {
            WriteCall::Single { units, .. } => vec![units],
            WriteCall::Batch(batch) | WriteCall::Know { batch, .. } => {
                batch.rows.into_iter().map(|row| row.units).collect()
            }
            WriteCall::Look(..) | WriteCall::Errors { .. } | WriteCall::Items { .. } => return,
        };
        let length = if matches!(operation, Operation::StartJob(_)) {
            JOB_IN_DOUBT
        } else {
            SINGLE_IN_DOUBT
        };
        let in_doubt = (called && setback.fault.leaves_in_doubt()).then_some(length);
        for units in rows {
            for no in &units {
                if let Some(unit) = self.units.get_mut(no) {
                    unit.in_doubt = unit.in_doubt.max(in_doubt);
                }
            }
            let end = UnitEnd::Later { setback, operation };
            self.rows_done(units, Some(&end), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::call::HostCall;
    use crate::engine::grants::CallGrants;
    use crate::engine::writer::{NewUnit, WriterHost};
    use crate::klaviyo::catalog::{
        CatalogItem, CatalogKey, CatalogObject, ItemAttributes, ShownAttributes, StockPolicy,
        VariantStock,
    };
    use crate::klaviyo::catalog_write::CatalogWrite;
    use serde_json::{Map, Value, json};

    fn next(writer: &mut UnitWriter, pace: &mut CallPace) -> (WriteTask, HostCall) {
        let mut wake = None;
        let mut grants = CallGrants {
            connections: 6,
            reading: 4,
            nobody_reads: false,
            bytes: 10_000_000,
            jobs: 1,
            pace,
            counts: true,
            circuits: None,
            now: UnixMs::EPOCH,
            wake: &mut wake,
            refused: None,
        };
        writer.next(&mut grants, true).expect("a call")
    }

    fn set_stock(variant: &str) -> WriteRequest {
        let stock = VariantStock { inventory_policy: StockPolicy::Show, inventory_quantity: 1 };
        let variant = format!("$custom:::$default:::{variant}");
        WriteRequest::Catalog(CatalogWrite::SetStock { variant, stock })
    }

    fn create_item(external_id: &str) -> WriteRequest {
        let shown = ShownAttributes {
            title: external_id.to_owned(),
            description: String::new(),
            url: String::new(),
            image_full_url: None,
            images: Vec::new(),
            custom_metadata: Map::new(),
            published: true,
        };
        let key = CatalogKey {
            id: format!("$custom:::$default:::{external_id}"),
            external_id: external_id.to_owned(),
        };
        let attributes = ItemAttributes { shown, price: None };
        let item = CatalogItem { key, attributes, categories: Vec::new() };
        WriteRequest::Catalog(CatalogWrite::put(CatalogObject::Item(item), false))
    }

    /// Whether a call names an id.
    fn names(call: &HostCall, id: &str) -> bool {
        let HostCall::Klaviyo { path, body, .. } = call else { return false };
        path.contains(id) || body.as_ref().is_some_and(|body| body.contains(id))
    }

    #[test]
    fn the_end_of_a_job_says_nothing_of_the_items_of_another() {
        let (mut writer, mut pace) = (UnitWriter::new(WriterHost::Import), CallPace::new(1.0));
        for item in ["item-a", "item-b"] {
            let variant = item.replace("item", "sku");
            let stages = vec![vec![create_item(item)], vec![set_stock(&variant)]];
            writer.add(NewUnit { alone: false, external_id: None, stages }, UnixMs::EPOCH);
            let (task, call) = next(&mut writer, &mut pace);
            assert!(names(&call, item), "{call:?}");
            let job =
                json!({"type": "catalog-item-bulk-create-job", "id": format!("job of {item}")});
            let body = json!({"data": job}).to_string();
            let answer = HttpAnswer { status: 202, body, ..HttpAnswer::default() };
            writer.answered(task, Ok(answer), UnixMs::EPOCH, &mut pace);
        }
        let first = writer.awaited.first().expect("an item").job;
        writer.job_ended(first, Some(&HashSet::new()), UnixMs::EPOCH);

        let calls =
            [next(&mut writer, &mut pace), next(&mut writer, &mut pace)].map(|(_, call)| call);
        let named = |id| calls.iter().filter(|call| names(call, id)).count();
        assert_eq!(named("sku-a"), 1, "the item is there: {calls:?}");
        assert_eq!(named("sku-b"), 0, "the item may not be there: {calls:?}");
        assert_eq!((named("item-a"), named("item-b")), (0, 1), "one is awaited: {calls:?}");
    }

    /// A job does not tell for certain which of its rows it failed with.
    #[test]
    fn a_job_of_the_outbox_has_only_rows_of_variants_that_are_there() {
        let (mut writer, mut pace) = (UnitWriter::new(WriterHost::Outbox), CallPace::new(1.0));
        let variants: Vec<_> = (0..12).map(|n| format!("s{n}")).collect();
        for variant in &variants {
            let stages = vec![vec![set_stock(variant)]];
            writer.add(NewUnit { alone: false, external_id: None, stages }, UnixMs::EPOCH);
        }
        let (known, unknown) = variants.split_at(11);
        let (task, call) = next(&mut writer, &mut pace);
        assert!(matches!(&call, HostCall::Klaviyo { method: "GET", .. }), "{call:?}");
        let found = known.iter().map(
            |id| json!({"type": "catalog-variant", "id": format!("$custom:::$default:::{id}")}),
        );
        let body = json!({"data": found.collect::<Vec<_>>(), "links": {"next": null}});
        let answer = HttpAnswer { status: 200, body: body.to_string(), ..HttpAnswer::default() };
        writer.answered(task, Ok(answer), UnixMs::EPOCH, &mut pace);

        let (_, call) = next(&mut writer, &mut pace);
        let HostCall::Klaviyo { method: "POST", body: Some(body), .. } = call else {
            panic!("no job: {call:?}")
        };
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            body["data"]["attributes"]["variants"]["data"].as_array().map(Vec::len),
            Some(11)
        );
        assert!(!body.to_string().contains(&unknown[0]));
        let ended = writer.take_events().into_iter().filter(
            |event| matches!(event, WriteEvent::Ended(ended) if ended.end == UnitEnd::NotHeld),
        );
        assert_eq!(ended.count(), 1, "of what Klaviyo does not have nothing is to be written");
    }
}
