//! The passes of a run: which documents it walks through, one walk after the other.
//!
//! The next pass begins when everything of the one before is settled, jobs included.
//!
//! A run must not overwrite anything newer. Klaviyo applies a job minutes after the run read its page, and a change
//! that came by notification meanwhile was written before the job. So a run over state ends with a *closing* pass over
//! what changed since it began, and *hands over* to the outbox what changed since the closing pass began: the outbox
//! follows each write until nothing overtook it. Stock, standalone prices and variants that are documents of their own
//! count as changes of their products. Both look back one minute further, since the clocks and the indexes of queries
//! lag.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::kind::ImportKind;
use super::selection::{RunSelection, RunTrigger};
use crate::commercetools::query::{PAGE, SKUS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{Walk, WalkCount, WalkEnd, WalkFilter, WalkedResource};
use crate::config::rules::OperatorRules;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::query::KlaviyoLookup;

/// One walk through documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pass {
    /// Where its records come from.
    pub source: PassSource,
    /// Whether its records are counted separately, since they were counted before.
    pub reread: bool,
    /// Whether the run leaves its records to the outbox instead of writing them.
    pub hand_over: bool,
}

/// Where the records of a pass come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassSource {
    /// The documents themselves.
    Documents(WalkFilter),
    /// The ids of the run's list.
    #[serde(rename_all = "camelCase")]
    List {
        /// Only those that changed since (UTC).
        changed_since: Option<DateTime<Utc>>,
    },
    /// Documents that other documents lead to, since their own time of change does not show these changes.
    Linked {
        /// Which documents lead to them.
        link: PassLink,
        /// The earliest change of these (UTC).
        since: DateTime<Utc>,
        /// A filter for the documents that they lead to.
        filter: WalkFilter,
    },
    /// What Klaviyo holds and the run deletes.
    Held {
        /// Whether objects stay that are for sale, or that are not from this Worker.
        check: bool,
    },
}

/// Documents that lead to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassLink {
    /// Payments lead to their orders.
    Payments,
    /// Inventory entries lead to the products of their SKUs.
    Inventory,
    /// Standalone prices, in the same way.
    Prices,
    /// Variants that are documents of their own lead to their products.
    Variants,
}

impl PassLink {
    /// Whether it leads to products through variants, wherever the project keeps these.
    pub(super) fn is_of_variants(self) -> bool {
        matches!(self, Self::Inventory | Self::Prices | Self::Variants)
    }

    /// The documents of a page, if a page of records has `limit`: as many as one query can take by their SKUs, or one
    /// if the first document is too large for more.
    pub(super) fn limit(self, limit: usize) -> usize {
        match self {
            _ if limit == 1 => 1,
            Self::Payments | Self::Inventory | Self::Prices => SKUS_PER_QUERY,
            Self::Variants => PAGE,
        }
    }

    fn resource(self) -> WalkedResource {
        match self {
            Self::Payments => WalkedResource::Payments,
            Self::Inventory => WalkedResource::Inventory,
            Self::Prices => WalkedResource::StandalonePrices,
            Self::Variants => WalkedResource::Variants,
        }
    }
}

/// The ids of one page of a list. 100 ids are some 4.5 kB of address.
pub(super) const LIST_PAGE: usize = 100;

/// How far a pass over changes looks back beyond its own beginning: commercetools' clock is not ours, and a query may
/// not know yet what changed a moment ago.
pub(super) const LOOK_BACK: Duration = Duration::seconds(60);

impl Pass {
    fn first(source: PassSource) -> Self {
        Self { source, reread: false, hand_over: false }
    }

    fn again(source: PassSource) -> Self {
        Self { source, reread: true, hand_over: false }
    }

    fn hand_over(source: PassSource) -> Self {
        Self { source, reread: true, hand_over: true }
    }

    /// Whether it reads what changed during the passes before it.
    pub(super) fn is_closing(&self) -> bool {
        self.reread && !self.hand_over && matches!(self.source, PassSource::Documents(_))
    }

    /// The documents that lead to its records, if any.
    pub(super) fn link(&self) -> Option<PassLink> {
        match self.source {
            PassSource::Linked { link, .. } => Some(link),
            PassSource::Documents(_) | PassSource::List { .. } | PassSource::Held { .. } => None,
        }
    }

