//! What this Worker keeps of a record: what waits in the outbox, dead letters, and what its imports know of it.

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

/// What of a record a notification brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TracedPart {
    /// The profile of a customer.
    Profile,
    /// That an order was placed, and its lines.
    Placed,
    /// What the state of an order says.
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

/// A notification that waits, or is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNotification {
    /// What of the record it brings; empty if it cannot be told.
    pub brings: Vec<TracedPart>,
    /// Its type, as in a log line; empty if it cannot be told.
    pub type_name: String,
    /// Why it was not delivered.
    pub code: String,
    /// Where in the body, as a JSON pointer.
    pub pointer: Option<String>,
    /// Since when it waits, or when it became a dead letter.
    pub at: UnixMs,
    /// How often it was tried.
    pub attempts: u32,
    /// The id of the dead letter; none if it waits.
    pub letter: Option<String>,
}

impl KeptNotification {
    /// Whether it may bring this.
    #[must_use]
    pub fn may_bring(&self, part: TracedPart) -> bool {
        self.brings.is_empty() || self.brings.contains(&part)
    }
}

/// What the outbox has of a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOfOutbox {
    /// What waits.
    pub waiting: Vec<KeptNotification>,
    /// Dead letters.
    pub letters: Vec<KeptNotification>,
    /// Whether all that waits was looked through.
    pub is_whole: bool,
    /// When Klaviyo accepted something of it from the outbox, if that is remembered.
    pub accepted: Option<UnixMs>,
}

/// What the outbox has of these resources (`{typeId}/{id}`).
///
/// # Errors
/// It cannot be read.
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

/// What a stored notification brings, and its type.
fn told(rules: &OperatorRules, content: &[u8]) -> (Vec<TracedPart>, String) {
    let read = read_bytes(content).ok().and_then(|raw| Notification::read(raw).ok());
    let Some(notification) = read else { return (Vec::new(), String::new()) };
    let brings = match plan(rules, &notification) {
        Ok(WorkPlan::Work(work)) => TracedPart::of_work(&work),
        Ok(WorkPlan::Ignore(_)) | Err(_) => &[],
    };
    (brings.to_vec(), notification.type_name().to_owned())
}

/// What the imports know of a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KeptOfImport {
    /// That it failed.
    pub failure: Option<ImportedRecord>,
    /// That the newest run skipped it.
    pub skipped: Option<ImportedRecord>,
    /// The current run of its kind.
    pub run: TracedRun,
}

/// What an import says of a record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImportedRecord {
    /// Why.
    pub code: String,
    /// Where in the body, as a JSON pointer.
    #[serde(default)]
    pub pointer: Option<String>,
    /// When, as it is shown.
    pub at: Option<String>,
}

/// As much of a run as a trace needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TracedRun {
    /// When it last did something (UTC); none if there was none.
    pub updated_at: Option<chrono::DateTime<chrono::Utc>>,
}
