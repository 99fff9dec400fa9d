//! Delivering what is parked, in the alarm of the object.
//!
//! The oldest rows go first, a few at once. Each is put off *before* it is tried, so that a row
//! that brings the object down does not come first again, and is removed when it is done, if no
//! newer generation came meanwhile. A round that brings nothing through ends the slice: then a
//! whole system is out, and trying the other rows would only cost calls.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Value;
use worker::{Result, SqlStorage};

use super::dead_letters::{self, NewDeadLetter};
use super::object::Outbox;
use super::parked::{self, NewParked, Row};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::edge::calls::{Calls, now_ms};
use crate::edge::delivery::{Delivery, deliver, work_of};
use crate::edge::log::{self, Effort};
use crate::edge::settings;
use crate::http::Passing;
use crate::realtime::conclusion::{Conclusion, Fault};
use crate::realtime::envelope::{self, Item};
use crate::realtime::outcome::Outcome;
use crate::realtime::parking::{backoff, patience, slot, slot_of_fact};

/// When the object is woken if this slice never ends. Whoever restarts it finds this alarm.
const WATCHDOG: Duration = Duration::from_secs(20);

/// How long a slice goes on taking rows. With the calls of its last round it stays below the
/// watchdog.
const SLICE: Duration = Duration::from_secs(10);

/// How long the calls for one row may take together. In an outage that makes calls hang, this and
/// the longest pause are what it takes to notice its end.
const CALLS: Duration = Duration::from_secs(8);

/// Rows that are tried at once: each has a call or two under way, and there are six connections.
const ROUND: usize = 5;

/// Rows that are looked up at once.
const ROWS: u32 = 200;

/// How long to wait after fruitless rounds, in ms.
pub(super) fn pause(outbox: &Outbox) -> i64 {
    match outbox.fruitless.get() {
        0 => 0,
        fruitless => i64::try_from(backoff(fruitless, None, jitter()).as_millis()).unwrap_or(0),
    }
}

/// Tries what is due, for one slice.
pub(super) async fn run(outbox: &Outbox) -> Result<()> {
    outbox.state.storage().set_alarm(WATCHDOG).await?;
    let settings = settings::read(&outbox.env);
    let Ok(config) = settings.as_ref() else {
        outbox.fruitless.set(outbox.fruitless.get().saturating_add(1));
        return Ok(());
    };
    let kept_from = now_ms().saturating_sub(config.rules.outbox.retention_ms());
    dead_letters::forget(&outbox.sql(), kept_from)?;
    let end = now_ms() + millis(SLICE);
    loop {
        let rows = parked::due(&outbox.sql(), now_ms(), ROWS)?;
        if rows.is_empty() {
            return Ok(());
        }
        for round in rows.chunks(ROUND) {
            let tried = stream::iter(round).map(|row| attempt(outbox, config, row));
            let through: Vec<bool> = tried.buffer_unordered(ROUND).collect().await;
            if !through.contains(&true) {
                outbox.fruitless.set(outbox.fruitless.get().saturating_add(1));
                return Ok(());
            }
            outbox.fruitless.set(0);
            if now_ms() >= end {
                return Ok(());
            }
        }
    }
}

/// Tries one row; whether the systems did their part.
async fn attempt(outbox: &Outbox, config: &Config, row: &Row) -> bool {
    match try_row(outbox, config, row).await {
        Ok(through) => through,
        Err(error) => {
            log::failure("outbox", &error.to_string());
            false
        }
    }
}

