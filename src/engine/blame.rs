//! What is to blame if Klaviyo refuses a bulk request without naming a row: a row, or the request.
//!
//! The engine sends the halves by themselves until the row to blame is alone. If Klaviyo refuses every half in the same
//! way, the request is to blame: then sending each row gains nothing.

use std::collections::HashMap;

use super::batches::{Batch, WholeBatch};

/// If Klaviyo accepted no part of a batch and refused this many parts without naming a row, the engine sends one row of
/// each further part by itself. If Klaviyo refuses [`REFUSED_ROWS`] of these too, the request is to blame, not a row.
/// In a batch with fewer rows all of them may be to blame.
const SUSPICIOUS_PARTS: u32 = 4;
const REFUSED_ROWS: u32 = 4;
const MANY_ROWS: usize = 20;

/// The batches of which Klaviyo refused a part without naming a row.
#[derive(Default)]
pub(super) struct Blame {
    wholes: HashMap<WholeBatch, WholeRefusals>,
}

/// What became of the parts of such a batch.
#[derive(Default)]
struct WholeRefusals {
    /// How many parts Klaviyo refused without naming a row.
    parts: u32,
    /// How many of these had a single row.
    rows: u32,
    /// Whether Klaviyo accepted any part.
    any_taken: bool,
}

/// What to do with a part that was refused without naming a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlameStep {
    /// The row is alone, so it is to blame.
    Row,
    /// Send its halves.
    Halves,
    /// Send one row by itself, to see whether Klaviyo accepts any.
    FirstRow,
    /// The request itself is to blame, whatever its rows are.
    Request,
}

impl Blame {
    /// Klaviyo accepted a part of a batch: not all rows are to blame.
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
