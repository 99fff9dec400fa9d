//! The lines for what this Worker keeps about a record, and for what it cannot see.

use serde_json::json;

use super::kept::{KeptNotification, KeptOfImport, KeptOfOutbox};
use super::{Answered, TraceLine, TraceVerdict};
use crate::config::Config;
use crate::import::kind::ImportKind;

/// A line for each kept notification, and one if there may be more.
pub(super) fn of_outbox(outbox: &Answered<KeptOfOutbox>) -> Vec<TraceLine> {
    let kept = match outbox {
        Answered::Read(kept) => kept,
        Answered::Unasked => return Vec::new(),
        Answered::Unread(_) => {
            let why = "the outbox does not answer: what waits or is a dead letter cannot be told";
            return vec![TraceLine::told("Outbox", TraceVerdict::Unknown, why)];
        }
    };
    let line = |row: &KeptNotification| {
        let (verdict, what) = match &row.letter {
            Some(_) => (TraceVerdict::Refused, "Dead letter"),
            None => (TraceVerdict::Waits, "Waiting"),
        };
        let name = if row.type_name.is_empty() { "notification" } else { &row.type_name };
        let at = row.pointer.as_ref().map(|pointer| format!(", at {pointer}")).unwrap_or_default();
        let whole = row.letter.as_ref().map(|id| format!("; GET /dead-letters/{id} has all of it"));
        let whole = whole.unwrap_or_default();
        let detail = format!("{}, attempts: {}{at}{whole}", row.code, row.attempts);
        TraceLine {
            actual: json!({ "since": row.at.shown() }),
            ..TraceLine::told(format!("{what}: {name}"), verdict, detail)
        }
    };
    let mut lines: Vec<_> = kept.waiting.iter().chain(&kept.letters).map(line).collect();
    if !kept.is_whole {
        let why = "more waits than could be looked through; something of this record may";
        lines.push(TraceLine::told("Outbox", TraceVerdict::Unknown, why));
    }
    lines
}

/// A line for a record that an import could not send, or skipped.
pub(super) fn of_import(kind: ImportKind, import: &Answered<KeptOfImport>) -> Vec<TraceLine> {
    let kept = match import {
        Answered::Read(kept) => kept,
        Answered::Unasked => return Vec::new(),
        Answered::Unread(_) => {
            let why = "the imports do not answer: their failures are not known";
            return vec![TraceLine::told("Import", TraceVerdict::Unknown, why)];
        }
    };
    let kind = kind.name();
    let failure = kept.failure.as_ref().map(|failure| {
        let at = failure.pointer.as_ref().map(|pointer| format!(", at {pointer}"));
        let at = at.unwrap_or_default();
        let detail = format!("{}{at}; GET /sync/{kind}/failures has all of it", failure.code);
        let line = TraceLine::told("Import", TraceVerdict::Refused, detail);
        TraceLine { actual: json!({ "since": failure.at }), ..line }
    });
    let skipped = kept.skipped.as_ref().map(|skipped| {
        let detail = format!("the newest run skipped it ({})", skipped.code);
        let line = TraceLine::told("Import", TraceVerdict::Ignored, detail);
        TraceLine { actual: json!({ "since": skipped.at }), ..line }
    });
    failure.into_iter().chain(skipped).collect()
}

/// What this deployment cannot see of another one.
pub(super) fn elsewhere(config: &Config) -> Option<TraceLine> {
    let why = match (config.mode.realtime(), config.mode.import()) {
        (true, true) => return None,
        (true, false) => {
            "APP_TYPE is EVENT: what failed in an import, or is being imported, lies in the other \
             deployment and is not seen here"
        }
        (false, _) => {
            "APP_TYPE is BULK_IMPORT: what waits or is a dead letter in realtime lies in the other \
             deployment and is not seen here"
        }
    };
    Some(TraceLine::told("Other deployment", TraceVerdict::Unknown, why))
}
