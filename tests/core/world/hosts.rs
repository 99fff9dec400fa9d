//! The hosts of the engine: pushes, and the two objects with their storage. They store through the same statements as
//! in production, on real SQLite.

use std::collections::HashSet;
use std::slice;

use commercetools_klaviyo::assembly::shared::SharedDocuments;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::engine::call::{CallTicket, HostCall, SliceInput};
use commercetools_klaviyo::engine::deliveries::machine::{DeliveryMachine, DoubtfulWrites};
use commercetools_klaviyo::engine::deliveries::{
    DeliveryEnd, EndedDelivery, NewDelivery, StepContext,
};
use commercetools_klaviyo::engine::grants::MemoryPart;
use commercetools_klaviyo::fault::{Setback, TransientFault};
use commercetools_klaviyo::http::HttpAnswer;
use commercetools_klaviyo::import::machine::{ImportEffect, ImportInput, ImportMachine};
use commercetools_klaviyo::import::store::{gone, hand_over, runs};
use commercetools_klaviyo::outbox::desk;
use commercetools_klaviyo::outbox::machine::OutboxMachine;
use commercetools_klaviyo::outbox::push_end::{
    ItemEnd, edge_entry, entries, outcomes, push_end, untried,
};
use commercetools_klaviyo::outbox::schedule::earlier_alarm;
use commercetools_klaviyo::outbox::store::erasure::{self, EraseAgain};
use commercetools_klaviyo::outbox::store::intake::{self, NewEntry};
use commercetools_klaviyo::outbox::store::new_parked::UnverifiedWrites;
use commercetools_klaviyo::outbox::store::offspring::park_offspring;
use commercetools_klaviyo::push::conclusion::Conclusion;
use commercetools_klaviyo::push::envelope::{self, PushedItem};
use commercetools_klaviyo::push::outcome::Outcome;
use commercetools_klaviyo::push::plan::{Work, WorkPlan, plan};
use commercetools_klaviyo::storage::sql::{Sql, SqlError};
use commercetools_klaviyo::time::UnixMs;

use super::network::{Caller, Heard};
use super::object::Object;
use super::{Crash, Event, World};
use crate::import::world::time;
use crate::support::at;

/// How long the calls of a push, of the outbox and of an import may take, in ms, and those of bulk
/// requests.
const PUSH_CALLS: u64 = 2_500;
const OUTBOX_CALL: u64 = 8_000;
const IMPORT_CALL: u64 = 10_000;
const BULK_CALL: u64 = 30_000;

/// A push under way.
pub(super) struct RunningPush {
    machine: DeliveryMachine,
    item: PushedItem,
    work: Work,
    notification: serde_json::Value,
    began: u64,
    gives_up_at: u64,
}

fn limit(call: &HostCall, single: u64) -> u64 {
    match call {
        HostCall::Klaviyo { path, body: Some(_), .. } if path.contains("-bulk-") => BULK_CALL,
        _ => single,
    }
}

impl World {
    // Pushes.

    /// A notification arrives. What is not stored stays with the broker, which brings it again.
    pub(super) fn push(&mut self, notification: serde_json::Value) {
        let body = notification.to_string();
        let item = envelope::decode(body.as_bytes(), None).items.remove(0);
        let PushedItem::Notification(told) = &item else { panic!("a notification") };
        if let Some(gone) = gone::deleted(told)
            && self.tell_import(&gone.of_type, &gone.id).is_err()
        {
            return self.brought_again(notification);
        }
        let work = match plan(&self.config.rules, told) {
            Ok(WorkPlan::Work(work)) => work,
            Ok(WorkPlan::Ignore(_)) | Err(_) => return self.outcomes += 1,
        };
        if let Work::Erasure(customer) = &work {
            let Ok(waits) = self.erase(customer) else { return self.brought_again(notification) };
            if waits {
                let end = untried(&item, &work, TransientFault::JobUnderWay, at(self.now));
                return self.conclude(0, ItemEnd { item, end, edge: None }, notification);
            }
        }
        let mut machine = DeliveryMachine::of_push();
        self.with_shared(|world, shared| {
            let (config, now) = (&world.config, time(world.now));
            let new =
                NewDelivery { work: work.clone(), alone: true, sent: HashSet::new(), bytes: 0 };
            machine.add(new, &mut StepContext { config, shared, now, memory: MemoryPart::Whole });
        });
        self.next_push += 1;
        let no = self.next_push;
        let gives_up_at = self.now + PUSH_CALLS;
        let began = self.now;
        let push = RunningPush { machine, item, work, notification, began, gives_up_at };
        self.pushes.insert(no, push);
        self.go_on_with_push(no, None);
    }

