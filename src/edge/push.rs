//! `POST /` and `POST /events`: a push, from its bytes to its status.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use worker::{Env, Request, Response, Result};

use super::auth::PushDenial;
use super::body::NoBody;
use super::calls::TimedCalls;
use super::clock::{now, now_ms};
use super::delivery::{EndedPush, deliver, work_of};
use super::log::{self, WorkEffort};
use super::outbox;
use super::{accepted, auth, body, feed, handshake, import, reply, watch};
use crate::config::Config;
use crate::engine::deliveries::machine::DoubtfulWrites;
use crate::engine::deliveries::{DeliveryEnd, EndedDelivery};
use crate::fault::TransientFault;
use crate::mapping::body::Cut;
use crate::outbox::push_end::{
    ItemEnd, PushEnd, edge_entry, entries, not_stored, outcomes, push_end, untried,
};
use crate::outbox::store::erasure::EraseAgain;
use crate::outbox::store::new_parked::UnverifiedWrites;
use crate::push::conclusion::Conclusion;
use crate::push::envelope::{self, DecodedPush, PushedItem};
use crate::push::outcome::{Outcome, PushReply, reply as worst};
use crate::push::parking::by_resource;
use crate::push::plan::Work;
use crate::push::sender::PushSender;
use crate::time::UnixMs;
use crate::watch::tally::RefusedCredentials;

/// How long the calls of a push may take together. An answer is due within 4 s (`EventBridge`
/// waits 5 s); the rest is for storing what could not be done.
const CALLS: Duration = Duration::from_millis(2_500);

/// The most changes of one push that are delivered at once. Each takes some 200 ms of a connection (a read and a
/// write), so six connections do some forty in the time of the calls; and Klaviyo's limit is 75 writes of a sort in a
/// second. If there are more, all are parked untried, and together: bulk reads and writes cost fewer calls, and end
/// sooner.
const MOST_CHANGES: usize = 40;

/// When a push has to store: an answer is due within 4 s.
const ANSWER: Duration = Duration::from_millis(3_400);

pub(super) async fn answer(request: &mut Request, env: &Env, config: &Config) -> Result<Response> {
    let claim = match auth::claim(config, request)? {
        Ok(claim) => claim,
        Err(denied) => return refuse(request, config, denied).await,
    };
    let began = now_ms();
    let sender = match auth::verify(config, claim).await {
        Ok(sender) => sender,
        Err(denied) => return refuse(request, config, denied).await,
    };
    let spent = now_ms().since(began);
    let body = body::pushed(request, sender).await?;
    if matches!(body, Err(NoBody::Busy)) {
        return reply::unavailable("busy", "Other large bodies are being processed; try again.");
    }
    // The time that the sender took to send the body does not count.
    let started = now_ms() - spent;
    let patience = config.push_patience.unwrap_or(CALLS);
    let calls = TimedCalls::within(config, patience.saturating_sub(spent));
    let bytes = body.as_ref().ok().map(|body| body.bytes.as_slice());
    if sender == PushSender::Stranger
        && let Err(denied) = auth::verify_body(config, bytes).await
    {
        return refuse_body(request, config, denied, bytes.unwrap_or_default());
    }
    let Ok(body) = body else { return reply::too_large() };
    let parts = envelope::parts(&body.bytes);
    let size = if parts.len() > 1 { PushSize::Large } else { PushSize::Usual };
    let (mut outcomes, mut asked) = (Vec::new(), None);
    for part in parts {
        let DecodedPush { items, handshake, .. } = part.decode(Some(&config.push.sns));
        asked = asked.or(handshake);
        let notifications = items.iter().filter_map(PushedItem::notification);
        if let Err(error) = import::tell_of_deletions(env, config, notifications).await {
            log::failure("import", &error.to_string());
            return reply::to_push(worst(vec![not_stored()]));
        }
        let worked = work(env, config, &calls, plan(config, items, size)).await;
        outcomes.extend(settle(env, config, started, worked).await);
    }
    match (worst(outcomes), asked) {
        (PushReply::Done, Some(handshake)) => handshake::answer(handshake).await,
        (reply, _) => reply::to_push(reply),
    }
}

/// The longest body without credentials that is read: commercetools pushes shorter ones.
const REFUSED_BODY: usize = 256 * 1024;

/// Answers a refused push. If its body is a notification of this project, the broker probably holds another secret; any
/// other body is only counted.
async fn refuse(request: &mut Request, config: &Config, why: PushDenial) -> Result<Response> {
    if why != PushDenial::Unauthorized {
        return reply::denied(why);
    }
    let bytes = body::short(request, REFUSED_BODY).await?;
    refuse_body(request, config, why, &bytes.unwrap_or_default())
}

