//! Keeps watch: the counts of this isolate, and the Durable Object that stores them, finds causes and reports them.
//! [`crate::watch`] decides what is a cause, and when to report it.
//!
//! A push pays nothing for this before its answer: 10 s later, one call hands over the counts of those 10 s, however
//! many pushes there were.

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

/// The object. It answers from its store.
pub(super) const WATCH: SingleObject =
    SingleObject { binding: "WATCH", name: "watch", patience: Duration::from_millis(800) };

/// How long an isolate counts before it hands over.
const WINDOW: Duration = Duration::from_secs(10);

/// After this time a hand-over counts as lost with its request.
const LOST: Duration = Duration::from_secs(30);

/// How old the copy of `/health` may be, and how long its renewal may take.
const COPY: Duration = Duration::from_secs(30);
const RENEWAL: Duration = Duration::from_millis(500);

thread_local! {
    /// Counts of this isolate that were not handed over yet.
    static TALLY: RefCell<Tally> = RefCell::default();

    /// Since when a request has been about to hand them over.
    static HANDING_OVER: Cell<Option<UnixMs>> = const { Cell::new(None) };

    /// How many things need a person, and the time of that question; none if there was no answer.
    static ATTENTION: Cell<Option<(UnixMs, Option<u64>)>> = const { Cell::new(None) };
}

/// Counts something.
pub(super) fn count(of: impl FnOnce(&mut Tally, UnixMs)) {
    TALLY.with_borrow_mut(|tally| of(tally, now_ms()));
}

/// Hands over the counts some time after the answer, unless another request in this isolate does.
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

/// Hands over the counts. If that fails, they stay and keep growing.
pub(super) async fn hand_over(env: &Env, config: &Config) {
    let settled = accepted::take_settled();
    // A request for the status may have handed over the counts.
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

/// Calls the object with the counts; returns its answer.
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

/// How many things need a person, from a copy that is at most 30 s old; none if it is not known.
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

/// Stores the result of the checks, so that failed ones are repeated.
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

/// `POST /alerts/test`: sends one alert that says it is a test.
pub(super) async fn test_alert(env: &Env, config: &Config) -> Result<Response> {
    if config.alert_url.is_none() {
        return reply::error(409, "no_alert_url", "ALERT_URL is not set, so nobody is told.");
    }
    WATCH.pass_on(env, config, Method::Post, "/alerts/test", None).await
}
