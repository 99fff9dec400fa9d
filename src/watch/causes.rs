//! What is wrong now and needs a person: a pure function of what the objects report.
//!
//! A cause has a stable code, and an object if there can be several. If an object does not answer, its area is unknown:
//! that neither makes nor ends a cause. Not in scope: the beginning of a cause, and the receiver ([`super::alerts`]).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tally::{LastSeen, RefusedNotification};
use crate::check::{Check, CheckLevel};
use crate::config::{AlertRules, AppType};
use crate::fault::{System, TransientFault};
use crate::import::kind::ImportKind;
use crate::json::read_value;
use crate::outbox::store::status::OutboxStatus;
use crate::time::UnixMs;

/// Refused notifications need a person if this many come within this time, until none came for a minute.
const REFUSALS: (usize, Duration) = (3, Duration::from_mins(5));
const NO_REFUSAL: Duration = Duration::from_mins(1);

/// The maximum delay of an alarm. An object sets one at most 20 s ahead before it works.
const LATE_ALARM: Duration = Duration::from_mins(1);

/// How long an object may fail to answer.
const SILENT_OBJECT: Duration = Duration::from_mins(1);

/// How long an active run may store nothing. A run gives up by itself after 15 minutes of its own work without
/// progress.
const STUCK: Duration = Duration::from_mins(5);

/// The check that warns of the end of Klaviyo's revision.
const REVISION_CHECK: &str = "klaviyo_api";

/// The area of a cause. If an area is unknown, its alerts stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseArea {
    /// Waiting notifications, and dead letters.
    Outbox,
    /// The runs of imports.
    Imports,
    /// The alarms of the objects, and whether they answer.
    Objects,
    /// Pushes.
    Realtime,
    /// The configuration.
    Checks,
    /// The feed of commercetools' messages.
    Feed,
}

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its area.
    pub area: CauseArea,
    /// A stable code.
    pub code: String,
    /// The object of the cause, if several are possible at once: a kind of import, an object, a check.
    pub of: Option<String>,
    /// How many records, pushes or notifications.
    pub count: u64,
    /// What happened and what to do; no personal data.
    pub detail: String,
}

/// The result of a check: a [`Check`] with its level alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCheck {
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: CheckLevel,
    /// The result, and what to do.
    pub detail: String,
}

impl From<&Check> for KeptCheck {
    fn from(check: &Check) -> Self {
        Self { name: check.name.to_owned(), level: check.level, detail: check.detail.clone() }
    }
}

/// What the object itself knows. [`UnixMs::EPOCH`] means that there is no such time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchedFacts {
    /// Since when it has been watching.
    pub began: UnixMs,
    /// When something was last received and delivered.
    pub last: LastSeen,
    /// The last refused notifications, the newest first.
    pub refusals: Vec<RefusedNotification>,
    /// Since when the outbox has not answered, if it does not.
    pub outbox_silent_since: UnixMs,
    /// The same for the imports.
    pub imports_silent_since: UnixMs,
    /// The results of the last checks.
    pub checks: Vec<KeptCheck>,
}

/// An object's alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedAlarm {
    /// The object's name.
    pub of: &'static str,
    /// Whether it has work to do.
    pub is_needed: bool,
    /// Its time, if it is set.
    pub due: Option<UnixMs>,
}

/// Everything that decides the causes.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the object itself knows.
    pub facts: &'a WatchedFacts,
    /// Pushes that were refused in the last 5 minutes although they are notifications of this project.
    pub refused: u64,
    /// What the outbox reports; none if it does not answer.
    pub outbox: Option<&'a OutboxStatus>,
    /// The runs by their kind, as the endpoints show them; none if their object does not answer.
    pub runs: Option<&'a Value>,
    /// The state of the feed, as the endpoint shows it; none if it does not answer.
    pub feed: Option<&'a Value>,
    /// The alarms; none if there was no look.
    pub alarms: Option<&'a [WatchedAlarm]>,
    /// When to alert.
    pub rules: &'a AlertRules,
    /// The active parts.
    pub mode: AppType,
    /// The present.
    pub now: UnixMs,
}

impl Situation<'_> {
    /// Whether the causes of an area are known.
    #[must_use]
    pub fn knows(&self, area: CauseArea) -> bool {
        match area {
            CauseArea::Outbox => self.outbox.is_some(),
            CauseArea::Imports => self.runs.is_some(),
            CauseArea::Objects => self.alarms.is_some(),
            CauseArea::Feed => self.feed.is_some(),
            CauseArea::Realtime | CauseArea::Checks => true,
        }
    }
}

/// All causes.
#[must_use]
pub fn causes(situation: &Situation<'_>) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(outbox) = situation.outbox {
        causes.extend(of_outbox(situation, outbox));
    }
    if let Some(runs) = situation.runs {
        causes.extend(ImportKind::ALL.into_iter().flat_map(|kind| of_run(situation, kind, runs)));
    }
    causes.extend(situation.feed.into_iter().flat_map(|feed| of_feed(situation, feed)));
    causes.extend(of_objects(situation));
    causes.extend(of_realtime(situation));
    causes.extend(situation.facts.checks.iter().filter_map(of_check));
    causes
}

