//! What an answer means, call by call.
//!
//! A fault that passes puts the call off; a key or scope that is missing, or a query that is
//! refused, ends the run with its reason; what is wrong with one record costs that record.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::calling::{Task, What};
use super::{Awaited, Work, ms};
use crate::commercetools::answer as commercetools;
use crate::commercetools::query::PAGE;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{Among, Filter, Walk};
use crate::config::Config;
use crate::http::{Answer, Passing, ReadFault};
use crate::import::batches::{Batch, Sort, row_of};
use crate::import::jobs::Slot;
use crate::import::page::{Fate, Origin, Owner, Page, PageNo, Record};
use crate::import::passes::{Link, Reading, Source, divide, held, listed, resource};
use crate::import::records::{self, Documents, Need};
use crate::import::run::{Kind, Waiting};
use crate::klaviyo::answer::ids;
use crate::klaviyo::catalog::{Action, Kind as Object};
use crate::klaviyo::job::{JobRef, JobType};
use crate::klaviyo::job_answer::{self, Progress};
use crate::klaviyo::pacing::Pace;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::klaviyo::verdict::{Refusal, Verdict, judge};
use crate::mapping::identity;
use crate::realtime::conclusion::Fault;
use crate::realtime::parking::backoff;

/// How often something that Klaviyo does not find is tried again: what it belongs to may come.
const MISSING_TRIES: u32 = 5;

impl Work {
    /// Takes what was answered.
    pub(in crate::import) fn answered(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        task: Task,
        answer: Result<Answer, Passing>,
        pace: &mut Pace,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        let answer = match answer {
            Ok(answer) => answer,
            Err(passing) => return self.put_off(task, &passing, now, pace),
        };
        let taken = match task.what {
            What::End(_) => self.end_read(config, &answer),
            What::Page { range, limit, ref reading } => {
                self.page_read(config, range, limit, reading, &answer, now)
            }
            What::Again(ref ids) => self.again_read(config, ids, &answer, now),
            What::Linked { page, ref walk } => self.linked_read(config, page, walk, &answer, now),
            What::Need { page, ref need } => self.need_answered(config, page, need, &answer, now),
            What::Look(key) => self.job_seen(config, key, &answer, now),
            What::Errors { job, .. } => self.errors_read(config, job, &answer, now),
            What::Items { .. } => self.items_seen(config, &answer, &task.what, now),
            What::Batch(_) | What::Single { .. } => {
                return self.written(config, task, &answer, now, pace);
            }
        };
        match taken {
            Ok(()) => self.goes_on(),
            Err(ReadFault::Passing(passing)) => self.put_off(task, &passing, now, pace),
            Err(ReadFault::Permanent { code, detail }) => self.fail(&code, detail),
        }
    }

    /// Something went through: whatever the run waited for is over.
    fn goes_on(&mut self) {
        self.dirty |= self.run.waiting.take().is_some();
    }

    /// Puts a call off after a fault that passes, or ends the run if only a person can mend it.
    fn put_off(&mut self, task: Task, passing: &Passing, now: DateTime<Utc>, pace: &mut Pace) {
        let Passing { code, retry_after } = passing;
        if let Some(message) = mended_by_hand(code) {
            return self.fail(code, message);
        }
        if self.run.waiting.is_none() {
            self.run.waiting = Some(Waiting { code: code.clone(), since: now });
            self.dirty = true;
        }
        let Task { what, tries, .. } = task;
        // A job may have been done with meanwhile: its items were seen.
        let job = match &what {
            What::Look(job) | What::Errors { job, .. } => Some(*job),
            _ => None,
        };
        if job.is_some_and(|job| self.jobs.get(job).is_none()) {
            return;
        }
        // Spread over time without a source of chance: by where the clock stands.
        let jitter = f64::from(now.timestamp_subsec_millis()) / 1000.0;
        let wait = backoff(tries + 1, *retry_after, jitter);
        let not_before = ms(now) + u64::try_from(wait.as_millis()).unwrap_or(0);
        if code == "klaviyo_429"
            && let Some(operation) = self.operation_of(&what)
        {
            pace.refused(operation, not_before);
        }
        self.queue.push_back(Task { what, not_before, tries: tries + 1 });
    }

    // Reading.

