//! The endpoints of dead letters: passed on to the object that keeps them.

use worker::{Env, Method, Request, Response, Result};

use super::objects::query;
use super::outbox::OUTBOX;
use super::route::DeadLetterAction;
use super::{body, reply};
use crate::config::Config;

pub(super) async fn answer(
    request: &mut Request,
    env: &Env,
    config: &Config,
    action: &DeadLetterAction,
) -> Result<Response> {
    let (method, path) = match action {
        DeadLetterAction::List => (Method::Get, format!("/dead-letters{}", query(request)?)),
        DeadLetterAction::Read(id) => (Method::Get, format!("/dead-letters/{id}")),
        DeadLetterAction::Delete(id) => (Method::Delete, format!("/dead-letters/{id}")),
        DeadLetterAction::DeleteMany => {
            (Method::Delete, format!("/dead-letters{}", query(request)?))
        }
        DeadLetterAction::Replay(id) => (Method::Post, format!("/dead-letters/{id}/replay")),
        DeadLetterAction::ReplayMany => {
            let Some(body) = body::whole(request).await? else { return reply::too_large() };
            let path = "/dead-letters/replay";
            return OUTBOX.pass_on(env, config, Method::Post, path, Some(&body)).await;
        }
    };
    OUTBOX.pass_on(env, config, method, &path, None).await
}