    pub(super) fn go_on_with_push(
        &mut self,
        no: u64,
        answered: Option<(CallTicket, Result<HttpAnswer, Setback>)>,
    ) {
        let Some(mut push) = self.pushes.remove(&no) else { return };
        let calls = self.with_shared(|world, shared| {
            let (config, now) = (&world.config, time(world.now));
            let around = &mut StepContext { config, shared, now, memory: MemoryPart::Whole };
            if let Some((ticket, answer)) = answered {
                push.machine.answered(ticket, answer, around, &mut world.told);
            }
            push.machine.calls(around, &mut world.told)
        });
        if self.chance.happens(self.faults.kill) {
            // The isolate goes down: the broker has no answer. What was under way is carried out before
            // it comes again, since nobody is left who would know of it.
            self.network.hurry(Caller::Push(no), self.now + 500);
            return self.brought_again(push.notification);
        }
        for (ticket, call) in calls {
            let left = push.gives_up_at.saturating_sub(self.now).max(1);
            self.send(Caller::Push(no), ticket, call, left);
        }
        match push.machine.take_ended().pop() {
            None => {
                self.pushes.insert(no, push);
            }
            Some(ended) => self.push_ended(no, push, ended),
        }
    }

    fn push_ended(&mut self, no: u64, push: RunningPush, ended: EndedDelivery) {
        let RunningPush { mut machine, item, work, notification, began, .. } = push;
        if let Some(asked) = EraseAgain::after_push(&self.config.rules, &ended, time(began)) {
            let Ok(sql) = self.outbox.opened() else { return self.brought_again(notification) };
            asked.park(sql, &self.config.rules, at(self.now)).expect("parked");
            self.arm_outbox();
        }
        if let Some(DoubtfulWrites { changes, due }) = machine.take_doubtful(at(self.now)) {
            if self.outbox.opened().is_err() {
                return self.brought_again(notification);
            }
            self.hand_over(&changes, due);
        }
        let unverified = UnverifiedWrites::of(&ended, at(began));
        let conclusion = match ended.end {
            DeliveryEnd::Concluded(conclusion) => conclusion,
            DeliveryEnd::WithJob => Conclusion::Later(TransientFault::JobUnderWay.into()),
        };
        let edge = ended.price_edge.as_ref().and_then(edge_entry);
        let end = push_end(&item, Some(&work), conclusion, unverified, at(self.now));
        self.conclude(no, ItemEnd { item, end, edge }, notification);
    }

    /// Erases what is stored of a customer, the outbox first; whether the rest has to wait.
    fn erase(&mut self, customer: &Id) -> Result<bool, SqlError> {
        let waits = erasure::erase(self.outbox.opened()?, customer.as_str(), at(self.now))?;
        self.tell_import(gone::CUSTOMER, customer)?;
        Ok(waits)
    }

    /// The outbox takes in what has to be stored, and the push is answered.
    fn conclude(&mut self, no: u64, end: ItemEnd, notification: serde_json::Value) {
        let stored = self.intake(&entries(slice::from_ref(&end)));
        match outcomes(vec![end], stored).remove(0).1 {
            Outcome::Delivered | Outcome::Ignored(_) | Outcome::Parked { .. } => self.outcomes += 1,
            Outcome::DeadLettered { code, .. } => panic!("{code}"),
            Outcome::NotStored { .. } => {
                // 503: the broker has it still. What was under way is carried out before it comes
                // again, since nobody knows of it any more.
                self.network.hurry(Caller::Push(no), self.now + 500);
                self.brought_again(notification);
            }
        }
    }

    /// The outbox takes something in; what it answers of each entry, nothing if its storage fails.
    fn intake(&mut self, entries: &[(&NewEntry, &PushedItem)]) -> Vec<Option<String>> {
        if self.outbox.is_newer {
            return Vec::new();
        }
        let bodies = intake::bodies(entries.iter().copied()).expect("bodies");
        let Some((_, body)) = bodies.first() else { return Vec::new() };
        if self.chance.happens(self.faults.storage) {
            self.outbox.sql.fail_at(1 + u32::try_from(self.chance.next(4)).expect("few"));
        }
        let now = self.now;
        let stored = self.outbox.sql.turn(|sql| intake::take(sql, body, at(now)));
        self.outbox.sql.fail_no_more();
        if stored.is_ok() {
            self.arm_outbox();
        }
        stored.map_or_else(|_| vec![None; entries.len()], |ids| ids.into_iter().map(Some).collect())
    }

