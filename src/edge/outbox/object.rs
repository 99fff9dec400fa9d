//! The Durable Object itself: its paths and its alarm. Only this Worker can call it.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use serde_json::{Map, Value, json};
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, Url, durable_object,
};

use super::drain::{self, OutboxDesk};
use crate::config::rules::OperatorRules;
use crate::edge::clock::now_ms;
use crate::edge::durable::is_newer;
use crate::edge::objects::{
    AtWork, armed_for, cursor, parameter, set_alarm, to_delete, with_next_alarm,
};
use crate::edge::sql::turn;
use crate::edge::{accepted, log, reply, settings};
use crate::json::read_bytes;
use crate::outbox::quota::needed;
use crate::outbox::store::erasure::{self, EraseAgain};
use crate::outbox::store::tables::MIGRATIONS;
use crate::outbox::store::{batches, dead_letters, intake, offspring, parked, replay, status};
use crate::storage::schema::NEWER;
use crate::storage::selection::KeptSelection;
use crate::storage::sql::SqlError;
use crate::time::UnixMs;
use crate::trace::kept;

/// How long to wait while the settings are invalid.
const NOT_CONFIGURED: Duration = Duration::from_secs(20);

/// The one object that keeps what could not be delivered.
#[durable_object(alarm)]
pub struct Outbox {
    state: State,
    env: Env,
    /// Whether a newer version of the Worker stored the data: then the object touches none of it.
    is_newer: bool,
    /// Whether the alarm is at work; it sets the next one itself at its end.
    draining: AssertUnwindSafe<Cell<bool>>,
    desk: AssertUnwindSafe<OutboxDesk>,
}

impl DurableObject for Outbox {
    fn new(state: State, env: Env) -> Self {
        Self {
            is_newer: is_newer(&state.storage(), "outbox", &MIGRATIONS),
            state,
            env,
            draining: AssertUnwindSafe(Cell::new(false)),
            desk: AssertUnwindSafe(OutboxDesk::default()),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        if self.is_newer {
            return reply::unavailable(NEWER, "A newer version of this Worker stored the outbox.");
        }
        let answered = turn(&self.state.storage(), |sql| self.answer(sql, &request, &body));
        let answered = match answered {
            Ok(response) if request.method() == Method::Get => {
                with_next_alarm(response, &self.state.storage()).await
            }
            Ok(response) => self.arm_earlier().await.map(|()| response),
            Err(error) => Err(error),
        };
        answered.or_else(|error| {
            log::failure("outbox", &error.to_string());
            reply::error(500, "outbox_failed", "The outbox failed.")
        })
    }

    async fn alarm(&self) -> Result<Response> {
        if self.is_newer {
            let later = now_ms() + NOT_CONFIGURED;
            set_alarm(&self.state.storage(), later).await?;
            return Ok(reply::empty(204));
        }
        // Never an error: the platform drops an alarm that fails six times.
        let drained = {
            let _at_work = AtWork::begin(&self.draining);
            self.drain().await
        };
        if let Err(error) = drained.and(self.arm().await) {
            log::failure("outbox", &error.to_string());
        }
        Ok(reply::empty(204))
    }
}

impl Outbox {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    /// Tries due rows. With invalid settings it cannot.
    async fn drain(&self) -> Result<()> {
        let settings = settings::read(&self.env);
        let Ok(config) = settings.as_ref() else {
            return Ok(());
        };
        drain::run(&self.env, &self.state.storage(), config, &self.desk).await
    }

    /// After a request: an existing alarm only moves to an earlier time. An alarm at work sets the next one itself, and
    /// has set a watchdog until then.
    async fn arm_earlier(&self) -> Result<()> {
        if self.draining.get() {
            return Ok(());
        }
        let Some(wanted) = self.next_alarm()? else { return Ok(()) };
        armed_for(&self.state.storage(), wanted).await
    }

    /// At the end of the alarm: sets the next one, if there is work to do.
    async fn arm(&self) -> Result<()> {
        let storage = self.state.storage();
        match self.next_alarm()? {
            Some(time) => set_alarm(&storage, time).await,
            None => storage.delete_alarm().await,
        }
    }

    /// When there is something to do.
    fn next_alarm(&self) -> Result<Option<UnixMs>> {
        let settings = settings::read(&self.env);
        match settings.as_ref() {
            Ok(config) => self.desk.next_alarm(&self.sql(), config),
            // The work on waiting rows is not known now.
            Err(_) => Ok(Some(now_ms() + NOT_CONFIGURED)),
        }
    }

    /// Stores something that depends on the operator's rules.
    fn by_rules(
        &self,
        store: impl FnOnce(&OperatorRules) -> Result<(), SqlError>,
    ) -> Result<Response> {
        let settings = settings::read(&self.env);
        match settings.as_ref() {
            Ok(config) => store(&config.rules)?,
            Err(problems) => return reply::not_configured(problems),
        }
        reply::json(201, &json!({}))
    }

