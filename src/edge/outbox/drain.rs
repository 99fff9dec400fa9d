//! Drains the outbox: its machine at work, in the alarm of the object.

use std::cell::RefCell;
use std::time::Duration;

use worker::{Env, Result, SqlStorage, Storage};

use crate::config::Config;
use crate::edge::accepted;
use crate::edge::clock::{now, now_ms};
use crate::edge::log::{self, WorkEffort};
use crate::edge::memory::part_of_outbox;
use crate::edge::shared::with_shared;
use crate::edge::slice::{self, NumberedCalls, SliceLimits, SliceWork};
use crate::edge::sql::turn;
use crate::edge::watch;
use crate::engine::call::SliceInput;
use crate::engine::deliveries::StepContext;
use crate::outbox::desk;
use crate::outbox::machine::OutboxMachine;
use crate::outbox::store::commands::ToldOutcome;
use crate::time::UnixMs;

/// How long a call may take. In an outage that makes calls hang, this and the longest pause decide
/// how soon the Worker notices its end.
const CALL: Duration = Duration::from_secs(8);

/// How long a slice goes on taking rows.
const SLICE: Duration = Duration::from_secs(10);

/// The place of the machine. The machine leaves it during a step, and returns only if everything
/// that it wanted stored is stored; otherwise the next step loads a new one from the store.
#[derive(Default)]
pub(super) struct OutboxDesk(RefCell<Option<OutboxMachine>>);

impl OutboxDesk {
    fn take(&self, sql: &SqlStorage, config: &Config) -> Result<OutboxMachine> {
        match self.0.take() {
            Some(machine) => Ok(machine),
            None => Ok(desk::load(sql, config, now_ms())?),
        }
    }

    /// When there is something to do.
    pub(super) fn next_alarm(&self, sql: &SqlStorage, config: &Config) -> Result<Option<UnixMs>> {
        let machine = self.take(sql, config)?;
        let next = desk::next_alarm(sql, &machine, now_ms())?;
        self.0.replace(Some(machine));
        Ok(next)
    }

    /// An import asks for its part of Klaviyo's limits. Without a machine the outbox uses nothing.
    pub(super) fn import_asks(&self) {
        if let Some(machine) = self.0.borrow_mut().as_mut() {
            machine.import_asks(now_ms());
        }
    }

    /// An operator wants waiting rows tried now. Without a machine no operation is down.
    pub(super) fn retry(&self) {
        if let Some(machine) = self.0.borrow_mut().as_mut() {
            machine.retry(now_ms());
        }
    }

    /// Drops the machine: the next step begins with the stored state.
    pub(super) fn forget(&self) {
        self.0.take();
    }
}

/// The machine with its storage.
struct OutboxWork<'a> {
    desk: &'a OutboxDesk,
    storage: &'a Storage,
    config: &'a Config,
}

impl SliceWork for OutboxWork<'_> {
    fn step(&self, input: SliceInput) -> Result<NumberedCalls> {
        let (machine, done) = turn(self.storage, |sql| {
            let mut machine = self.desk.take(sql, self.config)?;
            let done = with_shared(|shared| {
                let mut around = StepContext {
                    config: self.config,
                    shared,
                    now: now(),
                    memory: part_of_outbox(),
                };
                desk::step(sql, &mut machine, &mut around, input)
            })?;
            Ok((machine, done))
        })?;
        self.desk.0.replace(Some(machine));
        for ToldOutcome { tried, outcome } in done.told {
            let effort =
                WorkEffort { duration: tried.duration, calls: tried.calls, cut: tried.cut };
            log::notification(&tried.item, &outcome, &effort);
            watch::count(|tally, now| tally.retried(tried.item.type_name(), &outcome, now));
            accepted::remember(self.config, &tried.item, &outcome);
        }
        Ok(done.calls)
    }

    fn wake(&self) -> Option<UnixMs> {
        self.desk.0.borrow().as_ref().and_then(OutboxMachine::wake)
    }
}

/// Tries due rows, for one slice.
pub(super) async fn run(
    env: &Env,
    storage: &Storage,
    config: &Config,
    outbox: &OutboxDesk,
) -> Result<()> {
    slice::watch(storage).await?;
    turn(storage, |sql| Ok(desk::begin_slice(sql, config, now_ms())?))?;
    let limits = SliceLimits { length: SLICE, calls: u32::MAX, call: CALL };
    let work = OutboxWork { desk: outbox, storage, config };
    let worked = slice::work(env, config, storage, &limits, &work, None).await;
    if worked.is_err() {
        outbox.forget();
    }
    watch::hand_over(env, config).await;
    worked.map(|_| ())
}
