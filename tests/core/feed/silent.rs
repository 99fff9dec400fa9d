//! Changes without a message: each row of the table in `docs/realtime.md`.

use commercetools_klaviyo::commercetools::keyset::StampedResource;
use commercetools_klaviyo::commercetools::reference::Id;
use serde_json::{Value, json};

use super::{FeedWorld, MINUTE, NOW, ONLY, SECOND, fact};

fn begun() -> FeedWorld {
    let mut world = FeedWorld::new(ONLY, 1);
    world.run_until(NOW + 10 * SECOND);
    world
}

fn document(id: &str, version: u64) -> Value {
    json!({ "id": id, "version": version, "sku": "sku" })
}

/// That a customer's name was set, with the version that it gave.
fn message(id: &str, customer: &str, version: u64) -> Value {
    json!({
        "id": id, "type": "CustomerFirstNameSet", "resourceVersion": version,
        "resource": {"typeId": "customer", "id": customer},
    })
}

#[test]
fn each_resource_is_found_by_its_version() {
    for of in StampedResource::ALL.into_iter().filter(|of| *of != StampedResource::Messages) {
        let mut world = FeedWorld::new(ONLY, 1);
        world.project.model = "Modular";
        world.run_until(NOW + 10 * SECOND);
        let at = NOW + 20 * SECOND;
        world.project.change(of, at, at, document("r", 7));
        // Readable late, and stamped by a clock that is behind.
        world.project.change(of, at + 4 * MINUTE, at - 5 * SECOND, document("late", 2));
        let within = if of == StampedResource::Variants { 6 } else { 2 };
        world.run_until(NOW + within * MINUTE);
        assert_eq!(world.times("r 7"), 1, "{of:?}");
        world.run_until(NOW + 12 * MINUTE);
        assert_eq!((world.times("r 7"), world.times("late 2")), (1, 1), "{of:?}");
    }
}

#[test]
fn variants_are_read_from_when_the_project_has_them_on() {
    let mut world = begun();
    let variant =
        |id: &str| json!({"id": id, "version": 2, "product": {"typeId": "product", "id": "p"}});
    let change = |world: &mut FeedWorld, id: &str| {
        let now = world.now;
        world.project.change(StampedResource::Variants, now, now, variant(id));
        world.run_until(now + 11 * MINUTE);
    };
    change(&mut world, "classic");
    world.project.model = "InMigration";
    let until = world.now + 6 * MINUTE;
    world.run_until(until);
    change(&mut world, "moved");
    world.project.model = "Classic";
    let until = world.now + 6 * MINUTE;
    world.run_until(until);
    change(&mut world, "back");
    assert_eq!(["classic 2", "moved 2", "back 2"].map(|name| world.times(name)), [0, 1, 0]);
    let rows = world.outbox.all("SELECT key FROM parked").column::<String>().expect("keys");
    assert_eq!(rows, ["variant/moved"]);
}

#[test]
fn a_version_that_a_message_told_of_is_not_written_twice() {
    let mut world = begun();
    let at = NOW + 20 * SECOND;
    world.project.tell(at, at, message("m", "c", 3));
    world.project.change(StampedResource::Customers, at, at + 1, document("c", 3));
    // A message that becomes readable after its version was read.
    world.project.change(StampedResource::Customers, at, at + 2, document("d", 5));
    world.project.tell(at + 3 * MINUTE, at, message("n", "d", 5));
    // One that says less than what came after it.
    world.project.change(StampedResource::Customers, at, at + 3, document("e", 9));
    world.project.tell(at, at, message("o", "e", 8));
    world.run_until(NOW + 8 * MINUTE);
    let times = ["m", "c 3", "d 5", "n", "o", "e 9"].map(|name| world.times(name));
    assert_eq!(times, [1, 0, 1, 0, 1, 1]);
}

#[test]
fn a_category_that_is_gone_is_found_within_an_hour() {
    let id = |name: &str| Id::new(name).expect("an id");
    let mut world = FeedWorld::new(ONLY, 1);
    world.project.there = (0..1_200).map(|number| id(&format!("category-{number:04}"))).collect();
    world.run_until(NOW + MINUTE);
    world.project.there.remove(&id("category-0007"));
    // A page without it is not enough.
    world.project.there.remove(&id("category-0008"));
    world.project.unlisted.insert(id("category-0008"));
    world.run_until(NOW + 62 * MINUTE);
    assert_eq!(
        (world.times("category-0007 deleted"), world.times("category-0008 deleted")),
        (1, 0)
    );
    world.run_until(NOW + 125 * MINUTE);
    assert_eq!(world.times("category-0007 deleted"), 1);
}

#[test]
fn only_commercetools_own_404_deletes() {
    let id = Id::new("category").expect("an id");
    let mut world = FeedWorld::new(ONLY, 1);
    world.project.there.insert(id.clone());
    world.run_until(NOW + MINUTE);
    world.project.there.remove(&id);
    for (status, body) in [(404, "<html>"), (404, "{}"), (503, "{}"), (403, "{}")] {
        world.project.hides = Some((status, body.to_owned()));
        let until = world.now + 61 * MINUTE;
        world.run_until(until);
        assert_eq!(world.times("category deleted"), 0, "{status} {body}");
    }
    world.project.hides = None;
    let until = world.now + 2 * MINUTE;
    world.run_until(until);
    assert_eq!(world.times("category deleted"), 1);
}

#[test]
fn a_past_time_is_read_once_more() {
    let mut world = begun();
    for (name, at) in [("a", 20), ("b", 30), ("c", 40)] {
        world.project.tell(NOW + at * SECOND, NOW + at * SECOND, fact(name));
    }
    world.run_until(NOW + 10 * MINUTE);
    let replay = |from: u64, to: u64, types: &str| {
        let shown = |seconds: u64| crate::support::at(NOW + seconds * SECOND).shown();
        json!({"from": shown(from), "to": shown(to), "types": [types]}).to_string()
    };
    for body in [replay(25, 40, "OrderStateChanged"), replay(0, 60, "OrderCreated")] {
        let now = world.time();
        world
            .feed
            .turn(|sql| {
                use commercetools_klaviyo::feed::store::state::{load, save};
                let mut state = load(sql)?;
                let replay =
                    commercetools_klaviyo::feed::replay::read(body.as_bytes(), &state, now);
                state.replays.push(replay.expect("a replay"));
                save(sql, &state)
            })
            .expect("stored");
    }
    world.run_until(NOW + 12 * MINUTE);
    assert_eq!(["a", "b", "c"].map(|name| world.times(name)), [1, 2, 1]);
}