    fn answer(&self, sql: &SqlStorage, request: &Request, body: &[u8]) -> Result<Response> {
        let url = request.url()?;
        let segments: Vec<_> = url.path().split('/').skip(1).collect();
        match (request.method(), segments.as_slice()) {
            (Method::Post, ["notifications"]) => {
                reply::json(201, &intake::take(sql, body, now_ms())?)
            }
            (Method::Post, ["batches", number]) => match number.parse() {
                Ok(number) => reply::json(201, &batches::take_batch(sql, number, body, now_ms())?),
                Err(_) => reply::bad_request("That is not a batch number."),
            },
            (Method::Post, ["batches", number, "settle"]) => match number.parse() {
                Ok(number) => reply::json(201, &batches::settle(sql, number)?),
                Err(_) => reply::bad_request("That is not a batch number."),
            },
            (Method::Post, ["changes"]) => {
                let (changes, not_before): (Vec<Map<String, Value>>, UnixMs) = read_bytes(body)?;
                self.by_rules(|rules| {
                    offspring::park_offspring(sql, rules, changes, not_before, now_ms())
                })
            }
            (Method::Post, ["erasures"]) => {
                let customer = String::from_utf8_lossy(body);
                reply::json(201, &erasure::erase(sql, &customer, now_ms())?)
            }
            (Method::Post, ["erasures", "again"]) => {
                let asked: EraseAgain = read_bytes(body)?;
                self.by_rules(|rules| asked.park(sql, rules, now_ms()))
            }
            (Method::Post, ["quota"]) => {
                self.desk.import_asks();
                reply::json(201, &needed(&parked::counts(sql)?))
            }
            (Method::Get, ["status"]) => reply::json(200, &status::status(sql)?),
            (Method::Get, ["of"]) => self.kept_of(sql, &url),
            (Method::Get, ["outbox"]) => reply::json(200, &parked::page(sql, cursor(&url))?),
            (Method::Post, ["outbox", "retry"]) => {
                self.desk.retry();
                reply::json(202, &json!({ "retried": parked::retry(sql, now_ms())? }))
            }
            (Method::Get, ["dead-letters"]) => {
                let code = parameter(&url, "code");
                reply::json(200, &dead_letters::list(sql, cursor(&url), code.as_deref())?)
            }
            (Method::Delete, ["dead-letters"]) => match to_delete(&url) {
                Ok(which) => {
                    dead_letters::delete_all(sql, &which)?;
                    Ok(reply::empty(204))
                }
                Err(problem) => reply::bad_request(&problem),
            },
            (Method::Get, ["dead-letters", id]) => match dead_letters::read(sql, id)? {
                Some(letter) => reply::json(200, &letter),
                None => no_letter(),
            },
            (Method::Post, ["dead-letters", "replay"]) => match KeptSelection::read(body) {
                Ok(which) => self.replay(sql, &dead_letters::ids(sql, &which)?),
                Err(problem) => reply::bad_request(&problem),
            },
            (Method::Post, ["dead-letters", id, "replay"]) => self.replay(sql, &[(*id).to_owned()]),
            (Method::Delete, ["dead-letters", id]) => {
                if dead_letters::delete(sql, id)? {
                    Ok(reply::empty(204))
                } else {
                    no_letter()
                }
            }
            (Method::Post, ["tick"]) => reply::json(200, &json!({})),
            (Method::Post, ["panic"]) => {
                let asked: EraseAgain = read_bytes(body)?;
                self.by_rules(|rules| asked.park(sql, rules, now_ms()))?;
                panic_on_purpose()
            }
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }
}

/// Panics, so that a test sees the effect of a panic, and of writes before it. No route of the Worker leads here.
#[expect(clippy::panic, reason = "on purpose")]
fn panic_on_purpose() -> ! {
    panic!("on purpose")
}

impl Outbox {
    /// What is stored about the resources that an address names.
    fn kept_of(&self, sql: &SqlStorage, url: &Url) -> Result<Response> {
        let settings = settings::read(&self.env);
        let config = match settings.as_ref() {
            Ok(config) => config,
            Err(problems) => return reply::not_configured(problems),
        };
        let named = parameter(url, "resources").unwrap_or_default();
        let resources: Vec<String> = read_bytes(named.as_bytes())?;
        let accepted = accepted::last(&resources);
        reply::json(200, &kept::of_outbox(sql, &config.rules, &resources, accepted)?)
    }

    /// Parks the content of these letters; 404 if none of them exists, except for an empty list.
    fn replay(&self, sql: &SqlStorage, ids: &[String]) -> Result<Response> {
        let settings = settings::read(&self.env);
        let config = match settings.as_ref() {
            Ok(config) => config,
            Err(problems) => return reply::not_configured(problems),
        };
        let mut replayed = 0;
        for id in ids {
            replayed += usize::from(replay::replay(sql, &config.rules, id, now_ms())?);
        }
        if replayed == 0 && !ids.is_empty() {
            return no_letter();
        }
        reply::json(202, &json!({ "replayed": replayed }))
    }
}

fn no_letter() -> Result<Response> {
    reply::error(404, "not_found", "There is no such dead letter.")
}
