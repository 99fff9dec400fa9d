//! Shared parts of several tests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commercetools_klaviyo::assembly::documents::Documents;
use commercetools_klaviyo::assembly::reading::UnitReading;
use commercetools_klaviyo::assembly::{self, Assignment, DeliveryStep, record};
use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::commercetools::query::DocumentQuery;
use commercetools_klaviyo::commercetools::walk::WalkedResource;
use commercetools_klaviyo::config::{self, Config};
use commercetools_klaviyo::http::HttpAnswer;
use commercetools_klaviyo::klaviyo::query::KlaviyoLookup;
use commercetools_klaviyo::klaviyo::request::WriteRequest;
use commercetools_klaviyo::push::conclusion::Conclusion;
use commercetools_klaviyo::push::plan::{IgnoreReason, WorkPlan, plan};
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Map, Value, json};

/// The time so many ms after 1970 began.
pub(crate) fn at(ms: u64) -> UnixMs {
    UnixMs::from_ms(ms)
}

/// A complete configuration with these settings beside the required ones.
pub(crate) fn config(settings: &[(&str, &str)]) -> Config {
    let required: BTreeMap<_, _> = [
        ("CT_API_CLIENT", r#"{"clientId":"id","secret":"secret"}"#),
        ("CT_AUTH_URL", "https://auth.example.com"),
        ("CT_API_URL", "https://api.example.com"),
        ("CT_PROJECT_ID", "shop"),
        ("KLAVIYO_AUTH_KEY", "pk_test"),
    ]
    .into();
    let settings: BTreeMap<_, _> = settings.iter().copied().collect();
    let found = |name: &str| settings.get(name).or_else(|| required.get(name));
    config::parse(|name| found(name).map(ToString::to_string)).expect("a configuration")
}

/// When it is, for the prices that hold.
const NOW: &str = "2026-03-02T06:00:00Z";

/// The documents that commercetools has, by path (`/customers/c1`).
pub(crate) type Shop = Vec<(String, Value)>;

/// What came of a notification.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    /// These requests, as `METHOD path` and body.
    Sent(Vec<(String, Value)>),
    /// Nothing.
    Ignored(IgnoreReason),
    /// It cannot be known yet what to send.
    NotYet(String),
    /// It cannot be mapped.
    Unmappable(String),
}

impl Came {
    /// The bodies that were sent.
    pub(crate) fn bodies(self) -> Vec<Value> {
        match self {
            Self::Sent(sent) => sent.into_iter().map(|(_, body)| body).collect(),
            other => panic!("nothing was sent: {other:?}"),
        }
    }
}

/// Brings a notification through the whole core, with commercetools answering from `shop`.
pub(crate) fn deliver(config: &Config, shop: &Shop, notification: &Value) -> Came {
    let requests = brought(config, shop, notification);
    requests.map_or_else(|came| came, |requests| Came::Sent(requests.iter().map(sent).collect()))
}

/// The requests that a notification leads to.
pub(crate) fn requests(config: &Config, shop: &Shop, notification: &Value) -> Vec<WriteRequest> {
    let requests = brought(config, shop, notification);
    requests.unwrap_or_else(|came| panic!("nothing was sent: {came:?}"))
}

/// The requests that a notification leads to, or what comes of it instead.
pub(crate) fn brought(
    config: &Config,
    shop: &Shop,
    notification: &Value,
) -> Result<Vec<WriteRequest>, Came> {
    let notification = Notification::read(object(notification.clone())).expect("a notification");
    let work = match plan(&config.rules, &notification).expect("a plan") {
        WorkPlan::Work(work) => work,
        WorkPlan::Ignore(why) => return Err(Came::Ignored(why)),
    };
    let now = NOW.parse().expect("a time");
    worked(config, shop, &Assignment::Now(work), Documents::default(), now)
}

/// The requests by which an import brings an order, whose payments are expanded; or what comes instead.
pub(crate) fn imported(
    config: &Config,
    shop: &Shop,
    order: &Value,
) -> Result<Vec<WriteRequest>, Came> {
    let record = record::read(WalkedResource::Orders, &order.to_string()).expect("an id");
    let (record, documents) = record.read.expect("an order");
    let now = NOW.parse().expect("a time");
    worked(config, shop, &Assignment::History(record), documents, now)
}

/// What comes of an assignment, with what was read for it before.
fn worked(
    config: &Config,
    shop: &Shop,
    assignment: &Assignment,
    mut documents: Documents,
    now: DateTime<Utc>,
) -> Result<Vec<WriteRequest>, Came> {
    let mut created = Vec::new();
    for _ in 0..10 {
        match assembly::next(config, assignment, &documents, now) {
            DeliveryStep::Read(readings) => {
                for reading in readings {
                    let answer = match &reading {
                        UnitReading::Commercetools(query) => answer(shop, query),
                        UnitReading::Klaviyo(lookup) => held(shop, lookup),
                        UnitReading::Category(write) => {
                            created.push(WriteRequest::Catalog((**write).clone()));
                            // It is there already, so that it is not looked for in commercetools.
                            HttpAnswer {
                                status: 409,
                                body: json!({"errors": []}).to_string(),
                                ..HttpAnswer::default()
                            }
                        }
                    };
                    documents.add(&reading, &Ok(answer)).expect("a document");
                }
            }
            DeliveryStep::Follow(_) => documents.followed = true,
            DeliveryStep::Send { stages, .. } => {
                return Ok(created.into_iter().chain(stages.into_iter().flatten()).collect());
            }
            DeliveryStep::Conclude(conclusion) => return Err(came(conclusion)),
        }
    }
    panic!("the core reads for ever");
}