    fn brought_again(&mut self, notification: serde_json::Value) {
        let wait = 1_000 + self.chance.next(20_000);
        self.at(wait, Event::Push(notification));
    }

    // The outbox.

    pub(super) fn outbox_alarm(&mut self) {
        if self.outbox.is_newer {
            self.outbox.alarm = Some(self.now + 20_000);
            return;
        }
        self.outbox.alarm = Some(self.now + 15_000);
        if self.outbox.slice_ends.is_some() {
            return;
        }
        self.outbox.slice_ends = Some(self.now + 10_000);
        let begun = desk::begin_slice(&self.outbox.sql, &self.config, at(self.now));
        begun.expect("a slice begins");
        self.step_outbox(SliceInput::Begun { calls: u32::MAX });
    }

    pub(super) fn step_outbox(&mut self, input: SliceInput) {
        if matches!(input, SliceInput::Answered { .. }) {
            self.outbox.calling -= 1;
        }
        if self.chance.happens(self.faults.storage) {
            self.outbox.sql.fail_at(1 + u32::try_from(self.chance.next(8)).expect("few"));
        }
        let crash = self.crash();
        self.outbox.sql.begin();
        let done = self.with_shared(|world, shared| {
            let (config, now) = (&world.config, time(world.now));
            let mut around = StepContext { config, shared, now, memory: MemoryPart::Whole };
            let mut machine = match world.outbox.machine.take() {
                Some(machine) => machine,
                None => desk::load(&world.outbox.sql, config, at(world.now))?,
            };
            let done = desk::step(&world.outbox.sql, &mut machine, &mut around, input)?;
            world.outbox.machine = Some(machine);
            Ok::<_, SqlError>(done)
        });
        self.outbox.sql.fail_no_more();
        let wakes_at = self.now + 1 + self.chance.next(20_000);
        match (done, crash) {
            // Before anything was kept.
            (Ok(_), Some(Crash::BeforeItIsKept)) => {
                self.outbox.sql.rollback();
                self.crashes += 1;
                self.outbox.crash(wakes_at);
            }
            // After it was kept, before any call.
            (Ok(_), Some(Crash::AfterItIsKept)) => {
                self.outbox.sql.commit();
                self.crashes += 1;
                self.outbox.crash(wakes_at);
            }
            (Ok(done), None) => {
                self.outbox.sql.commit();
                let life = self.outbox.life;
                for (ticket, call) in done.calls {
                    let limit = limit(&call, OUTBOX_CALL);
                    self.outbox.calling += 1;
                    self.send(Caller::Outbox(life), ticket, call, limit);
                }
                self.rest_outbox();
            }
            // The storage failed: the slice ends, and nothing of the step is kept.
            (Err(_), _) => {
                self.outbox.sql.rollback();
                self.outbox.crash(self.now + 1_000);
            }
        }
    }

    /// Ends the slice where nothing can be done for a while, and sets the alarm.
    fn rest_outbox(&mut self) {
        let Some(machine) = &self.outbox.machine else { return };
        let wake = machine.wake().map(UnixMs::ms);
        if self.outbox.calling > 0 || wake.is_some_and(|wake| wake <= self.now + 2_500) {
            if let Some(wake) = wake {
                let time = wake.max(self.now + 1);
                if self.outbox.looks_at(time) {
                    self.at(time - self.now, Event::Tick(Caller::Outbox(self.outbox.life)));
                }
            }
            return;
        }
        self.outbox.slice_ends = None;
        let stored = desk::next_alarm(&self.outbox.sql, machine, at(self.now)).expect("an alarm");
        self.outbox.alarm = [stored.map(UnixMs::ms), wake].into_iter().flatten().min();
        self.check_outbox();
    }

    /// Nothing waits without a reason: the object wakes when something is due.
    fn check_outbox(&self) {
        let due = self.outbox.sql.all("SELECT MIN(due) FROM parked WHERE due IS NOT NULL");
        let due: Option<u64> = due.value().expect("a time");
        if let Some(due) = due {
            let alarm = self.outbox.alarm.expect("an alarm");
            let latest = due.max(self.now) + 31_000;
            assert!(alarm <= latest, "due at {due}, the alarm is set to {alarm}, now {}", self.now);
        }
    }

