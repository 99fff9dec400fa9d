//! One look: asks the objects for their state, and follows the causes.

use futures::future::join3;
use serde::de::DeserializeOwned;
use serde_json::Value;
use worker::{Env, Method, Response, Result, Storage};

use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::feed::{self, FEED};
use crate::edge::import::IMPORT;
use crate::edge::objects::{NEXT_ALARM, SingleObject};
use crate::edge::outbox::OUTBOX;
use crate::edge::sql::turn;
use crate::json::read_bytes;
use crate::time::UnixMs;
use crate::watch::alerts::AlertReceiver;
use crate::watch::look::{Looked, ObjectAnswer, look};

/// Asks the objects, and stores the result.
pub(super) async fn look_around(env: &Env, config: &Config, storage: &Storage) -> Result<()> {
    let imports = async {
        if config.mode.import() {
            return ask(env, config, &IMPORT, "/runs").await;
        }
        Some(ObjectAnswer { body: Value::Null, alarm: None })
    };
    let feed = async {
        match feed::shown_if_off(config) {
            Some(body) => Some(ObjectAnswer { body, alarm: None }),
            None => ask(env, config, &FEED, "/status").await,
        }
    };
    let (outbox, runs, feed) = join3(ask(env, config, &OUTBOX, "/status"), imports, feed).await;
    let receiver = receiver_of(config);
    let looked = Looked { outbox, runs, feed };
    turn(storage, |sql| Ok(look(sql, config, &looked, receiver, now_ms())?))
}

/// Whether a receiver is configured.
pub(super) fn receiver_of(config: &Config) -> AlertReceiver {
    if config.alert_url.is_some() { AlertReceiver::Set } else { AlertReceiver::Unset }
}

/// The answer of an object, and the time of its alarm; none if it does not answer.
async fn ask<T: DeserializeOwned>(
    env: &Env,
    config: &Config,
    object: &SingleObject,
    path: &str,
) -> Option<ObjectAnswer<T>> {
    let object = SingleObject { patience: OUTBOX.patience, ..*object };
    let mut response = object.call(env, config, Method::Get, path, None).await.ok()?;
    if response.status_code() != 200 {
        return None;
    }
    let alarm = alarm(&response);
    let body = read_bytes(&response.bytes().await.ok()?).ok()?;
    Some(ObjectAnswer { body, alarm })
}

fn alarm(response: &Response) -> Option<UnixMs> {
    let text = response.headers().get(NEXT_ALARM).ok()??;
    text.parse().ok().map(UnixMs::from_ms)
}
