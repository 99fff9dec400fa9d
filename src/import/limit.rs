//! What limits the speed of a run that goes on: shown, and nothing else. What a run *waits* for, since nothing
//! of it goes on, is [`super::run::RunWaiting`].

use serde_json::{Value, json};

use crate::klaviyo::pacing::Operation;

/// What the next call of a run has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunLimit {
    /// Klaviyo's rate limit of an operation.
    Rate(Operation),
    /// Jobs of Klaviyo's to end: all that was read is in them.
    Jobs,
    /// Answers of commercetools.
    Commercetools,
    /// Answers of both: as many calls are under way as it may make at once.
    Connections,
}

impl RunLimit {
    /// As the status has it.
    pub(super) fn shown(self) -> Value {
        match self {
            Self::Rate(operation) => {
                let calls = match operation {
                    Operation::StartJob(_) => "jobs",
                    Operation::JobStatus(_) | Operation::ImportErrors => "looks at jobs",
                    Operation::CreateEvents => "bulk requests of events",
                    _ => "calls",
                };
                json!({ "by": "klaviyo_rate", "calls": calls, "perMinute": operation.per_minute() })
            }
            Self::Jobs => json!({ "by": "klaviyo_jobs" }),
            Self::Commercetools => json!({ "by": "commercetools" }),
            Self::Connections => json!({ "by": "connections" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::job::JobType;

    #[test]
    fn a_rate_says_of_what_and_how_many() {
        let jobs = RunLimit::Rate(Operation::StartJob(JobType::Profiles)).shown();
        assert_eq!(jobs, json!({"by": "klaviyo_rate", "calls": "jobs", "perMinute": 150}));
        let events = RunLimit::Rate(Operation::CreateEvents).shown();
        assert_eq!(events["calls"], "bulk requests of events");
    }
}
