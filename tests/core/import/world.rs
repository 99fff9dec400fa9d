//! Virtual time: runs the machine between the shop and the account, with calls that fail before or
//! after their effect, limits, crashes between any two effects, stops and resumes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::config::{Config, OperatorRules};
use commercetools_klaviyo::engine::call::{CallTicket, HostCall, SliceInput};
use commercetools_klaviyo::fault::{Setback, System};
use commercetools_klaviyo::http::{HttpAnswer, NoAnswer};
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{
    CutRecord, ImportEffect, ImportInput, ImportMachine, KeptRows, OpenPage, RecordFailure,
    RunSaving, StoredRunParts,
};
use commercetools_klaviyo::import::run::{HealedCounts, ImportRun, RunState};
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::start::RunStart;
use commercetools_klaviyo::import::stored::read_run;
use commercetools_klaviyo::push::plan::customer::WRITTEN_SINCE;
use commercetools_klaviyo::time::UnixMs;

use super::account::Account;
use super::shop::Shop;

/// A source of chance that can be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below.max(1)
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(crate) fn happens(&mut self, in_thousand: u64) -> bool {
        self.next(1000) < in_thousand
    }
}

/// How often, in a thousand, the world does what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Faults {
    pub(super) crash: u64,
    pub(super) lost_before: u64,
    pub(super) lost_after: u64,
    pub(super) hang: u64,
    /// More documents than this are not answered in time, and neither is a count.
    pub(super) slow_above: Option<usize>,
    pub(super) throttled: u64,
    pub(super) down: u64,
    pub(super) stop: u64,
    /// Klaviyo's status for every call, where it is not the usual one.
    pub(super) status: Option<u16>,
    /// What makes a call that says it fail with 500.
    pub(super) cannot_bear: Option<&'static str>,
}

/// What is stored, as the shell would.
#[derive(Debug, Default, Clone)]
pub(super) struct Store {
    runs: BTreeMap<ImportKind, ImportRun>,
    lists: BTreeMap<ImportKind, Vec<Id>>,
    kept: BTreeMap<ImportKind, Vec<KeptRows>>,
    pub(super) failures: BTreeMap<(ImportKind, String), RecordFailure>,
    /// The run in which a record failed last.
    failed_in: BTreeMap<(ImportKind, String), String>,
    /// The records that the run of a kind counted as skipped, each with the reason.
    pub(super) skipped: BTreeMap<ImportKind, Vec<(String, &'static str)>>,
    /// Failures that the run of a kind healed by skipping the record.
    pub(super) healed_by_skips: BTreeMap<ImportKind, u64>,
    /// Pages that are not finished, with what the outbox is to be told of them.
    pub(super) open_pages: Vec<(String, OpenPage)>,
    pub(super) saves: u64,
}

impl Store {
    fn save(&mut self, saving: RunSaving) -> HealedCounts {
        let run = saving.run.expect("a run");
        // It goes through its JSON, as it would in a database.
        let json = serde_json::to_string(&run).expect("JSON");
        let mut run: ImportRun = serde_json::from_str(&json).expect("a run");
        let kind = run.kind;
        if self.runs.get(&kind).is_none_or(|known| known.id != run.id) {
            self.kept.remove(&kind);
            self.lists.remove(&kind);
            self.skipped.remove(&kind);
            self.healed_by_skips.remove(&kind);
        }
        let kept = self.kept.entry(kind).or_default();
        let stored = serde_json::to_string(&saving.kept).expect("JSON");
        kept.extend(serde_json::from_str::<Vec<KeptRows>>(&stored).expect("rows"));
        kept.retain(|kept| !saving.closed.contains(&kept.job.id));
        if let Some(list) = saving.list {
            self.lists.insert(kind, list);
        }
        self.open_pages.extend(saving.opened.into_iter().map(|page| (run.id.clone(), page)));
        self.open_pages.retain(|(of, open)| {
            *of != run.id || open.page.is_none_or(|page| !saving.finished.contains(&page))
        });
        let mut heal = |ids: Vec<Id>| {
            let all = ids.into_iter().map(|id| (kind, id.to_string()));
            let failed = all.filter(|record| self.failures.remove(record).is_some());
            let by_run = failed.filter(|record| self.failed_in[record] == run.id);
            u64::try_from(by_run.count()).expect("a number")
        };
        let counted = saving.skipped.iter().filter(|record| record.is_counted);
        let counted = counted.map(|record| (record.id.to_string(), record.code));
        self.skipped.entry(kind).or_default().extend(counted);
        let skipped = saving.skipped.into_iter().map(|record| record.id).collect();
        let healed = HealedCounts { sent: heal(saving.sent), skipped: heal(skipped) };
        *self.healed_by_skips.entry(kind).or_default() += healed.skipped;
        for failure in saving.failures {
            let record = (kind, failure.id.to_string());
            self.failed_in.insert(record.clone(), run.id.clone());
            self.failures.insert(record, failure);
        }
        run.counts.failed -= healed.sent + healed.skipped;
        run.counts.sent += healed.sent;
        run.counts.skipped += healed.skipped;
        self.runs.insert(kind, run);
        self.saves += 1;
        healed
    }

