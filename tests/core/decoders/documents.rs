//! The documents of commercetools, each read and mapped for a notification and as a record of an import: whatever their
//! content, the result is requests in JSON, or a reason.

use commercetools_klaviyo::assembly::documents::Documents;
use commercetools_klaviyo::assembly::reading::UnitReading;
use commercetools_klaviyo::assembly::{self, Assignment, DeliveryStep, record};
use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::commercetools::walk::WalkedResource;
use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::http::HttpAnswer;
use commercetools_klaviyo::klaviyo::request::WriteRequest;
use commercetools_klaviyo::push::conclusion::Conclusion;
use commercetools_klaviyo::push::plan::{WorkPlan, plan};
use serde_json::{Map, Value, json};

use super::{NOW, assert_code, assert_read_code, with_config};

/// What is answered beside the document in question, and what is told of it.
struct Scene {
    /// Where the document is: the path of its resource.
    path: &'static str,
    notification: &'static str,
    /// What else there is, by the path of its resource.
    beside: &'static [(&'static str, &'static str)],
}

const PRODUCT: &str = r#"{"id":"p1","version":1,"key":"p","priceMode":"Embedded","masterData":{
    "published":true,"current":{"name":{"en":"Shirt"},"slug":{"en":"shirt"},"categories":[],
    "masterVariant":{"id":1,"sku":"A","prices":[],"images":[],"attributes":[]},"variants":[]}}}"#;
const STANDALONE: &str = r#"{"id":"p1","version":1,"priceMode":"Standalone","masterData":{
    "published":true,"current":{"name":{"en":"Shirt"},"slug":{"en":"shirt"},"categories":[],
    "masterVariant":{"id":1,"sku":"A","prices":[],"images":[],"attributes":[]},"variants":[]}}}"#;
const MODULAR: &str = r#"{"id":"p1","version":1,"priceMode":"Standalone","masterData":{
    "published":true,"current":{"name":{"en":"Shirt"},"slug":{"en":"shirt"},"categories":[],
    "variants":[],"defaultVariant":{"typeId":"variant","id":"r1"}}}}"#;
const ORDER: &str = r#"{"id":"o1","version":1,"createdAt":"2026-01-02T03:04:05Z",
    "lastModifiedAt":"2026-01-02T03:04:05Z","orderNumber":"1001","orderState":"Complete",
    "customerEmail":"one@example.com","lineItems":[],"customLineItems":[],"discountCodes":[],
    "totalPrice":{"type":"centPrecision","currencyCode":"EUR","centAmount":1000,"fractionDigits":2},
    "paymentInfo":{"payments":[{"typeId":"payment","id":"r1"}]}}"#;
const CUSTOMER: &str = r#"{"id":"c1","version":1,"email":"one@example.com","firstName":"One",
    "createdAt":"2026-01-02T03:04:05Z","lastModifiedAt":"2026-01-02T03:04:05Z","addresses":[]}"#;
