//! The Durable Object itself: its paths and its alarm. Only this Worker can call it.

use std::time::Duration;

use serde_json::json;
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, durable_object,
};

use super::WATCH;
use super::look::{look_around, receiver_of};
use super::receiver;
use super::state::WatchAnswer;
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::durable::{AlarmPauses, answered, is_newer, worked};
use crate::edge::objects::{armed_for, parameter};
use crate::edge::sql::turn;
use crate::edge::{check, log, reply};
use crate::json::read_bytes;
use crate::time::UnixMs;
use crate::watch::alerts::{self, Alert};
use crate::watch::causes::{CauseArea, KeptCheck};
use crate::watch::look::{next, realtime, refused, wants_checks};
use crate::watch::store::counts;
use crate::watch::store::state::{load, save};
use crate::watch::store::tables::MIGRATIONS;
use crate::watch::tally::Tally;

/// When an alarm without success comes again.
const PAUSES: AlarmPauses =
    AlarmPauses { watchdog: Duration::from_secs(30), failed: Duration::from_mins(1) };

/// How soon after a request the object looks at the latest.
const LATER: Duration = Duration::from_mins(1);

/// The maximum age of the look behind an answer to `/health`.
const FRESH: Duration = Duration::from_secs(20);

/// How soon it looks after a push saw a problem.
const SOON: Duration = Duration::from_secs(5);

/// The one object that keeps watch.
#[durable_object(alarm)]
pub struct Watch {
    state: State,
    env: Env,
    /// Whether a newer version of the Worker stored the data: then the object touches none of it.
    is_newer: bool,
}

impl DurableObject for Watch {
    fn new(state: State, env: Env) -> Self {
        Self { is_newer: is_newer(&state.storage(), WATCH.name, &MIGRATIONS), state, env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let answer = async |config: &Config| self.answer(config, &request, &body).await;
        answered(&self.env, WATCH.name, self.is_newer, answer).await
    }

    async fn alarm(&self) -> Result<Response> {
        let of = (WATCH.name, self.is_newer);
        let work = async |config: &Config| self.work(config).await.map(Some);
        worked(&self.env, &self.state.storage(), of, PAUSES, work).await
    }
}

impl Watch {
    fn turn<T>(&self, work: impl FnOnce(&SqlStorage) -> Result<T>) -> Result<T> {
        turn(&self.state.storage(), work)
    }

    /// Looks at everything, and informs the receiver; returns when to do so next.
    async fn work(&self, config: &Config) -> Result<UnixMs> {
        if self.turn(|sql| Ok(wants_checks(&load(sql, now_ms())?, now_ms())))? {
            let found = check::find(&self.env, config).await;
            self.keep_checks(found.checks().iter().map(KeptCheck::from).collect())?;
        }
        look_around(&self.env, config, &self.state.storage()).await?;
        self.tell(config).await?;
        self.turn(|sql| Ok(next(&load(sql, now_ms())?, receiver_of(config), now_ms())))
    }

    fn keep_checks(&self, found: Vec<KeptCheck>) -> Result<()> {
        self.turn(|sql| {
            let mut state = load(sql, now_ms())?;
            (state.facts.checks, state.checked) = (found, now_ms());
            Ok(save(sql, &state)?)
        })
    }

    /// Sends the receiver the pending notices, if it is time. The request is stored before it is made, so that a crash
    /// causes no second request within the minute.
    async fn tell(&self, config: &Config) -> Result<()> {
        let Some(url) = &config.alert_url else { return Ok(()) };
        let notices = self.turn(|sql| {
            let mut state = load(sql, now_ms())?;
            let notices = alerts::notices(&state.alerts, now_ms());
            if notices.is_empty() || now_ms() < state.receiver.free_at() {
                return Ok(Vec::new());
            }
            state.receiver.asked = now_ms();
            state.receiver.failures += 1;
            save(sql, &state)?;
            Ok(notices)
        })?;
        if notices.is_empty() {
            return Ok(());
        }
        let body = alerts::body(&notices, &config.commercetools.project_key);
        if let Err(why) = receiver::tell(url, &body).await {
            log::failure("alert_receiver", &why);
            return Ok(());
        }
        self.turn(|sql| {
            let mut state = load(sql, now_ms())?;
            state.receiver.failures = 0;
            alerts::told(&mut state.alerts, &notices, now_ms());
            Ok(save(sql, &state)?)
        })
    }

    async fn answer(&self, config: &Config, request: &Request, body: &[u8]) -> Result<Response> {
        let url = request.url()?;
        match (request.method(), url.path()) {
            (Method::Post, "/counts") => {
                let imports_need_attention = self.take(&read_bytes(body)?).await?;
                reply::json(200, &json!({ "importsNeedAttention": imports_need_attention }))
            }
            (Method::Post, "/state") => {
                self.take(&read_bytes(body)?).await?;
                let hours = parameter(&url, "hours").as_deref() == Some("true");
                reply::json(
                    200,
                    &self.turn(|sql| {
                        let (state, now) = (load(sql, now_ms())?, now_ms());
                        let realtime = realtime(sql, &state, hours, now)?;
                        Ok(WatchAnswer { state, refused: refused(sql, now)?, realtime })
                    })?,
                )
            }
            (Method::Get, "/attention") => {
                let looked = self.turn(|sql| Ok(load(sql, now_ms())?.looked))?;
                if now_ms().since(looked) > FRESH {
                    look_around(&self.env, config, &self.state.storage()).await?;
                }
                self.arm(LATER).await?;
                let state = self.turn(|sql| Ok(load(sql, now_ms())?))?;
                reply::json(200, &json!({ "attention": alerts::open(&state.alerts).count() }))
            }
            (Method::Post, "/checks") => {
                self.keep_checks(read_bytes(body)?)?;
                self.arm(SOON).await?;
                reply::json(200, &json!({}))
            }
            (Method::Post, "/alerts/test") => {
                self.turn(|sql| {
                    let mut state = load(sql, now_ms())?;
                    state.alerts.push(Alert::test(now_ms()));
                    Ok(save(sql, &state)?)
                })?;
                self.arm(Duration::ZERO).await?;
                reply::json(202, &json!({}))
            }
            (Method::Post, "/tick") => {
                self.arm(SOON).await?;
                reply::json(200, &json!({}))
            }
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }

    /// Adds the counts of an isolate, and looks soon if they show a problem. Returns whether the imports needed a
    /// person at the last look.
    async fn take(&self, tally: &Tally) -> Result<bool> {
        let imports_need_attention = self.turn(|sql| {
            let mut state = load(sql, now_ms())?;
            state.take(tally);
            counts::add(sql, tally, now_ms())?;
            save(sql, &state)?;
            Ok(alerts::open(&state.alerts).any(|alert| alert.area == CauseArea::Imports))
        })?;
        self.arm(if needs_look(tally) { SOON } else { LATER }).await?;
        Ok(imports_need_attention)
    }

    /// Moves the alarm to an earlier time, or sets it.
    async fn arm(&self, within: Duration) -> Result<()> {
        armed_for(&self.state.storage(), now_ms() + within).await
    }
}

/// Whether a problem may have begun.
fn needs_look(tally: &Tally) -> bool {
    let wrong = |counts: &crate::watch::tally::RealtimeCounts| {
        counts.parked + counts.dead_lettered + counts.refused_notifications > 0
    };
    tally.minutes.values().any(wrong)
}
