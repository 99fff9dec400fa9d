//! `POST /` and `POST /events`: a push, from its bytes to its status.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Value;
use worker::{Env, Request, Response, Result};

use super::calls::{Calls, now_ms};
use super::log::{self, Effort};
use super::outbox::{self, NewDeadLetter};
use super::{auth, body, handshake, reply};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::http::Passing;
use crate::realtime::conclusion::{Conclusion, Fault, conclude};
use crate::realtime::deliver::{self, Step};
use crate::realtime::documents::Documents;
use crate::realtime::envelope::{self, Item, Push};
use crate::realtime::outcome::{Outcome, Reply, reply as worst};
use crate::realtime::plan::{Plan, plan};

/// How long the calls of a push may take together. An answer is due within 4 s (`EventBridge`
/// waits 5 s); what is left is for storing what could not be done.
const CALLS: Duration = Duration::from_secs(3);

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
    let Some(body) = body::of_push(request).await? else {
        return reply::error(413, "body_too_large", "A body may have 10 MB.");
    };
    let calls = Calls::within(config, CALLS);
    if let Err(denied) = auth::verify(config, claim, &body).await {
        return reply::denied(denied);
    }
    let Push { items, handshake } = envelope::decode(&body, &config.push.sns);
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
    let mut cut = Vec::new();
    let conclusion = match &item {
        Item::Notification(notification) => work(config, calls, notification, &mut cut).await,
        Item::Refused { why, .. } => Conclusion::Never(Fault::new(why.code(), why.to_string())),
    };
    let outcome = match conclusion {
        Conclusion::Delivered => Outcome::Delivered,
        Conclusion::Ignored(why) => Outcome::Ignored(why),
        Conclusion::Later(passing) => Outcome::NotStored {
            code: passing.code,
            retry_after: passing.retry_after.unwrap_or(RETRY_AFTER),
        },
        Conclusion::Never(fault) => keep(env, config, &item, fault).await,
    };
    let effort = Effort { duration_ms: now_ms() - started, calls: calls.made() - made, cut };
    log::notification(&item, &outcome, &effort);
    outcome
}

/// Plans, reads and sends until there is a conclusion.
async fn work(
    config: &Config,
    calls: &Calls<'_>,
    notification: &Notification,
    all_cut: &mut Vec<String>,
) -> Conclusion {
    let work = match plan(&config.rules, notification) {
        Ok(Plan::Work(work)) => work,
        Ok(Plan::Ignore(why)) => return Conclusion::Ignored(why),
        Err(malformed) => {
            return Conclusion::Never(Fault::new("message_malformed", malformed.to_string()));
        }
    };
    let mut documents = Documents::default();
    loop {
        match deliver::next(config, &work, &documents) {
            Step::Read(queries) => {
                let answers = match calls.read(&queries).await {
                    Ok(answers) => answers,
                    Err(fault) => return fault.into(),
                };
                for (query, answer) in queries.iter().zip(answers) {
                    if let Err(fault) = documents.add(query, &answer) {
                        return fault.into();
                    }
                }
            }
            Step::Send { stages, cut } => {
                all_cut.extend(cut);
                for stage in stages {
                    let conclusion = conclude(calls.send(stage).await);
                    if conclusion != Conclusion::Delivered {
                        return conclusion;
                    }
                }
                return Conclusion::Delivered;
            }
            Step::Ignore(why) => return Conclusion::Ignored(why),
            Step::NotYet(not_yet) => {
                let code = not_yet.code().to_owned();
                return Conclusion::Later(Passing { code, retry_after: None });
            }
            Step::Unmappable(fault) => return Conclusion::Never(fault.into()),
        }
    }
}

/// Stores a dead letter; where that fails, the sender has to keep the notification.
async fn keep(env: &Env, config: &Config, item: &Item, fault: Fault) -> Outcome {
    let (resource, content) = match item {
        Item::Notification(notification) => {
            let content = Value::Object(notification.raw.clone()).to_string().into_bytes();
            (notification.resource.as_ref(), content)
        }
        Item::Refused { content, .. } => (None, content.clone()),
    };
    let letter = NewDeadLetter {
        at: now_ms(),
        code: fault.code.clone(),
        detail: fault.detail,
        pointer: fault.pointer,
        resource: resource.map(|resource| format!("{}/{}", resource.type_id, resource.id)),
    };
    match outbox::keep(env, config, &letter, content).await {
        Ok(id) => Outcome::DeadLettered { id, code: fault.code },
        Err(error) => {
            log::failure("outbox", &error.to_string());
            Outcome::NotStored { code: "outbox_unavailable".to_owned(), retry_after: RETRY_AFTER }
        }
    }
}
