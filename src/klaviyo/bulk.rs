//! Which of many requests go together in jobs, and which alone.
//!
//! A job is carried out later, so a few requests of a sort are better sent alone, at once. Not in
//! scope: sending, and what is to be sent at all.

use std::collections::HashMap;

use super::catalog::CatalogKind;
use super::catalog_write::CatalogWrite;
use super::job::{self, BulkJobRow, Job, JobType};
use super::request::Request;
use super::verdict::Verdict;

/// Up to so many requests of a sort go alone.
pub const ALONE: usize = 10;

/// A request of somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkItem<K> {
    /// Whose it is.
    pub owner: K,
    /// The request as a row of a job, where it can go with one.
    pub row: Option<(JobType, BulkJobRow)>,
}

/// How requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted<K> {
    /// Those that go each on its own.
    pub alone: Vec<K>,
    /// In jobs, each row with its owners: what several want is written once.
    pub jobs: Vec<(Vec<Vec<K>>, Job)>,
}

/// Sorts requests, in their order.
#[must_use]
pub fn sort<K: Copy>(items: Vec<BulkItem<K>>) -> Sorted<K> {
    let counts = counts(&items);
    let mut alone = Vec::new();
    let mut rows: Vec<(JobType, Owned<K>)> =
        counts.iter().map(|(of, _)| (*of, Vec::new())).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let with = |(of, row): (JobType, BulkJobRow)| many(&counts, of).then_some((of, row));
        let Some((of, row)) = item.row.and_then(with) else {
            alone.push(item.owner);
            continue;
        };
        let Some((_, rows)) = rows.iter_mut().find(|(other, _)| *other == of) else { continue };
        match places.get(&row.digest).and_then(|place| rows.get_mut(*place)) {
            Some((owners, other)) if other.digest == row.digest => owners.push(item.owner),
            _ => {
                places.insert(row.digest.clone(), rows.len());
                rows.push((vec![item.owner], row));
            }
        }
    }
    // Not more than one sort has the same digests, but for an object that two create and update.
    let jobs = rows.into_iter().flat_map(|(of, rows)| job::pack(of, rows)).collect();
    Sorted { alone, jobs }
}

/// Rows with their owners.
type Owned<K> = Vec<(Vec<K>, BulkJobRow)>;

type Counts = Vec<(JobType, usize)>;

fn counts<K>(items: &[BulkItem<K>]) -> Counts {
    let mut counts: Counts = Vec::new();
    for (of, _) in items.iter().filter_map(|item| item.row.as_ref()) {
        match counts.iter_mut().find(|(other, _)| other == of) {
            Some((_, count)) => *count += 1,
            None => counts.push((*of, 1)),
        }
    }
    counts
}

fn many(counts: &Counts, of: JobType) -> bool {
    counts.iter().any(|(other, count)| *other == of && *count > ALONE)
}

/// An object of which nobody knows whether Klaviyo has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Whose request it is.
    pub owner: usize,
    /// What it is.
    pub kind: CatalogKind,
    /// Klaviyo's id.
    pub id: String,
}

/// The objects that would be written with a job, and of which nobody has asked whether Klaviyo has
/// them: the variants of a product are known when it is read, stock and categories are not.
#[must_use]
pub fn doubtful<'a>(
    items: &[BulkItem<usize>],
    request_of: impl Fn(usize) -> &'a Request,
) -> Vec<Doubt> {
    let counts = counts(items);
    let doubt = |item: &BulkItem<usize>| {
        let of = item.row.as_ref().map(|(of, _)| *of)?;
        let Request::Catalog(write) = request_of(item.owner) else { return None };
        let (kind, id) = write.doubt().filter(|_| many(&counts, of))?;
        Some(Doubt { owner: item.owner, kind, id: id.to_owned() })
    };
    items.iter().filter_map(doubt).collect()
}

