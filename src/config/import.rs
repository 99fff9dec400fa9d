//! `CONFIG.import` and `CONFIG.product.import`: how imports run.

use serde::{Deserialize, Serialize};

use super::SettingProblem;
use super::schedule::ImportSchedules;

/// `CONFIG.import`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRules {
    /// Pages of commercetools that are read at once, for different times of creation. There are six
    /// connections; the rest is for writes.
    pub lanes: u32,
    /// The most records of a page. A page with large records is smaller.
    pub page_size: u32,
    /// A full run or one by time leaves out orders younger than this: if it imported them first, as
    /// history, they would start no flow when their notification comes.
    pub orders_older_than_minutes: u32,
    /// The length of one slice of the work, in seconds.
    pub slice_seconds: u32,
    /// Calls of one slice. The platform allows 10,000 by default.
    pub subrequests_per_slice: u32,
    /// Sends each record in calls of its own, one call at a time, so that Klaviyo's answer to each
    /// is visible. Slow; for comparisons, and for the search for faults.
    pub one_by_one: bool,
    /// When imports start by themselves.
    pub schedule: ImportSchedules,
}

impl Default for ImportRules {
    fn default() -> Self {
        Self {
            lanes: 4,
            page_size: 500,
            orders_older_than_minutes: 60,
            slice_seconds: 60,
            subrequests_per_slice: 1_000,
            one_by_one: false,
            schedule: ImportSchedules::default(),
        }
    }
}

impl ImportRules {
    /// The problems of these settings.
    pub(super) fn problems(&self) -> Vec<SettingProblem> {
        [
            (self.lanes, 1, 5, "lanes"),
            (self.page_size, 1, 500, "pageSize"),
            (self.slice_seconds, 1, 120, "sliceSeconds"),
            (self.subrequests_per_slice, 10, 1_000_000, "subrequestsPerSlice"),
        ]
        .into_iter()
        .filter(|(value, least, most, _)| value < least || value > most)
        .map(|(_, least, most, name)| {
            SettingProblem::new(
                format!("CONFIG.import.{name}"),
                format!("must be from {least} to {most}"),
            )
        })
        .collect()
    }
}

/// `CONFIG.product.import`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductImportRules {
    /// Whether a full run deletes the items of products that are gone or unpublished.
    pub delete_missing: bool,
}
