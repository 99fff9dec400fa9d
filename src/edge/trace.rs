//! `GET /trace` and `POST /trace`: where a record is. It asks both systems and both objects; it writes, stores and logs
//! nothing.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::{join, join3};
use futures::{StreamExt, stream};
use serde::de::DeserializeOwned;
use worker::{Env, Method, Request, Response, Result};

use super::calls::TimedCalls;
use super::clock::now_ms;
use super::objects::SingleObject;
use super::outbox::OUTBOX;
use super::{accepted, body, import, log, preview, reply};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::fault::{ReadFault, Setback, System};
use crate::http::{HttpAnswer, encode};
use crate::import::kind::ImportKind;
use crate::klaviyo::answer::ids;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::query::{KlaviyoLookup, in_pieces};
use crate::klaviyo::read_back::{HeldRecord, ReadBack, records};
use crate::preview::subject::SoughtRecord;
use crate::preview::{DryEnd, DryRun, record_query};
use crate::push::conclusion::Conclusion;
use crate::trace::document::{TracedDocument, resources};
use crate::trace::event_walk::{EventWalk, ReadEvents};
use crate::trace::expected::{self, ExpectedRecord};
use crate::trace::kept::{KeptOfImport, KeptOfOutbox};
use crate::trace::known_here::KnownHere;
use crate::trace::verdict::{self, Expectation, HeldAtKlaviyo, LostRecord, TraceFacts};
use crate::trace::{Answered, Trace, asked};

/// How long all calls may take together: a caller waits.
const CALLS: Duration = Duration::from_secs(15);

/// How long an object may take.
const OBJECT: Duration = Duration::from_secs(5);

/// Calls of Klaviyo at once for one kind of objects: a Worker has six connections.
const TOGETHER: usize = 2;

type Read<T> = std::result::Result<T, ReadFault>;

pub(super) async fn answer(request: &mut Request, env: &Env, config: &Config) -> Result<Response> {
    let sought = if request.method() == Method::Get {
        asked::parameters(request.url()?.query_pairs().into_owned())
    } else {
        let Some(body) = body::whole(request).await? else { return reply::too_large() };
        asked::body(&body)
    };
    let sought = match sought {
        Ok(sought) => sought,
        Err(problem) => return reply::bad_request(&problem),
    };
    let mut response = reply::json(200, &trace(env, config, &sought).await)?;
    response.headers_mut().set("Cache-Control", "no-store")?;
    Ok(response)
}

async fn trace(env: &Env, config: &Config, sought: &SoughtRecord) -> Trace {
    let calls = TimedCalls::within(config, CALLS);
    let unasked = |kind, why| verdict::not_found(config, kind, why, &LostRecord::default());
    let (kind, id) = match found(&calls, sought).await {
        Ok(Some(found)) => found,
        Ok(None) => return unasked(sought.kind(), Ok(asked::not_found(sought))),
        Err(fault) => return unasked(sought.kind(), Err(fault)),
    };
    match read(&calls, kind, &id).await {
        Ok(Some((document, unit))) => of_document(env, config, &calls, &document, unit).await,
        end => {
            let (is_gone, why) = (end.is_ok(), end.map(|_| asked::not_found(sought)));
            let lost = lost(env, config, &calls, kind, &id, is_gone).await;
            verdict::not_found(config, kind, why, &lost)
        }
    }
}

/// What is left of a record that commercetools does not have, or that cannot be read there.
async fn lost(
    env: &Env,
    config: &Config,
    calls: &TimedCalls<'_>,
    kind: ImportKind,
    id: &Id,
    is_gone: bool,
) -> LostRecord {
    let left = async {
        let leftover = expected::leftover(kind, id).filter(|_| is_gone);
        let Some(leftover) = leftover else { return Answered::Unasked };
        answered(read_back(calls, &leftover).await.and_then(|answer| records(&answer)))
    };
    let resources = resources(kind, id, None);
    let (left, (outbox, import)) = join(left, kept(env, config, kind, id, &resources)).await;
    LostRecord { left, outbox, import }
}

