//! Packs groups of events into few bulk requests.
//!
//! Klaviyo refuses a whole bulk request if one row is wrong, or if a `unique_id` occurs twice for
//! one profile and metric; at least one client reports that for the whole request. So no id occurs
//! twice in a batch, and a batch knows its groups, so that each can go on its own if the batch is
//! refused. A group is never split: it succeeds or fails with its batch.

use std::collections::HashSet;

use super::event::{self, Event};
use super::limits::{EVENTS_PER_JOB, JOB_BYTES};

/// Events for one bulk request, and their owners.
#[derive(Debug, Clone, PartialEq)]
pub struct EventBatch<K> {
    /// The owners of the groups.
    pub owners: Vec<K>,
    /// The events of all groups.
    pub events: Vec<Event>,
    ids: HashSet<String>,
    bytes: usize,
}

/// Packs the groups, in their order, into batches that keep Klaviyo's limits. A group that alone
/// exceeds the limits gets a batch all the same; Klaviyo says what is wrong with it.
#[must_use]
pub fn pack<K>(groups: Vec<(K, Vec<Event>)>) -> Vec<EventBatch<K>> {
    let mut batches: Vec<EventBatch<K>> = Vec::new();
    for (owner, events) in groups {
        let bytes = events.iter().map(event::bytes).sum();
        let place = batches.iter().position(|batch| batch.takes(&events, bytes));
        let place = place.unwrap_or_else(|| {
            batches.push(EventBatch {
                owners: vec![],
                events: vec![],
                ids: HashSet::new(),
                bytes: 0,
            });
            batches.len() - 1
        });
        let batch = &mut batches[place];
        batch.owners.push(owner);
        batch.ids.extend(events.iter().map(|event| event.unique_id.clone()));
        batch.events.extend(events);
        batch.bytes += bytes;
    }
    batches
}

impl<K> EventBatch<K> {
    fn takes(&self, events: &[Event], bytes: usize) -> bool {
        self.events.len() + events.len() <= EVENTS_PER_JOB
            && self.bytes + bytes <= JOB_BYTES
            && !events.iter().any(|event| self.ids.contains(&event.unique_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::event::EventProperties;
    use crate::klaviyo::profile::Profile;
    use crate::klaviyo::request::WriteRequest;
    use chrono::DateTime;
    use proptest::prelude::*;
    use serde_json::{Map, json};

    fn an_event(unique_id: &str, filling: usize) -> Event {
        let mut properties = Map::new();
        properties.insert("filling".to_owned(), json!("x".repeat(filling)));
        Event {
            metric: "Placed Order".to_owned(),
            profile: Profile { email: Some("a@example.com".to_owned()), ..Profile::default() },
            unique_id: unique_id.to_owned(),
            time: DateTime::UNIX_EPOCH,
            value: 1.into(),
            value_currency: "EUR".to_owned(),
            properties: EventProperties::of(&properties),
            backfill: false,
        }
    }

    fn owners(groups: Vec<(usize, Vec<Event>)>) -> Vec<Vec<usize>> {
        pack(groups).into_iter().map(|batch| batch.owners).collect()
    }

    #[test]
    fn no_id_stands_twice_in_a_batch() {
        let groups = vec![
            (0, vec![an_event("o1", 0), an_event("l1", 0)]),
            (1, vec![an_event("o2", 0)]),
            (2, vec![an_event("o1", 0)]),
            (3, vec![an_event("o3", 0)]),
        ];
        assert_eq!(owners(groups), [vec![0, 1, 3], vec![2]]);
    }

    #[test]
    fn a_batch_keeps_the_number_and_the_bytes() {
        let many = (0..EVENTS_PER_JOB).map(|n| an_event(&n.to_string(), 0)).collect();
        assert_eq!(owners(vec![(0, many), (1, vec![an_event("x", 0)])]), [[0], [1]]);
        let large = |id| vec![an_event(id, JOB_BYTES / 2)];
        assert_eq!(owners(vec![(0, large("a")), (1, large("b"))]), [[0], [1]]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_group_is_in_one_batch_whole(sizes in prop::collection::vec((0_u8..20, 1_usize..150), 0..30)) {
            let groups: Vec<_> = sizes
                .iter()
                .enumerate()
                .map(|(owner, (id, count))| {
                    (owner, (0..*count).map(|n| an_event(&format!("{id}/{n}"), 0)).collect::<Vec<_>>())
                })
                .collect();
            let expected: usize = groups.iter().map(|(_, events)| events.len()).sum();
            let batches = pack(groups);
            let mut owners: Vec<_> = batches.iter().flat_map(|batch| batch.owners.clone()).collect();
            owners.sort_unstable();
            prop_assert_eq!(owners, (0..sizes.len()).collect::<Vec<_>>());
            prop_assert_eq!(batches.iter().map(|batch| batch.events.len()).sum::<usize>(), expected);
            for batch in &batches {
                prop_assert!(batch.events.len() <= EVENTS_PER_JOB);
                let body = WriteRequest::CreateEvents(batch.events.clone()).body();
                prop_assert!(body.is_some_and(|body| body.len() <= 5_000_000));
            }
        }
    }
}
