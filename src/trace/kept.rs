//! What this Worker keeps about a record: waiting notifications, dead letters, and what its imports know about it.

use serde::{Deserialize, Serialize};

use super::expected::ExpectedRecord;
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::config::rules::OperatorRules;
use crate::json::read_bytes;
use crate::outbox::store::about;
use crate::push::plan::{Work, WorkPlan, plan};
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// The part of a record that a notification brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TracedPart {
    /// The profile of a customer.
    Profile,
    /// The placement of an order, and its lines.
    Placed,
    /// The events of an order's state.
    State,
    /// The refunds of an order.
    Refunds,
    /// An item with its variants, and categories.
    Catalogue,
}

impl TracedPart {
    /// The part that an expected record belongs to.
    #[must_use]
    pub fn of(config: &Config, record: &ExpectedRecord) -> Self {
        match record {
            ExpectedRecord::Profile(_) => Self::Profile,
            ExpectedRecord::Owner(_) => Self::Placed,
            ExpectedRecord::Event(event) => {
                let metrics = &config.rules.order.metrics;
                if event.metric == metrics.refunded_order {
                    Self::Refunds
                } else if [&metrics.fulfilled_order, &metrics.cancelled_order]
                    .contains(&&event.metric)
                {
                    Self::State
                } else {
                    Self::Placed
                }
            }
            ExpectedRecord::Object(_)
            | ExpectedRecord::Hidden { .. }
            | ExpectedRecord::Gone { .. } => Self::Catalogue,
        }
    }

    /// The parts that a work brings.
    fn of_work(work: &Work) -> &'static [Self] {
        match work {
            Work::Profile { .. } | Work::Erasure(_) | Work::BroughtBack { .. } => &[Self::Profile],
            Work::OrderPlaced(_) => &[Self::Placed, Self::State],
            Work::OrderGivenToCustomer { .. } => &[Self::Profile, Self::Placed, Self::State],
            Work::OrderEdited { .. } => &[Self::Placed],
            Work::OrderState { .. } => &[Self::State],
            Work::Refund { .. } => &[Self::Refunds],
            Work::Category { .. }
            | Work::IdWalk(_)
            | Work::CategoryGone(_)
            | Work::Product(_)
            | Work::PriceEdge(_)
            | Work::Variant { .. }
            | Work::Stock { .. }
            | Work::StandalonePrice { .. } => &[Self::Catalogue],
        }
    }
}

/// A waiting notification, or a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNotification {
    /// The parts of the record that it brings; empty if that is not known.
    pub brings: Vec<TracedPart>,
    /// Its type, as in a log line; empty if it is not known.
    pub type_name: String,
    /// Why it was not delivered.
    pub code: String,
    /// The place in the body, as a JSON pointer.
    pub pointer: Option<String>,
    /// When it was parked, or became a dead letter.
    pub at: UnixMs,
    /// How often it was tried.
    pub attempts: u32,
    /// The id of the dead letter; none if it waits.
    pub letter: Option<String>,
}

impl KeptNotification {
    /// Whether it may bring this part.
    #[must_use]
    pub fn may_bring(&self, part: TracedPart) -> bool {
        self.brings.is_empty() || self.brings.contains(&part)
    }
}

/// What the outbox has about a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOfOutbox {
    /// Waiting notifications.
    pub waiting: Vec<KeptNotification>,
    /// Dead letters.
    pub letters: Vec<KeptNotification>,
    /// Whether all waiting rows were searched.
    pub is_whole: bool,
    /// When Klaviyo accepted something of it from the outbox, if that is remembered.
    pub accepted: Option<UnixMs>,
}

/// What the outbox has about these resources (`{typeId}/{id}`).
///
/// # Errors
/// The store cannot be read.
pub fn of_outbox(
    sql: &dyn Sql,
    rules: &OperatorRules,
    resources: &[String],
    accepted: Option<UnixMs>,
) -> Result<KeptOfOutbox, SqlError> {
    let (waiting, is_whole) = about::waiting(sql, resources)?;
    let waiting = waiting.into_iter().map(|row| {
        let (brings, type_name) = told(rules, &row.content);
        KeptNotification {
            brings,
            type_name,
            code: row.code,
            pointer: None,
            at: row.since,
            attempts: row.attempts,
            letter: None,
        }
    });
    let letters = about::letters(sql, resources)?.into_iter().map(|(row, content)| {
        let (brings, type_name) = told(rules, &content);
        KeptNotification {
            brings,
            type_name,
            code: row.code,
            pointer: row.pointer,
            at: row.at,
            attempts: row.attempts,
            letter: Some(row.id),
        }
    });
    let (waiting, letters) = (waiting.collect(), letters.collect());
    Ok(KeptOfOutbox { waiting, letters, is_whole, accepted })
}

/// The parts that a stored notification brings, and its type.
fn told(rules: &OperatorRules, content: &[u8]) -> (Vec<TracedPart>, String) {
    let read = read_bytes(content).ok().and_then(|raw| Notification::read(raw).ok());
    let Some(notification) = read else { return (Vec::new(), String::new()) };
    let brings = match plan(rules, &notification) {
        Ok(WorkPlan::Work(work)) => TracedPart::of_work(&work),
        Ok(WorkPlan::Ignore(_)) | Err(_) => &[],
    };
    (brings.to_vec(), notification.type_name().to_owned())
}

/// What the imports know about a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeptOfImport {
    /// Its failure.
    pub failure: Option<ImportedRecord>,
    /// Its entry in the newest run, if that skipped it.
    pub skipped: Option<ImportedRecord>,
    /// The current run of its kind.
    pub run: TracedRun,
}

/// What an import reports about a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImportedRecord {
    /// The reason.
    pub code: String,
    /// The place in the body, as a JSON pointer.
    #[serde(default)]
    pub pointer: Option<String>,
    /// The time, as it is shown.
    pub at: Option<String>,
}

/// As much of a run as a trace needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TracedRun {
    /// The time of its last activity (UTC); none if there was none.
    pub updated_at: Option<chrono::DateTime<chrono::Utc>>,
}
