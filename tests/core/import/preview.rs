//! A preview shows exactly what an import writes, and the preview itself only reads.

use commercetools_klaviyo::assembly::shared::SharedDocuments;
use commercetools_klaviyo::assembly::together::together;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::engine::call::HostCall;
use commercetools_klaviyo::fault::ReadFault;
use commercetools_klaviyo::http::DOCUMENT_BYTES;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::preview::{DryEnd, DryRun, DryStep, record_query};
use commercetools_klaviyo::push::conclusion::Conclusion;

use super::world::{World, time};
use super::{NOW, expected, held, world};

/// What a preview says, with the account asked as it is.
fn preview(world: &mut World, kind: ImportKind, id: &str) -> Option<DryEnd> {
    let id = Id::new(id).expect("an id");
    let path = record_query(kind, id);
    let call = HostCall::Commercetools { path, most: DOCUMENT_BYTES };
    let answer = world.carry_out(&call);
    let mut unit = match DryRun::of_record(kind, &answer) {
        Ok(unit) => unit?,
        Err(ReadFault::Never(rejection)) => return Some(Conclusion::Never(rejection).into()),
        Err(fault) => panic!("{fault:?}"),
    };
    let mut shared = SharedDocuments::of_isolate();
    loop {
        let step = unit.next(|delivery| delivery.next_with(&world.config, &shared, time(NOW)));
        let mut asked = match step {
            DryStep::Read(readings) => together(readings.into_iter().map(|one| (0, one))),
            DryStep::End(end) => return Some(end),
        };
        while let Some(joint) = asked.pop() {
            let call = HostCall::of_reading(&joint);
            assert!(
                !matches!(&call, HostCall::Klaviyo { method, .. } if *method != "GET"),
                "{call:?}"
            );
            let answer = world.carry_out(&call);
            let handed = joint.hand_out(Ok(&answer));
            for part in &handed.parts {
                unit.delivery_mut().take(part, &mut shared, time(NOW)).expect("an answer");
            }
            asked.extend(handed.further);
        }
    }
}

#[test]
fn what_is_shown_brings_the_same_as_an_import() {
    let mut world = world(3, 120);
    for (kind, path) in [
        (ImportKind::Products, "products"),
        (ImportKind::Categories, "categories"),
        (ImportKind::Customers, "customers"),
        (ImportKind::Orders, "orders"),
    ] {
        let documents: Vec<_> = world.shop.all(path).cloned().collect();
        let (mut skipped, mut failed) = (0, 0);
        for document in documents {
            let id = document["id"].as_str().expect("an id");
            let DryEnd { requests, conclusion, follow } =
                preview(&mut world, kind, id).expect("a record");
            assert_eq!(follow, 0);
            assert_eq!(requests.is_empty(), conclusion != Conclusion::Delivered, "{document}");
            for request in requests {
                let (method, path) = (request.method(), request.path());
                world.account.answer(method, &path, request.body().as_deref(), NOW);
            }
            match conclusion {
                Conclusion::Delivered => {}
                Conclusion::Ignored(why) => {
                    assert_eq!(why.code(), "no_identity", "{document}");
                    skipped += 1;
                }
                Conclusion::Never(fault) => {
                    assert_eq!(fault.code(), "malformed_email", "{document}");
                    failed += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(held(&world, kind), expected(&world, kind), "{kind:?}");
        // Orders of nobody, and customers with an e-mail that is none.
        assert_eq!(
            (skipped > 0, failed > 0),
            (kind == ImportKind::Orders, kind == ImportKind::Customers)
        );
    }
    assert_eq!(world.account.violations, Vec::<String>::new());
}

#[test]
fn what_commercetools_does_not_have_is_said() {
    for kind in ImportKind::ALL {
        assert_eq!(preview(&mut world(3, 4), kind, "nowhere"), None);
    }
}
