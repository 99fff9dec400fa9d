//! `GET /sync/status` and `GET /metrics`: how far every import is, what realtime does, what waits, and what needs a
//! person. It calls three objects at once; only the counts may be missing from the answer.

use futures::future::join3;
use serde_json::{Map, Value, json};
use worker::{Env, Method, Request, Response, Result};

use super::auth::Operator;
use super::import::IMPORT;
use super::objects::parameter;
use super::outbox::OUTBOX;
use super::{feed, reply, watch};
use crate::config::Config;
use crate::import::kind::ImportKind;
use crate::import::run::{blank, hide_words};

pub(super) async fn answer(
    request: &Request,
    env: &Env,
    config: &Config,
    operator: Operator,
) -> Result<Response> {
    let hours = parameter(&request.url()?, "hours").as_deref() == Some("true");
    match status(env, config, operator, hours).await? {
        Ok(status) => reply::json(200, &status),
        Err(unavailable) => Ok(unavailable),
    }
}

/// The same figures, for Prometheus.
pub(super) async fn metrics(env: &Env, config: &Config, operator: Operator) -> Result<Response> {
    match status(env, config, operator, false).await? {
        Ok(status) => watch::metrics(&status),
        Err(unavailable) => Ok(unavailable),
    }
}

/// The whole status, or the answer of an object that failed.
async fn status(
    env: &Env,
    config: &Config,
    operator: Operator,
    hours: bool,
) -> Result<std::result::Result<Value, Response>> {
    let outbox = OUTBOX.pass_on(env, config, Method::Get, "/status", None);
    let runs = async {
        if config.mode.import() {
            return IMPORT.pass_on(env, config, Method::Get, "/runs", None).await;
        }
        reply::json(200, &nothing_imported())
    };
    let (outbox, runs, feed) = join3(outbox, runs, feed::shown(env, config)).await;
    let (mut outbox, mut runs) = (outbox?, runs?);
    if outbox.status_code() != 200 {
        return Ok(Err(outbox));
    }
    if runs.status_code() != 200 {
        return Ok(Err(runs));
    }
    let waiting = serde_json::from_str(&outbox.text().await?)?;
    let mut status: Value = serde_json::from_str(&runs.text().await?)?;
    let (realtime, alerts) =
        watch::watched(env, config, &waiting, (&status, feed.as_ref()), hours).await;
    status["outbox"] = serde_json::to_value(waiting)?;
    status["realtime"] = realtime;
    status["alerts"] = alerts;
    status["merchantCenter"] = config.commercetools.merchant_center().into();
    status["feed"] = feed.unwrap_or_default();
    if operator == Operator::Reader {
        hide_words(&mut status);
    }
    Ok(Ok(status))
}

/// The status of imports if they are off.
fn nothing_imported() -> Map<String, Value> {
    let kinds = || ImportKind::ALL.into_iter().map(|kind| (kind.name().to_owned(), kind));
    let mut status: Map<_, _> = kinds().map(|(name, kind)| (name, blank(kind))).collect();
    let never: Map<_, _> = kinds().map(|(name, _)| (name, Value::Null)).collect();
    status.insert("sequence".to_owned(), Value::Null);
    status.insert("schedule".to_owned(), json!({}));
    status.insert("lastSuccess".to_owned(), never.into());
    status
}
