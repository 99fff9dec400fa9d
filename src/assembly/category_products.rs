//! The products of a category that was moved.
//!
//! An item stands in the categories of its product and in all above them, so a move changes the
//! items of a whole subtree. These can be thousands, so each goes its own way through the outbox:
//! for each category of the subtree a walk over its products, page by page, which parks each
//! product as if it had been changed.

use serde_json::{Map, Value};

use super::documents::Documents;
use super::{DeliveryStep, change};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::push::conclusion::Conclusion;
use crate::push::plan::PRODUCTS_AFTER;

/// A page of the walk: its products and the next page are parked.
pub(super) fn next(documents: &Documents, category: &Id, after: Option<&Id>) -> DeliveryStep {
    let Some(page) = &documents.walk_page else {
        let (category, after) = (category.clone(), after.cloned());
        return DeliveryStep::read([DocumentQuery::ProductsOfCategory { category, after }]);
    };
    if documents.followed || page.ids.is_empty() {
        return DeliveryStep::Conclude(Conclusion::Delivered);
    }
    let last = page.ids.last().filter(|_| page.full);
    let further = last.map(|last| walk(category, Some(last)));
    DeliveryStep::Follow(page.ids.iter().map(|id| change("product", id)).chain(further).collect())
}

/// The notification that makes a walk, or goes on with it.
pub(super) fn walk(category: &Id, after: Option<&Id>) -> Map<String, Value> {
    let mut change = change("category", category);
    change.insert(PRODUCTS_AFTER.to_owned(), after.map_or("", Id::as_str).into());
    change
}

#[cfg(test)]
mod tests {
    use super::super::documents::WalkPage;
    use super::*;
    use crate::commercetools::notification::Notification;
    use crate::config::OperatorRules;
    use crate::push::parking::slot;
    use crate::push::plan::{Work, WorkPlan, plan};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    /// What a notification asks for, and where it is parked.
    fn planned(raw: Map<String, Value>) -> (Work, String) {
        let notification = Notification::read(raw).expect("a notification");
        let Ok(WorkPlan::Work(work)) = plan(&OperatorRules::default(), &notification) else {
            panic!("work")
        };
        let key = slot(&notification, &work).key;
        (work, key)
    }

    #[test]
    fn a_page_gives_its_products_and_the_next_page() {
        let category = id("c");
        let (work, key) = planned(walk(&category, None));
        let first = Work::ProductsOfCategory { category: category.clone(), after: None };
        assert_eq!((work, key.as_str()), (first, "category-products/c/"));
        for (full, last) in [(true, "category-products/c/b"), (false, "product/b")] {
            let walk_page = Some(WalkPage { ids: vec![id("a"), id("b")], full });
            let documents = Documents { walk_page, ..Documents::default() };
            let DeliveryStep::Follow(all) = next(&documents, &category, None) else {
                panic!("follow")
            };
            assert_eq!(all.len(), if full { 3 } else { 2 });
            let keys: Vec<_> = all.into_iter().map(|raw| planned(raw).1).collect();
            assert_eq!(keys.first().map(String::as_str), Some("product/a"));
            assert_eq!(keys.last().map(String::as_str), Some(last));
            let documents = Documents { followed: true, ..documents };
            let done = DeliveryStep::Conclude(Conclusion::Delivered);
            assert_eq!(next(&documents, &category, None), done);
        }
    }
}
