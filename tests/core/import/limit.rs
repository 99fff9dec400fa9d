//! The displayed limit of an active run.

use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::json;

use super::all;
use super::modes::{calm, one_phone};

#[test]
fn what_limits_a_run_is_shown_while_it_goes_on() {
    for (share, job_ms, after_ms, limit) in [
        (1.0, 300_000, 60_000, json!({"by": "klaviyo_jobs"})),
        (0.01, 3_000, 60_000, json!({"by": "klaviyo_rate", "calls": "jobs", "perMinute": 150})),
        (1.0, 3_000, 1, json!({"by": "commercetools"})),
    ] {
        let mut world = calm(&json!({"klaviyo": {"share": share}}));
        one_phone(&mut world);
        world.account.job_ms = job_ms;
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run_for(after_ms);
        let shown = world.shown(ImportKind::Customers);
        assert_eq!(shown["limit"], limit, "{shown}");
        world.run_to_its_end();
        assert_eq!(world.shown(ImportKind::Customers).get("limit"), None, "it has ended");
    }
}
