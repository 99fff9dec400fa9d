//! Both halves in one world, in virtual time: a shop that changes while everything runs, pushes that come late, twice
//! and out of order, the outbox, imports, erasures; between two systems that carry calls out late, lose answers, refuse
//! and stop.
//!
//! At rest Klaviyo holds what the shop has, every event exists once with its amount, no erased customer exists, nothing
//! waits, and every push has its outcome.
//!
//! Each seed is a world of its own. `WORLD_SEEDS` is their number, `WORLD_SEED` runs one.

mod deployment;
mod doubt;
mod edges;
mod emails;
mod hosts;
mod network;
mod object;
mod orders;
mod plan;
mod quota;
mod rest;
mod shop;

use std::collections::{BTreeMap, BTreeSet};

use commercetools_klaviyo::assembly::shared::SharedDocuments;
use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::engine::call::{HostCall, SliceInput};
use commercetools_klaviyo::http::HttpAnswer;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::ImportInput;
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::start;
use commercetools_klaviyo::import::store::{runs, tables as import_tables};
use commercetools_klaviyo::import::stored::StoredRun;
use commercetools_klaviyo::klaviyo::pacing::CallPace;
use commercetools_klaviyo::outbox::store::tables as outbox_tables;
use serde_json::Value;

use self::deployment::NewerShape;
use self::hosts::{ImportObject, OutboxObject, RunningPush};
use self::network::{Caller, Network, WayFaults};
use self::quota::AccountQuota;
use crate::import::account::Account;
use crate::import::shop::{Catalog, Shop, id};
use crate::import::world::Chance;
use crate::seeds::{on_all_cores, seeds};
use crate::support::at;

/// 2026-06-01T00:00:00Z.
const NOW: u64 = 1_780_272_000_000;

/// For how long the shop changes, in ms.
const BUSY: u64 = 120_000;

/// What is to happen at a time.
enum Event {
    /// Something happens in the shop.
    Happens,
    /// A customer places an order.
    Orders(u64),
    /// A customer is erased.
    Erases(u64),
    /// A customer is erased by another deployment, which alone is told: nobody here knows of it.
    ErasesElsewhere(u64),
    /// A product, or an inventory entry, is deleted.
    Deletes,
    /// A product leaves the category that is merged into another one; none: that is deleted.
    Merges(Option<u64>),
    /// Variants become documents of their own: those of a product, or the last of them.
    Migrates(Option<u64>),
    /// A notification arrives.
    Push(Value),
    /// An import begins.
    Import(ImportKind, Value),
    /// The import of a kind is stopped, and goes on later, or begins anew.
    Stop(ImportKind),
    /// It goes on.
    Resume(ImportKind),
    /// An object looks again.
    Tick(Caller),
    /// The account allows so many calls.
    Quota(Option<[u64; 2]>),
    /// The Worker is deployed with other settings.
    Deploys,
    /// An older version of the Worker is deployed, which cannot read something.
    RollsBack(NewerShape),
    /// The newer one is deployed again.
    RollsForward(NewerShape),
    /// Everything works again.
    Peace,
}

/// When an object goes down in a step.
#[derive(Debug, Clone, Copy)]
enum Crash {
    /// Nothing of what it stored is kept, and no call is made.
    BeforeItIsKept,
    /// All is kept, and no call is made.
    AfterItIsKept,
}

/// How often, in a thousand, the world does what.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    crash: u64,
    /// The only step in which an object goes down, and how; none if chance decides.
    crash_at: Option<(u64, Crash)>,
    /// An alarm comes twice, or late.
    alarm: u64,
    /// An object is deployed anew, with other settings.
    deployed: u64,
    /// The clock goes back.
    clock: u64,
    kill: u64,
    storage: u64,
}

