//! `POST /` and `POST /events`: a push, from its bytes to its status.

use std::time::Duration;

use futures::{StreamExt, stream};
use worker::{Env, Request, Response, Result};

use super::calls::{Calls, now_ms};
use super::delivery::{Delivered, deliver, work_of};
use super::log::{self, Effort};
use super::outbox::{self, EraseAgain, New, NewDeadLetter, NewParked};
use super::{auth, body, handshake, import, reply};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::config::rules::Deletion;
use crate::fault::TransientFault;
use crate::realtime::conclusion::Conclusion;
use crate::realtime::envelope::{self, Push, PushedItem};
use crate::realtime::outcome::{Outcome, Reply, reply as worst};
use crate::realtime::parking::{ParkingSlot, by_resource, slot, slot_of_fact};
use crate::realtime::plan::Work;

/// How long the calls of a push may take together. An answer is due within 4 s (`EventBridge`
/// waits 5 s); what is left is for storing what could not be done.
const CALLS: Duration = Duration::from_millis(2_500);

/// How many notifications of one push are worked on at once: each has a call or two under way,
/// and a Worker has six connections.
const TOGETHER: usize = 3;

/// Changes of one push that are worked on at once. Each takes some 200 ms (a reading and a write), so
/// three at a time come to some forty in the time of the calls; and Klaviyo's limit for a second is
/// 75 writes of a sort. More of them are parked untried, and together: reading and writing them in
/// bulk costs less calls, and is done sooner.
const MOST_CHANGES: usize = 40;

/// When a push has to be stored: an answer is due within 4 s.
const ANSWER: Duration = Duration::from_millis(3_400);

/// When a sender is to try again, where nobody said so.
const RETRY_AFTER: Duration = Duration::from_secs(10);

pub(super) async fn answer(request: &mut Request, env: &Env, config: &Config) -> Result<Response> {
    let claim = match auth::claim(config, request)? {
        Ok(claim) => claim,
        Err(denied) => return reply::denied(denied),
    };
    let Some(body) = body::whole(request).await? else {
        return reply::too_large();
    };
    let started = now_ms();
    let calls = Calls::within(config, config.push_patience.unwrap_or(CALLS));
    if let Err(denied) = auth::verify(config, claim, &body).await {
        return reply::denied(denied);
    }
    let Push { items, handshake } = envelope::decode(&body, Some(&config.push.sns));
    drop(body);
    let notifications = items.iter().filter_map(|item| match item {
        PushedItem::Notification(notification) => Some(notification),
        PushedItem::Refused { .. } => None,
    });
    if let Err(error) = import::tell_of_deletions(env, config, notifications).await {
        log::failure("import", &error.to_string());
        return reply::to_push(worst(vec![unavailable()]));
    }
    let items = plan(config, items);
    let worked: Vec<_> = stream::iter(items)
        .map(|planned| work(env, config, &calls, planned))
        .buffered(TOGETHER)
        .collect()
        .await;
    let outcomes = settle(env, config, started, worked).await;
    match (worst(outcomes), handshake) {
        (Reply::Done, Some(handshake)) => handshake::answer(handshake).await,
        (reply, _) => reply::to_push(reply),
    }
}

/// What one thing that was pushed asks for.
struct Planned {
    item: PushedItem,
    asks: Asks,
}

enum Asks {
    /// To be worked on now.
    Work(Work),
    /// The same, but there is too much of it for a push.
    Outbox(Work),
    /// Nothing: this is the conclusion.
    Nothing(Conclusion),
}

/// Looks at all of a push. What says only that something changed goes to the outbox without being
/// tried, if there is much of it: that reads it together and writes it in jobs.
fn plan(config: &Config, items: Vec<PushedItem>) -> Vec<Planned> {
    let planned = items.into_iter().map(|item| {
        let asks = match &item {
            PushedItem::Refused { why, .. } => Asks::Nothing(Conclusion::Never((*why).into())),
            PushedItem::Notification(notification) => {
                work_of(config, notification).map_or_else(Asks::Nothing, Asks::Work)
            }
        };
        Planned { item, asks }
    });
    let mut planned: Vec<_> = planned.collect();
    let changes =
        planned.iter().filter(|one| matches!(&one.asks, Asks::Work(work) if by_resource(work)));
    if changes.count() > MOST_CHANGES {
        let to_outbox = |Planned { item, asks }| match asks {
            Asks::Work(work) if by_resource(&work) => Planned { item, asks: Asks::Outbox(work) },
            asks => Planned { item, asks },
        };
        planned = planned.into_iter().map(to_outbox).collect();
    }
    planned
}

/// What was worked on.
struct Worked {
    item: PushedItem,
    end: PushEnd,
    effort: Effort,
}

/// How the work on it ended.
enum PushEnd {
    /// With this outcome.
    Outcome(Outcome),
    /// This is to be stored first.
    Store(New),
}

