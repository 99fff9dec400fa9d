//! Erasures: nothing of the person stays, and erased customers stay erased.

use std::time::Duration;

use chrono::DateTime;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::outbox::store::dead_letters::{self, NewDeadLetter};
use commercetools_klaviyo::outbox::store::erasure::{self, EraseAgain};
use commercetools_klaviyo::outbox::store::intake;
use commercetools_klaviyo::outbox::store::jobs::{self, JobFate};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::sent;
use commercetools_klaviyo::push::parking::{ERASURE_RANK, RowGroup};
use commercetools_klaviyo::storage::sql::{Sql, SqlValue};
use serde_json::{Value, json};

use super::{
    assert_whole, fails_whole, job_row, new_parked, open, outbox, outbox_with, slot, take,
};
use crate::sqlite::Sqlite;
use crate::support::at;

const NOW: u64 = 1_780_272_000_000;
const DAY: u64 = 86_400_000;

/// What must not be found any more.
const NAME: &str = "Ada Lovelace";

fn letter(customer: Option<&str>, resource: Option<&str>) -> NewDeadLetter {
    NewDeadLetter {
        at: at(NOW),
        code: "klaviyo_400".to_owned(),
        detail: format!("{} is no name", customer.map_or("x", |_| NAME)),
        pointer: None,
        resource: resource.map(ToOwned::to_owned),
        customer: customer.map(ToOwned::to_owned),
        attempts: 1,
    }
}

/// The tables in which a text stands, in a value of whatever type.
fn found(sql: &Sqlite, text: &str) -> Vec<String> {
    let has = |value: &SqlValue| match value {
        SqlValue::Text(value) => value.contains(text),
        SqlValue::Blob(bytes) => String::from_utf8_lossy(bytes).contains(text),
        SqlValue::Null | SqlValue::Integer(_) => false,
    };
    let tables = sql.tables().into_iter();
    let found = tables.filter(|(_, rows)| rows.iter().flatten().any(has));
    found.map(|(name, _)| name).collect()
}

/// All that may be stored of the customer `ada-1`, in each table, and the same of `bob-1`.
fn outbox_of_two() -> Sqlite {
    let sql = outbox();
    let content = json!({ "name": NAME }).to_string();
    let mut large = content.clone().into_bytes();
    large.resize(1_500_000, b' ');
    large.extend(NAME.as_bytes());
    let of = |key: &str, customer: Option<&str>| NewParked {
        customer: customer.map(ToOwned::to_owned),
        ..new_parked(key)
    };
    for (new, content) in [
        (of("customer/ada-1", None), content.as_bytes()),
        (of("message/m1", Some("ada-1")), &large),
        (of("customer/bob-1", Some("bob-1")), b"{}".as_slice()),
        (of("message/guest", None), b"{}"),
    ] {
        park(&sql, &new, content).expect("parked");
        let row = slot(&sql, &new.key).expect("a row");
        sent::note(&sql, &new.key, row.seq, &["d".to_owned()], at(2_000)).expect("noted");
    }
    for (letter, content) in [
        (letter(Some("ada-1"), Some("order/o")), large.as_slice()),
        (letter(None, Some("customer/ada-1")), content.as_bytes()),
        (letter(None, Some("customer/bob-1")), b"{}".as_slice()),
        (letter(None, None), b"not JSON"),
    ] {
        dead_letters::keep(&sql, &letter, content).expect("kept");
    }
    sql
}

#[test]
fn an_erasure_leaves_nothing_of_the_person() {
    let sql = outbox_of_two();
    assert_eq!(found(&sql, NAME), ["dead_letter_parts", "dead_letters", "parked_parts"]);
    fails_whole(&sql, |sql| erasure::erase(sql, "ada-1", at(NOW)));
    assert_eq!(
        erasure::erase(&sql, "ada-1", at(NOW)),
        Ok(false),
        "no job may bring the profile back"
    );
    assert!(found(&sql, NAME).is_empty());
    assert!(found(&sql, "ada-1").is_empty(), "not even the id");
    assert_whole(&sql);
    for kept in ["customer/bob-1", "message/guest"] {
        assert!(slot(&sql, kept).is_some(), "{kept}");
    }
    assert_eq!(sql.tables()["sent"].len(), 2);
    assert_eq!(dead_letters::count(&sql), Ok(2));
}

