//! What could not be delivered is kept in a Durable Object; here are the calls to it.
//!
//! There is one object for the whole Worker, with SQLite storage. It is asked only when something
//! has to be kept, so that it never stands in the way of a delivery.

mod attempt;
mod dead_letters;
mod drain;
mod erasure;
mod follow;
mod jobs;
mod object;
mod offspring;
mod parked;
mod replay;
mod send;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worker::js_sys::Math;
use worker::{Env, Error, Method, Result};

pub(super) use self::dead_letters::NewDeadLetter;
pub(super) use self::parked::NewParked;
use super::objects::Object;
use crate::commercetools::reference::Id;
use crate::config::Config;

/// The object. A call may take what is left of a push's 4 s after its calls.
pub(super) const OUTBOX: Object =
    Object { binding: "OUTBOX", name: "outbox", patience: Duration::from_millis(800) };

/// Keeps a dead letter with the notification as it came, and gives its id.
pub(super) async fn keep(
    env: &Env,
    config: &Config,
    letter: &NewDeadLetter,
    content: &[u8],
) -> Result<String> {
    #[derive(Deserialize)]
    struct Kept {
        id: String,
    }
    let body = joined(letter, content)?;
    let kept: Kept = store(env, config, "/dead-letters", &body).await?;
    Ok(kept.id)
}

/// Parks a notification, to be tried again.
pub(super) async fn park(
    env: &Env,
    config: &Config,
    new: &NewParked,
    content: &[u8],
) -> Result<()> {
    let _: Value = store(env, config, "/parked", &joined(new, content)?).await?;
    Ok(())
}

/// Erases a customer from all that is stored.
pub(super) async fn erase(env: &Env, config: &Config, customer: &Id) -> Result<()> {
    let _: Value = store(env, config, "/erasures", customer.as_str().as_bytes()).await?;
    Ok(())
}

async fn store<T: DeserializeOwned>(
    env: &Env,
    config: &Config,
    path: &str,
    body: &[u8],
) -> Result<T> {
    let mut response = OUTBOX.call(env, config, Method::Post, path, Some(body)).await?;
    if response.status_code() != 201 {
        return Err(Error::RustError(format!("the outbox answered {}", response.status_code())));
    }
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// One line of JSON, then the notification's own bytes, whatever they are.
fn joined(head: &impl Serialize, content: &[u8]) -> Result<Vec<u8>> {
    let mut body = serde_json::to_vec(head)?;
    body.push(b'\n');
    body.extend(content);
    Ok(body)
}

/// The opposite of [`joined`].
fn split<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8])> {
    let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
    let (head, content) = body.split_at(end);
    Ok((serde_json::from_slice(head)?, content.get(1..).unwrap_or_default()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// From 0 to 1, to spread tries over time.
fn jitter() -> f64 {
    Math::random()
}
