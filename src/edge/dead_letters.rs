//! The endpoints on what is kept: passed on to the object that keeps it.

use worker::{Env, Method, Request, Response, Result};

use super::outbox::OUTBOX;
use super::route::DeadLetterAction;
use crate::config::Config;

pub(super) async fn answer(
    request: &Request,
    env: &Env,
    config: &Config,
    action: &DeadLetterAction,
) -> Result<Response> {
    let (method, path) = match action {
        DeadLetterAction::List => {
            let url = request.url()?;
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            (Method::Get, format!("/dead-letters{query}"))
        }
        DeadLetterAction::Read(id) => (Method::Get, format!("/dead-letters/{id}")),
        DeadLetterAction::Delete(id) => (Method::Delete, format!("/dead-letters/{id}")),
        DeadLetterAction::Replay(id) => (Method::Post, format!("/dead-letters/{id}/replay")),
        DeadLetterAction::ReplayAll => (Method::Post, "/dead-letters/replay".to_owned()),
    };
    OUTBOX.pass_on(env, config, method, &path, None).await
}