struct World {
    config: Config,
    /// The only supply channel whose stock counts, where one is named.
    named_channel: Option<&'static str>,
    shop: Shop,
    account: Account,
    quota: AccountQuota,
    chance: Chance,
    faults: Faults,
    network: Network,
    now: u64,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    outbox: OutboxObject,
    import: ImportObject,
    pushes: BTreeMap<u64, RunningPush>,
    next_push: u64,
    shared: Option<SharedDocuments>,
    told: CallPace,
    /// Counts the changes of the shop.
    version: u64,
    erased: BTreeSet<String>,
    /// Whether this deployment is told of erasures. Where another one is, customers order nothing here.
    is_told: bool,
    /// Orders that need not be at Klaviyo: nobody was to be told of new orders for a while.
    excused: BTreeSet<String>,
    told_of: usize,
    outcomes: usize,
    crashes: u64,
    /// Steps of the two objects.
    steps: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let named_channel = chance.happens(300).then_some("north");
        let config = deployment::settings(named_channel, true, &Value::Null);
        let mut often = |most: u64| if chance.happens(500) { chance.next(most) } else { 0 };
        let faults = Faults {
            crash: often(15),
            crash_at: None,
            kill: often(20),
            storage: often(30),
            alarm: often(300),
            deployed: often(20),
            clock: often(20),
        };
        let way = WayFaults {
            lost_before: often(100),
            lost_after: often(100),
            late: often(100),
            throttled: often(150),
            down: often(150),
            foreign: often(40),
        };
        // Pages that are longer than is read of them.
        let page_bytes = chance.happens(200).then_some(1_500);
        let mut world = Self {
            config,
            named_channel,
            shop: Shop::default(),
            account: Account::default(),
            quota: AccountQuota::default(),
            chance,
            faults,
            network: Network::default(),
            now: NOW,
            events: BTreeMap::new(),
            next_event: 0,
            outbox: OutboxObject::new(&outbox_tables::MIGRATIONS),
            import: ImportObject::new(&import_tables::MIGRATIONS),
            pushes: BTreeMap::new(),
            next_push: 0,
            shared: None,
            told: CallPace::new(1.0),
            version: 1,
            erased: BTreeSet::new(),
            is_told: true,
            excused: BTreeSet::new(),
            told_of: 0,
            outcomes: 0,
            crashes: 0,
            steps: 0,
        };
        world.network.faults = way;
        world.shop.page_bytes = page_bytes;
        world.account.takes_live_events = true;
        world.account.pointers = world.chance.happens(500);
        // From a moment to ten minutes, each job for itself.
        world.account.job_ms = if world.chance.happens(300) { 300_000 } else { 20_000 };
        world.account.spread = Some(world.chance.next(u64::MAX >> 12));
        shop::fill(&mut world);
        world.plan();
        world
    }

    fn at(&mut self, wait: u64, event: Event) {
        self.next_event += 1;
        self.events.insert((self.now + wait, self.next_event), event);
    }

    /// Lets time go on until nothing is left to be done.
    fn run(&mut self) {
        self.run_until(u64::MAX);
    }

    /// Lets time go on until then (ms since 1970 UTC), or until nothing is left to be done.
    fn run_until(&mut self, end: u64) {
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 100_000, "the world does not come to rest: {}", self.story());
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let times = [event, self.network.next_at(), self.outbox.alarm, self.import.alarm];
            let Some(next) = times.iter().flatten().min().copied() else { break };
            if next > end {
                break;
            }
            if self.is_at_rest() {
                break;
            }
            self.now = self.now.max(next);
            if let Some(no) = self.network.due(self.now) {
                self.call_happens(no);
            } else if event == Some(next) {
                if let Some((_, event)) = self.events.pop_first() {
                    self.happens(event);
                }
            } else if self.outbox.alarm.is_some_and(|alarm| alarm <= self.now) {
                self.disturb();
                self.outbox_alarm();
            } else if self.import.alarm.is_some_and(|alarm| alarm <= self.now) {
                self.disturb();
                self.import_alarm();
            }
        }
    }

    /// Alarms come late and twice, objects are deployed anew, the clock goes back.
    fn disturb(&mut self) {
        if self.chance.happens(self.faults.alarm) {
            self.now += self.chance.next(15_000);
        }
        if self.chance.happens(self.faults.alarm) {
            self.outbox_alarm();
        }
        if self.chance.happens(self.faults.deployed) {
            self.deploy_settings();
        }
        if self.chance.happens(self.faults.clock) {
            self.now -= self.chance.next(2_000);
        }
    }

    /// Whether nothing is left but to see now and then what has been kept for too long.
    fn is_at_rest(&self) -> bool {
        self.events.is_empty()
            && self.network.calls.is_empty()
            && self.pushes.is_empty()
            && self.import.alarm.is_none()
            && self.outbox.slice_ends.is_none()
            && self.outbox.sql.all("SELECT key FROM parked").is_empty()
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Happens => {
                let notification = shop::happen(self);
                self.tell(&notification);
            }
            Event::Orders(customer) => {
                let notification = shop::place_order(self, customer);
                self.tell(&notification);
            }
            Event::Erases(customer) => {
                let notification = shop::erase(self, customer);
                self.tell(&notification);
            }
            Event::ErasesElsewhere(customer) => {
                let notification = shop::erase(self, customer);
                let customer = notification["resource"]["id"].as_str().unwrap_or_default();
                self.account.settle(self.now);
                self.account.forget(customer);
            }
            Event::Deletes => {
                let notification = match self.chance.next(2) {
                    0 => shop::delete(self),
                    _ => shop::delete_stock(self),
                };
                self.tell(&notification);
            }
            Event::Merges(product) => {
                let notification = match product {
                    Some(product) => shop::leave_category(self, product),
                    None => shop::delete_category(self),
                };
                self.tell(&notification);
            }
            // Nobody says anything: what is sold has not changed.
            Event::Migrates(Some(number)) => {
                self.shop.catalog = Catalog::InMigration;
                self.shop.move_variants(&id("p", number));
            }
            Event::Migrates(None) => self.shop.catalog = Catalog::Modular,
            Event::Push(notification) => self.push(notification),
            // 503: the person tries again.
            Event::Stop(_) | Event::Resume(_) | Event::Import(..) if self.import.is_newer => {
                self.at(10_000, event);
            }
            Event::Stop(kind) => {
                let wait = self.chance.next(60_000);
                let again = match self.chance.next(2) {
                    0 => Event::Resume(kind),
                    _ => Event::Import(kind, Value::Null),
                };
                self.at(wait, again);
                self.ask_import(ImportInput::Stop(kind));
            }
            // It is still stopping: 423, and the person tries again.
            Event::Resume(kind) | Event::Import(kind, _)
                if self.has_run(kind, ImportRun::is_active) =>
            {
                self.at(10_000, event);
            }
            // Who gives up a full run for a shorter one does not bring all: it is gone on with first.
            Event::Import(kind, ref body)
                if !body.is_null()
                    && (self.has_run(kind, is_stopped) || self.has_unreadable_run(kind)) =>
            {
                self.at(10_000, event);
            }
            // It has to be resumed by the version that can read it.
            Event::Resume(kind) if self.has_unreadable_run(kind) => self.at(10_000, event),
            Event::Resume(kind) if self.has_run(kind, ImportRun::is_resumable) => {
                self.ask_import(ImportInput::Resume(kind));
                self.again_unless_active(kind, event);
            }
            Event::Import(kind, ref body) => {
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let start = start::read(kind, body.as_bytes()).expect("a start");
                let id = runs::new_id(&self.import.sql, at(self.now)).expect("an id");
                self.ask_import(ImportInput::Start { id, kind, start });
                self.again_unless_active(kind, event);
            }
            Event::Tick(Caller::Outbox(life)) if self.outbox.ticks(life, self.now) => {
                let rests = self.outbox.slice_ends.is_some_and(|end| end <= self.now);
                self.step_outbox(if rests { SliceInput::Rest } else { SliceInput::Tick });
            }
            Event::Tick(Caller::Import(life)) if self.import.ticks(life, self.now) => {
                let rests = self.import.slice_ends.is_some_and(|end| end <= self.now);
                let input = if rests { SliceInput::Rest } else { SliceInput::Tick };
                self.step_import(ImportInput::Slice(input));
            }
            Event::Resume(_) | Event::Tick(_) => {}
            Event::Quota(tier) => self.quota.tier = tier,
            Event::Deploys => self.deploy_settings(),
            Event::RollsBack(shape) => self.roll_back(shape),
            Event::RollsForward(shape) => self.roll_forward(shape),
            Event::Peace => {
                let crash_at = self.faults.crash_at;
                self.faults = Faults { crash_at, ..Faults::default() };
                self.network.faults = WayFaults::default();
            }
        }
    }

    /// A person asks the imports for something.
    fn ask_import(&mut self, input: ImportInput) {
        self.step_import(input);
        if self.import.slice_ends.is_none() {
            self.import.alarm = Some(self.now);
        }
    }

    /// A person who was answered that it failed, since the object went down, asks again.
    fn again_unless_active(&mut self, kind: ImportKind, event: Event) {
        if !self.has_run(kind, ImportRun::is_active) {
            self.at(10_000, event);
        }
    }

    /// Whether there is a run of a kind that is so.
    fn has_run(&self, kind: ImportKind, is_so: impl Fn(&ImportRun) -> bool) -> bool {
        let run = runs::current(&self.import.sql, &self.config.rules, kind).expect("a run");
        run.and_then(StoredRun::readable).is_some_and(|run| is_so(&run))
    }

    /// Whether the run of a kind is another version's.
    fn has_unreadable_run(&self, kind: ImportKind) -> bool {
        let run = runs::current(&self.import.sql, &self.config.rules, kind).expect("a run");
        matches!(run, Some(StoredRun::Unreadable(_)))
    }

    /// Brokers bring things late, twice, and in another order.
    fn tell(&mut self, notification: &Value) {
        for _ in 0..=u64::from(self.chance.happens(250)) {
            self.told_of += 1;
            let most = if self.chance.happens(150) { 40_000 } else { 800 };
            let wait = self.chance.next(most);
            self.at(wait, Event::Push(notification.clone()));
        }
    }

    /// Carries out a call of either system, or of the outbox.
    fn carry_out(&mut self, call: &HostCall, now: u64) -> HttpAnswer {
        match call {
            HostCall::HandOver { changes, not_before } => self.hand_over(changes, *not_before),
            HostCall::Commercetools { path, most } => self.shop.respond(path, *most),
            HostCall::Klaviyo { method, path, body } => {
                if let Some(refused) = self.quota.refusal(method, path, now) {
                    return refused;
                }
                self.quota.tell(self.account.answer(method, path, body.as_deref(), now))
            }
        }
    }
}

