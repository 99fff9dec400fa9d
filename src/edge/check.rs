//! `GET /check`: whether everything outside meets this Worker's needs. All calls run at once,
//! within a time of their own, so that a system that does not answer delays nothing else.

use std::cell::RefCell;
use std::time::Duration;

use futures::future::{join, join5};
use futures::{StreamExt, stream};
use serde_json::Value;
use worker::{Env, Method, Response, Result};

use super::auth::Operator;
use super::calls::TimedCalls;
use super::clock::{now, now_ms};
use super::objects::SingleObject;
use super::outbox::OUTBOX;
use super::{feed, import, log, reply, settings, watch};
use crate::check::{self, Check, CheckReport, commercetools, klaviyo, metrics, stock};
use crate::config::{Config, FeedMode};
use crate::time::UnixMs;

/// How long the calls of one system may take together: a caller waits.
const CALLS: Duration = Duration::from_secs(8);

/// Calls of each system at once: a Worker has six connections.
const TOGETHER: usize = 3;

/// How long a reader sees the last result: each check costs calls of both systems.
const KEPT: Duration = Duration::from_mins(1);

thread_local! {
    /// The last result, as JSON, and its time.
    static LAST: RefCell<Option<(UnixMs, String)>> = const { RefCell::new(None) };
}

pub(super) async fn answer(env: &Env, config: &Config, operator: Operator) -> Result<Response> {
    let kept = LAST.with_borrow(|last| {
        let last = last.as_ref().filter(|(at, _)| now_ms().since(*at) < KEPT);
        last.filter(|_| operator == Operator::Reader).map(|(_, found)| found.clone())
    });
    if let Some(found) = kept {
        return reply::text(200, found);
    }
    let began = now_ms();
    let found = find(env, config).await;
    watch::remember_checks(env, config, &found).await;
    let found = serde_json::to_string(&found)?;
    LAST.set(Some((began, found.clone())));
    reply::text(200, found)
}

/// Runs all checks.
pub(super) async fn find(env: &Env, config: &Config) -> CheckReport {
    let is_set =
        |name: &str| settings::variable(env, name).is_some_and(|value| !value.trim().is_empty());
    let imports =
        async { if config.mode.import() { of_imports(env, config).await } else { Vec::new() } };
    let (commercetools, klaviyo, outbox, counts, imports) = join5(
        of_commercetools(config),
        of_klaviyo(config),
        object(env, config, &OUTBOX, "/status"),
        object(env, config, &watch::WATCH, "/attention"),
        imports,
    )
    .await;
    let mut checks = vec![
        check::settings::settings(config, is_set),
        check::settings::push_authentication(config),
        check::settings::shop(is_set),
    ];
    checks.extend(commercetools);
    checks.extend(klaviyo);
    checks.extend([outbox, counts]);
    checks.extend(imports);
    if config.rules.feed.mode != FeedMode::Off {
        checks.push(check::settings::feed(feed::shown(env, config).await.as_ref()));
    }
    CheckReport::from(checks)
}

/// The token is a new one: an old one would hide that commercetools now refuses the client.
async fn of_commercetools(config: &Config) -> [Check; 5] {
    let calls = TimedCalls::within(config, CALLS);
    let token = calls.new_token().await;
    let asked = if token.is_ok() { commercetools::probes() } else { Vec::new() };
    let in_channels = token.is_ok().then(|| stock::reading(config));
    let paths: Vec<_> = asked.iter().map(|probe| probe.path.clone()).chain(in_channels).collect();
    let mut answers: Vec<_> = stream::iter(paths)
        .map(async |path| calls.commercetools(&path).await)
        .buffered(TOGETHER)
        .collect()
        .await;
    let in_channels = answers.pop();
    let probed: Vec<_> = asked.into_iter().zip(answers).collect();
    [
        commercetools::token(&token),
        commercetools::scopes(config, &token),
        commercetools::api(&probed),
        commercetools::catalog(&probed),
        stock::channels(config, in_channels.as_ref()),
    ]
}

async fn of_klaviyo(config: &Config) -> [Check; 4] {
    let calls = TimedCalls::within(config, CALLS);
    let probed = stream::iter(klaviyo::probes())
        .map(async |probe| {
            let answer = calls.klaviyo("GET", &probe.path, None).await;
            (probe, answer)
        })
        .buffered(TOGETHER)
        .collect::<Vec<_>>();
    let (probed, mapped) = join(probed, calls.klaviyo("GET", metrics::MAPPED, None)).await;
    [
        klaviyo::key(&probed),
        klaviyo::scopes(config, &probed),
        klaviyo::api(&probed, now()),
        metrics::mapped(config, &mapped),
    ]
}

/// Whether the object answers, and what its last runs left out.
async fn of_imports(env: &Env, config: &Config) -> Vec<Check> {
    let object = &import::IMPORT;
    let answered = object.call(env, config, Method::Get, "/runs", None).await;
    if let Err(error) = &answered {
        log::failure(object.name, &error.to_string());
    }
    let Ok(mut response) = answered else { return vec![check::object(object.name, None)] };
    let status = response.status_code();
    let runs = response.json::<Value>().await.ok().filter(|_| status == 200);
    [check::object(object.name, Some(status))]
        .into_iter()
        .chain(check::left_out(runs.as_ref()))
        .collect()
}

async fn object(env: &Env, config: &Config, object: &SingleObject, path: &str) -> Check {
    let answered = object.call(env, config, Method::Get, path, None).await;
    if let Err(error) = &answered {
        log::failure(object.name, &error.to_string());
    }
    check::object(object.name, answered.ok().map(|response| response.status_code()))
}
