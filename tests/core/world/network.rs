//! The way between the objects and the two systems: calls take their time, are carried out late or
//! not at all, and answers get lost.

use std::collections::BTreeMap;
use std::time::Duration;

use commercetools_klaviyo::engine::call::{CallTicket, HostCall};
use commercetools_klaviyo::fault::{Setback, System};
use commercetools_klaviyo::http::{HttpAnswer, NoAnswer};

use crate::import::world::Chance;

/// Who made a call; what was started anew hears nothing of the calls of its life before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    Push(u64),
    Outbox(u64),
    Import(u64),
}

/// How often, in a thousand, the way does what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WayFaults {
    pub(super) lost_before: u64,
    pub(super) lost_after: u64,
    pub(super) late: u64,
    pub(super) throttled: u64,
    pub(super) down: u64,
    pub(super) foreign: u64,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct CallUnderWay {
    pub(super) caller: Caller,
    pub(super) ticket: CallTicket,
    pub(super) call: HostCall,
    /// When it is carried out, in ms; never if it is lost before.
    pub(super) effect_at: Option<u64>,
    pub(super) answer_at: u64,
    pub(super) answer: Heard,
}

/// What the caller hears.
#[derive(Debug)]
pub(super) enum Heard {
    /// The answer once it is carried out.
    Own,
    /// This, whatever became of the call.
    Other(Result<HttpAnswer, Setback>),
}

/// How long Klaviyo may carry out a call after its time limit, in ms: the bounds that the design
/// takes for granted, the second less the five minutes that a job may take then.
const LATE_SINGLE: u64 = 55_000;
const LATE_JOB: u64 = 270_000;

#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) faults: WayFaults,
    pub(super) calls: BTreeMap<u64, CallUnderWay>,
    next: u64,
}

impl Network {
    /// Sends a call that its caller gives up after `limit` (ms).
    pub(super) fn send(
        &mut self,
        chance: &mut Chance,
        now: u64,
        (caller, ticket, call): (Caller, CallTicket, HostCall),
        limit: u64,
    ) {
        let tail = if chance.happens(100) { 2_000 } else { 150 };
        let latency = (10 + chance.next(tail)).min(limit);
        let system = match &call {
            HostCall::Commercetools { .. } => System::Commercetools,
            HostCall::Klaviyo { .. } | HostCall::HandOver { .. } => System::Klaviyo,
        };
        let writes = matches!(&call, HostCall::Klaviyo { body: Some(_), .. });
        let lost = |why| Heard::Other(Err(Setback::no_answer(system, why)));
        let answered = |answer| Heard::Other(Ok(answer));
        let faults = self.faults;
        let soon = Some(now + latency / 2);
        let (effect_at, after, answer) = if chance.happens(faults.lost_before) {
            (None, latency, lost(NoAnswer::Network))
        } else if writes && chance.happens(faults.late) {
            let is_job = matches!(&call, HostCall::Klaviyo { path, .. } if path.ends_with("-jobs"));
            let late = chance.next(if is_job { LATE_JOB } else { LATE_SINGLE });
            (Some(now + limit + late), limit, lost(NoAnswer::Timeout))
        } else if chance.happens(faults.throttled) && system == System::Klaviyo {
            let retry_after = Some(Duration::from_secs(1 + chance.next(3)));
            (
                None,
                latency,
                answered(HttpAnswer { status: 429, retry_after, ..HttpAnswer::default() }),
            )
        } else if chance.happens(faults.down) {
            (None, latency, answered(HttpAnswer { status: 503, ..HttpAnswer::default() }))
        } else if chance.happens(faults.foreign) {
            let body = "<html>".to_owned();
            (None, latency, answered(HttpAnswer { status: 200, body, ..HttpAnswer::default() }))
        } else if chance.happens(faults.lost_after) {
            (soon, limit, lost(NoAnswer::Timeout))
        } else {
            (soon, latency, Heard::Own)
        };
        self.next += 1;
        let answer_at = now + after;
        let call = CallUnderWay { caller, ticket, call, effect_at, answer_at, answer };
        self.calls.insert(self.next, call);
    }

    /// Whatever is under way for a caller is carried out by this time.
    pub(super) fn hurry(&mut self, caller: Caller, by: u64) {
        for call in self.calls.values_mut().filter(|call| call.caller == caller) {
            call.effect_at = call.effect_at.map(|at| at.min(by));
        }
    }

    /// When the next thing happens on the way.
    pub(super) fn next_at(&self) -> Option<u64> {
        let times = self.calls.values().map(|call| match call.effect_at {
            Some(effect_at) => effect_at.min(call.answer_at),
            None => call.answer_at,
        });
        times.min()
    }

    /// The call to which something happens now.
    pub(super) fn due(&self, now: u64) -> Option<u64> {
        let is_due = |call: &CallUnderWay| {
            call.answer_at <= now || call.effect_at.is_some_and(|effect_at| effect_at <= now)
        };
        let due = self.calls.iter().filter(|(_, call)| is_due(call));
        due.min_by_key(|(_, call)| call.effect_at.unwrap_or(call.answer_at)).map(|(no, _)| *no)
    }
}
