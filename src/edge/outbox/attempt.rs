//! One try of one parked row: from its notification to what is to be sent, and from the conclusion
//! to what becomes of the row.
//!
//! A row is put off *before* it is tried, so that one that brings the object down does not come
//! first again. It is removed when it is done, if no newer generation came meanwhile.

use std::time::Duration;

use worker::{Result, SqlStorage};

use super::dead_letters::{self, NewDeadLetter};
use super::parked::{self, Row};
use super::{erasure, jitter, millis, offspring};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::edge::calls::{Calls, now_ms};
use crate::edge::delivery::{Ready, prepare, work_of};
use crate::edge::log::{self, Effort};
use crate::http::Passing;
use crate::klaviyo::event::Event;
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::{Conclusion, Fault};
use crate::realtime::envelope::{self, Item};
use crate::realtime::outcome::Outcome;
use crate::realtime::parking::{backoff, patience};
use crate::realtime::plan::{Ignored, Work};

/// A row that is being tried.
pub(super) struct Attempt {
    row: Row,
    item: Item,
    content: Vec<u8>,
    effort: Effort,
    started: u64,
    requests: Vec<Vec<Request>>,
}

impl Attempt {
    /// What the row alone would send.
    pub(super) fn stages(&self) -> Vec<Vec<Request>> {
        self.requests.clone()
    }
}

/// How far a row got without sending anything.
pub(super) enum Trial {
    /// It is settled; whether the systems did their part.
    Finished { systems_worked: bool },
    /// It gives only events, which can go with those of others.
    Events(Attempt, Vec<Event>),
    /// It gives these requests.
    ToSend(Attempt, Vec<Vec<Request>>),
}

/// Reads what a row needs.
pub(super) async fn start(
    sql: &SqlStorage,
    config: &Config,
    calls: &Calls<'_>,
    row: &Row,
) -> Result<Trial> {
    let due = now_ms() + millis(backoff(row.attempts, None, jitter()));
    let Some(content) = parked::begin(sql, row, due)? else {
        // Its place is taken by a newer notification, which has its own turn.
        return Ok(Trial::Finished { systems_worked: true });
    };
    let started = now_ms();
    let Some(item) = envelope::decode(&content, None).items.into_iter().next() else {
        parked::remove(sql, row)?;
        return Ok(Trial::Finished { systems_worked: true });
    };
    let ready = match &item {
        Item::Notification(notification) => match work_of(config, notification) {
            Ok(work) => {
                if let Work::Erasure(customer) = &work {
                    erasure::erase(sql, customer.as_str())?;
                }
                let follow = |following| offspring::park(sql, config, following);
                prepare(config, calls, &work, Some(&follow)).await
            }
            Err(conclusion) => Ready::Concluded(conclusion),
        },
        Item::Refused { why, .. } => {
            Ready::Concluded(Conclusion::Never(Fault::new(why.code(), why.to_string())))
        }
    };
    let effort = Effort { duration_ms: 0, calls: calls.made(), cut: Vec::new() };
    let mut attempt =
        Attempt { row: row.clone(), item, content, effort, started, requests: Vec::new() };
    match ready {
        Ready::Concluded(conclusion) => {
            let systems_worked = finish(sql, config, attempt, conclusion)?;
            Ok(Trial::Finished { systems_worked })
        }
        Ready::ToSend { stages, cut } => {
            attempt.effort.cut = cut;
            match only_events(&stages) {
                Some(events) => {
                    attempt.requests = stages;
                    Ok(Trial::Events(attempt, events))
                }
                None => Ok(Trial::ToSend(attempt, stages)),
            }
        }
    }
}

/// The events of these requests, if they are nothing else.
fn only_events(stages: &[Vec<Request>]) -> Option<Vec<Event>> {
    let [stage] = stages else { return None };
    let mut events = Vec::new();
    for request in stage {
        match request {
            Request::CreateEvent(event) => events.push((**event).clone()),
            Request::CreateEvents(several) => events.extend(several.iter().cloned()),
            _ => return None,
        }
    }
    Some(events)
}

/// Settles a row; whether the systems did their part.
pub(super) fn finish(
    sql: &SqlStorage,
    config: &Config,
    attempt: Attempt,
    conclusion: Conclusion,
) -> Result<bool> {
    let Attempt { row, item, content, mut effort, started, .. } = attempt;
    let expired = row.since + config.rules.outbox.retention_ms() < now_ms();
    let mut systems_worked = true;
    let outcome = match conclusion {
        Conclusion::Delivered => {
            parked::remove(sql, &row)?;
            Outcome::Delivered
        }
        Conclusion::Ignored(why) => {
            parked::remove(sql, &row)?;
            Outcome::Ignored(why)
        }
        Conclusion::Never(fault) => give_up(sql, &row, &item, fault, &content)?,
        Conclusion::Later(Passing { code, .. }) if expired => {
            give_up(sql, &row, &item, expiry(&code), &content)?
        }
        Conclusion::NotYet(not_yet) if expired => {
            give_up(sql, &row, &item, expiry(not_yet.code()), &content)?
        }
        Conclusion::Later(Passing { code, retry_after }) => {
            let wait = backoff(row.attempts + 1, retry_after, jitter());
            parked::put_off(sql, &row, now_ms() + millis(wait), &code)?;
            systems_worked = false;
            Outcome::Parked { code }
        }
        Conclusion::NotYet(not_yet) => {
            let age = Duration::from_millis(now_ms().saturating_sub(row.since));
            let wait = patience(row.attempts + 1, age, jitter());
            parked::put_off(sql, &row, now_ms() + millis(wait), not_yet.code())?;
            Outcome::Parked { code: not_yet.code().to_owned() }
        }
    };
    effort.duration_ms = now_ms() - started;
    log::notification(&item, &outcome, &effort);
    Ok(systems_worked)
}

fn expiry(code: &str) -> Fault {
    let detail = "It was tried for as long as CONFIG.outbox.retentionDays says.";
    Fault::new(format!("expired_{code}"), detail)
}

/// Makes a dead letter of a row, if it is there still: it may have been erased meanwhile, or a newer
/// generation has its own turn.
fn give_up(
    sql: &SqlStorage,
    row: &Row,
    item: &Item,
    fault: Fault,
    content: &[u8],
) -> Result<Outcome> {
    if !parked::remove(sql, row)? {
        return Ok(Outcome::Ignored(Ignored::Superseded));
    }
    let code = fault.code.clone();
    let notification: Option<&Notification> = match item {
        Item::Notification(notification) => Some(notification),
        Item::Refused { .. } => None,
    };
    let letter = NewDeadLetter::of(notification, fault, row.attempts + 1);
    let id = dead_letters::keep(sql, &letter, content)?;
    Ok(Outcome::DeadLettered { id, code })
}
