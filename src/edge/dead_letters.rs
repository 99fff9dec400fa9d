//! The endpoints on dead letters: passed on to the object that keeps them.

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
    };
    match outbox::call(env, config, method, &path, None).await {
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
