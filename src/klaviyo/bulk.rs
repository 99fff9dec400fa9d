//! Which of many requests go together in jobs, and which alone.
//!
//! A job is carried out later, so a few requests of a sort are better sent alone, at once. Not in
//! scope: sending, and what is to be sent at all.

use std::collections::BTreeMap;

use super::job::{self, Job, JobType, Row};
use super::request::Request;

/// Up to so many requests of a sort go alone.
pub const ALONE: usize = 10;

/// A request of somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Item<K> {
    /// Whose it is.
    pub owner: K,
    /// What to send.
    pub request: Request,
    /// The same as a row of a job, where it can go with one.
    pub row: Option<(JobType, Row)>,
}

/// How requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorted<K> {
    /// Each on its own.
    pub alone: Vec<Item<K>>,
    /// In jobs, each row with its owners: what several want is written once.
    pub jobs: Vec<(Vec<Vec<K>>, Job)>,
}

/// Sorts requests, in their order.
#[must_use]
pub fn sort<K: Copy>(items: Vec<Item<K>>) -> Sorted<K> {
    let mut counts: BTreeMap<JobType, usize> = BTreeMap::new();
    for (of, _) in items.iter().filter_map(|item| item.row.as_ref()) {
        *counts.entry(*of).or_default() += 1;
    }
    let mut alone = Vec::new();
    let mut rows: BTreeMap<JobType, Vec<(Vec<K>, Row)>> = BTreeMap::new();
    for item in items {
        match item.row {
            Some((of, row)) if counts.get(&of).is_some_and(|count| *count > ALONE) => {
                let rows = rows.entry(of).or_default();
                match rows.iter_mut().find(|(_, other)| other.digest == row.digest) {
                    Some((owners, _)) => owners.push(item.owner),
                    None => rows.push((vec![item.owner], row)),
                }
            }
            _ => alone.push(item),
        }
    }
    let jobs = rows.into_iter().flat_map(|(of, rows)| job::pack(of, rows)).collect();
    Sorted { alone, jobs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::{Action, Kind};
    use crate::klaviyo::catalog_write::CatalogWrite;

    fn deletion(owner: usize, id: usize) -> Item<usize> {
        let id = id.to_string();
        let request = Request::Catalog(CatalogWrite::Delete { kind: Kind::Variant, id });
        Item { owner, row: job::row(&request), request }
    }

    #[test]
    fn a_few_go_alone_and_many_together() {
        let few: Vec<_> = (0..ALONE).map(|n| deletion(n, n)).collect();
        let sorted = sort(few.clone());
        assert_eq!((sorted.alone, sorted.jobs.len()), (few, 0));
        let sorted = sort((0..250).map(|n| deletion(n, n)).collect());
        let sizes: Vec<_> = sorted.jobs.iter().map(|(_, job)| job.rows.len()).collect();
        assert_eq!((sorted.alone.len(), sizes), (0, vec![100, 100, 50]));
        assert_eq!(sorted.jobs[0].1.of, JobType::Catalog(Kind::Variant, Action::Delete));
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
}
