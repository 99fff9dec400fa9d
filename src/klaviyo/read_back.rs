//! Reads back what Klaviyo holds, for a comparison with what was sent: profiles, their events, objects of the
//! catalogue.
//!
//! Only people ask for these, and seldom, so nothing paces them. [`super::query`] has the lookups before a write.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{PageLinks, cursor, is_own_refusal, parsed, refused};
use super::catalog::CatalogKind;
use super::query::{filter_of, only, quote};
use crate::fault::ReadFault;
use crate::http::{HttpAnswer, encode};

/// Events on a page: Klaviyo's default. Its documentation gives both 200 and 1,000 as the maximum.
pub const EVENTS_PER_PAGE: u32 = 200;

/// The same if they exceed the read limit of an answer: the events of an order carry the order.
pub const LARGE_EVENTS_PER_PAGE: u32 = 10;

/// The compared attributes of a profile.
const PERSON_FIELDS: &str = "email,external_id,first_name,last_name,organization,title";

/// One thing to read back.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadBack {
    /// The profile with the id of a customer.
    PersonOfCustomer(String),
    /// The profile with an e-mail address, which no log and no error may show.
    PersonOfEmail(String),
    /// Objects of the catalogue, as many as an address can name ([`super::query::in_pieces`]).
    Objects {
        /// Their kind.
        kind: CatalogKind,
        /// Klaviyo's ids.
        ids: Vec<String>,
    },
    /// A page of the events of a profile, the oldest first.
    Events {
        /// Klaviyo's id of the profile.
        profile: String,
        /// The time of the first one (UTC).
        since: DateTime<Utc>,
        /// Whether to read the names of their metrics, which also needs the scope `metrics:read`.
        with_metrics: bool,
        /// The maximum number.
        size: u32,
        /// The cursor of the page; none for the first.
        cursor: Option<String>,
    },
}

impl ReadBack {
    /// The path and query below Klaviyo's address, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let person = |filter: String| {
            let fields = only("profile", PERSON_FIELDS);
            format!("/api/profiles?filter={}&{fields}", encode(&filter))
        };
        match self {
            Self::PersonOfCustomer(id) => person(format!("equals(external_id,{})", quote(id))),
            Self::PersonOfEmail(email) => person(format!("equals(email,{})", quote(email))),
            Self::Objects { kind, ids } => {
                let filter = filter_of(ids);
                let fields = match kind {
                    CatalogKind::Item => "title,price,published",
                    CatalogKind::Variant => "title,price,published,inventory_quantity",
                    CatalogKind::Category => "name",
                };
                let size = encode("page[size]");
                format!("{}?filter={filter}&{}&{size}=100", kind.path(), only(kind.name(), fields))
            }
            Self::Events { profile, since, with_metrics, size, cursor } => {
                let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
                // A time has no quotes.
                let filter = format!(
                    "and(equals(profile_id,{}),greater-or-equal(datetime,{since}))",
                    quote(profile)
                );
                let metrics = if *with_metrics {
                    format!("&include=metric&{}", only("metric", "name"))
                } else {
                    String::new()
                };
                let after = cursor
                    .as_ref()
                    .map(|cursor| format!("&{}={}", encode("page[cursor]"), encode(cursor)));
                format!(
                    "/api/events?filter={}&sort=datetime&{}{metrics}&{}={size}{}",
                    encode(&filter),
                    only("event", "datetime,event_properties"),
                    encode("page[size]"),
                    after.unwrap_or_default(),
                )
            }
        }
    }
}

/// A profile or an object that Klaviyo holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HeldRecord {
    /// Klaviyo's id.
    pub id: String,
    /// Its attributes at Klaviyo.
    pub attributes: Map<String, Value>,
}

/// Reads profiles or objects.
///
/// # Errors
/// The answer is no page of them.
pub fn records(answer: &HttpAnswer) -> Result<Vec<HeldRecord>, ReadFault> {
    #[derive(Deserialize)]
    struct HeldPage {
        data: Vec<HeldRecord>,
    }
    match answer.status {
        200 => Ok(parsed::<HeldPage>(answer)?.data),
        404 if is_own_refusal(answer) => Ok(Vec::new()),
        _ => Err(refused(answer)),
    }
}

/// An event that Klaviyo holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldEvent {
    /// The `unique_id` with which it was sent.
    pub unique_id: String,
    /// Klaviyo's id of its metric.
    pub metric_id: String,
    /// The metric's name, if the query asked for it.
    pub metric: Option<String>,
    /// When it happened (UTC).
    pub time: Option<DateTime<Utc>>,
    /// The amount, if it has one.
    pub value: Option<f64>,
    /// The currency of the amount, if Klaviyo says so.
    pub currency: Option<String>,
}

/// A page of events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventPage {
    /// Those with a `unique_id`.
    pub events: Vec<HeldEvent>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Reads a page of events.
///
/// # Errors
/// The answer is no such page.
pub fn events(answer: &HttpAnswer) -> Result<EventPage, ReadFault> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let RawEventPage { data, included, links } = parsed(answer)?;
    let name_of = |id: &str| {
        let metric = included.iter().find(|one| one.r#type == "metric" && one.id == id)?;
        Some(metric.attributes.get("name")?.as_str()?.to_owned())
    };
    let events = data.into_iter().filter_map(|RawEvent { attributes, relationships }| {
        let properties = attributes.event_properties;
        let metric_id = relationships.metric.data.id;
        Some(HeldEvent {
            unique_id: properties.id?,
            metric: name_of(&metric_id),
            metric_id,
            time: attributes.datetime,
            value: properties.value.as_ref().and_then(Value::as_f64),
            currency: properties.currency,
        })
    });
    Ok(EventPage { events: events.collect(), next: links.next.as_deref().and_then(cursor) })
}

