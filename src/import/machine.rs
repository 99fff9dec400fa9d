//! The state machine: takes what just happened, and returns what to store and which calls to make.
//!
//! It holds a [`RunWork`] for each run and divides what they share: six connections, the bytes that may be under way,
//! and Klaviyo's rate limits. It has no clock and does no I/O: the same inputs give the same effects, so a simulator
//! can run it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kind::ImportKind;
use super::run::{HealedCounts, ImportRun, blank};
use super::start::RunStart;
use super::stored::{StoredRun, UnreadableRun};
pub use super::work::{
    CutRecord, KeptRows, OpenPage, RecordFailure, RunCuts, RunSaving, SkippedRecord, StoredRunParts,
};
use super::work::{ROOM, RunTask, RunWork};
use crate::config::Config;
use crate::engine::call::{CallTicket, HostCall, SliceInput};
use crate::engine::grants::{CONNECTIONS, CallGrants, MemoryPart, READING, bytes_left};
use crate::klaviyo::job::OPEN_JOBS;
use crate::klaviyo::pacing::{CallPace, QuotaParts};
use crate::time::UnixMs;

/// What happened.
#[derive(Debug, Clone)]
pub enum ImportInput {
    /// A run has to begin. The caller has made sure that none of the kind is active.
    Start {
        /// The run's id: unique, and ascending with the starts.
        id: String,
        /// What is imported.
        kind: ImportKind,
        /// Which records.
        start: RunStart,
    },
    /// The run of this kind has to stop.
    Stop(ImportKind),
    /// It has to go on.
    Resume(ImportKind),
    /// The parts of Klaviyo's limits that imports may use; the outbox has the rest.
    Quota(QuotaParts),
    /// An event of a slice.
    Slice(SliceInput),
}

/// What the host has to do, in this order.
#[derive(Debug)]
pub enum ImportEffect {
    /// Store this, all of it or nothing.
    Save(Box<RunSaving>),
    /// Log this.
    TellCuts(RunCuts),
    /// Make this call, and return its answer under this number.
    Call(CallTicket, HostCall),
}

/// All known runs, one for each kind.
pub struct ImportMachine {
    works: BTreeMap<ImportKind, RunWork>,
    /// Runs that another version stored; the machine only shows them.
    unreadable: BTreeMap<ImportKind, UnreadableRun>,
    pace: CallPace,
    under_way: BTreeMap<CallTicket, Box<(ImportKind, RunTask)>>,
    last_ticket: CallTicket,
    /// Calls left in this slice.
    calls_left: u32,
    /// The run whose turn it is.
    turn: usize,
    /// When the machine can next do something that it cannot do now.
    wake: Option<UnixMs>,
    /// How much of the isolate's memory these runs may fill at the time.
    memory: MemoryPart,
}