/// The id and kind of the record; none if there is no such record.
async fn found(calls: &TimedCalls<'_>, sought: &SoughtRecord) -> Read<Option<(ImportKind, Id)>> {
    if let Some(id) = preview::id_of(calls, sought).await? {
        return Ok(Some((sought.kind(), id)));
    }
    let Some((kind, search)) = asked::instead(sought) else { return Ok(None) };
    let answer = calls.commercetools(&search.path_and_query()).await?;
    Ok(search.found(&answer)?.map(|id| (kind, id)))
}

/// The document of a record, and the unit that would import it, or why that is impossible.
async fn read(
    calls: &TimedCalls<'_>,
    kind: ImportKind,
    id: &Id,
) -> Read<Option<(TracedDocument, Read<DryRun>)>> {
    let answer = calls.commercetools(&record_query(kind, id.clone())).await?;
    let Some(document) = TracedDocument::read(kind, &answer)? else { return Ok(None) };
    Ok(DryRun::of_record(kind, &answer).transpose().map(|unit| (document, unit)))
}

async fn of_document(
    env: &Env,
    config: &Config,
    calls: &TimedCalls<'_>,
    document: &TracedDocument,
    unit: Read<DryRun>,
) -> Trace {
    let resources = resources(document.kind, &document.id, Some(document));
    let at_klaviyo = async {
        let expectation = expectation(config, calls, unit).await;
        let held = match &expectation {
            Expectation::Records(records) => held(calls, records).await,
            Expectation::Ended(_) => HeldAtKlaviyo::default(),
        };
        (expectation, held)
    };
    let kept = kept(env, config, document.kind, &document.id, &resources);
    let ((expectation, held), (outbox, import)) = join(at_klaviyo, kept).await;
    let accepted = accepted::last(&resources);
    let here = KnownHere { config, document, outbox, import, accepted, now: now_ms() };
    verdict::trace(&TraceFacts { here, expectation, held })
}

/// What Klaviyo should hold.
async fn expectation(config: &Config, calls: &TimedCalls<'_>, unit: Read<DryRun>) -> Expectation {
    let end = match unit {
        Ok(unit) => preview::end(config, calls, unit).await,
        Err(ReadFault::Later(setback)) => Err(setback),
        Err(ReadFault::Never(rejection)) => Ok(Conclusion::Never(rejection).into()),
    };
    match end {
        Ok(DryEnd { requests, conclusion: Conclusion::Delivered, .. }) if !requests.is_empty() => {
            Expectation::Records(expected::records(requests))
        }
        Ok(DryEnd { conclusion, .. }) => Expectation::Ended(conclusion),
        Err(setback) => Expectation::Ended(Conclusion::Later(setback)),
    }
}

/// What Klaviyo holds of the expected records.
async fn held(calls: &TimedCalls<'_>, wanted: &[ExpectedRecord]) -> HeldAtKlaviyo {
    let people_and_events = async {
        let people = people(calls, wanted).await;
        let events = match (&people, expected::events_since(wanted)) {
            (Answered::Read(people), Some(since)) if !people.is_empty() => {
                answered(events(calls, EventWalk::new(people, since)).await)
            }
            _ => Answered::Unasked,
        };
        (people, events)
    };
    let objects = async {
        let kinds = [CatalogKind::Item, CatalogKind::Variant, CatalogKind::Category];
        let mut held = Vec::new();
        for kind in kinds {
            let ids = expected::object_ids(wanted, kind);
            if !ids.is_empty() {
                held.push((kind, answered(objects(calls, kind, &ids).await)));
            }
        }
        held.into_iter().collect()
    };
    let ((people, events), objects, categories) =
        join3(people_and_events, objects, categories(calls, wanted)).await;
    HeldAtKlaviyo { people, events, objects, categories }
}

fn answered<T>(read: Read<T>) -> Answered<T> {
    match read {
        Ok(read) => Answered::Read(read),
        Err(fault) => Answered::Unread(Some(fault)),
    }
}

