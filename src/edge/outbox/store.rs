//! Stores everything that a push has to store, in one call of the object, or in a few large ones.

use std::time::Duration;

use worker::{Env, Error, Method, Result};

use super::{OUTBOX, created};
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::log;
use crate::edge::objects::SingleObject;
use crate::feed::desk::FeedBatch;
use crate::outbox::store::intake::{NewEntry, bodies};
use crate::push::envelope::PushedItem;

/// Stores each of these, within `time`; returns for each the id of its dead letter, or an empty
/// text if it is parked; none if it is not stored.
pub(in crate::edge) async fn store<'a>(
    env: &Env,
    config: &Config,
    time: Duration,
    all: impl Iterator<Item = (&'a NewEntry, &'a PushedItem)>,
) -> Vec<Option<String>> {
    let failed = |error: Error| log::failure("outbox", &error.to_string());
    // If the bodies cannot be built, nothing is stored, since it is not known which entry is to blame.
    let Ok(bodies) = bodies(all).map_err(Error::from).map_err(failed) else { return Vec::new() };
    let end = now_ms() + time.max(OUTBOX.patience);
    let mut stored = Vec::new();
    for (count, body) in bodies {
        let patience = end.since(now_ms());
        match call(env, config, &SingleObject { patience, ..OUTBOX }, &body).await {
            Ok(ids) if ids.len() == count => stored.extend(ids.into_iter().map(Some)),
            answered => {
                let _ = answered.map_err(failed);
                stored.extend(std::iter::repeat_n(None, count));
            }
        }
    }
    stored
}

/// How long the object may take for a batch of the feed: no caller waits for an answer.
const BATCH: Duration = Duration::from_secs(10);

/// Makes the outbox take a batch of the feed; returns whether it did.
pub(in crate::edge) async fn take_batch(
    env: &Env,
    config: &Config,
    batch: &FeedBatch,
) -> Result<bool> {
    let bodies = bodies(batch.entries.iter().map(|(new, item)| (new, item)))?;
    // A page is shorter than the longest body, so there is exactly one.
    let body: Vec<u8> = bodies.into_iter().flat_map(|(_, body)| body).collect();
    let path = format!("/batches/{}", batch.number);
    ask(env, config, &path, Some(&body)).await
}

/// Whether the outbox took a batch of the feed. If not, it never will.
pub(in crate::edge) async fn settle_batch(env: &Env, config: &Config, number: u64) -> Result<bool> {
    ask(env, config, &format!("/batches/{number}/settle"), None).await
}

async fn ask(env: &Env, config: &Config, path: &str, body: Option<&[u8]>) -> Result<bool> {
    let object = SingleObject { patience: BATCH, ..OUTBOX };
    let mut response = object.call(env, config, Method::Post, path, body).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

async fn call(
    env: &Env,
    config: &Config,
    object: &SingleObject,
    body: &[u8],
) -> Result<Vec<String>> {
    let mut response = object.call(env, config, Method::Post, "/notifications", Some(body)).await?;
    created(&response)?;
    Ok(serde_json::from_str(&response.text().await?)?)
}