    /// What a machine of these rules finds, by the same reading as in the object.
    fn stored(&self, rules: &OperatorRules) -> Vec<StoredRunParts> {
        let one = |run: &ImportRun| StoredRunParts {
            run: read_run(rules, run.kind, &run.id, &serde_json::to_vec(run).expect("JSON")),
            list: self.lists.get(&run.kind).cloned().unwrap_or_default(),
            kept: self.kept.get(&run.kind).cloned().unwrap_or_default(),
        };
        self.runs.values().map(one).collect()
    }

    pub(super) fn run(&self, kind: ImportKind) -> &ImportRun {
        &self.runs[&kind]
    }

    pub(super) fn runs_pass(&self, kind: ImportKind) -> usize {
        self.runs.get(&kind).map_or(0, |run| run.pass)
    }

    /// As if a newer version had stored it.
    pub(super) fn make_newer(&mut self, kind: ImportKind) {
        if let Some(run) = self.runs.get_mut(&kind) {
            run.version = 99;
        }
    }
}

/// The world.
pub(super) struct World {
    pub(super) config: Config,
    pub(super) shop: Shop,
    pub(super) account: Account,
    pub(super) store: Store,
    /// What was left out of records.
    pub(super) cuts: Vec<CutRecord>,
    pub(super) chance: Chance,
    pub(super) faults: Faults,
    /// ms since 1970 UTC.
    pub(super) now: u64,
    machine: ImportMachine,
    /// Calls under way: when they are answered, and with what.
    under_way: HashMap<CallTicket, (u64, Result<HttpAnswer, Setback>)>,
    next_run: u64,
    slice_ends: u64,
    /// The calls that were carried out, where somebody wants to see them.
    pub(super) calls: Option<Vec<HostCall>>,
    pub(super) crashes: u64,
    pub(super) stops: u64,
    /// The most calls that were under way at once.
    pub(super) most_calls: usize,
    /// Calls under way that read a page of documents; the most at once, and the bytes of each.
    pages_under_way: BTreeSet<CallTicket>,
    pub(super) most_pages: usize,
    pub(super) pages: Vec<usize>,
    /// Records that a run left to the outbox.
    /// Customers who were gone when their profiles were written, and since when those may have been.
    pub(super) left_as_gone: BTreeMap<String, String>,
    /// Who was erased.
    pub(super) erased: BTreeSet<String>,
    pub(super) handed_over: BTreeSet<(ImportKind, Id)>,
    /// What happens to the shop while it is read.
    pub(super) meanwhile: Option<fn(&mut World)>,
}

impl World {
    pub(super) fn new(config: Config, seed: u64, now: u64) -> Self {
        let machine = ImportMachine::new(&config, Vec::new(), time(now));
        Self {
            config,
            shop: Shop::default(),
            account: Account::default(),
            store: Store::default(),
            cuts: Vec::new(),
            chance: Chance::new(seed),
            faults: Faults::default(),
            now,
            machine,
            under_way: HashMap::new(),
            next_run: 0,
            slice_ends: 0,
            calls: None,
            crashes: 0,
            stops: 0,
            most_calls: 0,
            pages_under_way: BTreeSet::new(),
            most_pages: 0,
            pages: Vec::new(),
            left_as_gone: BTreeMap::new(),
            erased: BTreeSet::new(),
            handed_over: BTreeSet::new(),
            meanwhile: None,
        }
    }