    /// Makes it read what changed since `began`.
    pub(super) fn look_back_to(&mut self, began: DateTime<Utc>) {
        let from = began - LOOK_BACK;
        match &mut self.source {
            PassSource::Documents(filter) => filter.changed_since = Some(from),
            PassSource::List { changed_since } => *changed_since = Some(from),
            PassSource::Linked { since, filter, .. } => {
                *since = from;
                filter.changed_before = Some(from);
            }
            PassSource::Held { .. } => {}
        }
    }
}

/// The passes of a run, in their order.
pub(super) fn passes(
    rules: &OperatorRules,
    kind: ImportKind,
    selection: &RunSelection,
    trigger: RunTrigger,
    started_at: DateTime<Utc>,
) -> Vec<Pass> {
    let published = kind == ImportKind::Products;
    // A young order that the run imported first, as history, would start no flow when its notification comes.
    let settled = Duration::minutes(i64::from(rules.import.orders_older_than_minutes));
    // Nobody watches when a run starts by itself: it leaves out every order that may still start a flow.
    let flows = Duration::hours(i64::from(rules.order.flows_up_to_hours));
    let youngest = if trigger == RunTrigger::Schedule { settled.max(flows) } else { settled };
    let created_before = (kind == ImportKind::Orders).then(|| started_at - youngest);
    let filter = WalkFilter { created_before, published, ..WalkFilter::default() };
    let changed = |since| WalkFilter { changed_since: Some(since), ..filter.clone() };
    let mut passes = Vec::new();
    match selection {
        RunSelection::Ids | RunSelection::Retry => {
            passes.push(Pass::first(PassSource::List { changed_since: None }));
        }
        RunSelection::StartId(id) => {
            let filter = WalkFilter { from_id: Some(id.clone()), ..filter.clone() };
            passes.push(Pass::first(PassSource::Documents(filter)));
        }
        RunSelection::DeleteAll => {
            let held = PassSource::Held { check: false };
            return vec![Pass::first(held.clone()), Pass::again(held)];
        }
        RunSelection::Since(since) => {
            passes.push(Pass::first(PassSource::Documents(changed(*since))));
            passes.extend(linked(kind, &filter, *since).map(Pass::first));
        }
        RunSelection::Full => passes.push(Pass::first(PassSource::Documents(filter.clone()))),
    }
    // Before the closing passes: they read a product that is put on sale while its item is being deleted.
    let full_products = *selection == RunSelection::Full && kind == ImportKind::Products;
    if full_products && rules.product.import.delete_missing {
        passes.push(Pass::again(PassSource::Held { check: true }));
    }
    // An event is a fact: nothing overtakes it.
    if kind != ImportKind::Orders {
        passes.extend(closing(kind, selection, &filter, started_at));
    }
    passes
}

/// The passes over what changed since the run began, and since those passes began.
fn closing(
    kind: ImportKind,
    selection: &RunSelection,
    filter: &WalkFilter,
    started_at: DateTime<Utc>,
) -> Vec<Pass> {
    let from_id = match selection {
        RunSelection::StartId(id) => Some(id.clone()),
        _ => None,
    };
    // This has to see a product that was taken from sale meanwhile, too.
    let filter = WalkFilter { from_id, published: false, ..filter.clone() };
    let mut passes = Vec::new();
    if matches!(selection, RunSelection::Ids | RunSelection::Retry) {
        // A list is short: what changed of it goes to the outbox at once.
        passes.push(Pass::hand_over(PassSource::List { changed_since: None }));
    } else {
        passes.push(Pass::again(PassSource::Documents(filter.clone())));
        passes.extend(linked(kind, &filter, started_at).map(Pass::again));
        passes.push(Pass::hand_over(PassSource::Documents(filter.clone())));
    }
    passes.extend(linked(kind, &filter, started_at).map(Pass::hand_over));
    for pass in &mut passes {
        pass.look_back_to(started_at);
    }
    passes
}

