//! The work on one notification: plan, read, send, until there is a conclusion. The same for a
//! push and for what was parked; only the time that it may take differs.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::calls::{Calls, now, now_ms};
use super::log;
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::fault::{FinalFault, ReadFault, Rejection, TransientFault};
use crate::http::{Answer, NoAnswer};
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::{Conclusion, conclude};
use crate::realtime::deliver::delivery::{Delivery, DeliveryStep};
use crate::realtime::documents::Reading;
use crate::realtime::order_contents::OrderContents;
use crate::realtime::plan::{Plan, Work, plan};

thread_local! {
    /// What this isolate read for orders lately.
    static ORDER_CONTENTS: RefCell<OrderContents> = RefCell::default();
}

/// How the work ended, and the names of what had to be cut to keep Klaviyo's limits.
pub(super) struct Delivered {
    pub(super) conclusion: Conclusion,
    pub(super) cut: Vec<String>,
    /// The customer whose profile was written, and who is gone by now.
    pub(super) written_and_gone: Option<Id>,
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
pub(super) async fn deliver(config: &Config, calls: &Calls<'_>, work: Work) -> Delivered {
    let mut deliveries = [Delivery::new(work)];
    let mut all_cut = Vec::new();
    loop {
        let ready = prepare(config, calls, &mut deliveries, None).await;
        let ready = ready.into_iter().next();
        let conclusion = match ready.unwrap_or(Ready::Concluded(Conclusion::Delivered)) {
            Ready::Concluded(conclusion) => conclusion,
            Ready::ToSend { stages, .. } if catalog_calls(&stages) > MOST_CALLS => {
                Conclusion::Later(TransientFault::TooManyCalls.into())
            }
            Ready::ToSend { stages, cut } => {
                all_cut = cut;
                match send(calls, stages.clone()).await {
                    Conclusion::Delivered => {
                        deliveries[0].taken(&stages);
                        continue;
                    }
                    conclusion => conclusion,
                }
            }
        };
        let gone = deliveries[0].gone_customer().filter(|_| deliveries[0].has_written());
        let written_and_gone = gone.cloned();
        return Delivered { conclusion, cut: all_cut, written_and_gone };
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
    deliveries: &mut [Delivery],
    follow: Option<&Follow<'_>>,
) -> Vec<Ready> {
    let mut ready: Vec<Option<Ready>> = deliveries.iter().map(|_| None).collect();
    loop {
        let mut places: HashMap<Reading, usize> = HashMap::new();
        let mut readings: Vec<Reading> = Vec::new();
        let mut wanted: Vec<(usize, Vec<usize>)> = Vec::new();
        for (place, delivery) in deliveries.iter_mut().enumerate() {
            if ready[place].is_some() {
                continue;
            }
            match next(config, delivery, follow) {
                NextStep::Read(asked) => {
                    let each = asked.into_iter().map(|reading| {
                        *places.entry(reading).or_insert_with_key(|reading| {
                            readings.push(reading.clone());
                            readings.len() - 1
                        })
                    });
                    wanted.push((place, each.collect()));
                }
                NextStep::Ready(one) => ready[place] = Some(one),
            }
        }
        if wanted.is_empty() {
            break;
        }
        let answers = calls.read(&readings).await;
        for (place, asked) in wanted {
            let added = match &answers {
                Ok(answers) => asked.iter().try_for_each(|one| {
                    add(&mut deliveries[place], &readings[*one], &answers[*one])
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
enum NextStep {
    Read(Vec<Reading>),
    Ready(Ready),
}

/// Goes as far as it can be gone without reading.
fn next(config: &Config, delivery: &mut Delivery, follow: Option<&Follow<'_>>) -> NextStep {
    loop {
        let conclusion = match delivery.next(config, now()) {
            DeliveryStep::Read(readings) => {
                let documents = delivery.documents_mut();
                let known =
                    |contents: &OrderContents| contents.answer(readings, documents, now_ms());
                let left = ORDER_CONTENTS.with_borrow(known);
                if left.is_empty() {
                    continue;
                }
                return NextStep::Read(left);
            }
            DeliveryStep::Follow(notifications) => match follow.map(|park| park(notifications)) {
                Some(Ok(())) => {
                    delivery.followed();
                    continue;
                }
                Some(Err(error)) => {
                    log::failure("outbox", &error.to_string());
                    not_here()
                }
                None => not_here(),
            },
            DeliveryStep::Send { stages, cut } => {
                return NextStep::Ready(Ready::ToSend { stages, cut });
            }
            DeliveryStep::Conclude(conclusion) => conclusion,
        };
        return NextStep::Ready(Ready::Concluded(conclusion));
    }
}

/// Adds what was read, and keeps what other orders may need.
fn add(
    delivery: &mut Delivery,
    reading: &Reading,
    answer: &Result<Answer, NoAnswer>,
) -> Result<(), ReadFault> {
    delivery.add(reading, answer)?;
    let documents = delivery.documents_mut();
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
