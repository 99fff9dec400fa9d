//! The answer to a push after the outbox was asked to store something: it says stored only if that is true.

use chrono::DateTime;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::config::rules::OperatorRules;
use commercetools_klaviyo::fault::TransientFault;
use commercetools_klaviyo::outbox::push_end::{
    ItemEnd, PushEnd, edge_entry, entries, not_stored, outcomes, push_end, untried,
};
use commercetools_klaviyo::outbox::store::intake;
use commercetools_klaviyo::outbox::store::new_parked::UnverifiedWrites;
use commercetools_klaviyo::push::conclusion::{Conclusion, work_of};
use commercetools_klaviyo::push::envelope::{PushedItem, decode};
use commercetools_klaviyo::push::outcome::{Outcome, PushReply, reply};
use commercetools_klaviyo::push::plan::price_edge::PriceEdge;
use serde_json::{Value, json};

use super::{assert_whole, outbox, slot};
use crate::sqlite::Sqlite;
use crate::support::at;

const NOW: u64 = 1_780_272_000_000;

/// A change of the customer `c`, which cannot be delivered now.
fn parked() -> ItemEnd {
    let change = json!({"notificationType": "ResourceUpdated", "version": 2,
        "resource": {"typeId": "customer", "id": "c"}});
    let item = pushed(&change);
    let PushedItem::Notification(notification) = &item else { panic!("a notification") };
    let work = work_of(&OperatorRules::default(), notification).expect("work");
    let end = untried(&item, &work, TransientFault::ManyAtOnce, at(NOW));
    ItemEnd { item, end, edge: None }
}

/// Something that is no notification.
fn refused() -> ItemEnd {
    let item = pushed(&json!(1));
    let PushedItem::Refused { why, .. } = &item else { panic!("refused") };
    let never = Conclusion::Never((*why).into());
    let end = push_end(&item, None, never, UnverifiedWrites::default(), at(NOW));
    ItemEnd { item, end, edge: None }
}

/// A product that was delivered, and whose prices change in a minute.
fn delivered_with_edge() -> ItemEnd {
    let at = i64::try_from(NOW + 60_000).ok().and_then(DateTime::from_timestamp_millis);
    let product = Id::new("p").expect("an id");
    let edge = edge_entry(&PriceEdge { product, at: at.expect("a time") });
    ItemEnd { edge: Some(edge.expect("an entry")), ..delivered() }
}

fn delivered() -> ItemEnd {
    let end = PushEnd::Outcome(Outcome::Delivered);
    ItemEnd { item: pushed(&json!(2)), end, edge: None }
}

fn pushed(item: &Value) -> PushedItem {
    decode(json!([item]).to_string().as_bytes(), None).items.remove(0)
}

/// What a push of these is answered, which the object is asked to store.
fn answered(sql: &Sqlite, ends: Vec<ItemEnd>) -> (Vec<Outcome>, PushReply) {
    let bodies = intake::bodies(entries(&ends).into_iter()).expect("bodies");
    let mut stored = Vec::new();
    for (count, body) in bodies {
        match sql.turn(|sql| intake::take(sql, &body, at(NOW))) {
            Ok(ids) => stored.extend(ids.into_iter().map(Some)),
            Err(_) => stored.extend(vec![None; count]),
        }
    }
    let outcomes: Vec<_> = outcomes(ends, stored).into_iter().map(|(_, outcome)| outcome).collect();
    (outcomes.clone(), reply(outcomes))
}

#[test]
fn each_has_the_outcome_of_what_was_stored_of_it() {
    let sql = outbox();
    let ends = vec![delivered_with_edge(), refused(), delivered(), parked()];
    let (outcomes, reply) = answered(&sql, ends);
    let Outcome::DeadLettered { id, code } = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(sql.tables()["dead_letters"].len(), 1);
    assert_eq!(outcomes[0], Outcome::Delivered);
    assert_eq!(outcomes[2], Outcome::Delivered);
    assert_eq!(outcomes[3], Outcome::Parked { code: "many_at_once".to_owned() });
    assert_eq!(reply, PushReply::DeadLettered { id: id.clone(), code: code.clone() });
    assert!(slot(&sql, "customer/c").is_some());
    assert_eq!(slot(&sql, "price-edge/p").and_then(|row| row.due), Some(NOW + 60_000));
    assert_whole(&sql);
}

/// Then the sender has to keep it, and bring it again.
#[test]
fn nothing_is_answered_as_stored_if_the_storage_fails() {
    let mut failed = 0;
    for end in [parked as fn() -> ItemEnd, refused, delivered_with_edge] {
        for n in 1.. {
            let sql = outbox();
            let before = sql.tables();
            sql.fail_at(n);
            let (outcomes, reply) = answered(&sql, vec![end()]);
            if sql.fail_no_more() {
                break;
            }
            failed += 1;
            assert_eq!(outcomes, [not_stored()], "statement {n}");
            assert!(matches!(reply, PushReply::TryAgain { .. }), "{reply:?}");
            assert_eq!(sql.tables(), before, "nothing of it is kept");
        }
    }
    assert!(failed >= 6, "{failed}");
}

/// The call of the outbox may fail, or its answer tell of less than was asked.
#[test]
fn what_the_outbox_does_not_answer_of_is_not_stored() {
    for stored in [vec![], vec![None], vec![None, Some("id".to_owned())]] {
        let ends = outcomes(vec![parked(), delivered()], stored);
        let outcomes: Vec<_> = ends.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [not_stored(), Outcome::Delivered]);
    }
}
