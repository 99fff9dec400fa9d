//! Deliveries of one resource beside each other, in virtual time: pushes and the outbox, while the
//! shop changes and Klaviyo carries calls out late.
//!
//! Each seed is a world of its own: how long every call takes, which answers are lost, when the
//! resource changes. Every push runs the delivery that runs in production
//! ([`commercetools_klaviyo::assembly::delivery`]); what it cannot finish is parked and tried
//! again by the same rules as in the outbox. At rest Klaviyo holds what the shop has.
//!
//! `BESIDE_SEEDS` is the number of seeds, `BESIDE_SEED` runs one.

use std::collections::BTreeMap;
use std::time::Duration;

use commercetools_klaviyo::assembly::Step;
use commercetools_klaviyo::assembly::delivery::Delivery;
use commercetools_klaviyo::assembly::reading::Reading;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::engine::backoff::{SINGLE_IN_DOUBT, wait_after};
use commercetools_klaviyo::fault::Setback;
use commercetools_klaviyo::http::{Answer, NoAnswer};
use commercetools_klaviyo::klaviyo::request::Request;
use commercetools_klaviyo::klaviyo::verdict::{Verdict, judge};
use commercetools_klaviyo::mapping::profile::Missing;
use commercetools_klaviyo::realtime::conclusion::{Conclusion, conclude};
use commercetools_klaviyo::realtime::plan::Work;
use serde_json::{Value, json};

use crate::import::world::{Chance, time};
use crate::support::config;

/// 2026-06-01T00:00:00Z.
const NOW: u64 = 1_780_272_000_000;

/// How long a call may take before nobody waits for it any more, in ms.
const CALL_MS: u64 = 2_500;

/// How long Klaviyo may carry out a call after its time limit, in ms: up to the minute that the
/// design takes for granted.
const LATE_MS: u64 = 55_000;

/// What is to happen at a time.
enum Event {
    /// The shop changes the resource, and tells of it.
    Change,
    /// A push, or a try of the parked row, goes on with what was answered.
    Answered(usize, Vec<Result<Answer, NoAnswer>>),
    /// commercetools reads for this delivery, at this moment.
    Read(usize),
    /// Klaviyo carries a write out.
    CarryOut(Request),
    /// The parked row is due.
    Due,
}

/// A push or a try of the parked row.
struct Running {
    delivery: Delivery,
    asked: Vec<Reading>,
    sent: Vec<Vec<Request>>,
    is_row: bool,
    generation: u64,
}

/// The row of the resource in the outbox.
#[derive(Clone, Copy, Default)]
struct ParkedResource {
    generation: u64,
    attempts: u32,
    doubtful_until: u64,
}

struct World {
    config: Config,
    work: Work,
    chance: Chance,
    now: u64,
    next: u64,
    events: BTreeMap<(u64, u64), Event>,
    running: BTreeMap<usize, Running>,
    /// The version of the resource that the shop has.
    shop: u64,
    /// The version that Klaviyo has.
    klaviyo: Option<u64>,
    parked: Option<ParkedResource>,
    generations: u64,
    lost: u64,
    late: u64,
    outcomes: usize,
    pushes: usize,
}

impl World {
    fn new(work: Work, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let often = |chance: &mut Chance, most: u64| {
            if chance.happens(600) { chance.next(most) } else { 0 }
        };
        let (lost, late) = (often(&mut chance, 250), often(&mut chance, 250));
        Self {
            config: config(&[("PREFERRED_CURRENCY", "EUR")]),
            work,
            chance,
            now: NOW,
            next: 0,
            events: BTreeMap::new(),
            running: BTreeMap::new(),
            shop: 1,
            klaviyo: None,
            parked: None,
            generations: 0,
            lost,
            late,
            outcomes: 0,
            pushes: 0,
        }
    }

    fn at(&mut self, wait: u64, event: Event) {
        self.next += 1;
        self.events.insert((self.now + wait, self.next), event);
    }

    /// Mostly short, sometimes long.
    fn latency(&mut self) -> u64 {
        let tail = if self.chance.happens(100) { 2_000 } else { 150 };
        10 + self.chance.next(tail)
    }

