//! The Durable Object itself: its paths and its alarm. Only this Worker can call it.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;
use worker::{
    DurableObject, Env, Method, Request, Response, Result, SqlStorage, State, durable_object,
};

use super::desk::{ImportDesk, told};
use super::hand_over::hand_over_to_outbox;
use super::slice::{self, NextSlice};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::durable::is_newer;
use crate::edge::objects::{AtWork, cursor, parameter, to_delete, with_next_alarm};
use crate::edge::sql::turn;
use crate::edge::{log, reply, settings};
use crate::engine::backoff::backoff;
use crate::import::kind::ImportKind;
use crate::import::machine::ImportInput;
use crate::import::selection::RunSelection;
use crate::import::settled::SettledRecord;
use crate::import::start::{self, RunStart};
use crate::import::store::failures::{self, FailurePage};
use crate::import::store::tables::MIGRATIONS;
use crate::import::store::{gone, hand_over, runs, schedule, skipped};
use crate::import::stored::StoredRun;
use crate::json::read_bytes;
use crate::storage::schema::NEWER;
use crate::storage::selection::KeptSelection;

/// How long to wait while the settings are invalid.
const NOT_CONFIGURED: Duration = Duration::from_secs(30);

/// The one object that runs imports.
#[durable_object(alarm)]
pub struct Import {
    state: State,
    env: Env,
    /// Whether a newer version of the Worker stored the data: then the object touches none of it.
    is_newer: bool,
    pub(super) desk: AssertUnwindSafe<ImportDesk>,
    /// Whether the alarm is at work; it sets the next one itself at its end.
    at_work: AssertUnwindSafe<Cell<bool>>,
}

impl DurableObject for Import {
    fn new(state: State, env: Env) -> Self {
        Self {
            is_newer: is_newer(&state.storage(), "import", &MIGRATIONS),
            state,
            env,
            desk: AssertUnwindSafe(ImportDesk::default()),
            at_work: AssertUnwindSafe(Cell::new(false)),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        if self.is_newer {
            return reply::unavailable(NEWER, "A newer version of this Worker stored the imports.");
        }
        let settings = settings::read(&self.env);
        let config = match settings.as_ref() {
            Ok(config) => config,
            Err(problems) => return reply::not_configured(problems),
        };
        let answered = turn(&self.state.storage(), |sql| self.answer(sql, config, &request, &body));
        let answered = match answered {
            Ok(response) if request.method() == Method::Get => {
                with_next_alarm(response, &self.state.storage()).await
            }
            Ok(response) => {
                // A tick that began nothing leaves the alarm as it is.
                let lets_be = request.path() == "/tick" && response.status_code() == 200;
                self.arm_if_needed(config, lets_be).await.map(|()| response)
            }
            Err(error) => Err(error),
        };
        answered.or_else(|error| {
            // The storage went back, so the machine is made anew from it.
            self.desk.forget();
            log::failure("import", &error.to_string());
            reply::error(500, "import_failed", "The import failed.")
        })
    }

    /// Catches every failure, and sets the next alarm: the platform drops an alarm that fails six
    /// times. The alarm fails only if it cannot set the next one.
    async fn alarm(&self) -> Result<Response> {
        if self.is_newer {
            self.arm(NextSlice::At(now_ms() + NOT_CONFIGURED)).await?;
            return Ok(reply::empty(204));
        }
        let worked = {
            let _at_work = AtWork::begin(&self.at_work);
            AssertUnwindSafe(self.work()).catch_unwind().await
        };
        let next = match worked {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => self.recover(&error.to_string())?,
            Err(_) => self.recover("it panicked; the line before says where")?,
        };
        self.arm(next).await?;
        Ok(reply::empty(204))
    }
}

impl Import {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    async fn work(&self) -> Result<NextSlice> {
        let settings = settings::read(&self.env);
        match settings.as_ref() {
            Ok(config) => {
                let storage = self.state.storage();
                let next = slice::run(&self.env, &self.desk, &storage, config).await?;
                hand_over_to_outbox(&self.env, config, &self.sql()).await?;
                // A run that started after the end of the slice left the alarm to this one.
                let began = next == NextSlice::Never
                    && self.desk.is_active(&self.sql(), &config.rules, None)?;
                Ok(if began { NextSlice::Now } else { next })
            }
            // The work is not known now; the next slice finds out whether there is any.
            Err(_) => Ok(NextSlice::At(now_ms() + NOT_CONFIGURED)),
        }
    }

