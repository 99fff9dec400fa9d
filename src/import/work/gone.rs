//! Customers who no longer exist when a run writes their profiles.
//!
//! The deployment that takes pushes learns who was erased, and remembers it. A deployment that only imports does not:
//! so its writes count only after it has asked commercetools once more which customers exist. It leaves the missing
//! ones to the outbox, which deletes the profile if Klaviyo created it after the run began
//! ([`crate::push::plan::customer::written_since`]). Before the run writes a page, it stores the page's customers: if
//! the run cannot ask for them, the outbox does ([`crate::import::store::open_pages`]).

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::calling::RunReading;
use super::{OpenPage, RunWork};
use crate::assembly::record::ids_of;
use crate::commercetools::answer as commercetools;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::engine::events::WriteEvent;
use crate::engine::unit::UnitEnd;
use crate::engine::unit_no::UnitNo;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::import::kind::ImportKind;
use crate::import::passes::LIST_PAGE;
use crate::import::record_ref::PageNo;
use crate::push::plan::customer::written_since;

/// Whether nobody tells this deployment who was erased, so that a run has to find out itself.
pub(super) fn is_to_see_who_is_gone(config: &Config) -> bool {
    config.rules.customer.deletion == CustomerDeletion::Erase && !config.mode.realtime()
}

/// Events held back until the run knows which customers exist. While the end of a job is held back, the job stays
/// stored: after a crash the object looks at it, and asks, once more.
#[derive(Default)]
pub(super) struct HeldBack {
    /// Events that came while the run asked for others.
    waiting: Vec<WriteEvent>,
    /// Events whose customers are being asked for.
    asked: Vec<WriteEvent>,
    /// Answers still to come.
    waits: usize,
    /// The units of all of them.
    units: HashSet<UnitNo>,
    /// Written units whose customers were not asked for yet, each with its page, which is stored.
    unasked: HashMap<UnitNo, PageNo>,
    /// The number of such units of each page.
    unasked_of: HashMap<PageNo, usize>,
}

impl HeldBack {
    /// Whether to hold back events, with these settings.
    pub(super) fn of(config: &Config, kind: ImportKind) -> Option<Self> {
        (kind == ImportKind::Customers && is_to_see_who_is_gone(config)).then(Self::default)
    }
}

/// The unit of a written profile.
fn written(event: &WriteEvent) -> Option<UnitNo> {
    match event {
        WriteEvent::Ended(ended) if ended.end == UnitEnd::Written => Some(ended.no),
        _ => None,
    }
}

impl RunWork {
    /// Stores the customers of a mapped page before its first write.
    pub(super) fn is_going_to_be_written(&mut self, number: PageNo) {
        let Some(held_back) = &mut self.held_back else { return };
        let Some(page) = self.pages.get(&number) else { return };
        let new = |unit: &UnitNo| !held_back.unasked.contains_key(unit);
        let records = page.records.iter().filter(|record| record.unit.as_ref().is_some_and(new));
        let (customers, units): (Vec<_>, Vec<_>) =
            records.filter_map(|record| Some((record.id.clone(), record.unit?))).unzip();
        if units.is_empty() {
            return;
        }
        *held_back.unasked_of.entry(number).or_default() += units.len();
        held_back.unasked.extend(units.into_iter().map(|unit| (unit, number)));
        self.open_page(Some(number), &customers);
    }

    /// Stores the customers of order events, which create their profiles. Klaviyo does not say when it carries those
    /// out, so nobody can ask in time: the outbox gets all of them at the end of the run.
    pub(super) fn leave_buyers(&mut self, buyers: BTreeSet<Id>) {
        if !buyers.is_empty() {
            self.open_page(None, &buyers.into_iter().collect::<Vec<_>>());
        }
    }

    fn open_page(&mut self, page: Option<PageNo>, customers: &[Id]) {
        let since = self.run.started_at;
        let changes = customers.iter().map(|customer| written_since(customer, since)).collect();
        self.saving.opened.push(OpenPage { page, changes });
        self.dirty = true;
    }

    /// Nothing more has to be asked for a unit. After the last unit of a page, its row is deleted.
    pub(super) fn is_asked(&mut self, unit: UnitNo) {
        let Some(held_back) = &mut self.held_back else { return };
        let Some(page) = held_back.unasked.remove(&unit) else { return };
        let left = held_back.unasked_of.entry(page).or_default();
        debug_assert!(*left > 0, "each unit is counted with its page");
        *left = left.saturating_sub(1);
        if *left == 0 {
            held_back.unasked_of.remove(&page);
            self.saving.finished.push(page);
            self.dirty = true;
        }
    }

    /// Klaviyo may carry out a write after the run has asked which customers exist: the outbox gets all customers of
    /// such writes, and asks as soon as no write can follow.
    pub(super) fn leave_unasked(&mut self) {
        if let Some(held_back) = &mut self.held_back {
            held_back.unasked.clear();
            held_back.unasked_of.clear();
        }
    }

