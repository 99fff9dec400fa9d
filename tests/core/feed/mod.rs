//! The feed in virtual time, on real SQLite, between the outbox and a project whose messages become readable late, have
//! stamps of inaccurate clocks, and share milliseconds. The runtime ends at any moment.
//!
//! Each seed is a run of its own. `FEED_SEEDS` is their number, `FEED_SEED` runs one.

mod beside;
mod project;
mod silent;

use std::collections::BTreeMap;
use std::time::Duration;

use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::feed::desk::{self, FeedBatch};
use commercetools_klaviyo::feed::machine::FeedStep;
use commercetools_klaviyo::feed::store::state::load;
use commercetools_klaviyo::feed::store::tables::MIGRATIONS;
use commercetools_klaviyo::outbox::store::batches::{settle, take_batch};
use commercetools_klaviyo::outbox::store::intake::bodies;
use commercetools_klaviyo::outbox::store::tables::MIGRATIONS as OUTBOX_MIGRATIONS;
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Value, json};

use self::project::Project;
use crate::import::world::Chance;
use crate::seeds::{on_all_cores, seeds};
use crate::sqlite::Sqlite;
use crate::support::at;

/// 2026-06-01T00:00:00Z.
const NOW: u64 = 1_780_272_000_000;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// The feed between the project and the outbox.
struct FeedWorld {
    rules: OperatorRules,
    feed: Sqlite,
    outbox: Sqlite,
    project: Project,
    now: u64,
    /// How often each message or change was handed on, by its id and version.
    handed_on: BTreeMap<String, u32>,
    /// A batch that is on its way although the feed does not wait for it any more.
    straggler: Option<(u64, Vec<u8>, Vec<String>)>,
    /// The runtime ends at one in so many effects; 0: never.
    ends: u64,
    /// commercetools answers at once.
    is_quick: bool,
    /// How often the alarm came.
    alarms: u64,
    chance: Chance,
}

/// That the runtime ended.
struct RuntimeEnded;

impl FeedWorld {
    fn new(config: &str, seed: u64) -> Self {
        let (feed, outbox) = (Sqlite::new(), Sqlite::new());
        assert_eq!(migrate(&feed, &MIGRATIONS), Ok(SchemaState::Current));
        assert_eq!(migrate(&outbox, &OUTBOX_MIGRATIONS), Ok(SchemaState::Current));
        Self {
            rules: OperatorRules::parse(config).expect("rules"),
            feed,
            outbox,
            project: Project::default(),
            now: NOW,
            handed_on: BTreeMap::new(),
            straggler: None,
            ends: 0,
            is_quick: false,
            alarms: 0,
            chance: Chance::new(seed),
        }
    }

    fn time(&self) -> UnixMs {
        at(self.now)
    }

    /// A moment at which the runtime may end.
    fn moment(&mut self) -> Result<(), RuntimeEnded> {
        let ends = self.ends > 0 && self.chance.next(self.ends) == 0;
        if ends { Err(RuntimeEnded) } else { Ok(()) }
    }

    /// The feed works until a time; when the runtime ends, it is begun anew 5 s later.
    fn run_until(&mut self, end: u64) {
        while self.now < end {
            match self.slice(end) {
                Ok(rest) => self.now = rest.ms().min(end).max(self.now + 1),
                Err(RuntimeEnded) => self.now += 5 * SECOND,
            }
        }
    }