/// The ids of who is erased once more, and whose erasures are parked then.
#[test]
fn who_was_erased_is_erased_again_for_90_days() {
    let sql = outbox();
    erasure::erase(&sql, "a", at(NOW)).expect("erased");
    let again = |sql: &Sqlite, customer: &str, now| {
        let asked = EraseAgain { gone_written_since: None, ..gone(customer) };
        asked.park(sql, &erases(), at(now)).expect("asked");
        let key = format!("customer/{customer}");
        let parked = slot(sql, &key).is_some();
        sql.exec("UPDATE parked SET key = 'seen' WHERE key = ?", vec![key.into()]).expect("seen");
        parked
    };
    assert!(!again(&sql, "b", NOW), "nobody erased them");
    gone("a").park(&sql, &erases(), at(NOW + 5)).expect("asked");
    assert_eq!(slot(&sql, "brought-back/a"), None, "it is known who was erased");
    let row = slot(&sql, "customer/a").expect("a row");
    assert_eq!((row.rank, row.due), (ERASURE_RANK, Some(NOW + 60_005)));
    let content: Value = serde_json::from_slice(&row.content).expect("JSON");
    assert_eq!(content["dataErasure"], true);
    // It is known until somebody else is erased after that time.
    for (days, known) in [(90, true), (91, false)] {
        erasure::erase(&sql, "c", at(NOW + days * DAY)).expect("erased");
        assert_eq!(again(&sql, "a", NOW + days * DAY), known, "{days}");
    }
}

