//! Rows on their way into bulk requests.
//!
//! Klaviyo refuses a whole bulk request if one row is wrong or an id occurs twice; its documentation does not say what
//! it does with two rows of one person. So no name occurs twice in a batch, and a batch knows the owners of its rows,
//! to take out the row that Klaviyo refuses.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::unit_no::UnitNo;
use crate::klaviyo::catalog::{CatalogAction, CatalogKind};
use crate::klaviyo::event;
use crate::klaviyo::job::JobType;
use crate::klaviyo::limits::{EVENTS_PER_JOB, JOB_BYTES};
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::request::WriteRequest;
use crate::klaviyo::verdict::ExpectedSuccess;
use crate::time::UnixMs;

/// The sorts of bulk requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BatchSort {
    /// Klaviyo accepts events at once, and reports nothing about them later.
    Events,
    /// A job, which Klaviyo carries out later.
    Job(JobType),
}

impl BatchSort {
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Events => Operation::CreateEvents,
            Self::Job(of) => Operation::StartJob(of),
        }
    }

    pub(crate) fn path(self) -> String {
        match self {
            Self::Events => event::BULK_PATH.to_owned(),
            Self::Job(of) => of.path(),
        }
    }

    /// What Klaviyo answers if it accepts such a request.
    pub(crate) fn success(self) -> ExpectedSuccess {
        match self {
            Self::Events => ExpectedSuccess::Nothing,
            Self::Job(of) => of.success(),
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Events => EVENTS_PER_JOB,
            Self::Job(of) => of.most(),
        }
    }
}

/// A row on its way into a batch.
pub(crate) struct BatchRow {
    /// The owners: all units that want the same written.
    pub(crate) units: Vec<UnitNo>,
    json: String,
    /// Digests of the names that must not occur twice in a batch.
    names: Vec<u64>,
    /// Klaviyo's id of an item that the row creates.
    pub(crate) new_item: Option<String>,
    /// The request that the row was made from, if it may still go by itself.
    pub(crate) request: Option<Box<WriteRequest>>,
}

impl BatchRow {
    /// The row of a request, and its sort; none for a request that goes alone. If `whole` is set, the row keeps the
    /// request.
    pub(crate) fn of(
        unit: UnitNo,
        request: &WriteRequest,
        whole: bool,
    ) -> Option<(BatchSort, Self)> {
        let (sort, mut json) = match request {
            WriteRequest::CreateEvent(event) => (BatchSort::Events, event::row(event)),
            request => {
                let (of, row) = request.row()?;
                (BatchSort::Job(of), row.json)
            }
        };
        // Many rows wait, and building a text takes up to twice its size.
        json.shrink_to_fit();
        let creates_item =
            sort == BatchSort::Job(JobType::Catalog(CatalogKind::Item, CatalogAction::Create));
        let new_item = match request {
            WriteRequest::Catalog(write) if creates_item => Some(write.id().to_owned()),
            _ => None,
        };
        let request_names = request.names();
        let request = whole.then(|| Box::new(request.clone()));
        let row = Self { units: vec![unit], json, names: request_names, new_item, request };
        Some((sort, row))
    }

    fn bytes(&self) -> usize {
        self.json.len() + 1
    }
}

/// Something to write for a unit.
pub(crate) enum UnitWrite {
    /// With others.
    Row(BatchSort, BatchRow),
    /// By itself.
    Alone(WriteRequest),
}

impl UnitWrite {
    /// How a request goes; if `whole` is set, a row keeps its request.
    pub(crate) fn of(unit: UnitNo, request: WriteRequest, alone: bool, whole: bool) -> Self {
        let row = if alone { None } else { BatchRow::of(unit, &request, whole) };
        row.map_or(Self::Alone(request), |(sort, row)| Self::Row(sort, row))
    }

    /// The bytes that it takes while it waits.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Row(_, row) => row.bytes(),
            Self::Alone(request) => request.body().map_or(0, |body| body.len()),
        }
    }
}

/// Rows of one bulk request.
pub(crate) struct Batch {
    pub(crate) sort: BatchSort,
    pub(crate) rows: Vec<BatchRow>,
    /// The batch that it was cut out of, or itself.
    pub(crate) whole: WholeBatch,
}

/// A batch as it was first sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WholeBatch {
    /// Unique within the life of the machine.
    number: u64,
    /// How many rows it had.
    pub(crate) rows: usize,
}

