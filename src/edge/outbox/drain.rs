//! Delivering what is parked, in the alarm of the object.
//!
//! Many rows at once: what they read is asked for together, their events go together, and many
//! writes of a sort go as jobs, which are followed to their end. Which rows come next, and which
//! are left alone while nothing of their group goes through, is decided in
//! [`crate::outbox::schedule`].

use std::cell::RefCell;
use std::time::Duration;

use worker::{Result, SqlStorage, Storage};

use super::attempt::{Begun, RowAttempt, begin};
use super::follow::follow;
use super::means::{CALLS, Drain, logged};
use super::parked::{self, ParkedRow, Taken};
use super::send::send;
use super::tried::{Tried, conclude_row};
use super::{dead_letters, erasure, jitter, lost, millis, offspring};
use crate::config::Config;
use crate::config::rules::Deletion;
use crate::edge::calls::{Calls, now_ms};
use crate::edge::delivery::{self, Ready, prepare};
use crate::klaviyo::batch::{Batch, pack};
use crate::klaviyo::event::Event;
use crate::klaviyo::pacing::Pace;
use crate::klaviyo::request::Request;
use crate::outbox::schedule::{Circuits, RoundLimits, RowGroup, in_turn};
use crate::realtime::conclusion::Conclusion;
use crate::realtime::deliver::NotYet;
use crate::realtime::deliver::delivery::Delivery;

/// When the object is woken if this slice never ends. Whoever restarts it finds this alarm, which
/// is set anew whenever up to [`CALLS`] begin.
const WATCHDOG: Duration = Duration::from_secs(20);

/// How long a slice goes on taking rows.
const SLICE: Duration = Duration::from_secs(10);

/// Rows of a round while things go through, what they may weigh, and bytes of their notifications.
/// Together with what is read for them and the bodies made of it they must stay far below the
/// 128 MB of an isolate.
const ROUND: RoundLimits = RoundLimits { rows: 500, weight: 500, bytes: 3_000_000 };

/// Tries what is due, for one slice. `circuits` knows of which groups of rows something goes
/// through, over all slices.
pub(super) async fn run(
    storage: &Storage,
    config: &Config,
    pace: &RefCell<Pace>,
    circuits: &RefCell<Circuits>,
) -> Result<()> {
    let sql = &storage.sql();
    pace.borrow_mut().set_share(config.rules.klaviyo.share);
    let drain = Drain { storage, sql, config, pace };
    storage.set_alarm(WATCHDOG).await?;
    let kept_from = now_ms().saturating_sub(config.rules.outbox.retention_ms());
    dead_letters::forget(sql, kept_from)?;
    parked::expire(sql, now_ms(), kept_from)?;
    lost::count(sql)?;
    let end = now_ms() + millis(SLICE);
    while now_ms() < end {
        let followed = follow(&drain).await;
        storage.set_alarm(WATCHDOG).await?;
        let in_company = next_rows(sql, circuits)?;
        let alone = parked::due_alone(sql, now_ms())?;
        if in_company.is_empty() && alone.is_empty() && !followed {
            break;
        }
        for (rows, alone) in [(in_company, false), (alone, true)] {
            if rows.is_empty() {
                continue;
            }
            let taken = parked::take(sql, now_ms(), rows, alone)?;
            let tried = round(&drain, taken).await?;
            lost::round_ended(sql)?;
            note(sql, circuits, tried)?;
        }
    }
    Ok(())
}

/// Notes of which groups something went through.
fn note(sql: &SqlStorage, circuits: &RefCell<Circuits>, tried: Tried) -> Result<()> {
    for (group, through) in tried.0 {
        let mut circuits = circuits.borrow_mut();
        if !through {
            circuits.failed(group, now_ms(), jitter());
        } else if circuits.went_through(group) {
            // The outage is over, perhaps for the other groups as well, whatever they were told to
            // wait: those of which nothing goes through are only probed.
            for group in RowGroup::ALL {
                parked::wake(sql, group, now_ms(), NotYet::OrderOfPayment.fault())?;
            }
        }
    }
    Ok(())
}

