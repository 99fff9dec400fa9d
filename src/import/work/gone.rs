//! Customers who are gone by the time their profiles are written.
//!
//! The deployment that takes pushes is told who was erased, and remembers it. A deployment that only
//! imports is not: so what it wrote counts only when commercetools has been asked once more who is
//! there. Who is not is left to the outbox, which takes the profile away if Klaviyo created it after the
//! run began ([`crate::push::plan::customer::written_since`]).

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::RunWork;
use super::calling::RunReading;
use crate::assembly::record::ids_of;
use crate::commercetools::answer as commercetools;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::engine::events::WriteEvent;
use crate::engine::unit::{UnitEnd, UnitNo};
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::import::passes::LIST_PAGE;
use crate::import::run::ImportKind;

/// What is held back until it is known who is there. As long as the end of a job is, the job is kept:
/// an object that goes down looks at it, and asks, once more.
#[derive(Default)]
pub(super) struct HeldBack {
    /// What came while others were being asked for.
    waiting: Vec<WriteEvent>,
    /// Those whose customers are being asked for.
    asked: Vec<WriteEvent>,
    /// Answers that are awaited.
    waits: usize,
    /// The units of all of them.
    units: HashSet<UnitNo>,
}

impl HeldBack {
    /// Whether to hold anything back, with these settings.
    pub(super) fn of(config: &Config, kind: ImportKind) -> Option<Self> {
        let erases = config.rules.customer.deletion == CustomerDeletion::Erase;
        let is_told = config.mode.realtime();
        (kind == ImportKind::Customers && erases && !is_told).then(Self::default)
    }
}

/// The unit of a profile that was written.
fn written(event: &WriteEvent) -> Option<UnitNo> {
    match event {
        WriteEvent::Ended(ended) if ended.end == UnitEnd::Written => Some(ended.no),
        _ => None,
    }
}

impl RunWork {
    /// What can be taken at once of these; the rest is held back.
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

    /// Asks for the customers of what waits, unless others are being asked for.
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

    /// Sets how many answers are awaited. When there are none, what was held back for them counts.
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

    /// Who of those whose profiles were written is there.
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

    /// Asks the outbox to see to customers who are gone, and may have been written.
    pub(super) fn leave_gone(&mut self, gone: Vec<Id>, now: DateTime<Utc>) {
        if let Some(held_back) = self.held_back.as_mut().filter(|_| !gone.is_empty()) {
            held_back.waits += 1;
            self.now_queue(RunReading::LeaveGone(gone), now);
        }
    }

    /// The outbox sees to those who are gone.
    pub(super) fn gone_left(&mut self, now: DateTime<Utc>) {
        self.answers_awaited(|waits| waits.saturating_sub(1), now);
    }

    /// The run ends before it is known: should it go on, these are sent, and asked for, once more.
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
