//! What limits the speed of an active run; for display only. If nothing of a run goes on, it *waits*:
//! [`super::run::RunWaiting`] says for what.

use serde_json::{Value, json};

use crate::klaviyo::pacing::Operation;

/// What the next call of a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunLimit {
    /// Klaviyo's rate limit of an operation.
    Rate(Operation),
    /// The end of jobs at Klaviyo: they hold all records read so far.
    Jobs,
    /// Answers of commercetools.
    Commercetools,
    /// Answers of both: as many calls are under way as the Worker may make at once.
    Connections,
}

impl RunLimit {
    /// Its form in the status.
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
