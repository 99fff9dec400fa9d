//! The work on one notification: plan, read, send, until there is a conclusion. The same for a
//! push and for what was parked; only the time that it may take differs.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::calls::{Calls, now, now_ms};
use super::log;
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::http::{Passing, ReadFault};
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::{Conclusion, Fault, conclude};
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
            Err(Conclusion::Never(Fault::new("message_malformed", malformed.to_string())))
        }
    }
}

/// Reads and sends until there is a conclusion.
pub(super) async fn deliver(config: &Config, calls: &Calls<'_>, work: &Work) -> Delivery {
    match prepare(config, calls, work, None).await {
        Ready::Concluded(conclusion) => Delivery { conclusion, cut: Vec::new() },
        Ready::ToSend { stages, cut } => Delivery { conclusion: send(calls, stages).await, cut },
    }
}

/// Parks notifications that another one gives rise to.
pub(super) type Follow<'a> = dyn Fn(Vec<Map<String, Value>>) -> worker::Result<()> + 'a;

/// Reads until it is clear what to send. Without a way to park what follows, the notification is
/// to be parked itself: only the outbox has the time.
pub(super) async fn prepare(
    config: &Config,
    calls: &Calls<'_>,
    work: &Work,
    follow: Option<&Follow<'_>>,
) -> Ready {
    let mut documents = Documents::default();
    loop {
        let conclusion = match deliver::next(config, work, &documents, now()) {
            Step::Read(readings) => match read(calls, readings, &mut documents).await {
                Ok(()) => continue,
                Err(fault) => fault.into(),
            },
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
            Step::Send { stages, cut } => return Ready::ToSend { stages, cut },
            Step::Ignore(why) => Conclusion::Ignored(why),
            Step::NotYet(not_yet) => Conclusion::NotYet(not_yet),
            Step::Unmappable(fault) => Conclusion::Never(fault.into()),
        };
        return Ready::Concluded(conclusion);
    }
}

/// The outbox does it, or does it another time.
fn not_here() -> Conclusion {
    Conclusion::Later(Passing { code: "many_follow".to_owned(), retry_after: None })
}

/// Reads what is not known of these, all at once.
async fn read(
    calls: &Calls<'_>,
    readings: Vec<Reading>,
    documents: &mut Documents,
) -> Result<(), ReadFault> {
    let known = |contents: &OrderContents| contents.answer(readings, documents, now_ms());
    let readings = ORDER_CONTENTS.with_borrow(known);
    if readings.is_empty() {
        return Ok(());
    }
    for (reading, answer) in readings.iter().zip(calls.read(&readings).await?) {
        documents.add(reading, &answer)?;
        ORDER_CONTENTS.with_borrow_mut(|contents| contents.keep(reading, documents, now_ms()));
    }
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
