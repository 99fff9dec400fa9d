//! Prices that start or end without a notification.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::outbox::store::parked;
use serde_json::{Value, json};

use super::network::WayFaults;
use super::{Event, Faults, NOW, World};
use crate::import::shop::{id, text};
use crate::import::world::time;

/// Nobody says anything when a price becomes valid or ends: the product is written within five minutes,
/// whichever host wrote it before, and what waits for that is no work that waits.
#[test]
fn what_becomes_valid_is_written_within_five_minutes() {
    const FIVE_MINUTES: u64 = 300_000;
    let hour = 3_600_000;
    let far = (hour, 2 * hour);
    let after_both = |until| vec![(until + FIVE_MINUTES, 0.01)];
    let each = vec![(hour - 1, 0.01), (hour + FIVE_MINUTES, 0.5), (3 * hour, 0.01)];
    // The near edges lie in the time in which a job of an import may be carried out.
    for (by_import, (from, until), checks) in [
        (false, far, each.clone()),
        (true, far, each),
        (false, (60_000, 120_000), after_both(120_000)),
        (true, (60_000, 120_000), after_both(120_000)),
    ] {
        let mut world = World::new(7);
        (world.faults, world.network.faults) = (Faults::default(), WayFaults::default());
        world.events.clear();
        let [from, until] = [from, until].map(|wait| text(time(NOW + wait)));
        world.shop.change("products", &id("p", 0), time(NOW), |product| {
            let prices = &mut product["masterData"]["current"]["masterVariant"]["prices"];
            let sale = json!({"value": {"currencyCode": "EUR", "centAmount": 50, "fractionDigits": 2},
                "validFrom": from, "validUntil": until});
            *prices = json!([prices[0], sale]);
        });
        let change = json!({"notificationType": "ResourceUpdated",
            "resource": {"typeId": "product", "id": id("p", 0)}});
        world.told_of = usize::from(!by_import);
        let event = if by_import {
            Event::Import(ImportKind::Products, Value::Null)
        } else {
            Event::Push(change)
        };
        world.at(0, event);
        for (at, price) in checks {
            world.run_until(NOW + at);
            world.account.finish();
            let (_, held) = &world.account.variants["$custom:::$default:::sku-0-1"];
            assert_eq!(held["price"].as_f64(), Some(price), "by import: {by_import}, at {at}");
            let waiting = parked::waiting(&world.outbox.sql).expect("what waits");
            assert!(waiting.is_empty() || at < hour, "{waiting:?}");
        }
        world.run();
        world.verify();
    }
}
