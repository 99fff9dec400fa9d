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
mod lost;
mod means;
mod object;
mod offspring;
mod parked;
mod replay;
mod send;
mod store;
mod tables;
mod tried;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use worker::js_sys::Math;
use worker::{Env, Error, Method, Response, Result, SqlStorage};

pub(super) use self::dead_letters::NewDeadLetter;
pub(super) use self::parked::NewParked;
pub(super) use self::store::{New, store};
use super::objects::Object;
use crate::commercetools::reference::Id;
use crate::config::Config;

/// The object. A call may take what is left of a push's 4 s after its calls.
pub(super) const OUTBOX: Object =
    Object { binding: "OUTBOX", name: "outbox", patience: Duration::from_millis(800) };

/// Erases a customer from all that is stored; whether a job of Klaviyo may bring the profile back, so
/// that the erasure has to be parked.
pub(super) async fn erase(env: &Env, config: &Config, customer: &Id) -> Result<bool> {
    let body = customer.as_str().as_bytes();
    let mut response = OUTBOX.call(env, config, Method::Post, "/erasures", Some(body)).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Customers of whom a write has ended that may have brought an erased profile back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EraseAgain {
    /// The customers' ids.
    pub(super) customers: Vec<Id>,
    /// How long the write may still be carried out, in ms.
    pub(super) wait_ms: u64,
}

impl EraseAgain {
    /// Parks the erasure of those who were erased; whether there are any.
    fn park(&self, sql: &SqlStorage) -> Result<bool> {
        let mut any = false;
        for customer in &self.customers {
            any |= erasure::again(sql, customer.as_str(), self.wait_ms)?;
        }
        Ok(any)
    }
}

/// Sees to it that who was erased stays so; whether anybody was.
pub(super) async fn erase_again(env: &Env, config: &Config, asked: &EraseAgain) -> Result<bool> {
    let body = serde_json::to_vec(asked)?;
    let path = "/erasures/again";
    let mut response = OUTBOX.call(env, config, Method::Post, path, Some(&body)).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Parks changes, each to be delivered as if it had been pushed.
pub(super) async fn park_changes(
    env: &Env,
    config: &Config,
    changes: &[Map<String, Value>],
) -> Result<()> {
    let body = serde_json::to_vec(changes)?;
    // Nobody waits for an answer here, and there may be hundreds.
    let object = Object { patience: Duration::from_secs(10), ..OUTBOX };
    created(&object.call(env, config, Method::Post, "/changes", Some(&body)).await?)
}

fn created(response: &Response) -> Result<()> {
    match response.status_code() {
        201 => Ok(()),
        status => Err(Error::RustError(format!("the outbox answered {status}"))),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// From 0 to 1, to spread tries over time.
fn jitter() -> f64 {
    Math::random()
}
