//! Pages: what is read for them, what they need, and their mapping.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::calling::What;
use super::{End, Ends, RunWork, ms};
use crate::commercetools::answer as commercetools;
use crate::commercetools::query::{PAGE, SKUS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{self, Among, Filter, Walk};
use crate::config::Config;
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, TransientFault};
use crate::http::Answer;
use crate::engine::writer::NewUnit;
use crate::import::owner::{Owner, PageNo};
use crate::import::page::{PageOrigin, Record, RecordFate, RunPage};
use crate::import::passes::{Pass, PassLink, Source, divide, held, listed, resource};
use crate::import::records::{self, MappedRecord, Need, PageDocuments};
use crate::klaviyo::answer::{ids, marked_ids};
use crate::klaviyo::request::Request;
use crate::klaviyo::verdict::{Verdict, judge};
use crate::mapping::identity;
use crate::mapping::metadata::MARKS;

/// About how many bytes each byte of a document takes once it is read, until it is mapped.
const READ_BYTES: usize = 5;

/// A page, as it was read from the source of a pass.
struct SourcePage {
    page: RunPage,
    /// The documents that those of the page lead to.
    linked: Option<Walk>,
    /// Where the next page begins.
    after: Option<String>,
    /// Whether there is none.
    ended: bool,
}

impl RunWork {
    pub(super) fn end_read(
        &mut self,
        config: &Config,
        asked: &walk::WalkEnd,
        answer: &Answer,
    ) -> Result<(), ReadFault> {
        let page = commercetools::counted_page(answer)?;
        let at = page.results.first().map(|document: &Created| document.created_at);
        let end = End { at, total: page.total.unwrap_or(0) };
        if asked.newest {
            self.ends.newest = Some(end);
        } else {
            // The number is asked for together with the oldest.
            if self.is_counted() && self.run.total.is_none() {
                self.run.total = Some(end.total.max(self.run.counts.read));
            }
            self.ends.oldest = Some(end);
        }
        if let Ends { oldest: Some(oldest), newest: Some(newest) } = self.ends {
            self.ends = Ends::default();
            let rules = &config.rules.import;
            self.begin_ranges(divide(oldest.at, newest.at, oldest.total, rules));
        }
        Ok(())
    }

    pub(super) fn page_read(
        &mut self,
        config: &Config,
        range: usize,
        limit: usize,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(pass) = self.run.passes.get(self.run.pass).cloned() else { return Ok(()) };
        let before = self.readers.get(range).and_then(|reader| reader.after.clone());
        let read = self.read_of(config, &pass, limit, before.as_deref(), answer)?;
        let SourcePage { mut page, linked, after, ended } = read;
        let number = self.next_number();
        let Some(reader) = self.readers.get_mut(range) else { return Ok(()) };
        reader.reading = false;
        reader.ended = ended;
        reader.after = after.clone().or(before);
        if !page.records.is_empty() || page.waits > 0 {
            page.origin = PageOrigin::Range { range, after };
            reader.pages.push_back(number);
            self.pages.insert(number, page);
        }
        if let Some(walk) = linked {
            self.now_queue(What::Linked { page: number, walk }, now);
        } else if pass.hand_over {
            self.leave_to_outbox(number, now);
        }
        self.prepare(config, number, now);
        Ok(())
    }

    /// What an answer to the reading of a pass holds; the page begins after `before`.
    fn read_of(
        &mut self,
        config: &Config,
        pass: &Pass,
        limit: usize,
        before: Option<&str>,
        answer: &Answer,
    ) -> Result<SourcePage, ReadFault> {
        let mut page = RunPage::new(PageOrigin::Again);
        page.bytes = answer.body.len();
        let mut linked = None;
        let (after, ended) = match &pass.source {
            Source::Held { check } => {
                let found = if *check { marked_ids(answer, &MARKS)? } else { ids(answer)? };
                let found = found.unwrap_or_default();
                let records = found.ids.iter().filter_map(|id| Id::new(identity::external(id)));
                page.records = records.map(|id| Record::new(id, RecordFate::Open)).collect();
                let ids = found.ids.into_iter().enumerate().collect();
                let (kind, check) = (held(self.run.kind), *check);
                page.documents = Some(PageDocuments::Held { kind, check, ids });
                let ended = found.next.is_none();
                (found.next, ended)
            }
            Source::Linked { link, filter, .. } => {
                let results = commercetools::raw_page(answer)?;
                let found = links(&results);
                let last = found.last().map(|found| found.id.to_string());
                linked = self.linked_walk(*link, filter.clone(), found);
                page.waits = u32::from(linked.is_some());
                (last, results.len() < SKUS_PER_QUERY)
            }
            Source::List { .. } => {
                let results = commercetools::raw_page(answer)?;
                let part = listed(&self.list, before);
                if pass.hand_over {
                    take_ids(&mut page, &results);
                } else {
                    self.take_records(&mut page, &results);
                    let missing = self.list[part.clone()].iter().filter(|id| !page.has(id));
                    let missing: Vec<_> = missing.cloned().collect();
                    page.records.extend(missing.into_iter().map(|id| Record::new(id, not_found())));
                }
                (Some(part.end.to_string()), part.end >= self.list.len())
            }
            Source::Documents(_) => {
                let results = commercetools::raw_page(answer)?;
                self.learn_size(config, results.len(), answer.body.len());
                let last = records::last_id(&results).map(|id| id.to_string());
                if pass.hand_over {
                    take_ids(&mut page, &results);
                } else if last.is_some() {
                    page.unread = Some(answer.clone());
                    page.waits = 1;
                }
                (last, results.len() < limit)
            }
        };
        Ok(SourcePage { page, linked, after, ended })
    }