    pub(super) fn start(&mut self, kind: ImportKind, start: RunStart) {
        self.next_run += 1;
        let id = format!("run-{}", self.next_run);
        let input = ImportInput::Start { id: id.clone(), kind, start };
        // If the object goes down before it has stored the run, nobody was answered: they ask again.
        while self.store.runs.get(&kind).is_none_or(|run| run.id != id) {
            self.give(input.clone());
        }
    }

    pub(super) fn stop(&mut self, kind: ImportKind) {
        self.give(ImportInput::Stop(kind));
    }

    pub(super) fn resume(&mut self, kind: ImportKind) {
        self.give(ImportInput::Resume(kind));
    }

    /// Lets this much time go on, in ms.
    pub(super) fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        while self.machine.is_active() && self.now < end {
            if self.now >= self.slice_ends {
                self.slice_ends = self.now + 60_000;
                self.give(ImportInput::Slice(SliceInput::Begun { calls: 1_000 }));
            }
            self.next();
        }
    }

    pub(super) fn shown(&self, kind: ImportKind) -> serde_json::Value {
        self.machine.shown(kind)
    }

    /// Lets the machine take one step, and does what it says.
    pub(super) fn give(&mut self, input: ImportInput) {
        let effects = self.machine.step(&self.config, time(self.now), input);
        self.check();
        for effect in effects {
            match effect {
                ImportEffect::Save(saving) => {
                    let kind = saving.run.as_ref().map(|run| run.kind).expect("a run");
                    let healed = self.store.save(*saving);
                    self.machine.healed(kind, healed);
                }
                ImportEffect::TellCuts(told) => self.cuts.extend(told.records),
                ImportEffect::Call(ticket, call) => self.call(ticket, &call),
            }
            if self.chance.happens(self.faults.crash) {
                return self.crash();
            }
        }
    }

    /// After every step each record read is sent, skipped, failed or in flight.
    fn check(&self) {
        for kind in ImportKind::ALL {
            let shown = self.machine.shown(kind);
            let count = |name: &str| shown[name].as_u64().expect("a count");
            let settled = count("sent") + count("skipped") + count("failed");
            let in_flight = self.machine.in_flight(kind);
            assert_eq!(count("read"), settled + in_flight, "{shown}");
            if shown["state"] == "completed" {
                assert_eq!(in_flight, 0, "{shown}");
            }
        }
    }

    /// A deployment: the object begins anew with other settings.
    pub(super) fn deploy(&mut self, config: Config) {
        self.config = config;
        self.crash();
    }

    fn crash(&mut self) {
        self.crashes += 1;
        for (_, of) in &mut self.store.open_pages {
            of.page = None;
        }
        self.under_way.clear();
        self.pages_under_way.clear();
        self.machine =
            ImportMachine::new(&self.config, self.store.stored(&self.config.rules), time(self.now));
        self.slice_ends = 0;
        // The watchdog finds it.
        self.now += 1 + self.chance.next(20_000);
    }

