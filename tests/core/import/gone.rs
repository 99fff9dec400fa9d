//! Customers who are erased while an import writes them, in a deployment that is not told.

use commercetools_klaviyo::import::run::ImportKind;
use serde_json::json;

use super::modes::{counts, customers};
use super::shop::id;
use super::world::{Faults, World};
use super::{NOW, all};
use crate::support::config;

/// Another deployment takes the pushes, and is told who was erased: here it shows only when the profiles
/// are written, and who is there is asked for once more.
#[test]
fn who_is_gone_when_the_profiles_are_written_is_left_to_the_outbox() {
    fn erase(world: &mut World) {
        let customer = id("c", world.chance.next(60));
        world.shop.remove("customers", &customer);
        // The deployment that is told does so at once.
        world.account.profiles.remove(&customer);
        world.erased.insert(customer);
    }
    for seed in 0..40 {
        let settings = json!({"customer": {"deletion": "erase"}, "import": {"pageSize": 10}});
        let settings = settings.to_string();
        let config = config(&[("CONFIG", &settings), ("APP_TYPE", "BULK_IMPORT")]);
        let mut world = World::new(config, seed, NOW);
        world.account.job_ms = 3_000;
        customers(&mut world, 60);
        world.meanwhile = Some(erase);
        world.faults = Faults { lost_before: 30, throttled: 20, down: 20, ..Faults::default() };
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run_to_its_end();
        world.account.finish();
        let brought_back =
            world.erased.iter().filter(|id| world.account.profiles.contains_key(*id));
        let forgotten: Vec<_> =
            brought_back.filter(|id| !world.left_as_gone.contains_key(*id)).collect();
        assert!(forgotten.is_empty(), "seed {seed}: {forgotten:?} of {:?}", world.erased);
        let began = world.store.run(ImportKind::Customers).started_at.to_rfc3339();
        assert!(world.left_as_gone.values().all(|since| *since == began), "seed {seed}");
        let [read, sent, skipped, failed] = counts(&world, ImportKind::Customers);
        assert_eq!(read, sent + skipped, "seed {seed}");
        assert_eq!(failed, 0, "seed {seed}");
    }
}
