//! A Durable Object runs the imports; here is how to reach it, and its endpoints.
//!
//! There is one object for the whole Worker, with SQLite storage and one alarm. It holds the machine of
//! [`crate::import`], makes its calls and stores its state; it decides nothing.

mod desk;
mod hand_over;
mod object;
mod sequence;
mod slice;

use std::time::Duration;

use serde_json::json;
use worker::{Env, Method, Request, Response, Result};

use super::auth::Operator;
use super::objects::{SingleObject, query};
use super::outbox::OUTBOX;
use super::route::SyncAction;
use super::{body, log, reply};
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::import::kind::ImportKind;
use crate::import::run::hide_words;
use crate::import::settled::SettledRecord;
use crate::import::store::gone::{GoneRecord, deleted};

/// The object. It answers at once, except for a start over many ids, which it has to store.
pub(super) const IMPORT: SingleObject =
    SingleObject { binding: "IMPORT", name: "import", patience: Duration::from_secs(10) };

/// The endpoints of imports, passed on to the object that runs them.
pub(super) async fn answer(
    request: &mut Request,
    env: &Env,
    config: &Config,
    operator: Operator,
    kind: ImportKind,
    action: SyncAction,
) -> Result<Response> {
    let kind = kind.name();
    let (method, path) = match action {
        SyncAction::Start => {
            let Some(body) = body::whole(request).await? else { return reply::too_large() };
            let path = format!("/runs/{kind}");
            return IMPORT.pass_on(env, config, Method::Post, &path, Some(&body)).await;
        }
        SyncAction::Read => return runs(env, config, operator, kind).await,
        SyncAction::Stop => (Method::Post, format!("/runs/{kind}/stop")),
        SyncAction::Resume => (Method::Post, format!("/runs/{kind}/resume")),
        SyncAction::Failures => {
            let form = if accepts_csv(request)? { "/csv" } else { "" };
            (Method::Get, format!("/failures/{kind}{form}{}", query(request)?))
        }
        SyncAction::Skipped => (Method::Get, format!("/skipped/{kind}{}", query(request)?)),
        SyncAction::Forget => {
            let path = request.path();
            let id = path.rsplit('/').next().unwrap_or_default();
            (Method::Delete, format!("/failures/{kind}/{id}"))
        }
        SyncAction::ForgetMany => (Method::Delete, format!("/failures/{kind}{}", query(request)?)),
        SyncAction::Retry => {
            let Some(body) = body::whole(request).await? else { return reply::too_large() };
            let path = format!("/failures/{kind}/retry");
            return IMPORT.pass_on(env, config, Method::Post, &path, Some(&body)).await;
        }
    };
    IMPORT.pass_on(env, config, method, &path, None).await
}

/// Whether the caller wants a table instead of JSON, by the types that it accepts.
fn accepts_csv(request: &Request) -> Result<bool> {
    let accepted = request.headers().get("Accept")?.unwrap_or_default();
    let mut types = accepted.split(',').filter_map(|each| each.split(';').next());
    Ok(types.any(|each| each.trim().eq_ignore_ascii_case("text/csv")))
}

/// `POST /sync`: starts a sequence.
pub(super) async fn start_sequence(
    request: &mut Request,
    env: &Env,
    config: &Config,
) -> Result<Response> {
    let Some(body) = body::whole(request).await? else { return reply::too_large() };
    IMPORT.pass_on(env, config, Method::Post, "/sequence", Some(&body)).await
}

/// The runs of a kind.
async fn runs(env: &Env, config: &Config, operator: Operator, kind: &str) -> Result<Response> {
    let path = format!("/runs/{kind}");
    let mut runs = IMPORT.pass_on(env, config, Method::Get, &path, None).await?;
    if operator == Operator::Admin || runs.status_code() != 200 {
        return Ok(runs);
    }
    let mut shown = serde_json::from_str(&runs.text().await?)?;
    hide_words(&mut shown);
    reply::json(200, &shown)
}

/// Tells the imports which products and categories these notifications report as deleted: a run may have read them
/// before.
pub(super) async fn tell_of_deletions(
    env: &Env,
    config: &Config,
    notifications: impl Iterator<Item = &Notification>,
) -> Result<()> {
    let all = notifications.filter_map(deleted);
    let all: Vec<_> = all.map(|GoneRecord { of_type, id }| (of_type, id)).collect();
    if all.is_empty() || !config.mode.import() {
        return Ok(());
    }
    let body = serde_json::to_vec(&all)?;
    let object = SingleObject { patience: OUTBOX.patience, ..IMPORT };
    let told = object.call(env, config, Method::Post, "/gone", Some(&body)).await?;
    match told.status_code() {
        200 => Ok(()),
        status => Err(worker::Error::RustError(format!("the import answered {status}"))),
    }
}

/// Tells the imports which records realtime settled, so that their failures are healed.
pub(super) async fn tell_of_settled(env: &Env, config: &Config, records: &[SettledRecord]) {
    let told = async {
        let body = serde_json::to_vec(records)?;
        IMPORT.call(env, config, Method::Post, "/settled", Some(&body)).await
    };
    if let Err(error) = told.await {
        log::failure(IMPORT.name, &error.to_string());
    }
}

/// Deletes what the imports keep about a customer: the failure of a record has Klaviyo's words about it, and the list
/// of skipped records has the id. A run may still write the customer, so the erasure is remembered.
pub(super) async fn erase(env: &Env, config: &Config, customer: &Id) -> Result<()> {
    let body = serde_json::to_vec(&json!({ "customer": customer }))?;
    // This is part of a push, which needs an answer in time.
    let object = SingleObject { patience: OUTBOX.patience, ..IMPORT };
    let erased = object.call(env, config, Method::Post, "/erase", Some(&body)).await?;
    match erased.status_code() {
        200 => Ok(()),
        status => Err(worker::Error::RustError(format!("the import answered {status}"))),
    }
}
