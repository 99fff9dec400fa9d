//! The generation of a row: which of the notifications that were parked into a slot one after the other it is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::storage::sql::{RowId, SqlValue};

/// The generation of a row of `parked`, which is its `seq`: no other row has the same, not even the next row in the
/// slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowGeneration(RowId);

impl RowGeneration {
    /// The number of the row, the key of its notification.
    #[must_use]
    pub fn row(self) -> RowId {
        self.0
    }
}

impl fmt::Display for RowGeneration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<RowGeneration> for SqlValue {
    fn from(generation: RowGeneration) -> Self {
        generation.0.into()
    }
}
