//! The walk through the events of a person, from a time on and over few pages, since a caller waits.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use crate::fault::{ReadFault, System, TransientFault};
use crate::http::HttpAnswer;
use crate::klaviyo::read_back::{
    EVENTS_PER_PAGE, EventPage, HeldEvent, HeldRecord, LARGE_EVENTS_PER_PAGE, ReadBack, events,
};

/// Pages that are read.
const PAGES: u32 = 5;

/// The events of a person that were read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadEvents {
    /// The events, of all profiles if there are several.
    pub events: Vec<HeldEvent>,
    /// Whether the names of their metrics are known.
    pub are_named: bool,
    /// Whether these are all.
    pub are_all: bool,
}

/// A walk through events.
#[derive(Debug)]
pub struct EventWalk {
    /// Klaviyo's ids of the profiles whose events are still to read.
    profiles: VecDeque<String>,
    since: DateTime<Utc>,
    with_metrics: bool,
    size: u32,
    cursor: Option<String>,
    pages: u32,
    events: Vec<HeldEvent>,
}

impl EventWalk {
    /// Begins with the events of these profiles from a time on (UTC).
    #[must_use]
    pub fn new(people: &[HeldRecord], since: DateTime<Utc>) -> Self {
        Self {
            profiles: people.iter().map(|person| person.id.clone()).collect(),
            since,
            with_metrics: true,
            size: EVENTS_PER_PAGE,
            cursor: None,
            pages: 0,
            events: Vec::new(),
        }
    }

    /// The next reading; none at the end.
    #[must_use]
    pub fn next(&self) -> Option<ReadBack> {
        let profile = self.profiles.front().filter(|_| self.pages < PAGES)?.clone();
        let (since, with_metrics, size) = (self.since, self.with_metrics, self.size);
        Some(ReadBack::Events { profile, since, with_metrics, size, cursor: self.cursor.clone() })
    }

    /// Takes the answer to that.
    ///
    /// # Errors
    /// It cannot be read, not even by asking for less.
    pub fn take(&mut self, answer: &HttpAnswer) -> Result<(), ReadFault> {
        if answer.is_beginning && self.size > LARGE_EVENTS_PER_PAGE {
            self.size = LARGE_EVENTS_PER_PAGE;
            return Ok(());
        }
        match events(answer) {
            Ok(EventPage { events, next }) => {
                self.events.extend(events);
                self.pages += 1;
                self.cursor = next;
                if self.cursor.is_none() {
                    self.profiles.pop_front();
                }
                Ok(())
            }
            // The key may lack the scope of either.
            Err(ReadFault::Later(setback))
                if setback.fault == TransientFault::Status(System::Klaviyo, 403)
                    && self.with_metrics =>
            {
                self.with_metrics = false;
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// The events that were read.
    #[must_use]
    pub fn end(self) -> ReadEvents {
        ReadEvents {
            are_all: self.profiles.is_empty(),
            are_named: self.with_metrics,
            events: self.events,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn person(id: &str) -> HeldRecord {
        HeldRecord { id: id.to_owned(), attributes: Map::new() }
    }

    fn page(next: Option<&str>) -> HttpAnswer {
        let next = next.map(|cursor| format!("https://x/api/events?page%5Bcursor%5D={cursor}"));
        let event = json!({
            "attributes": {"datetime": null, "event_properties": {"$event_id": "o"}},
            "relationships": {"metric": {"data": {"id": "M"}}},
        });
        let body = json!({"data": [event], "links": {"next": next}}).to_string();
        HttpAnswer { status: 200, body, ..HttpAnswer::default() }
    }

    fn refused() -> HttpAnswer {
        let body = json!({"errors": []}).to_string();
        HttpAnswer { status: 403, body, ..HttpAnswer::default() }
    }

    /// The next query: the profile, whether with metrics, how many events, and from where.
    fn asked(walk: &EventWalk) -> Option<(String, bool, u32, Option<String>)> {
        match walk.next()? {
            ReadBack::Events { profile, with_metrics, size, cursor, .. } => {
                Some((profile, with_metrics, size, cursor))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn few_pages_are_read() {
        let mut walk = EventWalk::new(&[person("a"), person("b")], DateTime::default());
        for cursor in [None, Some("1"), Some("2")] {
            let expected = ("a".to_owned(), true, 200, cursor.map(ToOwned::to_owned));
            assert_eq!(asked(&walk), Some(expected));
            let next = match cursor {
                None => Some("1"),
                Some("1") => Some("2"),
                _ => None,
            };
            walk.take(&page(next)).expect("taken");
        }
        for _ in 0..2 {
            assert_eq!(asked(&walk).map(|asked| asked.0), Some("b".to_owned()));
            walk.take(&page(Some("x"))).expect("taken");
        }
        assert_eq!(asked(&walk), None);
        let read = walk.end();
        assert_eq!((read.events.len(), read.are_named, read.are_all), (5, true, false));
    }

    #[test]
    fn less_is_asked_for_where_more_is_not_given() {
        let mut walk = EventWalk::new(&[person("a")], DateTime::default());
        walk.take(&HttpAnswer { is_beginning: true, ..page(None) }).expect("taken");
        assert_eq!(asked(&walk), Some(("a".to_owned(), true, 10, None)));
        walk.take(&refused()).expect("taken");
        assert_eq!(asked(&walk), Some(("a".to_owned(), false, 10, None)));
        walk.take(&page(None)).expect("taken");
        assert_eq!(asked(&walk), None);
        let read = walk.end();
        assert_eq!((read.events.len(), read.are_named, read.are_all), (1, false, true));

        let mut walk = EventWalk::new(&[person("a")], DateTime::default());
        walk.take(&refused()).expect("asked without metrics");
        assert!(walk.take(&refused()).is_err(), "the key may read no events");
    }
}
