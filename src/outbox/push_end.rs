//! How the work on what was pushed ends: with its outcome, or with something that has to be stored
//! first.

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

/// How it ends.
#[derive(Debug)]
pub enum PushEnd {
    /// With this outcome.
    Outcome(Outcome),
    /// This is to be stored first.
    Store(NewEntry),
}

/// What a conclusion means for what was pushed; a notification is parked in the slot of its work, or
/// as a fact where nothing is known of that.
///
/// What can be tried again has to be a notification: what is none is refused for good.
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

/// What is to be parked without having been tried.
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

/// What has to be stored of a product that was delivered, whose prices change by themselves; none where
/// the notification cannot be made, which does not happen.
#[must_use]
pub fn edge_entry(edge: &PriceEdge) -> Option<(NewEntry, PushedItem)> {
    let notification = Notification::read(edge.notification()).ok()?;
    let slot = slot(&notification, &Work::PriceEdge(edge.product.clone()));
    let new = NewParked::at_edge(slot, edge.at.into(), UnixMs::EPOCH);
    Some((NewEntry::Parked(new), PushedItem::Notification(notification)))
}

fn refused(why: Undecodable, now: UnixMs) -> PushEnd {
    PushEnd::Store(NewEntry::DeadLetter(NewDeadLetter::of(None, why.into(), 1, now)))
}