const CLASSIC: (&str, &str) = ("", r#"{"key":"shop","productCatalogModel":"Classic"}"#);
const MODULAR_PROJECT: (&str, &str) = ("", r#"{"key":"shop","productCatalogModel":"Modular"}"#);

/// A change of the resource `r1` of a type.
macro_rules! changed {
    ($type_id:literal) => {
        concat!(
            r#"{"notificationType":"ResourceUpdated","version":2,"resource":{"typeId":""#,
            $type_id,
            r#"","id":"r1"}}"#
        )
    };
}

/// A message of the resource `r1` whose payload was left out, so that the document is read.
macro_rules! told {
    ($type_id:literal, $name:literal) => {
        concat!(
            r#"{"notificationType":"Message","id":"m1","version":1,"sequenceNumber":1,"#,
            r#""resourceVersion":1,"createdAt":"2026-01-02T03:04:05Z","#,
            r#""payloadNotIncluded":{"reason":"r","payloadType":""#,
            $name,
            r#""},"resource":{"typeId":""#,
            $type_id,
            r#"","id":"r1"}}"#
        )
    };
}

pub(super) fn customer(bytes: &[u8]) {
    told(bytes, &Scene { path: "/customers", notification: changed!("customer"), beside: &[] });
    imported(bytes, WalkedResource::Customers, &[]);
}

pub(super) fn order(bytes: &[u8]) {
    let beside = &[("/products", PRODUCT), ("/customers", CUSTOMER), CLASSIC];
    for notification in [told!("order", "OrderCreated"), told!("order", "OrderStateChanged")] {
        told(bytes, &Scene { path: "/orders", notification, beside });
    }
    imported(bytes, WalkedResource::Orders, beside);
}

pub(super) fn product(bytes: &[u8]) {
    let beside = &[CLASSIC];
    told(bytes, &Scene { path: "/products", notification: changed!("product"), beside });
    imported(bytes, WalkedResource::Products, beside);
}

pub(super) fn variant(bytes: &[u8]) {
    let beside = &[("/products", MODULAR), MODULAR_PROJECT];
    told(bytes, &Scene { path: "/variants", notification: changed!("product"), beside });
    told(bytes, &Scene { path: "/variants", notification: changed!("variant"), beside });
}

pub(super) fn category(bytes: &[u8]) {
    told(bytes, &Scene { path: "/categories", notification: changed!("category"), beside: &[] });
    imported(bytes, WalkedResource::Categories, &[]);
}

pub(super) fn inventory_entry(bytes: &[u8]) {
    let beside = &[("/products", PRODUCT), CLASSIC];
    let notification = changed!("inventory-entry");
    told(bytes, &Scene { path: "/inventory", notification, beside });
    told(bytes, &Scene { path: "/inventory", notification: changed!("product"), beside });
}

pub(super) fn standalone_price(bytes: &[u8]) {
    let beside = &[("/products", STANDALONE), CLASSIC];
    let notification = changed!("standalone-price");
    told(bytes, &Scene { path: "/standalone-prices", notification, beside });
    told(bytes, &Scene { path: "/standalone-prices", notification: changed!("product"), beside });
}

pub(super) fn payment(bytes: &[u8]) {
    let notification = told!("payment", "PaymentTransactionAdded");
    told(bytes, &Scene { path: "/payments", notification, beside: &[("/orders", ORDER)] });
}

/// Brings the document to its end as what is told of it.
fn told(bytes: &[u8], scene: &Scene) {
    let text = String::from_utf8_lossy(bytes);
    let raw: Map<String, Value> =
        serde_json::from_str(scene.notification).unwrap_or_else(|error| panic!("{error}"));
    let notification = Notification::read(raw).unwrap_or_else(|_| panic!("no notification"));
    with_config(|config| {
        let Ok(WorkPlan::Work(work)) = plan(&config.rules, &notification) else {
            panic!("nothing is read for {}", scene.notification)
        };
        let there = [(scene.path, &*text)];
        bring(config, &Assignment::Now(work), Documents::default(), &[&there, scene.beside]);
    });
}

/// Brings the document to its end as a record of an import.
fn imported(bytes: &[u8], of: WalkedResource, beside: &[(&str, &str)]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(record) = record::read(of, &text) else { return };
    with_config(|config| match record.read {
        Ok((record, documents)) => {
            bring(config, &Assignment::History(record), documents, &[beside]);
        }
        Err(rejection) => assert_code(&rejection.fault.code()),
    });
}

fn bring(
    config: &Config,
    assignment: &Assignment,
    mut documents: Documents,
    there: &[&[(&str, &str)]],
) {
    let now = NOW.to_utc().unwrap_or_else(|| panic!("no time"));
    for _ in 0..20 {
        match assembly::next(config, assignment, &documents, now) {
            DeliveryStep::Read(readings) => {
                assert!(!readings.is_empty(), "it waits for nothing");
                for reading in readings {
                    let answer = answered(&reading, there);
                    if assert_read_code(documents.add(&reading, &Ok(answer))).is_none() {
                        return;
                    }
                }
            }
            DeliveryStep::Follow(notifications) => {
                for raw in notifications {
                    assert!(Notification::read(raw).is_ok(), "it gives rise to no notification");
                }
                documents.followed = true;
            }
            DeliveryStep::Send { stages, .. } => {
                stages.iter().flatten().for_each(assert_sendable);
                return;
            }
            DeliveryStep::Conclude(conclusion) => return assert_concluded(&conclusion),
        }
    }
    panic!("it reads for ever");
}

fn assert_sendable(request: &WriteRequest) {
    assert!(request.path().starts_with("/api/"), "{}", request.path());
    assert!(request.path().bytes().all(|byte| byte.is_ascii_graphic()), "{}", request.path());
    if let Some(body) = request.body() {
        let read: Result<Value, _> = serde_json::from_str(&body);
        assert!(read.is_ok_and(|body| body.get("data").is_some()), "no body of Klaviyo's: {body}");
    }
}

fn assert_concluded(conclusion: &Conclusion) {
    match conclusion {
        Conclusion::Ignored(why) => assert_code(why.code()),
        Conclusion::NotYet(not_yet) => assert_code(&not_yet.fault().code()),
        Conclusion::Never(rejection) => assert_code(&rejection.fault.code()),
        Conclusion::Later(setback) => assert_code(&setback.fault.code()),
        Conclusion::Delivered => {}
    }
}

/// What is there answers what is asked of its resource, one document or a list; Klaviyo holds nothing yet.
fn answered(reading: &UnitReading, there: &[&[(&str, &str)]]) -> HttpAnswer {
    let UnitReading::Commercetools(query) = reading else {
        return answer(404, json!({"errors": [{"status": 404, "code": "not_found"}]}).to_string());
    };
    let asked = query.path_and_query();
    let path = asked.split('?').next().unwrap_or_default();
    let (resource, is_one) = match path.rsplit_once('/') {
        None | Some(("", "")) => ("", true),
        Some(("", _)) => (path, false),
        Some((resource, _)) => (resource, true),
    };
    let found = there.iter().copied().flatten().find(|(path, _)| *path == resource);
    match found {
        Some((_, text)) if is_one => answer(200, (*text).to_owned()),
        Some((_, text)) => answer(200, format!(r#"{{"limit":500,"count":1,"results":[{text}]}}"#)),
        None if is_one => answer(404, r#"{"statusCode":404,"message":"m","errors":[]}"#.to_owned()),
        None => answer(200, r#"{"limit":500,"count":0,"results":[]}"#.to_owned()),
    }
}

fn answer(status: u16, body: String) -> HttpAnswer {
    HttpAnswer { status, body, ..HttpAnswer::default() }
}
