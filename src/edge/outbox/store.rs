//! Storing all that a push has to store, in one call of the object, or in a few large ones.

use std::time::Duration;

use worker::{Env, Error, Method, Result};

use super::{OUTBOX, created};
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::log;
use crate::edge::objects::SingleObject;
use crate::outbox::store::intake::{NewEntry, bodies};
use crate::push::envelope::PushedItem;

/// Stores each of these, within `time`: for each the id of its dead letter, or an empty text if it
/// is parked; none if it is not stored.
pub(in crate::edge) async fn store<'a>(
    env: &Env,
    config: &Config,
    time: Duration,
    all: impl Iterator<Item = (&'a NewEntry, &'a PushedItem)>,
) -> Vec<Option<String>> {
    let failed = |error: Error| log::failure("outbox", &error.to_string());
    // What cannot be written cannot be told apart: then none is stored.
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
