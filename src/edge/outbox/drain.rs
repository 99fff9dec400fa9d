//! Delivering what is parked, in the alarm of the object.
//!
//! The oldest rows go first, a few at once, and their events go together: a thousand orders are a
//! few bulk requests. A round that brings nothing through ends the slice: then a whole system is
//! out, and trying the other rows would only cost calls.

use std::cell::Cell;
use std::time::Duration;

use futures::{StreamExt, stream};
use worker::{Result, SqlStorage, Storage};

use super::attempt::{Attempt, Trial, finish, start};
use super::parked::{self, Row};
use super::{dead_letters, jitter, millis};
use crate::config::Config;
use crate::edge::calls::{Calls, now_ms};
use crate::edge::delivery::send;
use crate::edge::log;
use crate::klaviyo::batch::{Batch, pack};
use crate::klaviyo::event::Event;
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::Conclusion;
use crate::realtime::deliver::NotYet;
use crate::realtime::parking::backoff;

/// When the object is woken if this slice never ends. Whoever restarts it finds this alarm.
const WATCHDOG: Duration = Duration::from_secs(20);

/// How long a slice goes on taking rows. With the calls of its last round it stays below the
/// watchdog.
const SLICE: Duration = Duration::from_secs(10);

/// How long the calls for one row, or for one batch, may take together. In an outage that makes
/// calls hang, this and the longest pause are what it takes to notice its end.
const CALLS: Duration = Duration::from_secs(8);

/// Rows that are tried at once: each has a call or two under way, and there are six connections.
const AT_ONCE: usize = 5;

/// Rows of a round while things go through, and bytes of their notifications. Together with the
/// bodies made of them they must stay far below the 128 MB of an isolate.
const ROWS: u32 = 100;
const BYTES: u64 = 3_000_000;

/// How long to wait after fruitless rounds, in ms.
pub(super) fn pause(fruitless: u32) -> i64 {
    match fruitless {
        0 => 0,
        fruitless => i64::try_from(backoff(fruitless, None, jitter()).as_millis()).unwrap_or(0),
    }
}

/// Tries what is due, for one slice; `fruitless` counts the rounds in a row that brought nothing
/// through, over all slices.
pub(super) async fn run(storage: &Storage, config: &Config, fruitless: &Cell<u32>) -> Result<()> {
    storage.set_alarm(WATCHDOG).await?;
    let sql = storage.sql();
    let kept_from = now_ms().saturating_sub(config.rules.outbox.retention_ms());
    dead_letters::forget(&sql, kept_from)?;
    let end = now_ms() + millis(SLICE);
    // The first round feels its way: it is as small as can be.
    let mut most = u32::try_from(AT_ONCE).unwrap_or(1);
    while now_ms() < end {
        let rows = parked::due(&sql, now_ms(), most, BYTES)?;
        if rows.is_empty() {
            break;
        }
        if !round(&sql, config, &rows).await {
            fruitless.set(fruitless.get().saturating_add(1));
            break;
        }
        if fruitless.replace(0) > 0 {
            // The outage is over for all that waited for its end.
            parked::wake(&sql, now_ms(), &[NotYet::OrderOfPayment.code()])?;
        }
        most = ROWS;
    }
    Ok(())
}

/// Tries these rows; whether the systems did their part for any of them.
async fn round(sql: &SqlStorage, config: &Config, rows: &[Row]) -> bool {
    let started = stream::iter(rows).map(|row| async move {
        let calls = Calls::within(config, CALLS);
        logged(start(sql, config, &calls, row).await)
    });
    let started: Vec<_> = started.buffer_unordered(AT_ONCE).collect().await;
    let mut through = false;
    let (mut groups, mut singles) = (Vec::new(), Vec::new());
    for trial in started.into_iter().flatten() {
        match trial {
            Trial::Finished { systems_worked } => through |= systems_worked,
            Trial::Events(attempt, events) => groups.push((attempt, events)),
            Trial::ToSend(attempt, stages) => singles.push((attempt, stages)),
        }
    }
    // What would be alone in its batch needs no batch.
    if groups.len() == 1 {
        singles.extend(groups.drain(..).map(|(attempt, events)| (attempt, alone(events))));
    }
    for batch in pack(groups) {
        match send_batch(config, &batch).await {
            Conclusion::Never(_) => {
                // One of the rows is to blame: each goes on its own, and shows which.
                let Batch { owners, .. } = batch;
                for attempt in owners {
                    let stages = attempt.stages();
                    singles.push((attempt, stages));
                }
            }
            conclusion => {
                for attempt in batch.owners {
                    let done = finish(sql, config, attempt, conclusion.clone());
                    through |= logged(done).unwrap_or(false);
                }
            }
        }
    }
    let sent = stream::iter(singles).map(|(attempt, stages)| async move {
        let calls = Calls::within(config, CALLS);
        let conclusion = send(&calls, stages).await;
        logged(finish(sql, config, attempt, conclusion)).unwrap_or(false)
    });
    let sent: Vec<bool> = sent.buffer_unordered(AT_ONCE).collect().await;
    through || sent.contains(&true)
}

async fn send_batch(config: &Config, batch: &Batch<Attempt>) -> Conclusion {
    let calls = Calls::within(config, CALLS);
    send(&calls, vec![vec![Request::CreateEvents(batch.events.clone())]]).await
}

fn alone(events: Vec<Event>) -> Vec<Vec<Request>> {
    vec![events.into_iter().map(|event| Request::CreateEvent(Box::new(event))).collect()]
}

fn logged<T>(result: Result<T>) -> Option<T> {
    result.map_err(|error| log::failure("outbox", &error.to_string())).ok()
}