fn refuse_body(
    request: &Request,
    config: &Config,
    why: PushDenial,
    body: &[u8],
) -> Result<Response> {
    if why == PushDenial::Unauthorized {
        let carried = auth::carried(config, request)?;
        let is_ours = envelope::names_project(body, &config.commercetools.project_key);
        if carried != RefusedCredentials::NotTheSender {
            // The log already has the reason for a refused token or signature.
            log::failure("push_refused", carried.hint());
        }
        watch::count(|tally, now| tally.refused(carried, is_ours, now));
    }
    reply::denied(why)
}

/// The size of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PushSize {
    /// It can be delivered at once.
    Usual,
    /// It is larger: all of it is parked, since an answer is due within 4 s.
    Large,
}

/// One pushed item and its plan.
struct PlannedItem {
    item: PushedItem,
    asks: PlannedWork,
}

enum PlannedWork {
    /// This work, now.
    Work(Work),
    /// This work, but the push has too much of it.
    Outbox(Work),
    /// No work: this is the conclusion.
    Nothing(Conclusion),
}

/// Plans a whole push. If many notifications only say that something changed, they go to the outbox untried: it reads
/// them together and writes them in jobs. An erasure always begins at once.
fn plan(config: &Config, items: Vec<PushedItem>, size: PushSize) -> Vec<PlannedItem> {
    let planned = items.into_iter().map(|item| {
        let asks = match &item {
            PushedItem::Refused { why, .. } => {
                PlannedWork::Nothing(Conclusion::Never((*why).into()))
            }
            PushedItem::Notification(notification) => {
                work_of(config, notification).map_or_else(PlannedWork::Nothing, PlannedWork::Work)
            }
        };
        PlannedItem { item, asks }
    });
    let planned: Vec<_> = planned.collect();
    let changes = planned
        .iter()
        .filter(|one| matches!(&one.asks, PlannedWork::Work(work) if by_resource(work)));
    let are_many = changes.count() > MOST_CHANGES;
    let is_for_outbox = |work: &Work| match size {
        PushSize::Usual => are_many && by_resource(work),
        PushSize::Large => !matches!(work, Work::Erasure(_)),
    };
    let to_outbox = |PlannedItem { item, asks }| match asks {
        PlannedWork::Work(work) if is_for_outbox(&work) => {
            PlannedItem { item, asks: PlannedWork::Outbox(work) }
        }
        asks => PlannedItem { item, asks },
    };
    planned.into_iter().map(to_outbox).collect()
}

/// Does the work of all items, as far as possible without storing anything.
async fn work(
    env: &Env,
    config: &Config,
    calls: &TimedCalls<'_>,
    planned: Vec<PlannedItem>,
) -> Vec<(ItemEnd, WorkEffort)> {
    let (began, started) = (now(), now_ms());
    let mut ends: Vec<Option<(PushEnd, WorkEffort)>> = Vec::new();
    let mut price_edges = BTreeMap::new();
    let (mut places, mut works) = (Vec::new(), Vec::new());
    for (place, PlannedItem { item, asks }) in planned.iter().enumerate() {
        let end = match asks {
            PlannedWork::Work(work) => match erase(env, config, work).await {
                Ok(false) => {
                    places.push(place);
                    works.push(work.clone());
                    None
                }
                Ok(true) => Some(untried(item, work, TransientFault::JobUnderWay, now_ms())),
                Err(error) => {
                    log_outbox(&error);
                    Some(PushEnd::Outcome(not_stored()))
                }
            },
            PlannedWork::Outbox(work) => {
                Some(untried(item, work, TransientFault::ManyAtOnce, now_ms()))
            }
            PlannedWork::Nothing(conclusion) => Some(push_end(
                item,
                None,
                conclusion.clone(),
                UnverifiedWrites::default(),
                now_ms(),
            )),
        };
        ends.push(end.map(|end| (end, WorkEffort::default())));
    }
    let EndedPush { ended, doubtful } = deliver(config, calls, works).await;
    let seen_to = see_to(env, config, doubtful).await;
    let is_seen_to = seen_to.inspect_err(log_outbox).is_ok();
    let duration = now_ms().since(started);
    for (place, mut ended) in places.into_iter().zip(ended) {
        if let Some(edge) = ended.price_edge.take() {
            price_edges.insert(place, edge);
        }
        let stays_erased = stay_erased(env, config, &ended, began).await;
        let (end, cut, calls) = if stays_erased.inspect_err(log_outbox).is_ok() && is_seen_to {
            concluded(&planned[place], ended, started)
        } else {
            (PushEnd::Outcome(not_stored()), Vec::new(), ended.calls)
        };
        ends[place] = Some((end, WorkEffort { duration, calls, cut }));
    }
    let worked = planned.into_iter().zip(ends).enumerate();
    let worked = worked.map(|(place, (PlannedItem { item, .. }, end))| {
        let (end, effort) =
            end.unwrap_or_else(|| (PushEnd::Outcome(not_stored()), WorkEffort::default()));
        let edge = price_edges.remove(&place).as_ref().and_then(edge_entry);
        (ItemEnd { item, end, edge }, effort)
    });
    worked.collect()
}

