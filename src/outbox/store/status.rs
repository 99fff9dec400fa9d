//! The state of the outbox, for `GET /sync/status` and for the watch.

use serde::{Deserialize, Serialize};

use super::{dead_letters, parked};
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// The state of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxStatus {
    /// How many notifications wait.
    pub waiting: u32,
    /// When the oldest of them was parked.
    #[serde(with = "crate::time::rfc3339")]
    pub oldest: Option<UnixMs>,
    /// How many notifications need a person.
    pub dead_letters: u32,
    /// Waiting notifications by the code of the last try, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_errors: Vec<WaitingCode>,
}

/// How many notifications wait for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingCode {
    /// The reason.
    pub code: String,
    /// How many.
    pub count: u32,
}

/// What waits, since when and why, and how much was given up.
pub fn status(sql: &dyn Sql) -> Result<OutboxStatus, SqlError> {
    let waiting = parked::waiting(sql)?;
    Ok(OutboxStatus {
        waiting: waiting.iter().map(|rows| rows.count).sum(),
        oldest: waiting.iter().map(|rows| rows.oldest).min(),
        dead_letters: dead_letters::count(sql)?,
        last_errors: waiting
            .into_iter()
            .map(|rows| WaitingCode { code: rows.code, count: rows.count })
            .collect(),
    })
}