impl Batch {
    pub(crate) fn bytes(&self) -> usize {
        self.rows.iter().map(BatchRow::bytes).sum()
    }

    pub(crate) fn body(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(|row| row.json.as_str()).collect();
        match self.sort {
            BatchSort::Events => event::bulk(&rows),
            BatchSort::Job(of) => of.body(&rows),
        }
    }

    /// The objects that the batch writes and whose existence at Klaviyo is not known.
    pub(crate) fn doubts(&self) -> impl Iterator<Item = (CatalogKind, &str)> {
        self.rows.iter().filter_map(|row| match row.request.as_deref()? {
            WriteRequest::Catalog(write) => write.doubt(),
            _ => None,
        })
    }

    /// The rows whose objects Klaviyo lacks, if of the objects in doubt it has only `known`.
    pub(crate) fn without_object(&self, known: &[String]) -> HashSet<usize> {
        let missing = |(index, row): (usize, &BatchRow)| match row.request.as_deref()? {
            WriteRequest::Catalog(write) => {
                let (_, id) = write.doubt()?;
                (!known.iter().any(|known| known == id)).then_some(index)
            }
            _ => None,
        };
        self.rows.iter().enumerate().filter_map(missing).collect()
    }

    /// Its first row by itself, and the rest.
    pub(crate) fn first_alone(self) -> [Self; 2] {
        self.cut_at(1)
    }

    /// Two batches, each with half of the rows.
    pub(crate) fn halves(self) -> [Self; 2] {
        let half = self.rows.len() / 2;
        self.cut_at(half)
    }

    fn cut_at(mut self, rows: usize) -> [Self; 2] {
        let rest = self.rows.split_off(rows.min(self.rows.len()));
        let (sort, whole) = (self.sort, self.whole);
        [Self { sort, rows: self.rows, whole }, Self { sort, rows: rest, whole }]
    }

    /// Takes out the rows at these indices.
    pub(crate) fn without(self, refused: &HashSet<usize>) -> (Vec<BatchRow>, Self) {
        let (mut out, mut rest) = (Vec::new(), Vec::new());
        for (index, row) in self.rows.into_iter().enumerate() {
            if refused.contains(&index) { out.push(row) } else { rest.push(row) }
        }
        (out, Self { sort: self.sort, rows: rest, whole: self.whole })
    }
}

/// Rows that wait for their batch.
#[derive(Default)]
pub(crate) struct BatchBuffers {
    buffers: BTreeMap<BatchSort, RowBuffer>,
    batches: u64,
}

#[derive(Default)]
struct RowBuffer {
    rows: VecDeque<BatchRow>,
    bytes: usize,
    /// When the oldest row came.
    since: UnixMs,
}

impl BatchBuffers {
    pub(crate) fn push(&mut self, sort: BatchSort, row: BatchRow, now: UnixMs) {
        let buffer = self.buffers.entry(sort).or_default();
        if buffer.rows.is_empty() {
            buffer.since = now;
        }
        buffer.bytes += row.bytes();
        buffer.rows.push_back(row);
    }

    /// The bytes of all rows.
    pub(crate) fn bytes(&self) -> usize {
        self.buffers.values().map(|buffer| buffer.bytes).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buffers.values().all(|buffer| buffer.rows.is_empty())
    }

    /// The sorts with a full batch or with rows older than `old`; with `all`, every sort that has rows.
    pub(crate) fn due(&self, old: UnixMs, all: bool) -> Vec<BatchSort> {
        let due = |(sort, buffer): (&BatchSort, &RowBuffer)| {
            let full = buffer.rows.len() >= sort.most() || buffer.bytes >= JOB_BYTES;
            let some = !buffer.rows.is_empty();
            (some && (all || full || buffer.since <= old)).then_some(*sort)
        };
        self.buffers.iter().filter_map(due).collect()
    }

    /// The maximum bytes of the next batch of a sort.
    pub(crate) fn next_bytes(&self, sort: BatchSort) -> usize {
        self.buffers.get(&sort).map_or(0, |buffer| buffer.bytes.min(JOB_BYTES))
    }

