//! What Klaviyo should hold after the requests for a record are carried out, and how much of it to read back.

use chrono::{DateTime, Utc};

use crate::commercetools::reference::Id;
use crate::import::kind::ImportKind;
use crate::klaviyo::catalog::{CatalogKind, CatalogObject};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::event::Event;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::read_back::ReadBack;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::identity;

/// One object that Klaviyo should hold, or should not.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectedRecord {
    /// A profile with these attributes.
    Profile(Box<Profile>),
    /// A profile that events belong to; its other values are not part of this record.
    Owner(Box<Profile>),
    /// An event.
    Event(Box<Event>),
    /// An object of the catalogue.
    Object(Box<CatalogObject>),
    /// A variant that cannot be bought, and must not be shown if it exists.
    Hidden {
        /// Klaviyo's id of it.
        variant: String,
    },
    /// An object that should not exist.
    Gone {
        /// Its kind.
        kind: CatalogKind,
        /// Klaviyo's id of it.
        id: String,
    },
}

/// What Klaviyo should hold after these requests.
#[must_use]
pub fn records(requests: Vec<WriteRequest>) -> Vec<ExpectedRecord> {
    let mut records = Vec::new();
    for request in requests {
        match request {
            WriteRequest::ImportProfile(profile) | WriteRequest::UpdateProfile { profile, .. } => {
                records.push(ExpectedRecord::Profile(profile));
            }
            WriteRequest::CreateEvent(event) => add_event(&mut records, *event),
            WriteRequest::CreateEvents(events) => {
                for event in events {
                    add_event(&mut records, event);
                }
            }
            WriteRequest::Catalog(CatalogWrite::Put { object, .. }) => {
                records.push(ExpectedRecord::Object(object));
            }
            WriteRequest::Catalog(CatalogWrite::Hide { variant }) => {
                records.push(ExpectedRecord::Hidden { variant });
            }
            WriteRequest::Catalog(CatalogWrite::Delete { kind, id }) => {
                records.push(ExpectedRecord::Gone { kind, id });
            }
            // No record of an import leads to these.
            WriteRequest::EraseProfile { .. }
            | WriteRequest::Catalog(CatalogWrite::SetStock { .. }) => {}
        }
    }
    records
}

/// All events of a record belong to one person.
fn add_event(records: &mut Vec<ExpectedRecord>, event: Event) {
    if owner(records).is_none() {
        records.push(ExpectedRecord::Owner(Box::new(event.profile.clone())));
    }
    records.push(ExpectedRecord::Event(Box::new(event)));
}

/// The profile to look for.
#[must_use]
pub fn owner(records: &[ExpectedRecord]) -> Option<&Profile> {
    records.iter().find_map(|record| match record {
        ExpectedRecord::Profile(profile) | ExpectedRecord::Owner(profile) => Some(&**profile),
        _ => None,
    })
}

/// From when on to read the events (UTC); none if none are expected.
#[must_use]
pub fn events_since(records: &[ExpectedRecord]) -> Option<DateTime<Utc>> {
    let times = records.iter().filter_map(|record| match record {
        ExpectedRecord::Event(event) => Some(event.time),
        _ => None,
    });
    times.min()
}

/// Klaviyo's ids of the objects of a kind to read.
#[must_use]
pub fn object_ids(records: &[ExpectedRecord], of: CatalogKind) -> Vec<String> {
    let ids = records.iter().filter_map(|record| match record {
        ExpectedRecord::Object(object) => Some((object.kind(), &object.key().id)),
        ExpectedRecord::Hidden { variant } => Some((CatalogKind::Variant, variant)),
        ExpectedRecord::Gone { kind, id } => Some((*kind, id)),
        ExpectedRecord::Profile(_) | ExpectedRecord::Owner(_) | ExpectedRecord::Event(_) => None,
    });
    ids.filter(|(kind, _)| *kind == of).map(|(_, id)| id.clone()).collect()
}

/// What to read to see whether Klaviyo still holds something of a record that commercetools no longer has. An order
/// leaves events, but their owner is not known then.
#[must_use]
pub fn leftover(kind: ImportKind, id: &Id) -> Option<ReadBack> {
    match kind {
        ImportKind::Customers => Some(ReadBack::PersonOfCustomer(id.to_string())),
        ImportKind::Products => {
            let ids = vec![identity::item(id).id];
            Some(ReadBack::Objects { kind: CatalogKind::Item, ids })
        }
        ImportKind::Orders | ImportKind::Categories => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::event::EventProperties;
    use serde_json::Map;

    fn event(unique_id: &str, second: i64) -> Event {
        Event {
            metric: "Placed Order".to_owned(),
            profile: Profile { email: Some("a@b.de".to_owned()), ..Profile::default() },
            unique_id: unique_id.to_owned(),
            time: DateTime::from_timestamp(second, 0).expect("a time"),
            value: 1.into(),
            value_currency: "EUR".to_owned(),
            properties: EventProperties::of(&Map::new()),
            backfill: false,
        }
    }

    #[test]
    fn events_have_one_owner_however_they_are_sent() {
        let alone = WriteRequest::CreateEvent(Box::new(event("b", 2)));
        let together = WriteRequest::CreateEvents(vec![event("a", 1), event("c", 3)]);
        let all = records(vec![alone, together]);
        let owners = all.iter().filter(|one| matches!(one, ExpectedRecord::Owner(_))).count();
        assert_eq!((all.len(), owners), (4, 1));
        assert_eq!(owner(&all), Some(&event("a", 1).profile));
        assert_eq!(events_since(&all), Some(event("a", 1).time));
        assert_eq!(events_since(&[]), None);
    }

    #[test]
    fn objects_are_read_by_their_kind() {
        let gone = CatalogWrite::Delete { kind: CatalogKind::Item, id: "i".to_owned() };
        let hidden = CatalogWrite::Hide { variant: "v".to_owned() };
        let all = records(vec![WriteRequest::Catalog(gone), WriteRequest::Catalog(hidden)]);
        for (kind, ids) in [
            (CatalogKind::Item, vec!["i"]),
            (CatalogKind::Variant, vec!["v"]),
            (CatalogKind::Category, vec![]),
        ] {
            assert_eq!(object_ids(&all, kind), ids);
        }
    }
}
