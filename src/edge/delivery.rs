//! The work on one notification: plan, read, send, until there is a conclusion. The same for a
//! push and for what was parked; only the time that it may take differs.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::calls::{Calls, now, now_ms};
use super::log;
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::fault::{FinalFault, ReadFault, Rejection, TransientFault};
use crate::http::{Answer, NoAnswer};
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::{Conclusion, conclude};
use crate::realtime::deliver::{self, Step};
use crate::realtime::documents::{Documents, Reading};
use crate::realtime::order_contents::OrderContents;
use crate::realtime::plan::{Plan, Work, plan};

thread_local! {
    /// What this isolate read for orders lately.
    static ORDER_CONTENTS: RefCell<OrderContents> = RefCell::default();
}

/// How the work ended, and the names of what had to be cut to keep Klaviyo's limits.
pub(super) struct Delivery {
    pub(super) conclusion: Conclusion,
    pub(super) cut: Vec<String>,
}

/// What there is to do when everything is read.
pub(super) enum Ready {
    /// Nothing: this is the conclusion.
    Concluded(Conclusion),
    /// To send these, stage after stage.
    ToSend { stages: Vec<Vec<Request>>, cut: Vec<String> },
}

/// What a notification asks for, or the conclusion where it asks for nothing.
pub(super) fn work_of(config: &Config, notification: &Notification) -> Result<Work, Conclusion> {
    ORDER_CONTENTS.with_borrow_mut(|contents| contents.forget(notification));
    match plan(&config.rules, notification) {
        Ok(Plan::Work(work)) => Ok(work),
        Ok(Plan::Ignore(why)) => Err(Conclusion::Ignored(why)),
        Err(malformed) => {
            let fault = FinalFault::MessageMalformed;
            Err(Conclusion::Never(Rejection::new(fault, malformed.to_string())))
        }
    }
}

/// Single writes of the catalogue that a push can wait for: Klaviyo takes 75 of a sort in a second.
/// More of them go in jobs, which only the outbox can follow.
const MOST_CALLS: usize = 50;

/// Reads and sends until there is a conclusion.
pub(super) async fn deliver(config: &Config, calls: &Calls<'_>, work: &Work) -> Delivery {
    let ready = prepare(config, calls, std::slice::from_ref(work), None).await;
    match ready.into_iter().next().unwrap_or(Ready::Concluded(Conclusion::Delivered)) {
        Ready::Concluded(conclusion) => Delivery { conclusion, cut: Vec::new() },
        Ready::ToSend { stages, .. } if catalog_calls(&stages) > MOST_CALLS => {
            let conclusion = Conclusion::Later(TransientFault::TooManyCalls.into());
            Delivery { conclusion, cut: Vec::new() }
        }
        Ready::ToSend { stages, cut } => Delivery { conclusion: send(calls, stages).await, cut },
    }
}

fn catalog_calls(stages: &[Vec<Request>]) -> usize {
    stages.iter().flatten().filter(|request| matches!(request, Request::Catalog(_))).count()
}

/// Parks notifications that another one gives rise to.
pub(super) type Follow<'a> = dyn Fn(Vec<Map<String, Value>>) -> worker::Result<()> + 'a;

/// Reads until it is clear what to send: for many at once, in lockstep, so that what they read can be
/// asked for together. Without a way to park what follows, a notification is to be parked itself:
/// only the outbox has the time.
pub(super) async fn prepare(
    config: &Config,
    calls: &Calls<'_>,
    works: &[Work],
    follow: Option<&Follow<'_>>,
) -> Vec<Ready> {
    let mut documents: Vec<Documents> = works.iter().map(|_| Documents::default()).collect();
    let mut ready: Vec<Option<Ready>> = works.iter().map(|_| None).collect();
    loop {
        let mut places: HashMap<Reading, usize> = HashMap::new();
        let mut readings: Vec<Reading> = Vec::new();
        let mut wanted: Vec<(usize, Vec<usize>)> = Vec::new();
        for (place, work) in works.iter().enumerate() {
            if ready[place].is_some() {
                continue;
            }
            match next(config, work, &mut documents[place], follow) {
                Next::Read(asked) => {
                    let each = asked.into_iter().map(|reading| {
                        *places.entry(reading).or_insert_with_key(|reading| {
                            readings.push(reading.clone());
                            readings.len() - 1
                        })
                    });
                    wanted.push((place, each.collect()));
                }
                Next::Ready(one) => ready[place] = Some(one),
            }
        }
        if wanted.is_empty() {
            break;
        }
        let answers = calls.read(&readings).await;
        for (place, asked) in wanted {
            let added = match &answers {
                Ok(answers) => asked.iter().try_for_each(|one| {
                    add(&mut documents[place], &readings[*one], &answers[*one])
                }),
                Err(fault) => Err(fault.clone()),
            };
            if let Err(fault) = added {
                ready[place] = Some(Ready::Concluded(fault.into()));
            }
        }
    }
    // Whoever wants to read is ready or wants to read again, so nobody is left out.
    ready.into_iter().flatten().collect()
}

/// The outbox does it, or does it another time.
fn not_here() -> Conclusion {
    Conclusion::Later(TransientFault::ManyFollow.into())
}

/// What there is to do next for one notification.
enum Next {
    Read(Vec<Reading>),
    Ready(Ready),
}

/// Goes as far as it can be gone without reading.
fn next(
    config: &Config,
    work: &Work,
    documents: &mut Documents,
    follow: Option<&Follow<'_>>,
) -> Next {
    loop {
        let conclusion = match deliver::next(config, work, documents, now()) {
            Step::Read(readings) => {
                let known =
                    |contents: &OrderContents| contents.answer(readings, documents, now_ms());
                let left = ORDER_CONTENTS.with_borrow(known);
                if left.is_empty() {
                    continue;
                }
                return Next::Read(left);
            }
            Step::Follow(notifications) => match follow.map(|park| park(notifications)) {
                Some(Ok(())) => {
                    documents.followed = true;
                    continue;
                }
                Some(Err(error)) => {
                    log::failure("outbox", &error.to_string());
                    not_here()
                }
                None => not_here(),
            },
            Step::Send { stages, cut } => return Next::Ready(Ready::ToSend { stages, cut }),
            Step::Ignore(why) => Conclusion::Ignored(why),
            Step::NotYet(not_yet) => Conclusion::NotYet(not_yet),
            Step::Unmappable(fault) => Conclusion::Never(fault.into()),
        };
        return Next::Ready(Ready::Concluded(conclusion));
    }
}

/// Adds what was read, and keeps what other orders may need.
fn add(
    documents: &mut Documents,
    reading: &Reading,
    answer: &Result<Answer, NoAnswer>,
) -> Result<(), ReadFault> {
    documents.add(reading, answer)?;
    ORDER_CONTENTS.with_borrow_mut(|contents| contents.keep(reading, documents, now_ms()));
    Ok(())
}

/// Sends stage after stage, as long as everything is accepted.
pub(super) async fn send(calls: &Calls<'_>, stages: Vec<Vec<Request>>) -> Conclusion {
    for stage in stages {
        let conclusion = conclude(calls.send(stage).await);
        if conclusion != Conclusion::Delivered {
            return conclusion;
        }
    }
    Conclusion::Delivered
}
