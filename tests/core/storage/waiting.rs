//! Waiting rows: shown in pages, and tried now on request.

use commercetools_klaviyo::klaviyo::job::{JobRef, JobType};
use commercetools_klaviyo::outbox::store::jobs::{self, JobFate};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::parked;
use commercetools_klaviyo::push::parking::RowGroup;
use commercetools_klaviyo::storage::sql::RowId;
use serde_json::{Value, json};

use super::{fails_whole, job_row, new_parked, next_due, open, outbox, outbox_with, slot, take};
use crate::sqlite::Sqlite;
use crate::support::at;

fn parked_as(sql: &Sqlite, new: &NewParked, resource: &Value) {
    let content = json!({"notificationType": "Message", "resource": resource}).to_string();
    park(sql, new, content.as_bytes()).expect("parked");
}

fn page(sql: &Sqlite, cursor: Option<RowId>) -> Value {
    parked::page(sql, cursor).expect("a page")
}

#[test]
fn it_is_shown_with_what_it_is_about() {
    let sql = outbox();
    assert_eq!(page(&sql, None), json!({"parked": [], "next": null}));
    let order = json!({"typeId": "order", "id": "o"});
    parked_as(&sql, &new_parked("message/m"), &order);
    let edge = NewParked { code: "price_edge".to_owned(), ..new_parked("price-edge/p") };
    parked_as(&sql, &edge, &json!({"typeId": "product", "id": "p"}));
    let walk = NewParked { code: "follows_later".to_owned(), ..new_parked("changed-since/c/0/") };
    parked_as(&sql, &walk, &json!({"typeId": "customer", "id": "2026"}));
    park(&sql, &new_parked("customer/c"), b"not JSON").expect("parked");
    parked_as(&sql, &new_parked("customer/d"), &json!("none"));
    let taken = slot(&sql, "customer/c").expect("a row").seq;
    open(&sql, "j", &[job_row(0, "customer/c", taken)], 1_500);
    let since = "1970-01-01T00:00:01.000Z";
    let due = "1970-01-01T00:00:02.000Z";
    let row = |id: &str, resource: Value, code: &str, next: Value| {
        json!({"id": id, "resource": resource, "code": code, "since": since, "attempts": 1,
            "nextAttempt": next})
    };
    let expected = json!([
        row("1", json!("order/o"), "klaviyo_503", json!(due)),
        row("4", Value::Null, "klaviyo_job", Value::Null),
        row("5", Value::Null, "klaviyo_503", json!(due)),
    ]);
    assert_eq!(page(&sql, None), json!({"parked": expected, "next": null}));
    // A notification in parts says nothing, and is none that fails.
    let long = json!({"resource": order, "text": "x".repeat(3_000_000)}).to_string();
    park(&sql, &new_parked("message/long"), long.as_bytes()).expect("parked");
    assert_eq!(page(&sql, RowId::parse("5"))["parked"][0]["resource"], Value::Null);
}

#[test]
fn it_is_shown_in_pages_also_while_it_is_parked_again() {
    let sql = outbox();
    let keys: Vec<_> = (0..250).map(|n| format!("product/{n}")).collect();
    for key in &keys {
        parked_as(&sql, &new_parked(key), &json!({"typeId": "product", "id": key[8..]}));
    }
    let (mut sizes, mut found, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = page(&sql, cursor);
        let rows = page["parked"].as_array().expect("rows");
        sizes.push(rows.len());
        found.extend(rows.iter().map(|row| row["resource"].as_str().unwrap_or("").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = RowId::parse(next);
        if sizes.len() == 1 {
            // Seen already, and not yet.
            for n in [0, 200] {
                let id = n.to_string();
                let resource = json!({"typeId": "product", "id": id});
                parked_as(&sql, &new_parked(&keys[n]), &resource);
            }
        }
    }
    assert_eq!(sizes, [100, 100, 51]);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), keys.len());
}

#[test]
fn it_is_tried_now_unless_it_waits_for_a_time_of_its_own_or_a_job() {
    let due = 50_000;
    let row = |key: &str, code: &str, doubtful_until| NewParked {
        code: code.to_owned(),
        due: at(due),
        doubtful_until: at(doubtful_until),
        ..new_parked(key)
    };
    let (now, kept, tried) = (9_000, Some(50_000), Some(9_000));
    for (what, code, doubtful_until, expected) in [
        ("an outage", "klaviyo_503", 0, tried),
        ("a key", "klaviyo_401", 0, tried),
        ("an order", "payment_without_order", 0, tried),
        ("an outage, and no doubt any more", "klaviyo_503", 8_999, tried),
        ("an outage, and a write in doubt", "klaviyo_503", 50_000, kept),
        ("a write in doubt", "klaviyo_unanswered", 50_000, kept),
        ("what follows from a run in doubt", "follows", 50_000, kept),
        ("a walk over what changed", "follows_later", 50_000, kept),
        ("an edge", "price_edge", 0, kept),
    ] {
        let sql = outbox();
        park(&sql, &row("customer/c", code, doubtful_until), b"x").expect("parked");
        fails_whole(&sql, |sql| parked::retry(sql, at(now)));
        assert_eq!(parked::retry(&sql, at(now)), Ok(u32::from(expected == tried)), "{what}");
        assert_eq!(slot(&sql, "customer/c").expect("a row").due, expected, "{what}");
        assert_eq!(parked::retry(&sql, at(now)), Ok(0), "{what}, again");
    }
}

#[test]
fn what_waits_for_a_job_goes_on_waiting_for_it() {
    let sql = outbox_with(&["customer/c"]);
    let seq = take(&sql, RowGroup::Customers, 2_000).remove(0).row.seq;
    open(&sql, "j", &[job_row(0, "customer/c", seq)], 2_500);
    assert_eq!(parked::retry(&sql, at(3_000)), Ok(0));
    assert_eq!(next_due(&sql, RowGroup::Customers), None);
    let job = JobRef { of: JobType::Profiles, id: "j".to_owned() };
    jobs::close(&sql, &job, &JobFate::Unknown, at(4_000)).expect("closed");
    assert_eq!(next_due(&sql, RowGroup::Customers), Some(4_000));
}