/// Refusals that only an operator can fix: a key, a client, a scope, a revision.
const REFUSED: [(System, u16); 8] = [
    (System::Klaviyo, 401),
    (System::Klaviyo, 403),
    (System::Klaviyo, 410),
    (System::CommercetoolsToken, 400),
    (System::CommercetoolsToken, 401),
    (System::CommercetoolsToken, 403),
    (System::Commercetools, 401),
    (System::Commercetools, 403),
];

fn of_outbox(situation: &Situation<'_>, outbox: &OutboxStatus) -> Vec<Cause> {
    let cause = |code: String, count: u64, detail: String| Cause {
        area: CauseArea::Outbox,
        code,
        of: None,
        count,
        detail,
    };
    let mut causes = Vec::new();
    for (system, status) in REFUSED {
        let fault = TransientFault::Status(system, status);
        let code = fault.code();
        let waiting = outbox.last_errors.iter().find(|waiting| waiting.code == code);
        if let (Some(waiting), Some(what)) = (waiting, fault.mended_by_operator()) {
            let count = u64::from(waiting.count);
            causes.push(cause(
                code.into_owned(),
                count,
                format!("{what}. {} until then.", waits(count)),
            ));
        }
    }
    let dead = u64::from(outbox.dead_letters);
    if dead > 0 {
        let detail = format!(
            "{} could not be delivered: see why, then retry or delete.",
            counted(dead, "notification", "notifications")
        );
        causes.push(cause("dead_letters".to_owned(), dead, detail));
    }
    let patience = Duration::from_mins(situation.rules.waiting_minutes.into());
    let age = outbox.oldest.map(|oldest| situation.now.since(oldest));
    if !patience.is_zero() && age.is_some_and(|age| age > patience) {
        let count = u64::from(outbox.waiting);
        let why = outbox.last_errors.first().map(|waiting| waiting.code.as_str());
        let detail = format!(
            "{}, the oldest for more than {} minutes ({}).",
            waits(count),
            situation.rules.waiting_minutes,
            why.unwrap_or("no reason is known")
        );
        causes.push(cause("waiting_long".to_owned(), count, detail));
    }
    causes
}

/// The relevant members of a shown run.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WatchedRun {
    state: String,
    failures: u64,
    updated_at: Option<DateTime<Utc>>,
    error: Option<WatchedRunError>,
    waiting: Option<WatchedRunWaiting>,
}

#[derive(Deserialize)]
struct WatchedRunError {
    code: String,
}

#[derive(Deserialize)]
struct WatchedRunWaiting {
    code: String,
    since: DateTime<Utc>,
}

fn of_run(situation: &Situation<'_>, kind: ImportKind, runs: &Value) -> Vec<Cause> {
    let name = kind.name();
    let cause = |code: &str, count, detail| Cause {
        area: CauseArea::Imports,
        code: code.to_owned(),
        of: Some(name.to_owned()),
        count,
        detail,
    };
    let run: WatchedRun = read_value(&runs[name]).unwrap_or_default();
    let mut causes = Vec::new();
    if run.state == "failed" {
        let code = run.error.map_or_else(|| "unknown".to_owned(), |error| error.code);
        let detail = format!("The import of {name} failed ({code}): fix that, then resume it.");
        causes.push(cause("import_failed", 1, detail));
    }
    let now = situation.now;
    let patience = Duration::from_mins(situation.rules.waiting_minutes.max(1).into());
    let late = run.updated_at.filter(|at| now.since((*at).into()) > STUCK);
    let waits = run.waiting.filter(|waiting| now.since(waiting.since.into()) > patience);
    if matches!(run.state.as_str(), "running" | "stopping") && (late.is_some() || waits.is_some()) {
        let why = waits.map_or_else(|| "nothing happens".to_owned(), |waiting| waiting.code);
        causes.push(cause("import_stuck", 1, format!("The import of {name} is stuck ({why}).")));
    }
    if run.failures > 0 {
        let detail = format!(
            "{} of the {name} could not be sent: see why, then retry or forget.",
            run.failures
        );
        causes.push(cause("import_failures", run.failures, detail));
    }
    causes
}

