//! Who is to blame where Klaviyo refuses a bulk request without naming a row: a row, or the request.
//!
//! Its halves are sent by themselves, until the row that is to blame is alone. A refusal that every
//! half repeats is the request's: then nothing is gained by sending each row.

use std::collections::HashMap;

use super::batches::{Batch, WholeBatch};

/// If Klaviyo took no part of a batch, and refused so many parts of it without naming a row, a row of
/// each further part is sent by itself; if so many of these are refused as well, not a row is to blame
/// but the request. In a batch of fewer rows all of them may be to blame.
const SUSPICIOUS_PARTS: u32 = 4;
const REFUSED_ROWS: u32 = 4;
const MANY_ROWS: usize = 20;

/// What became of batches of which Klaviyo refused something without naming a row.
#[derive(Default)]
pub(super) struct Blame {
    wholes: HashMap<WholeBatch, WholeRefusals>,
}

/// What became of the parts of a batch that Klaviyo refused so.
#[derive(Default)]
struct WholeRefusals {
    /// How many parts it refused so.
    parts: u32,
    /// Those of a single row.
    rows: u32,
    /// Whether it took any part.
    any_taken: bool,
}

/// What to do with a part that was refused without naming a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlameStep {
    /// Its row is alone, and to blame.
    Row,
    /// Send its halves.
    Halves,
    /// Send a row by itself: it has to be seen whether any is taken at all.
    FirstRow,
    /// The request itself is refused, whatever its rows are.
    Request,
}

impl Blame {
    /// Klaviyo took a part of a batch: its rows are not all to blame.
    pub(super) fn taken(&mut self, batch: &Batch) {
        if let Some(refusals) = self.wholes.get_mut(&batch.whole) {
            refusals.any_taken = true;
        }
    }

    /// Klaviyo refused a part without naming a row.
    pub(super) fn refused(&mut self, batch: &Batch) -> BlameStep {
        let refusals = self.wholes.entry(batch.whole).or_default();
        refusals.parts += 1;
        refusals.rows += u32::from(batch.rows.len() == 1);
        let suspicious = !refusals.any_taken
            && batch.whole.rows >= MANY_ROWS
            && refusals.parts >= SUSPICIOUS_PARTS;
        match batch.rows.len() {
            _ if suspicious && refusals.rows >= REFUSED_ROWS => BlameStep::Request,
            1 => BlameStep::Row,
            _ if suspicious => BlameStep::FirstRow,
            _ => BlameStep::Halves,
        }
    }

    pub(super) fn forget(&mut self) {
        self.wholes.clear();
    }
}