    fn run(&mut self) {
        for _ in 0..2 + self.chance.next(7) {
            let wait = self.chance.next(4_000);
            self.at(wait, Event::Change);
        }
        let mut steps = 0;
        while let Some(((at, _), event)) = self.events.pop_first() {
            steps += 1;
            assert!(steps < 20_000, "the deliveries do not end");
            self.now = at;
            match event {
                Event::Change => {
                    self.shop += 1;
                    // Brokers repeat, and bring things late.
                    for _ in 0..=self.chance.next(2) {
                        self.pushes += 1;
                        self.begin(false, 0);
                    }
                }
                Event::Due => self.try_parked(),
                Event::Read(id) => self.read(id),
                Event::CarryOut(request) => self.carry_out(&request),
                Event::Answered(id, answers) => self.answered(id, &answers),
            }
        }
    }

    fn begin(&mut self, is_row: bool, generation: u64) {
        self.next += 1;
        let id = usize::try_from(self.next).expect("a number");
        let delivery = Delivery::new(self.work.clone());
        let (asked, sent) = (Vec::new(), Vec::new());
        self.running.insert(id, Running { delivery, asked, sent, is_row, generation });
        self.go_on(id);
    }

    fn go_on(&mut self, id: usize) {
        let now = time(self.now);
        let running = self.running.get_mut(&id).expect("a delivery");
        match running.delivery.next(&self.config, now) {
            Step::Read(readings) => {
                running.asked = readings;
                let wait = self.latency();
                self.at(wait, Event::Read(id));
            }
            Step::Send { stages, .. } => {
                running.sent = stages;
                self.send(id);
            }
            Step::Follow(_) => {
                running.delivery.followed();
                self.go_on(id);
            }
            Step::Conclude(conclusion) => self.conclude(id, conclusion),
        }
    }

    /// Reads what the shop has at this moment; the answer takes its time.
    fn read(&mut self, id: usize) {
        let asked = self.running[&id].asked.clone();
        let answers = asked.iter().map(|reading| match reading {
            Reading::Commercetools(_) => Ok(Answer {
                status: 200,
                body: document(&self.work, self.shop).to_string(),
                ..Answer::default()
            }),
            Reading::Klaviyo(_) | Reading::Category(_) => Ok(Answer {
                status: 404,
                body: json!({"errors": []}).to_string(),
                ..Answer::default()
            }),
        });
        let answers = answers.collect();
        let wait = self.latency();
        self.at(wait, Event::Answered(id, answers));
    }

    /// Sends the stages. A call may be carried out late, and its answer be lost.
    fn send(&mut self, id: usize) {
        let requests: Vec<_> = self.running[&id].sent.iter().flatten().cloned().collect();
        let mut answers = Vec::new();
        let mut longest = 0;
        for request in requests {
            let latency = self.latency();
            let answer = if self.chance.happens(self.late) {
                // Carried out after everybody has given it up.
                let wait = CALL_MS + self.chance.next(LATE_MS);
                self.at(wait, Event::CarryOut(request));
                longest = CALL_MS;
                Err(NoAnswer::Timeout)
            } else {
                self.at(latency, Event::CarryOut(request.clone()));
                let lost = self.chance.happens(self.lost);
                longest = longest.max(if lost { CALL_MS } else { latency + 10 });
                if lost { Err(NoAnswer::Timeout) } else { Ok(taken(&request)) }
            };
            answers.push(answer);
        }
        self.at(longest, Event::Answered(id, answers));
    }

    fn carry_out(&mut self, request: &Request) {
        self.klaviyo = Some(version_of(request));
    }

    fn answered(&mut self, id: usize, answers: &[Result<Answer, NoAnswer>]) {
        let running = self.running.get_mut(&id).expect("a delivery");
        if running.sent.is_empty() {
            for (reading, answer) in std::mem::take(&mut running.asked).iter().zip(answers) {
                running.delivery.add(reading, answer).expect("a document");
            }
            return self.go_on(id);
        }
        let sent = std::mem::take(&mut running.sent);
        let verdicts = sent.iter().flatten().zip(answers);
        let verdicts: Vec<Verdict> =
            verdicts.map(|(request, answer)| judge(&request.success(), answer)).collect();
        match conclude(verdicts) {
            Conclusion::Delivered => {
                running.delivery.taken(&sent);
                self.go_on(id);
            }
            conclusion => self.conclude(id, conclusion),
        }
    }

    fn conclude(&mut self, id: usize, conclusion: Conclusion) {
        let running = self.running.remove(&id).expect("a delivery");
        if !running.is_row {
            self.outcomes += 1;
        }
        match conclusion {
            Conclusion::Delivered => {
                if running.is_row {
                    self.row_delivered(running.generation);
                }
            }
            Conclusion::Later(setback) if running.is_row => {
                self.row_put_off(setback);
            }
            Conclusion::Later(setback) => self.park(setback),
            other => panic!("{other:?}"),
        }
    }