fn of_objects(situation: &Situation<'_>) -> Vec<Cause> {
    let cause = |code: &str, of: &str, detail| Cause {
        area: CauseArea::Objects,
        code: code.to_owned(),
        of: Some(of.to_owned()),
        count: 1,
        detail,
    };
    let Some(alarms) = situation.alarms else { return Vec::new() };
    let late = alarms.iter().filter(|alarm| {
        let is_late = |due| situation.now.since(due) > LATE_ALARM;
        alarm.is_needed && alarm.due.is_none_or(is_late)
    });
    let late = late.map(|alarm| {
        let detail = format!(
            "The alarm of the object {} did not come: see Cloudflare's status page and the log. The \
             cron trigger sets it anew each minute.",
            alarm.of
        );
        cause("alarm_missing", alarm.of, detail)
    });
    let facts = situation.facts;
    let silent = [("outbox", facts.outbox_silent_since), ("import", facts.imports_silent_since)];
    let silent = silent.into_iter().filter(|(_, since)| {
        *since != UnixMs::EPOCH && situation.now.since(*since) > SILENT_OBJECT
    });
    let silent = silent.map(|(of, _)| {
        let detail = format!(
            "The object {of} does not answer: see the log (\"event\":\"failure\") and Cloudflare's \
             status page."
        );
        cause("object_silent", of, detail)
    });
    late.chain(silent).collect()
}

fn of_realtime(situation: &Situation<'_>) -> Vec<Cause> {
    let Situation { facts, now, rules, .. } = *situation;
    let cause = |code: &str, count, detail| Cause {
        area: CauseArea::Realtime,
        code: code.to_owned(),
        of: None,
        count,
        detail,
    };
    let mut causes = Vec::new();
    if let (Some(newest), Some(oldest)) =
        (facts.refusals.first(), facts.refusals.get(REFUSALS.0 - 1))
        && newest.at.since(oldest.at) <= REFUSALS.1
        && now.since(newest.at) <= NO_REFUSAL
    {
        let detail = format!(
            "Notifications of this project are refused (401): {}. The broker keeps or drops them.",
            newest.carried.hint()
        );
        causes.push(cause("pushes_refused", situation.refused, detail));
    }
    let silence = Duration::from_hours(rules.silence_hours.into());
    let heard = facts.last.received.max(facts.began);
    if situation.mode.realtime() && !silence.is_zero() && now.since(heard) > silence {
        let detail = format!(
            "Nothing was received for {} hours: see the Subscription's health in the Merchant Center, \
             and the broker.",
            rules.silence_hours
        );
        causes.push(cause("silence", 1, detail));
    }
    causes
}

/// For how long a loss of the broker needs a person.
const LOST: Duration = Duration::from_hours(1);

/// The assumed retention of messages in days, if the client may not read the project.
const LEAST_DAYS_KEPT: u64 = 2;

/// How long the feed may fail for a reason that passes by itself.
const FAILING: Duration = Duration::from_mins(1);

fn of_feed(situation: &Situation<'_>, feed: &Value) -> Vec<Cause> {
    let since = |name: &str| {
        let at = feed[name].as_str()?.parse::<DateTime<Utc>>().ok()?;
        Some(situation.now.since(at.into()))
    };
    let cause = |code: &str, count, detail| Cause {
        area: CauseArea::Feed,
        code: code.to_owned(),
        of: None,
        count,
        detail,
    };
    let mut causes = Vec::new();
    let lasts = since("failingSince").is_some_and(|length| length > FAILING);
    if let (Some(words), true) = (feed["lastError"].as_str(), lasts || feed["needsPerson"] == true)
    {
        let detail =
            format!("The feed reads nothing: {words}. After a fix it continues from there.");
        causes.push(cause("feed_failing", 1, detail));
    }
    let days = feed["retentionDays"].as_u64();
    let half = Duration::from_hours(12 * days.unwrap_or(LEAST_DAYS_KEPT));
    if let Some(lag) = feed["lagSeconds"].as_u64().filter(|lag| *lag > half.as_secs()) {
        let kept = days.map_or_else(
            || "only for a while".to_owned(),
            |days| format!("for {}", counted(days, "day", "days")),
        );
        let detail = format!(
            "The feed is {} hours behind, and commercetools keeps messages {kept}: what it has not read by \
             then is lost. Mend what GET /feed says, or have them kept for longer.",
            lag / 3_600
        );
        causes.push(cause("feed_behind", 1, detail));
    }
    let lost = feed["lostByBroker"]["count"].as_u64().unwrap_or_default();
    if lost > 0 && since("lastLost").is_some_and(|length| length <= LOST) {
        let detail = format!(
            "{} not brought by the broker within a minute, and delivered by the feed: see GET /feed, the \
             Subscription's health and the broker.",
            counted(lost, "notification was", "notifications were")
        );
        causes.push(cause("lost_by_broker", lost, detail));
    }
    causes
}

fn of_check(check: &KeptCheck) -> Option<Cause> {
    let code = match check.level {
        CheckLevel::Failed => "check_failed",
        CheckLevel::Warning if check.name == REVISION_CHECK => "klaviyo_revision_ends",
        CheckLevel::Warning | CheckLevel::Ok => return None,
    };
    Some(Cause {
        area: CauseArea::Checks,
        code: code.to_owned(),
        of: Some(check.name.clone()),
        count: 1,
        detail: format!("{}: {}.", check.name, check.detail),
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn waits(count: u64) -> String {
    let verb = if count == 1 { "waits" } else { "wait" };
    format!("{} {verb}", counted(count, "notification", "notifications"))
}

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