#[derive(Deserialize)]
struct RawEventPage {
    data: Vec<RawEvent>,
    #[serde(default)]
    included: Vec<IncludedRecord>,
    #[serde(default)]
    links: PageLinks,
}

#[derive(Deserialize)]
struct RawEvent {
    attributes: RawEventAttributes,
    relationships: EventRelations,
}

#[derive(Deserialize)]
struct RawEventAttributes {
    datetime: Option<DateTime<Utc>>,
    event_properties: RawEventProperties,
}

#[derive(Deserialize)]
struct RawEventProperties {
    #[serde(rename = "$event_id")]
    id: Option<String>,
    #[serde(rename = "$value")]
    value: Option<Value>,
    #[serde(rename = "$value_currency")]
    currency: Option<String>,
}

#[derive(Deserialize)]
struct EventRelations {
    metric: MetricRelation,
}

#[derive(Deserialize)]
struct MetricRelation {
    data: MetricId,
}

#[derive(Deserialize)]
struct MetricId {
    id: String,
}

#[derive(Deserialize)]
struct IncludedRecord {
    r#type: String,
    id: String,
    #[serde(default)]
    attributes: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &Value) -> HttpAnswer {
        HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
    }

    #[test]
    fn events_are_asked_for_from_a_time_on() {
        let since = DateTime::from_timestamp_millis(1_767_323_045_678).expect("a time");
        let page = |with_metrics, cursor: Option<&str>| {
            let (profile, cursor) = ("01\"K".to_owned(), cursor.map(ToOwned::to_owned));
            ReadBack::Events { profile, since, with_metrics, size: 200, cursor }.path_and_query()
        };
        let filter = "/api/events?filter=and%28equals%28profile_id%2C%2201%5C%22K%22%29%2C\
            greater-or-equal%28datetime%2C2026-01-02T03%3A04%3A05Z%29%29&sort=datetime\
            &fields%5Bevent%5D=datetime%2Cevent_properties";
        let metrics = "&include=metric&fields%5Bmetric%5D=name";
        let size = "&page%5Bsize%5D=200";
        assert_eq!(page(false, None), format!("{filter}{size}"));
        assert_eq!(
            page(true, Some("a=")),
            format!("{filter}{metrics}{size}&page%5Bcursor%5D=a%3D")
        );
    }

    #[test]
    fn a_name_cannot_leave_its_place() {
        let fields = "&fields%5Bprofile%5D=\
            email%2Cexternal_id%2Cfirst_name%2Clast_name%2Corganization%2Ctitle";
        for (read, filter) in [
            (ReadBack::PersonOfCustomer("c\"".to_owned()), "external_id%2C%22c%5C%22%22"),
            (ReadBack::PersonOfEmail("a+b@c.de".to_owned()), "email%2C%22a%2Bb%40c.de%22"),
        ] {
            let path = format!("/api/profiles?filter=equals%28{filter}%29{fields}");
            assert_eq!(read.path_and_query(), path);
        }
        let ids = vec!["a,\"b".to_owned()];
        assert_eq!(
            ReadBack::Objects { kind: CatalogKind::Category, ids }.path_and_query(),
            "/api/catalog-categories?filter=any%28ids,%5B%22a,%5C%22b%22%5D%29\
             &fields%5Bcatalog-category%5D=name&page%5Bsize%5D=100"
        );
    }

    #[test]
    fn an_event_has_the_name_of_its_metric_where_it_is_told() {
        let event = |metric: &str, properties: Value| {
            json!({"type": "event", "id": "e",
                "attributes": {
                    "datetime": "2026-01-02T03:04:05+00:00", "event_properties": properties,
                },
                "relationships": {"metric": {"data": {"type": "metric", "id": metric}}}})
        };
        let sent =
            json!({"$event_id": "o", "$value": 24.98, "$value_currency": "EUR", "Items": []});
        let body = json!({
            "data": [event("M1", sent), event("M2", json!({"$event_id": "l"})), event("M3", json!({}))],
            "included": [{"type": "metric", "id": "M1", "attributes": {"name": "Placed Order"}}],
            "links": {"next": "https://a.klaviyo.com/api/events?page%5Bcursor%5D=b"},
        });
        let page = events(&answer(200, &body)).expect("a page");
        let time = DateTime::from_timestamp_millis(1_767_323_045_000);
        let placed = HeldEvent {
            unique_id: "o".to_owned(),
            metric_id: "M1".to_owned(),
            metric: Some("Placed Order".to_owned()),
            time,
            value: Some(24.98),
            currency: Some("EUR".to_owned()),
        };
        let bare = HeldEvent {
            unique_id: "l".to_owned(),
            metric_id: "M2".to_owned(),
            metric: None,
            value: None,
            currency: None,
            ..placed.clone()
        };
        assert_eq!(page, EventPage { events: vec![placed, bare], next: Some("b".to_owned()) });
    }

    #[test]
    fn what_is_no_page_is_a_fault() {
        let own = json!({"errors": []});
        assert_eq!(records(&answer(404, &own)), Ok(Vec::new()));
        for (status, body) in [(403, &own), (200, &json!({})), (404, &json!({})), (503, &own)] {
            assert!(events(&answer(status, body)).is_err(), "{status} {body}");
            assert!(records(&answer(status, body)).is_err(), "{status} {body}");
        }
    }
}
