//! A page under way: its records, and how far each of them is.
//!
//! A page is committed when each of its records is settled, or all that is left of it is with jobs
//! of Klaviyo's. Until then a crash costs no more than reading it again.

use std::collections::{BTreeSet, VecDeque};

use super::records::{Context, Documents, Mapped};
use crate::commercetools::reference::Id;
use crate::http::Answer;
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::Fault;

/// The number of a page, unique within the life of the machine.
pub(super) type PageNo = u32;

/// A record of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) page: PageNo,
    pub(super) record: usize,
}

/// Where a page comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A range of the pass; `after` is where it goes on after this page, if it does.
    Range { range: usize, after: Option<String> },
    /// Records that a job refused.
    Again,
}

/// A page.
pub(super) struct Page {
    pub(super) origin: Origin,
    /// The bytes that were read for it.
    pub(super) bytes: usize,
    pub(super) records: Vec<Record>,
    /// What was answered, until its documents are read.
    pub(super) unread: Option<Answer>,
    /// Its documents, until they are mapped.
    pub(super) documents: Option<Documents>,
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
    pub(super) fate: Fate,
    /// Writes that are waiting or under way, but for those of jobs.
    pub(super) open: u32,
    /// Rows of it that are with jobs.
    pub(super) in_jobs: u32,
    /// Items of it that have to exist before the next stage.
    pub(super) awaited: u32,
    /// The stages after the one that is being written.
    pub(super) later: VecDeque<Vec<Request>>,
}

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has not.
    Open,
    /// There is nothing to send.
    Skipped,
    /// It cannot be sent.
    Failed(Fault),
    /// It was refused among others, and is to be sent by itself.
    Again,
    /// It is being written already, and is not counted twice.
    Known,
}

impl Record {
    pub(super) fn new(id: Id, fate: Fate) -> Self {
        Self { id, fate, open: 0, in_jobs: 0, awaited: 0, later: VecDeque::new() }
    }

    /// Takes what is to be written, and gives the first stage.
    pub(super) fn begin(&mut self, mapped: Mapped) -> Vec<Request> {
        match mapped {
            Mapped::Write(stages) => {
                self.later = stages.into();
                self.advance()
            }
            Mapped::Skip => {
                self.fate = Fate::Skipped;
                Vec::new()
            }
            Mapped::Fault(fault) => {
                self.fate = Fate::Failed(fault.into());
                Vec::new()
            }
        }
    }

    /// The next stage, if everything of the one before is written and what it made is there.
    pub(super) fn advance(&mut self) -> Vec<Request> {
        while self.open == 0 && self.awaited == 0 && self.fate == Fate::Open {
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
    pub(super) fn end(&mut self, fate: Fate) {
        if self.fate == Fate::Open {
            self.fate = fate;
            self.later.clear();
        }
    }

    /// Whether nothing of it would be lost if only its id were kept.
    fn is_secured(&self) -> bool {
        self.open == 0 && self.awaited == 0 && self.later.is_empty()
    }
}

impl Page {
    pub(super) fn new(origin: Origin) -> Self {
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