    /// Takes a batch: the oldest rows, as many as the limits allow, no name twice. A row that several units want occurs
    /// once.
    pub(crate) fn take(&mut self, sort: BatchSort, now: UnixMs) -> Batch {
        self.batches += 1;
        let whole = WholeBatch { number: self.batches, rows: 0 };
        let mut batch = Batch { sort, rows: Vec::new(), whole };
        let Some(buffer) = self.buffers.get_mut(&sort) else { return batch };
        let (mut names, mut bytes, mut taken) = (HashMap::new(), 0, 0);
        let mut rest = VecDeque::new();
        for row in std::mem::take(&mut buffer.rows) {
            let place = batch.rows.len();
            let known = row.names.iter().find_map(|name| names.get(name).copied());
            let same = known.and_then(|place: usize| batch.rows.get_mut(place));
            let fits = place == 0 || (place < sort.most() && bytes + row.bytes() <= JOB_BYTES);
            match same {
                Some(same) if same.json == row.json => {
                    taken += row.bytes();
                    same.units.extend(row.units);
                }
                None if fits => {
                    taken += row.bytes();
                    bytes += row.bytes();
                    names.extend(row.names.iter().map(|name| (*name, place)));
                    batch.rows.push(row);
                }
                Some(_) | None => rest.push_back(row),
            }
        }
        *buffer = RowBuffer { bytes: buffer.bytes - taken, rows: rest, since: now };
        debug_assert_eq!(buffer.bytes, buffer.rows.iter().map(BatchRow::bytes).sum::<usize>());
        batch.whole.rows = batch.rows.len();
        batch
    }

    /// How many rows of a sort wait.
    pub(crate) fn count(&self, sort: BatchSort) -> usize {
        self.buffers.get(&sort).map_or(0, |buffer| buffer.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::job_answer::row_of_pointer;
    use crate::klaviyo::profile::Profile;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    fn row(record: u64, email: &str) -> (BatchSort, BatchRow) {
        let profile = Profile { email: Some(email.to_owned()), ..Profile::default() };
        let request = WriteRequest::ImportProfile(Box::new(profile));
        BatchRow::of(UnitNo(record), &request, false).expect("a row")
    }

    fn records(batch: &Batch) -> Vec<u64> {
        batch.rows.iter().flat_map(|row| &row.units).map(|unit| unit.0).collect()
    }

    #[test]
    fn no_name_stands_twice_in_a_batch_and_no_row_is_lost() {
        let mut buffers = BatchBuffers::default();
        let emails = ["a@x.de", "b@x.de", "A@x.de", "c@x.de", "a@X.de"];
        for (record, email) in (0..).zip(emails) {
            let (sort, row) = row(record, email);
            buffers.push(sort, row, at(5));
        }
        let sort = BatchSort::Job(JobType::Profiles);
        assert_eq!(buffers.due(at(4), false), []);
        assert_eq!(buffers.due(at(5), false), [sort]);
        assert_eq!(records(&buffers.take(sort, at(6))), [0, 1, 3]);
        assert_eq!(records(&buffers.take(sort, at(6))), [2]);
        assert_eq!(records(&buffers.take(sort, at(6))), [4]);
        assert!(buffers.is_empty());
        assert_eq!(buffers.bytes(), 0);
    }

    #[test]
    fn a_refused_row_is_taken_out() {
        let rows = (0..).zip(["a@x.de", "b@x.de", "c@x.de"]);
        let rows = rows.map(|(record, email)| row(record, email).1).collect();
        let whole = WholeBatch { number: 1, rows: 3 };
        let batch = Batch { sort: BatchSort::Job(JobType::Profiles), rows, whole };
        let pointer = "/data/attributes/profiles/data/1/attributes/email";
        let refused = row_of_pointer(pointer).into_iter().collect();
        let (out, rest) = batch.without(&refused);
        assert_eq!(out.iter().map(|row| row.units[0].0).collect::<Vec<_>>(), [1]);
        assert_eq!(records(&rest), [0, 2]);
        let [first, second] = rest.halves();
        assert_eq!((records(&first), records(&second)), (vec![0], vec![2]));
    }

    #[test]
    fn what_several_want_is_written_once() {
        let mut buffers = BatchBuffers::default();
        for (record, email) in (0..).zip(["a@x.de", "b@x.de", "a@x.de"]) {
            let (sort, row) = row(record, email);
            buffers.push(sort, row, at(5));
        }
        let batch = buffers.take(BatchSort::Job(JobType::Profiles), at(6));
        assert_eq!(batch.rows.len(), 2);
        assert_eq!(records(&batch), [0, 2, 1]);
        assert!(buffers.is_empty());
        assert_eq!(buffers.bytes(), 0);
    }
}
