//! A Durable Object keeps what could not be delivered; here are the calls to it. [`crate::outbox::store`] says what it
//! stores, and how.
//!
//! There is one object for the whole Worker, with SQLite storage. The Worker calls it only if something has to be kept,
//! so that it never delays a delivery.

mod drain;
mod object;
mod store;

use std::time::Duration;

use serde_json::{Map, Value};
use worker::{Env, Error, Method, Request, Response, Result};

pub(super) use self::store::{settle_batch, store, take_batch};
use super::objects::{SingleObject, query};
use super::route::OutboxAction;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::pacing::Operation;
use crate::outbox::store::erasure::EraseAgain;
use crate::time::UnixMs;

/// The object. A call may take the rest of a push's 4 s after its calls.
pub(super) const OUTBOX: SingleObject =
    SingleObject { binding: "OUTBOX", name: "outbox", patience: Duration::from_millis(800) };

/// The endpoints of waiting rows, passed on to the object.
pub(super) async fn answer(
    request: &Request,
    env: &Env,
    config: &Config,
    action: OutboxAction,
) -> Result<Response> {
    let (method, path) = match action {
        OutboxAction::List => (Method::Get, format!("/outbox{}", query(request)?)),
        OutboxAction::Retry => (Method::Post, "/outbox/retry".to_owned()),
    };
    OUTBOX.pass_on(env, config, method, &path, None).await
}

/// Erases a customer from the store; returns whether a job at Klaviyo may bring the profile back, so that the erasure
/// has to be parked.
pub(super) async fn erase(env: &Env, config: &Config, customer: &Id) -> Result<bool> {
    let body = customer.as_str().as_bytes();
    let mut response = OUTBOX.call(env, config, Method::Post, "/erasures", Some(body)).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Makes sure that erased customers stay erased.
pub(super) async fn erase_again(env: &Env, config: &Config, asked: &EraseAgain) -> Result<()> {
    let body = serde_json::to_vec(asked)?;
    created(&OUTBOX.call(env, config, Method::Post, "/erasures/again", Some(&body)).await?)
}

/// The calls of Klaviyo's operations that waiting rows need; an import asks, and the outbox leaves it its part.
pub(super) async fn needed(env: &Env, config: &Config) -> Result<Vec<(Operation, u64)>> {
    let mut response = OUTBOX.call(env, config, Method::Post, "/quota", None).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Parks changes for delivery as if they had been pushed, but not before a time.
pub(super) async fn park_changes(
    env: &Env,
    config: &Config,
    changes: &[Map<String, Value>],
    not_before: UnixMs,
) -> Result<()> {
    let body = serde_json::to_vec(&(changes, not_before))?;
    // No caller waits for an answer here, and there may be hundreds.
    let object = SingleObject { patience: Duration::from_secs(10), ..OUTBOX };
    created(&object.call(env, config, Method::Post, "/changes", Some(&body)).await?)
}

fn created(response: &Response) -> Result<()> {
    match response.status_code() {
        201 => Ok(()),
        status => Err(Error::RustError(format!("the outbox answered {status}"))),
    }
}
