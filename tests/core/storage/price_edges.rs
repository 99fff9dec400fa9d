//! The rows of products whose prices start or end: due at that time, and not counted as waiting.

use commercetools_klaviyo::engine::circuits::Allowance;
use commercetools_klaviyo::fault::{System, TransientFault};
use commercetools_klaviyo::outbox::store::new_parked::NewParked;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::parked::ParkedRow;
use commercetools_klaviyo::outbox::store::{parked, tries};
use commercetools_klaviyo::push::parking::{ParkingSlot, RowGroup};

use super::{outbox, outbox_with, slot};
use crate::sqlite::Sqlite;
use crate::support::at;

const KEY: &str = "price-edge/p";

/// The row for an edge, with a write in doubt until then (both in ms).
fn at_edge(edge: u64, doubtful_until: u64) -> NewParked {
    let slot = ParkingSlot { key: KEY.to_owned(), rank: 0, customer: None };
    NewParked::at_edge(slot, at(edge), at(doubtful_until))
}

fn with_edge(edge: u64) -> Sqlite {
    let sql = outbox_with(&["product/p"]);
    park(&sql, &at_edge(edge, 0), b"x").expect("parked");
    sql
}

/// The row for the edge at 90,000, which is being tried.
fn tried(sql: &Sqlite) -> ParkedRow {
    let due = tries::due(sql, RowGroup::PriceEdges, Allowance::All, at(90_000), 9).expect("rows");
    let row = due[0].row.clone();
    tries::take(sql, at(90_000), vec![row.clone()], false).expect("taken");
    row
}

#[test]
fn an_edge_is_not_waiting_until_a_try_of_it_fails() {
    let sql = with_edge(90_000);
    let counts = || (parked::counts(&sql), parked::waiting(&sql).map(|rows| rows.len()));
    assert_eq!(counts(), (Ok(vec![(RowGroup::Products, 1)]), Ok(1)));
    let due =
        |now| tries::due(&sql, RowGroup::PriceEdges, Allowance::All, at(now), 9).expect("rows");
    assert!(due(89_999).is_empty());
    let row = due(90_000).remove(0).row;
    assert_eq!(row.since, at(90_000), "its age begins at the edge");
    tries::take(&sql, at(90_000), vec![row.clone()], false).expect("taken");
    let fault = TransientFault::Status(System::Klaviyo, 503);
    parked::put_off(&sql, &row, at(95_000), fault, None, false).expect("put off");
    let both = vec![(RowGroup::PriceEdges, 1), (RowGroup::Products, 1)];
    assert_eq!(counts().0, Ok(both));
}

/// The edge of a row that was not tried, what comes, and when it is due then.
#[test]
fn the_earlier_of_two_edges_counts() {
    for (old, new, due) in [(90_000, 80_000, 80_000), (90_000, 99_000, 90_000)] {
        let sql = with_edge(old);
        park(&sql, &at_edge(new, 70_000), b"y").expect("parked");
        let row = slot(&sql, KEY).expect("a row");
        assert_eq!((row.due, row.since, row.doubtful_until), (Some(due), due, 70_000));
    }
}

/// A row that was tried waits until no older write is to come any more; an edge before that is kept.
#[test]
fn an_edge_comes_before_the_end_of_a_doubt() {
    let sql = with_edge(90_000);
    let row = tried(&sql);
    let fault = TransientFault::MayBeCarriedOut;
    parked::put_off(&sql, &row, at(700_000), fault, None, true).expect("put off");
    park(&sql, &at_edge(100_000, 0), b"y").expect("parked");
    assert_eq!(slot(&sql, KEY).expect("a row").due, Some(100_000));
    park(&sql, &at_edge(800_000, 0), b"y").expect("parked");
    assert_eq!(slot(&sql, KEY).expect("a row").due, Some(100_000));
}

#[test]
fn a_row_moves_on_to_the_next_edge_if_it_still_is_the_one_that_was_tried() {
    let sql = with_edge(90_000);
    let row = tried(&sql);
    parked::move_to_edge(&sql, &row, at(200_000)).expect("moved");
    let moved = slot(&sql, KEY).expect("a row");
    assert_eq!((moved.due, moved.since, moved.attempts), (Some(200_000), 200_000, 0));
    assert_eq!((moved.code.as_str(), moved.written_since), ("price_edge", 0));
    let sql = outbox();
    park(&sql, &at_edge(300_000, 0), b"x").expect("parked");
    parked::move_to_edge(&sql, &row, at(200_000)).expect("moved");
    assert!(parked::remove(&sql, &row).is_ok());
}