    /// A push stored something: the alarm only ever moves to an earlier time.
    pub(super) fn arm_outbox(&mut self) {
        if self.outbox.slice_ends.is_some() || self.outbox.is_newer {
            return;
        }
        let machine = match self.outbox.machine.take() {
            Some(machine) => machine,
            None => desk::load(&self.outbox.sql, &self.config, at(self.now)).expect("a machine"),
        };
        let wanted = desk::next_alarm(&self.outbox.sql, &machine, at(self.now)).expect("an alarm");
        self.outbox.machine = Some(machine);
        let set = self.outbox.alarm.map(at);
        if let Some(time) = wanted.and_then(|wanted| earlier_alarm(set, wanted)) {
            self.outbox.alarm = Some(time.ms());
        }
    }

    // The import.

    pub(super) fn import_alarm(&mut self) {
        if self.import.is_newer {
            self.import.alarm = Some(self.now + 30_000);
            return;
        }
        self.import.alarm = Some(self.now + 15_000);
        if self.import.slice_ends.is_some() {
            return;
        }
        self.import.slice_ends = Some(self.now + 60_000);
        self.step_import(ImportInput::Slice(SliceInput::Begun { calls: 1_000 }));
    }

    pub(super) fn step_import(&mut self, input: ImportInput) {
        if matches!(input, ImportInput::Slice(SliceInput::Answered { .. })) {
            self.import.calling -= 1;
        }
        if self.chance.happens(self.faults.storage) {
            self.import.sql.fail_at(1 + u32::try_from(self.chance.next(4)).expect("few"));
        }
        let crash = self.crash();
        self.import.sql.begin();
        let calls = self.effects_of_import(input);
        self.import.sql.fail_no_more();
        let wakes_at = self.now + 1 + self.chance.next(20_000);
        let Ok(calls) = calls else {
            self.import.sql.rollback();
            return self.import.crash(self.now + 1_000);
        };
        match crash {
            Some(Crash::BeforeItIsKept) => {
                self.import.sql.rollback();
                self.crashes += 1;
                return self.import.crash(wakes_at);
            }
            Some(Crash::AfterItIsKept) => {
                self.import.sql.commit();
                self.crashes += 1;
                return self.import.crash(wakes_at);
            }
            None => self.import.sql.commit(),
        }
        let life = self.import.life;
        for (ticket, call) in calls {
            let limit = limit(&call, IMPORT_CALL);
            self.import.calling += 1;
            self.send(Caller::Import(life), ticket, call, limit);
        }
        self.rest_import();
    }

    fn effects_of_import(
        &mut self,
        input: ImportInput,
    ) -> Result<Vec<(CallTicket, HostCall)>, SqlError> {
        let (config, now) = (&self.config, time(self.now));
        let sql: &dyn Sql = &self.import.sql;
        let mut machine = match self.import.machine.take() {
            Some(machine) => machine,
            None => ImportMachine::new(config, runs::load(sql, &config.rules)?, now),
        };
        let mut calls = Vec::new();
        for effect in machine.step(config, now, input) {
            match effect {
                ImportEffect::Save(saving) => {
                    let healed = runs::save(sql, &saving)?;
                    if let Some(run) = &saving.run {
                        machine.healed(run.kind, healed);
                    }
                }
                ImportEffect::TellCuts(_) => {}
                ImportEffect::Call(ticket, call) => calls.push((ticket, call)),
            }
        }
        self.import.machine = Some(machine);
        Ok(calls)
    }

    fn rest_import(&mut self) {
        let Some(machine) = &self.import.machine else { return };
        let wake = machine.wake().map(UnixMs::ms);
        if self.import.calling > 0 || wake.is_some_and(|wake| wake <= self.now + 2_500) {
            if let Some(wake) = wake {
                let time = wake.max(self.now + 1);
                if self.import.looks_at(time) {
                    self.at(time - self.now, Event::Tick(Caller::Import(self.import.life)));
                }
            }
            return;
        }
        self.import.slice_ends = None;
        self.import.alarm = machine.is_active().then(|| wake.unwrap_or(self.now + 1));
        self.hand_over_to_outbox();
    }

    /// What the imports hand over at the end of a slice, as the object does.
    fn hand_over_to_outbox(&mut self) {
        if self.outbox.is_newer {
            // The slice fails so, and there is another one.
            self.import.alarm = Some(self.now + 1_000);
            return;
        }
        loop {
            let due = hand_over::due(&self.import.sql, &self.config.rules, at(self.now));
            let Some(due) = due.expect("what is due") else { return };
            due.erase.park(&self.outbox.sql, &self.config.rules, at(self.now)).expect("parked");
            for (changes, not_before) in &due.changes {
                self.hand_over(changes, *not_before);
            }
            hand_over::done(&self.import.sql, &due, at(self.now)).expect("noted");
            self.arm_outbox();
        }
    }

