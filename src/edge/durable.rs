//! The common duties of a Durable Object: it updates its tables, touches nothing that a newer version stored, catches
//! failures, and sets its next alarm.
//!
//! Not in scope: how the Worker calls one ([`super::objects`]).

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use worker::{Env, Response, Result, Storage};

use super::clock::now_ms;
use super::objects::set_alarm;
use super::sql::turn;
use super::{log, reply, settings};
use crate::config::Config;
use crate::storage::schema::{NEWER, SchemaState, migrate};
use crate::time::UnixMs;

/// Updates the tables; returns whether a newer version of the Worker stored the data.
pub(super) fn is_newer(storage: &Storage, object: &str, migrations: &[&str]) -> bool {
    let schema = turn(storage, |sql| Ok(migrate(sql, migrations)?));
    if let Err(error) = &schema {
        // Every later statement fails then, and the answer to each is an error.
        log::failure(object, &error.to_string());
    }
    matches!(schema, Ok(SchemaState::Newer))
}

/// Answers, if the settings are valid and no newer version stored the data; 500 after a failure.
pub(super) async fn answered(
    env: &Env,
    object: &str,
    is_newer: bool,
    answer: impl AsyncFnOnce(&Config) -> Result<Response>,
) -> Result<Response> {
    if is_newer {
        let message = format!("A newer version of this Worker stored what the {object} keeps.");
        return reply::unavailable(NEWER, &message);
    }
    let settings = settings::read(env);
    let config = match settings.as_ref() {
        Ok(config) => config,
        Err(problems) => return reply::not_configured(problems),
    };
    answer(config).await.or_else(|error| {
        log::failure(object, &error.to_string());
        reply::error(500, &format!("{object}_failed"), &format!("The {object} failed."))
    })
}

/// When an alarm without success comes again.
pub(super) struct AlarmPauses {
    /// It never ended: the alarm is set this far ahead before the work begins.
    pub(super) watchdog: Duration,
    /// It failed, or the settings are invalid.
    pub(super) failed: Duration,
}

/// Does the work of an alarm; the work returns the time of the next one, if any. It catches every failure: the platform
/// drops an alarm that fails six times.
pub(super) async fn worked(
    env: &Env,
    storage: &Storage,
    (object, is_newer): (&str, bool),
    pauses: AlarmPauses,
    work: impl AsyncFnOnce(&Config) -> Result<Option<UnixMs>>,
) -> Result<Response> {
    storage.set_alarm(pauses.watchdog).await?;
    let later = || Some(now_ms() + pauses.failed);
    let settings = settings::read(env);
    let next = match settings.as_ref() {
        Ok(config) if !is_newer => {
            let worked = AssertUnwindSafe(work(config)).catch_unwind().await;
            worked.unwrap_or_else(|_| Err("it panicked; the line before says where".into()))
        }
        _ => Ok(later()),
    };
    let next = next.unwrap_or_else(|error| {
        log::failure(object, &error.to_string());
        later()
    });
    match next {
        Some(time) => set_alarm(storage, time).await?,
        None => storage.delete_alarm().await?,
    }
    Ok(reply::empty(204))
}
