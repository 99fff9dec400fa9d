//! One try of one parked row: from its notification to the work that it asks for, and from the
//! conclusion to what becomes of the row.
//!
//! A row is put off *before* it is tried, so that one that brings the object down does not come
//! first again. It is removed when it is done, if no newer generation came meanwhile.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use worker::{Result, SqlStorage};

use super::dead_letters::{self, NewDeadLetter};
use super::parked::{self, ParkedRow, Taken};
use super::{erasure, jitter, jobs, millis};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::edge::calls::now_ms;
use crate::edge::delivery::work_of;
use crate::edge::log::{self, Effort};
use crate::fault::{FinalFault, Rejection, Setback, TransientFault};
use crate::klaviyo::event::Event;
use crate::klaviyo::job::RowDigest;
use crate::klaviyo::request::Request;
use crate::outbox::schedule::RowGroup;
use crate::realtime::conclusion::Conclusion;
use crate::realtime::deliver::delivery::Delivery;
use crate::realtime::envelope::{self, PushedItem};
use crate::realtime::outcome::Outcome;
use crate::engine::backoff::{SINGLE_IN_DOUBT, patience, wait_after};
use crate::realtime::plan::{Ignored, Work};

/// A row that is being tried.
pub(super) struct RowAttempt {
    pub(super) row: ParkedRow,
    item: PushedItem,
    content: Vec<u8>,
    cut: Vec<String>,
    started: u64,
    /// Calls that were made for it alone.
    pub(super) calls: u32,
    /// How far the delivery is, once there was something to send.
    pub(super) delivery: Option<Delivery>,
    /// What is to be sent, stage after stage.
    pub(super) all_stages: Vec<Vec<Request>>,
    /// What of it is still to be sent.
    pub(super) stages: VecDeque<Vec<Request>>,
    /// Whether anything was sent in this try.
    pub(super) wrote: bool,
    /// Whether something of it is in a job, so that it waits for that.
    pub(super) waits: bool,
    /// What was sent before, or is now.
    pub(super) sent: HashSet<RowDigest>,
    /// Whether something of that stands in the table.
    noted: bool,
}

/// How far a row got without reading anything.
pub(super) enum Begun {
    /// It asks for this.
    Work(Box<RowAttempt>, Work),
    /// It is settled already, or waits for a job; whether the systems did their part.
    Settled(bool),
}

/// What a row asks for.
pub(super) fn begin(sql: &SqlStorage, config: &Config, taken: Taken) -> Result<Begun> {
    let Taken { row, content, sent } = taken;
    let Some(item) = envelope::decode(&content, None).items.into_iter().next() else {
        parked::remove(sql, &row)?;
        return Ok(Begun::Settled(true));
    };
    let work = match &item {
        PushedItem::Notification(notification) => work_of(config, notification),
        PushedItem::Refused { why, .. } => Err(Conclusion::Never((*why).into())),
    };
    if let Ok(Work::Erasure(customer)) = &work
        && erasure::erase(sql, customer.as_str())?
    {
        return Ok(Begun::Settled(true));
    }
    let attempt = RowAttempt {
        waits: false,
        noted: !sent.is_empty(),
        row,
        item,
        content,
        cut: Vec::new(),
        started: now_ms(),
        calls: 0,
        delivery: None,
        all_stages: Vec::new(),
        stages: VecDeque::new(),
        wrote: false,
        sent,
    };
    match work {
        Ok(work) => Ok(Begun::Work(Box::new(attempt), work)),
        Err(conclusion) => finish(sql, config, attempt, conclusion).map(Begun::Settled),
    }
}

impl RowAttempt {
    /// Takes what is to be sent.
    pub(super) fn prepared(
        &mut self,
        delivery: Delivery,
        stages: Vec<Vec<Request>>,
        cut: Vec<String>,
    ) {
        self.delivery = Some(delivery);
        self.stages = stages.iter().cloned().collect();
        self.all_stages = stages;
        self.wrote = false;
        self.cut = cut;
    }

    /// The events that are to be sent, if they are all.
    pub(super) fn only_events(&self) -> Option<Vec<Event>> {
        let [stage] = self.all_stages.as_slice() else { return None };
        let mut events = Vec::new();
        for request in stage {
            match request {
                Request::CreateEvent(event) => events.push((**event).clone()),
                Request::CreateEvents(several) => events.extend(several.iter().cloned()),
                _ => return None,
            }
        }
        Some(events)
    }

