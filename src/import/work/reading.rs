//! Pages: what the run reads for them, what their records need, and their mapping.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::calling::{ReadTask, RunReading};
use super::gone::is_to_see_who_is_gone;
use super::linked::links;
use super::{CutRecord, OpenPage, RunWork};
use crate::assembly::DeliveryStep;
use crate::assembly::delivery::Delivery;
use crate::assembly::documents::Documents;
use crate::assembly::record::{self, HistoryRecord};
use crate::assembly::together::{HandedOut, JointReading, together};
use crate::commercetools::answer::{self as commercetools, BegunPage};
use crate::commercetools::reference::Id;
use crate::commercetools::together::JointQuery;
use crate::config::Config;
use crate::engine::stubborn::CallTries;
use crate::engine::writer::NewUnit;
use crate::fault::{FinalFault, ReadFault, Rejection};
use crate::http::HttpAnswer;
use crate::import::kind::ImportKind;
use crate::import::page::{PageOrigin, RecordFate, RunPage, RunRecord, SkipReason};
use crate::import::passes::{Pass, PassLink, PassSource, held, listed};
use crate::import::record_ref::{PageNo, RecordRef};
use crate::import::selection::RunSelection;
use crate::klaviyo::answer::{ids, marked_ids};
use crate::mapping::body::Cut;
use crate::mapping::identity;
use crate::mapping::metadata::MARKS;
use crate::push::plan::price_edge::PriceEdge;
use crate::time::UnixMs;

/// The approximate memory of documents of this many bytes from their reading to their mapping. An order stays a text,
/// beside the fields that are used by name; the others become trees.
fn read_bytes(kind: ImportKind, bytes: usize) -> usize {
    bytes * if kind == ImportKind::Orders { 2 } else { 5 }
}

/// A page from the source of a pass.
struct SourcePage {
    page: RunPage,
    /// Where the next page begins.
    after: Option<String>,
    /// Whether there is no next page.
    ended: bool,
}

impl RunWork {
    pub(super) fn page_read(
        &mut self,
        config: &Config,
        range: usize,
        limit: usize,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(pass) = self.run.passes.get(self.run.pass).cloned() else { return Ok(()) };
        let before = self.readers.get(range).and_then(|reader| reader.after.clone());
        let Some(read) = self.read_of(config, &pass, limit, before.as_deref(), answer)? else {
            // The run asks for the same page with fewer documents.
            if let Some(reader) = self.readers.get_mut(range) {
                reader.reading = false;
            }
            return Ok(());
        };
        let SourcePage { mut page, after, ended } = read;
        page.follows_links = !page.linked.is_empty();
        page.waits += u32::from(page.follows_links);
        let follows_links = page.follows_links;
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
        if follows_links {
            self.follow_links(config, now);
        } else if pass.hand_over {
            self.leave_to_outbox(number, now);
        }
        self.prepare(config, number, now);
        Ok(())
    }