    /// Works until there is nothing to do; until when.
    fn slice(&mut self, end: u64) -> Result<UnixMs, RuntimeEnded> {
        self.alarms += 1;
        while self.now < end {
            self.moment()?;
            let now = self.time();
            match self.feed.turn(|sql| desk::next(sql, &self.rules, now)).expect("a step") {
                FeedStep::Rest(until) => return Ok(until),
                FeedStep::Project => {
                    let answer = Ok(self.project.document(self.now));
                    self.answered();
                    self.moment()?;
                    let now = self.time();
                    self.feed.turn(|sql| desk::take_project(sql, answer, now)).expect("stored");
                }
                FeedStep::Settle(number) => {
                    let taken = self.outbox.turn(|sql| settle(sql, number)).expect("settled");
                    self.arrives_late();
                    self.moment()?;
                    self.settled(Some(taken));
                }
                FeedStep::Categories(after) => {
                    let answer = Ok(self.project.categories(after.as_ref()));
                    let now = self.time();
                    self.feed.turn(|sql| desk::take_categories(sql, answer, now)).expect("stored");
                    self.moment()?;
                }
                FeedStep::Category(id) => {
                    let (answer, now) = (Ok(self.project.category(&id)), self.time());
                    let batch = self
                        .feed
                        .turn(|sql| desk::take_category(sql, &self.rules, &id, answer, now))
                        .expect("stored");
                    self.moment()?;
                    if let Some(batch) = batch {
                        self.hand_on(&batch)?;
                    }
                }
                FeedStep::Read(reading, page) => {
                    let answer = Ok(self.project.page(&page, self.now));
                    self.answered();
                    self.moment()?;
                    let (now, asked) = (self.time(), (reading, &page));
                    let taken = self
                        .feed
                        .turn(|sql| desk::take_page(sql, &self.rules, asked, answer, now))
                        .expect("stored");
                    self.moment()?;
                    if let Some(batch) = taken {
                        self.hand_on(&batch)?;
                    }
                }
            }
        }
        Ok(self.time())
    }

    /// A call takes its time.
    fn answered(&mut self) {
        if !self.is_quick {
            self.now += 100 + self.chance.next(400);
        }
    }

    fn hand_on(&mut self, batch: &FeedBatch) -> Result<(), RuntimeEnded> {
        let all = batch.entries.iter().map(|(new, item)| (new, item));
        let mut bodies = bodies(all).expect("a body");
        assert_eq!(bodies.len(), 1, "a batch is one call");
        let (_, body) = bodies.remove(0);
        let called = |item: &commercetools_klaviyo::push::envelope::PushedItem| {
            item.notification().map(|notification| name(&Value::Object(notification.raw.clone())))
        };
        let names: Vec<_> = batch.entries.iter().filter_map(|(_, item)| called(item)).collect();
        if self.ends > 0 && self.chance.next(10) == 0 {
            // The call is on its way when the runtime ends, or when its time is up.
            self.straggler = Some((batch.number, body, names));
            self.moment()?;
            self.settled(None);
            return Ok(());
        }
        let taken = self.arrives(batch.number, &body, names);
        self.moment()?;
        self.settled(Some(taken));
        Ok(())
    }

    fn arrives(&mut self, number: u64, body: &[u8], names: Vec<String>) -> bool {
        let now = self.time();
        let taken = self.outbox.turn(|sql| take_batch(sql, number, body, now)).expect("taken");
        if taken {
            for name in names {
                *self.handed_on.entry(name).or_default() += 1;
            }
        }
        taken
    }

    fn arrives_late(&mut self) {
        if let Some((number, body, names)) = self.straggler.take() {
            assert!(!self.arrives(number, &body, names), "a batch that was given up is taken");
        }
    }

    fn settled(&mut self, taken: Option<bool>) {
        let now = self.time();
        self.feed.turn(|sql| desk::take_settled(sql, &self.rules, taken, now)).expect("stored");
    }

    /// How often was handed on what a message or change is called.
    fn times(&self, name: &str) -> u32 {
        self.handed_on.get(name).copied().unwrap_or_default()
    }
}

/// What tells a message, or a version of a resource, from others.
fn name(notification: &Value) -> String {
    let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match notification["id"].as_str() {
        Some(id) => id.to_owned(),
        None if notification["notificationType"] == "ResourceDeleted" => {
            format!("{} deleted", of(&notification["resource"]["id"]))
        }
        None => format!("{} {}", of(&notification["resource"]["id"]), notification["version"]),
    }
}

/// A message that asks for something, whatever else is known.
fn fact(id: &str) -> Value {
    json!({
        "id": id, "version": 1, "sequenceNumber": 1, "resourceVersion": 1,
        "type": "OrderStateChanged", "orderState": "Complete",
        "resource": {"typeId": "order", "id": format!("order-{id}")},
    })
}

const ONLY: &str = r#"{"feed":{"mode":"only"}}"#;