    fn end_read(&mut self, config: &Config, answer: &Answer) -> Result<(), ReadFault> {
        let page = commercetools::counted_page(answer)?;
        let at = page.results.first().map(|document: &Created| document.created_at);
        match page.total {
            // The oldest, asked for together with the number.
            Some(total) => {
                let already = if self.is_counted() { self.run.counts.read } else { 0 };
                if self.is_counted() && self.run.total.is_none() {
                    self.run.total = Some(total.max(already));
                }
                self.ends.0 = Some((at, total));
            }
            None => self.ends.1 = Some(at),
        }
        if let (Some((oldest, total)), Some(newest)) = (self.ends.0, self.ends.1) {
            self.ends = (None, None);
            self.begin_ranges(divide(oldest, newest, total, config.rules.import.page_size));
        }
        Ok(())
    }

    fn page_read(
        &mut self,
        config: &Config,
        range: usize,
        limit: usize,
        reading: &Reading,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(source) = self.passes.get(self.run.pass).map(|pass| pass.source.clone()) else {
            return Ok(());
        };
        let before = self.readers.get(range).and_then(|reader| reader.after.clone());
        let mut page = Page::new(Origin::Again);
        page.bytes = answer.body.len();
        let mut linked = None;
        let (after, ended) = match (&source, reading) {
            (Source::Held { check }, _) => {
                let found = ids(answer)?.unwrap_or_default();
                let records = found.ids.iter().filter_map(|id| Id::new(records::external(id)));
                page.records = records.map(|id| Record::new(id, Fate::Open)).collect();
                let ids = found.ids.into_iter().enumerate().collect();
                let (kind, check) = (held(self.run.kind), *check);
                page.documents = Some(Documents::Held { kind, check, ids });
                let ended = found.next.is_none();
                (found.next, ended)
            }
            (Source::Linked(link, since), _) => {
                let results = commercetools::raw_page(answer)?;
                let found = links(&results);
                let last = found.last().map(|found| found.id.to_string());
                linked = self.linked_walk(config, *link, *since, found);
                page.waits = u32::from(linked.is_some());
                (last, results.len() < crate::commercetools::query::SKUS_PER_QUERY)
            }
            (Source::List, _) => {
                let results = commercetools::raw_page(answer)?;
                let part = listed(&self.list, before.as_deref());
                self.take_records(&mut page, &results);
                let missing = self.list[part.clone()].iter().filter(|id| !page.has(id));
                let missing: Vec<_> = missing.cloned().collect();
                page.records.extend(missing.into_iter().map(|id| Record::new(id, not_found())));
                (Some(part.end.to_string()), part.end >= self.list.len())
            }
            (Source::Documents(_), _) => {
                let results = commercetools::raw_page(answer)?;
                self.take_records(&mut page, &results);
                self.learn_size(config, results.len(), answer.body.len());
                (page.records.last().map(|record| record.id.to_string()), results.len() < limit)
            }
        };
        let number = self.next_number();
        let Some(reader) = self.readers.get_mut(range) else { return Ok(()) };
        reader.reading = false;
        reader.ended = ended;
        reader.after = after.clone().or(before);
        if !page.records.is_empty() || page.waits > 0 {
            page.origin = Origin::Range { range, after };
            reader.pages.push_back(number);
            self.pages.insert(number, page);
        }
        if let Some(walk) = linked {
            self.now_queue(What::Linked { page: number, walk }, now);
        }
        self.prepare(config, number, now);
        Ok(())
    }

    fn next_number(&mut self) -> PageNo {
        self.next_page = self.next_page.wrapping_add(1);
        self.next_page
    }

    /// Takes the documents of an answer into a page.
    fn take_records(&self, page: &mut Page, results: &[&str]) {
        let (records, documents) = records::read(self.run.kind, results);
        page.records = records
            .into_iter()
            .map(|(id, fault)| {
                Record::new(id, fault.map_or(Fate::Open, |fault| Fate::Failed(unread(fault))))
            })
            .collect();
        page.documents = Some(documents);
    }

    /// The documents that these lead to, but for those that the pass before had.
    fn linked_walk(
        &self,
        config: &Config,
        link: Link,
        since: DateTime<Utc>,
        found: Vec<Linking>,
    ) -> Option<Walk> {
        let among = match link {
            Link::Payments => Among::Payments(found.into_iter().map(|found| found.id).collect()),
            Link::Inventory | Link::Prices => {
                let mut skus: Vec<_> = found.into_iter().filter_map(|found| found.sku).collect();
                skus.sort_unstable();
                skus.dedup();
                Among::Skus(skus)
            }
        };
        let is_empty = match &among {
            Among::Ids(ids) | Among::Payments(ids) => ids.is_empty(),
            Among::Skus(skus) => skus.is_empty(),
        };
        let young =
            chrono::Duration::minutes(i64::from(config.rules.import.orders_older_than_minutes));
        let filter = Filter {
            changed_before: Some(since),
            created_before: (self.run.kind == Kind::Orders).then(|| self.run.started_at - young),
            published: self.run.kind == Kind::Products,
            among: Some(among),
            ..Filter::default()
        };
        let of = resource(self.run.kind);
        (!is_empty).then_some(Walk { of, filter, after: None, limit: PAGE })
    }

