//! How the work on a pushed item ends: with its outcome, or with something to store first, and the outcome after that.

use std::time::Duration;

use super::store::dead_letters::NewDeadLetter;
use super::store::intake::NewEntry;
use super::store::new_parked::{NewParked, UnverifiedWrites};
use crate::commercetools::notification::Notification;
use crate::fault::{Setback, TransientFault};
use crate::push::conclusion::Conclusion;
use crate::push::envelope::{PushedItem, Undecodable};
use crate::push::outcome::Outcome;
use crate::push::parking::{slot, slot_of_fact};
use crate::push::plan::Work;
use crate::push::plan::price_edge::PriceEdge;
use crate::time::UnixMs;

/// When a sender should try again, if nothing else says so.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How it ends.
#[derive(Debug)]
pub enum PushEnd {
    /// With this outcome.
    Outcome(Outcome),
    /// This has to be stored first.
    Store(NewEntry),
}

/// What a conclusion means for a pushed item. A notification is parked in the slot of its work, or as a fact if its
/// work is not known.
///
/// Only a notification can be tried again: anything else is refused for good.
#[must_use]
pub fn push_end(
    item: &PushedItem,
    work: Option<&Work>,
    conclusion: Conclusion,
    unverified: UnverifiedWrites,
    now: UnixMs,
) -> PushEnd {
    let setback: Setback = match conclusion {
        Conclusion::Delivered => return PushEnd::Outcome(Outcome::Delivered),
        Conclusion::Ignored(why) => return PushEnd::Outcome(Outcome::Ignored(why)),
        Conclusion::Never(rejection) => {
            let notification = match item {
                PushedItem::Notification(notification) => Some(notification),
                PushedItem::Refused { .. } => None,
            };
            let letter = NewDeadLetter::of(notification, rejection, 1, now);
            return PushEnd::Store(NewEntry::DeadLetter(letter));
        }
        Conclusion::Later(setback) => setback,
        Conclusion::NotYet(not_yet) => not_yet.fault().into(),
    };
    match item {
        PushedItem::Notification(notification) => {
            let slot =
                work.map_or_else(|| slot_of_fact(notification), |work| slot(notification, work));
            PushEnd::Store(NewEntry::Parked(NewParked::after(slot, setback, unverified, now)))
        }
        PushedItem::Refused { why, .. } => refused(*why, now),
    }
}

/// Parks an item that was not tried.
#[must_use]
pub fn untried(item: &PushedItem, work: &Work, fault: TransientFault, now: UnixMs) -> PushEnd {
    match item {
        PushedItem::Notification(notification) => {
            let slot = slot(notification, work);
            PushEnd::Store(NewEntry::Parked(NewParked::soon(slot, fault, now)))
        }
        PushedItem::Refused { why, .. } => refused(*why, now),
    }
}

/// What to store for a delivered product whose prices change by themselves; none if the notification cannot be built,
/// which does not happen.
#[must_use]
pub fn edge_entry(edge: &PriceEdge) -> Option<(NewEntry, PushedItem)> {
    let notification = Notification::read(edge.notification()).ok()?;
    let slot = slot(&notification, &Work::PriceEdge(edge.product.clone()));
    let new = NewParked::at_edge(slot, edge.at.into(), UnixMs::EPOCH);
    Some((NewEntry::Parked(new), PushedItem::Notification(notification)))
}

/// How the work on one pushed item ended.
#[derive(Debug)]
pub struct ItemEnd {
    /// What was pushed.
    pub item: PushedItem,
    #[expect(missing_docs, reason = "as its name says")]
    pub end: PushEnd,
    /// The next edge of the prices of its product; see [`edge_entry`]. It is stored with the rest: if that fails,
    /// nobody would report the edge again, so the product's notification has to come once more.
    pub edge: Option<(NewEntry, PushedItem)>,
}

/// What to store before these can have their outcomes, in this order.
#[must_use]
pub fn entries(ends: &[ItemEnd]) -> Vec<(&NewEntry, &PushedItem)> {
    let entries = ends.iter().flat_map(|ItemEnd { item, end, edge }| {
        let own = match end {
            PushEnd::Store(new) => Some((new, item)),
            PushEnd::Outcome(_) => None,
        };
        own.into_iter().chain(edge.as_ref().map(|(new, item)| (new, item)))
    });
    entries.collect()
}

/// The outcome of each item. `stored` is the outbox's answer to each of their [`entries`]: the id of a dead letter, an
/// empty text for a parked one, and nothing for one that is not stored. An entry without an answer is not stored
/// either.
#[must_use]
pub fn outcomes(ends: Vec<ItemEnd>, stored: Vec<Option<String>>) -> Vec<(PushedItem, Outcome)> {
    let mut stored = stored.into_iter();
    let outcomes = ends.into_iter().map(|ItemEnd { item, end, edge }| {
        let is_own = matches!(end, PushEnd::Outcome(_));
        let outcome = match end {
            PushEnd::Outcome(outcome) => outcome,
            PushEnd::Store(new) => match (new, stored.next().flatten()) {
                (NewEntry::Parked(new), Some(_)) => Outcome::Parked { code: new.code },
                (NewEntry::DeadLetter(letter), Some(id)) => {
                    Outcome::DeadLettered { id, code: letter.code }
                }
                (_, None) => not_stored(),
            },
        };
        // A parked product has its prices looked at again when it is delivered.
        let edge_is_lost = edge.is_some() && stored.next().flatten().is_none();
        (item, if is_own && edge_is_lost { not_stored() } else { outcome })
    });
    outcomes.collect()
}

/// The outcome of an item that the outbox could not store: the sender still has it.
#[must_use]
pub fn not_stored() -> Outcome {
    let code = TransientFault::OutboxUnavailable.code().into_owned();
    Outcome::NotStored { code, retry_after: RETRY_AFTER }
}

fn refused(why: Undecodable, now: UnixMs) -> PushEnd {
    PushEnd::Store(NewEntry::DeadLetter(NewDeadLetter::of(None, why.into(), 1, now)))
}