/// Works on one of them, as far as that can be done without storing anything.
async fn work(env: &Env, config: &Config, calls: &Calls<'_>, planned: Planned) -> Worked {
    let Planned { item, asks } = planned;
    let (started, made) = (now_ms(), calls.made());
    let mut cut = Vec::new();
    let end = match (&item, asks) {
        (PushedItem::Notification(notification), Asks::Outbox(work)) => PushEnd::Store(
            New::Parked(NewParked::soon(slot(notification, &work), TransientFault::ManyAtOnce)),
        ),
        (PushedItem::Notification(notification), Asks::Work(work)) => {
            let slot = slot(notification, &work);
            match bring(env, config, calls, work).await {
                Ok(None) => {
                    PushEnd::Store(New::Parked(NewParked::soon(slot, TransientFault::JobUnderWay)))
                }
                Ok(Some(delivered)) => {
                    cut = delivered.cut;
                    end(Some(notification), || slot, delivered.conclusion)
                }
                Err(error) => PushEnd::Outcome(not_stored(&error)),
            }
        }
        (PushedItem::Notification(notification), Asks::Nothing(conclusion)) => {
            end(Some(notification), || slot_of_fact(notification), conclusion)
        }
        (PushedItem::Refused { why, .. }, _) => {
            PushEnd::Store(New::DeadLetter(NewDeadLetter::of(None, (*why).into(), 1)))
        }
    };
    let effort = Effort { duration_ms: now_ms() - started, calls: calls.made() - made, cut };
    Worked { item, end, effort }
}

/// Brings it to Klaviyo; none if it has to wait for a job that may undo it.
async fn bring(
    env: &Env,
    config: &Config,
    calls: &Calls<'_>,
    work: Work,
) -> Result<Option<Delivered>> {
    if erase(env, config, &work).await? {
        return Ok(None);
    }
    let delivered = deliver(config, calls, work).await;
    if let Some(customer) = &delivered.written_and_gone
        && config.rules.customer.deletion == Deletion::Erase
    {
        let asked = EraseAgain { customers: vec![customer.clone()], wait_ms: 0 };
        outbox::erase_again(env, config, &asked).await?;
    }
    Ok(Some(delivered))
}

/// Erases what is stored here, first, and whatever Klaviyo says; whether the rest has to wait.
async fn erase(env: &Env, config: &Config, work: &Work) -> Result<bool> {
    let Work::Erasure(customer) = work else { return Ok(false) };
    if config.mode.import() {
        import::erase(env, config, customer).await?;
    }
    outbox::erase(env, config, customer).await
}

fn end(
    notification: Option<&Notification>,
    slot: impl FnOnce() -> ParkingSlot,
    conclusion: Conclusion,
) -> PushEnd {
    match conclusion {
        Conclusion::Delivered => PushEnd::Outcome(Outcome::Delivered),
        Conclusion::Ignored(why) => PushEnd::Outcome(Outcome::Ignored(why)),
        Conclusion::Never(rejection) => {
            PushEnd::Store(New::DeadLetter(NewDeadLetter::of(notification, rejection, 1)))
        }
        Conclusion::Later(setback) => {
            PushEnd::Store(New::Parked(NewParked::after(slot(), setback)))
        }
        Conclusion::NotYet(not_yet) => {
            PushEnd::Store(New::Parked(NewParked::after(slot(), not_yet.fault().into())))
        }
    }
}

/// Stores what has to be stored, all at once; where that fails, the sender has to keep the
/// notifications. Then each has its outcome and its line in the log.
async fn settle(env: &Env, config: &Config, started: u64, worked: Vec<Worked>) -> Vec<Outcome> {
    let begun = now_ms();
    let new = worked.iter().filter_map(|worked| match &worked.end {
        PushEnd::Store(new) => Some((new, &worked.item)),
        PushEnd::Outcome(_) => None,
    });
    let passed = Duration::from_millis(begun.saturating_sub(started));
    let left = config.push_patience.unwrap_or(ANSWER).saturating_sub(passed);
    let mut stored = outbox::store(env, config, left, new).await.into_iter();
    let took = now_ms() - begun;
    let settled = worked.into_iter().map(|Worked { item, end, mut effort }| {
        let outcome = match end {
            PushEnd::Outcome(outcome) => outcome,
            PushEnd::Store(new) => {
                effort.duration_ms += took;
                match (new, stored.next().flatten()) {
                    (New::Parked(new), Some(_)) => Outcome::Parked { code: new.code },
                    (New::DeadLetter(letter), Some(id)) => {
                        Outcome::DeadLettered { id, code: letter.code }
                    }
                    (_, None) => unavailable(),
                }
            }
        };
        log::notification(&item, &outcome, &effort);
        outcome
    });
    settled.collect()
}

fn not_stored(error: &worker::Error) -> Outcome {
    log::failure("outbox", &error.to_string());
    unavailable()
}

fn unavailable() -> Outcome {
    let code = TransientFault::OutboxUnavailable.code().into_owned();
    Outcome::NotStored { code, retry_after: RETRY_AFTER }
}