    /// Reads the documents of a page that was answered, if there is one. That takes a while, and
    /// the calls that could be made are to be under way meanwhile.
    pub(in crate::import) fn read_documents(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(number) = self.unread() else { return false };
        let answer = self.pages.get_mut(&number).and_then(|page| page.unread.take());
        let answer = answer.unwrap_or_default();
        // It was a page when it was answered.
        let results = commercetools::raw_page(&answer).unwrap_or_default();
        let (records, documents) = self.records(&results);
        if let Some(page) = self.pages.get_mut(&number) {
            page.records = records;
            page.documents = Some(documents);
            page.bytes = answer.body.len() * READ_BYTES;
            page.waits = 0;
        }
        self.prepare(config, number, now);
        true
    }

    /// The oldest page that was answered, and whose documents are not read.
    pub(in crate::import) fn unread(&self) -> Option<PageNo> {
        self.pages.iter().find(|(_, page)| page.unread.is_some()).map(|(number, _)| *number)
    }

    fn next_number(&mut self) -> PageNo {
        self.next_page = self.next_page.wrapping_add(1);
        self.next_page
    }

    /// Takes the documents of an answer into a page.
    fn take_records(&self, page: &mut RunPage, results: &[&str]) {
        let (records, documents) = self.records(results);
        page.records = records;
        page.documents = Some(documents);
    }

    fn records(&self, results: &[&str]) -> (Vec<Record>, PageDocuments) {
        let (records, documents) = records::read(self.run.kind, results);
        let records = records
            .into_iter()
            .map(|(id, fault)| Record::new(id, fault.map_or(RecordFate::Open, RecordFate::Failed)));
        (records.collect(), documents)
    }