/// 2,000 messages: each is handed on once.
fn run(seed: u64) {
    let mut world = FeedWorld::new(ONLY, seed);
    world.run_until(NOW + 10 * SECOND);
    world.ends = [0, 8, 20, 50][usize::try_from(seed % 4).expect("a place")];
    let mut left = 2_000;
    let mut number = 0;
    let mut told: Vec<(u64, u64, String)> = Vec::new();
    let mut time = world.now;
    while left > 0 {
        time += world.chance.next(4 * SECOND);
        let burst = match world.chance.next(100) {
            0 => 1_501,
            1..10 => 1 + world.chance.next(100),
            _ => 1,
        };
        let burst = burst.min(left);
        left -= burst;
        let stamp = time + world.chance.next(10 * SECOND + 1) - 5 * SECOND;
        for _ in 0..burst {
            number += 1;
            let delay = match world.chance.next(3) {
                0 => 0,
                1 => world.chance.next(SECOND),
                _ => world.chance.next(290 * SECOND + 1),
            };
            let id = project::id(&mut world.chance);
            told.push((time + delay, stamp.max(NOW + 10 * SECOND), id));
        }
    }
    assert_eq!(number, told.len());
    let ids: Vec<_> = told.iter().map(|(_, _, id)| id.clone()).collect();
    for (readable, stamp, id) in told {
        world.project.tell(readable, stamp, fact(&id));
    }
    // Now and then the Worker is down for longer than the overlap.
    while world.now < time + 6 * MINUTE {
        let next = world.now + 2 * MINUTE;
        world.run_until(next);
        if world.chance.next(8) == 0 {
            world.now += 20 * MINUTE;
        }
    }
    world.ends = 0;
    world.run_until(world.now + 3 * MINUTE);
    for id in &ids {
        assert_eq!(world.times(id), 1, "seed {seed}: {id}");
    }
    assert_eq!(world.handed_on.len(), ids.len(), "seed {seed}");
    let state = load(&world.feed).expect("the state");
    assert_eq!(state.pending, None);
    let kept = world.feed.all("SELECT key FROM known").column::<String>().expect("keys");
    assert_eq!(kept, Vec::<String>::new(), "seed {seed}: what lies behind is forgotten");
}

#[test]
fn each_message_is_handed_on_once() {
    on_all_cores(seeds("FEED", 12), run);
}

#[test]
fn it_begins_from_now() {
    let mut world = FeedWorld::new(ONLY, 1);
    world.project.tell(NOW - MINUTE, NOW - MINUTE, fact("before"));
    world.project.tell(NOW + MINUTE, NOW + MINUTE, fact("after"));
    world.run_until(NOW + 2 * MINUTE);
    assert_eq!((world.times("before"), world.times("after")), (0, 1));
}

