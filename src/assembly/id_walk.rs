//! A walk over ids, page by page: it parks each resource as if it had just been changed, and then the next page.
//!
//! There are two reasons for a walk. An item belongs to the categories of its product and to all above them, so a move
//! of a category changes the items of a whole subtree: each category in it gets a walk over its products. And if
//! Klaviyo carries out an unanswered write of an import late, it brings old data: after that has become impossible,
//! everything that changed since is written once more. Both can find thousands, so each resource goes through the
//! outbox by itself.

use super::DeliveryStep;
use super::documents::Documents;
use crate::commercetools::notification::change;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::walk::{IdWalk, WalkedResource};
use crate::push::conclusion::Conclusion;
use crate::push::plan::id_walk::notification;

pub(super) fn next(documents: &Documents, walk: &IdWalk) -> DeliveryStep {
    if walk.of() == WalkedResource::Variants {
        match documents.catalog_model {
            None => return DeliveryStep::read([DocumentQuery::Project]),
            Some(model) if !model.may_be_apart() => {
                return DeliveryStep::Conclude(Conclusion::Delivered);
            }
            Some(_) => {}
        }
    }
    let Some(page) = &documents.walk_page else {
        return DeliveryStep::read([DocumentQuery::IdWalk(walk.clone())]);
    };
    if page.ids.is_empty() || documents.followed {
        return DeliveryStep::Conclude(Conclusion::Delivered);
    }
    let further = page.goes_on_after.as_ref().map(|last| notification(&walk.over, Some(last)));
    let type_id = match walk.of() {
        WalkedResource::Variants => WalkedResource::Products.type_id(),
        of => of.type_id(),
    };
    DeliveryStep::Follow(
        page.ids.iter().map(|id| change(type_id, id.as_str())).chain(further).collect(),
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Map, Value};

    use super::super::documents::WalkPage;
    use super::*;
    use crate::commercetools::notification::Notification;
    use crate::commercetools::reference::Id;
    use crate::commercetools::walk::WalkOver;
    use crate::config::OperatorRules;
    use crate::push::parking::slot;
    use crate::push::plan::{Work, WorkPlan, plan};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    /// The work of a notification, and its slot.
    fn planned(raw: Map<String, Value>) -> (Work, String) {
        let notification = Notification::read(raw).expect("a notification");
        let Ok(WorkPlan::Work(work)) = plan(&OperatorRules::default(), &notification) else {
            panic!("work")
        };
        let key = slot(&notification, &work).key;
        (work, key)
    }

    #[test]
    fn a_page_gives_its_resources_and_the_next_page() {
        let (of, since) = (WalkedResource::Inventory, DateTime::UNIX_EPOCH);
        for (over, key, resource) in [
            (WalkOver::ProductsIn(id("c")), "category-products/c/", "product/"),
            (
                WalkOver::ChangedSince { of, since },
                "changed-since/inventory-entry/0/",
                "inventory-entry/",
            ),
        ] {
            let walk = IdWalk { over, after: None };
            assert_eq!(
                planned(notification(&walk.over, None)),
                (Work::IdWalk(walk.clone()), key.to_owned())
            );
            for (full, last) in [(true, key), (false, resource)] {
                let goes_on_after = full.then(|| id("b"));
                let walk_page = Some(WalkPage { ids: vec![id("a"), id("b")], goes_on_after });
                let documents = Documents { walk_page, ..Documents::default() };
                let DeliveryStep::Follow(all) = next(&documents, &walk) else { panic!("follow") };
                assert_eq!(all.len(), if full { 3 } else { 2 });
                let keys: Vec<_> = all.into_iter().map(|raw| planned(raw).1).collect();
                assert_eq!(keys.first(), Some(&format!("{resource}a")));
                assert_eq!(keys.last(), Some(&format!("{last}b")));
                let documents = Documents { followed: true, ..documents };
                assert_eq!(next(&documents, &walk), DeliveryStep::Conclude(Conclusion::Delivered));
            }
        }
    }
}
