//! Holds the machine and does what it wants: it saves at once, and the active slice makes the calls.
//!
//! The machine leaves its place during a step, and returns only if everything that it wanted stored is stored. So after
//! a panic or a failure of the storage it is gone, and the next step loads a new one from the store.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use serde_json::Value;
use worker::{Result, SqlStorage};

use crate::config::Config;
use crate::config::rules::OperatorRules;
use crate::edge::clock::{now, now_ms};
use crate::edge::slice::NumberedCalls;
use crate::edge::{log, memory};
use crate::import::kind::ImportKind;
use crate::import::machine::{ImportEffect, ImportInput, ImportMachine, RunSaving};
use crate::import::passes::PassRange;
use crate::import::run::{ImportRun, RunCounts, blank};
use crate::import::sequence::{self as sequences, ImportSequence};
use crate::import::store::{runs, sequence};
use crate::import::stored::StoredRun;
use crate::time::UnixMs;

/// The progress of a run; if it grows, the machine is not stuck.
type RunMark = (String, usize, RunCounts, u64, Option<Vec<PassRange>>);

/// The place of the machine.
#[derive(Default)]
pub(super) struct ImportDesk {
    machine: RefCell<Option<ImportMachine>>,
    marks: RefCell<BTreeMap<ImportKind, RunMark>>,
    /// Leads to the active slice, from a step beside it.
    line: RefCell<Option<UnboundedSender<NumberedCalls>>>,
}

impl ImportDesk {
    /// One step of the machine. When this returns, everything that it wanted stored is stored; the calls are left to
    /// the caller, which has to be the slice. If a run ended, the next one in its sequence has begun.
    pub(super) fn step(
        &self,
        sql: &SqlStorage,
        config: &Config,
        input: ImportInput,
    ) -> Result<NumberedCalls> {
        let mut machine = self.take(sql, config)?;
        machine.share_memory(memory::part());
        let mut calls = Vec::new();
        let mut input = Some(input);
        while let Some(happened) = input.take() {
            let mut ended = false;
            for effect in machine.step(config, now(), happened) {
                match effect {
                    ImportEffect::Save(saving) => ended |= self.save(sql, &saving, &mut machine)?,
                    ImportEffect::TellCuts(cuts) => log::import_cuts(&cuts),
                    ImportEffect::Call(ticket, call) => calls.push((ticket, call)),
                }
            }
            if ended {
                input = next_of_sequence(sql, &config.rules)?;
            }
        }
        memory::imports_are_full(machine.is_active() && machine.fills_more_than_its_part());
        self.machine.replace(Some(machine));
        Ok(calls)
    }

    /// The same beside the slice: the slice gets the calls, and wakes up.
    pub(super) fn ask(&self, sql: &SqlStorage, config: &Config, input: ImportInput) -> Result<()> {
        let calls = self.step(sql, config, input)?;
        let none = calls.is_empty();
        let line = self.line.borrow();
        let heard = line.as_ref().is_some_and(|line| line.unbounded_send(calls).is_ok());
        if !heard && !none {
            // Nobody makes the calls, so the machine would wait for their answers for ever.
            self.forget();
        }
        Ok(())
    }

    /// The channel through which a new slice receives calls.
    pub(super) fn listen(&self) -> UnboundedReceiver<NumberedCalls> {
        let (sender, receiver) = unbounded();
        self.line.replace(Some(sender));
        receiver
    }

    /// Drops the machine: the next step begins with the stored state.
    pub(super) fn forget(&self) {
        memory::imports_are_full(false);
        self.machine.take();
    }

    fn take(&self, sql: &SqlStorage, config: &Config) -> Result<ImportMachine> {
        if let Some(machine) = self.machine.take() {
            return Ok(machine);
        }
        let stored = runs::load(sql, &config.rules)?;
        for stored in &stored {
            tell(&stored.run);
        }
        let readable = stored.iter().filter_map(|stored| stored.run.clone().readable());
        let marks = readable.map(|run| (run.kind, mark(&run)));
        self.marks.replace(marks.collect());
        Ok(ImportMachine::new(config, stored, now()))
    }