#[test]
fn a_new_message_is_handed_on_within_the_time_that_is_set() {
    let mut world = FeedWorld::new(r#"{"feed":{"mode":"only","everySeconds":2}}"#, 1);
    world.run_until(NOW + 10 * SECOND);
    world.project.tell(NOW + 30 * SECOND, NOW + 30 * SECOND, fact("new"));
    world.run_until(NOW + 33 * SECOND);
    assert_eq!(world.times("new"), 1);
}

#[test]
fn what_fails_moves_no_cursor_and_is_said_in_words() {
    let mut world = FeedWorld::new(ONLY, 1);
    world.run_until(NOW + 10 * SECOND);
    let cursors = |world: &FeedWorld| {
        let state = load(&world.feed).expect("the state");
        let messages = &state.cursors
            [&commercetools_klaviyo::commercetools::keyset::StampedResource::Messages];
        (messages.from, messages.head.clone())
    };
    let before = cursors(&world);
    for (status, body, words) in [
        (
            403,
            r#"{"statusCode":403,"message":"Insufficient scope: view_messages"}"#,
            "commercetools answered 403: Insufficient scope: view_messages",
        ),
        (502, "<html>", "commercetools_foreign_502"),
        (200, r#"{"results":[{"id":"a"}]}"#, "missing field `createdAt` at line 1 column 10"),
    ] {
        world.project.fails = Some((status, body.to_owned()));
        world.project.tell(world.now, world.now, fact(&format!("during-{status}")));
        let until = world.now + 2 * MINUTE;
        world.run_until(until);
        let state = load(&world.feed).expect("the state");
        let failure = commercetools_klaviyo::feed::status::failure(&state).expect("a failure");
        assert_eq!(failure.words, words);
        assert_eq!(cursors(&world), before);
    }
    world.project.fails = None;
    let until = world.now + 2 * MINUTE;
    world.run_until(until);
    for status in [403, 502, 200] {
        assert_eq!(world.times(&format!("during-{status}")), 1);
    }
    let state = load(&world.feed).expect("the state");
    assert_eq!(commercetools_klaviyo::feed::status::failure(&state), None);
}

#[test]
fn messages_that_are_off_are_said_and_read_when_they_are_on() {
    let mut world = FeedWorld::new(ONLY, 1);
    world.run_until(NOW + 10 * SECOND);
    world.project.enabled = false;
    world.run_until(NOW + 6 * MINUTE);
    let state = load(&world.feed).expect("the state");
    let failure = commercetools_klaviyo::feed::status::failure(&state).expect("a failure");
    assert!(failure.words.contains("Messages are off") && failure.needs_person);
    world.project.enabled = true;
    world.project.tell(NOW + 6 * MINUTE, NOW + 6 * MINUTE, fact("on"));
    world.run_until(NOW + 8 * MINUTE);
    assert_eq!(world.times("on"), 1);
}

#[test]
fn a_message_that_cannot_be_read_is_a_dead_letter_and_the_cursor_moves() {
    let mut world = FeedWorld::new(ONLY, 1);
    world.run_until(NOW + 10 * SECOND);
    let (stamp, readable) = (world.now, world.now);
    world.project.tell(readable, stamp, json!({"id": "strange", "type": "OrderCreated"}));
    let order = json!({"typeId": "order", "id": "o"});
    let broken = json!({"id": "b", "type": "OrderCreated", "resource": order, "order": {"not": 1}});
    world.project.tell(readable + 1, stamp + 1, broken);
    let huge = json!({"id": "h", "type": "OrderCreated", "resource": order,
        "order": "x".repeat(6_000_000)});
    world.project.tell(readable + 2, stamp + 2, huge);
    world.project.tell(readable + 3, stamp + 3, fact("next"));
    world.run_until(NOW + 7 * MINUTE);
    assert_eq!(world.times("next"), 1);
    let codes = world.outbox.all("SELECT code FROM dead_letters ORDER BY code");
    let codes = codes.column::<String>().expect("codes");
    assert_eq!(codes, ["message_malformed", "not_a_notification", "too_large"]);
}

#[test]
fn a_page_becomes_smaller_by_its_bytes() {
    let mut world = FeedWorld::new(ONLY, 1);
    world.run_until(NOW + 10 * SECOND);
    for number in 0..120_u64 {
        let mut message = fact(&format!("large-{number}"));
        message["text"] = "x".repeat(150_000).into();
        world.project.tell(world.now, world.now + number, message);
    }
    world.run_until(NOW + 2 * MINUTE);
    for number in 0..120 {
        assert_eq!(world.times(&format!("large-{number}")), 1);
    }
    assert!(
        world.project.limits.contains(&500) && world.project.limits.iter().any(|limit| *limit < 20)
    );
    let wait = Duration::from_mins(1);
    assert!(world.project.limits.len() < 80, "{:?} in {wait:?}", world.project.limits);
}

/// What `docs/operations.md` says of the cost is computed from these.
#[test]
fn an_idle_day_reads_at_most_16_500_times() {
    const DAY: u64 = 24 * 60 * MINUTE;
    for (model, variants) in [("Classic", None), ("Modular", Some(288))] {
        let mut world = FeedWorld::new(ONLY, 1);
        (world.is_quick, world.project.model) = (true, model);
        world.run_until(NOW + DAY);
        let alike = ["categories", "customers", "inventory", "products", "standalone-prices"];
        let mut expected: BTreeMap<_, _> = alike.into_iter().map(|of| (of, 1_440)).collect();
        expected.extend([("messages", 8_640), ("all categories", 24), ("project", 288)]);
        expected.extend(variants.map(|reads| ("variants", reads)));
        assert_eq!(world.project.reads, expected, "{model}");
        let reads: u64 = expected.values().sum();
        assert!(reads <= 16_500, "{model}: {reads}");
        assert_eq!(world.alarms, 8_640, "{model}");
        // One row each time: how far it is.
        let written = world.feed.all("SELECT total_changes()").column::<u64>().expect("a number");
        assert!(written[0] <= reads + 100, "{model}: {written:?} of {reads}");
    }
}