    /// What an answer to the reading of a pass holds; the page begins after `before`. None if it holds no whole
    /// document: the run asks again with fewer documents.
    fn read_of(
        &mut self,
        config: &Config,
        pass: &Pass,
        limit: usize,
        before: Option<&str>,
        answer: &HttpAnswer,
    ) -> Result<Option<SourcePage>, ReadFault> {
        let mut page = RunPage::new(PageOrigin::Again);
        page.bytes = answer.body.len();
        if answer.is_beginning && !matches!(pass.source, PassSource::Held { .. }) {
            let begun = commercetools::begun_page(answer)?;
            if begun.results.is_empty() && limit > 1 {
                self.size.limit = 1;
                return Ok(None);
            }
        }
        let (after, ended) = match &pass.source {
            PassSource::Held { check } => {
                let found = if *check { marked_ids(answer, &MARKS)? } else { ids(answer)? };
                let found = found.unwrap_or_default();
                let (kind, check) = (held(self.run.kind), *check);
                for id in found.ids {
                    let Some(record) = Id::new(identity::external(&id)) else { continue };
                    let held = HistoryRecord::Held { kind, id, check };
                    page.add(record, Ok(Delivery::of_record(held, Documents::default())));
                }
                let ended = found.next.is_none();
                (found.next, ended)
            }
            PassSource::Linked { link, filter, .. } => {
                let is_none = *link == PassLink::Variants
                    && commercetools::has_no_variants_apart(self.run.catalog_model, answer);
                let begun = if is_none { None } else { Some(commercetools::begun_page(answer)?) };
                let BegunPage { results, is_whole, begun } = begun.unwrap_or_default();
                let found = links(&results);
                let last = found.last().map(|found| found.id.to_string());
                page.linked = self.linked_walks(*link, filter, found);
                // A linking document that is too large is left out.
                let last = begun.filter(|_| results.is_empty()).map(|id| id.to_string()).or(last);
                let ended = (is_none || is_whole) && results.len() < link.limit(limit);
                self.size.limit = self.size.limit.max(2);
                (last, ended)
            }
            PassSource::List { .. } => {
                let BegunPage { results, is_whole, begun } = commercetools::begun_page(answer)?;
                let part = listed(&self.list, before, limit);
                self.learn_size(config, results.len(), answer.body.len());
                if pass.hand_over {
                    // The answer does not say which of the unread documents changed.
                    page.take_ids(&results);
                    let rest = self.list[part.clone()].iter().filter(|_| !is_whole);
                    let rest: Vec<_> = rest.filter(|id| !page.has(id)).cloned().collect();
                    page.records.extend(rest.into_iter().map(RunRecord::open));
                } else {
                    page.take_records(self.run.kind.documents(), &results);
                    if limit == 1 && results.is_empty() {
                        page.records.extend(begun.map(|id| RunRecord::new(id, too_large())));
                    }
                    let missing = self.list[part.clone()].iter().filter(|id| !page.has(id));
                    let missing: Vec<_> = missing.cloned().collect();
                    for id in missing {
                        let fate = match self.run.selection {
                            _ if !is_whole => RecordFate::Again,
                            // It failed when it existed; now there is nothing to do.
                            RunSelection::Retry => RecordFate::Skipped(SkipReason::GONE),
                            _ => not_found(),
                        };
                        page.add(id, Err(fate));
                    }
                }
                (Some(part.end.to_string()), part.end >= self.list.len())
            }
            PassSource::Documents(_) => {
                let BegunPage { results, is_whole, begun } = commercetools::begun_page(answer)?;
                self.learn_size(config, results.len(), answer.body.len());
                let ended = is_whole && results.len() < limit;
                let mut last = record::last_id(&results);
                if pass.hand_over {
                    page.take_ids(&results);
                } else if last.is_some() {
                    page.unread = Some(answer.clone());
                    page.waits = 1;
                }
                if results.is_empty() && !is_whole {
                    // Without its id the run cannot go on after it.
                    let id = begun.ok_or_else(commercetools::too_large)?;
                    let fate = if pass.hand_over { RecordFate::Open } else { too_large() };
                    page.records.push(RunRecord::new(id.clone(), fate));
                    last = Some(id);
                }
                (last.map(|id| id.to_string()), ended)
            }
        };
        Ok(Some(SourcePage { page, after, ended }))
    }

    /// Reads the documents of an answered page, if there is one. That takes a while; all possible calls should be under
    /// way meanwhile.
    pub(in crate::import) fn read_documents(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
    ) -> bool {
        let room = |number: &PageNo| self.has_room_to_read(*number);
        let Some(number) = self.unread().filter(room) else { return false };
        let answer = self.pages.get_mut(&number).and_then(|page| page.unread.take());
        let answer = answer.unwrap_or_default();
        // The answer was a page when it came.
        let results = commercetools::begun_page(&answer).unwrap_or_default().results;
        let of = self.run.kind.documents();
        if let Some(page) = self.pages.get_mut(&number) {
            page.take_records(of, &results);
            page.bytes = read_bytes(self.run.kind, answer.body.len());
            page.waits = 0;
        }
        self.prepare(config, number, now);
        true
    }

    /// Whether there are documents that may be read.
    pub(in crate::import) fn can_read_documents(&self) -> bool {
        self.unread().is_some_and(|number| self.has_room_to_read(number))
    }

    /// Whether the documents of a page may be read. One page always may, whatever its size, but not beside those of
    /// others, or beside more rows than fit.
    pub(super) fn has_room_to_read(&self, number: PageNo) -> bool {
        let Some(page) = self.pages.get(&number) else { return false };
        let others = self.pages.values().filter(|page| page.unread.is_none());
        let used = others.clone().map(|page| page.bytes).sum::<usize>() + self.writer.bytes();
        let is_only = others.clone().all(|page| page.units.is_empty());
        used + read_bytes(self.run.kind, page.bytes) <= self.room || (is_only && used < self.room)
    }

    /// The oldest answered page with unread documents.
    fn unread(&self) -> Option<PageNo> {
        self.pages.iter().find(|(_, page)| page.unread.is_some()).map(|(number, _)| *number)
    }

    fn next_number(&mut self) -> PageNo {
        self.next_page = self.next_page.wrapping_add(1);
        self.next_page
    }

