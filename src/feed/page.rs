//! The content of a page of the feed, and which parts go to the outbox.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::state::{KnownVersion, LostItem, PageEnd};
use crate::commercetools::answer::{begun_page, malformed, too_large};
use crate::commercetools::keyset::{Keyset, StampedPage, StampedResource};
use crate::commercetools::notification::{Notification, NotificationKind, change};
use crate::commercetools::query::PAGE;
use crate::commercetools::reference::{Id, IdReference};
use crate::config::rules::OperatorRules;
use crate::fault::{ReadFault, Rejection, TransientFault};
use crate::http::{DOCUMENT_BYTES, HttpAnswer, PAGE_BYTES};
use crate::import::store::gone::deleted;
use crate::outbox::push_end::{PushEnd, untried};
use crate::outbox::store::dead_letters::NewDeadLetter;
use crate::outbox::store::intake::NewEntry;
use crate::push::conclusion::{Conclusion, work_of};
use crate::push::envelope::{PushedItem, Undecodable};
use crate::push::parking::{ParkingSlot, RowGroup, by_resource, slot};
use crate::push::plan::Work;
use crate::push::plan::removed_fields::RemovedFields;
use crate::time::UnixMs;

/// A document of a page, and the work that it asks for.
#[derive(Debug)]
pub struct FeedItem {
    /// Identifies it when the feed meets it again.
    pub known: KnownVersion,
    /// The resource's version that its delivery settles, if it brings the current state of the resource.
    pub settles: Option<KnownVersion>,
    /// Whether it says something that the resource itself does not, so that it always goes on.
    pub says_more: bool,
    /// Its type: the message's name.
    pub name: String,
    /// The entry to store; none if it needs nothing.
    pub entry: Option<(NewEntry, PushedItem)>,
}

impl FeedItem {
    /// The same as an item that a broker did not deliver.
    pub(super) fn lost(&self) -> LostItem {
        let KnownVersion { key, version, at, .. } = self.known.clone();
        let id = key.split_once('/').map_or(key.as_str(), |(_, id)| id).to_owned();
        LostItem { key, version, id, name: self.name.clone(), at }
    }
}

/// What a notification of a broker settles: the message, and the version of the resource.
#[must_use]
pub fn brought(
    rules: &OperatorRules,
    notification: &Notification,
    now: UnixMs,
) -> Vec<KnownVersion> {
    let raw = &notification.raw;
    let number = |name: &str| raw.get(name).and_then(Value::as_u64);
    let at = match &notification.kind {
        NotificationKind::Message(message) => message.created_at.map_or(now, UnixMs::from),
        _ => now,
    };
    let id = match &notification.kind {
        NotificationKind::Message(_) => notification.field::<Id>("id"),
        _ => None,
    };
    let message = id.map(|id| KnownVersion {
        key: of_message(&id),
        of: StampedResource::Messages,
        version: 1,
        at,
    });
    let version = number("resourceVersion").or_else(|| number("version")).unwrap_or_default();
    let work = work_of(rules, notification).ok();
    let settles = work.and_then(|work| settled(rules, notification, &work, version, at));
    message.into_iter().chain(settles.map(|settled| settled.version)).collect()
}

/// A page after it was read.
#[derive(Debug)]
pub struct ReadPage {
    /// Its documents, in their order.
    pub items: Vec<FeedItem>,
    /// Its effect on the cursors.
    pub end: PageEnd,
}

/// How many bytes of an answer to read: for one document as many as a document may have.
#[must_use]
pub fn most_bytes(page: &StampedPage) -> usize {
    if page.limit == 1 { DOCUMENT_BYTES } else { PAGE_BYTES }
}

