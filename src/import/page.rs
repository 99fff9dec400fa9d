//! A page under way: its records, and how far each of them is.
//!
//! A page is committed when each of its records is settled, or all that is left of it is with jobs
//! of Klaviyo's. Until then a crash costs no more than reading it again.

use std::collections::{BTreeSet, VecDeque};

use super::batches::Write;
use super::owner::{Owner, PageNo};
use super::records::{Context, MappedRecord, PageDocuments};
use crate::commercetools::reference::Id;
use crate::fault::Rejection;
use crate::http::Answer;
use crate::klaviyo::request::Request;

/// About what a record takes while its rows are under way.
const RECORD_BYTES: usize = 200;

/// Where a page comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageOrigin {
    /// A range of the pass; `after` is where it goes on after this page, if it does.
    Range { range: usize, after: Option<String> },
    /// Records that a job refused.
    Again,
}

/// A page.
pub(super) struct RunPage {
    pub(super) origin: PageOrigin,
    /// The bytes that were read for it.
    pub(super) bytes: usize,
    pub(super) records: Vec<Record>,
    /// What was answered, until its documents are read.
    pub(super) unread: Option<Answer>,
    /// Its documents, until they are mapped.
    pub(super) documents: Option<PageDocuments>,
    pub(super) context: Context,
    /// The step of asking for what it needs.
    pub(super) step: usize,
    /// Answers that are awaited before it can be mapped.
    pub(super) waits: u32,
    /// The jobs that have rows of it.
    pub(super) jobs: BTreeSet<u64>,
}

/// A record under way.
pub(super) struct Record {
    pub(super) id: Id,
    pub(super) fate: RecordFate,
    /// Writes that are waiting or under way, but for those of jobs.
    pub(super) open: u32,
    /// Rows of it that are with jobs.
    pub(super) in_jobs: u32,
    /// Items of it that have to exist before the next stage.
    pub(super) awaited: u32,
    /// The stages after the one that is being written.
    pub(super) later: VecDeque<Vec<Write>>,
}

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordFate {
    /// It has not.
    Open,
    /// There is nothing to send.
    Skipped,
    /// It cannot be sent.
    Failed(Rejection),
    /// It was refused among others, and is to be sent by itself.
    Again,
    /// It is being written already, and is not counted twice.
    Known,
}

impl Record {
    pub(super) fn new(id: Id, fate: RecordFate) -> Self {
        Self { id, fate, open: 0, in_jobs: 0, awaited: 0, later: VecDeque::new() }
    }

    /// Takes what is to be written, and gives the first stage.
    fn begin(&mut self, mapped: MappedRecord, write: impl Fn(Request) -> Write) -> Vec<Write> {
        match mapped {
            MappedRecord::Write(stages) => {
                let stages = stages.into_iter();
                self.later = stages.map(|stage| stage.into_iter().map(&write).collect()).collect();
                self.advance()
            }
            MappedRecord::Skip => {
                self.fate = RecordFate::Skipped;
                Vec::new()
            }
            MappedRecord::Fault(fault) => {
                self.fate = RecordFate::Failed(fault.into());
                Vec::new()
            }
        }
    }

    /// The next stage, if everything of the one before is written and what it made is there.
    pub(super) fn advance(&mut self) -> Vec<Write> {
        while self.open == 0 && self.awaited == 0 && self.fate == RecordFate::Open {
            match self.later.pop_front() {
                None => break,
                Some(stage) if stage.is_empty() => {}
                Some(stage) => {
                    self.open = u32::try_from(stage.len()).unwrap_or(u32::MAX);
                    return stage;
                }
            }
        }
        Vec::new()
    }

    /// Gives it this end, unless it has one.
    pub(super) fn end(&mut self, fate: RecordFate) {
        if self.fate == RecordFate::Open {
            self.fate = fate;
            self.later.clear();
        }
    }

    /// Whether nothing of it would be lost if only its id were kept.
    fn is_secured(&self) -> bool {
        self.open == 0 && self.awaited == 0 && self.later.is_empty()
    }
}

impl RunPage {
    pub(super) fn new(origin: PageOrigin) -> Self {
        Self {
            origin,
            bytes: 0,
            records: Vec::new(),
            unread: None,
            documents: None,
            context: Context::default(),
            step: 0,
            waits: 0,
            jobs: BTreeSet::new(),
        }
    }

    /// Takes what is to be written for each record, `alone` or with others, and gives the first
    /// stage of each. Of its bytes what is left is what waits for a later stage.
    pub(super) fn begin(
        &mut self,
        number: PageNo,
        alone: bool,
        mapped: impl Iterator<Item = (usize, MappedRecord)>,
    ) -> Vec<(Owner, Vec<Write>)> {
        let mut first = Vec::new();
        for (record, mapped) in mapped {
            let owner = Owner { page: number, record };
            let write = |request| Write::of(owner, request, alone);
            if let Some(one) =
                self.records.get_mut(record).filter(|one| one.fate == RecordFate::Open)
            {
                first.push((owner, one.begin(mapped, write)));
            }
        }
        let later = self.records.iter().flat_map(|record| record.later.iter().flatten());
        self.bytes = self.records.len() * RECORD_BYTES + later.map(Write::bytes).sum::<usize>();
        first
    }

    pub(super) fn has(&self, id: &Id) -> bool {
        self.records.iter().any(|record| record.id == *id)
    }

    /// Adds the records and documents of another page.
    pub(super) fn append(&mut self, other: Self) {
        let offset = self.records.len();
        self.records.extend(other.records);
        match (&mut self.documents, other.documents) {
            (Some(documents), Some(more)) => documents.append(more, offset),
            (documents, more) => *documents = more,
        }
    }

    /// Whether it can be committed.
    pub(super) fn is_secured(&self) -> bool {
        self.waits == 0 && self.documents.is_none() && self.records.iter().all(Record::is_secured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::batches::BatchSort;
    use crate::klaviyo::catalog::{Action, CatalogKind};
    use crate::klaviyo::catalog_write::CatalogWrite;
    use crate::klaviyo::job::JobType;

    #[test]
    fn what_waits_for_a_later_stage_is_counted() {
        let delete = |id: &str| {
            Request::Catalog(CatalogWrite::Delete { kind: CatalogKind::Variant, id: id.to_owned() })
        };
        let mut page = RunPage::new(PageOrigin::Again);
        let id = Id::new("p").expect("an id");
        page.records =
            vec![Record::new(id.clone(), RecordFate::Open), Record::new(id, RecordFate::Skipped)];
        let stages = vec![vec![delete("first")], vec![delete("a"), delete("bc")]];
        let mapped = vec![(0, MappedRecord::Write(stages)), (1, MappedRecord::Skip)];
        let first = page.begin(7, false, mapped.into_iter());
        let [(owner, writes)] = first.as_slice() else { panic!("one stage") };
        assert_eq!(*owner, Owner { page: 7, record: 0 });
        let of = JobType::Catalog(CatalogKind::Variant, Action::Delete);
        assert!(matches!(writes.as_slice(), [Write::Row(sort, _)] if *sort == BatchSort::Job(of)));
        let later: usize = page.records[0].later.iter().flatten().map(Write::bytes).sum();
        assert!(later > 0);
        assert_eq!(page.bytes, 2 * RECORD_BYTES + later);
    }
}
