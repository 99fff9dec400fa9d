//! What the object `Watch` stores: counts by minute and by hour, and the result of a look at the
//! objects' reports.

use std::time::Duration;

use commercetools_klaviyo::config::parse;
use commercetools_klaviyo::outbox::store::status::OutboxStatus;
use commercetools_klaviyo::push::outcome::Outcome;
use commercetools_klaviyo::storage::schema::{SchemaState, migrate};
use commercetools_klaviyo::time::UnixMs;
use commercetools_klaviyo::watch::alerts::{self, AlertReceiver};
use commercetools_klaviyo::watch::look::{Looked, ObjectAnswer, look, next, realtime};
use commercetools_klaviyo::watch::store::counts::{self, CountSpan};
use commercetools_klaviyo::watch::store::state;
use commercetools_klaviyo::watch::store::tables::MIGRATIONS;
use commercetools_klaviyo::watch::tally::Tally;
use serde_json::{Value, json};

use crate::sqlite::Sqlite;

/// The beginning of an hour.
const HOUR: UnixMs = UnixMs::from_ms(1_780_272_000_000);

fn watch() -> Sqlite {
    let sql = Sqlite::new();
    assert_eq!(migrate(&sql, &MIGRATIONS), Ok(SchemaState::Current));
    sql
}

fn delivered(sql: &Sqlite, now: UnixMs, times: usize) {
    let mut tally = Tally::default();
    for _ in 0..times {
        tally.pushed(Some("OrderCreated"), &Outcome::Delivered, now);
    }
    counts::add(sql, &tally, now).expect("counts");
    let mut state = state::load(sql, now).expect("the state");
    state.take(&tally);
    state::save(sql, &state).expect("the state");
}

#[test]
fn what_isolates_count_is_summed_by_minute_hour_and_as_a_whole() {
    let sql = watch();
    for minute in 0..180 {
        // Two isolates, one of which is late.
        delivered(&sql, HOUR + Duration::from_mins(minute), 2);
        delivered(&sql, HOUR + Duration::from_mins(minute), 1);
    }
    let now = HOUR + Duration::from_mins(179) + Duration::from_secs(59);
    let of = |span| {
        let list = counts::list(&sql, span, now).expect("counts");
        let sum: u64 = list.iter().map(|(_, counts)| counts.delivered).sum();
        (list.len(), sum, list.first().map(|(at, _)| *at))
    };
    // The minute that is under way, and the 59 before it.
    assert_eq!(of(CountSpan::Minute), (60, 180, Some(HOUR + Duration::from_hours(2))));
    assert_eq!(of(CountSpan::Hour), (3, 540, Some(HOUR)));
    assert_eq!(of(CountSpan::Ever), (1, 540, Some(UnixMs::EPOCH)));
    // After 30 days nothing is left but the sum.
    let later = now + Duration::from_hours(30 * 24 + 1);
    delivered(&sql, later, 1);
    assert_eq!(counts::list(&sql, CountSpan::Hour, later).expect("counts").len(), 1);
    let ever = counts::of(&sql, CountSpan::Ever, UnixMs::EPOCH).expect("counts");
    assert_eq!(ever.delivered, 541);
}

#[test]
fn realtime_is_shown_with_its_last_times() {
    let sql = watch();
    let empty = realtime(&sql, &state::load(&sql, HOUR).expect("the state"), false, HOUR);
    let empty = empty.expect("realtime");
    assert_eq!(empty["lastReceived"], Value::Null);
    assert_eq!(empty["counts"]["delivered"], 0);
    assert_eq!(empty["minutes"], json!([]));
    delivered(&sql, HOUR, 3);
    let state = state::load(&sql, HOUR).expect("the state");
    let shown = realtime(&sql, &state, true, HOUR).expect("realtime");
    assert_eq!(shown["lastReceived"], "2026-06-01T00:00:00.000Z");
    assert_eq!(shown["lastDelivered"], "2026-06-01T00:00:00.000Z");
    assert_eq!(shown["minutes"][0]["at"], "2026-06-01T00:00:00.000Z");
    assert_eq!(shown["minutes"][0]["delivered"], 3);
    assert_eq!(shown["hours"][0]["delivered"], 3);
    assert_eq!(shown["types"]["OrderCreated"]["lastDelivered"], "2026-06-01T00:00:00.000Z");
}

#[test]
fn a_look_begins_and_ends_alerts_and_says_when_to_look_next() {
    let sql = watch();
    let config = parse(|name| match name {
        "CT_API_CLIENT" => Some(r#"{"clientId":"c","secret":"s"}"#.to_owned()),
        "CT_AUTH_URL" | "CT_API_URL" => Some("https://example.com".to_owned()),
        "CT_PROJECT_ID" | "KLAVIYO_AUTH_KEY" => Some("x".to_owned()),
        _ => None,
    })
    .expect("a configuration");
    let outbox = |dead_letters| OutboxStatus {
        waiting: 0,
        oldest: None,
        dead_letters,
        last_errors: Vec::new(),
    };
    let look_at = |dead_letters: Option<u32>, now| {
        let outbox = dead_letters.map(outbox).map(|body| ObjectAnswer { body, alarm: None });
        let runs = Some(ObjectAnswer { body: json!({}), alarm: None });
        look(&sql, &config, &Looked { outbox, runs, feed: None }, AlertReceiver::Set, now)
            .expect("a look");
        let state = state::load(&sql, now).expect("the state");
        let open: Vec<_> = alerts::open(&state.alerts).map(|alert| alert.code.clone()).collect();
        (open, next(&state, AlertReceiver::Set, now).since(now).as_secs())
    };
    let minute = |number| HOUR + Duration::from_mins(number);
    let dead = || vec!["dead_letters".to_owned()];
    assert_eq!(look_at(Some(0), minute(0)), (vec![], 60));
    // There is news, and nobody was told anything yet.
    assert_eq!(look_at(Some(1), minute(1)), (dead(), 0));
    assert_eq!(look_at(None, minute(2)), (dead(), 0));
    let mut state = state::load(&sql, minute(2)).expect("the state");
    let told = alerts::notices(&state.alerts, minute(2));
    alerts::told(&mut state.alerts, &told, minute(2));
    state.receiver.asked = minute(2);
    state::save(&sql, &state).expect("the state");
    assert_eq!(look_at(Some(1), minute(2)), (dead(), 25));
    // An object that does not answer for more than a minute is a cause of its own.
    let silent = || vec!["dead_letters".to_owned(), "object_silent".to_owned()];
    assert_eq!(look_at(None, minute(3)).0, dead());
    assert_eq!(look_at(None, minute(5)).0, silent());
    assert_eq!(look_at(Some(0), minute(6)).0, Vec::<String>::new());
}