    /// After a failure: a new machine continues from the stored state.
    fn recover(&self, error: &str) -> Result<NextSlice> {
        log::failure("import", error);
        self.desk.forget();
        let pause = backoff(runs::lost(&self.sql())?.max(1), None, 0.0);
        Ok(NextSlice::At(now_ms() + pause))
    }

    /// Sets the alarm after a request. An alarm at work sets the next one itself in the end, and
    /// has set a watchdog until then. With `lets_be`, only if there is none.
    async fn arm_if_needed(&self, config: &Config, lets_be: bool) -> Result<()> {
        if self.at_work.get() {
            return Ok(());
        }
        let active = self.desk.is_active(&self.sql(), &config.rules, None)?;
        if active && lets_be && self.state.storage().get_alarm().await?.is_some() {
            return Ok(());
        }
        let works = active || hand_over::due(&self.sql(), &config.rules, now_ms())?.is_some();
        self.arm(if works { NextSlice::Now } else { NextSlice::Never }).await
    }

    async fn arm(&self, next: NextSlice) -> Result<()> {
        let storage = self.state.storage();
        match next {
            NextSlice::Never => storage.delete_alarm().await,
            NextSlice::Now => storage.set_alarm(Duration::ZERO).await,
            NextSlice::At(time) => storage.set_alarm(time.since(now_ms())).await,
        }
    }

