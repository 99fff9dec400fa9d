//! An event in Klaviyo's form, alone (`EventCreateQueryV2`) or with others (`EventsBulkCreateJob`).

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Number, Value};

use super::job::{RowDigest, digest};
use super::json_api::{DataMember, NewResource, data, resource, text, with_rows};
use super::profile::Profile;

/// One event of one profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The metric's name, created at first use; exact and case-sensitive.
    pub metric: String,
    /// Its profile, by e-mail address or external id.
    pub profile: Profile,
    /// Klaviyo only records the first event of a profile and metric with this id.
    pub unique_id: String,
    /// When it happened (UTC); Klaviyo keeps whole seconds.
    pub time: DateTime<Utc>,
    /// An amount in the currency's main unit.
    pub value: Number,
    /// ISO 4217.
    pub value_currency: String,
    /// Everything else.
    pub properties: EventProperties,
    /// It is history: Klaviyo records it, but starts no flow.
    pub backfill: bool,
}

/// The properties of an event, as JSON text. They are serialised once: a tree takes many times the bytes, and an order
/// of a hundred lines has as many events.
#[derive(Debug, Clone)]
pub struct EventProperties(Box<RawValue>);

impl EventProperties {
    /// Serialises properties.
    #[must_use]
    pub fn of(properties: &Map<String, Value>) -> Self {
        let text = to_raw_value(properties);
        debug_assert!(text.is_ok(), "names are texts, and numbers finite");
        Self(text.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// Reads some of them; none if they do not have the shape of `T`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl PartialEq for EventProperties {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Event {
    /// Klaviyo's identity of the event: whatever its other content, Klaviyo records the first one.
    #[must_use]
    pub fn digest(&self) -> RowDigest {
        digest("event", &format!("{} {}", self.metric, self.unique_id))
    }
}

/// The body of `POST /api/events`.
pub(super) fn single(event: &Event) -> impl Serialize {
    let profile = data(resource("profile", &event.profile));
    data(resource("event", attributes(event, Some(profile))))
}

/// The bytes that an event takes in a bulk body.
pub(super) fn bytes(event: &Event) -> usize {
    row(event).len() + 1
}

/// The path for several events at once.
pub const BULK_PATH: &str = "/api/event-bulk-create-jobs";

/// An event as a row of a bulk body, as JSON text. Klaviyo accepts several rows of one profile.
#[must_use]
pub fn row(event: &Event) -> String {
    let profile = data(resource("profile", &event.profile));
    let events = data([resource("event", attributes(event, None))]);
    text(&resource("event-bulk-create", BulkEventEntry { profile, events }))
}

/// The body of `POST /api/event-bulk-create-jobs` with these rows.
#[must_use]
pub fn bulk(rows: &[impl AsRef<str>]) -> String {
    let before =
        r#"{"data":{"type":"event-bulk-create-job","attributes":{"events-bulk-create":{"data":["#;
    with_rows(before, rows, "]}}}}")
}

#[derive(Serialize)]
struct BulkEventEntry<'a> {
    profile: DataMember<NewResource<&'a Profile>>,
    events: DataMember<[NewResource<EventAttributes<'a>>; 1]>,
}

#[derive(Serialize)]
struct EventAttributes<'a> {
    properties: &'a RawValue,
    #[serde(serialize_with = "rfc3339")]
    time: DateTime<Utc>,
    value: &'a Number,
    value_currency: &'a str,
    unique_id: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    backfill: bool,
    metric: DataMember<NewResource<MetricAttributes<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<DataMember<NewResource<&'a Profile>>>,
}

#[derive(Serialize)]
struct MetricAttributes<'a> {
    name: &'a str,
}

fn attributes<'a>(
    event: &'a Event,
    profile: Option<DataMember<NewResource<&'a Profile>>>,
) -> EventAttributes<'a> {
    EventAttributes {
        properties: &event.properties.0,
        time: event.time,
        value: &event.value,
        value_currency: &event.value_currency,
        unique_id: &event.unique_id,
        backfill: event.backfill,
        metric: data(resource("metric", MetricAttributes { name: &event.metric })),
        profile,
    }
}

fn rfc3339<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
