//! Storing all that a push has to store, in one call of the object, or in a few large ones.
//!
//! A body has for each notification a line of JSON, then the notification's own bytes, whatever they
//! are. The answer is a list: for each the id of the dead letter, or nothing of what was parked.

use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};
use worker::{Env, Error, Method, Result, SqlStorage};

use super::dead_letters::{self, NewDeadLetter};
use super::parked::{self, NewParked};
use super::{OUTBOX, created, erasure};
use crate::config::Config;
use crate::edge::log;
use crate::edge::objects::Object;
use crate::realtime::envelope::Item;
use crate::realtime::parking::ERASURE_RANK;

/// Bytes of one call, unless one notification has more.
const BYTES: usize = 8_000_000;

/// What is to be stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::edge) enum New {
    /// To be tried again.
    Parked(NewParked),
    /// For a person.
    DeadLetter(NewDeadLetter),
}

/// A line of JSON before the bytes of a notification.
#[derive(Serialize, Deserialize)]
struct Head<N> {
    new: N,
    bytes: usize,
}

/// Stores each of these, within `time`: for each the id of its dead letter, or an empty text if it
/// is parked; none if it is not stored.
pub(in crate::edge) async fn store<'a>(
    env: &Env,
    config: &Config,
    time: Duration,
    all: impl Iterator<Item = (&'a New, &'a Item)>,
) -> Vec<Option<String>> {
    let patience = time.max(OUTBOX.patience);
    let object = &Object { patience, ..OUTBOX };
    let failed = |error: Error| log::failure("outbox", &error.to_string());
    // What cannot be written cannot be told apart: then none is stored.
    let Ok(bodies) = bodies(all).map_err(failed) else { return Vec::new() };
    let calls = bodies.into_iter().map(|(count, body)| async move {
        let stored = call(env, config, object, count, &body).await;
        stored.map_err(failed).unwrap_or_else(|()| vec![None; count])
    });
    join_all(calls).await.into_iter().flatten().collect()
}

async fn call(
    env: &Env,
    config: &Config,
    object: &Object,
    count: usize,
    body: &[u8],
) -> Result<Vec<Option<String>>> {
    let mut response = object.call(env, config, Method::Post, "/notifications", Some(body)).await?;
    created(&response)?;
    let stored: Vec<String> = serde_json::from_str(&response.text().await?)?;
    if stored.len() == count {
        return Ok(stored.into_iter().map(Some).collect());
    }
    Err(Error::RustError(format!("the outbox stored {} of {count}", stored.len())))
}

/// The bodies of the calls, each with how many it has.
fn bodies<'a>(all: impl Iterator<Item = (&'a New, &'a Item)>) -> Result<Vec<(usize, Vec<u8>)>> {
    let mut bodies: Vec<(usize, Vec<u8>)> = Vec::new();
    for (new, item) in all {
        let owned;
        let content = match item {
            Item::Refused { content, .. } => content,
            Item::Notification(notification) => {
                owned = serde_json::to_vec(&notification.raw)?;
                &owned
            }
        };
        let head = serde_json::to_vec(&Head { new, bytes: content.len() })?;
        let more = head.len() + 1 + content.len();
        if bodies.last().is_none_or(|(_, body)| body.len() + more > BYTES) {
            bodies.push((0, Vec::new()));
        }
        if let Some((count, body)) = bodies.last_mut() {
            *count += 1;
            body.extend(head);
            body.push(b'\n');
            body.extend(content);
        }
    }
    Ok(bodies)
}

/// Stores what a body has; what is answered. All in one turn without an await.
pub(super) fn take(sql: &SqlStorage, mut body: &[u8]) -> Result<Vec<String>> {
    let (mut stored, mut parked) = (Vec::new(), Vec::new());
    while let Some(end) = body.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = body.split_at(end + 1);
        let Head { new, bytes }: Head<New> = serde_json::from_slice(line)?;
        let (content, rest) = rest.split_at_checked(bytes).ok_or("a body is cut off")?;
        body = rest;
        stored.push(match new {
            New::Parked(new) => {
                parked.push((new, content));
                String::new()
            }
            New::DeadLetter(letter) => dead_letters::keep(sql, &letter, content)?,
        });
    }
    parked::park_all(sql, &parked)?;
    // An erasure that was not tried has not erased anything yet.
    for (new, _) in &parked {
        if let (ERASURE_RANK, Some(customer)) = (new.rank, &new.customer) {
            erasure::erase(sql, customer)?;
        }
    }
    Ok(stored)
}