/// Documents that other, changed documents lead to; the pass before has those that changed themselves.
fn linked(
    kind: ImportKind,
    filter: &WalkFilter,
    since: DateTime<Utc>,
) -> impl Iterator<Item = PassSource> {
    let links: &[PassLink] = match kind {
        ImportKind::Orders => &[PassLink::Payments],
        ImportKind::Products => &[PassLink::Inventory, PassLink::Prices, PassLink::Variants],
        ImportKind::Customers | ImportKind::Categories => &[],
    };
    let filter = WalkFilter { changed_before: Some(since), ..filter.clone() };
    links.iter().map(move |link| PassSource::Linked { link: *link, since, filter: filter.clone() })
}

/// How to read a page.
pub(super) enum PassReading {
    Walk(Walk),
    Lookup(KlaviyoLookup),
}

impl Pass {
    /// The queries for its oldest and its newest document, if time can divide it.
    pub(super) fn ends(&self, kind: ImportKind) -> Option<[WalkEnd; 2]> {
        let PassSource::Documents(filter) = &self.source else { return None };
        let end = |newest| WalkEnd { of: kind.documents(), filter: filter.clone(), newest };
        Some([end(false), end(true)])
    }

    /// The query for the number of documents in a part of it.
    pub(super) fn count(&self, kind: ImportKind, range: &PassRange) -> Option<WalkCount> {
        let PassSource::Documents(filter) = &self.source else { return None };
        Some(WalkCount { of: kind.documents(), filter: range.narrowed(filter) })
    }

    /// How to read the page of a range after `after`, with about `limit` records.
    pub(super) fn reading(
        &self,
        kind: ImportKind,
        range: &PassRange,
        after: Option<&str>,
        list: &[Id],
        limit: usize,
    ) -> PassReading {
        let after_id = after.and_then(Id::new);
        match &self.source {
            PassSource::Documents(filter) => {
                let filter = range.narrowed(filter);
                PassReading::Walk(Walk { of: kind.documents(), filter, after: after_id, limit })
            }
            PassSource::List { changed_since } => {
                let mut walk = of_ids(kind, &list[listed(list, after, limit)]);
                walk.filter.changed_since = *changed_since;
                PassReading::Walk(walk)
            }
            PassSource::Linked { link, since, .. } => {
                let filter = WalkFilter { changed_since: Some(*since), ..WalkFilter::default() };
                let limit = link.limit(limit);
                PassReading::Walk(Walk { of: link.resource(), filter, after: after_id, limit })
            }
            PassSource::Held { check } => {
                let cursor = after.map(ToOwned::to_owned);
                PassReading::Lookup(KlaviyoLookup::All {
                    kind: held(kind),
                    metadata: *check,
                    cursor,
                })
            }
        }
    }
}

/// The query for records by their ids.
pub(super) fn of_ids(kind: ImportKind, ids: &[Id]) -> Walk {
    Walk::among_ids(kind.documents(), ids.to_vec(), ids.len().max(1))
}

/// The slice of a list that makes the page of `limit` ids after the first `after` ids.
pub(super) fn listed(list: &[Id], after: Option<&str>, limit: usize) -> std::ops::Range<usize> {
    let begin = after.and_then(|after| after.parse().ok()).unwrap_or(0).min(list.len());
    begin..(begin + LIST_PAGE.min(limit)).min(list.len())
}

/// The objects of a kind that Klaviyo holds and a run can delete.
pub(super) fn held(kind: ImportKind) -> CatalogKind {
    match kind {
        ImportKind::Categories => CatalogKind::Category,
        ImportKind::Customers | ImportKind::Orders | ImportKind::Products => CatalogKind::Item,
    }
}

/// One part of a pass: the records of a period of creation, read in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassRange {
    /// The earliest `createdAt`; none for no limit.
    pub from: Option<DateTime<Utc>>,
    /// The `createdAt` before which it ends; none for no limit.
    pub to: Option<DateTime<Utc>>,
    /// The last id of the last settled page. For Klaviyo's pages, their cursor; for a list of ids, how many are
    /// settled.
    pub after: Option<String>,
    /// Whether all of it is settled.
    pub done: bool,
}

impl PassRange {
    /// The filter, restricted to this part.
    pub(super) fn narrowed(&self, filter: &WalkFilter) -> WalkFilter {
        WalkFilter {
            created_from: self.from.or(filter.created_from),
            created_before: self.to.or(filter.created_before),
            ..filter.clone()
        }
    }
}