    /// Tells the imports of what is gone; without a run, what they do of it is done at once.
    fn tell_import(&mut self, of_type: &str, id: &Id) -> Result<(), SqlError> {
        let (sql, rules) = (self.import.opened()?, &self.config.rules);
        gone::remember(sql, rules, of_type, id, at(self.now))?;
        if self.import.alarm.is_none() && self.import.slice_ends.is_none() {
            self.hand_over_to_outbox();
        }
        Ok(())
    }

    /// The import leaves something to the outbox.
    pub(super) fn hand_over(
        &mut self,
        changes: &[serde_json::Map<String, serde_json::Value>],
        not_before: UnixMs,
    ) -> HttpAnswer {
        let rules = &self.config.rules;
        let Ok(sql) = self.outbox.opened() else {
            return HttpAnswer { status: 503, ..HttpAnswer::default() };
        };
        park_offspring(sql, rules, changes.to_vec(), not_before, at(self.now)).expect("parked");
        self.arm_outbox();
        HttpAnswer { status: 201, ..HttpAnswer::default() }
    }

    // What they have in common.

    /// Whether an object goes down in this step.
    fn crash(&mut self) -> Option<Crash> {
        self.steps += 1;
        // Chance is asked in any case, so that the world is the same up to the step.
        let kinds = [Crash::BeforeItIsKept, Crash::AfterItIsKept];
        let kind = kinds[usize::try_from(self.chance.next(2)).expect("a kind")];
        let happens = self.chance.happens(self.faults.crash);
        match self.faults.crash_at {
            Some((step, crash)) => (step == self.steps).then_some(crash),
            None => happens.then_some(kind),
        }
    }

    /// A deployment: both objects begin anew.
    pub(super) fn restart(&mut self) {
        let wakes_at = self.now + 1;
        self.outbox.crash(wakes_at);
        self.import.crash(wakes_at);
    }

    /// Something happens to a call.
    pub(super) fn call_happens(&mut self, no: u64) {
        let Some(call) = self.network.calls.get_mut(&no) else { return };
        if let Some(effect_at) = call.effect_at.filter(|at| *at <= self.now) {
            call.effect_at = None;
            let asked = call.call.clone();
            let nobody_waits = call.answer_at == u64::MAX;
            let answer = self.carry_out(&asked, effect_at);
            if nobody_waits {
                self.network.calls.remove(&no);
            } else if let Some(call) = self.network.calls.get_mut(&no)
                && matches!(call.answer, Heard::Own)
            {
                call.answer = Heard::Other(Ok(answer));
            }
            return;
        }
        if call.answer_at > self.now {
            return;
        }
        let (caller, ticket) = (call.caller, call.ticket);
        let Heard::Other(answer) = std::mem::replace(&mut call.answer, Heard::Own) else { return };
        call.answer_at = u64::MAX;
        if call.effect_at.is_none() {
            self.network.calls.remove(&no);
        }
        match caller {
            Caller::Push(push) => self.go_on_with_push(push, Some((ticket, answer))),
            Caller::Outbox(life) if life == self.outbox.life => {
                self.step_outbox(SliceInput::Answered { ticket, answer });
            }
            Caller::Import(life) if life == self.import.life => {
                self.step_import(ImportInput::Slice(SliceInput::Answered { ticket, answer }));
            }
            Caller::Outbox(_) | Caller::Import(_) => {}
        }
    }

    fn send(&mut self, caller: Caller, ticket: CallTicket, call: HostCall, limit: u64) {
        let (chance, now) = (&mut self.chance, self.now);
        self.network.send(chance, now, (caller, ticket, call), limit);
    }

    /// Does something with what the isolate shares.
    fn with_shared<T>(&mut self, work: impl FnOnce(&mut Self, &mut SharedDocuments) -> T) -> T {
        let mut shared = self.shared.take().unwrap_or_else(SharedDocuments::of_isolate);
        let done = work(self, &mut shared);
        self.shared = Some(shared);
        done
    }
}

/// A machine of the outbox, as the object has it.
pub(super) type OutboxObject = Object<OutboxMachine>;

/// A machine of the imports, as the object has it.
pub(super) type ImportObject = Object<ImportMachine>;