    fn call(&mut self, ticket: CallTicket, call: &HostCall) {
        let system = match call {
            HostCall::Commercetools { .. } => System::Commercetools,
            HostCall::Klaviyo { .. } | HostCall::HandOver { .. } => System::Klaviyo,
        };
        let latency = 20 + self.chance.next(400);
        let lost = |why| Err(Setback::no_answer(system, why));
        let (after, answer) = if self.chance.happens(self.faults.lost_before) {
            (latency, lost(NoAnswer::Network))
        } else if self.faults.cannot_bear.is_some_and(|text| says(call, text)) {
            (latency, Ok(HttpAnswer { status: 500, ..HttpAnswer::default() }))
        } else if let (Some(status), System::Klaviyo) = (self.faults.status, system) {
            (latency, Ok(HttpAnswer { status, ..HttpAnswer::default() }))
        } else if self.is_slow(call) || self.chance.happens(self.faults.hang) {
            (10_000, lost(NoAnswer::Timeout))
        } else if self.chance.happens(self.faults.throttled) {
            let retry_after = Some(Duration::from_secs(1 + self.chance.next(3)));
            (latency, Ok(HttpAnswer { status: 429, retry_after, ..HttpAnswer::default() }))
        } else if self.chance.happens(self.faults.down) {
            (latency, Ok(HttpAnswer { status: 503, ..HttpAnswer::default() }))
        } else {
            let answer = self.carry_out(call);
            if self.chance.happens(self.faults.lost_after) {
                (10_000, lost(NoAnswer::Timeout))
            } else {
                (latency, Ok(answer))
            }
        };
        if let (HostCall::Commercetools { path, .. }, Ok(page)) = (call, &answer)
            && path.contains("sort=id")
        {
            self.pages_under_way.insert(ticket);
            self.most_pages = self.most_pages.max(self.pages_under_way.len());
            self.pages.push(page.body.len());
        }
        self.under_way.insert(ticket, (self.now + after, answer));
        self.most_calls = self.most_calls.max(self.under_way.len());
    }

    /// Whether a call asks for more than is answered in time.
    fn is_slow(&self, call: &HostCall) -> bool {
        let (Some(most), HostCall::Commercetools { path, .. }) = (self.faults.slow_above, call)
        else {
            return false;
        };
        let limit =
            path.split("limit=").nth(1).and_then(|rest| rest.split('&').next()?.parse().ok());
        // A list of ids has as many documents.
        let listed = path.split("id%20in%20").nth(1).map(|list| list.split("%2C").count());
        let asked: Option<usize> = listed.into_iter().chain(limit).min();
        // What belongs to SKUs is little, however much may be answered.
        if path.contains("sku") {
            return false;
        }
        path.contains("withTotal=true") || asked.is_some_and(|asked| asked > most)
    }

    pub(super) fn carry_out(&mut self, call: &HostCall) -> HttpAnswer {
        if let Some(calls) = &mut self.calls {
            calls.push(call.clone());
        }
        match call {
            HostCall::HandOver { changes, .. } => {
                for change in changes {
                    if let Some(since) = change.get(WRITTEN_SINCE) {
                        let customer = change["resource"]["id"].as_str().expect("an id");
                        let since = since.as_str().expect("a time");
                        self.left_as_gone.insert(customer.to_owned(), since.to_owned());
                        continue;
                    }
                    let of_type = change["resource"]["typeId"].as_str().expect("a type");
                    let id = change["resource"]["id"].as_str().and_then(Id::new).expect("an id");
                    let named = |kind: &ImportKind| kind.resource_type() == of_type;
                    let kind = ImportKind::ALL.into_iter().find(named).expect("a kind");
                    self.handed_over.insert((kind, id));
                }
                HttpAnswer { status: 201, ..HttpAnswer::default() }
            }
            HostCall::Commercetools { path, most } => self.shop.respond(path, *most),
            HostCall::Klaviyo { method, path, body } => {
                assert!(
                    body.as_ref().is_none_or(|body| body.len() <= 5_000_000),
                    "a body is too large"
                );
                self.account.answer(method, path, body.as_deref(), self.now)
            }
        }
    }

    /// Lets time go on until no run has anything to do, and what was left to the outbox is
    /// delivered.
    pub(super) fn run(&mut self) {
        self.run_to_its_end();
        self.deliver_handed_over();
    }

