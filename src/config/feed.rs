//! `CONFIG.feed`: what is read of commercetools' own messages.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SettingProblem;

/// `CONFIG.feed.mode`: what the messages of commercetools are read for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeedMode {
    /// They are not read: a broker brings everything.
    #[default]
    Off,
    /// They bring everything: there is no broker.
    Only,
    /// They bring what the broker lost.
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
    /// What the messages are read for.
    pub mode: FeedMode,
    /// How often new ones are asked for, in seconds.
    pub every_seconds: u32,
    /// For how long what was read is read once more, in seconds: by so much a message may become readable
    /// late, or be stamped by a clock that is behind.
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

    /// What is wrong.
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