    /// Klaviyo took everything: the delivery, if it has to be seen whether it was overtaken. What a
    /// job took was read again after the job, and is what is still to be sent.
    pub(super) fn take_for_verification(&mut self) -> Option<Delivery> {
        if !self.wrote {
            return None;
        }
        let mut delivery = self.delivery.take()?;
        delivery.taken(&self.all_stages);
        // What was sent before says nothing of what is to be sent now.
        self.sent.clear();
        Some(delivery)
    }

    /// Notes what was sent, for the next try of the row.
    pub(super) fn note_sent(&mut self, sql: &SqlStorage) -> Result<()> {
        let digests: Vec<_> = self.sent.iter().cloned().collect();
        self.noted |= !digests.is_empty();
        jobs::note_sent(sql, &self.row.key, self.row.seq, &digests)
    }

    /// Removes the row; whether it was there still.
    fn remove(&self, sql: &SqlStorage) -> Result<bool> {
        if self.noted {
            jobs::forget_sent(sql, &self.row.key)?;
        }
        parked::remove(sql, &self.row)
    }
}

/// Settles a row; whether the systems did their part.
pub(super) fn finish(
    sql: &SqlStorage,
    config: &Config,
    attempt: RowAttempt,
    conclusion: Conclusion,
) -> Result<bool> {
    let row = &attempt.row;
    let expired = row.since + config.rules.outbox.retention_ms() < now_ms();
    let mut systems_worked = true;
    let outcome = match conclusion {
        // Klaviyo may carry out an older write yet: the row is read and written once more then.
        Conclusion::Delivered if row.doubtful_until > now_ms() => {
            jobs::forget_sent(sql, &row.key)?;
            let fault = TransientFault::MayBeCarriedOut;
            parked::put_off(sql, row, row.doubtful_until, fault)?;
            Outcome::Parked { code: fault.code().into_owned() }
        }
        Conclusion::Delivered => {
            attempt.remove(sql)?;
            Outcome::Delivered
        }
        Conclusion::Ignored(why) => {
            attempt.remove(sql)?;
            Outcome::Ignored(why)
        }
        Conclusion::Never(rejection) => give_up(sql, &attempt, rejection)?,
        Conclusion::Later(Setback { fault, .. }) if expired => {
            give_up(sql, &attempt, expiry(fault))?
        }
        Conclusion::NotYet(not_yet) if expired => give_up(sql, &attempt, expiry(not_yet.fault()))?,
        Conclusion::Later(setback) => {
            let Setback { fault, .. } = setback;
            if fault.leaves_in_doubt() && RowGroup::of_key(&row.key) != Some(RowGroup::Facts) {
                parked::keep_in_doubt(sql, row, now_ms() + millis(SINGLE_IN_DOUBT))?;
            }
            let wait = wait_after(setback, row.attempts + 1, jitter());
            parked::put_off(sql, row, now_ms() + millis(wait), fault)?;
            systems_worked = false;
            Outcome::Parked { code: fault.code().into_owned() }
        }
        Conclusion::NotYet(not_yet) => {
            let age = Duration::from_millis(now_ms().saturating_sub(row.since));
            let wait = patience(row.attempts + 1, age, jitter());
            parked::put_off(sql, row, now_ms() + millis(wait), not_yet.fault())?;
            Outcome::Parked { code: not_yet.fault().code().into_owned() }
        }
    };
    let RowAttempt { item, started, calls, cut, .. } = attempt;
    let effort = Effort { duration_ms: now_ms() - started, calls, cut };
    log::notification(&item, &outcome, &effort);
    Ok(systems_worked)
}

fn expiry(fault: TransientFault) -> Rejection {
    let detail = "It was tried for as long as CONFIG.outbox.retentionDays says.";
    Rejection::new(FinalFault::Expired(fault), detail)
}

/// Makes a dead letter of a row, if it is there still: it may have been erased meanwhile, or a newer
/// generation has its own turn.
fn give_up(sql: &SqlStorage, attempt: &RowAttempt, rejection: Rejection) -> Result<Outcome> {
    if !attempt.remove(sql)? {
        return Ok(Outcome::Ignored(Ignored::Superseded));
    }
    let code = rejection.code().into_owned();
    let notification: Option<&Notification> = match &attempt.item {
        PushedItem::Notification(notification) => Some(notification),
        PushedItem::Refused { .. } => None,
    };
    let letter = NewDeadLetter::of(notification, rejection, attempt.row.attempts + 1);
    let id = dead_letters::keep(sql, &letter, &attempt.content)?;
    Ok(Outcome::DeadLettered { id, code })
}