    fn linked_read(
        &mut self,
        config: &Config,
        number: PageNo,
        walk: &Walk,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let results = commercetools::raw_page(answer)?;
        let mut more = Page::new(Origin::Again);
        self.take_records(&mut more, &results);
        let last = more.records.last().map(|record| record.id.clone());
        let full = results.len() == walk.limit;
        // A document that several lead to is written once.
        let known: HashSet<Id> = more
            .records
            .iter()
            .map(|record| record.id.clone())
            .filter(|id| self.is_in_flight(id))
            .collect();
        for record in &mut more.records {
            if known.contains(&record.id) {
                record.fate = Fate::Known;
            }
        }
        let Some(page) = self.pages.get_mut(&number) else { return Ok(()) };
        page.bytes += answer.body.len();
        page.append(more);
        match last.filter(|_| full) {
            Some(after) => {
                let walk = Walk { after: Some(after), ..walk.clone() };
                self.now_queue(What::Linked { page: number, walk }, now);
            }
            None => {
                page.waits = 0;
                self.prepare(config, number, now);
            }
        }
        Ok(())
    }

    fn is_in_flight(&self, id: &Id) -> bool {
        self.pending.contains_key(id)
            || self.run.again.contains(id)
            || self.pages.values().any(|page| page.has(id))
    }

    fn again_read(
        &mut self,
        config: &Config,
        asked: &[Id],
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let results = commercetools::raw_page(answer)?;
        let mut page = Page::new(Origin::Again);
        page.bytes = answer.body.len();
        self.take_records(&mut page, &results);
        // What is gone by now needs nothing any more.
        let gone: Vec<_> = asked.iter().filter(|id| !page.has(id)).cloned().collect();
        page.records.extend(gone.into_iter().map(|id| Record::new(id, Fate::Skipped)));
        let number = self.next_number();
        self.pages.insert(number, page);
        self.prepare(config, number, now);
        Ok(())
    }

    // What a page needs, and its mapping.

    fn need_answered(
        &mut self,
        config: &Config,
        number: PageNo,
        need: &Need,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(page) = self.pages.get_mut(&number) else { return Ok(()) };
        if let Need::Category(request) = need {
            return self.category_answered(config, number, request, answer, now);
        }
        let follows = records::learn(&mut page.context, &mut self.memory, need, answer)?;
        match follows {
            Some(need) => self.now_queue(What::Need { page: number, need }, now),
            None => {
                page.waits = page.waits.saturating_sub(1);
                self.prepare(config, number, now);
            }
        }
        Ok(())
    }

    /// A category that is refused is left out of the items: it would make Klaviyo refuse them.
    fn category_answered(
        &mut self,
        config: &Config,
        number: PageNo,
        request: &Request,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let verdict = judge(&Ok(answer.clone()));
        if let Some(next) = request.way_out(&verdict) {
            self.now_queue(What::Need { page: number, need: Need::Category(next) }, now);
            return Ok(());
        }
        match request.settled(verdict) {
            Verdict::Later(passing) => return Err(ReadFault::Passing(passing)),
            Verdict::Accepted => {
                if let Request::Catalog(write) = request {
                    self.memory.learn_category(write.id().to_owned());
                }
            }
            _ => {}
        }
        if let Some(page) = self.pages.get_mut(&number) {
            page.waits = page.waits.saturating_sub(1);
        }
        self.prepare(config, number, now);
        Ok(())
    }

    /// Asks for what a page needs; maps it when it needs nothing more.
    fn prepare(&mut self, config: &Config, number: PageNo, now: DateTime<Utc>) {
        loop {
            let Some(page) = self.pages.get_mut(&number) else { return };
            let Some(documents) = page.documents.as_ref().filter(|_| page.waits == 0) else {
                return;
            };
            let step = page.step;
            page.step += 1;
            match records::needs(config, documents, &page.context, &self.memory, step) {
                None => break,
                Some(needs) if needs.is_empty() => {}
                Some(needs) => {
                    page.waits = u32::try_from(needs.len()).unwrap_or(u32::MAX);
                    for need in needs {
                        self.now_queue(What::Need { page: number, need }, now);
                    }
                    return;
                }
            }
        }
        let Some(page) = self.pages.get_mut(&number) else { return };
        let Some(documents) = page.documents.take() else { return };
        let mapped = records::map(config, &documents, &page.context, &self.memory, now);
        let mut stages = Vec::new();
        for (record, mapped) in mapped {
            if let Some(one) = page.records.get_mut(record).filter(|one| one.fate == Fate::Open) {
                stages.push((Owner { page: number, record }, one.begin(mapped)));
            }
        }
        self.memory.trim();
        for (owner, stage) in stages {
            self.write(config, owner, stage, now);
        }
    }

