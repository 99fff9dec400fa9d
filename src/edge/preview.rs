//! `POST /preview`: what would be sent to Klaviyo. Documents are read from both systems, by the very
//! code that does the work; nothing is written, stored or logged.

use std::time::Duration;

use futures::{StreamExt, stream};
use worker::{Request, Response, Result};

use super::calls::{TimedCalls, now};
use super::delivery::work_of;
use super::shared::with_shared;
use super::{body, reply};
use crate::assembly::delivery::Delivery;
use crate::assembly::together::together;
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::engine::call::HostCall;
use crate::fault::{ReadFault, Setback};
use crate::import::run::ImportKind;
use crate::preview::{self, DryEnd, DryRun, DryStep, Preview, PreviewSubject};
use crate::push::conclusion::Conclusion;

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
    let calls = TimedCalls::within(config, CALLS);
    let preview = match subject {
        PreviewSubject::Notifications(all) => {
            of_notifications(config, &calls, &all).await.map(Some)
        }
        PreviewSubject::Record { kind, id } => of_record(config, &calls, kind, id).await,
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
    calls: &TimedCalls<'_>,
    notifications: &[Notification],
) -> std::result::Result<Preview, Setback> {
    let ends: Vec<_> = stream::iter(notifications)
        .map(|notification| async move {
            match work_of(config, notification) {
                Ok(work) => end(config, calls, DryRun::new(Delivery::new(work))).await,
                Err(conclusion) => Ok(conclusion.into()),
            }
        })
        .buffered(TOGETHER)
        .collect()
        .await;
    let mut preview = Preview::default();
    for end in ends {
        preview.add_notification(end?);
    }
    Ok(preview)
}

/// The preview of a record; none where there is no such record.
async fn of_record(
    config: &Config,
    calls: &TimedCalls<'_>,
    kind: ImportKind,
    id: Id,
) -> std::result::Result<Option<Preview>, Setback> {
    let answer = calls.commercetools(&preview::record_query(kind, id)).await?;
    let end = match DryRun::of_record(kind, &answer) {
        Ok(Some(record)) => end(config, calls, record).await?,
        Ok(None) => return Ok(None),
        Err(ReadFault::Later(setback)) => return Err(setback),
        Err(ReadFault::Never(rejection)) => Conclusion::Never(rejection).into(),
    };
    let mut preview = Preview::default();
    preview.add_record(end);
    Ok(Some(preview))
}

/// Brings it as far as it gets; a system that is out is told instead.
async fn end(
    config: &Config,
    calls: &TimedCalls<'_>,
    mut unit: DryRun,
) -> std::result::Result<DryEnd, Setback> {
    loop {
        let next =
            with_shared(|shared| unit.next(|delivery| delivery.next_with(config, shared, now())));
        let mut asked = match next {
            DryStep::Read(readings) => together(readings.into_iter().map(|reading| (0, reading))),
            DryStep::End(DryEnd { conclusion: Conclusion::Later(setback), .. }) => {
                return Err(setback);
            }
            DryStep::End(end) => return Ok(end),
        };
        while let Some(joint) = asked.pop() {
            let answer = calls.make(HostCall::of_reading(&joint)).await?;
            let handed_out = joint.hand_out(Ok(&answer));
            for part in &handed_out.parts {
                match with_shared(|shared| unit.delivery_mut().take(part, shared, now())) {
                    Ok(()) => {}
                    Err(ReadFault::Later(setback)) => return Err(setback),
                    Err(ReadFault::Never(rejection)) => {
                        return Ok(Conclusion::Never(rejection).into());
                    }
                }
            }
            asked.extend(handed_out.further);
        }
    }
}