fn came(conclusion: Conclusion) -> Came {
    match conclusion {
        Conclusion::Ignored(why) => Came::Ignored(why),
        Conclusion::NotYet(not_yet) => Came::NotYet(not_yet.fault().code().into_owned()),
        Conclusion::Never(fault) => Came::Unmappable(fault.code().into_owned()),
        Conclusion::Delivered => Came::Sent(Vec::new()),
        Conclusion::Later(setback) => panic!("{setback:?}"),
    }
}

/// Method, path and body of a request.
pub(crate) fn sent(request: &WriteRequest) -> (String, Value) {
    let body = request.body().map(|body| serde_json::from_str(&body).expect("JSON"));
    let body = body.unwrap_or_default();
    (format!("{} {}", request.method(), request.path()), body)
}

fn answer(shop: &Shop, query: &DocumentQuery) -> HttpAnswer {
    let path = query.path_and_query();
    let path = path.split('?').next().expect("a path");
    let documents: Vec<_> =
        shop.iter().filter(|(at, _)| at == path).map(|(_, document)| document).collect();
    let (status, body) = match (query, documents.first()) {
        (
            DocumentQuery::Customer(_)
            | DocumentQuery::Buyer(_)
            | DocumentQuery::Order(_)
            | DocumentQuery::Payment(_)
            | DocumentQuery::Category(_)
            | DocumentQuery::Product(_)
            | DocumentQuery::StandalonePrice(_)
            | DocumentQuery::InventoryEntry(_)
            | DocumentQuery::CustomType(_)
            | DocumentQuery::Project
            | DocumentQuery::Variant(_)
            | DocumentQuery::ProductType(_),
            None,
        ) => (404, json!({"statusCode": 404})),
        (
            DocumentQuery::Products(_)
            | DocumentQuery::IdWalk(_)
            | DocumentQuery::DiscountCodes(_)
            | DocumentQuery::OrderOfPayment(_)
            | DocumentQuery::OwnerOfPayment(_)
            | DocumentQuery::Descendants { .. }
            | DocumentQuery::ProductOfSku(_)
            | DocumentQuery::OwnersOfSkus(_)
            | DocumentQuery::PublishedProducts(_)
            | DocumentQuery::VariantOfSku(_)
            | DocumentQuery::VariantsOfProduct { .. }
            | DocumentQuery::VariantsOfSkus(_)
            | DocumentQuery::StandalonePrices { .. }
            | DocumentQuery::StockEntries { .. },
            _,
        ) => (200, json!({ "results": documents })),
        (_, Some(document)) => (200, (*document).clone()),
    };
    HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
}

/// What Klaviyo holds: the shop's `klaviyo/variants` and `klaviyo/categories` by their ids; an
/// item that has neither is not known there.
fn held(shop: &Shop, lookup: &KlaviyoLookup) -> HttpAnswer {
    let path = match lookup {
        KlaviyoLookup::VariantsOfItem { .. } => "klaviyo/variants",
        KlaviyoLookup::CategoriesOfItem { .. } => "klaviyo/categories",
        KlaviyoLookup::ProfilesOfCustomer { .. } => "klaviyo/profiles",
        KlaviyoLookup::ProfilesOfEmail { .. } => return guests(shop),
        KlaviyoLookup::CategoryName { .. } => return unknown(),
        other => panic!("no notification looks this up: {other:?}"),
    };
    let known = path == "klaviyo/profiles" || shop.iter().any(|(at, _)| at.starts_with("klaviyo/"));
    let ids =
        shop.iter().filter(|(at, _)| at == path).map(|(_, id)| json!({"type": "x", "id": id}));
    let body = json!({"data": ids.collect::<Vec<_>>(), "links": {"next": null}});
    if !known {
        return unknown();
    }
    HttpAnswer { status: 200, body: body.to_string(), ..HttpAnswer::default() }
}

/// The profiles that Klaviyo has of a guest's e-mail: the shop's `klaviyo/guests`, by their attributes.
fn guests(shop: &Shop) -> HttpAnswer {
    let guests = shop.iter().filter(|(at, _)| at == "klaviyo/guests");
    let profile = |attributes| json!({"type": "profile", "id": "g", "attributes": attributes});
    let profiles: Vec<_> = guests.map(|(_, attributes)| profile(attributes)).collect();
    let body = json!({"data": profiles, "links": {"next": null}}).to_string();
    HttpAnswer { status: 200, body, ..HttpAnswer::default() }
}

/// Klaviyo's 404.
fn unknown() -> HttpAnswer {
    let body = json!({"errors": [{"status": 404, "code": "not_found"}]}).to_string();
    HttpAnswer { status: 404, body, ..HttpAnswer::default() }
}

/// The members of a JSON object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("an object, not {other}"),
    }
}
