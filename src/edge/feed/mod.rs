//! A Durable Object reads the feed; here is how to reach it, and what an isolate reports to it about pushes.
//! [`crate::feed`] decides what to read and what to pass on.
//!
//! There is one object for the whole Worker, with SQLite storage and one alarm. Without a feed it has no alarm.

mod object;

use std::cell::RefCell;
use std::time::Duration;

use serde_json::Value;
use worker::{Env, Error, Method, Request, Response, Result};

use super::clock::now_ms;
use super::objects::SingleObject;
use super::route::FeedAction;
use super::{body, log, reply};
use crate::commercetools::notification::Notification;
use crate::config::{Config, FeedMode};
use crate::feed::page::brought;
use crate::feed::state::{FeedState, KnownVersion};
use crate::feed::status::status;
use crate::time::UnixMs;

/// The object. It answers from its store.
pub(super) const FEED: SingleObject =
    SingleObject { binding: "FEED", name: "feed", patience: Duration::from_millis(800) };

/// How many notifications of pushes are kept until the object takes them.
const MOST_BROUGHT: usize = 20_000;

thread_local! {
    /// Notifications of this isolate's pushes that the object does not know yet.
    static BROUGHT: RefCell<Vec<KnownVersion>> = RefCell::default();
}

/// `GET /feed`: how far the feed has read. `POST /feed/replay`: reads a period once more.
pub(super) async fn answer(
    request: &mut Request,
    env: &Env,
    config: &Config,
    action: FeedAction,
) -> Result<Response> {
    let off = shown_if_off(config);
    match action {
        FeedAction::Read if off.is_some() => reply::json(200, &off),
        FeedAction::Read => FEED.pass_on(env, config, Method::Get, "/status", None).await,
        FeedAction::Replay => {
            let Some(body) = body::whole(request).await? else { return reply::too_large() };
            if off.is_some() {
                let why = "CONFIG.feed.mode is off, so nothing reads messages.";
                return reply::error(409, "feed_off", why);
            }
            FEED.pass_on(env, config, Method::Post, "/replay", Some(&body)).await
        }
    }
}

/// The answer about a feed that is off; none if it is on.
pub(super) fn shown_if_off(config: &Config) -> Option<Value> {
    let rules = &config.rules.feed;
    let is_off = rules.mode == FeedMode::Off;
    is_off.then(|| status(&FeedState::default(), &[], rules, UnixMs::EPOCH))
}

/// The form of the feed; none if its object does not answer.
pub(super) async fn shown(env: &Env, config: &Config) -> Option<Value> {
    if let Some(off) = shown_if_off(config) {
        return Some(off);
    }
    let mut response = FEED.call(env, config, Method::Get, "/status", None).await.ok()?;
    if response.status_code() != 200 {
        return None;
    }
    response.json().await.ok()
}

/// A push brought this, and the answer is 2xx. The object learns it together with the counts.
pub(super) fn count_brought(config: &Config, notification: &Notification) {
    if config.rules.feed.mode != FeedMode::Beside {
        return;
    }
    BROUGHT.with_borrow_mut(|all| {
        all.extend(brought(&config.rules, notification, now_ms()));
        let most = all.len().saturating_sub(MOST_BROUGHT);
        all.drain(..most);
    });
}

/// Whether there is nothing to report.
pub(super) fn has_nothing_brought() -> bool {
    BROUGHT.with_borrow(Vec::is_empty)
}

/// Reports to the object what pushes brought. If that fails, it reports it later.
pub(super) async fn hand_over_brought(env: &Env, config: &Config) {
    let all = BROUGHT.take();
    if all.is_empty() {
        return;
    }
    let told = async {
        let body = serde_json::to_vec(&all)?;
        let answer = FEED.call(env, config, Method::Post, "/brought", Some(&body)).await?;
        match answer.status_code() {
            200 => Ok(()),
            status => Err(Error::RustError(format!("the feed answered {status}"))),
        }
    };
    if let Err(error) = told.await {
        log::failure(FEED.name, &error.to_string());
        BROUGHT.with_borrow_mut(|newer| newer.extend(all));
    }
}