    fn answer(
        &self,
        sql: &SqlStorage,
        config: &Config,
        request: &Request,
        body: &[u8],
    ) -> Result<Response> {
        schedule::notice(sql, &config.rules, now_ms())?;
        let url = request.url()?;
        let segments: Vec<_> = url.path().split('/').skip(1).collect();
        let (kind, segments) = match segments.as_slice() {
            [room, kind, rest @ ..] => (ImportKind::named(kind), [&[*room], rest].concat()),
            all => (None, all.to_vec()),
        };
        match (request.method(), segments.as_slice(), kind) {
            (Method::Get, ["runs"], None) => self.status(sql, config),
            (Method::Post, ["sequence"], None) => self.start_sequence(sql, config, body),
            (Method::Get, ["runs"], Some(kind)) => self.history(sql, config, kind),
            (Method::Post, ["runs"], Some(kind)) => match start::read(kind, body) {
                Ok(start) => self.start(sql, config, kind, start),
                Err(problem) => reply::bad_request(&problem),
            },
            (Method::Post, ["runs", "stop"], Some(kind)) => self.stop(sql, config, kind),
            (Method::Post, ["runs", "resume"], Some(kind)) => self.resume(sql, config, kind),
            (_, ["failures", rest @ ..], Some(kind)) => {
                self.failures(sql, config, kind, request, rest, body)
            }
            (Method::Get, ["skipped"], Some(kind)) => {
                reply::json(200, &skipped::page(sql, kind, cursor(&url))?)
            }
            (Method::Get, ["records"], Some(kind)) => {
                let id = parameter(&url, "id").and_then(Id::new);
                let (failure, skipped) = match &id {
                    Some(id) => (failures::one(sql, kind, id)?, skipped::one(sql, kind, id)?),
                    None => (None, None),
                };
                let run = self.desk.shown(sql, &config.rules, kind)?;
                reply::json(200, &json!({"failure": failure, "skipped": skipped, "run": run}))
            }
            (Method::Post, ["erase"], None) => {
                #[derive(Deserialize)]
                struct EraseBody {
                    customer: Id,
                }
                let EraseBody { customer } = read_bytes(body)?;
                failures::delete_one(sql, ImportKind::Customers, customer.as_str())?;
                skipped::delete_one(sql, ImportKind::Customers, &customer)?;
                gone::remember(sql, &config.rules, gone::CUSTOMER, &customer, now_ms())?;
                reply::json(200, &json!({}))
            }
            (Method::Post, ["gone"], None) => {
                let deleted: Vec<(String, Id)> = read_bytes(body)?;
                for (of_type, id) in deleted {
                    gone::remember(sql, &config.rules, &of_type, &id, now_ms())?;
                }
                reply::json(200, &json!({}))
            }
            (Method::Post, ["settled"], None) => {
                failures::settled(sql, &read_bytes::<Vec<SettledRecord>>(body)?)?;
                reply::json(200, &json!({}))
            }
            (Method::Post, ["tick"], None) => self.tick(sql, config),
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }

    /// Answers a request about the failures of a kind.
    fn failures(
        &self,
        sql: &SqlStorage,
        config: &Config,
        kind: ImportKind,
        request: &Request,
        rest: &[&str],
        body: &[u8],
    ) -> Result<Response> {
        let url = request.url()?;
        match (request.method(), rest) {
            (Method::Get, form) => {
                let (cursor, code) = (parameter(&url, "cursor"), parameter(&url, "code"));
                let cursor = cursor.as_deref().unwrap_or_default();
                let page = FailurePage { kind, cursor, code: code.as_deref() };
                if form.is_empty() {
                    return reply::json(200, &page.shown(sql)?);
                }
                let (table, next) = page.csv(sql)?;
                reply::csv(table, next.as_deref())
            }
            (Method::Delete, []) => match to_delete(&url) {
                Ok(which) => {
                    failures::delete(sql, kind, &which)?;
                    Ok(reply::empty(204))
                }
                Err(problem) => reply::bad_request(&problem),
            },
            (Method::Delete, [id]) => {
                if failures::delete_one(sql, kind, &percent_decode_str(id).decode_utf8_lossy())? {
                    Ok(reply::empty(204))
                } else {
                    reply::error(404, "not_found", "This record did not fail.")
                }
            }
            (Method::Post, ["retry"]) => {
                let which = match KeptSelection::read(body) {
                    Ok(which) => which,
                    Err(problem) => return reply::bad_request(&problem),
                };
                let ids = failures::ids(sql, kind, &which)?;
                if ids.is_empty() && !self.desk.is_active(sql, &config.rules, Some(kind))? {
                    return reply::error(400, "no_failures", "There is no failure to retry.");
                }
                self.start(sql, config, kind, RunStart::over(ids, RunSelection::Retry))
            }
            _ => reply::error(404, "not_found", "There is nothing here."),
        }
    }

    fn history(&self, sql: &SqlStorage, config: &Config, kind: ImportKind) -> Result<Response> {
        let current = self.desk.shown(sql, &config.rules, kind)?;
        let runs = told(runs::of_kind(sql, &config.rules, kind)?);
        let older = runs.iter().skip(1).map(StoredRun::shown);
        let newest = runs.first().map(|_| current.clone());
        let history: Vec<_> = newest.into_iter().chain(older).collect();
        reply::json(200, &json!({ "current": current, "history": history }))
    }

    /// Begins a run. There is no await between the check for an active run and the start, so of two
    /// concurrent starts one is refused.
    fn start(
        &self,
        sql: &SqlStorage,
        config: &Config,
        kind: ImportKind,
        start: RunStart,
    ) -> Result<Response> {
        if self.desk.is_active(sql, &config.rules, Some(kind))? {
            return reply::already_running(kind);
        }
        runs::slice_ended(sql)?;
        let id = runs::new_id(sql, now_ms())?;
        self.desk.ask(sql, config, ImportInput::Start { id, kind, start })?;
        reply::json(202, &self.desk.shown(sql, &config.rules, kind)?)
    }

    fn stop(&self, sql: &SqlStorage, config: &Config, kind: ImportKind) -> Result<Response> {
        if !self.desk.is_active(sql, &config.rules, Some(kind))? {
            let message = format!("{} sync is not currently running.", kind.title());
            return reply::error(400, "not_running", &message);
        }
        self.desk.ask(sql, config, ImportInput::Stop(kind))?;
        reply::json(200, &self.desk.shown(sql, &config.rules, kind)?)
    }

    fn resume(&self, sql: &SqlStorage, config: &Config, kind: ImportKind) -> Result<Response> {
        if !self.desk.is_resumable(sql, &config.rules, kind)? {
            let message = format!("{} sync has nothing to resume.", kind.title());
            return reply::error(400, "nothing_to_resume", &message);
        }
        runs::slice_ended(sql)?;
        self.desk.ask(sql, config, ImportInput::Resume(kind))?;
        reply::json(202, &self.desk.shown(sql, &config.rules, kind)?)
    }
}
