//! Parking: what happens to an occupied slot, and that a batch is parked like single notifications.

use std::collections::BTreeMap;

use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::fault::TransientFault;
use commercetools_klaviyo::outbox::store::generation::RowGeneration;
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::{park, park_all};
use commercetools_klaviyo::outbox::store::parked;
use commercetools_klaviyo::outbox::store::sent;
use commercetools_klaviyo::push::parking::{ParkingSlot, RowGroup};
use commercetools_klaviyo::push::plan::removed_fields::RemovedFields;
use commercetools_klaviyo::storage::parts;
use commercetools_klaviyo::storage::sql::{Sql, SqlValue};

use super::{
    StoredRow, assert_whole, fails_whole, job_row, new_parked, open, outbox, slot, take_customer,
};
use crate::import::world::Chance;
use crate::seeds::seeds;
use crate::sqlite::Sqlite;
use crate::support::at;

#[test]
fn a_free_slot_takes_all_that_is_known() {
    let sql = outbox();
    let new = NewParked {
        rank: 1,
        customer: Some("c".to_owned()),
        doubtful_until: at(61_000),
        written_since: at(900),
        ..new_parked("customer/c")
    };
    park(&sql, &new, "{\"ä\":1}".as_bytes()).expect("parked");
    let row = slot(&sql, "customer/c").expect("a row");
    let expected = StoredRow {
        seq: row.seq,
        key: "customer/c".to_owned(),
        rank: 1,
        customer: Some("c".to_owned()),
        since: 1_000,
        due: Some(2_000),
        attempts: 1,
        code: "klaviyo_503".to_owned(),
        bytes: 8,
        alone: 0,
        doubtful_until: 61_000,
        written_since: 900,
        lost: 0,
        lost_alone: 0,
        content: "{\"ä\":1}".as_bytes().to_vec(),
    };
    assert_eq!(row, expected);
}

/// The rank and the doubt of who is in the slot, those of who comes, and what is there then.
#[test]
fn a_taken_slot_keeps_its_age_and_its_time() {
    let cases = [
        ("an equal rank replaces it", (1, 0), (1, 0), (1, 0, "new")),
        ("a higher one too", (0, 0), (2, 0), (2, 0, "new")),
        ("a lower one does not", (2, 0), (1, 0), (2, 0, "old")),
        ("its doubt stays", (0, 70_000), (0, 0), (0, 70_000, "new")),
        ("a longer doubt counts", (0, 70_000), (0, 90_000), (0, 90_000, "new")),
        ("a shorter one does not", (2, 70_000), (0, 60_000), (2, 70_000, "old")),
    ];
    for (what, old, new, (rank, doubtful_until, content)) in cases {
        let sql = outbox();
        let parked = |(rank, doubt)| NewParked {
            rank,
            doubtful_until: at(doubt),
            ..new_parked("customer/c")
        };
        park(&sql, &parked(old), b"old").expect("parked");
        // Tried twice: at 2,000, and when it is due again.
        let taken = take_customer(&sql, 2_000);
        take_customer(&sql, 9_000);
        let before = slot(&sql, "customer/c").expect("a row");
        let key = &taken.row.key;
        let newer = NewParked {
            at: at(10_000),
            due: at(10_500),
            attempts: 1,
            code: "network".to_owned(),
            ..parked(new)
        };
        park(&sql, &newer, b"new").expect("parked");
        let after = slot(&sql, key).expect("a row");
        assert_eq!((after.rank, after.doubtful_until), (rank, doubtful_until), "{what}");
        assert_eq!(after.content, content.as_bytes(), "{what}");
        assert_eq!((after.since, after.attempts, after.due), (1_000, 3, before.due), "{what}");
        assert_eq!(after.code, "network", "{what}");
        assert!(after.seq != before.seq, "{what}: it is a new generation");
        assert_whole(&sql);
    }
}

/// A row that waits until nothing is in doubt any more, and what is told of its resource meanwhile: that
/// is tried at once, and the row once more when the doubt is over.
#[test]
fn what_is_told_does_not_wait_for_the_end_of_a_doubt() {
    let sql = outbox();
    let slot_of = || ParkingSlot { key: "product/p".to_owned(), rank: 0, customer: None };
    park(&sql, &NewParked::not_before(slot_of(), at(700_000), at(1_000)), b"old").expect("parked");
    assert_eq!(slot(&sql, "product/p").expect("a row").due, Some(700_000));
    let told = NewParked::now(slot_of(), TransientFault::Follows, at(10_000));
    park(&sql, &told, b"new").expect("parked");
    let row = slot(&sql, "product/p").expect("a row");
    assert_eq!((row.due, row.since, row.doubtful_until), (Some(10_000), 1_000, 700_000));
    park(&sql, &NewParked::not_before(slot_of(), at(800_000), at(20_000)), b"newer")
        .expect("parked");
    let row = slot(&sql, "product/p").expect("a row");
    assert_eq!((row.due, row.doubtful_until), (Some(10_000), 800_000));
}

