//! A run of an import: its stored form, and its form in the endpoints.
//!
//! A stored run has what it needs to go on after a crash, and no more: how far the reading is
//! settled, what is counted, and why it waits or failed. Its JSON is pinned by a test; a change of
//! its shape needs a new [`VERSION`], and a way to read the old one ([`super::stored`]).

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kind::ImportKind;
use super::passes::{Pass, PassRange, PassSource, passes};
use super::selection::{RunSelection, RunTrigger};
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::config::rules::OperatorRules;
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::mapping::body::CutCode;

/// The version of the stored shape.
pub const VERSION: u32 = 5;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It reads and writes.
    Running,
    /// An operator stopped it, and calls are still under way.
    Stopping,
    /// It was stopped, and can be resumed.
    Stopped,
    /// Everything is done.
    Completed,
    /// It could not go on; it can be resumed.
    Failed,
}

/// The counts, in records of commercetools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    /// Read, and settled or in a job at Klaviyo.
    pub read: u64,
    /// Klaviyo has it.
    pub sent: u64,
    /// Nothing had to be sent.
    pub skipped: u64,
    /// It could not be sent; a failure with its id exists until something heals it.
    pub failed: u64,
}

/// Failures of a run that the same run healed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealedCounts {
    /// Those of records that were sent in the end.
    pub sent: u64,
    /// Those of records that need nothing sent any more.
    pub skipped: u64,
}

impl RunCounts {
    pub(super) fn heal(&mut self, healed: HealedCounts) {
        let HealedCounts { sent, skipped } = healed;
        debug_assert!(sent + skipped <= self.failed, "only what failed is healed");
        self.failed = self.failed.saturating_sub(sent + skipped);
        self.sent += sent;
        self.skipped += skipped;
    }
}

/// Why a run waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunWaiting {
    /// A stable code, such as `klaviyo_503`.
    pub code: String,
    /// Since when (UTC).
    pub since: DateTime<Utc>,
}

/// Why a run failed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// A stable code.
    pub code: String,
    /// What happened, and what to do.
    pub message: String,
}

/// A run, in its stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRun {
    /// The version of this shape.
    pub version: u32,
    /// Unique, and ascending with the starts.
    pub id: String,
    #[expect(missing_docs, reason = "as its name says")]
    pub kind: ImportKind,
    /// Which records.
    pub selection: RunSelection,
    /// What started it; a run from an earlier version was started by hand.
    #[serde(default)]
    pub trigger: RunTrigger,
    #[expect(missing_docs, reason = "as its name says")]
    pub state: RunState,
    #[expect(missing_docs, reason = "as its name says")]
    pub counts: RunCounts,
    /// Read again at the end, or for another reason; counted separately.
    pub reread: u64,
    /// Phone numbers that the run left out, since it had sent them with another customer. Records that are read once
    /// more after a crash may count twice.
    pub phones_left_out: u64,
    /// Values that the run left out of records, by code. Records that are read once more after a crash may count twice.
    pub left_out: BTreeMap<CutCode, u64>,
    /// How many records the run has to read, if it is known.
    pub total: Option<u64>,
    /// The passes, from the settings at the beginning of the run: a deployment during the run does not change them.
    pub passes: Vec<Pass>,
    /// The current pass: an index into `passes`.
    pub pass: usize,
    /// When the closing pass began (UTC); what changed since goes to the outbox.
    pub closing_began: Option<DateTime<Utc>>,
    /// The parts of that pass; none until the run knows how to divide it.
    pub ranges: Option<Vec<PassRange>>,
    /// Where the project kept variants when the pass began, if that matters to the pass.
    pub catalog_model: Option<CatalogModel>,
    /// Until when Klaviyo may still carry out a write of the run that had no answer (UTC).
    pub doubtful_until: Option<DateTime<Utc>>,
    /// Records to send again, each by itself: a job of Klaviyo refused them.
    pub again: Vec<Id>,
    #[expect(missing_docs, reason = "as its name says")]
    pub started_at: DateTime<Utc>,
    #[expect(missing_docs, reason = "as its name says")]
    pub updated_at: DateTime<Utc>,
    /// For how long it has settled nothing, in ms of its own work: the time while the object is down does not count.
    #[serde(default)]
    pub unsettled_ms: u64,
    /// When it ended, in any way.
    pub finished_at: Option<DateTime<Utc>>,
    /// What it waits for, if it waits.
    pub waiting: Option<RunWaiting>,
    /// Why it failed.
    pub error: Option<RunError>,
}

