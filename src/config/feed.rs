//! `CONFIG.feed`: how commercetools' own messages are read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SettingProblem;

/// `CONFIG.feed.mode`: why commercetools' messages are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeedMode {
    /// They are not read: a broker delivers everything.
    #[default]
    Off,
    /// They deliver everything: there is no broker.
    Only,
    /// They deliver what the broker lost.
    Beside,
}

impl FeedMode {
    /// Its name in `CONFIG` and in the answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Only => "only",
            Self::Beside => "beside",
        }
    }
}

/// `CONFIG.feed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedRules {
    /// Why the messages are read.
    pub mode: FeedMode,
    /// How often the feed asks for new ones, in seconds.
    pub every_seconds: u32,
    /// The period that is read once more, in seconds: a message may become readable this late, or a clock that stamps
    /// it may be this slow.
    pub overlap_seconds: u32,
}

impl Default for FeedRules {
    fn default() -> Self {
        Self { mode: FeedMode::Off, every_seconds: 10, overlap_seconds: 300 }
    }
}

impl FeedRules {
    /// `everySeconds` as a duration.
    #[must_use]
    pub fn every(&self) -> Duration {
        Duration::from_secs(self.every_seconds.into())
    }

    /// `overlapSeconds` as a duration.
    #[must_use]
    pub fn overlap(&self) -> Duration {
        Duration::from_secs(self.overlap_seconds.into())
    }

    /// The problems of these settings.
    pub(super) fn problems(&self) -> Vec<SettingProblem> {
        let problem = |name: &str, text| SettingProblem::new(format!("CONFIG.feed.{name}"), text);
        let mut problems = Vec::new();
        if !(2..=300).contains(&self.every_seconds) {
            problems.push(problem("everySeconds", "must be between 2 and 300"));
        }
        if !(60..=3_600).contains(&self.overlap_seconds) {
            problems.push(problem("overlapSeconds", "must be between 60 and 3600"));
        }
        problems
    }
}