    /// Asks the outbox to take the records of a page.
    pub(super) fn leave_to_outbox(&mut self, number: PageNo, now: DateTime<Utc>) {
        let Some(page) = self.pages.get_mut(&number) else { return };
        let open = page.records.iter().filter(|record| record.fate == RecordFate::Open);
        let ids: Vec<_> = open.map(|record| record.id.clone()).collect();
        if !ids.is_empty() {
            page.waits = 1;
            self.now_queue(RunReading::HandOver { page: number, ids }, now);
        }
    }

    /// The outbox has the records of a page: the import does nothing more with them.
    pub(super) fn handed_over(&mut self, number: PageNo) {
        let Some(page) = self.pages.get_mut(&number) else { return };
        page.waits = 0;
        for record in &mut page.records {
            record.end(RecordFate::HandedOver);
        }
    }

    /// Stores the edges of the prices of a page before its first write: if the run does not finish the page, an edge
    /// may pass before it reads the page again, and Klaviyo may carry out a current job after that.
    fn open_edges(&mut self, number: PageNo, edges: Vec<PriceEdge>) {
        let Some(page) = self.pages.get_mut(&number).filter(|_| !edges.is_empty()) else { return };
        let changes = edges.iter().map(PriceEdge::notification).collect();
        page.price_edges.extend(edges);
        self.saving.opened.push(OpenPage { page: Some(number), changes });
        self.dirty = true;
    }

    /// The outbox keeps the edges of the prices of a page.
    pub(super) fn edges_kept(&mut self, number: PageNo) {
        if let Some(page) = self.pages.get_mut(&number) {
            page.waits = 0;
        }
        self.saving.finished.push(number);
        self.dirty = true;
    }

    pub(super) fn again_read(
        &mut self,
        config: &Config,
        asked: &[Id],
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let BegunPage { results, is_whole, .. } = commercetools::begun_page(answer)?;
        let mut page = RunPage::new(PageOrigin::Again);
        page.bytes = answer.body.len();
        page.take_records(self.run.kind.documents(), &results);
        self.learn_size(config, results.len(), answer.body.len());
        if results.is_empty() && !is_whole {
            self.size.limit = 1;
        }
        let missing: Vec<_> = asked.iter().filter(|id| !page.has(id)).cloned().collect();
        if is_whole {
            // A missing record needs nothing any more.
            self.leave_gone(missing.clone(), now);
            let gone = |id| RunRecord::new(id, RecordFate::Skipped(SkipReason::GONE));
            page.records.extend(missing.into_iter().map(gone));
        } else if let [only] = asked
            && results.is_empty()
        {
            page.records.push(RunRecord::new(only.clone(), too_large()));
        } else {
            // The run asks for the others once more, fewer at a time.
            for id in missing {
                self.again_under_way.remove(&id);
            }
        }
        let number = self.next_number();
        self.pages.insert(number, page);
        self.prepare(config, number, now);
        Ok(())
    }

    /// Asks for what records of a page need in two queries instead of one.
    pub(super) fn ask_in_halves(
        &mut self,
        number: PageNo,
        query: &JointQuery,
        tries: CallTries,
        now: DateTime<Utc>,
    ) {
        let Some(page) = self.pages.get_mut(&number) else { return };
        page.waits = page.waits.saturating_sub(1);
        for half in query.halves() {
            page.waits += 1;
            let what = RunReading::Need { page: number, need: JointReading::Queries(half) };
            let tries = tries.of_part();
            self.queue.push_back(ReadTask { what, not_before: UnixMs::from(now), tries });
        }
    }

    /// Gives up what records need: the records that wait for it fail.
    pub(super) fn give_need_up(
        &mut self,
        config: &Config,
        number: PageNo,
        need: &JointReading,
        rejection: &Rejection,
        now: DateTime<Utc>,
    ) {
        let waiting = match need {
            JointReading::Category(write, _) => {
                self.categories.remove(write.id()).unwrap_or_default()
            }
            _ => vec![(number, need.clone())],
        };
        for (number, need) in waiting {
            let Some(page) = self.pages.get_mut(&number) else { continue };
            for unit in need.units() {
                let Some((record, _)) = page.units.get(unit) else { continue };
                if let Some(record) = page.records.get_mut(*record) {
                    record.end(RecordFate::Failed(rejection.clone()));
                }
            }
            page.waits = page.waits.saturating_sub(1);
            self.prepare(config, number, now);
        }
    }

    /// Hands an answer to the records that wait for it: for a category these are records of any page.
    pub(super) fn need_answered(
        &mut self,
        config: &Config,
        number: PageNo,
        need: &JointReading,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let JointReading::Category(write, _) = need else {
            return self.hand_out(config, number, need, answer, now);
        };
        let waiting = self.categories.remove(write.id()).unwrap_or_default();
        let told = waiting
            .iter()
            .try_for_each(|(page, need)| self.hand_out(config, *page, need, answer, now));
        if told.is_err() {
            // The run asks for it once more.
            self.categories.insert(write.id().to_owned(), waiting);
        }
        told
    }

