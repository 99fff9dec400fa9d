//! The Durable Object itself: its paths and its alarm. Only this Worker can call it.

use std::time::Duration;

use serde_json::json;
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, durable_object,
};

use super::FEED;
use crate::commercetools::keyset::category_ids;
use crate::commercetools::query::DocumentQuery;
use crate::config::{Config, FeedMode};
use crate::edge::calls::TimedCalls;
use crate::edge::clock::now_ms;
use crate::edge::durable::{AlarmPauses, answered, is_newer, worked};
use crate::edge::objects::{armed_for, with_next_alarm};
use crate::edge::sql::turn;
use crate::edge::{import, log, outbox, reply};
use crate::engine::call::HostCall;
use crate::feed::desk::{self, FeedBatch};
use crate::feed::machine::FeedStep;
use crate::feed::page::most_bytes;
use crate::feed::replay::{self, MOST_REPLAYS};
use crate::feed::state::KnownVersion;
use crate::feed::status::status;
use crate::feed::store::lost;
use crate::feed::store::state::{forget, load, save};
use crate::feed::store::tables::MIGRATIONS;
use crate::http::PAGE_BYTES;
use crate::json::read_bytes;
use crate::time::UnixMs;

/// When an alarm without success comes again.
const PAUSES: AlarmPauses =
    AlarmPauses { watchdog: Duration::from_secs(30), failed: Duration::from_secs(20) };

/// How soon after a request the feed goes on at the latest.
const LATER: Duration = Duration::from_secs(20);

/// How long one alarm works before the next one continues.
const SLICE: Duration = Duration::from_secs(15);

/// How long a call of commercetools may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The one object that reads the feed.
#[durable_object(alarm)]
pub struct Feed {
    state: State,
    env: Env,
    /// Whether a newer version of the Worker stored the data: then the object touches none of it.
    is_newer: bool,
}

impl DurableObject for Feed {
    fn new(state: State, env: Env) -> Self {
        Self { is_newer: is_newer(&state.storage(), FEED.name, &MIGRATIONS), state, env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let answer = async |config: &Config| self.answer(config, &request, &body).await;
        answered(&self.env, FEED.name, self.is_newer, answer).await
    }

    async fn alarm(&self) -> Result<Response> {
        let of = (FEED.name, self.is_newer);
        let work = async |config: &Config| {
            if config.rules.feed.mode == FeedMode::Off {
                // The feed does not catch up on the time while it is off: it starts over.
                self.turn(|sql| Ok(forget(sql)?))?;
                return Ok(None);
            }
            self.work(config).await.map(Some)
        };
        worked(&self.env, &self.state.storage(), of, PAUSES, work).await
    }
}

impl Feed {
    fn turn<T>(&self, work: impl FnOnce(&SqlStorage) -> Result<T>) -> Result<T> {
        turn(&self.state.storage(), work)
    }