impl ImportMachine {
    /// The machine with the stored runs. Calls that were under way are no longer known.
    #[must_use]
    pub fn new(config: &Config, stored: Vec<StoredRunParts>, now: DateTime<Utc>) -> Self {
        let (mut works, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
        for StoredRunParts { run, list, kept } in stored {
            match run {
                StoredRun::Readable(run) => {
                    works.insert(run.kind, RunWork::restore(config, *run, list, kept, now));
                }
                StoredRun::Unreadable(run) => {
                    unreadable.insert(run.kind, run);
                }
            }
        }
        Self {
            works,
            unreadable,
            pace: CallPace::new(config.rules.klaviyo.share),
            under_way: BTreeMap::new(),
            last_ticket: CallTicket::default(),
            calls_left: 0,
            turn: 0,
            wake: None,
            memory: MemoryPart::default(),
        }
    }

    /// Sets how much of the isolate's memory these runs may fill from now on.
    pub fn share_memory(&mut self, part: MemoryPart) {
        self.memory = part;
    }

    /// Whether these runs fill more than their part of the memory, since they had all of it until now.
    #[must_use]
    pub fn fills_more_than_its_part(&self) -> bool {
        self.works.values().map(RunWork::filled).sum::<usize>() > self.memory.of(ROOM)
    }

    /// One step: takes what happened, and returns what to do.
    pub fn step(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        input: ImportInput,
    ) -> Vec<ImportEffect> {
        match input {
            ImportInput::Start { id, kind, start } => {
                self.unreadable.remove(&kind);
                let RunStart { selection, ids, trigger } = start;
                let run = ImportRun::new(&config.rules, id, kind, selection, trigger, now);
                self.works.insert(kind, RunWork::begin(config, run, ids));
            }
            ImportInput::Stop(kind) => {
                if let Some(work) = self.works.get_mut(&kind) {
                    work.stop();
                }
            }
            ImportInput::Resume(kind) => {
                if let Some(work) = self.works.get_mut(&kind) {
                    work.resume(now);
                }
            }
            ImportInput::Quota(parts) => self.pace.use_parts(parts),
            ImportInput::Slice(SliceInput::Answered { ticket, answer }) => {
                if let Some((kind, task)) = self.under_way.remove(&ticket).map(|call| *call)
                    && let Some(work) = self.works.get_mut(&kind)
                {
                    work.answered(config, now, task, answer, &mut self.pace);
                }
            }
            ImportInput::Slice(SliceInput::Begun { calls }) => self.calls_left = calls,
            ImportInput::Slice(SliceInput::Rest) => self.calls_left = 0,
            ImportInput::Slice(SliceInput::Tick) => {}
        }
        self.pump(config, now)
    }

    /// Settles what can be settled and makes all possible calls. If no call is possible, it reads the documents of a
    /// page, while the calls for another page are under way.
    fn pump(&mut self, config: &Config, now: DateTime<Utc>) -> Vec<ImportEffect> {
        let mut effects = Vec::new();
        let mut calls = self.settled_calls(config, now);
        while calls.is_empty()
            && self.calls_left > 0
            && self.works.values_mut().any(|work| work.read_documents(config, now))
        {
            calls = self.settled_calls(config, now);
        }
        if self.calls_left > 0 && self.works.values().any(RunWork::can_read_documents) {
            self.wake = Some(UnixMs::from(now));
        }
        for work in self.works.values_mut() {
            effects.extend(work.saving(now).map(|saving| ImportEffect::Save(Box::new(saving))));
            effects.extend(work.cuts().map(ImportEffect::TellCuts));
        }
        effects.extend(calls);
        effects
    }

    fn settled_calls(&mut self, config: &Config, now: DateTime<Utc>) -> Vec<ImportEffect> {
        let runs = self.works.values().filter(|work| work.run().is_active()).count();
        for work in self.works.values_mut() {
            work.settle(self.memory.of(ROOM) / runs.max(1), now);
        }
        self.wake = None;
        let mut calls = Vec::new();
        let kinds: Vec<_> = self.works.keys().copied().collect();
        let mut idle = 0;
        let connections = if config.rules.import.one_by_one { 1 } else { CONNECTIONS };
        while idle < kinds.len() && self.calls_left > 0 {
            let kind = kinds[self.turn % kinds.len()];
            self.turn = self.turn.wrapping_add(1);
            let reads = self.under_way.values().filter(|call| call.1.reads()).count();
            let jobs: usize = self.works.values().map(RunWork::open_jobs).sum();
            let bytes: usize = self.under_way.values().map(|call| call.1.bytes()).sum();
            let mut grants = CallGrants {
                connections: connections.saturating_sub(self.under_way.len()),
                reading: READING.saturating_sub(reads),
                nobody_reads: reads == 0,
                bytes: bytes_left(bytes, self.memory),
                jobs: OPEN_JOBS.saturating_sub(jobs),
                pace: &mut self.pace,
                counts: true,
                circuits: None,
                now: UnixMs::from(now),
                wake: &mut self.wake,
                refused: None,
            };
            let Some(work) = self.works.get_mut(&kind) else { break };
            match work.next(config, &mut grants) {
                None => {
                    idle += 1;
                    let mut own = self.under_way.values().filter(|call| call.0 == kind);
                    work.limited(&grants, own.any(|call| call.1.reads()));
                }
                Some((task, call)) => {
                    idle = 0;
                    self.last_ticket = self.last_ticket.next();
                    self.calls_left -= 1;
                    self.under_way.insert(self.last_ticket, Box::new((kind, task)));
                    calls.push(ImportEffect::Call(self.last_ticket, call));
                }
            }
        }
        calls
    }

    /// Takes the failures that [`crate::import::store::runs::save`] found healed, and corrects the counts.
    pub fn healed(&mut self, kind: ImportKind, healed: HealedCounts) {
        if let Some(work) = self.works.get_mut(&kind) {
            work.healed(healed);
        }
    }

    /// When to step again without an answer; none if only an answer or a new slice can bring progress.
    #[must_use]
    pub fn wake(&self) -> Option<UnixMs> {
        self.wake
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.works.values().any(|work| work.run().is_active())
    }

    /// The run of a kind, in its stored form.
    #[must_use]
    pub fn run(&self, kind: ImportKind) -> Option<&ImportRun> {
        self.works.get(&kind).map(RunWork::run)
    }

    /// The run of a kind as the endpoints show it, with what is under way.
    #[must_use]
    pub fn shown(&self, kind: ImportKind) -> Value {
        match (self.works.get(&kind), self.unreadable.get(&kind)) {
            (Some(work), _) => work.shown(),
            (None, Some(unreadable)) => unreadable.shown(),
            (None, None) => blank(kind),
        }
    }

    /// The records that are counted as read but not settled.
    #[must_use]
    pub fn in_flight(&self, kind: ImportKind) -> u64 {
        self.works.get(&kind).map_or(0, RunWork::in_flight)
    }
}
