//! What changed while a write of an import could still be carried out that had no answer.
//!
//! Such a write brings what was read before, so whatever changed since is written once more when it
//! cannot be carried out any longer: a walk, page by page, parks each resource as if it had been
//! changed just now.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::documents::Documents;
use super::{DeliveryStep, change};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::WalkedResource;
use crate::push::conclusion::Conclusion;
use crate::push::plan::{CHANGED_AFTER, CHANGED_SINCE};

/// A page of the walk: what it found and the next page are parked.
pub(super) fn next(
    documents: &Documents,
    of: WalkedResource,
    since: DateTime<Utc>,
    after: Option<&Id>,
) -> DeliveryStep {
    let Some(page) = &documents.walk_page else {
        return DeliveryStep::read([DocumentQuery::ChangedSince {
            of,
            since,
            after: after.cloned(),
        }]);
    };
    let Some(last) = page.ids.last().filter(|_| !documents.followed) else {
        return DeliveryStep::Conclude(Conclusion::Delivered);
    };
    let further = page.full.then(|| walk(of, since, last, Some(last)));
    DeliveryStep::Follow(
        page.ids.iter().map(|id| change(of.type_id(), id)).chain(further).collect(),
    )
}

/// The notification that makes a walk, or goes on with it. `id` is any: it names no resource.
#[must_use]
pub fn walk(
    of: WalkedResource,
    since: DateTime<Utc>,
    id: &Id,
    after: Option<&Id>,
) -> Map<String, Value> {
    let mut change = change(of.type_id(), id);
    let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
    change.insert(CHANGED_SINCE.to_owned(), since.into());
    if let Some(after) = after {
        change.insert(CHANGED_AFTER.to_owned(), after.as_str().into());
    }
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
        let (work, key) = planned(walk(of, since, &id("r"), None));
        assert_eq!(work, Work::ChangedSince { of, since, after: None });
        assert_eq!(key, "changed-since/inventory-entry/0/");
        for (full, last) in
            [(true, "changed-since/inventory-entry/0/b"), (false, "inventory-entry/b")]
        {
            let walk_page = Some(WalkPage { ids: vec![id("a"), id("b")], full });
            let documents = Documents { walk_page, ..Documents::default() };
            let DeliveryStep::Follow(all) = next(&documents, of, since, None) else {
                panic!("follow")
            };
            let keys: Vec<_> = all.into_iter().map(|raw| planned(raw).1).collect();
            assert_eq!(keys.first().map(String::as_str), Some("inventory-entry/a"));
            assert_eq!(keys.last().map(String::as_str), Some(last));
            let documents = Documents { followed: true, ..documents };
            let done = DeliveryStep::Conclude(Conclusion::Delivered);
            assert_eq!(next(&documents, of, since, None), done);
        }
    }
}
