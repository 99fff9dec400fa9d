//! `POST /` and `POST /events`: a push, from its bytes to its status.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::Value;
use worker::{Env, Request, Response, Result};

use super::auth::{self, PushAccess};
use super::calls::{Calls, now_ms};
use super::log::{self, Effort};
use super::outbox::{self, NewDeadLetter};
use super::reply;
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::http::Passing;
use crate::realtime::conclusion::{Conclusion, Fault, conclude};
use crate::realtime::deliver::{self, Step};
use crate::realtime::documents::Documents;
use crate::realtime::envelope::{self, Item};
use crate::realtime::outcome::{Outcome, reply as worst};
use crate::realtime::plan::{Plan, plan};

/// The largest body: 10 MB. What commercetools sends is below 256 kB, but a broker may batch.
const BODY_LIMIT: usize = 10 * 1024 * 1024;

/// How long the calls of a push may take together. An answer is due within 4 s (`EventBridge`
/// waits 5 s); what is left is for storing what could not be done.
const CALLS: Duration = Duration::from_secs(3);

/// How many notifications of one push are worked on at once: each has a call or two under way,
/// and a Worker has six connections.
const TOGETHER: usize = 3;

/// When a sender is to try again, where nobody said so.
const RETRY_AFTER: Duration = Duration::from_secs(10);

pub(super) async fn answer(request: &mut Request, env: &Env, config: &Config) -> Result<Response> {
    match auth::push(config, request)? {
        PushAccess::Granted => {}
        PushAccess::Refused => {
            return reply::error(401, "unauthorized", "The push carries no valid credentials.");
        }
        PushAccess::NotConfigured => {
            let message = "No way to authenticate a push is set; set PUSH_TOKEN.";
            return reply::unavailable("push_auth_not_configured", message);
        }
    }
    let Some(body) = read_body(request).await? else {
        return reply::error(413, "body_too_large", "A body may have 10 MB.");
    };
    let calls = Calls::within(config, CALLS);
    let outcomes = stream::iter(envelope::decode(&body, &config.push.sns).items)
        .map(|item| handle(env, config, &calls, item))
        .buffered(TOGETHER)
        .collect()
        .await;
    reply::to_push(worst(outcomes))
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

/// The body, or none if it is too large. It is read to its end in any case: a sender that is still
/// writing when it is answered sees a broken connection and not the answer.
async fn read_body(request: &mut Request) -> Result<Option<Vec<u8>>> {
    let mut body = Some(Vec::new());
    // A request without a body has no stream.
    let Ok(mut stream) = request.stream() else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        body = body.filter(|body| body.len() + chunk.len() <= BODY_LIMIT);
        if let Some(body) = &mut body {
            body.extend(chunk);
        }
    }
    Ok(body)
}