impl ImportRun {
    /// A run that begins now.
    #[must_use]
    pub fn new(
        rules: &OperatorRules,
        id: String,
        kind: ImportKind,
        selection: RunSelection,
        trigger: RunTrigger,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            passes: passes(rules, kind, &selection, trigger, now),
            version: VERSION,
            id,
            kind,
            selection,
            trigger,
            state: RunState::Running,
            counts: RunCounts::default(),
            reread: 0,
            phones_left_out: 0,
            left_out: BTreeMap::new(),
            total: None,
            pass: 0,
            closing_began: None,
            doubtful_until: None,
            ranges: None,
            catalog_model: None,
            again: Vec::new(),
            started_at: now,
            updated_at: now,
            unsettled_ms: 0,
            finished_at: None,
            waiting: None,
            error: None,
        }
    }

    /// Whether it has work to do.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Stopping)
    }

    /// Whether it can be resumed.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        matches!(self.state, RunState::Stopped | RunState::Failed)
    }

    /// The time of creation from which on the run leaves out records as too young (UTC), if it does.
    #[must_use]
    pub fn leaves_out_from(&self) -> Option<DateTime<Utc>> {
        match &self.passes.first()?.source {
            PassSource::Documents(filter) => filter.created_before,
            PassSource::List { .. } | PassSource::Linked { .. } | PassSource::Held { .. } => None,
        }
    }

    /// Ends it after slices of its work were lost again and again: a slice that crashes the object would do so for
    /// ever.
    pub fn lost(&mut self, now: DateTime<Utc>) {
        self.state = RunState::Failed;
        self.doubtful_until = self.doubtful_until.max(Some(now + JOB_IN_DOUBT));
        self.finished_at = Some(now);
        self.updated_at = now;
        self.waiting = None;
        self.error = Some(RunError {
            code: "import_lost".to_owned(),
            message: "The work was begun several times, and never ended. See the log; resume the \
                      run, or start one with other records."
                .to_owned(),
        });
    }

    /// The position of the reading: the last settled id of each part under way; for a deletion, Klaviyo's cursor. A run
    /// over a list has none.
    fn after(&self) -> Vec<&str> {
        if matches!(self.selection, RunSelection::Ids | RunSelection::Retry) {
            return Vec::new();
        }
        let ranges = self.ranges.iter().flatten().filter(|range| !range.done);
        ranges.filter_map(|range| range.after.as_deref()).collect()
    }

    /// Its form in the endpoints (`docs/openapi.yaml`), with the number of records that are read but not counted yet,
    /// since their page is under way: so no count ever decreases.
    #[must_use]
    pub fn shown(&self, under_way: u64) -> Value {
        let counts = &self.counts;
        json!({
            "id": self.id,
            "kind": self.kind,
            "mode": self.selection.mode(),
            "trigger": self.trigger,
            "state": self.state,
            "read": counts.read,
            "sent": counts.sent,
            "skipped": counts.skipped,
            "failed": counts.failed,
            "underWay": under_way,
            "reread": self.reread,
            "phonesLeftOut": self.phones_left_out,
            "leftOut": self.left_out,
            "total": self.total,
            "after": self.after(),
            "startedAt": text(self.started_at),
            "updatedAt": text(self.updated_at),
            "finishedAt": self.finished_at.map(text),
            "waiting": self.waiting,
            "error": self.error,
        })
    }
}

/// The form of a kind that was never imported, or of a run that is not known.
#[must_use]
pub fn blank(kind: ImportKind) -> Value {
    json!({
        "id": null, "kind": kind, "mode": null, "trigger": null, "state": "idle",
        "read": 0, "sent": 0, "skipped": 0, "failed": 0, "underWay": 0, "reread": 0,
        "phonesLeftOut": 0, "leftOut": {}, "total": null,
        "after": [],
        "startedAt": null, "updatedAt": null, "finishedAt": null, "waiting": null, "error": null,
    })
}

/// Removes from the form of runs the words of their failure, which may be Klaviyo's own about a record: a caller
/// without access to personal data only gets the code.
pub fn hide_words(shown: &mut Value) {
    match shown {
        Value::Object(members) => {
            if let Some(Value::Object(error)) = members.get_mut("error") {
                error.insert("message".to_owned(), HIDDEN.into());
            }
            members.values_mut().for_each(hide_words);
        }
        Value::Array(runs) => runs.iter_mut().for_each(hide_words),
        _ => {}
    }
}

const HIDDEN: &str = "ADMIN_TOKEN shows what was said.";

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_without_words_keeps_its_code() {
        let run = json!({"id": "1", "error": {"code": "klaviyo_400", "message": "a@example.com"}});
        let mut shown = json!({"current": run, "history": [run, blank(ImportKind::Orders)]});
        hide_words(&mut shown);
        assert_eq!(shown["history"][0]["error"], json!({"code": "klaviyo_400", "message": HIDDEN}));
        assert_eq!(shown["history"][1], blank(ImportKind::Orders));
        assert!(!shown.to_string().contains("example.com"));
    }
}