fn concluded(
    planned: &PlannedItem,
    ended: EndedDelivery,
    started: UnixMs,
) -> (PushEnd, Vec<Cut>, u32) {
    let unverified = UnverifiedWrites::of(&ended, started);
    let EndedDelivery { end: how, cut, calls, .. } = ended;
    let work = match &planned.asks {
        PlannedWork::Work(work) => Some(work),
        PlannedWork::Outbox(_) | PlannedWork::Nothing(_) => None,
    };
    let conclusion = match how {
        DeliveryEnd::Concluded(conclusion) => conclusion,
        DeliveryEnd::WithJob => Conclusion::Later(TransientFault::JobUnderWay.into()),
    };
    (push_end(&planned.item, work, conclusion, unverified, now_ms()), cut, calls)
}

/// A write in doubt is checked again later.
async fn see_to(env: &Env, config: &Config, doubtful: Option<DoubtfulWrites>) -> Result<()> {
    match doubtful {
        Some(DoubtfulWrites { changes, due }) => {
            outbox::park_changes(env, config, &changes, due).await
        }
        None => Ok(()),
    }
}

/// A write may have brought back the profile of an erased customer, or still may.
async fn stay_erased(
    env: &Env,
    config: &Config,
    ended: &EndedDelivery,
    began: DateTime<Utc>,
) -> Result<()> {
    match EraseAgain::after_push(&config.rules, ended, began) {
        Some(asked) => outbox::erase_again(env, config, &asked).await,
        None => Ok(()),
    }
}

/// Erases the stored data first, whatever Klaviyo says; returns whether the rest has to wait.
async fn erase(env: &Env, config: &Config, work: &Work) -> Result<bool> {
    let Work::Erasure(customer) = work else { return Ok(false) };
    // The outbox comes first: it erases again what an import hands over only if it remembers the customer.
    let waits = outbox::erase(env, config, customer).await?;
    if config.mode.import() {
        import::erase(env, config, customer).await?;
    }
    Ok(waits)
}

/// Stores everything that has to be stored, at once; if that fails, the sender has to keep the notifications. Then each
/// has its outcome and its log line.
///
/// The edge of a product's prices is stored before the answer, in the same call. Only a product whose prices change by
/// themselves costs this call.
async fn settle(
    env: &Env,
    config: &Config,
    started: UnixMs,
    worked: Vec<(ItemEnd, WorkEffort)>,
) -> Vec<Outcome> {
    let begun = now_ms();
    let (ends, mut efforts): (Vec<_>, Vec<_>) = worked.into_iter().unzip();
    let passed = begun.since(started);
    let left = config.push_patience.unwrap_or(ANSWER).saturating_sub(passed);
    let stored = outbox::store(env, config, left, entries(&ends).into_iter()).await;
    let took = now_ms().since(begun);
    for (effort, ItemEnd { end, .. }) in efforts.iter_mut().zip(&ends) {
        if matches!(end, PushEnd::Store(_)) {
            effort.duration += took;
        }
    }
    let outcomes = outcomes(ends, stored).into_iter().zip(efforts);
    let logged = outcomes.map(|((item, outcome), effort)| {
        log::notification(&item, &outcome, &effort);
        if let (Some(notification), false) =
            (item.notification(), matches!(outcome, Outcome::NotStored { .. }))
        {
            feed::count_brought(config, notification);
        }
        watch::count(|tally, now| tally.pushed(item.type_name(), &outcome, now));
        accepted::remember(config, &item, &outcome);
        outcome
    });
    logged.collect()
}

fn log_outbox(error: &worker::Error) {
    log::failure("outbox", &error.to_string());
}
