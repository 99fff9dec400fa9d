//! Which records a run is about, and what started it. Which it reads for that is for [`super::passes`] to say.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::commercetools::reference::Id;

/// Which records a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunSelection {
    /// All of them.
    Full,
    /// Those of a list, which is stored beside the run.
    Ids,
    /// Those from this id on, in the order of ids.
    StartId(Id),
    /// Those that changed since (UTC).
    Since(DateTime<Utc>),
    /// Everything that Klaviyo has of the kind is deleted.
    DeleteAll,
    /// Those of a list, which failed before.
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
    /// A person, or a script of theirs.
    #[default]
    Hand,
    /// A slot of `CONFIG.import.schedule`.
    Schedule,
    /// Its turn in a sequence ([`super::sequence`]).
    Sequence,
}