/// Reads a page. `clock` is commercetools' time.
///
/// # Errors
/// The answer is no page, or a document of it has no id, stamp or version: then it is not known where the next
/// page begins.
pub fn read(
    rules: &OperatorRules,
    asked: &StampedPage,
    answer: &HttpAnswer,
    clock: UnixMs,
    now: UnixMs,
) -> Result<ReadPage, ReadFault> {
    let begun = begun_page(answer)?;
    let mut items = Vec::new();
    let mut last = None;
    for text in &begun.results {
        let (item, place) = match asked.of {
            StampedResource::Messages => message(rules, text, now)?,
            of => document(rules, of, text, now)?,
        };
        items.extend(item);
        last = Some(place);
    }
    let is_stuck = begun.results.is_empty() && !begun.is_whole;
    let too_large = begun.begun.clone().filter(|_| is_stuck && asked.limit == 1);
    if let Some(id) = &too_large {
        items.push(left_out(asked.of, id, now));
    }
    let until = asked.before.map_or(clock, |before| before.min(clock));
    let end = PageEnd {
        last,
        goes_on: !begun.is_whole || begun.results.len() >= asked.limit,
        until,
        limit: next_limit(asked.limit, begun.results.len(), answer),
        too_large,
    };
    Ok(ReadPage { items, end })
}

/// How many documents the next page may have, by the bytes of this one: it aims at half of the read limit of an answer.
fn next_limit(limit: usize, read: usize, answer: &HttpAnswer) -> usize {
    let bytes = answer.body.len();
    if answer.is_beginning {
        (read / 2).max(1)
    } else if bytes > PAGE_BYTES / 2 {
        (limit / 2).max(1)
    } else if bytes < PAGE_BYTES / 8 {
        (limit * 2).min(PAGE)
    } else {
        limit
    }
}

/// A message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageHead {
    id: Id,
    created_at: chrono::DateTime<chrono::Utc>,
    #[serde(default)]
    resource_version: u64,
}

fn message(
    rules: &OperatorRules,
    text: &str,
    now: UnixMs,
) -> Result<(Option<FeedItem>, Keyset), ReadFault> {
    let head: MessageHead = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let at = UnixMs::from(head.created_at);
    let of = StampedResource::Messages;
    let known = KnownVersion { key: of_message(&head.id), of, version: 1, at };
    let notification = serde_json::from_str::<Map<String, Value>>(text).ok();
    let notification = notification.and_then(|raw| Notification::read(raw).ok());
    let item = match notification {
        Some(notification) => {
            let (settled, entry) = asks(rules, notification, head.resource_version, at, now);
            let name = entry.as_ref().and_then(|(_, item)| item.type_name());
            let name = name.unwrap_or_default().to_owned();
            let says_more = settled.as_ref().is_none_or(|settled| settled.says_more);
            let settles = settled.map(|settled| settled.version);
            FeedItem { known, settles, says_more, name, entry }
        }
        None => FeedItem { entry: Some(unread(text.as_bytes(), now)), ..named(known) },
    };
    Ok((Some(item), Keyset { at, id: Some(head.id) }))
}

/// The key of a message in the outbox.
#[must_use]
pub fn of_message(id: &Id) -> String {
    format!("{}{id}", RowGroup::Facts.prefix())
}

/// The work that a message asks for, and the version of a resource that it settles.
fn asks(
    rules: &OperatorRules,
    notification: Notification,
    version: u64,
    at: UnixMs,
    now: UnixMs,
) -> (Option<SettledVersion>, Option<(NewEntry, PushedItem)>) {
    match work_of(rules, &notification) {
        Ok(work) => {
            let settles = settled(rules, &notification, &work, version, at);
            (settles, entry(PushedItem::Notification(notification), &work, now))
        }
        Err(Conclusion::Never(why)) => {
            let letter = NewDeadLetter::of(Some(&notification), why, 1, now);
            let item = PushedItem::Notification(notification);
            (None, Some((NewEntry::DeadLetter(letter), item)))
        }
        Err(_) => (None, None),
    }
}

/// The version of a resource that a notification settles.
#[derive(Debug)]
pub struct SettledVersion {
    /// The version.
    pub version: KnownVersion,
    /// Whether the notification says more than any change of the resource does.
    pub says_more: bool,
}