/// A walk over what changed is not late before its time, and is made once more at the later of two times.
#[test]
fn a_walk_that_is_made_later_does_not_wait() {
    let sql = outbox();
    let slot_of = || ParkingSlot { key: "changed-since/c/0/".into(), rank: 0, customer: None };
    let later = |time| NewParked::not_before(slot_of(), time, at(1_000));
    park(&sql, &later(at(700_000)), b"walk").expect("parked");
    assert!(parked::waiting(&sql).expect("rows").is_empty());
    assert_eq!(parked::counts(&sql), Ok(Vec::new()));
    let row = slot(&sql, "changed-since/c/0/").expect("a row");
    assert_eq!((row.due, row.since), (Some(700_000), 700_000));
    park(&sql, &later(at(800_000)), b"walk").expect("parked");
    let row = slot(&sql, "changed-since/c/0/").expect("a row");
    assert_eq!((row.due, row.doubtful_until), (Some(700_000), 800_000));
    // One that is to be made now is work that waits.
    let sql = outbox();
    park(&sql, &later(at(1_000)), b"walk").expect("parked");
    assert_eq!(parked::waiting(&sql).expect("rows").len(), 1);
}

/// Since when the slot, and what comes, may have been written.
#[test]
fn a_slot_knows_since_when_it_may_have_been_written() {
    for (old, new, expected) in [(0, 0, 0), (0, 900, 900), (900, 0, 900), (900, 950, 900)] {
        let sql = outbox();
        for written_since in [old, new] {
            let new = NewParked { written_since: at(written_since), ..new_parked("customer/c") };
            park(&sql, &new, b"x").expect("parked");
        }
        let row = slot(&sql, "customer/c").expect("a row");
        assert_eq!(row.written_since, expected, "{old} {new}");
    }
}

