//! The endpoints on what is kept: passed on to the object that keeps it.

use serde_json::{Value, json};
use worker::{Env, Method, Request, Response, Result};

use super::route::DeadLetters;
use super::{log, outbox, reply};
use crate::config::Config;

pub(super) async fn answer(
    request: &Request,
    env: &Env,
    config: &Config,
    action: &DeadLetters,
) -> Result<Response> {
    let (method, path) = match action {
        DeadLetters::List => {
            let url = request.url()?;
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            (Method::Get, format!("/dead-letters{query}"))
        }
        DeadLetters::Read(id) => (Method::Get, format!("/dead-letters/{id}")),
        DeadLetters::Delete(id) => (Method::Delete, format!("/dead-letters/{id}")),
        DeadLetters::Replay(id) => (Method::Post, format!("/dead-letters/{id}/replay")),
        DeadLetters::ReplayAll => (Method::Post, "/dead-letters/replay".to_owned()),
    };
    pass_on(env, config, method, &path).await
}

/// `GET /sync/status`: how much waits, since when, and how much was given up.
pub(super) async fn status(env: &Env, config: &Config) -> Result<Response> {
    let mut response = pass_on(env, config, Method::Get, "/status").await?;
    if response.status_code() != 200 {
        return Ok(response);
    }
    let outbox: Value = serde_json::from_str(&response.text().await?)?;
    reply::json(200, &json!({ "outbox": outbox }))
}

async fn pass_on(env: &Env, config: &Config, method: Method, path: &str) -> Result<Response> {
    match outbox::call(env, config, method, path, None).await {
        // A response of another object cannot be changed or passed on as it is.
        Ok(mut response) => match response.status_code() {
            204 => Ok(reply::empty(204)),
            status => reply::text(status, response.text().await?),
        },
        Err(error) => {
            log::failure("outbox", &error.to_string());
            reply::unavailable("outbox_unavailable", "The outbox cannot be reached; try again.")
        }
    }
}
