//! Tries: which rows are due, what they get, and what becomes of those whose tries never end.

use commercetools_klaviyo::engine::circuits::Allowance;
use commercetools_klaviyo::fault::{System, TransientFault};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::parked::{self, ParkedRow};
use commercetools_klaviyo::outbox::store::{dead_letters, lost, sent, tries};
use commercetools_klaviyo::push::parking::RowGroup;
use serde_json::json;

use super::{
    assert_whole, fails_whole, new_parked, next_due, outbox, outbox_with, slot, take, take_customer,
};
use crate::sqlite::Sqlite;
use crate::support::at;

fn due_rows(sql: &Sqlite, now: u64) -> Vec<ParkedRow> {
    let due = tries::due(sql, RowGroup::Customers, Allowance::All, at(now), 100);
    due.expect("due rows").into_iter().map(|due| due.row).collect()
}

#[test]
fn a_row_counts_as_tried_and_is_put_off_before_it_is() {
    let sql = outbox_with(&["customer/c"]);
    let due = due_rows(&sql, 9_000);
    fails_whole(&sql, |sql| tries::take(sql, at(9_000), due.clone(), false));
    // The first wait is one second, the next two; the clock adds up to a quarter.
    for (now, attempts, due) in [(9_000, 2, 10_000), (10_500, 3, 12_750)] {
        let rows = due_rows(&sql, now);
        assert_eq!(tries::take(&sql, at(now), rows, false).expect("taken").len(), 1);
        let row = slot(&sql, "customer/c").expect("a row");
        assert_eq!((row.attempts, row.due), (attempts, Some(due)));
        assert!(due_rows(&sql, due - 1).is_empty());
    }
}

#[test]
fn a_row_is_given_all_of_its_notification() {
    let sql = outbox();
    let large: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 251) as u8).collect();
    park(&sql, &new_parked("customer/a"), &large).expect("parked");
    park(&sql, &new_parked("customer/b"), b"small").expect("parked");
    let taken = take(&sql, RowGroup::Customers, 2_000);
    assert!(taken[0].content == large, "three parts, in their order");
    assert_eq!(taken[1].content, b"small");
    assert_whole(&sql);
}

#[test]
fn rows_are_due_by_their_time_and_probed_by_their_tries() {
    let sql = outbox();
    for (key, due, attempts) in [("a", 3_000, 1), ("b", 2_000, 9), ("c", 2_500, 0), ("d", 9_000, 0)]
    {
        let key = format!("customer/{key}");
        let new = NewParked { due: at(due), attempts, ..new_parked(&key) };
        park(&sql, &new, b"{}").expect("parked");
    }
    let due = |allowance, most| -> String {
        let due =
            tries::due(&sql, RowGroup::Customers, allowance, at(3_000), most).expect("due rows");
        due.into_iter().map(|due| due.row.key.trim_start_matches("customer/").to_owned()).collect()
    };
    assert_eq!(due(Allowance::All, 100), "bca");
    assert_eq!(due(Allowance::All, 2), "bc");
    assert_eq!(due(Allowance::Few(2), 100), "ca");
    assert_eq!(due(Allowance::None, 100), "");
    assert_eq!(next_due(&sql, RowGroup::Customers), Some(2_000));
}

/// Tries what is due at `now`, which never ends; the next machine counts it as lost.
fn lose(sql: &Sqlite, now: u64) {
    let alone = tries::due_alone(sql, at(now)).expect("due rows");
    if alone.is_empty() {
        take(sql, RowGroup::Customers, now);
    } else {
        tries::take(sql, at(now), alone, true).expect("taken");
    }
    lost::count(sql, at(now)).expect("counted");
}

