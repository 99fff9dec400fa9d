//! The watched state, for `GET /sync/status` and `GET /metrics`: the figures, and the alerts that are open by what the
//! objects say now.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use worker::{Env, Response, ResponseBuilder, Result};

use super::with_tally;
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::log;
use crate::json::read_value;
use crate::outbox::store::status::OutboxStatus;
use crate::watch::alerts::Alert;
use crate::watch::causes::Situation;
use crate::watch::look::open_alerts;
use crate::watch::metrics::{CONTENT_TYPE, render};
use crate::watch::store::state::WatchState;

/// What the object answers.
#[derive(Serialize, Deserialize)]
pub(super) struct WatchAnswer {
    pub(super) state: WatchState,
    pub(super) refused: u64,
    pub(super) realtime: Value,
}

/// The members `realtime` and `alerts` of the status. The question also hands over the counts of this isolate. If the
/// object does not answer, neither realtime nor the beginnings of the alerts are known.
pub(in crate::edge) async fn watched(
    env: &Env,
    config: &Config,
    outbox: &OutboxStatus,
    (runs, feed): (&Value, Option<&Value>),
    hours: bool,
) -> (Value, Value) {
    let path = if hours { "/state?hours=true" } else { "/state" };
    let answered = with_tally(env, config, path).await;
    let answered = answered.and_then(|answer| Ok(read_value::<WatchAnswer>(&answer)?));
    let answered =
        answered.inspect_err(|error| log::failure(super::WATCH.name, &error.to_string()));
    let (state, refused, realtime) = match answered {
        Ok(WatchAnswer { state, refused, realtime }) => (state, refused, realtime),
        Err(_) => (WatchState::begun(now_ms()), 0, Value::Null),
    };
    let situation = Situation {
        facts: &state.facts,
        refused,
        outbox: Some(outbox),
        runs: Some(runs),
        feed,
        alarms: None,
        rules: &config.rules.alerts,
        mode: config.mode,
        now: now_ms(),
    };
    let alerts = open_alerts(&state.alerts, &situation);
    (realtime, alerts.iter().map(Alert::shown).collect())
}

/// `GET /metrics`, made from the status.
pub(in crate::edge) fn metrics(status: &Value) -> Result<Response> {
    let response = ResponseBuilder::new().with_header("Content-Type", CONTENT_TYPE)?;
    Ok(response.fixed(render(status).into_bytes()))
}
