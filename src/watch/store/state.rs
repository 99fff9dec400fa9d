//! The watched state except for the counts, as one JSON document. It is small: it has as many alerts as causes, and
//! some twelve checks.

use serde::{Deserialize, Serialize};

use crate::storage::document;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;
use crate::watch::alerts::{Alert, ReceiverState};
use crate::watch::causes::WatchedFacts;
use crate::watch::tally::{Tally, newest_refusals};

/// The watched state except for the counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchState {
    /// The facts behind causes.
    pub facts: WatchedFacts,
    /// When the last look was.
    pub looked: UnixMs,
    /// When the last checks were.
    pub checked: UnixMs,
    /// Alerts that have not ended, or whose end is still to be reported.
    pub alerts: Vec<Alert>,
    /// How the receiver accepts requests.
    pub receiver: ReceiverState,
}

impl WatchState {
    /// The state at the beginning of the watch.
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

/// The stored state. The first call begins the watch.
pub fn load(sql: &dyn Sql, now: UnixMs) -> Result<WatchState, SqlError> {
    Ok(document::load(sql)?.unwrap_or_else(|| WatchState::begun(now)))
}

/// Stores the state.
pub fn save(sql: &dyn Sql, state: &WatchState) -> Result<(), SqlError> {
    document::save(sql, state)
}
