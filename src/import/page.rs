//! A page under way: its records, and how far each of them is.
//!
//! A page is committed when each of its records is settled, or all that is left of it is with jobs
//! of Klaviyo's. Until then a crash costs no more than reading it again.

use super::records::{Context, PageDocuments};
use crate::engine::unit::UnitNo;
use crate::commercetools::reference::Id;
use crate::fault::Rejection;
use crate::http::Answer;

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
}

/// A record under way.
pub(super) struct Record {
    pub(super) id: Id,
    pub(super) fate: RecordFate,
    /// Its unit of work, while Klaviyo has not all of it.
    pub(super) unit: Option<UnitNo>,
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
        Self { id, fate, unit: None }
    }

    /// Gives it this end, unless it has one.
    pub(super) fn end(&mut self, fate: RecordFate) {
        if self.fate == RecordFate::Open {
            self.fate = fate;
        }
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
        }
    }

    /// Its documents are mapped: of its bytes nothing is left but its records.
    pub(super) fn mapped(&mut self) {
        self.bytes = self.records.len() * RECORD_BYTES;
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

    /// Whether everything of it was read and mapped.
    pub(super) fn is_mapped(&self) -> bool {
        self.waits == 0 && self.documents.is_none()
    }

    /// The units of its records that are under way.
    pub(super) fn units(&self) -> impl Iterator<Item = UnitNo> {
        self.records.iter().filter_map(|record| record.unit)
    }
}
