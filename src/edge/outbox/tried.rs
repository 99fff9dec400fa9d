//! What came of a round: of which groups of rows something went through.

use std::collections::BTreeMap;

use super::attempt::{RowAttempt, finish};
use super::means::{Drain, logged};
use crate::outbox::schedule::RowGroup;
use crate::realtime::conclusion::Conclusion;

/// Of which groups a round brought something through.
#[derive(Default)]
pub(super) struct Tried(pub(super) BTreeMap<RowGroup, bool>);

impl Tried {
    /// Notes what came of a row: whether the systems did their part.
    pub(super) fn note(&mut self, key: &str, worked: Option<bool>) {
        if let Some(group) = RowGroup::of_key(key) {
            *self.0.entry(group).or_default() |= worked.unwrap_or(false);
        }
    }
}

/// Settles a row, and notes whether the systems did their part.
pub(super) fn conclude_row(
    drain: &Drain<'_>,
    tried: &mut Tried,
    attempt: RowAttempt,
    conclusion: Conclusion,
) {
    let key = attempt.row.key.clone();
    tried.note(&key, logged(finish(drain.sql, drain.config, attempt, conclusion)));
}