/// The profiles with the customer's id or e-mail address: mostly one.
async fn people(calls: &TimedCalls<'_>, wanted: &[ExpectedRecord]) -> Answered<Vec<HeldRecord>> {
    let Some(profile) = expected::owner(wanted) else { return Answered::Unasked };
    let names = [
        profile.external_id.clone().map(ReadBack::PersonOfCustomer),
        profile.email.clone().map(ReadBack::PersonOfEmail),
    ];
    let mut people: Vec<HeldRecord> = Vec::new();
    for name in names.into_iter().flatten() {
        let found = match read_back(calls, &name).await.and_then(|answer| records(&answer)) {
            Ok(found) => found,
            Err(fault) => return Answered::Unread(Some(fault)),
        };
        for person in found {
            if people.iter().all(|known| known.id != person.id) {
                people.push(person);
            }
        }
    }
    Answered::Read(people)
}

async fn events(calls: &TimedCalls<'_>, mut walk: EventWalk) -> Read<ReadEvents> {
    while let Some(next) = walk.next() {
        walk.take(&read_back(calls, &next).await?)?;
    }
    Ok(walk.end())
}

async fn objects(
    calls: &TimedCalls<'_>,
    kind: CatalogKind,
    ids: &[String],
) -> Read<HashMap<String, HeldRecord>> {
    let pieces: Vec<Read<_>> = stream::iter(in_pieces(ids))
        .map(async |ids| records(&read_back(calls, &ReadBack::Objects { kind, ids }).await?))
        .buffered(TOGETHER)
        .collect()
        .await;
    let mut held = HashMap::new();
    for piece in pieces {
        held.extend(piece?.into_iter().map(|one| (one.id.clone(), one)));
    }
    Ok(held)
}

/// The categories of the expected item, if there is one.
async fn categories(calls: &TimedCalls<'_>, wanted: &[ExpectedRecord]) -> Answered<Vec<String>> {
    let items = expected::object_ids(wanted, CatalogKind::Item);
    let Some(item) = items.into_iter().next() else { return Answered::Unasked };
    let path = KlaviyoLookup::CategoriesOfItem { item }.path_and_query();
    let read = klaviyo(calls, &path).await.and_then(|answer| ids(&answer));
    answered(read.map(|page| page.unwrap_or_default().ids))
}

async fn read_back(calls: &TimedCalls<'_>, read: &ReadBack) -> Read<HttpAnswer> {
    klaviyo(calls, &read.path_and_query()).await
}

async fn klaviyo(calls: &TimedCalls<'_>, path: &str) -> Read<HttpAnswer> {
    let answer = calls.klaviyo("GET", path, None).await;
    answer.map_err(|why| Setback::no_answer(System::Klaviyo, why).into())
}

/// What is kept about a record and its related resources.
async fn kept(
    env: &Env,
    config: &Config,
    kind: ImportKind,
    id: &Id,
    resources: &[String],
) -> (Answered<KeptOfOutbox>, Answered<KeptOfImport>) {
    let outbox = async {
        let named = encode(&serde_json::to_string(resources).unwrap_or_default());
        asked_of(env, config, &OUTBOX, &format!("/of?resources={named}")).await
    };
    let import = async {
        if !config.mode.import() {
            return Answered::Unasked;
        }
        let path = format!("/records/{}?id={}", kind.name(), encode(id.as_str()));
        asked_of(env, config, &import::IMPORT, &path).await
    };
    join(outbox, import).await
}

/// The answer of an object.
async fn asked_of<T: DeserializeOwned>(
    env: &Env,
    config: &Config,
    object: &SingleObject,
    path: &str,
) -> Answered<T> {
    let patient = SingleObject { patience: OBJECT, ..*object };
    let read = async {
        let mut response = patient.call(env, config, Method::Get, path, None).await?;
        match response.status_code() {
            200 => Ok(serde_json::from_str(&response.text().await?)?),
            status => Err(worker::Error::RustError(format!("it answered {status}"))),
        }
    };
    match read.await {
        Ok(read) => Answered::Read(read),
        Err(error) => {
            log::failure(object.name, &error.to_string());
            Answered::Unread(None)
        }
    }
}
