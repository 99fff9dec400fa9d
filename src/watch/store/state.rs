//! What is known beside the counts, as one JSON document. It is small: there are as many alerts as causes,
//! and some twelve checks.

use serde::{Deserialize, Serialize};

use crate::storage::document;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;
use crate::watch::alerts::{Alert, ReceiverState};
use crate::watch::causes::WatchedFacts;
use crate::watch::tally::{Tally, newest_refusals};

/// What is known, except for counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchState {
    /// What causes are found in.
    pub facts: WatchedFacts,
    /// When the objects were last asked how they are.
    pub looked: UnixMs,
    /// When the checks were last made.
    pub checked: UnixMs,
    /// Alerts that have not ended, or whose end is still to be told.
    pub alerts: Vec<Alert>,
    /// How the receiver takes them.
    pub receiver: ReceiverState,
}

impl WatchState {
    /// Nothing but that watching begins.
    #[must_use]
    pub fn begun(now: UnixMs) -> Self {
        let facts = WatchedFacts { began: now, ..WatchedFacts::default() };
        Self { facts, checked: now, ..Self::default() }
    }

    /// Takes what an isolate saw, except for its counts.
    pub fn take(&mut self, tally: &Tally) {
        self.facts.last.merge(tally.last);
        self.facts.refusals.extend_from_slice(&tally.refusals);
        newest_refusals(&mut self.facts.refusals);
    }
}

/// What is known. The first time, watching begins.
pub fn load(sql: &dyn Sql, now: UnixMs) -> Result<WatchState, SqlError> {
    Ok(document::load(sql)?.unwrap_or_else(|| WatchState::begun(now)))
}

/// Stores what is known.
pub fn save(sql: &dyn Sql, state: &WatchState) -> Result<(), SqlError> {
    document::save(sql, state)
}
