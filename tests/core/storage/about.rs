//! What the outbox and the imports store about given resources, for a trace.

use commercetools_klaviyo::config::OperatorRules;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::{RecordFailure, RunSaving, SkippedRecord};
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::store::{failures, runs, skipped};
use commercetools_klaviyo::outbox::store::dead_letters::{self, NewDeadLetter};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::{park, park_all};
use commercetools_klaviyo::trace::kept::{KeptNotification, KeptOfOutbox, TracedPart, of_outbox};
use serde_json::{Value, json};

use super::runs::{id, imports, run};
use super::{new_parked, outbox};
use crate::sqlite::Sqlite;
use crate::support::at;

fn kept(sql: &Sqlite, resources: &[&str]) -> KeptOfOutbox {
    let rules = OperatorRules::parse("{}").expect("rules");
    let resources: Vec<_> = resources.iter().map(|one| (*one).to_owned()).collect();
    of_outbox(sql, &rules, &resources, Some(at(7))).expect("read")
}

fn told(kind: &str, of_type: &str, id: &str) -> Value {
    let resource = json!({"typeId": of_type, "id": id});
    match kind {
        "ResourceUpdated" => json!({"notificationType": kind, "resource": resource}),
        _ => json!({"notificationType": "Message", "type": kind, "id": "m", "resource": resource}),
    }
}

fn names(all: &[KeptNotification]) -> Vec<(&str, &[TracedPart])> {
    all.iter().map(|one| (one.type_name.as_str(), one.brings.as_slice())).collect()
}

#[test]
fn what_waits_of_a_record_is_found_by_what_it_is_about() {
    let sql = outbox();
    let parked = |key: &str, content: &Value| {
        park(&sql, &new_parked(key), content.to_string().as_bytes()).expect("parked");
    };
    parked("message/1", &told("OrderCreated", "order", "o"));
    parked("message/2", &told("OrderStateChanged", "order", "o"));
    parked("message/3", &told("PaymentTransactionAdded", "payment", "p"));
    parked("message/4", &told("OrderCreated", "order", "other"));
    // It names the order, and is not about it.
    let mut beside = told("OrderCreated", "order", "other2");
    beside["order"] = json!({"id": "o"});
    parked("message/5", &beside);
    parked("customer/o", &told("ResourceUpdated", "customer", "o"));
    park(&sql, &new_parked("message/6"), b"not JSON, of o").expect("parked");
    let edge = NewParked { code: "price_edge".to_owned(), ..new_parked("price-edge/o") };
    park(&sql, &edge, told("ResourceUpdated", "product", "o").to_string().as_bytes())
        .expect("parked");

    let of_order = kept(&sql, &["order/o", "payment/p"]);
    assert_eq!(
        names(&of_order.waiting),
        [
            ("PaymentTransactionAdded", &[TracedPart::Refunds][..]),
            ("OrderStateChanged", &[TracedPart::State]),
            ("OrderCreated", &[TracedPart::Placed, TracedPart::State]),
        ]
    );
    let first = &of_order.waiting[2];
    assert_eq!((&*first.code, first.at, first.attempts), ("klaviyo_503", at(1_000), 1));
    assert_eq!(first.letter, None);
    assert!(of_order.is_whole && of_order.letters.is_empty());
    assert_eq!(of_order.accepted, Some(at(7)));
    let of_customer = kept(&sql, &["customer/o"]);
    assert_eq!(names(&of_customer.waiting), [("ResourceUpdated", &[TracedPart::Profile][..])]);
    assert_eq!(kept(&sql, &["product/o"]).waiting, [], "the edge of a price is not late");
}

#[test]
fn dead_letters_of_a_record_are_the_newest_first() {
    let sql = outbox();
    for (n, resource) in [(1, "order/o"), (2, "order/x"), (3, "order/o")] {
        let letter = NewDeadLetter {
            at: at(n),
            code: format!("code_{n}"),
            detail: "Klaviyo's words".to_owned(),
            pointer: Some("/data".to_owned()),
            resource: Some(resource.to_owned()),
            customer: None,
            attempts: 1,
        };
        let mut content = told("OrderCreated", "order", "o");
        content["id"] = n.into();
        dead_letters::keep(&sql, &letter, content.to_string().as_bytes()).expect("kept");
    }
    let letters = kept(&sql, &["order/o"]).letters;
    let codes: Vec<_> = letters.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["code_3", "code_1"]);
    assert_eq!(letters[0].pointer.as_deref(), Some("/data"));
    let id = letters[0].letter.as_deref().expect("an id");
    assert!(dead_letters::find(&sql, id).expect("read").is_some());
}

#[test]
fn no_more_is_looked_through_than_can_be() {
    let sql = outbox();
    let content = told("OrderCreated", "order", "o").to_string();
    let other = told("OrderCreated", "order", "x").to_string();
    let rows: Vec<_> = (0..=10_000)
        .map(|n| {
            let content = if n == 0 { &content } else { &other };
            (new_parked(&format!("message/{n}")), content.as_bytes())
        })
        .collect();
    park_all(&sql, &rows).expect("parked");
    let found = kept(&sql, &["order/o"]);
    assert_eq!((found.waiting.len(), found.is_whole), (0, false), "the first is out of reach");
    assert_eq!(kept(&sql, &["order/x"]).waiting.len(), 20);
}

#[test]
fn an_import_knows_of_a_record_what_became_of_it() {
    let sql = imports();
    let failed = |record: &str| RecordFailure {
        id: id(record),
        name: None,
        code: "klaviyo_400".to_owned(),
        detail: "d".to_owned(),
        pointer: Some("/data".to_owned()),
    };
    let left = SkippedRecord { id: id("s"), code: "no_identity", is_counted: true };
    let saving = RunSaving {
        run: Some(run(1, ImportKind::Orders, RunSelection::Full)),
        failures: vec![failed("f")],
        skipped: vec![left],
        ..RunSaving::default()
    };
    runs::save(&sql, &saving).expect("saved");
    let failure = |kind, record| failures::one(&sql, kind, &id(record)).expect("read");
    let skip = |kind, record| skipped::one(&sql, kind, &id(record)).expect("read");
    let shown = failure(ImportKind::Orders, "f").expect("a failure");
    assert_eq!((&shown["code"], &shown["pointer"]), (&json!("klaviyo_400"), &json!("/data")));
    assert_eq!(skip(ImportKind::Orders, "s").expect("a record")["code"], "no_identity");
    assert_eq!(failure(ImportKind::Orders, "s"), None);
    assert_eq!(failure(ImportKind::Customers, "f"), None);
    assert_eq!(skip(ImportKind::Orders, "f"), None);
}