/// Settings with which erasures are passed on.
fn erases() -> OperatorRules {
    OperatorRules::parse(r#"{"customer":{"deletion":"erase"}}"#).expect("rules")
}

/// A customer who is gone by now, was written since 1,000 s, and may be for another minute.
fn gone(customer: &str) -> EraseAgain {
    EraseAgain {
        customers: vec![Id::new(customer).expect("an id")],
        wait: Duration::from_mins(1),
        gone_written_since: DateTime::from_timestamp_millis(1_000_000),
    }
}

/// The Worker and the object may be of different versions while they are deployed.
#[test]
fn what_is_asked_of_the_object_keeps_its_form() {
    let asked = json!({"customers": ["a"], "wait_ms": 60_000,
        "gone_written_since": "1970-01-01T00:16:40Z"});
    assert_eq!(serde_json::to_value(gone("a")).expect("JSON"), asked);
    assert_eq!(serde_json::from_value::<EraseAgain>(asked).expect("what is asked"), gone("a"));
}

/// Perhaps erased in another deployment: what we wrote of them is looked for.
#[test]
fn who_is_gone_and_was_not_erased_here_is_looked_for() {
    let sql = outbox();
    gone("b").park(&sql, &erases(), at(NOW)).expect("asked");
    let row = slot(&sql, "brought-back/b").expect("a row");
    assert_eq!((row.due, row.doubtful_until), (Some(NOW + 60_000), NOW + 60_000));
    let content: Value = serde_json::from_slice(&row.content).expect("JSON");
    assert_eq!(content["writtenSince"], "1970-01-01T00:16:40+00:00");
    // Who is merely not known of, while erasures are not passed on, is left alone.
    let sql = outbox();
    gone("b").park(&sql, &OperatorRules::default(), at(NOW)).expect("asked");
    assert!(sql.tables()["parked"].is_empty());
}

#[test]
fn an_erasure_waits_for_the_jobs_that_may_bring_the_profile_back() {
    let sql = outbox_with(&["customer/a", "customer/b"]);
    let rows = ["customer/a", "customer/b"]
        .map(|key| job_row(0, key, slot(&sql, key).expect("a row").seq));
    open(&sql, "j", &rows, 2_000);
    assert_eq!(erasure::erase(&sql, "a", at(3_000)), Ok(true));
    let new = NewParked { rank: ERASURE_RANK, ..new_parked("customer/a") };
    park(&sql, &new, b"erase").expect("parked");
    assert_eq!(slot(&sql, "customer/a").expect("a row").due, None);
    let awaited = jobs::all(&sql).expect("jobs").remove(0);
    jobs::close(&sql, &awaited.job, &JobFate::DoneBut(vec![]), at(9_000)).expect("closed");
    assert_eq!(slot(&sql, "customer/a").expect("a row").due, Some(9_000));
    let sent: Vec<String> = sql.all("SELECT key FROM sent").column().expect("keys");
    assert_eq!(sent, ["customer/b"], "what the job wrote of the erased one counts no more");
}

#[test]
fn an_erasure_waits_for_a_write_in_doubt() {
    let sql = outbox();
    let new = NewParked { doubtful_until: at(70_000), ..new_parked("customer/a") };
    park(&sql, &new, b"change").expect("parked");
    assert_eq!(erasure::erase(&sql, "a", at(30_000)), Ok(false));
    let row = slot(&sql, "customer/a").expect("a row");
    assert_eq!((row.rank, row.due), (ERASURE_RANK, Some(70_000)));
    assert!(String::from_utf8_lossy(&row.content).contains("dataErasure"));
}

/// An event makes the profile of whom it is about, also one that is carried out after the erasure.
#[test]
fn an_erasure_waits_for_events_in_doubt() {
    let of_ada = |key: &str| NewParked { customer: Some("a".to_owned()), ..new_parked(key) };
    let in_doubt = NewParked { doubtful_until: at(70_000), ..of_ada("message/m") };
    for (row, tried, due) in [
        (of_ada("message/m"), false, None),
        (in_doubt, false, Some(70_000)),
        (of_ada("message/m"), true, Some(30_000 + 60_000)),
    ] {
        let sql = outbox();
        park(&sql, &row, b"order").expect("parked");
        if tried {
            take(&sql, RowGroup::Facts, 2_000);
        }
        assert_eq!(erasure::erase(&sql, "a", at(30_000)), Ok(false));
        assert_eq!(slot(&sql, "message/m"), None);
        let erasure = slot(&sql, "customer/a");
        assert_eq!(erasure.and_then(|row| row.due), due, "tried: {tried}");
    }
}

/// Two writes that may bring back the same profile are one row, which asks for what either made.
#[test]
fn a_profile_is_looked_for_since_the_first_write_of_it() {
    for seconds in [[1_000, 2_000], [2_000, 1_000]] {
        let sql = outbox();
        for since in seconds {
            let gone_written_since = DateTime::from_timestamp_millis(since * 1_000);
            let asked = EraseAgain { gone_written_since, ..gone("b") };
            asked.park(&sql, &erases(), at(NOW)).expect("asked");
        }
        let row = slot(&sql, "brought-back/b").expect("a row");
        let content: Value = serde_json::from_slice(&row.content).expect("JSON");
        assert_eq!(content["writtenSince"], "1970-01-01T00:16:40+00:00", "{seconds:?}");
    }
}

/// An erasure that came in a push with too much in it was not tried: it erases when it is stored.
#[test]
fn an_erasure_that_is_only_parked_erases_what_is_stored_here() {
    let sql = outbox_of_two();
    let new = NewParked {
        rank: ERASURE_RANK,
        customer: Some("ada-1".to_owned()),
        ..new_parked("customer/ada-1")
    };
    let head = json!({"version": 1, "new": {"parked": new}, "bytes": 5});
    let body = format!("{head}\nerase");
    fails_whole(&sql, |sql| intake::take(sql, body.as_bytes(), at(NOW)));
    assert_eq!(intake::take(&sql, body.as_bytes(), at(NOW)), Ok(vec![String::new()]));
    assert!(found(&sql, NAME).is_empty());
    let row = slot(&sql, "customer/ada-1").expect("a row");
    assert_eq!((row.content.as_slice(), row.due), (b"erase".as_slice(), Some(2_000)));
    assert_eq!(slot(&sql, "message/m1"), None);
    assert_whole(&sql);
}
