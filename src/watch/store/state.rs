//! What is known beside the counts, as one JSON document. It is small: there are as many alerts as causes,
//! and some twelve checks.

use serde::{Deserialize, Serialize};

use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;
use crate::watch::alerts::{Alert, ReceiverState};
use crate::watch::causes::KeptCheck;
use crate::watch::tally::{LastSeen, RefusedNotification, Tally, newest_refusals};

/// What is known, except for counts. [`UnixMs::EPOCH`] is a time that never was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchState {
    /// Since when is watched.
    pub began: UnixMs,
    /// When something was last received and delivered.
    pub last: LastSeen,
    /// The newest refused notifications, the newest first.
    pub refusals: Vec<RefusedNotification>,
    /// When the objects were last asked how they are.
    pub looked: UnixMs,
    /// Since when the outbox does not answer, if it does not.
    pub outbox_silent_since: UnixMs,
    /// The same of the imports.
    pub imports_silent_since: UnixMs,
    /// What the checks found when they were last made.
    pub checks: Vec<KeptCheck>,
    /// When that was.
    pub checked: UnixMs,
    /// Alerts that have not ended, or whose end is still to be told.
    pub alerts: Vec<Alert>,
    /// How the receiver takes them.
    pub receiver: ReceiverState,
}

impl WatchState {
    /// Takes what an isolate saw, except for its counts.
    pub fn take(&mut self, tally: &Tally) {
        self.last.merge(tally.last);
        self.refusals.extend_from_slice(&tally.refusals);
        newest_refusals(&mut self.refusals);
    }
}

/// What is known. The first time, watching begins.
pub fn load(sql: &dyn Sql, now: UnixMs) -> Result<WatchState, SqlError> {
    let stored: Option<String> = sql.exec("SELECT content FROM state", vec![])?.value()?;
    match stored {
        Some(text) => Ok(serde_json::from_str(&text)?),
        None => Ok(WatchState { began: now, checked: now, ..WatchState::default() }),
    }
}

/// Stores what is known.
pub fn save(sql: &dyn Sql, state: &WatchState) -> Result<(), SqlError> {
    sql.exec(
        "INSERT INTO state (only, content) VALUES (1, ?)
         ON CONFLICT (only) DO UPDATE SET content = excluded.content",
        vec![serde_json::to_string(state)?.into()],
    )?;
    Ok(())
}