    // Writing.

    fn written(
        &mut self,
        config: &Config,
        task: Task,
        answer: &Answer,
        now: DateTime<Utc>,
        pace: &mut Pace,
    ) {
        let verdict = judge(&Ok(answer.clone()));
        match task.what {
            What::Batch(batch) => match verdict {
                Verdict::Accepted => self.batch_taken(config, batch, answer, now),
                Verdict::Later(passing) => {
                    let task = Task { what: What::Batch(batch), ..task };
                    self.put_off(task, &passing, now, pace);
                }
                Verdict::Refused(refusal) => self.batch_refused(batch, &refusal, now),
                _ => self.batch_refused(batch, &Refusal::default(), now),
            },
            What::Single { owner, request } => {
                if let Some(next) = request.way_out(&verdict) {
                    return self.now_queue(What::Single { owner, request: next }, now);
                }
                let fate = match request.settled(verdict) {
                    Verdict::Accepted | Verdict::NotHeld => None,
                    Verdict::Later(passing)
                        if passing.code != "klaviyo_404" || task.tries < MISSING_TRIES =>
                    {
                        let task = Task { what: What::Single { owner, request }, ..task };
                        return self.put_off(task, &passing, now, pace);
                    }
                    Verdict::Later(passing) => {
                        Some(Fault::new(passing.code, "Klaviyo does not know what it belongs to"))
                    }
                    Verdict::Conflict { .. } => {
                        Some(Fault::new("klaviyo_409", "Klaviyo has it already"))
                    }
                    Verdict::Missing => Some(Fault::new("klaviyo_404", "Klaviyo does not know it")),
                    Verdict::Refused(refusal) => Some(refusal.into()),
                };
                self.goes_on();
                self.row_done(config, owner, fate.map(Fate::Failed), now);
            }
            _ => {}
        }
    }

    fn batch_taken(&mut self, config: &Config, batch: Batch, answer: &Answer, now: DateTime<Utc>) {
        self.goes_on();
        let Sort::Job(of) = batch.sort else {
            for row in batch.rows {
                self.row_done(config, row.owner, None, now);
            }
            return;
        };
        // Klaviyo took it, but does not say how to ask for it: each row is asked about by itself.
        let Ok(id) = job_answer::started(answer) else {
            return self.refuse_rows(batch);
        };
        let slots = batch.rows.iter().map(|row| Slot::Live(row.owner)).collect();
        let key = self.jobs.add(JobRef { of, id }, ms(now), slots);
        let not_before = self.jobs.next_look(ms(now), ms(now));
        self.queue.push_back(Task::new(What::Look(key), not_before));
        let creates_items = of == JobType::Catalog(Object::Item, Action::Create);
        for (index, row) in batch.rows.iter().enumerate() {
            let Some(page) = self.pages.get_mut(&row.owner.page) else { continue };
            page.jobs.insert(key);
            let Some(record) = page.records.get_mut(row.owner.record) else { continue };
            record.in_jobs += 1;
            if creates_items && !record.later.is_empty() {
                record.awaited += 1;
                let item = identity::item(&record.id).id;
                self.awaited.push(Awaited { owner: row.owner, item, job: key, index });
            }
        }
        for row in batch.rows {
            self.row_done(config, row.owner, None, now);
        }
    }

    /// Takes out the rows that Klaviyo names, and sends the rest again; where it names none, the
    /// halves are sent by themselves, until the row that is to blame is alone.
    fn batch_refused(&mut self, batch: Batch, refusal: &Refusal, now: DateTime<Utc>) {
        let pointers = refusal.errors.iter().filter_map(|error| error.pointer.as_deref());
        let named: HashSet<_> =
            pointers.filter_map(row_of).filter(|row| *row < batch.rows.len()).collect();
        if batch.rows.len() == 1 {
            self.refuse_rows(batch);
        } else if named.is_empty() {
            for half in batch.halves() {
                self.now_queue(What::Batch(half), now);
            }
        } else {
            let (refused, rest) = batch.without(&named);
            let sort = rest.sort;
            self.refuse_rows(Batch { sort, rows: refused });
            if !rest.rows.is_empty() {
                self.now_queue(What::Batch(rest), now);
            }
        }
    }