    /// Does the work that is due; returns when there is more.
    async fn work(&self, config: &Config) -> Result<UnixMs> {
        let rules = &config.rules;
        let end = now_ms() + SLICE;
        while now_ms() < end {
            match self.turn(|sql| Ok(desk::next(sql, rules, now_ms())?))? {
                FeedStep::Rest(until) => return Ok(until),
                FeedStep::Project => {
                    let calls = TimedCalls::within(config, PATIENCE);
                    let answered = calls.commercetools("").await;
                    self.turn(|sql| Ok(desk::take_project(sql, answered, now_ms())?))?;
                }
                FeedStep::Settle(number) => {
                    let taken = outbox::settle_batch(&self.env, config, number).await;
                    self.settled(config, taken)?;
                }
                FeedStep::Categories(after) => {
                    let calls = TimedCalls::within(config, PATIENCE);
                    let path = category_ids(after.as_ref());
                    let call = HostCall::Commercetools { path, most: PAGE_BYTES };
                    let answered = calls.make(call).await;
                    self.turn(|sql| Ok(desk::take_categories(sql, answered, now_ms())?))?;
                }
                FeedStep::Category(id) => {
                    let calls = TimedCalls::within(config, PATIENCE);
                    let path = DocumentQuery::Category(id.clone()).path_and_query();
                    let answered = calls.commercetools(&path).await;
                    let batch = self.turn(|sql| {
                        Ok(desk::take_category(sql, rules, &id, answered, now_ms())?)
                    })?;
                    if let Some(batch) = batch {
                        let taken = self.hand_on(config, &batch).await;
                        self.settled(config, taken)?;
                    }
                }
                FeedStep::Read(reading, page) => {
                    let calls = TimedCalls::within(config, PATIENCE);
                    let path = page.path_and_query();
                    let most = most_bytes(&page);
                    let answered = calls.make(HostCall::Commercetools { path, most }).await;
                    let asked = (reading, &page);
                    let batch = self
                        .turn(|sql| Ok(desk::take_page(sql, rules, asked, answered, now_ms())?))?;
                    if let Some(batch) = batch {
                        let taken = self.hand_on(config, &batch).await;
                        self.settled(config, taken)?;
                    }
                }
            }
        }
        Ok(now_ms())
    }

    /// Passes on a batch as a push would: an import learns of deletions first.
    async fn hand_on(&self, config: &Config, batch: &FeedBatch) -> Result<bool> {
        let notifications = || batch.entries.iter().filter_map(|(_, item)| item.notification());
        import::tell_of_deletions(&self.env, config, notifications()).await?;
        outbox::take_batch(&self.env, config, batch).await
    }

    fn settled(&self, config: &Config, taken: Result<bool>) -> Result<()> {
        let taken = taken.inspect_err(|error| log::failure("outbox", &error.to_string())).ok();
        self.turn(|sql| Ok(desk::take_settled(sql, &config.rules, taken, now_ms())?))
    }

    async fn answer(&self, config: &Config, request: &Request, body: &[u8]) -> Result<Response> {
        let url = request.url()?;
        match (request.method(), url.path()) {
            (Method::Get, "/status") => {
                let (state, lost) = self.turn(|sql| Ok((load(sql)?, lost::newest(sql)?)))?;
                // The first request starts it, without waiting for the cron trigger.
                let storage = self.state.storage();
                let is_armed = storage.get_alarm().await?.is_some();
                let within = if is_armed { LATER } else { Duration::ZERO };
                armed_for(&storage, now_ms() + within).await?;
                let status = status(&state, &lost, &config.rules.feed, now_ms());
                let response = reply::json(200, &status)?;
                with_next_alarm(response, &self.state.storage()).await
            }
            (Method::Post, "/replay") => {
                let asked = self.turn(|sql| {
                    let mut state = load(sql)?;
                    let asked = replay::read(body, &state, now_ms());
                    if let (Ok(asked), true) = (&asked, state.replays.len() < MOST_REPLAYS) {
                        state.replays.push(asked.clone());
                        save(sql, &state)?;
                        return Ok(Some(Ok(replay::shown(asked))));
                    }
                    Ok(asked.err().map(Err))
                })?;
                armed_for(&self.state.storage(), now_ms()).await?;
                match asked {
                    Some(Ok(replay)) => reply::json(202, &replay),
                    Some(Err(problem)) => reply::bad_request(&problem),
                    None => reply::error(409, "too_many_replays", "Too many replays wait."),
                }
            }
            (Method::Post, "/brought") => {
                let brought: Vec<KnownVersion> = read_bytes(body)?;
                self.turn(|sql| Ok(desk::take_brought(sql, &brought)?))?;
                armed_for(&self.state.storage(), now_ms() + LATER).await?;
                reply::json(200, &json!({}))
            }
            (Method::Post, "/tick") => {
                armed_for(&self.state.storage(), now_ms()).await?;
                reply::json(200, &json!({}))
            }
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }
}