#[test]
fn what_is_lost_again_and_again_is_tried_alone_and_then_given_up() {
    let content = json!({"notificationType": "ResourceUpdated", "version": 3,
        "resource": {"typeId": "customer", "id": "c"}})
    .to_string();
    let sql = outbox();
    park(&sql, &new_parked("customer/c"), content.as_bytes()).expect("parked");
    let row = slot(&sql, "customer/c").expect("a row");
    sent::note(&sql, "customer/c", row.seq, &["d".to_owned()], at(2_000)).expect("noted");
    let mut now = 2_000;
    for lost in 1..=3 {
        assert!(tries::due_alone(&sql, at(now)).expect("due rows").is_empty(), "{lost}");
        lose(&sql, now);
        let row = slot(&sql, "customer/c").expect("a row");
        assert_eq!((row.lost, row.lost_alone), (lost, 0));
        now += 100_000;
    }
    assert!(take(&sql, RowGroup::Customers, now).is_empty(), "it is not tried in company any more");
    // Kills strike whatever is under way: alone counts only if others end meanwhile.
    for _ in 0..5 {
        lose(&sql, now);
        now += 100_000;
    }
    assert_eq!(slot(&sql, "customer/c").expect("a row").lost_alone, 1);
    // One that ends, alone, clears the row: from here on it has all three again.
    let row = tries::due_alone(&sql, at(now)).expect("due rows").remove(0);
    tries::take(&sql, at(now), vec![row.clone()], true).expect("taken");
    let fault = TransientFault::Status(System::Klaviyo, 503);
    parked::put_off(&sql, &row, at(now + 50_000), fault, None, false).expect("put off");
    lost::round_ended(&sql).expect("ended");
    now += 100_000;
    assert_eq!(slot(&sql, "customer/c").expect("a row").lost_alone, 0);
    for _ in 0..3 {
        assert_eq!(dead_letters::count(&sql), Ok(0));
        lost::round_ended(&sql).expect("ended");
        lose(&sql, now);
        now += 100_000;
    }
    assert_eq!(slot(&sql, "customer/c"), None);
    assert!(sql.tables()["sent"].is_empty());
    let letters = dead_letters::list(&sql, None, None).expect("letters");
    let letter = &letters["deadLetters"][0];
    assert_eq!(letter["code"], "never_finished");
    assert_eq!(letter["resource"], "customer/c");
    let id = letter["id"].as_str().expect("an id");
    let read = dead_letters::read(&sql, id).expect("a letter").expect("a letter");
    assert_eq!(read["notification"].to_string(), content);
    assert_whole(&sql);
}

#[test]
fn what_ends_is_not_lost() {
    let sql = outbox_with(&["customer/c"]);
    let mut now = 2_000;
    for _ in 0..10 {
        take_customer(&sql, now);
        lost::round_ended(&sql).expect("ended");
        lost::count(&sql, at(now)).expect("counted");
        now += 100_000;
    }
    assert_eq!(slot(&sql, "customer/c").expect("a row").lost, 0);
}

#[test]
fn what_waits_is_told_by_its_reason() {
    let sql = outbox_with(&["customer/a", "customer/b"]);
    let other = NewParked { code: "network".to_owned(), at: at(500), ..new_parked("product/p") };
    park(&sql, &other, b"{}").expect("parked");
    let waiting = parked::waiting(&sql).expect("rows").into_iter();
    let waiting: Vec<_> = waiting
        .map(|rows| (rows.code, rows.count, rows.oldest.shown().unwrap_or_default()))
        .collect();
    let expected = [
        ("klaviyo_503".to_owned(), 2, "1970-01-01T00:00:01.000Z".to_owned()),
        ("network".to_owned(), 1, "1970-01-01T00:00:00.500Z".to_owned()),
    ];
    assert_eq!(waiting, expected);
}

#[test]
fn what_waits_is_counted_by_its_group() {
    let sql = outbox_with(&["customer/a", "customer/b", "category/c", "category-products/c/"]);
    let counts = parked::counts(&sql).expect("counts").into_iter();
    let counts: std::collections::HashMap<_, _> = counts.collect();
    let expected =
        [(RowGroup::Customers, 2), (RowGroup::Categories, 1), (RowGroup::CategoryProducts, 1)];
    assert_eq!(counts, std::collections::HashMap::from(expected));
}