    /// As a push parks: in a slot that is taken, a new generation, and the doubt of both.
    fn park(&mut self, setback: Setback) {
        self.generations += 1;
        let doubt = self.doubt(setback);
        let is_free = self.parked.is_none();
        let before = self.parked.unwrap_or_default();
        self.parked = Some(ParkedResource {
            generation: self.generations,
            attempts: before.attempts.max(1),
            doubtful_until: before.doubtful_until.max(doubt),
        });
        if is_free {
            self.due_in(wait_after(setback, 1, 0.0));
        }
    }

    fn doubt(&self, setback: Setback) -> u64 {
        if setback.fault.leaves_in_doubt() { self.now + millis(SINGLE_IN_DOUBT) } else { 0 }
    }

    fn due_in(&mut self, wait: Duration) {
        self.at(millis(wait), Event::Due);
    }

    fn try_parked(&mut self) {
        let busy = self.running.values().any(|running| running.is_row);
        let Some(row) = self.parked.as_mut().filter(|_| !busy) else { return };
        row.attempts += 1;
        let generation = row.generation;
        self.begin(true, generation);
    }

    fn row_delivered(&mut self, generation: u64) {
        let Some(row) = self.parked else { return };
        if row.generation != generation {
            // Parked anew meanwhile: it has its own turn.
            return self.due_in(Duration::from_secs(1));
        }
        if row.doubtful_until > self.now {
            let wait = row.doubtful_until - self.now;
            return self.due_in(Duration::from_millis(wait));
        }
        self.parked = None;
    }

    fn row_put_off(&mut self, setback: Setback) {
        let doubt = self.doubt(setback);
        let Some(row) = self.parked.as_mut() else { return };
        // Also if something was parked meanwhile: the late call would overtake that.
        row.doubtful_until = row.doubtful_until.max(doubt);
        let wait = wait_after(setback, row.attempts, 0.0);
        self.due_in(wait);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a time")
}

/// The resource as the shop has it in this version.
fn document(work: &Work, version: u64) -> Value {
    match work {
        Work::Profile { .. } => json!({"id": "c", "email": "c@example.com", "addresses": [],
            "firstName": version.to_string()}),
        Work::Category { .. } => json!({"id": "c", "name": {"en": version.to_string()},
            "ancestors": []}),
        Work::Stock { .. } => json!({"id": "e", "sku": "s", "availableQuantity": version,
            "results": [{"id": "e", "sku": "s", "availableQuantity": version}]}),
        other => panic!("no document for {other:?}"),
    }
}

/// The version that a request writes.
fn version_of(request: &Request) -> u64 {
    let body: Value = serde_json::from_str(&request.body().expect("a body")).expect("JSON");
    let attributes = &body["data"]["attributes"];
    let text = |name: &str| attributes[name].as_str().and_then(|text| text.parse().ok());
    text("first_name")
        .or_else(|| text("name"))
        .or_else(|| attributes["inventory_quantity"].as_u64())
        .expect("a version")
}

fn taken(request: &Request) -> Answer {
    let of_type = match request {
        Request::ImportProfile(_) => "profile",
        Request::Catalog(write) => match write.kind() {
            commercetools_klaviyo::klaviyo::catalog::CatalogKind::Category => "catalog-category",
            _ => "catalog-variant",
        },
        other => panic!("nobody sends {other:?}"),
    };
    let body = json!({"data": {"type": of_type, "id": "x"}}).to_string();
    Answer { status: 200, body, ..Answer::default() }
}

#[test]
fn of_deliveries_beside_each_other_the_last_one_corrects_itself() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let one = std::env::var("BESIDE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = one.map_or(1..=number("BESIDE_SEEDS", 3_000), |one| one..=one);
    let id = |value: &str| Id::new(value).expect("an id");
    for seed in seeds {
        for work in [
            Work::Profile { customer: id("c"), missing: Missing::Keep },
            Work::Category { category: id("c"), descendants: false },
            Work::Stock { entry: id("e"), sku: Some("s".to_owned()), gone: false },
        ] {
            let mut world = World::new(work.clone(), seed);
            world.run();
            let story = format!("BESIDE_SEED={seed} {work:?}");
            assert_eq!(world.klaviyo, Some(world.shop), "stale: {story}");
            assert_eq!(world.outcomes, world.pushes, "each push has one outcome: {story}");
            assert!(world.parked.is_none() && world.running.is_empty(), "stuck: {story}");
        }
    }
}