async fn try_row(outbox: &Outbox, config: &Config, row: &Row) -> Result<bool> {
    let sql = outbox.sql();
    let content = parked::content(&sql, row)?;
    let due = now_ms() + millis(backoff(row.attempts, None, jitter()));
    parked::begin(&sql, row, due)?;
    let started = now_ms();
    let calls = Calls::within(config, CALLS);
    let items = envelope::decode(&content, None).items;
    let Some(Item::Notification(notification)) = items.first() else {
        // Only notifications are parked.
        parked::remove(&sql, row)?;
        return Ok(true);
    };
    let Delivery { conclusion, cut } = match work_of(config, notification) {
        Ok(work) => deliver(config, &calls, &work).await,
        Err(conclusion) => Delivery { conclusion, cut: Vec::new() },
    };
    let mut through = true;
    let outcome = match conclusion {
        Conclusion::Delivered => {
            parked::remove(&sql, row)?;
            Outcome::Delivered
        }
        Conclusion::Ignored(why) => {
            parked::remove(&sql, row)?;
            Outcome::Ignored(why)
        }
        Conclusion::Never(fault) => give_up(&sql, row, notification, fault, &content)?,
        Conclusion::Later(Passing { code, .. }) if is_expired(config, row) => {
            expire(&sql, row, notification, &code, &content)?
        }
        Conclusion::NotYet(not_yet) if is_expired(config, row) => {
            expire(&sql, row, notification, not_yet.code(), &content)?
        }
        Conclusion::Later(passing) => {
            let wait = backoff(row.attempts + 1, passing.retry_after, jitter());
            parked::put_off(&sql, row, now_ms() + millis(wait), &passing.code)?;
            through = false;
            Outcome::Parked { code: passing.code }
        }
        Conclusion::NotYet(not_yet) => {
            let age = Duration::from_millis(now_ms().saturating_sub(row.since));
            let wait = patience(row.attempts + 1, age, jitter());
            parked::put_off(&sql, row, now_ms() + millis(wait), not_yet.code())?;
            Outcome::Parked { code: not_yet.code().to_owned() }
        }
    };
    let effort = Effort { duration_ms: now_ms() - started, calls: calls.made(), cut };
    log::notification(&items[0], &outcome, &effort);
    Ok(through)
}

fn is_expired(config: &Config, row: &Row) -> bool {
    row.since + config.rules.outbox.retention_ms() < now_ms()
}

fn expire(
    sql: &SqlStorage,
    row: &Row,
    notification: &Notification,
    code: &str,
    content: &[u8],
) -> Result<Outcome> {
    let detail = "It was tried for as long as CONFIG.outbox.retentionDays says.";
    let fault = Fault::new(format!("expired_{code}"), detail);
    give_up(sql, row, notification, fault, content)
}

/// Makes a dead letter of a row.
fn give_up(
    sql: &SqlStorage,
    row: &Row,
    notification: &Notification,
    fault: Fault,
    content: &[u8],
) -> Result<Outcome> {
    let code = fault.code.clone();
    let letter = NewDeadLetter::of(Some(notification), fault, row.attempts + 1);
    let id = dead_letters::keep(sql, &letter, content)?;
    parked::remove(sql, row)?;
    Ok(Outcome::DeadLettered { id, code })
}

/// Parks the notifications of a dead letter to be tried again now; whether there is such a letter.
/// One that holds no notification stays where it is.
pub(super) fn replay(outbox: &Outbox, id: &str) -> Result<bool> {
    let sql = outbox.sql();
    let Some(row) = dead_letters::find(&sql, id)? else { return Ok(false) };
    let settings = settings::read(&outbox.env);
    let Ok(config) = settings.as_ref() else { return Ok(true) };
    let content = dead_letters::content(&sql, &row)?;
    let mut parked_all = true;
    for item in envelope::decode(&content, None).items {
        match item {
            Item::Notification(notification) => {
                let slot = match work_of(config, &notification) {
                    Ok(work) => slot(&notification, &work),
                    Err(_) => slot_of_fact(&notification),
                };
                let new = NewParked::now(slot, "replayed");
                let content = Value::Object(notification.raw).to_string();
                parked::park(&sql, &new, content.as_bytes())?;
            }
            Item::Refused { .. } => parked_all = false,
        }
    }
    if parked_all {
        dead_letters::delete(&sql, id)?;
    }
    Ok(true)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// From 0 to 1.
fn jitter() -> f64 {
    worker::js_sys::Math::random()
}
