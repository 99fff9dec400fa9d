//! `POST /` and `POST /events`: a push, from its bytes to its status.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Value;
use worker::{Env, Request, Response, Result};

use super::calls::{Calls, now_ms};
use super::delivery::{Delivery, deliver, work_of};
use super::log::{self, Effort};
use super::outbox::{self, NewDeadLetter, NewParked};
use super::{auth, body, handshake, reply};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::realtime::conclusion::{Conclusion, Fault};
use crate::realtime::envelope::{self, Item, Push};
use crate::realtime::outcome::{Outcome, Reply, reply as worst};
use crate::realtime::parking::{Slot, slot, slot_of_fact};
use crate::realtime::plan::Work;

/// How long the calls of a push may take together. An answer is due within 4 s (`EventBridge`
/// waits 5 s); what is left is for storing what could not be done.
const CALLS: Duration = Duration::from_millis(2_500);

/// How many notifications of one push are worked on at once: each has a call or two under way,
/// and a Worker has six connections.
const TOGETHER: usize = 3;

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
    let calls = Calls::within(config, CALLS);
    if let Err(denied) = auth::verify(config, claim, &body).await {
        return reply::denied(denied);
    }
    let Push { items, handshake } = envelope::decode(&body, Some(&config.push.sns));
    let outcomes = stream::iter(items)
        .map(|item| handle(env, config, &calls, item))
        .buffered(TOGETHER)
        .collect()
        .await;
    match (worst(outcomes), handshake) {
        (Reply::Done, Some(handshake)) => handshake::answer(handshake).await,
        (reply, _) => reply::to_push(reply),
    }
}

/// Brings one notification to its outcome.
async fn handle(env: &Env, config: &Config, calls: &Calls<'_>, item: Item) -> Outcome {
    let (started, made) = (now_ms(), calls.made());
    let (outcome, cut) = match &item {
        Item::Refused { why, content } => {
            let letter = NewDeadLetter::of(None, Fault::new(why.code(), why.to_string()), 1);
            (keep(env, config, &letter, content).await, Vec::new())
        }
        Item::Notification(notification) => match work_of(config, notification) {
            Ok(work) => {
                // First, and whatever Klaviyo says: what is stored here needs nobody else.
                if let Work::Erasure(customer) = &work
                    && let Err(error) = outbox::erase(env, config, customer).await
                {
                    return not_stored(&error);
                }
                let Delivery { conclusion, cut } = deliver(config, calls, &work).await;
                let slot = || slot(notification, &work);
                (settle(env, config, notification, slot, conclusion).await, cut)
            }
            Err(conclusion) => {
                let slot = || slot_of_fact(notification);
                (settle(env, config, notification, slot, conclusion).await, Vec::new())
            }
        },
    };
    let effort = Effort { duration_ms: now_ms() - started, calls: calls.made() - made, cut };
    log::notification(&item, &outcome, &effort);
    outcome
}

/// Stores what has to be stored. Where that fails, the sender has to keep the notification.
async fn settle(
    env: &Env,
    config: &Config,
    notification: &Notification,
    slot: impl FnOnce() -> Slot,
    conclusion: Conclusion,
) -> Outcome {
    let content = || Value::Object(notification.raw.clone()).to_string().into_bytes();
    match conclusion {
        Conclusion::Delivered => Outcome::Delivered,
        Conclusion::Ignored(why) => Outcome::Ignored(why),
        Conclusion::Never(fault) => {
            let letter = NewDeadLetter::of(Some(notification), fault, 1);
            keep(env, config, &letter, &content()).await
        }
        Conclusion::Later(passing) => {
            let new = NewParked::after(slot(), &passing.code, passing.retry_after);
            park(env, config, new, &content()).await
        }
        Conclusion::NotYet(not_yet) => {
            let new = NewParked::after(slot(), not_yet.code(), None);
            park(env, config, new, &content()).await
        }
    }
}

async fn park(env: &Env, config: &Config, new: NewParked, content: &[u8]) -> Outcome {
    match outbox::park(env, config, &new, content).await {
        Ok(()) => Outcome::Parked { code: new.code },
        Err(error) => not_stored(&error),
    }
}

async fn keep(env: &Env, config: &Config, letter: &NewDeadLetter, content: &[u8]) -> Outcome {
    match outbox::keep(env, config, letter, content).await {
        Ok(id) => Outcome::DeadLettered { id, code: letter.code.clone() },
        Err(error) => not_stored(&error),
    }
}

fn not_stored(error: &worker::Error) -> Outcome {
    log::failure("outbox", &error.to_string());
    Outcome::NotStored { code: "outbox_unavailable".to_owned(), retry_after: RETRY_AFTER }
}
