//! What a preview shows is what an import brings, and the preview itself only reads.

use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::engine::call::Call;
use commercetools_klaviyo::import::preview::{PreviewEnd, PreviewStep, RecordPreview, reading};
use commercetools_klaviyo::import::run::ImportKind;

use super::world::{World, time};
use super::{NOW, expected, held, world};

/// What a preview says, with the account asked as it is.
fn preview(world: &mut World, kind: ImportKind, id: &str) -> Option<PreviewEnd> {
    let id = Id::new(id).expect("an id");
    let answer = world.carry_out(&reading(kind, id));
    let mut preview = RecordPreview::read(kind, &answer).expect("a page")?;
    loop {
        let asked = match preview.next(&world.config, time(NOW)) {
            PreviewStep::Read(asked) => asked,
            PreviewStep::End(end) => return Some(end),
        };
        for asked in asked {
            let call = asked.call();
            assert!(!matches!(&call, Call::Klaviyo { method, .. } if *method != "GET"), "{call:?}");
            let answer = world.carry_out(&call);
            preview.learn(&asked, &answer).expect("an answer");
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
            match preview(&mut world, kind, id).expect("a record") {
                PreviewEnd::Write(requests) => {
                    assert!(!requests.is_empty(), "{document}");
                    for request in requests {
                        let (method, path) = (request.method(), request.path());
                        world.account.answer(method, &path, request.body().as_deref(), NOW);
                    }
                }
                PreviewEnd::Skip => skipped += 1,
                PreviewEnd::Fail(fault) => {
                    assert_eq!(fault.code(), "malformed_email", "{document}");
                    failed += 1;
                }
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
