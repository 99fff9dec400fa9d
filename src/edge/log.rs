//! Log lines: one JSON object each, no personal data, no secret, no body.
//!
//! INFO: done. WARN: not done, but nothing is lost. ERROR: a person must act.

use std::time::Duration;

use serde_json::{Value, json};
use worker::{console_error, console_log, console_warn};

use crate::import::kind::ImportKind;
use crate::import::machine::RunCuts;
use crate::import::run::{ImportRun, RunState};
use crate::mapping::body::Cut;
use crate::push::envelope::PushedItem;
use crate::push::outcome::Outcome;
use crate::time::{UnixMs, millis};

/// The effort for one notification.
#[derive(Default)]
pub(super) struct WorkEffort {
    /// How long it took.
    pub(super) duration: Duration,
    /// How many calls were made to either system.
    pub(super) calls: u32,
    /// Names of properties that were cut to keep Klaviyo's limits.
    pub(super) cut: Vec<Cut>,
}

/// The line of a notification, or of an item that is not one.
pub(super) fn notification(item: &PushedItem, outcome: &Outcome, effort: &WorkEffort) {
    let notification = item.notification();
    let resource = notification.and_then(|notification| notification.resource.as_ref());
    let level = match outcome {
        Outcome::Delivered | Outcome::Ignored(_) => "info",
        Outcome::Parked { .. } | Outcome::NotStored { .. } => "warn",
        Outcome::DeadLettered { .. } => "error",
    };
    let mut line = json!({
        "level": level,
        "event": "notification",
        "type": item.type_name(),
        "resource": resource.map(|resource| json!({
            "typeId": resource.type_id, "id": resource.id.as_str(),
        })),
        "outcome": outcome.name(),
        "code": outcome.code(),
        "duration_ms": millis(effort.duration),
        "calls": effort.calls,
    });
    if !effort.cut.is_empty() {
        line["cut"] = json!(effort.cut);
    }
    print(level, &line);
}

/// The line of an ended run.
pub(super) fn import(run: &ImportRun) {
    let level = if run.state == RunState::Failed { "error" } else { "info" };
    let counts = run.counts;
    let line = json!({
        "level": level,
        "event": "import",
        "kind": run.kind,
        "run": run.id,
        "mode": run.selection.mode(),
        "trigger": run.trigger,
        "state": run.state,
        "code": run.error.as_ref().map(|error| &error.code),
        "read": counts.read,
        "sent": counts.sent,
        "skipped": counts.skipped,
        "failed": counts.failed,
    });
    print(level, &line);
}

/// The line of a schedule's slot that started no run.
pub(super) fn skipped_slot(kind: ImportKind, slot: UnixMs, reason: &str) {
    print(
        "warn",
        &json!({
            "level": "warn",
            "event": "import_slot_skipped",
            "kind": kind,
            "slot": slot.shown(),
            "code": reason,
        }),
    );
}

/// The most records that one line names. The platform keeps 256 kB of log lines for each invocation, and a slice is
/// one.
const CUT_RECORDS: usize = 20;

/// The line of the values that an import left out of records.
pub(super) fn import_cuts(RunCuts { kind, run, records }: &RunCuts) {
    let line = json!({
        "level": "info",
        "event": "import_cut",
        "kind": kind,
        "run": run,
        "records": records.len(),
        "first": &records[..records.len().min(CUT_RECORDS)],
    });
    print("info", &line);
}

/// A failure of the platform or of a Durable Object.
pub(super) fn failure(what: &str, error: &str) {
    print("warn", &json!({"level": "warn", "event": "failure", "what": what, "error": error}));
}

fn print(level: &str, line: &Value) {
    match level {
        "error" => console_error!("{line}"),
        "warn" => console_warn!("{line}"),
        _ => console_log!("{line}"),
    }
}