    /// Stores what the machine wants stored; returns whether a run ended with it.
    fn save(
        &self,
        sql: &SqlStorage,
        saving: &RunSaving,
        machine: &mut ImportMachine,
    ) -> Result<bool> {
        let healed = runs::save(sql, saving)?;
        let Some(run) = &saving.run else { return Ok(false) };
        machine.healed(run.kind, healed);
        let mark = mark(run);
        let before = self.marks.borrow_mut().insert(run.kind, mark.clone());
        if before.is_some_and(|before| before != mark) {
            runs::slice_ended(sql)?;
        }
        let ended = machine.run(run.kind).filter(|run| run.finished_at.is_some());
        if let Some(run) = ended {
            log::import(run);
        }
        Ok(ended.is_some())
    }

    /// Whether a run of this kind, or of any, has work to do.
    pub(super) fn is_active(
        &self,
        sql: &SqlStorage,
        rules: &OperatorRules,
        kind: Option<ImportKind>,
    ) -> Result<bool> {
        match (self.machine.borrow().as_ref(), kind) {
            (Some(machine), None) => Ok(machine.is_active()),
            (Some(machine), Some(kind)) => Ok(machine.run(kind).is_some_and(ImportRun::is_active)),
            (None, None) => {
                let mut runs = told(runs::all_current(sql, rules)?).into_iter();
                Ok(runs.any(|run| run.readable().is_some_and(|run| run.is_active())))
            }
            (None, Some(kind)) => Ok(current(sql, rules, kind)?.is_some_and(|run| run.is_active())),
        }
    }

    /// Whether the run of this kind can be resumed.
    pub(super) fn is_resumable(
        &self,
        sql: &SqlStorage,
        rules: &OperatorRules,
        kind: ImportKind,
    ) -> Result<bool> {
        match self.machine.borrow().as_ref() {
            Some(machine) => Ok(machine.run(kind).is_some_and(ImportRun::is_resumable)),
            None => Ok(current(sql, rules, kind)?.is_some_and(|run| run.is_resumable())),
        }
    }

    /// When to step again without an answer.
    pub(super) fn wake(&self) -> Option<UnixMs> {
        self.machine.borrow().as_ref().and_then(ImportMachine::wake)
    }

    /// The current run of a kind, as the endpoints show it.
    pub(super) fn shown(
        &self,
        sql: &SqlStorage,
        rules: &OperatorRules,
        kind: ImportKind,
    ) -> Result<Value> {
        if let Some(machine) = self.machine.borrow().as_ref() {
            return Ok(machine.shown(kind));
        }
        let run = runs::current(sql, rules, kind)?.inspect(tell);
        Ok(run.map_or_else(|| blank(kind), |run| run.shown()))
    }
}

/// The start of the run whose turn it is in the sequence, unless another run of its kind is under way.
pub(super) fn next_of_sequence(
    sql: &SqlStorage,
    rules: &OperatorRules,
) -> Result<Option<ImportInput>> {
    let sequence = sequence::current(sql)?;
    let Some(kind) = sequence.as_ref().and_then(ImportSequence::to_begin) else { return Ok(None) };
    if current(sql, rules, kind)?.is_some_and(|run| run.is_active()) {
        return Ok(None);
    }
    let id = runs::new_id(sql, now_ms())?;
    Ok(Some(ImportInput::Start { id, kind, start: sequences::start() }))
}

/// The current run of a kind, if this version can read it.
fn current(sql: &SqlStorage, rules: &OperatorRules, kind: ImportKind) -> Result<Option<ImportRun>> {
    Ok(runs::current(sql, rules, kind)?.inspect(tell).and_then(StoredRun::readable))
}

/// Returns these runs, and logs those that this version cannot read.
pub(super) fn told(runs: Vec<StoredRun>) -> Vec<StoredRun> {
    for run in &runs {
        tell(run);
    }
    runs
}

fn tell(run: &StoredRun) {
    if let StoredRun::Unreadable(run) = run {
        log::failure("import", &format!("run {} was stored by another version", run.id));
    }
}

fn mark(run: &ImportRun) -> RunMark {
    (run.id.clone(), run.pass, run.counts, run.reread, run.ranges.clone())
}