    fn hand_out(
        &mut self,
        config: &Config,
        number: PageNo,
        need: &JointReading,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(page) = self.pages.get_mut(&number) else { return Ok(()) };
        let HandedOut { parts, further } = need.hand_out(Ok(answer));
        for part in parts {
            let Some((record, unit)) = page.units.get_mut(part.unit) else { continue };
            match unit.take(&part, &mut self.memory, now) {
                Ok(()) => {}
                // If it cannot be read, the records that need it fail.
                Err(ReadFault::Never(rejection))
                    if matches!(
                        rejection.fault,
                        FinalFault::DocumentMalformed | FinalFault::TooLarge
                    ) =>
                {
                    if let Some(record) = page.records.get_mut(*record) {
                        record.end(RecordFate::Failed(rejection));
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        page.waits = page.waits.saturating_sub(1);
        self.ask(number, further, now);
        self.prepare(config, number, now);
        Ok(())
    }

    /// Asks for what records of a page need. A category that several records wait for is written for the first of them.
    pub(super) fn ask(&mut self, number: PageNo, needs: Vec<JointReading>, now: DateTime<Utc>) {
        let Some(page) = self.pages.get_mut(&number) else { return };
        page.waits += u32::try_from(needs.len()).unwrap_or(u32::MAX);
        for need in needs {
            if let JointReading::Category(write, _) = &need {
                let waiting = self.categories.entry(write.id().to_owned()).or_default();
                waiting.push((number, need.clone()));
                if waiting.len() > 1 {
                    continue;
                }
            }
            self.now_queue(RunReading::Need { page: number, need }, now);
        }
    }

    /// Maps what is read for a page, and asks for what the other records need.
    ///
    /// It maps each record to rows and frees it before the next: mapping an order takes many times its bytes.
    pub(super) fn prepare(&mut self, config: &Config, number: PageNo, now: DateTime<Utc>) {
        let is_counted = self.is_counted();
        let Some(page) = self.pages.get_mut(&number).filter(|page| page.waits == 0) else { return };
        let units = std::mem::take(&mut page.units);
        if units.is_empty() {
            return;
        }
        let each = page.bytes / units.len();
        let alone = page.origin == PageOrigin::Again || config.rules.import.one_by_one;
        let (mut waiting, mut wanted) = (Vec::new(), Vec::new());
        let mut edges = Vec::new();
        let (leaves_buyers, mut buyers) = (is_to_see_who_is_gone(config), BTreeSet::new());
        for (record, mut delivery) in units {
            let Some(one) = page.records.get_mut(record) else { continue };
            if one.fate != RecordFate::Open {
                continue;
            }
            match delivery.next_with(config, &self.memory, now) {
                DeliveryStep::Read(readings) => {
                    wanted.extend(readings.into_iter().map(|reading| (waiting.len(), reading)));
                    waiting.push((record, delivery));
                }
                DeliveryStep::Send { mut stages, cut } => {
                    let counted = cut.iter().filter(|_| is_counted);
                    for one in counted {
                        if let Cut::Counted(code, number) = one {
                            *self.run.left_out.entry(*code).or_default() += number;
                        }
                    }
                    if !cut.is_empty() {
                        self.cuts.push(CutRecord { id: one.id.clone(), cut });
                    }
                    edges.extend(delivery.price_edge(config, now));
                    buyers.extend(delivery.buyer().filter(|_| leaves_buyers).cloned());
                    let left_out = self.phones.keep_apart(&mut stages);
                    self.run.phones_left_out += if is_counted { left_out } else { 0 };
                    let external_id = Some(one.id.to_string());
                    let unit =
                        self.writer.add(NewUnit { alone, external_id, stages }, UnixMs::from(now));
                    one.unit = Some(unit);
                    self.live.insert(unit, RecordRef { page: number, record });
                }
                DeliveryStep::Conclude(conclusion) => one.end(conclusion.into()),
                // Only notifications lead to others.
                DeliveryStep::Follow(_) => {
                    one.end(RecordFate::Skipped(SkipReason::NothingToSend));
                }
            }
        }
        page.mapped();
        page.bytes += each * waiting.len();
        page.units = waiting;
        self.is_going_to_be_written(number);
        self.leave_buyers(buyers);
        self.open_edges(number, edges);
        self.ask(number, together(wanted), now);
    }
}

fn too_large() -> RecordFate {
    RecordFate::Failed(commercetools::too_large())
}

fn not_found() -> RecordFate {
    let detail = "commercetools has no such record, or the API client may not see it";
    RecordFate::Failed(Rejection::new(FinalFault::NotFound, detail))
}