/// What is in a row, what comes, and the fields that the row then says were removed.
#[test]
fn removed_fields_outlive_the_notification_that_named_them() {
    let change =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;
    let created = change.replace("Updated", "Created");
    let message = |of: &str, rest: &str| {
        format!(r#"{{"type":"{of}",{rest},"resource":{{"typeId":"customer","id":"c"}}}}"#)
    };
    let field = |name: &str| message("CustomerCustomFieldRemoved", &format!(r#""name":"{name}""#));
    let of_type = message("CustomerCustomTypeRemoved", r#""previousTypeId":"t""#);
    let (change, created) = ((1, change.to_owned()), (0, created));
    let (a, b, of_type) = ((1, field("a")), (1, field("b")), (1, of_type));
    let erasure = (2, "an erasure".to_owned());
    for (what, all, names, types) in [
        ("a change names none", vec![&change, &change], &[][..], &[][..]),
        ("a later change keeps it", vec![&a, &change, &change], &["a"], &[]),
        ("an earlier change does no harm", vec![&change, &a], &["a"], &[]),
        ("a creation does not take its place", vec![&a, &created], &["a"], &[]),
        ("two are united", vec![&a, &b], &["a", "b"], &[]),
        ("so are many", vec![&a, &change, &b, &of_type, &change], &["a", "b"], &["t"]),
        ("an erasure needs none", vec![&a, &erasure], &[], &[]),
    ] {
        let parked = |(rank, content): &(u8, String)| {
            (NewParked { rank: *rank, ..new_parked("customer/c") }, content.clone())
        };
        let all: Vec<_> = all.into_iter().map(parked).collect();
        let (one_by_one, together) = (outbox(), outbox());
        for (new, content) in &all {
            park(&one_by_one, new, content.as_bytes()).expect("parked");
        }
        let all: Vec<_> =
            all.iter().map(|(new, content)| (new.clone(), content.as_bytes())).collect();
        park_all(&together, &all).expect("parked");
        for sql in [one_by_one, together] {
            let row = slot(&sql, "customer/c").expect("a row");
            let raw = serde_json::from_slice(&row.content).unwrap_or_default();
            let removed = Notification::read(raw).map(|read| RemovedFields::of(&read));
            let removed = removed.unwrap_or_default();
            let found: Vec<_> = removed.names.iter().map(String::as_str).collect();
            assert_eq!(found, names, "{what}");
            let found: Vec<_> = removed.types.iter().map(AsRef::as_ref).collect();
            assert_eq!(found, types, "{what}");
            assert_eq!(row.bytes, row.content.len(), "{what}");
            assert_whole(&sql);
        }
    }
}

#[test]
fn parking_is_done_whole_or_not_at_all() {
    let sql = outbox();
    let new = new_parked("customer/c");
    fails_whole(&sql, |sql| park(sql, &new, b"new"));
    park(&sql, &new, b"old").expect("parked");
    fails_whole(&sql, |sql| park(sql, &new, b"new"));
    let many = [(new, b"newer".as_slice()), (new_parked("product/p"), b"p")];
    fails_whole(&sql, |sql| park_all(sql, &many));
}

/// The tables without the numbers of the rows, which need not be the same.
fn comparable(sql: &Sqlite) -> (Vec<StoredRow>, BTreeMap<String, Vec<Vec<SqlValue>>>) {
    assert_whole(sql);
    let keys: Vec<String> = sql.all("SELECT key FROM parked ORDER BY key").column().expect("keys");
    let rows = keys.iter().filter_map(|key| slot(sql, key));
    let rows = rows.map(|row| StoredRow { seq: RowGeneration::default(), ..row }).collect();
    let mut tables = sql.tables();
    tables.retain(|name, _| name == "sent" || name == "job_rows" || name == "jobs");
    (rows, tables)
}

/// A notification of one of a few slots, whose content is mostly small.
fn any_new(chance: &mut Chance) -> (NewParked, Vec<u8>) {
    let groups = RowGroup::ALL;
    let group = groups[usize::try_from(chance.next(3)).unwrap_or(0)];
    let new = NewParked {
        rank: u8::try_from(chance.next(3)).unwrap_or(0),
        customer: chance.happens(500).then(|| format!("c{}", chance.next(3))),
        at: at(1_000 + chance.next(50)),
        due: at(2_000 + chance.next(50)),
        code: format!("klaviyo_50{}", chance.next(3)),
        attempts: u32::try_from(chance.next(3)).unwrap_or(0),
        doubtful_until: at(chance.next(2) * (60_000 + chance.next(9))),
        written_since: at(chance.next(2) * (900 + chance.next(9))),
        ..new_parked(&format!("{}{}", group.prefix(), chance.next(4)))
    };
    let content = match chance.next(20) {
        0 => vec![b'x'; 300_001],
        1 => vec![b'"'; 149_000],
        2 => vec![0xFF, 0xFE],
        n => format!("{{\"n\":\"{n}\\u0000 äöü \\\" 🛒 {}\"}}", chance.next(1_000)).into_bytes(),
    };
    (new, content)
}

fn remove(sql: &Sqlite, row: &StoredRow) {
    sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()]).expect("removed");
    parts::delete(sql, "parked_parts", row.seq.row()).expect("removed");
}

/// Some rows, of which some sent something, and some wait for a job.
fn prepared(sql: &Sqlite, chance: &mut Chance) {
    for n in 0..chance.next(6) {
        let (new, content) = any_new(chance);
        park(sql, &new, &content).expect("parked");
        let row = slot(sql, &new.key).expect("a row");
        match chance.next(3) {
            0 => sent::note(sql, &row.key, row.seq, &[format!("d{n}")], at(2_000)).expect("noted"),
            1 => {
                open(sql, &format!("j{n}"), &[job_row(0, &row.key, row.seq)], 1_500);
                // Its slot may be free before the job has ended: somebody else settled it.
                if chance.happens(500) {
                    remove(sql, &row);
                }
            }
            _ => {}
        }
    }
}

/// `STORE_SEEDS` and `STORE_SEED`: [`crate::seeds`].
#[test]
fn many_are_parked_as_one_by_one() {
    for seed in seeds("STORE", 60) {
        let mut chance = Chance::new(seed);
        let (one_by_one, together) = (outbox(), outbox());
        prepared(&one_by_one, &mut chance.clone());
        prepared(&together, &mut chance);
        let count = chance.next(12);
        let all: Vec<_> = (0..count).map(|_| any_new(&mut chance)).collect();
        for (new, content) in &all {
            park(&one_by_one, new, content).expect("parked");
        }
        let all: Vec<_> =
            all.iter().map(|(new, content)| (new.clone(), content.as_slice())).collect();
        park_all(&together, &all).expect("parked");
        assert_eq!(comparable(&together), comparable(&one_by_one), "STORE_SEED={seed}");
    }
}

/// A push may bring thousands of changes: neither a statement nor a value gets too large.
#[test]
fn a_large_push_keeps_the_limits() {
    let sql = outbox();
    let all: Vec<_> = (0..6_000)
        .map(|n| (new_parked(&format!("inventory-entry/{n}")), b"{}".as_slice()))
        .collect();
    park_all(&sql, &all).expect("parked");
    let count = sql.exec("SELECT COUNT(*) FROM parked", vec![]).expect("an answer");
    assert_eq!(count.value(), Ok(Some(6_000)));
    assert_whole(&sql);
}
