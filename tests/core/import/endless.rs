//! Endless situations: the run ends with its reason, and can go on after the reason is gone.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::ImportInput;
use commercetools_klaviyo::import::run::RunState;
use serde_json::json;

use super::modes::{calm, counts, customers};
use super::world::{Faults, World};
use super::{NOW, all, verify};

const MINUTE: u64 = 60_000;

fn never_done(world: &mut World) {
    world.account.job_ms = 40 * MINUTE;
}

fn refused(world: &mut World) {
    world.faults = Faults { status: Some(503), ..Faults::default() };
}

fn silent(world: &mut World) {
    world.faults = Faults { hang: 1000, ..Faults::default() };
}

#[test]
fn a_run_that_settles_nothing_fails_with_its_reason_and_can_go_on() {
    type Trouble = fn(&mut World);
    for (trouble, code) in [
        (never_done as Trouble, "import_stuck"),
        (refused, "klaviyo_503"),
        (silent, "commercetools_timeout"),
    ] {
        let mut world = calm(&json!({}));
        customers(&mut world, 30);
        trouble(&mut world);
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run_to_its_end();
        let run = world.store.run(ImportKind::Customers);
        assert_eq!(run.state, RunState::Failed, "{code}");
        assert_eq!(run.error.as_ref().map(|error| error.code.as_str()), Some(code));
        let minutes = (world.now - NOW) / MINUTE;
        assert!((15..25).contains(&minutes), "{code}: after {minutes} minutes");
        world.faults = Faults::default();
        world.account.job_ms = 3_000;
        world.now += 40 * MINUTE;
        world.give(ImportInput::Resume(ImportKind::Customers));
        world.run();
        assert_eq!(counts(&world, ImportKind::Customers), [30, 30, 0, 0], "{code}");
        verify(&mut world, &[ImportKind::Customers]);
    }
}
