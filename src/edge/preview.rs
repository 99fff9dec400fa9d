//! `POST /preview`: what the Worker would send to Klaviyo. The same code as in the real work reads
//! documents from both systems; the preview writes, stores and logs nothing.

use std::time::Duration;

use futures::{StreamExt, stream};
use worker::{Request, Response, Result};

use super::calls::TimedCalls;
use super::clock::now;
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
use crate::preview::subject::{self, PreviewSubject, SoughtRecord};
use crate::preview::{self, DryEnd, DryRun, DryStep, Preview};
use crate::push::conclusion::Conclusion;

/// How long all calls may take together: a caller waits.
const CALLS: Duration = Duration::from_secs(15);

/// How many notifications run at once, each with a call or two under way.
const TOGETHER: usize = 3;

pub(super) async fn answer(request: &mut Request, config: &Config) -> Result<Response> {
    let Some(body) = body::whole(request).await? else { return reply::too_large() };
    let subject = match subject::read(&body) {
        Ok(subject) => subject,
        Err(bad) => return reply::error(400, bad.code(), &bad.to_string()),
    };
    let calls = TimedCalls::within(config, CALLS);
    let preview = match &subject {
        PreviewSubject::Notifications(all) => of_notifications(config, &calls, all).await,
        PreviewSubject::Record(sought) => match of_record(config, &calls, sought).await {
            Ok(None) => return reply::error(404, "record_not_found", &sought.not_found()),
            Ok(Some(preview)) => Ok(preview),
            Err(setback) => Err(setback),
        },
    };
    match preview {
        Ok(preview) => reply::json(200, &preview),
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

/// The preview of a record; none if there is no such record.
async fn of_record(
    config: &Config,
    calls: &TimedCalls<'_>,
    sought: &SoughtRecord,
) -> std::result::Result<Option<Preview>, Setback> {
    let end = match begun(calls, sought).await {
        Ok(Some(record)) => end(config, calls, record).await?,
        Ok(None) => return Ok(None),
        Err(ReadFault::Later(setback)) => return Err(setback),
        Err(ReadFault::Never(rejection)) => Conclusion::Never(rejection).into(),
    };
    let mut preview = Preview::default();
    preview.add_record(end);
    Ok(Some(preview))
}

/// Finds a record and begins with it; none if there is no such record.
async fn begun(
    calls: &TimedCalls<'_>,
    sought: &SoughtRecord,
) -> std::result::Result<Option<DryRun>, ReadFault> {
    let Some(id) = id_of(calls, sought).await? else { return Ok(None) };
    let answer = calls.commercetools(&preview::record_query(sought.kind(), id)).await?;
    DryRun::of_record(sought.kind(), &answer)
}

/// The id of a record; none if there is no such record.
pub(super) async fn id_of(
    calls: &TimedCalls<'_>,
    sought: &SoughtRecord,
) -> std::result::Result<Option<Id>, ReadFault> {
    if let SoughtRecord::OfId { id, .. } = sought {
        return Ok(Some(id.clone()));
    }
    for search in sought.searches() {
        let answer = calls.commercetools(&search.path_and_query()).await?;
        if let Some(id) = search.found(&answer)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Runs it as far as it gets; if a system is down, returns that instead.
pub(super) async fn end(
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