    /// Leaves these records to be sent by themselves: that has ways out, and tells why.
    fn refuse_rows(&mut self, batch: Batch) {
        for row in batch.rows {
            if let Some(record) = self.record(row.owner) {
                record.open = record.open.saturating_sub(1);
                record.end(Fate::Again);
            }
        }
    }

    // Jobs.

    fn job_seen(
        &mut self,
        config: &Config,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(open) = self.jobs.get(key) else { return Ok(()) };
        let (of, at) = (open.job.of, open.at);
        match job_answer::progress(answer)? {
            Some(Progress::Running) => {
                let not_before = self.jobs.next_look(at, ms(now));
                self.queue.push_back(Task::new(What::Look(key), not_before));
            }
            // Nobody knows what became of it.
            None => self.job_ended(config, key, None, now),
            Some(Progress::Ended { failed: 0, .. }) => {
                self.job_ended(config, key, Some(HashSet::new()), now);
            }
            Some(Progress::Ended { .. }) if of == JobType::Profiles => {
                self.now_queue(What::Errors { job: key, cursor: None }, now);
            }
            Some(Progress::Ended { failed, errors }) => {
                let rows: HashSet<_> = errors.iter().filter_map(|error| error.row).collect();
                let all_named = u64::try_from(rows.len()).is_ok_and(|named| named >= failed);
                self.job_ended(config, key, all_named.then_some(rows), now);
            }
        }
        Ok(())
    }

    fn errors_read(
        &mut self,
        config: &Config,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let page = job_answer::import_errors(answer)?;
        let Some(open) = self.jobs.get(key) else { return Ok(()) };
        let mut rows = Vec::new();
        let mut all_named = !page.errors.is_empty();
        for (error, external_id) in &page.errors {
            let by_id = external_id.as_deref().and_then(|id| self.row_of_record(open, id));
            match by_id.or(error.row) {
                Some(row) => rows.push(row),
                None => all_named = false,
            }
        }
        if !all_named {
            self.job_ended(config, key, None, now);
            return Ok(());
        }
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.refused.extend(rows);
        let refused = open.refused.iter().copied().collect();
        match page.next {
            Some(cursor) => {
                self.now_queue(What::Errors { job: key, cursor: Some(cursor) }, now);
            }
            None => self.job_ended(config, key, Some(refused), now),
        }
        Ok(())
    }

    fn items_seen(
        &mut self,
        config: &Config,
        answer: &Answer,
        what: &What,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let What::Items { lookup: Lookup::Existing { .. }, awaited } = what else { return Ok(()) };
        let there: HashSet<_> = ids(answer)?.unwrap_or_default().ids.into_iter().collect();
        for one in awaited {
            // A job that has ended meanwhile has settled the row; only the waiting is left.
            if there.contains(&one.item) || self.jobs.get(one.job).is_none() {
                self.item_is_there(config, one, now);
            } else {
                self.awaited.push(one.clone());
                self.next_look_for_items = ms(now) + super::calling::LOOK_FOR_ITEMS;
            }
        }
        Ok(())
    }
}

/// What is read of a document to know when it was created.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    created_at: DateTime<Utc>,
}

/// What is read of a document that leads to others.
#[derive(Deserialize)]
struct Linking {
    id: Id,
    sku: Option<String>,
}

fn links(results: &[&str]) -> Vec<Linking> {
    results.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

fn not_found() -> Fate {
    let detail = "commercetools has no such record, or the API client may not see it";
    Fate::Failed(Fault::new("not_found", detail))
}

/// Why a document cannot be read.
fn unread(fault: ReadFault) -> Fault {
    match fault {
        ReadFault::Permanent { code, detail } => Fault::new(code, detail),
        ReadFault::Passing(passing) => Fault::new(passing.code, ""),
    }
}

/// What to do about a fault that waiting does not mend.
fn mended_by_hand(code: &str) -> Option<String> {
    let refused = code.ends_with("_401") || code.ends_with("_403");
    let text = match code {
        "commercetools_token_400" => {
            "commercetools refuses the API client: see CT_API_CLIENT and CT_SCOPES"
        }
        _ if !refused => return None,
        _ if code.starts_with("commercetools_token") => {
            "commercetools refuses the API client: see CT_API_CLIENT and CT_AUTH_URL"
        }
        _ if code.starts_with("commercetools") => {
            "commercetools refuses the call: the API client lacks a scope"
        }
        _ if code.ends_with("_401") => "Klaviyo refuses the key: see KLAVIYO_AUTH_KEY",
        _ => "Klaviyo refuses the call: the key lacks a scope",
    };
    Some(format!("{text}. Mend it, and resume the run."))
}
