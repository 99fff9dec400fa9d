//! A slice of the work of a Durable Object: it makes its machine's calls and returns their answers,
//! until the time or the calls of the slice are used up, or nothing can be done for a while.
//!
//! If a slice never ends, since the isolate went down, the watchdog starts over: an alarm that is
//! always less than [`WATCHDOG`] ahead.

use std::time::Duration;

use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde_json::{Map, Value};
use worker::signal::is_near_cpu_limit;
use worker::{Delay, Env, Result, Storage};

use super::calls::TimedCalls;
use super::clock::now_ms;
use super::memory::SliceAtWork;
use super::{log, outbox};
use crate::config::Config;
use crate::engine::call::{CallTicket, HostCall, SliceInput};
use crate::fault::{Setback, TransientFault};
use crate::http::HttpAnswer;
use crate::time::UnixMs;

/// How far ahead the watchdog is set, and how often.
const WATCHDOG: Duration = Duration::from_secs(15);
const RENEWAL: Duration = Duration::from_secs(5);

/// How long a call may take that writes many records.
const BULK_CALL: Duration = Duration::from_secs(30);

/// The longest wait that keeps the object awake.
const AWAKE: Duration = Duration::from_millis(2_500);

/// The shortest wait: the clock stands still without a wait.
const SHORTEST: Duration = Duration::from_millis(1);

/// Calls to make, with their numbers.
pub(super) type NumberedCalls = Vec<(CallTicket, HostCall)>;

/// The limits of a slice.
pub(super) struct SliceLimits {
    /// How long it begins calls.
    pub(super) length: Duration,
    /// How many calls it may make.
    pub(super) calls: u32,
    /// How long a call may take that does not write many records.
    pub(super) call: Duration,
}

/// A machine at work.
pub(super) trait SliceWork {
    /// One step. When this returns, everything that the machine wants stored is stored.
    fn step(&self, input: SliceInput) -> Result<NumberedCalls>;

    /// When to step again without an answer.
    fn wake(&self) -> Option<UnixMs>;
}

/// Why a slice ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SliceEnd {
    /// Its time or its calls are used up.
    UsedUp,
    /// Nothing can be done before this time; none if it waits for nothing.
    Idle(Option<UnixMs>),
}

/// The events that a slice waits for.
enum SliceEvent {
    Answered(CallTicket, Result<HttpAnswer, Setback>),
    /// A request beside the slice made a step, with these calls.
    Asked(NumberedCalls),
    Time,
}

/// Sets the watchdog; call it before anything else.
pub(super) async fn watch(storage: &Storage) -> Result<()> {
    storage.set_alarm(WATCHDOG).await
}

/// Runs one slice. `asked` brings the calls of steps that requests make meanwhile.
pub(super) async fn work(
    env: &Env,
    config: &Config,
    storage: &Storage,
    limits: &SliceLimits,
    machine: &dyn SliceWork,
    mut asked: Option<UnboundedReceiver<NumberedCalls>>,
) -> Result<SliceEnd> {
    let _at_work = SliceAtWork::begin();
    let mut under_way = FuturesUnordered::new();
    let mut renew_at = now_ms() + RENEWAL;
    let mut end = Some(now_ms() + limits.length);
    let mut left = limits.calls;
    let mut calls = machine.step(SliceInput::Begun { calls: left })?;
    loop {
        left = left.saturating_sub(u32::try_from(calls.len()).unwrap_or(u32::MAX));
        let made = calls.drain(..).map(|(ticket, call)| make(env, config, limits, ticket, call));
        under_way.extend(made);
        let now = now_ms();
        if now >= renew_at {
            watch(storage).await?;
            renew_at = now + RENEWAL;
        }
        // The platform ends an invocation that has used up its CPU time, and warns shortly before.
        if end.is_some_and(|end| now >= end || is_near_cpu_limit()) {
            end = None;
            calls = machine.step(SliceInput::Rest)?;
            continue;
        }
        let wake = machine.wake().filter(|_| end.is_some());
        if under_way.is_empty() && wake.is_none_or(|wake| wake > now + AWAKE) {
            let used_up = wake.is_none() && (end.is_none() || left == 0);
            return Ok(if used_up { SliceEnd::UsedUp } else { SliceEnd::Idle(wake) });
        }
        let until = [Some(renew_at), end, wake].into_iter().flatten().min().unwrap_or(renew_at);
        let pause = until.since(now).max(SHORTEST);
        calls = match wait(&mut under_way, asked.as_mut(), pause).await {
            SliceEvent::Answered(ticket, answer) => {
                machine.step(SliceInput::Answered { ticket, answer })?
            }
            SliceEvent::Asked(calls) => calls,
            SliceEvent::Time => machine.step(SliceInput::Tick)?,
        };
    }
}

async fn wait(
    under_way: &mut FuturesUnordered<
        impl Future<Output = (CallTicket, Result<HttpAnswer, Setback>)>,
    >,
    asked: Option<&mut UnboundedReceiver<NumberedCalls>>,
    pause: Duration,
) -> SliceEvent {
    let answered = async {
        match under_way.next().await {
            Some((ticket, answer)) => SliceEvent::Answered(ticket, answer),
            None => pending().await,
        }
    };
    let asked = async {
        match asked {
            Some(asked) => match asked.next().await {
                Some(calls) => SliceEvent::Asked(calls),
                None => pending().await,
            },
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
    limits: &SliceLimits,
    ticket: CallTicket,
    call: HostCall,
) -> (CallTicket, Result<HttpAnswer, Setback>) {
    let limit = match &call {
        HostCall::Klaviyo { path, body: Some(_), .. } if path.contains("-bulk-") => BULK_CALL,
        _ => limits.call,
    };
    let answer = match call {
        HostCall::HandOver { changes, not_before } => {
            hand_over(env, config, &changes, not_before).await
        }
        call => TimedCalls::within(config, limit).make(call).await,
    };
    (ticket, answer)
}

/// Parks notifications in the outbox.
async fn hand_over(
    env: &Env,
    config: &Config,
    changes: &[Map<String, Value>],
    not_before: UnixMs,
) -> Result<HttpAnswer, Setback> {
    match outbox::park_changes(env, config, changes, not_before).await {
        Ok(()) => Ok(HttpAnswer { status: 201, ..HttpAnswer::default() }),
        Err(error) => {
            log::failure("outbox", &error.to_string());
            Err(TransientFault::OutboxUnavailable.into())
        }
    }
}
