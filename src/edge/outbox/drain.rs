//! Delivering what is parked, in the alarm of the object.
//!
//! The oldest rows go first, many at once: what they read is asked for together, their events go
//! together, and many writes of a sort go as jobs, which are followed to their end. A round that
//! brings nothing through ends the slice: then a whole system is out, and trying the other rows
//! would only cost calls.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use worker::{Result, Storage};

use super::attempt::{Attempt, Begun, begin, finish};
use super::follow::follow;
use super::means::{CALLS, Drain, logged};
use super::parked::{self, Taken};
use super::send::send;
use super::{dead_letters, jitter, millis, offspring};
use crate::config::Config;
use crate::edge::calls::{Calls, now_ms};
use crate::edge::delivery::{self, Ready, prepare};
use crate::klaviyo::batch::{Batch, pack};
use crate::klaviyo::event::Event;
use crate::klaviyo::pacing::Pace;
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::Conclusion;
use crate::realtime::deliver::NotYet;
use crate::realtime::parking::backoff;

/// When the object is woken if this slice never ends. Whoever restarts it finds this alarm, which
/// is set anew whenever up to [`CALLS`] begin.
const WATCHDOG: Duration = Duration::from_secs(20);

/// How long a slice goes on taking rows.
const SLICE: Duration = Duration::from_secs(10);

/// Rows of the first round.
const FEW: u32 = 5;

/// Rows of a round while things go through, what they may weigh, and bytes of their notifications.
/// Together with what is read for them and the bodies made of it they must stay far below the
/// 128 MB of an isolate.
const ROWS: u32 = 500;
const WEIGHT: u32 = 500;
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
pub(super) async fn run(
    storage: &Storage,
    config: &Config,
    pace: &RefCell<Pace>,
    fruitless: &Cell<u32>,
) -> Result<()> {
    let sql = &storage.sql();
    pace.borrow_mut().set_share(config.rules.klaviyo.share);
    let drain = Drain { storage, sql, config, pace };
    storage.set_alarm(WATCHDOG).await?;
    let kept_from = now_ms().saturating_sub(config.rules.outbox.retention_ms());
    dead_letters::forget(sql, kept_from)?;
    let end = now_ms() + millis(SLICE);
    // The first round feels its way: it is as small as can be.
    let mut most = FEW;
    while now_ms() < end {
        let followed = follow(&drain).await;
        storage.set_alarm(WATCHDOG).await?;
        let taken = parked::take(sql, now_ms(), most, WEIGHT, BYTES)?;
        let tried = if taken.is_empty() { None } else { Some(round(&drain, taken).await?) };
        match (followed, tried) {
            (None, None) => break,
            (_, Some(true)) => {
                if fruitless.replace(0) > 0 {
                    // The outage is over for all that waited for its end.
                    parked::wake(sql, now_ms(), &[NotYet::OrderOfPayment.fault()])?;
                }
                most = ROWS;
            }
            // That Klaviyo tells of a job does not say that anything else works.
            (Some(true), None) => fruitless.set(0),
            _ => {
                fruitless.set(fruitless.get().saturating_add(1));
                break;
            }
        }
    }
    Ok(())
}

/// Tries these rows; whether the systems did their part for any of them.
async fn round(drain: &Drain<'_>, taken: Vec<Taken>) -> Result<bool> {
    let Drain { storage, sql, config, pace } = *drain;
    let mut through = false;
    let (mut attempts, mut works) = (Vec::new(), Vec::new());
    for taken in taken {
        match logged(begin(sql, config, taken)) {
            Some(Begun::Work(attempt, work)) => {
                attempts.push(*attempt);
                works.push(work);
            }
            Some(Begun::Settled(worked)) => through |= worked,
            None => {}
        }
    }
    let calls = Calls::paced(config, CALLS, pace);
    let follow = |following| offspring::park(sql, config, following);
    let ready = prepare(config, &calls, &works, Some(&follow)).await;
    let (mut groups, mut others) = (Vec::new(), Vec::new());
    for (mut attempt, ready) in attempts.into_iter().zip(ready) {
        match ready {
            Ready::Concluded(conclusion) => {
                through |= logged(finish(sql, config, attempt, conclusion)).unwrap_or(false);
            }
            Ready::ToSend { stages, cut } => {
                attempt.prepared(stages, cut);
                match attempt.only_events() {
                    Some(events) => groups.push((attempt, events)),
                    None => others.push(attempt),
                }
            }
        }
    }
    storage.set_alarm(WATCHDOG).await?;
    // What would be alone in its batch needs no batch.
    if groups.len() == 1 {
        others.extend(groups.drain(..).map(|(mut attempt, events)| {
            attempt.stages = alone(events).into();
            attempt
        }));
    }
    for batch in pack(groups) {
        match send_batch(drain, &batch).await {
            // One of the rows is to blame: each goes on its own, and shows which.
            Conclusion::Never(_) => others.extend(batch.owners),
            conclusion => {
                for attempt in batch.owners {
                    let done = finish(sql, config, attempt, conclusion.clone());
                    through |= logged(done).unwrap_or(false);
                }
            }
        }
    }
    storage.set_alarm(WATCHDOG).await?;
    let calls = Calls::paced(config, CALLS, pace);
    Ok(send(drain, &calls, others).await || through)
}

async fn send_batch(drain: &Drain<'_>, batch: &Batch<Attempt>) -> Conclusion {
    let calls = Calls::paced(drain.config, CALLS, drain.pace);
    delivery::send(&calls, vec![vec![Request::CreateEvents(batch.events.clone())]]).await
}

fn alone(events: Vec<Event>) -> Vec<Vec<Request>> {
    vec![events.into_iter().map(|event| Request::CreateEvent(Box::new(event))).collect()]
}