/// The rows of the next round: those of each group that may be tried now, in turn.
fn next_rows(sql: &SqlStorage, circuits: &RefCell<Circuits>) -> Result<Vec<ParkedRow>> {
    let now = now_ms();
    let most = u32::try_from(ROUND.rows).unwrap_or(u32::MAX);
    let due = RowGroup::ALL.into_iter().map(|group| {
        let allowance = circuits.borrow().allowance(group, now);
        parked::due(sql, group, allowance, now, most)
    });
    let due = due.collect::<Result<Vec<_>>>()?;
    Ok(in_turn(due, ROUND).into_iter().map(|due| due.row).collect())
}

/// Tries these rows: reads, sends, and reads again what may have been overtaken, until each has its
/// conclusion.
async fn round(drain: &Drain<'_>, taken: Vec<Taken>) -> Result<Tried> {
    let Drain { storage, sql, config, pace } = *drain;
    let mut tried = Tried::default();
    let (mut attempts, mut deliveries) = (Vec::new(), Vec::new());
    for taken in taken {
        let key = taken.row.key.clone();
        match logged(begin(sql, config, taken)) {
            Some(Begun::Work(attempt, work)) => {
                attempts.push(*attempt);
                deliveries.push(Delivery::new(work));
            }
            Some(Begun::Settled(worked)) => tried.note(&key, Some(worked)),
            None => tried.note(&key, None),
        }
    }
    while !attempts.is_empty() {
        let calls = Calls::paced(config, CALLS, pace);
        let follow = |following| offspring::park(sql, config, following);
        let ready = prepare(config, &calls, &mut deliveries, Some(&follow)).await;
        let (mut groups, mut others) = (Vec::new(), Vec::new());
        let all = attempts.into_iter().zip(deliveries).zip(ready);
        for ((mut attempt, delivery), ready) in all {
            match ready {
                Ready::Concluded(conclusion) => {
                    let doubtful = attempt.row.doubtful_until;
                    conclude_row(drain, &mut tried, attempt, conclusion);
                    logged(stay_erased(sql, config, &delivery, doubtful));
                }
                Ready::ToSend { stages, cut } => {
                    attempt.prepared(delivery, stages, cut);
                    match attempt.only_events() {
                        Some(events) => groups.push((attempt, events)),
                        None => others.push(attempt),
                    }
                }
            }
        }
        storage.set_alarm(WATCHDOG).await?;
        others.extend(send_events(drain, &mut tried, groups).await);
        storage.set_alarm(WATCHDOG).await?;
        let calls = Calls::paced(config, CALLS, pace);
        (attempts, deliveries) = send(drain, &calls, others, &mut tried).await.into_iter().unzip();
    }
    Ok(tried)
}

/// A write of a customer who is gone may have brought back a profile that was erased, or may do so
/// until `doubtful_until` (ms since 1970 UTC).
fn stay_erased(
    sql: &SqlStorage,
    config: &Config,
    delivery: &Delivery,
    doubtful_until: u64,
) -> Result<()> {
    let Some(customer) = delivery.gone_customer() else { return Ok(()) };
    let erases = config.rules.customer.deletion == Deletion::Erase;
    if erases && (delivery.has_written() || doubtful_until > 0) {
        let wait = doubtful_until.saturating_sub(now_ms());
        erasure::again(sql, customer.as_str(), wait)?;
    }
    Ok(())
}

/// Sends the events of many rows together; the rows that have to go on their own are left.
async fn send_events(
    drain: &Drain<'_>,
    tried: &mut Tried,
    mut groups: Vec<(RowAttempt, Vec<Event>)>,
) -> Vec<RowAttempt> {
    // What would be alone in its batch needs no batch.
    if groups.len() == 1 {
        return groups.drain(..).map(|(attempt, _)| attempt).collect();
    }
    let mut left = Vec::new();
    for batch in pack(groups) {
        match send_batch(drain, &batch).await {
            // One of the rows is to blame: each goes on its own, and shows which.
            Conclusion::Never(_) => left.extend(batch.owners),
            conclusion => {
                for attempt in batch.owners {
                    conclude_row(drain, tried, attempt, conclusion.clone());
                }
            }
        }
    }
    left
}

async fn send_batch(drain: &Drain<'_>, batch: &Batch<RowAttempt>) -> Conclusion {
    let calls = Calls::paced(drain.config, CALLS, drain.pace);
    delivery::send(&calls, vec![vec![Request::CreateEvents(batch.events.clone())]]).await
}
