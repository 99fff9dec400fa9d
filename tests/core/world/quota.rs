//! The limits of the account: Klaviyo counts the calls of each operation in a window of a second and in one of a
//! minute, and each answer states both limits. They may change at any time.

use std::collections::BTreeMap;
use std::time::Duration;

use commercetools_klaviyo::http::HttpAnswer;
use serde_json::json;

use super::network::WayFaults;
use super::{Event, Faults, NOW, World};
use crate::import::shop;
use crate::import::world::time;

/// Calls of an operation in a second and in a minute, and their windows' lengths in ms.
const WINDOWS: [u64; 2] = [1_000, 60_000];

/// What accounts allow: from less than the documented tiers to more than anybody calls here.
pub(super) const TIERS: [Option<[u64; 2]>; 5] =
    [None, Some([1, 15]), Some([2, 30]), Some([3, 60]), Some([10, 150])];

#[derive(Debug, Default)]
pub(super) struct AccountQuota {
    /// Calls in a second and in a minute; none if nothing is counted.
    pub(super) tier: Option<[u64; 2]>,
    /// For each operation when its windows were opened, and the calls in them.
    used: BTreeMap<String, [(u64, u64); 2]>,
}

impl AccountQuota {
    /// Counts a call; how it is refused, if it is one too many.
    pub(super) fn refusal(&mut self, method: &str, path: &str, now: u64) -> Option<HttpAnswer> {
        let tier = self.tier?;
        let used = self.used.entry(operation(method, path)).or_default();
        let mut wait = 0;
        for (((opened, calls), length), most) in used.iter_mut().zip(WINDOWS).zip(tier) {
            if now < *opened || now >= *opened + length {
                (*opened, *calls) = (now, 0);
            }
            if *calls >= most {
                wait = wait.max(*opened + length - now);
            }
        }
        if wait > 0 {
            let retry_after = Some(Duration::from_secs(wait.div_ceil(1_000)));
            let refused = HttpAnswer { status: 429, retry_after, ..HttpAnswer::default() };
            return Some(self.tell(refused));
        }
        for (_, calls) in used {
            *calls += 1;
        }
        None
    }

    /// An answer with what it says of the quota.
    pub(super) fn tell(&self, answer: HttpAnswer) -> HttpAnswer {
        let limits = |[second, minute]: [u64; 2]| format!("{second}, {second};w=1, {minute};w=60");
        HttpAnswer { quota_limits: self.tier.map(limits), ..answer }
    }
}

/// The name of an operation: its path without ids.
fn operation(method: &str, path_and_query: &str) -> String {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let named = |(place, segment): (usize, &str)| {
        if place == 1 { "{id}".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<_> = path.trim_start_matches("/api/").split('/').enumerate().map(named).collect();
    format!("{method} {}", path.join("/"))
}

/// What Klaviyo took of an order is not sent again: else an order of more events than a minute allows
/// would begin anew each time, and never end.
#[test]
fn an_order_of_more_events_than_a_minute_allows_comes_in_parts() {
    let mut world = World::new(7);
    (world.faults, world.network.faults) = (Faults::default(), WayFaults::default());
    world.events.clear();
    world.quota.tier = Some([1, 1]);
    let order = shop::order(1_000, Some("a@example.com"), "Open", &[0, 1, 2], None, time(NOW));
    world.shop.put("orders", order.clone());
    world.told_of = 1;
    let placed = json!({"notificationType": "Message", "id": "m", "type": "OrderCreated",
        "resource": {"typeId": "order", "id": order["id"]}, "order": order,
        "createdAt": order["createdAt"]});
    world.at(0, Event::Push(placed));
    world.run_until(NOW + 600_000);
    assert_eq!(world.account.events.len(), 4);
    world.run();
    world.verify();
}
