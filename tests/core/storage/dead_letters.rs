//! Dead letters: kept, shown in pages, replayed, deleted; and how they and parked notifications come in.

use commercetools_klaviyo::config::OperatorRules;
use commercetools_klaviyo::outbox::store::dead_letters::{self, NewDeadLetter};
use commercetools_klaviyo::outbox::store::intake::{self, NewEntry};
use commercetools_klaviyo::outbox::store::offspring::park_offspring;
use commercetools_klaviyo::outbox::store::replay::replay;
use commercetools_klaviyo::push::envelope::decode;
use commercetools_klaviyo::storage::selection::KeptSelection;
use commercetools_klaviyo::storage::sql::{RowId, Sql};
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Value, json};

use super::{assert_whole, fails_whole, new_parked, outbox, slot};
use crate::sqlite::Sqlite;
use crate::support::at;

fn letter(time: u64) -> NewDeadLetter {
    NewDeadLetter {
        at: at(time),
        code: "klaviyo_400".to_owned(),
        detail: "Klaviyo's words".to_owned(),
        pointer: Some("/data".to_owned()),
        resource: None,
        customer: None,
        attempts: 2,
    }
}

fn change(type_id: &str, id: &str) -> Value {
    json!({"notificationType": "ResourceUpdated", "version": 3,
        "resource": {"typeId": type_id, "id": id}})
}

#[test]
fn the_same_is_kept_once() {
    let sql = outbox();
    fails_whole(&sql, |sql| dead_letters::keep(sql, &letter(1), b"x"));
    let id = dead_letters::keep(&sql, &letter(1), b"x").expect("kept");
    let newer = NewDeadLetter { code: "other".to_owned(), pointer: None, ..letter(2_000) };
    assert_eq!(dead_letters::keep(&sql, &newer, b"x"), Ok(id.clone()));
    let read = dead_letters::read(&sql, &id).expect("read").expect("a letter");
    let expected = json!({"id": id, "code": "other", "detail": "Klaviyo's words", "pointer": null,
        "resource": null, "at": "1970-01-01T00:00:02.000Z", "attempts": 4, "notification": "x"});
    assert_eq!(read, expected);
    assert_eq!(dead_letters::count(&sql), Ok(1));
    assert_whole(&sql);
}

