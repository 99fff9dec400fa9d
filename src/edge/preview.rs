//! `POST /preview`: what would be sent to Klaviyo. Documents are read from both systems, by the very
//! code that does the work; nothing is written, stored or logged.

use std::cell::Cell;
use std::time::Duration;

use futures::{StreamExt, future, stream};
use worker::{Request, Response, Result};

use super::calls::{Calls, now};
use super::delivery::{Ready, prepare, work_of};
use super::{body, reply};
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::fault::{ReadFault, Setback};
use crate::import::preview::{PreviewEnd, PreviewStep, RecordPreview, reading};
use crate::import::run::ImportKind;
use crate::preview::{self, Preview, Subject};
use crate::realtime::conclusion::Conclusion;
use crate::realtime::deliver::delivery::Delivery;

/// How long all calls may take together: a person waits.
const CALLS: Duration = Duration::from_secs(15);

/// Notifications that are looked at at once, each with a call or two under way.
const TOGETHER: usize = 3;

pub(super) async fn answer(request: &mut Request, config: &Config) -> Result<Response> {
    let Some(body) = body::whole(request).await? else { return reply::too_large() };
    let subject = match preview::read(&body) {
        Ok(subject) => subject,
        Err(bad) => return reply::error(400, bad.code(), &bad.to_string()),
    };
    let calls = Calls::within(config, CALLS);
    let preview = match subject {
        Subject::Notifications(all) => of_notifications(config, &calls, &all).await.map(Some),
        Subject::Record { kind, id } => of_record(config, &calls, kind, id).await,
    };
    match preview {
        Ok(Some(preview)) => reply::json(200, &preview),
        Ok(None) => reply::error(
            404,
            "record_not_found",
            "commercetools has no record of this kind and id, or the API client may not see it.",
        ),
        Err(setback) => reply::unavailable(
            &setback.fault.code(),
            "What it needs cannot be read now; try again. GET /check says what is wrong.",
        ),
    }
}

async fn of_notifications(
    config: &Config,
    calls: &Calls<'_>,
    notifications: &[Notification],
) -> std::result::Result<Preview, Setback> {
    let looked_at: Vec<_> = stream::iter(notifications)
        .map(|notification| look(config, calls, notification))
        .buffered(TOGETHER)
        .collect()
        .await;
    let mut preview = Preview::default();
    for (ready, follow) in looked_at {
        match ready {
            Ready::ToSend { stages, .. } => preview.deliver(&stages.concat(), follow),
            Ready::Concluded(Conclusion::Later(setback)) => return Err(setback),
            Ready::Concluded(conclusion) => preview.conclude(conclusion),
        }
    }
    Ok(preview)
}

/// What there is to send for a notification, and how many others it gives rise to. These would be
/// parked by the outbox; here they are only counted.
async fn look(config: &Config, calls: &Calls<'_>, notification: &Notification) -> (Ready, usize) {
    let work = match work_of(config, notification) {
        Ok(work) => work,
        Err(conclusion) => return (Ready::Concluded(conclusion), 0),
    };
    let follow = Cell::new(0);
    let count = |others: Vec<_>| {
        follow.set(follow.get() + others.len());
        Ok(())
    };
    let ready =
        prepare(config, calls, &mut [Delivery::new(work)], Some(&count)).await.into_iter().next();
    (ready.unwrap_or(Ready::Concluded(Conclusion::Delivered)), follow.get())
}

/// The preview of a record; none where there is no such record.
async fn of_record(
    config: &Config,
    calls: &Calls<'_>,
    kind: ImportKind,
    id: Id,
) -> std::result::Result<Option<Preview>, Setback> {
    let mut preview = Preview::default();
    match import(config, calls, kind, id).await {
        Ok(Some(end)) => preview.import(end),
        Ok(None) => return Ok(None),
        Err(ReadFault::Later(setback)) => return Err(setback),
        Err(ReadFault::Never(rejection)) => preview.import(PreviewEnd::Fail(rejection)),
    }
    Ok(Some(preview))
}

async fn import(
    config: &Config,
    calls: &Calls<'_>,
    kind: ImportKind,
    id: Id,
) -> std::result::Result<Option<PreviewEnd>, ReadFault> {
    let answer = calls.make(reading(kind, id)).await?;
    let Some(mut record) = RecordPreview::read(kind, &answer)? else { return Ok(None) };
    loop {
        let asked = match record.next(config, now()) {
            PreviewStep::Read(asked) => asked,
            PreviewStep::End(end) => return Ok(Some(end)),
        };
        let answers = future::join_all(asked.iter().map(|asked| calls.make(asked.call()))).await;
        for (asked, answer) in asked.iter().zip(answers) {
            record.learn(asked, &answer?)?;
        }
    }
}