    /// What the outbox does with what was left to it: brings each record as it is now.
    fn deliver_handed_over(&mut self) {
        let (meanwhile, faults) = (self.meanwhile.take(), std::mem::take(&mut self.faults));
        while !self.handed_over.is_empty() {
            // A change of a moment ago is looked for again; it ends when nothing changes.
            self.now += 61_000;
            let left = std::mem::take(&mut self.handed_over);
            let machine = std::mem::replace(
                &mut self.machine,
                ImportMachine::new(&self.config, Vec::new(), time(self.now)),
            );
            let store = std::mem::take(&mut self.store);
            self.slice_ends = 0;
            for kind in ImportKind::ALL {
                let ids = left.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.clone());
                let ids: Vec<_> = ids.collect();
                if !ids.is_empty() {
                    self.start(kind, RunStart::over(ids, RunSelection::Ids));
                }
            }
            self.run_to_its_end();
            (self.machine, self.store) = (machine, store);
            self.slice_ends = 0;
        }
        (self.meanwhile, self.faults) = (meanwhile, faults);
    }

    pub(super) fn run_to_its_end(&mut self) {
        let mut steps = 0;
        loop {
            self.stop_and_go();
            if !self.machine.is_active() {
                break;
            }
            steps += 1;
            assert!(steps < 100_000, "the import does not end: {}", self.story());
            if self.now >= self.slice_ends {
                self.slice_ends = self.now + 60_000;
                self.give(ImportInput::Slice(SliceInput::Begun { calls: 1_000 }));
            }
            if let Some(meanwhile) = self.meanwhile.filter(|_| self.chance.happens(100)) {
                meanwhile(self);
            }
            self.next();
        }
    }

    fn story(&self) -> String {
        let runs: Vec<_> =
            ImportKind::ALL.iter().map(|kind| self.machine.shown(*kind).to_string()).collect();
        runs.join("\n")
    }

    /// Brings the next thing that happens.
    fn next(&mut self) {
        let answer = self.under_way.iter().map(|(ticket, (at, _))| (*at, *ticket)).min();
        let wake = self.machine.wake().map_or(u64::MAX, UnixMs::ms).max(self.now + 1);
        let slice = self.slice_ends;
        match answer {
            Some((at, ticket)) if at <= wake && at <= slice => {
                self.now = self.now.max(at);
                self.pages_under_way.remove(&ticket);
                if let Some((_, answer)) = self.under_way.remove(&ticket) {
                    self.give(ImportInput::Slice(SliceInput::Answered { ticket, answer }));
                }
            }
            _ => {
                self.now = wake.min(slice).max(self.now + 1);
                self.give(ImportInput::Slice(SliceInput::Tick));
            }
        }
    }

    /// Now and then an operator stops a run, and resumes it.
    fn stop_and_go(&mut self) {
        for kind in ImportKind::ALL {
            let Some(run) = self.machine.run(kind) else { continue };
            let state = run.state;
            // Not for ever: a run that is stopped again and again comes to no end.
            if state == RunState::Running
                && self.stops < 12
                && self.chance.happens(self.faults.stop)
            {
                self.stops += 1;
                self.give(ImportInput::Stop(kind));
            }
        }
        for kind in ImportKind::ALL {
            let stopped = |run: &ImportRun| run.state == RunState::Stopped;
            if self.faults.stop > 0 && self.machine.run(kind).is_some_and(stopped) {
                self.give(ImportInput::Resume(kind));
            }
        }
    }
}

fn says(call: &HostCall, text: &str) -> bool {
    match call {
        HostCall::Commercetools { path, .. } => path.contains(text),
        HostCall::Klaviyo { path, body, .. } => {
            path.contains(text) || body.as_ref().is_some_and(|body| body.contains(text))
        }
        HostCall::HandOver { .. } => false,
    }
}

pub(crate) fn time(ms: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(i64::try_from(ms).expect("a time")).expect("a time")
}