/// Makes a doubtful request fit that Klaviyo does not have its object, or tells what came of one
/// that needs not be sent.
pub fn without_object(item: &mut BulkItem<usize>, request: &mut Request) -> Option<Verdict> {
    let Request::Catalog(write) = request else { return None };
    match write {
        CatalogWrite::SetStock { .. } => Some(Verdict::NotHeld),
        CatalogWrite::Delete { .. } => Some(Verdict::Accepted),
        CatalogWrite::Put { object, .. } => {
            *request = Request::Catalog(CatalogWrite::put((**object).clone(), false));
            item.row = request.row();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::Action;

    use crate::klaviyo::catalog::{Category, Key, Object, Policy, Stock};

    fn item_of(owner: usize, request: &Request) -> BulkItem<usize> {
        BulkItem { owner, row: request.row() }
    }

    fn deletion(owner: usize, id: usize) -> BulkItem<usize> {
        let id = id.to_string();
        let request = Request::Catalog(CatalogWrite::Delete { kind: CatalogKind::Variant, id });
        item_of(owner, &request)
    }

    #[test]
    fn a_few_go_alone_and_many_together() {
        let few: Vec<_> = (0..ALONE).map(|n| deletion(n, n)).collect();
        let sorted = sort(few);
        assert_eq!((sorted.alone, sorted.jobs.len()), ((0..ALONE).collect(), 0));
        let sorted = sort((0..250).map(|n| deletion(n, n)).collect());
        let sizes: Vec<_> = sorted.jobs.iter().map(|(_, job)| job.rows.len()).collect();
        assert_eq!((sorted.alone.len(), sizes), (0, vec![100, 100, 50]));
        assert_eq!(sorted.jobs[0].1.of, JobType::Catalog(CatalogKind::Variant, Action::Delete));
        assert_eq!(sorted.jobs[1].0[0], [100]);
    }

    #[test]
    fn what_several_want_is_written_once() {
        let sorted = sort((0..20).map(|n| deletion(n, n / 2)).collect());
        let [(owners, job)] = sorted.jobs.as_slice() else { panic!("one job") };
        assert_eq!(job.rows.len(), 10);
        assert_eq!(owners[3], [6, 7]);
    }

    #[test]
    fn what_has_no_row_goes_alone() {
        let mut items: Vec<_> = (0..20).map(|n| deletion(n, n)).collect();
        items[4].row = None;
        let sorted = sort(items);
        assert_eq!(sorted.alone.len(), 1);
        assert_eq!(sorted.jobs[0].1.rows.len(), 19);
    }

    #[test]
    fn what_klaviyo_may_not_have_is_looked_up_and_made_to_fit() {
        let stock = Stock { inventory_policy: Policy::Hide, inventory_quantity: 1 };
        let set = |n: usize| CatalogWrite::SetStock { variant: format!("v{n}"), stock };
        let put = |n: usize| {
            let key = Key { id: format!("c{n}"), external_id: n.to_string() };
            CatalogWrite::put(Object::Category(Category { key, name: "C".to_owned() }), true)
        };
        let mut requests: Vec<_> = (0..20).map(|n| Request::Catalog(set(n))).collect();
        requests.extend((0..20).map(|n| Request::Catalog(put(n))));
        let mut items: Vec<_> = requests.iter().enumerate().map(|(n, r)| item_of(n, r)).collect();
        let doubtful = doubtful(&items, |owner| &requests[owner]);
        assert_eq!(doubtful.len(), 40);
        let third = Doubt { owner: 23, kind: CatalogKind::Category, id: "c3".to_owned() };
        assert_eq!(doubtful[23], third);
        let mut verdict = |n: usize| without_object(&mut items[n], &mut requests[n]);
        assert_eq!([verdict(1), verdict(23)], [Some(Verdict::NotHeld), None]);
        let action = |n: usize| items[n].row.as_ref().map(|(of, _)| *of);
        assert_eq!(action(22), Some(JobType::Catalog(CatalogKind::Category, Action::Update)));
        assert_eq!(action(23), Some(JobType::Catalog(CatalogKind::Category, Action::Create)));
    }
}
