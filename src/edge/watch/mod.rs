//! Keeping watch: what this isolate counts, and the Durable Object that keeps it, sees what is wrong and
//! tells somebody. What is a cause, and when it is told, is decided in [`crate::watch`].
//!
//! A push pays nothing for it before its answer: 10 s after it, one call hands over what was counted in
//! those 10 s, whatever number of pushes there were.

mod look;
mod object;
mod receiver;
mod state;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures::future::join;
use serde_json::Value;
use worker::{Context, Delay, Env, Error, Method, Response, Result};

pub(super) use self::state::{metrics, watched};
use super::clock::now_ms;
use super::objects::SingleObject;
use super::{accepted, feed, import, log, reply, settings};
use crate::check::CheckReport;
use crate::config::Config;
use crate::time::UnixMs;
use crate::watch::causes::KeptCheck;
use crate::watch::tally::Tally;

/// The object. It answers from what it stores.
pub(super) const WATCH: SingleObject =
    SingleObject { binding: "WATCH", name: "watch", patience: Duration::from_millis(800) };

/// How long is counted before it is handed over.
const WINDOW: Duration = Duration::from_secs(10);

/// After so long a hand-over that was begun was lost with its request.
const LOST: Duration = Duration::from_secs(30);

/// How old the copy of `/health` may be, and how long its renewal may take.
const COPY: Duration = Duration::from_secs(30);
const RENEWAL: Duration = Duration::from_millis(500);

thread_local! {
    /// What this isolate has counted and not handed over.
    static TALLY: RefCell<Tally> = RefCell::default();

    /// Since when somebody is about to hand it over.
    static HANDING_OVER: Cell<Option<UnixMs>> = const { Cell::new(None) };

    /// How many things need a person, and when that was asked; none if there was no answer.
    static ATTENTION: Cell<Option<(UnixMs, Option<u64>)>> = const { Cell::new(None) };
}

/// Counts something.
pub(super) fn count(of: impl FnOnce(&mut Tally, UnixMs)) {
    TALLY.with_borrow_mut(|tally| of(tally, now_ms()));
}

/// Hands over what is counted, some time after the answer, unless somebody else in this isolate does so.
pub(super) fn hand_over_soon(context: &Context, env: &Env) {
    let is_empty = TALLY.with_borrow(Tally::is_empty) && feed::has_nothing_brought();
    let begun = HANDING_OVER.get().filter(|since| now_ms() < *since + LOST);
    if is_empty || begun.is_some() {
        return;
    }
    HANDING_OVER.set(Some(now_ms()));
    let env = env.clone();
    context.wait_until(async move {
        Delay::from(WINDOW).await;
        HANDING_OVER.set(None);
        if let Ok(config) = settings::read(&env).as_ref() {
            join(hand_over(&env, config), feed::hand_over_brought(&env, config)).await;
        }
    });
}

/// Hands over what is counted. If that fails it goes on being counted.
pub(super) async fn hand_over(env: &Env, config: &Config) {
    let settled = accepted::take_settled();
    // Somebody who asked for the status may have handed over the counts.
    if TALLY.with_borrow(Tally::is_empty) && settled.is_empty() {
        return;
    }
    match with_tally(env, config, "/counts").await {
        // Only then is there a failure that they may heal.
        Ok(answer) if answer["importsNeedAttention"] == true && !settled.is_empty() => {
            import::tell_of_settled(env, config, &settled).await;
        }
        Ok(_) => {}
        Err(error) => log::failure(WATCH.name, &error.to_string()),
    }
}

/// Calls the object with what is counted; what it answers.
async fn with_tally(env: &Env, config: &Config, path: &str) -> Result<Value> {
    let tally = TALLY.take();
    let answered = async {
        let body = serde_json::to_vec(&tally)?;
        let mut response = WATCH.call(env, config, Method::Post, path, Some(&body)).await?;
        match response.status_code() {
            200 => response.json().await,
            status => Err(Error::RustError(format!("the watch answered {status}"))),
        }
    }
    .await;
    if answered.is_err() {
        TALLY.with_borrow_mut(|newer| newer.merge(tally));
    }
    answered
}

/// How many things need a person, from a copy that is at most 30 s old; none if that is not known.
pub(super) async fn attention(env: &Env, config: &Config) -> Option<u64> {
    if let Some((_, known)) = ATTENTION.get().filter(|(at, _)| now_ms().since(*at) < COPY) {
        return known;
    }
    let object = SingleObject { patience: RENEWAL, ..WATCH };
    let asked = now_ms();
    let known = async {
        let mut response = object.call(env, config, Method::Get, "/attention", None).await.ok()?;
        let answered = response.json::<Value>().await.ok()?;
        answered["attention"].as_u64()
    }
    .await;
    ATTENTION.set(Some((asked, known)));
    known
}

/// What the checks found is remembered, so that what failed is asked for again.
pub(super) async fn remember_checks(env: &Env, config: &Config, report: &CheckReport) {
    let checks: Vec<_> = report.checks().iter().map(KeptCheck::from).collect();
    let told = async {
        let body = serde_json::to_vec(&checks)?;
        WATCH.call(env, config, Method::Post, "/checks", Some(&body)).await
    };
    if let Err(error) = told.await {
        log::failure(WATCH.name, &error.to_string());
    }
}

/// `POST /alerts/test`: one alert is sent that says it is a test.
pub(super) async fn test_alert(env: &Env, config: &Config) -> Result<Response> {
    if config.alert_url.is_none() {
        return reply::error(409, "no_alert_url", "ALERT_URL is not set, so nobody is told.");
    }
    WATCH.pass_on(env, config, Method::Post, "/alerts/test", None).await
}
