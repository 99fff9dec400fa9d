//! Records that Klaviyo refuses or does not find: each costs only itself.

use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::json;

use super::defects::long_ago;
use super::modes::{calm, counts};
use super::shop::{self, id};
use super::{all, verify};

/// A pointer to a row that the request does not have says nothing of who is to blame.
#[test]
fn of_a_refusal_that_names_no_row_of_the_request_the_others_do_not_suffer() {
    let mut world = calm(&json!({}));
    world.account.miss_by = 1;
    for number in 0..10 {
        let order = shop::order(number, Some("a@example.com"), "Open", &[], None, long_ago());
        world.shop.put("orders", order);
    }
    // The last row of its request.
    world.account.refused.insert(id("o", 9));
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    assert_eq!(counts(&world, ImportKind::Orders), [10, 9, 0, 1]);
    assert!(world.store.failures.contains_key(&(ImportKind::Orders, id("o", 9))));
}

/// An item that was created may not be found at once. A product that is refused is read once more, and tried
/// likewise.
#[test]
fn what_klaviyo_does_not_find_is_tried_three_times_more() {
    for (not_found, failed) in [(3, 0), (7, 0), (8, 1)] {
        let mut world = calm(&json!({"import": {"oneByOne": true}}));
        world.account.items_not_found = not_found;
        world.shop.put("products", shop::product(0, 1, None, long_ago()));
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
        assert_eq!(counts(&world, ImportKind::Products), [1, 1 - failed, 0, failed]);
        if failed == 0 {
            verify(&mut world, &[ImportKind::Products]);
        } else {
            let failures: Vec<_> = world.store.failures.values().collect();
            assert_eq!(failures[0].code, "klaviyo_404");
        }
    }
}
