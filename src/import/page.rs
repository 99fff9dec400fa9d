//! A page under way: its records, and how far each of them is.
//!
//! The run commits a page when each record is settled or only in jobs at Klaviyo. Until then a crash only costs a
//! second read of the page.

use std::collections::VecDeque;

use crate::assembly::delivery::Delivery;
use crate::assembly::record::{self, PageRecord};
use crate::commercetools::reference::{Id, id_of};
use crate::commercetools::walk::{Walk, WalkedResource};
use crate::engine::unit_no::UnitNo;
use crate::fault::Rejection;
use crate::http::HttpAnswer;
use crate::push::conclusion::Conclusion;
use crate::push::plan::IgnoreReason;
use crate::push::plan::price_edge::PriceEdge;

/// The approximate memory of a record while its rows are under way.
const RECORD_BYTES: usize = 200;

/// Where a page comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageOrigin {
    /// A range of the pass; `after` is where the range goes on after this page, if it does.
    Range { range: usize, after: Option<String> },
    /// Records that a job refused.
    Again,
}

/// A page.
pub(super) struct RunPage {
    pub(super) origin: PageOrigin,
    /// The bytes read for it.
    pub(super) bytes: usize,
    pub(super) records: Vec<RunRecord>,
    /// The answer, until its documents are read.
    pub(super) unread: Option<HttpAnswer>,
    /// Walks still to make over the documents that this page's documents lead to.
    pub(super) linked: VecDeque<Walk>,
    /// Whether such walks are under way or still to make.
    pub(super) follows_links: bool,
    /// What is read for its records until they are mapped, each with the index of its record.
    pub(super) units: Vec<(usize, Delivery)>,
    /// Answers that have to come before further records can be mapped.
    pub(super) waits: u32,
    /// When the prices of its products change by themselves; the outbox has to keep these times before the run commits
    /// the page.
    pub(super) price_edges: Vec<PriceEdge>,
}

/// A record under way.
pub(super) struct RunRecord {
    pub(super) id: Id,
    /// The name that people know it by, if there is one: see [`record::PageRecord`].
    pub(super) name: Option<Box<str>>,
    pub(super) fate: RecordFate,
    /// Its unit of work, until Klaviyo has all of it.
    pub(super) unit: Option<UnitNo>,
}

/// How a record ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RecordFate {
    /// It has not ended.
    Open,
    /// Nothing had to be sent.
    Skipped(SkipReason),
    /// The outbox has it: the import does nothing more with it.
    HandedOver,
    /// It cannot be sent.
    Failed(Rejection),
    /// Klaviyo refused it among others; it has to go by itself.
    Again,
    /// The run is writing it already, and does not count it twice.
    Known,
}

/// Why nothing had to be sent for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SkipReason {
    /// The reason for which a notification of it would be ignored.
    Ignored(IgnoreReason),
    /// Everything is as it should be.
    NothingToSend,
}

impl SkipReason {
    /// The record no longer exists: nothing is left to do.
    pub(super) const GONE: Self = Self::Ignored(IgnoreReason::Gone);

    /// A stable code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Ignored(why) => why.code(),
            Self::NothingToSend => "nothing_to_send",
        }
    }
}

impl From<Conclusion> for RecordFate {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Never(rejection) => Self::Failed(rejection),
            Conclusion::Ignored(why) => Self::Skipped(SkipReason::Ignored(why)),
            // The run asks for what a record waits for before it concludes anything.
            Conclusion::Delivered | Conclusion::Later(_) | Conclusion::NotYet(_) => {
                Self::Skipped(SkipReason::NothingToSend)
            }
        }
    }
}

impl RunRecord {
    pub(super) fn new(id: Id, fate: RecordFate) -> Self {
        Self { id, name: None, fate, unit: None }
    }

    pub(super) fn open(id: Id) -> Self {
        Self::new(id, RecordFate::Open)
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
            linked: VecDeque::new(),
            follows_links: false,
            units: Vec::new(),
            waits: 0,
            price_edges: Vec::new(),
        }
    }

    /// Its documents are mapped: only its records still take memory.
    pub(super) fn mapped(&mut self) {
        self.bytes = self.records.len() * RECORD_BYTES;
    }

    pub(super) fn has(&self, id: &Id) -> bool {
        self.records.iter().any(|record| record.id == *id)
    }

    /// Adds a record, with its unit if it has work to do.
    pub(super) fn add(&mut self, id: Id, unit: Result<Delivery, RecordFate>) {
        let fate = match unit {
            Ok(unit) => {
                self.units.push((self.records.len(), unit));
                RecordFate::Open
            }
            Err(fate) => fate,
        };
        self.records.push(RunRecord::new(id, fate));
    }

    /// Takes the documents of an answer. An unreadable one costs only itself.
    pub(super) fn take_records(&mut self, of: WalkedResource, results: &[&str]) {
        for PageRecord { id, name, read } in
            results.iter().filter_map(|text| record::read(of, text))
        {
            let unit = read.map(|(record, documents)| Delivery::of_record(record, documents));
            self.add(id, unit.map_err(RecordFate::Failed));
            if let Some(record) = self.records.last_mut() {
                record.name = name;
            }
        }
    }

    /// Takes only the ids of documents.
    pub(super) fn take_ids(&mut self, results: &[&str]) {
        let found = results.iter().filter_map(|text| id_of(text));
        self.records = found.map(RunRecord::open).collect();
    }

    /// Adds the records of another page.
    pub(super) fn append(&mut self, other: Self) {
        let offset = self.records.len();
        self.records.extend(other.records);
        self.units.extend(other.units.into_iter().map(|(index, unit)| (index + offset, unit)));
    }

    /// Whether all its documents are read and mapped.
    pub(super) fn is_mapped(&self) -> bool {
        self.waits == 0 && self.units.is_empty()
    }

    /// The units of its records under way.
    pub(super) fn written_units(&self) -> impl Iterator<Item = UnitNo> {
        self.records.iter().filter_map(|record| record.unit)
    }
}
