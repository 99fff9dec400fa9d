//! The passes of a run: through which documents it walks, one walk after the other.
//!
//! The next pass begins when everything of the one before is settled, jobs included.
//!
//! Nothing newer may be overwritten. Klaviyo applies a job minutes after its page was read, and a
//! change that came by notification meanwhile was written before it. So a run over state ends with
//! a *closing* pass over what changed since it began, and *hands over* to the outbox what changed
//! since the closing pass began: the outbox follows each write until nothing overtook it. Stock,
//! standalone prices, and variants that are documents of their own count as changes of their products. Both look back a minute further, since the
//! clocks and the indexes of queries lag.

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
    /// Whether its records are counted apart, since they were counted before.
    pub reread: bool,
    /// Whether its records are left to the outbox, and not written.
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
    /// Documents that other documents lead to, since their own time of change does not tell.
    Linked {
        /// Which documents lead to them.
        link: PassLink,
        /// From when on these changed (UTC).
        since: DateTime<Utc>,
        /// Which of the documents that they lead to.
        filter: WalkFilter,
    },
    /// What Klaviyo holds, to be deleted.
    Held {
        /// Whether what is for sale stays, and what is not from here.
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
    /// Standalone prices do so as well.
    Prices,
    /// Variants that are documents of their own lead to their products.
    Variants,
}

impl PassLink {
    /// Whether it leads to products by way of variants, wherever these are.
    pub(super) fn is_of_variants(self) -> bool {
        matches!(self, Self::Inventory | Self::Prices | Self::Variants)
    }

    /// The documents of a page, if one of records is to have `limit`: as many as there can be to ask for by
    /// their SKUs, or one if the first is too large to be read with others.
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

/// How far back a pass over what changed looks beyond its own beginning: commercetools' clock is not
/// ours, and a query may not know yet of what was changed a moment ago.
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

    /// Whether it reads what changed while the passes before it were under way.
    pub(super) fn is_closing(&self) -> bool {
        self.reread && !self.hand_over && matches!(self.source, PassSource::Documents(_))
    }

    /// The documents that lead to its records, if there are such.
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
    // A young order that was imported first, as history, would start no flow when it comes.
    let settled = Duration::minutes(i64::from(rules.import.orders_older_than_minutes));
    // Nobody looks when a run starts by itself: it leaves every order that may still start one.
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

/// The passes over what changed since the run began, and over what changed since those began.
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
    // A product that was taken from sale meanwhile is to be seen, too.
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

/// What other documents lead to that changed since; what changed itself is in the pass before.
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
    /// The queries for its oldest and its newest document, where it can be divided by time.
    pub(super) fn ends(&self, kind: ImportKind) -> Option<[WalkEnd; 2]> {
        let PassSource::Documents(filter) = &self.source else { return None };
        let end = |newest| WalkEnd { of: kind.documents(), filter: filter.clone(), newest };
        Some([end(false), end(true)])
    }

    /// The query for how many documents a part of it has.
    pub(super) fn count(&self, kind: ImportKind, range: &PassRange) -> Option<WalkCount> {
        let PassSource::Documents(filter) = &self.source else { return None };
        Some(WalkCount { of: kind.documents(), filter: range.narrowed(filter) })
    }

    /// How to read the page of a range that follows `after`, with about `limit` records.
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

/// The part of a list that is the page of `limit` after the first so many ids.
pub(super) fn listed(list: &[Id], after: Option<&str>, limit: usize) -> std::ops::Range<usize> {
    let begin = after.and_then(|after| after.parse().ok()).unwrap_or(0).min(list.len());
    begin..(begin + LIST_PAGE.min(limit)).min(list.len())
}

/// What Klaviyo holds of a kind that can be deleted.
pub(super) fn held(kind: ImportKind) -> CatalogKind {
    match kind {
        ImportKind::Categories => CatalogKind::Category,
        ImportKind::Customers | ImportKind::Orders | ImportKind::Products => CatalogKind::Item,
    }
}

/// One part of a pass: the records of a time of creation, read in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassRange {
    /// The earliest `createdAt`; none for no limit.
    pub from: Option<DateTime<Utc>>,
    /// The `createdAt` it ends before; none for no limit.
    pub to: Option<DateTime<Utc>>,
    /// The last id of the last page that is settled. For pages of Klaviyo's, their cursor; for
    /// ids that were given, how many are settled.
    pub after: Option<String>,
    /// Whether all of it is settled.
    pub done: bool,
}

impl PassRange {
    /// A filter that lets through only what is in this part.
    pub(super) fn narrowed(&self, filter: &WalkFilter) -> WalkFilter {
        WalkFilter {
            created_from: self.from.or(filter.created_from),
            created_before: self.to.or(filter.created_before),
            ..filter.clone()
        }
    }
}
