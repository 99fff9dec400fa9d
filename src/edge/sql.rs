//! The values that the objects' tables have in common.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use worker::SqlStorageValue;

/// The number that SQLite gave a row. It is used once only: the tables are `AUTOINCREMENT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RowId(i64);

impl RowId {
    /// Above all of them.
    pub(super) const MAX: Self = Self(1 << 53);

    /// The number, as SQLite gives it.
    pub(super) fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number that a text is.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<RowId> for SqlStorageValue {
    fn from(id: RowId) -> Self {
        Self::Integer(id.0)
    }
}

/// A time as it is stored: ms since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StoredTime(i64);

impl StoredTime {
    /// As the endpoints show it (RFC 3339).
    pub(super) fn shown(self) -> Option<String> {
        let time = DateTime::from_timestamp_millis(self.0)?;
        Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<StoredTime> for SqlStorageValue {
    fn from(time: StoredTime) -> Self {
        Self::Integer(time.0)
    }
}
