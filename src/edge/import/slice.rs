//! A slice of the work: the machine's calls are made, and their answers brought to it, until the
//! time or the calls of the slice are used up, or nothing can be done for a while.
//!
//! A slice that never ends, since the isolate went down, is begun anew by the watchdog: an alarm
//! that is always less than [`WATCHDOG`] ahead.

use std::time::Duration;

use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use worker::signal::is_near_cpu_limit;
use worker::{Delay, Env, Result, Storage};

use super::desk::{self, Desk};
use super::runs;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::edge::calls::{Calls, now, now_ms};
use crate::edge::{log, outbox};
use crate::fault::{Setback, TransientFault};
use crate::http::Answer;
use crate::engine::call::Call;
use crate::import::machine::{Input, Saving};
use crate::realtime::deliver::change;

/// How far ahead the watchdog is set, and how often.
const WATCHDOG: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);

/// How long a call may take.
const CALL: Duration = Duration::from_secs(10);

/// How long a call may take that writes many records.
const BULK_CALL: Duration = Duration::from_secs(30);

/// The longest wait, in ms, for which the object is kept awake.
const AWAKE: u64 = 2_500;

/// The shortest wait, in ms: the clock stands still unless something is waited for.
const SHORTEST: u64 = 1;

/// How long to wait, in ms, where the machine is active but has nothing to do and waits for nothing.
const STUCK: u64 = 10_000;

/// How many slices in a row may be lost, without anything being brought on, before the runs fail.
const LOST: u32 = 8;

/// When the next slice is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextSlice {
    /// Nothing is active.
    Never,
    /// There is something to do.
    Now,
    /// Nothing can be done before this time, in ms since 1970 UTC.
    At(u64),
}

/// What a slice waits for.
enum SliceEvent {
    Answered(u64, Result<Answer, Setback>),
    /// Someone else made a step, and these calls are to be made.
    Asked(desk::Calls),
    Time,
}

/// Works for one slice.
pub(super) async fn run(
    env: &Env,
    desk: &Desk,
    storage: &Storage,
    config: &Config,
) -> Result<NextSlice> {
    let sql = storage.sql();
    if !desk.is_active(&sql, &config.rules, None)? {
        return Ok(NextSlice::Never);
    }
    storage.set_alarm(WATCHDOG).await?;
    if runs::slice_begins(&sql)? >= LOST {
        give_up(desk, storage, config)?;
        return Ok(NextSlice::Never);
    }

    let mut asked = desk.listen();
    let mut under_way = FuturesUnordered::new();
    let mut renew_at = now_ms() + millis(RENEWAL);
    let mut end = Some(now_ms() + 1000 * u64::from(config.rules.import.slice_seconds));
    let mut left = config.rules.import.subrequests_per_slice;
    let mut calls = desk.step(&sql, config, Input::Slice { calls: left })?;
    let next = loop {
        left = left.saturating_sub(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        under_way.extend(calls.drain(..).map(|(ticket, call)| make(env, config, ticket, call)));
        let now = now_ms();
        if now >= renew_at {
            storage.set_alarm(WATCHDOG).await?;
            renew_at = now + millis(RENEWAL);
        }
        // The platform ends an invocation that has used up its CPU time, and says so shortly before.
        if end.is_some_and(|end| now >= end || is_near_cpu_limit()) {
            end = None;
            calls = desk.step(&sql, config, Input::Rest)?;
            continue;
        }
        let wake = desk.wake().filter(|_| end.is_some());
        if under_way.is_empty() && wake.is_none_or(|wake| wake > now + AWAKE) {
            break match wake {
                _ if !desk.is_active(&sql, &config.rules, None)? => NextSlice::Never,
                Some(wake) => NextSlice::At(wake),
                None if end.is_none() || left == 0 => NextSlice::Now,
                None => {
                    log::failure("import", "the import is active, and waits for nothing");
                    NextSlice::At(now + STUCK)
                }
            };
        }
        let until = [Some(renew_at), end, wake].into_iter().flatten().min().unwrap_or(renew_at);
        let pause = Duration::from_millis(until.saturating_sub(now).max(SHORTEST));
        calls = match wait(&mut under_way, &mut asked, pause).await {
            SliceEvent::Answered(ticket, answer) => {
                desk.step(&sql, config, Input::Answered { ticket, answer })?
            }
            SliceEvent::Asked(calls) => calls,
            SliceEvent::Time => desk.step(&sql, config, Input::Tick)?,
        };
    };
    // Whoever steps before the next slice begins gets no calls.
    desk.step(&sql, config, Input::Rest)?;
    runs::slice_ended(&sql)?;
    Ok(next)
}

async fn wait(
    under_way: &mut FuturesUnordered<impl Future<Output = (u64, Result<Answer, Setback>)>>,
    asked: &mut UnboundedReceiver<desk::Calls>,
    pause: Duration,
) -> SliceEvent {
    let answered = async {
        match under_way.next().await {
            Some((ticket, answer)) => SliceEvent::Answered(ticket, answer),
            None => pending().await,
        }
    };
    let asked = async {
        match asked.next().await {
            Some(calls) => SliceEvent::Asked(calls),
            None => pending().await,
        }
    };
    let happened = select(answered.boxed_local(), asked.boxed_local());
    match select(happened, Delay::from(pause)).await {
        Either::Left((Either::Left((event, _)) | Either::Right((event, _)), _)) => event,
        Either::Right(((), _)) => SliceEvent::Time,
    }
}

async fn make(
    env: &Env,
    config: &Config,
    ticket: u64,
    call: Call,
) -> (u64, Result<Answer, Setback>) {
    let answer = match call {
        Call::HandOver { resource_type, ids } => hand_over(env, config, resource_type, &ids).await,
        call => Calls::within(config, limit(&call)).make(call).await,
    };
    (ticket, answer)
}

/// Parks records in the outbox, as changes of them.
async fn hand_over(
    env: &Env,
    config: &Config,
    resource_type: &str,
    ids: &[Id],
) -> Result<Answer, Setback> {
    let changes: Vec<_> = ids.iter().map(|id| change(resource_type, id)).collect();
    match outbox::park_changes(env, config, &changes).await {
        Ok(()) => Ok(Answer { status: 201, ..Answer::default() }),
        Err(error) => {
            log::failure("outbox", &error.to_string());
            Err(TransientFault::OutboxUnavailable.into())
        }
    }
}

/// How long a call may take.
fn limit(call: &Call) -> Duration {
    match call {
        Call::Klaviyo { path, body: Some(_), .. } if path.contains("-bulk-") => BULK_CALL,
        _ => CALL,
    }
}

/// Ends the active runs: whatever brings the object down would do so for ever.
fn give_up(desk: &Desk, storage: &Storage, config: &Config) -> Result<()> {
    let sql = storage.sql();
    desk.forget();
    let stored = runs::load(&sql, &config.rules)?.into_iter();
    for mut run in stored.filter_map(|stored| stored.run.readable()) {
        if run.is_active() {
            run.lost(now());
            log::import(&run);
            runs::save(&sql, &Saving { run: Some(run), ..Saving::default() })?;
        }
    }
    runs::slice_ended(&sql)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