    /// The documents that these lead to, but for those that the pass before had.
    fn linked_walk(&self, link: PassLink, filter: Filter, found: Vec<Linking>) -> Option<Walk> {
        let among = match link {
            PassLink::Payments => {
                Among::Payments(found.into_iter().map(|found| found.id).collect())
            }
            PassLink::Inventory | PassLink::Prices => {
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
        let filter = Filter { among: Some(among), ..filter };
        let of = resource(self.run.kind);
        (!is_empty).then_some(Walk { of, filter, after: None, limit: PAGE })
    }

    pub(super) fn linked_read(
        &mut self,
        config: &Config,
        number: PageNo,
        walk: &Walk,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let results = commercetools::raw_page(answer)?;
        let hand_over = self.run.passes.get(self.run.pass).is_some_and(|pass| pass.hand_over);
        let mut more = RunPage::new(PageOrigin::Again);
        if hand_over {
            take_ids(&mut more, &results);
        } else {
            self.take_records(&mut more, &results);
        }
        let last = more.records.last().map(|record| record.id.clone());
        let full = results.len() == walk.limit;
        // A document that several lead to is written once.
        let pending: HashSet<&Id> = self.pending.values().collect();
        for record in &mut more.records {
            let id = &record.id;
            let again = self.run.again.contains(id);
            if again || pending.contains(id) || self.pages.values().any(|page| page.has(id)) {
                record.fate = RecordFate::Known;
            }
        }
        let Some(page) = self.pages.get_mut(&number) else { return Ok(()) };
        page.bytes += answer.body.len();
        page.append(more);
        if let Some(after) = last.filter(|_| full) {
            let walk = Walk { after: Some(after), ..walk.clone() };
            self.now_queue(What::Linked { page: number, walk }, now);
        } else if hand_over {
            page.waits = 0;
            self.leave_to_outbox(number, now);
        } else {
            page.waits = 0;
            self.prepare(config, number, now);
        }
        Ok(())
    }

    /// Asks the outbox to take the records of a page.
    fn leave_to_outbox(&mut self, number: PageNo, now: DateTime<Utc>) {
        let Some(page) = self.pages.get_mut(&number) else { return };
        let open = page.records.iter().filter(|record| record.fate == RecordFate::Open);
        let ids: Vec<_> = open.map(|record| record.id.clone()).collect();
        if !ids.is_empty() {
            page.waits = 1;
            self.now_queue(What::HandOver { page: number, ids }, now);
        }
    }

    /// The outbox has the records of a page: nothing more is to be done with them here.
    pub(super) fn handed_over(&mut self, number: PageNo, answer: &Answer) -> Result<(), ReadFault> {
        if answer.status != 201 {
            return Err(Setback::from(TransientFault::OutboxUnavailable).into());
        }
        let Some(page) = self.pages.get_mut(&number) else { return Ok(()) };
        page.waits = 0;
        for record in &mut page.records {
            record.end(RecordFate::Skipped);
        }
        Ok(())
    }

    pub(super) fn again_read(
        &mut self,
        config: &Config,
        asked: &[Id],
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let results = commercetools::raw_page(answer)?;
        let mut page = RunPage::new(PageOrigin::Again);
        page.bytes = answer.body.len();
        self.take_records(&mut page, &results);
        // What is gone by now needs nothing any more.
        let gone: Vec<_> = asked.iter().filter(|id| !page.has(id)).cloned().collect();
        page.records.extend(gone.into_iter().map(|id| Record::new(id, RecordFate::Skipped)));
        let number = self.next_number();
        self.pages.insert(number, page);
        self.prepare(config, number, now);
        Ok(())
    }

    pub(super) fn need_answered(
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
        if let Some(need) = follows {
            self.now_queue(What::Need { page: number, need }, now);
        } else {
            page.waits = page.waits.saturating_sub(1);
            self.prepare(config, number, now);
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
        let verdict = judge(&request.success(), &Ok(answer.clone()));
        if let Some(next) = request.way_out(&verdict) {
            self.now_queue(What::Need { page: number, need: Need::Category(next) }, now);
            return Ok(());
        }
        let Request::Catalog(write) = request else { return Ok(()) };
        match request.settled(verdict) {
            Verdict::Later(setback) => return Err(setback.into()),
            Verdict::Accepted => self.memory.learn_category(write.id().to_owned()),
            _ => {}
        }
        for number in self.categories.remove(write.id()).unwrap_or_default() {
            if let Some(page) = self.pages.get_mut(&number) {
                page.waits = page.waits.saturating_sub(1);
            }
            self.prepare(config, number, now);
        }
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
                        if self.is_first_to_need(&need, number) {
                            self.now_queue(What::Need { page: number, need }, now);
                        }
                    }
                    return;
                }
            }
        }
        let Some(page) = self.pages.get_mut(&number) else { return };
        let Some(documents) = page.documents.take() else { return };
        let context = std::mem::take(&mut page.context);
        let mapped = records::map(config, &documents, &context, &self.memory, now);
        let phones = &mut self.phones;
        let mapped = mapped.map(|(record, mapped)| (record, phones.keep_apart(mapped)));
        let alone = page.origin == PageOrigin::Again || config.rules.import.one_by_one;
        // Each is rows before the next is mapped: what is made of an order takes many times its bytes.
        for (record, mapped) in mapped {
            let Some(one) = page.records.get_mut(record) else { continue };
            if one.fate != RecordFate::Open {
                continue;
            }
            match mapped {
                MappedRecord::Write(stages) => {
                    let external_id = Some(one.id.to_string());
                    let unit = self.writer.add(NewUnit { alone, external_id, stages }, ms(now));
                    one.unit = Some(unit);
                    self.live.insert(unit, Owner { page: number, record });
                }
                MappedRecord::Skip => one.end(RecordFate::Skipped),
                MappedRecord::Fault(fault) => one.end(RecordFate::Failed(fault.into())),
            }
        }
        page.mapped();
        self.memory.trim();
    }

    /// Whether nobody asked for it before. A category that several pages need is written for the
    /// first of them; the others wait for it.
    fn is_first_to_need(&mut self, need: &Need, number: PageNo) -> bool {
        let Need::Category(Request::Catalog(write)) = need else { return true };
        let waiting = self.categories.entry(write.id().to_owned()).or_default();
        waiting.push(number);
        waiting.len() == 1
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

/// Takes only the ids of documents into a page.
fn take_ids(page: &mut RunPage, results: &[&str]) {
    let found = links(results).into_iter();
    page.records = found.map(|found| Record::new(found.id, RecordFate::Open)).collect();
}

fn not_found() -> RecordFate {
    let detail = "commercetools has no such record, or the API client may not see it";
    RecordFate::Failed(Rejection::new(FinalFault::NotFound, detail))
}
