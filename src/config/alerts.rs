//! `CONFIG.alerts`: when a lasting problem needs a person.

use serde::{Deserialize, Serialize};

use super::SettingProblem;

/// `CONFIG.alerts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertRules {
    /// How long a notification may wait, in minutes; 0 for no limit.
    pub waiting_minutes: u32,
    /// How long nothing may be received, in hours; 0 for no limit.
    pub silence_hours: u32,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self { waiting_minutes: 15, silence_hours: 0 }
    }
}

/// The longest time of either: 30 days, after which waiting notifications are given up.
const LONGEST_HOURS: u32 = 720;

impl AlertRules {
    /// The problems of these settings.
    pub(super) fn problems(&self) -> Vec<SettingProblem> {
        let rules = [
            ("waitingMinutes", self.waiting_minutes, LONGEST_HOURS * 60),
            ("silenceHours", self.silence_hours, LONGEST_HOURS),
        ];
        let wrong = rules.into_iter().filter(|(_, value, most)| value > most);
        wrong
            .map(|(name, _, most)| {
                let problem = format!("must be at most {most}");
                SettingProblem::new(format!("CONFIG.alerts.{name}"), problem)
            })
            .collect()
    }
}
