//! Which records a run is about, and what started it. [`super::passes`] says which documents it reads for that.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::commercetools::reference::Id;

/// Which records a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSelection {
    /// All of them.
    Full,
    /// The records of a list, which is stored beside the run.
    Ids,
    /// The records from this id on, in the order of ids.
    StartId(Id),
    /// The records that changed since (UTC).
    Since(DateTime<Utc>),
    /// The run deletes everything that Klaviyo has of the kind.
    DeleteAll,
    /// The records of a list; they failed before.
    Retry,
}

impl RunSelection {
    /// The run's `mode`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Ids => "ids",
            Self::StartId(_) => "start_id",
            Self::Since(_) => "since",
            Self::DeleteAll => "delete_all",
            Self::Retry => "retry",
        }
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunTrigger {
    /// A person, or their script.
    #[default]
    Hand,
    /// A slot of `CONFIG.import.schedule`.
    Schedule,
    /// Its turn in a sequence ([`super::sequence`]).
    Sequence,
}