/// The version that a notification settles, if its work brings the current state of the resource.
#[must_use]
pub fn settled(
    rules: &OperatorRules,
    notification: &Notification,
    work: &Work,
    version: u64,
    at: UnixMs,
) -> Option<SettledVersion> {
    let resource = notification.resource.as_ref()?;
    let of = StampedResource::of_type(&resource.type_id)?;
    if version == 0 || !by_resource(work) || deleted(notification).is_some() {
        return None;
    }
    let ParkingSlot { key, rank, .. } = slot(notification, work);
    let changed = Notification::read(change(&resource.type_id, resource.id.as_str())).ok()?;
    let of_change = work_of(rules, &changed).ok()?;
    let of_change = slot(&changed, &of_change);
    let names_removed =
        matches!(work, Work::Profile { removed, .. } if *removed != RemovedFields::default());
    let says_more = names_removed || rank > of_change.rank;
    let is_same_slot = of_change.key == key;
    let version = KnownVersion { key, of, version, at };
    is_same_slot.then_some(SettledVersion { version, says_more })
}

/// A document with a stamp and a version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DocumentHead {
    id: Id,
    version: u64,
    last_modified_at: chrono::DateTime<chrono::Utc>,
    sku: Option<String>,
    /// Only in a variant; without it, the variant would have to be read for it.
    product: Option<IdReference>,
}

/// A document with this version, as the change that a broker would deliver.
fn document(
    rules: &OperatorRules,
    of: StampedResource,
    text: &str,
    now: UnixMs,
) -> Result<(Option<FeedItem>, Keyset), ReadFault> {
    let head: DocumentHead = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let at = UnixMs::from(head.last_modified_at);
    let item = of.resource().and_then(|resource| {
        let mut raw = change(resource.type_id(), head.id.as_str());
        raw.insert("version".to_owned(), head.version.into());
        if let Some(sku) = &head.sku {
            raw.insert("resourceUserProvidedIdentifiers".to_owned(), json!({ "sku": sku }));
        }
        if let Some(product) = &head.product {
            let product = json!({ "typeId": "product", "id": product.id });
            raw.insert("product".to_owned(), product);
        }
        let notification = Notification::read(raw).ok()?;
        let work = work_of(rules, &notification).ok()?;
        let key = slot(&notification, &work).key;
        let known = KnownVersion { key, of, version: head.version, at };
        let name = notification.type_name().to_owned();
        let entry = entry(PushedItem::Notification(notification), &work, now);
        Some(FeedItem { known, settles: None, says_more: false, name, entry })
    });
    Ok((item, Keyset { at, id: Some(head.id) }))
}

/// The entry to store for an item with work.
pub(super) fn entry(item: PushedItem, work: &Work, now: UnixMs) -> Option<(NewEntry, PushedItem)> {
    match untried(&item, work, TransientFault::FromFeed, now) {
        PushEnd::Store(new) => Some((new, item)),
        PushEnd::Outcome(_) => None,
    }
}

/// A dead letter for a message that is not a notification.
fn unread(content: &[u8], now: UnixMs) -> (NewEntry, PushedItem) {
    let why = Undecodable::NotANotification;
    let letter = NewDeadLetter::of(None, why.into(), 1, now);
    (NewEntry::DeadLetter(letter), PushedItem::Refused { why, content: content.to_vec() })
}

/// A dead letter for a document that is too large to be read.
fn left_out(of: StampedResource, id: &Id, now: UnixMs) -> FeedItem {
    let key = format!("{}/{id}", of.name());
    let rejection: Rejection = too_large();
    let mut letter = NewDeadLetter::of(None, rejection, 1, now);
    letter.resource = Some(key.clone());
    let content = json!({ "typeId": of.name(), "id": id }).to_string().into_bytes();
    let item = PushedItem::Refused { why: Undecodable::TooLarge, content };
    // Its stamp is not known, so it is remembered for as long as possible.
    let known = KnownVersion { key, of, version: 1, at: now };
    FeedItem { entry: Some((NewEntry::DeadLetter(letter), item)), ..named(known) }
}

fn named(known: KnownVersion) -> FeedItem {
    FeedItem { known, settles: None, says_more: true, name: String::new(), entry: None }
}