    /// Returns the events that count at once; holds back the rest.
    pub(super) fn hold_back(
        &mut self,
        events: Vec<WriteEvent>,
        now: DateTime<Utc>,
    ) -> Vec<WriteEvent> {
        let Some(held_back) = &mut self.held_back else { return events };
        let is_held = |event: &WriteEvent| {
            written(event).is_some() || matches!(event, WriteEvent::JobEnded(..))
        };
        let (held, free): (Vec<_>, Vec<_>) = events.into_iter().partition(is_held);
        held_back.units.extend(held.iter().filter_map(written));
        held_back.waiting.extend(held);
        self.ask_who_is_there(now);
        free
    }

    pub(super) fn nothing_is_held_back(&self) -> bool {
        self.held_back.as_ref().is_none_or(|held| held.waits == 0 && held.waiting.is_empty())
    }

    pub(super) fn is_held_back(&self, unit: UnitNo) -> bool {
        self.held_back.as_ref().is_some_and(|held_back| held_back.units.contains(&unit))
    }

    /// Asks for the customers of the waiting events, unless a query for others is under way.
    fn ask_who_is_there(&mut self, now: DateTime<Utc>) {
        let Some(held_back) = &mut self.held_back else { return };
        if held_back.waits > 0 || held_back.waiting.is_empty() {
            return;
        }
        held_back.asked = std::mem::take(&mut held_back.waiting);
        let units: Vec<_> = held_back.asked.iter().filter_map(written).collect();
        let ids: Vec<Id> = units.into_iter().filter_map(|unit| self.id_of(unit)).collect();
        for ids in ids.chunks(LIST_PAGE) {
            self.now_queue(RunReading::Written(ids.to_vec()), now);
        }
        let waits = ids.len().div_ceil(LIST_PAGE);
        self.answers_awaited(|_| waits, now);
    }

    /// The record of a unit.
    fn id_of(&self, unit: UnitNo) -> Option<Id> {
        if let Some(id) = self.pending.get(&unit) {
            return Some(id.clone());
        }
        let owner = self.live.get(&unit)?;
        Some(self.pages.get(&owner.page)?.records.get(owner.record)?.id.clone())
    }

    /// Sets how many answers are still to come. If none are, the held-back events count.
    fn answers_awaited(&mut self, waits: impl Fn(usize) -> usize, now: DateTime<Utc>) {
        let Some(held_back) = &mut self.held_back else { return };
        held_back.waits = waits(held_back.waits);
        if held_back.waits > 0 {
            return;
        }
        let events = std::mem::take(&mut held_back.asked);
        for unit in events.iter().filter_map(written) {
            held_back.units.remove(&unit);
        }
        for event in events {
            self.take_event(event, now);
        }
        self.ask_who_is_there(now);
    }

    /// Takes which customers of written profiles exist.
    pub(super) fn written_read(
        &mut self,
        asked: &[Id],
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let page = commercetools::begun_page(answer)?;
        let mut there = ids_of(&page.results);
        there.extend(page.begun);
        let rest: Vec<_> = asked.iter().filter(|id| !there.contains(id)).cloned().collect();
        if !page.is_whole && !rest.is_empty() {
            self.now_queue(RunReading::Written(rest), now);
            return Ok(());
        }
        let gone = rest;
        self.leave_gone(gone, now);
        self.answers_awaited(|waits| waits.saturating_sub(1), now);
        Ok(())
    }

    /// Asks the outbox to handle customers who no longer exist, and whose profiles may have been written.
    pub(super) fn leave_gone(&mut self, gone: Vec<Id>, now: DateTime<Utc>) {
        if let Some(held_back) = self.held_back.as_mut().filter(|_| !gone.is_empty()) {
            held_back.waits += 1;
            self.now_queue(RunReading::LeaveGone(gone), now);
        }
    }

    /// The outbox handles the missing customers.
    pub(super) fn gone_left(&mut self, now: DateTime<Utc>) {
        self.answers_awaited(|waits| waits.saturating_sub(1), now);
    }

    /// The run ends before it knows the answer: if it goes on later, it sends these and asks for them once more.
    pub(super) fn let_go_of_held_back(&mut self) {
        let Some(held_back) = &mut self.held_back else { return };
        let HeldBack { waiting, asked, .. } = std::mem::take(held_back);
        for event in asked.into_iter().chain(waiting) {
            match event {
                WriteEvent::JobEnded(job, _) => self.saving.closed.push(job.id),
                WriteEvent::Ended(ended) => self.run.again.extend(self.pending.remove(&ended.no)),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::events::EndedUnit;
    use crate::engine::writer::{NewUnit, UnitWriter, WriterHost};
    use crate::fault::{FinalFault, Rejection};
    use crate::time::UnixMs;

    /// What failed made no profile: nobody has to be asked for.
    #[test]
    fn only_written_profiles_are_asked_for() {
        let refused = Rejection::new(FinalFault::RefusedInJob, "");
        let nothing = NewUnit { alone: false, external_id: None, stages: Vec::new() };
        let no = UnitWriter::new(WriterHost::Import).add(nothing, UnixMs::EPOCH);
        for (end, is_asked) in [
            (UnitEnd::Written, true),
            (UnitEnd::NotHeld, false),
            (UnitEnd::WithJob, false),
            (UnitEnd::Failed(refused), false),
        ] {
            let told = format!("{end:?}");
            let ended = EndedUnit { no, end, taken: Vec::new(), calls: 1, in_doubt: None };
            assert_eq!(written(&WriteEvent::Ended(ended)).is_some(), is_asked, "{told}");
        }
    }
}