#[test]
fn they_are_shown_in_pages_the_newest_first() {
    let sql = outbox();
    for n in 0..250_u64 {
        let letter = NewDeadLetter { code: n.to_string(), ..letter(n) };
        dead_letters::keep(&sql, &letter, n.to_string().as_bytes()).expect("kept");
    }
    let (mut codes, mut sizes, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = dead_letters::list(&sql, cursor, None).expect("a page");
        let letters = page["deadLetters"].as_array().expect("letters");
        sizes.push(letters.len());
        codes.extend(letters.iter().map(|letter| letter["code"].as_str().unwrap_or("").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = RowId::parse(next);
    }
    assert_eq!(sizes, [100, 100, 50]);
    let expected: Vec<_> = (0..250).rev().map(|n| n.to_string()).collect();
    assert_eq!(codes, expected);
}

#[test]
fn they_are_grouped_by_their_code_and_known_by_their_name() {
    let sql = outbox();
    let order = |number: &str| json!({"resource": {"typeId": "order", "id": "o"}, "order": {"orderNumber": number}});
    let customer = json!({"resource": {"typeId": "customer", "id": "c"},
        "resourceUserProvidedIdentifiers": {"customerNumber": "9", "key": "jane"}});
    let stock = json!({"resource": {"typeId": "inventory-entry", "id": "i"},
        "resourceUserProvidedIdentifiers": {"sku": "SHOE-42"}});
    for (content, code) in [
        (order("F-1").to_string(), "a"),
        (customer.to_string(), "b"),
        (stock.to_string(), "a"),
        ("no JSON".to_owned(), "a"),
    ] {
        let letter = NewDeadLetter { code: code.to_owned(), ..letter(1) };
        dead_letters::keep(&sql, &letter, content.as_bytes()).expect("kept");
    }
    let names = |page: &Value| {
        let letters = page["deadLetters"].as_array().expect("letters").iter();
        letters.map(|letter| letter["name"].clone()).collect::<Vec<_>>()
    };
    let all = dead_letters::list(&sql, None, None).expect("a page");
    assert_eq!(names(&all), [json!(null), json!("SHOE-42"), json!(null), json!("F-1")]);
    assert_eq!(all["codes"], json!([{"code": "a", "count": 3}, {"code": "b", "count": 1}]));
    let of_b = dead_letters::list(&sql, None, Some("b")).expect("a page");
    assert_eq!(names(&of_b), [json!(null)]);
    assert_eq!(
        names(&dead_letters::list(&sql, None, Some("c")).expect("a page")),
        [json!(null); 0]
    );
}

#[test]
fn one_that_fails_again_says_how_often_it_was_tried() {
    let sql = outbox();
    let content = change("customer", "c").to_string();
    let id = dead_letters::keep(&sql, &letter(1), content.as_bytes()).expect("kept");
    assert_eq!(replay(&sql, &OperatorRules::default(), &id, at(2)), Ok(true));
    let attempts = sql.exec("SELECT attempts FROM parked", vec![]).expect("rows").value();
    assert_eq!(attempts, Ok(Some(2_u32)));
}

#[test]
fn old_ones_are_forgotten_with_their_content() {
    let sql = outbox();
    for at in [1, 2, 3] {
        dead_letters::keep(&sql, &letter(at), at.to_string().as_bytes()).expect("kept");
    }
    dead_letters::forget(&sql, at(3)).expect("forgotten");
    let ids = dead_letters::ids(&sql, &KeptSelection::All).expect("ids");
    assert_eq!(ids.len(), 1);
    assert_eq!(dead_letters::delete(&sql, &ids[0]), Ok(true));
    assert_eq!(dead_letters::delete(&sql, &ids[0]), Ok(false));
    assert_whole(&sql);
    assert!(sql.tables()["dead_letter_parts"].is_empty());
}

#[test]
fn those_that_are_meant_are_found_and_deleted() {
    let kept = || {
        let sql = outbox();
        let ids = ["klaviyo_400", "not_json", "klaviyo_400"].iter().enumerate().map(|(n, code)| {
            let letter = NewDeadLetter { code: (*code).to_owned(), ..letter(1) };
            dead_letters::keep(&sql, &letter, n.to_string().as_bytes()).expect("kept")
        });
        let ids: Vec<_> = ids.collect();
        (sql, ids)
    };
    let some = |(_, ids): &(Sqlite, Vec<String>), places: &[usize]| {
        places.iter().map(|place| ids[*place].clone()).collect::<Vec<_>>()
    };
    let by_id = |ids: &[String]| KeptSelection::Ids([ids, &["no-such-letter".into()]].concat());
    let code = |code: &str| KeptSelection::Code(code.to_owned());
    let (_, ids) = kept();
    for (which, meant, others) in [
        (KeptSelection::All, vec![0, 1, 2], vec![]),
        (code("klaviyo_400"), vec![0, 2], vec![1]),
        (code("no_such_code"), vec![], vec![0, 1, 2]),
        (by_id(&ids[1..]), vec![1, 2], vec![0]),
    ] {
        let kept = kept();
        let sql = &kept.0;
        assert_eq!(dead_letters::ids(sql, &which), Ok(some(&kept, &meant)), "{which:?}");
        fails_whole(sql, |sql| dead_letters::delete_all(sql, &which));
        dead_letters::delete_all(sql, &which).expect("deleted");
        let left = dead_letters::ids(sql, &KeptSelection::All);
        assert_eq!(left, Ok(some(&kept, &others)), "{which:?}");
        assert_whole(sql);
    }
}

#[test]
fn a_letter_is_replayed_into_the_slot_of_its_work() {
    let rules = OperatorRules::default();
    let unknown = json!({"notificationType": "Message", "id": "m1", "type": "NobodyKnows",
        "resource": {"typeId": "order", "id": "o"}});
    let cases = [
        ("a change", change("customer", "c").to_string(), vec!["customer/c"], 0),
        ("what asks for nothing", unknown.to_string(), vec!["message/m1"], 0),
        ("no notification", "not JSON".to_owned(), vec![], 1),
        ("both", json!([change("product", "p"), 1]).to_string(), vec!["product/p"], 1),
    ];
    for (what, content, keys, kept) in cases {
        let sql = outbox();
        let id = dead_letters::keep(&sql, &letter(1), content.as_bytes()).expect("kept");
        fails_whole(&sql, |sql| replay(sql, &rules, &id, at(7_000)));
        assert_eq!(replay(&sql, &rules, &id, at(7_000)), Ok(true), "{what}");
        assert_eq!(parked_keys(&sql), keys, "{what}");
        for row in keys.iter().filter_map(|key| slot(&sql, key)) {
            assert_eq!((row.due, row.attempts, row.code.as_str()), (Some(7_000), 2, "replayed"));
        }
        assert_eq!(dead_letters::count(&sql), Ok(kept), "{what}");
        assert_eq!(replay(&sql, &rules, "unknown", at(7_000)), Ok(false));
        assert_whole(&sql);
    }
}

#[test]
fn what_follows_is_parked_if_it_asks_for_anything() {
    let sql = outbox();
    let all = [change("product", "p"), change("nothing", "n"), json!({}), change("category", "k")];
    let all: Vec<_> = all.iter().filter_map(Value::as_object).cloned().collect();
    park_offspring(&sql, &OperatorRules::default(), all, UnixMs::EPOCH, at(7_000)).expect("parked");
    assert_eq!(parked_keys(&sql), ["category/k", "product/p"]);
}

fn parked_keys(sql: &Sqlite) -> Vec<String> {
    sql.all("SELECT key FROM parked ORDER BY key").column().expect("keys")
}

#[test]
fn what_a_push_sends_is_what_the_object_stores() {
    let notification = change("customer", "c");
    let push = decode(json!([notification, 1]).to_string().as_bytes(), None);
    let new = [NewEntry::Parked(new_parked("customer/c")), NewEntry::DeadLetter(letter(1))];
    let bodies = intake::bodies(new.iter().zip(&push.items)).expect("bodies");
    let [(2, body)] = bodies.as_slice() else { panic!("one body") };
    let sql = outbox();
    fails_whole(&sql, |sql| intake::take(sql, body, at(1_000)));
    let stored = intake::take(&sql, body, at(1_000)).expect("stored");
    assert_eq!(stored[0], "", "it is parked");
    assert_eq!(dead_letters::ids(&sql, &KeptSelection::All), Ok(vec![stored[1].clone()]));
    let row = slot(&sql, "customer/c").expect("a row");
    assert_eq!(row.content, notification.to_string().as_bytes());
    let read = dead_letters::read(&sql, &stored[1]).expect("read").expect("a letter");
    assert_eq!(read["notification"], 1);

    // A body that was cut off, and one of another version, are refused.
    assert!(intake::take(&outbox(), &body[..body.len() - 1], at(1_000)).is_err());
    let other = String::from_utf8_lossy(body).replace("\"version\":1", "\"version\":2");
    assert!(intake::take(&outbox(), other.as_bytes(), at(1_000)).is_err());
}
