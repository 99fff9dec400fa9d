//! Documents that other documents lead to: payments to their orders; stock, standalone prices and variants that are
//! documents of their own to their products.
//!
//! A SKU leads to a product through a variant within it, or through one that is a document of its own and names the
//! product. The project decides which of these exist, and may change that during a run: so the run asks at the
//! beginning of each pass.

use std::collections::{HashSet, VecDeque};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RunWork;
use super::calling::RunReading;
use crate::commercetools::answer::{self as commercetools, BegunPage};
use crate::commercetools::query::PAGE;
use crate::commercetools::reference::{Id, IdReference};
use crate::commercetools::variant::CatalogModel;
use crate::commercetools::walk::{FilterList, Walk, WalkFilter, WalkedResource};
use crate::config::Config;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::import::page::{PageOrigin, RecordFate, RunPage, RunRecord};
use crate::import::passes::{LIST_PAGE, PassLink, PassSource};
use crate::import::record_ref::PageNo;

/// The fields of a document that lead to others.
#[derive(Deserialize)]
pub(super) struct LinkingDocument {
    pub(super) id: Id,
    sku: Option<String>,
    product: Option<IdReference>,
}

pub(super) fn links(results: &[&str]) -> Vec<LinkingDocument> {
    results.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

impl RunWork {
    /// Takes where the project keeps variants at the beginning of the pass.
    pub(super) fn project_read(&mut self, answer: &HttpAnswer) -> Result<(), ReadFault> {
        self.run.catalog_model = Some(commercetools::catalog_model(answer)?);
        Ok(())
    }

    /// The walks over the documents that these lead to, except those that the run has met before.
    pub(super) fn linked_walks(
        &mut self,
        link: PassLink,
        filter: &WalkFilter,
        found: Vec<LinkingDocument>,
    ) -> VecDeque<Walk> {
        if found.is_empty() {
            return VecDeque::new();
        }
        let of = self.run.kind.documents();
        match link {
            PassLink::Payments => {
                let ids = found.into_iter().map(|found| found.id).collect();
                [among(of, filter, FilterList::Payments(ids))].into()
            }
            PassLink::Inventory | PassLink::Prices => {
                let mut skus: Vec<_> = found.into_iter().filter_map(|found| found.sku).collect();
                skus.sort_unstable();
                skus.dedup();
                let model = self.run.catalog_model.unwrap_or(CatalogModel::Unknown);
                let mut walks = VecDeque::new();
                if model.may_be_within() && !skus.is_empty() {
                    walks.push_back(among(of, filter, FilterList::Skus(skus.clone())));
                }
                if model.may_be_apart() && !skus.is_empty() {
                    walks.push_back(variants_of(skus));
                }
                walks
            }
            PassLink::Variants => self.walks_of_products(filter, found),
        }
    }

    /// The products of variants.
    fn walks_of_products(
        &self,
        filter: &WalkFilter,
        found: Vec<LinkingDocument>,
    ) -> VecDeque<Walk> {
        let ids = found.into_iter().filter_map(|found| Some(found.product?.id));
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let of = self.run.kind.documents();
        let lists = ids.chunks(LIST_PAGE).map(|ids| FilterList::Ids(ids.to_vec()));
        lists.map(|list| among(of, filter, list)).collect()
    }

    /// Takes the documents that the documents of a page lead to.
    pub(super) fn linked_read(
        &mut self,
        config: &Config,
        number: PageNo,
        walk: &Walk,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(pass) = self.run.passes.get(self.run.pass) else { return Ok(()) };
        match (&pass.source, walk.of) {
            (PassSource::Linked { filter, .. }, WalkedResource::Variants) => {
                let filter = filter.clone();
                self.variants_read(&filter, number, walk, answer)?;
            }
            _ => self.records_linked(config, number, walk, answer, pass.hand_over)?,
        }
        if let Some(page) = self.pages.get_mut(&number) {
            page.bytes += answer.body.len();
        }
        self.following_links = None;
        self.follow_links(config, now);
        Ok(())
    }

    /// Reads the linked documents of one page after the other, so that the next page skips what this one led to.
    pub(super) fn follow_links(&mut self, config: &Config, now: DateTime<Utc>) {
        let hand_over = self.run.passes.get(self.run.pass).is_some_and(|pass| pass.hand_over);
        while self.following_links.is_none() {
            let mut pages = self.pages.iter_mut().filter(|(_, page)| page.follows_links);
            let Some((number, page)) = pages.next() else { return };
            let number = *number;
            let Some(walk) = page.linked.pop_front() else {
                page.follows_links = false;
                page.waits = 0;
                if hand_over {
                    self.leave_to_outbox(number, now);
                } else {
                    self.prepare(config, number, now);
                }
                continue;
            };
            if let Some(walk) = self.linked_before.rest_of(walk) {
                let walk = self.sized(walk);
                self.following_links = Some(number);
                self.now_queue(RunReading::Linked { page: number, walk }, now);
            }
        }
    }

    /// Takes the records that the documents of a page lead to.
    fn records_linked(
        &mut self,
        config: &Config,
        number: PageNo,
        walk: &Walk,
        answer: &HttpAnswer,
        hand_over: bool,
    ) -> Result<(), ReadFault> {
        let mut also = None;
        let page = match &walk.filter.among {
            // No product has variants within itself any more.
            Some(FilterList::Skus(skus)) if commercetools::is_refused_with(answer, &[400]) => {
                let is_new = self.run.catalog_model == Some(CatalogModel::Classic);
                also = is_new.then(|| variants_of(skus.clone()));
                BegunPage { is_whole: true, ..BegunPage::default() }
            }
            _ => commercetools::begun_page(answer)?,
        };
        let BegunPage { results, is_whole, begun } = page;
        self.learn_size(config, results.len(), answer.body.len());
        if results.is_empty() && !is_whole {
            self.size.limit = 1;
        }
        let mut more = RunPage::new(PageOrigin::Again);
        if hand_over {
            more.take_ids(&results);
        } else {
            more.take_records(self.run.kind.documents(), &results);
        }
        if results.is_empty() && walk.limit == 1 {
            let fate = RecordFate::Failed(commercetools::too_large());
            more.records.extend(begun.map(|id| RunRecord::new(id, fate)));
        }
        let goes_on = !is_whole || results.len() == walk.limit;
        let after = more.records.last().map(|last| last.id.clone()).or(walk.after.clone());
        let further = goes_on.then(|| Walk { after, limit: PAGE, ..walk.clone() });
        // A record that several documents lead to is written once.
        let pending: HashSet<&Id> = self.pending.values().collect();
        for record in &mut more.records {
            let id = &record.id;
            let again = self.run.again.contains(id);
            let is_new = self.linked_before.meet(id);
            let known =
                again || pending.contains(id) || self.pages.values().any(|page| page.has(id));
            if known || !is_new {
                record.fate = RecordFate::Known;
            }
        }
        self.linked_before.meet_skus(&results);
        if let Some(page) = self.pages.get_mut(&number) {
            page.append(more);
            if let Some(walk) = further {
                page.linked.push_front(walk);
            }
            page.linked.extend(also);
        }
        Ok(())
    }

    /// Takes variants that were found by their SKUs: they lead to their products.
    fn variants_read(
        &mut self,
        filter: &WalkFilter,
        number: PageNo,
        walk: &Walk,
        answer: &HttpAnswer,
    ) -> Result<(), ReadFault> {
        if commercetools::has_no_variants_apart(self.run.catalog_model, answer) {
            return Ok(());
        }
        let BegunPage { results, is_whole, .. } = commercetools::begun_page(answer)?;
        let found = links(&results);
        let last = found.last().filter(|_| !is_whole || results.len() == walk.limit);
        let further = last.map(|last| Walk { after: Some(last.id.clone()), ..walk.clone() });
        let products = self.walks_of_products(filter, found);
        if let Some(page) = self.pages.get_mut(&number) {
            page.linked.extend(products);
            page.linked.extend(further);
        }
        Ok(())
    }
}

/// A walk through documents that belong to one of these.
fn among(of: WalkedResource, filter: &WalkFilter, list: FilterList) -> Walk {
    let filter = WalkFilter { among: Some(list), ..filter.clone() };
    Walk { of, filter, after: None, limit: PAGE }
}

/// A walk through the variants of these SKUs that are documents of their own.
fn variants_of(skus: Vec<String>) -> Walk {
    among(WalkedResource::Variants, &WalkFilter::default(), FilterList::Skus(skus))
}