fn is_stopped(run: &ImportRun) -> bool {
    run.state == RunState::Stopped
}

/// In a small world, an object goes down in each of its steps, before and after what it did is kept.
#[test]
fn no_moment_is_a_bad_one_to_go_down() {
    let small = |crash_at| {
        let mut world = World::new(7);
        (world.faults, world.network.faults) = (Faults::default(), WayFaults::default());
        world.faults.crash_at = crash_at;
        world.events.clear();
        world.at(0, Event::Import(ImportKind::Products, Value::Null));
        // What is parked goes through the outbox while the import is under way.
        world.network.faults.down = 500;
        for wait in [1_000, 2_000, 40_000] {
            world.at(wait, Event::Happens);
        }
        world.at(30_000, Event::Peace);
        world.run();
        world.verify();
        (world.steps, world.crashes)
    };
    let (steps, _) = small(None);
    assert!(steps > 50, "{steps} steps");
    for step in 1..=steps {
        for crash in [Crash::BeforeItIsKept, Crash::AfterItIsKept] {
            let (_, crashes) = small(Some((step, crash)));
            assert_eq!(crashes, 1, "step {step} {crash:?}");
        }
    }
}

/// A world that is not as it should be in the end, and what is wrong.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FailedWorld {
    seed: u64,
    why: String,
}

impl FailedWorld {
    /// What to do about it.
    fn told(&self) -> String {
        let Self { seed, why } = self;
        format!("  WORLD_SEED={seed} cargo test --test core world::whatever\n    {why}")
    }
}

/// The crashes of the world of a seed.
fn tried(seed: u64) -> Result<u64, FailedWorld> {
    let simulated = std::panic::catch_unwind(|| {
        let mut world = World::new(seed);
        world.run();
        while world.replays_what_never_finished() {
            world.run();
        }
        world.verify();
        world.crashes
    });
    simulated.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        FailedWorld { seed, why: text.unwrap_or_default() }
    })
}

#[test]
fn whatever_happens_klaviyo_holds_what_the_shop_has() {
    let results = on_all_cores(seeds("WORLD", 1_000), tried);
    let failed: BTreeSet<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    let told: Vec<_> = failed.iter().map(|world| world.told()).collect();
    assert!(failed.is_empty(), "{} worlds fail; each again by\n{}", told.len(), told.join("\n"));
}
