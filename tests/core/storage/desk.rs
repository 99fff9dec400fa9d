//! A try of a row, by the outbox's machine and its store.

use std::time::Duration;

use commercetools_klaviyo::assembly::shared::SharedDocuments;
use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::engine::backoff::SINGLE_IN_DOUBT;
use commercetools_klaviyo::engine::call::{HostCall, SliceInput};
use commercetools_klaviyo::engine::deliveries::StepContext;
use commercetools_klaviyo::engine::grants::MemoryPart;
use commercetools_klaviyo::fault::{Setback, System};
use commercetools_klaviyo::http::{HttpAnswer, NoAnswer};
use commercetools_klaviyo::outbox::desk;
use commercetools_klaviyo::outbox::machine::OutboxMachine;
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::time::UnixMs;
use serde_json::json;

use super::{new_parked, outbox, slot};
use crate::import::shop::{self, Shop, id};
use crate::import::world::time;
use crate::sqlite::Sqlite;
use crate::support::{at, config};

const NOW: u64 = 1_780_272_000_000;

/// Parks a change of a customer, which is due; its slot.
fn park_change(sql: &Sqlite, customer: &str) -> String {
    let key = format!("customer/{customer}");
    let change = json!({"notificationType": "ResourceUpdated", "version": 2,
        "resource": {"typeId": "customer", "id": customer}});
    let new = NewParked { at: at(NOW), due: at(NOW), ..new_parked(&key) };
    park(sql, &new, change.to_string().as_bytes()).expect("parked");
    key
}

/// It may yet be carried out, and so long its row stays.
#[test]
fn a_write_without_an_answer_leaves_its_row_in_doubt() {
    let (sql, config, customer) = (outbox(), config(&[]), id("c", 0));
    let mut shop = Shop::default();
    shop.put("customers", shop::customer(0, time(NOW), "c@example.com"));
    let key = park_change(&sql, &customer);

    let mut shared = SharedDocuments::of_isolate();
    let mut around = StepContext {
        config: &config,
        shared: &mut shared,
        now: time(NOW),
        memory: MemoryPart::Whole,
    };
    let mut machine = desk::load(&sql, &config, at(NOW)).expect("a machine");
    let mut inputs = vec![SliceInput::Begun { calls: u32::MAX }];
    let mut writes = 0;
    while let Some(input) = inputs.pop() {
        let done = desk::step(&sql, &mut machine, &mut around, input).expect("a step");
        for (ticket, call) in done.calls {
            let answer = match &call {
                HostCall::Commercetools { path, most } => Ok(shop.respond(path, *most)),
                _ => Err(Setback::no_answer(System::Klaviyo, NoAnswer::Timeout)),
            };
            writes += u32::from(answer.is_err());
            inputs.push(SliceInput::Answered { ticket, answer });
        }
    }
    assert_eq!(writes, 1);
    let row = slot(&sql, &key).expect("a row");
    assert_eq!(row.code, "klaviyo_timeout");
    assert_eq!(u128::from(row.doubtful_until - NOW), SINGLE_IN_DOUBT.as_millis());
    assert_eq!(row.written_since, NOW);
}

/// A slice may end in the middle of a round, such as while rows wait for others of their job: they are still
/// with the machine, and nothing is in doubt. Only what a machine that is gone was trying is lost.
#[test]
fn what_is_tried_over_the_end_of_a_slice_is_not_lost() {
    let (sql, config, customer) = (outbox(), config(&[]), id("c", 0));
    let key = park_change(&sql, &customer);

    let mut shared = SharedDocuments::of_isolate();
    let mut around = StepContext {
        config: &config,
        shared: &mut shared,
        now: time(NOW),
        memory: MemoryPart::Whole,
    };
    let mut machine = desk::load(&sql, &config, at(NOW)).expect("a machine");
    for input in [SliceInput::Begun { calls: u32::MAX }, SliceInput::Rest] {
        desk::step(&sql, &mut machine, &mut around, input).expect("a step");
    }
    let lost = || slot(&sql, &key).map(|row| (row.lost, row.doubtful_until > NOW)).expect("a row");
    desk::begin_slice(&sql, &config, at(NOW + 10_000)).expect("a slice");
    assert_eq!(lost(), (0, false), "the machine has it");
    desk::load(&sql, &config, at(NOW + 20_000)).expect("a machine");
    assert_eq!(lost(), (1, true), "the machine is gone");
}

/// An outbox with such jobs of profiles, which are due, and its machine.
struct OutboxWithJobs {
    sql: Sqlite,
    config: Config,
    shared: SharedDocuments,
    machine: OutboxMachine,
}

impl OutboxWithJobs {
    fn new(jobs: &[&str]) -> Self {
        let (sql, config) = (outbox(), config(&[]));
        for job in jobs {
            let job = json!({"of": "profiles", "id": job}).to_string();
            sql.all(&format!("INSERT INTO jobs (job, since, due) VALUES ('{job}', {NOW}, {NOW})"));
        }
        let machine = desk::load(&sql, &config, at(NOW)).expect("a machine");
        Self { sql, config, shared: SharedDocuments::of_isolate(), machine }
    }

    /// How many calls are made at this time, each of which is answered so, and when the next alarm is.
    fn at(&mut self, now: u64, answer: &HttpAnswer) -> (u32, Option<UnixMs>) {
        let Self { sql, config, shared, machine } = self;
        let mut around = StepContext { config, shared, now: time(now), memory: MemoryPart::Whole };
        let mut inputs = vec![SliceInput::Begun { calls: u32::MAX }];
        let mut calls = 0;
        while let Some(input) = inputs.pop() {
            for (ticket, _) in desk::step(sql, machine, &mut around, input).expect("a step").calls {
                calls += 1;
                inputs.push(SliceInput::Answered { ticket, answer: Ok(answer.clone()) });
            }
        }
        (calls, desk::next_alarm(sql, machine, at(now)).expect("a time"))
    }
}

/// A job that is due cannot be looked at while there is no quota for it, or while its operation is out: an alarm
/// that was set to the present would come again and again.
#[test]
fn a_job_that_cannot_be_looked_at_sets_no_alarm_to_the_present() {
    for (status, retry_after) in [(503, None), (429, Some(Duration::from_secs(20)))] {
        let mut outbox = OutboxWithJobs::new(&["a", "b", "c"]);
        let answer = HttpAnswer { status, retry_after, ..HttpAnswer::default() };
        let mut looks = 0;
        for now in (NOW..NOW + 120_000).step_by(250) {
            let (calls, alarm) = outbox.at(now, &answer);
            looks += calls;
            assert!(alarm.is_some_and(|alarm| alarm > at(now)), "{status}: {alarm:?} at {now}");
        }
        assert!((3..60).contains(&looks), "{looks} looks");
    }
}

/// Rows that cannot be sent for the quota are let go of, and tried again; a look at a job is made by nobody else.
#[test]
fn a_job_is_looked_at_however_long_the_quota_is_used_up() {
    let mut outbox = OutboxWithJobs::new(&["a"]);
    let job = json!({"data": {"type": "profile-bulk-import-job", "id": "a",
        "attributes": {"status": "processing", "total_count": 1}}});
    // Each look takes all that there is for a minute.
    let answer = HttpAnswer {
        status: 200,
        quota_left: Some(0),
        quota_back: Some(Duration::from_mins(1)),
        body: job.to_string(),
        ..HttpAnswer::default()
    };
    let times = (NOW..NOW + 300_000).step_by(500);
    let looks: u32 = times.map(|now| outbox.at(now, &answer).0).sum();
    assert!((4..=6).contains(&looks), "{looks} looks in five minutes");
}
