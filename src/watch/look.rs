//! One look at everything: from the objects' reports to the stored alerts, and the time of the next look.

use std::time::Duration;

use serde_json::{Value, json};

use super::alerts::{self, Alert, AlertReceiver};
use super::causes::{Situation, WatchedAlarm, causes};
use super::store::counts::{self, CountSpan};
use super::store::state::{self, WatchState};
use crate::config::{Config, FeedMode};
use crate::import::kind::ImportKind;
use crate::outbox::store::status::OutboxStatus;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// The pause after a look, and the pause while an alert is open.
const CALM: Duration = Duration::from_mins(1);
const ALERT: Duration = Duration::from_secs(25);

/// How often the checks run, and how often while one fails.
const CHECKS: Duration = Duration::from_mins(10);
const FAILED_CHECKS: Duration = Duration::from_mins(1);

/// For how long refused notifications count.
const REFUSED: Duration = Duration::from_mins(5);

/// The report of an object, and the time of its alarm.
#[derive(Debug, Clone)]
pub struct ObjectAnswer<T> {
    /// What it says.
    pub body: T,
    /// The time of its alarm, if it is set.
    pub alarm: Option<UnixMs>,
}

/// The objects' reports; none for an object that did not answer.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The outbox.
    pub outbox: Option<ObjectAnswer<OutboxStatus>>,
    /// The runs by their kind; null if imports are off.
    pub runs: Option<ObjectAnswer<Value>>,
    /// The feed, as the endpoint shows it.
    pub feed: Option<ObjectAnswer<Value>>,
}

impl Looked {
    /// The alarms of objects that have had work for a while.
    fn alarms(&self, now: UnixMs) -> Vec<WatchedAlarm> {
        let waits = |outbox: &ObjectAnswer<OutboxStatus>| WatchedAlarm {
            of: "outbox",
            is_needed: outbox.body.oldest.is_some_and(|oldest| now.since(oldest) > CALM),
            due: outbox.alarm,
        };
        let runs = |runs: &ObjectAnswer<Value>| WatchedAlarm {
            of: "import",
            is_needed: ImportKind::ALL
                .into_iter()
                .any(|kind| is_late(&runs.body[kind.name()], now)),
            due: runs.alarm,
        };
        let reads = |feed: &ObjectAnswer<Value>| WatchedAlarm {
            of: "feed",
            is_needed: feed.body["mode"] != FeedMode::Off.name(),
            due: feed.alarm,
        };
        let outbox = self.outbox.as_ref().map(waits);
        let others = [self.runs.as_ref().map(runs), self.feed.as_ref().map(reads)];
        outbox.into_iter().chain(others.into_iter().flatten()).collect()
    }
}

/// Whether a run is active, and has stored nothing for a while.
fn is_late(run: &Value, now: UnixMs) -> bool {
    let is_active = matches!(run["state"].as_str(), Some("running" | "stopping"));
    let updated = run["updatedAt"].as_str().and_then(|at| at.parse::<chrono::DateTime<_>>().ok());
    is_active
        && updated.is_some_and(|at: chrono::DateTime<chrono::Utc>| now.since(at.into()) > CALM)
}

/// Follows the causes in the objects' reports.
///
/// # Errors
/// A statement failed.
pub fn look(
    sql: &dyn Sql,
    config: &Config,
    looked: &Looked,
    receiver: AlertReceiver,
    now: UnixMs,
) -> Result<(), SqlError> {
    let mut state = state::load(sql, now)?;
    state.looked = now;
    silent(&mut state.facts.outbox_silent_since, looked.outbox.is_none(), now);
    silent(&mut state.facts.imports_silent_since, looked.runs.is_none(), now);
    let alarms = looked.alarms(now);
    let situation = Situation {
        facts: &state.facts,
        refused: refused(sql, now)?,
        outbox: looked.outbox.as_ref().map(|answered| &answered.body),
        runs: looked.runs.as_ref().map(|answered| &answered.body),
        feed: looked.feed.as_ref().map(|answered| &answered.body),
        alarms: Some(&alarms),
        rules: &config.rules.alerts,
        mode: config.mode,
        now,
    };
    let found = causes(&situation);
    state.alerts = alerts::follow(&state.alerts, &situation, found, receiver);
    state::save(sql, &state)
}

fn silent(since: &mut UnixMs, is_silent: bool, now: UnixMs) {
    *since = match (is_silent, *since) {
        (false, _) => UnixMs::EPOCH,
        (true, UnixMs::EPOCH) => now,
        (true, since) => since,
    };
}

/// The number of notifications of this project that were refused lately.
///
/// # Errors
/// A statement failed.
pub fn refused(sql: &dyn Sql, now: UnixMs) -> Result<u64, SqlError> {
    let minutes = counts::list(sql, CountSpan::Minute, now)?;
    let lately = minutes.iter().filter(|(at, _)| now.since(*at) <= REFUSED);
    Ok(lately.map(|(_, counts)| counts.refused_notifications).sum())
}

/// The alerts that are open by current knowledge, whether they are among the `known` ones or not.
#[must_use]
pub fn open_alerts(known: &[Alert], situation: &Situation<'_>) -> Vec<Alert> {
    let found = causes(situation);
    let followed = alerts::follow(known, situation, found, AlertReceiver::Unset);
    alerts::open(&followed).cloned().collect()
}

/// Whether the checks have to run.
#[must_use]
pub fn wants_checks(state: &WatchState, now: UnixMs) -> bool {
    use crate::check::CheckLevel::Failed;
    let fails = state.facts.checks.iter().any(|check| check.level == Failed);
    now.since(state.checked) >= if fails { FAILED_CHECKS } else { CHECKS }
}

/// When there is something to do: a look, or a request to the receiver.
#[must_use]
pub fn next(state: &WatchState, receiver: AlertReceiver, now: UnixMs) -> UnixMs {
    let is_calm = alerts::open(&state.alerts).next().is_none();
    let look = state.looked.max(now - CALM) + if is_calm { CALM } else { ALERT };
    let has_news =
        receiver == AlertReceiver::Set && !alerts::notices(&state.alerts, now).is_empty();
    let tell = has_news.then(|| state.receiver.free_at());
    tell.map_or(look, |tell| tell.min(look)).max(now)
}

/// The known state of realtime, as `GET /sync/status` shows it; with the hours of 30 days on request.
///
/// # Errors
/// A statement failed.
pub fn realtime(
    sql: &dyn Sql,
    state: &WatchState,
    hours: bool,
    now: UnixMs,
) -> Result<Value, SqlError> {
    let shown = |at: UnixMs| Some(at).filter(|at| *at != UnixMs::EPOCH).and_then(UnixMs::shown);
    let types: serde_json::Map<_, _> = counts::types(sql)?
        .into_iter()
        .map(|(name, seen)| {
            let seen = json!({
                "lastReceived": shown(seen.received), "lastDelivered": shown(seen.delivered),
            });
            (name, seen)
        })
        .collect();
    let mut realtime = json!({
        "since": shown(state.facts.began),
        "lastReceived": shown(state.facts.last.received),
        "lastDelivered": shown(state.facts.last.delivered),
        "counts": counts::of(sql, CountSpan::Ever, UnixMs::EPOCH)?,
        "minutes": counts::shown(&counts::list(sql, CountSpan::Minute, now)?),
        "types": types,
    });
    if hours {
        realtime["hours"] = counts::shown(&counts::list(sql, CountSpan::Hour, now)?).into();
    }
    Ok(realtime)
}
