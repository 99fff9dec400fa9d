//! How far the feed has read, as one JSON document.
//!
//! Each resource has two cursors. The **head** is the newest that was read: it gives the latency, and only
//! messages have one. **From** trails by `overlapSeconds`: what lies behind it is settled, and a *look* reads
//! from there to the newest once a minute. So what becomes readable late, or is stamped by a clock that is
//! behind, is found by a look; the feed remembers what it handed on until that lies behind *from*.
//!
//! Times are those of commercetools' clock, unless the comment says that they are ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::commercetools::keyset::{Keyset, StampedResource};
use crate::commercetools::reference::Id;
use crate::time::UnixMs;

/// How far the feed has read. [`UnixMs::EPOCH`] means that there is no such time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FeedState {
    /// When it began: older messages are not read.
    pub began: UnixMs,
    /// How far commercetools' clock is ahead of ours, in ms.
    pub clock_ahead: i64,
    /// How far it has read each resource.
    pub cursors: BTreeMap<StampedResource, FeedCursors>,
    /// The number of the newest batch for the outbox.
    pub batch: u64,
    /// The batch that the outbox may or may not have taken.
    pub pending: Option<PendingBatch>,
    /// When to ask the outbox again, by our clock.
    pub outbox_due: UnixMs,
    /// What is known of the project.
    pub project: ProjectMessages,
    /// How far the categories are compared with those of the last time.
    pub categories: CategoryRound,
    /// The replays; the first one is under way.
    pub replays: Vec<FeedReplay>,
    /// How many items the broker lost, without those that it delivered late.
    pub lost: u64,
    /// How many items the broker delivered after they counted as lost.
    pub late: u64,
    /// When the feed last found a loss, by our clock.
    pub last_lost: UnixMs,
}

/// How far the ids of all categories are compared with those of the last time: no message reports the deletion of a
/// category.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CategoryRound {
    /// When the next round is due, by our clock.
    pub due: UnixMs,
    /// The number of the round under way, or of the next one.
    pub number: u64,
    /// The last category that this round has met.
    pub after: Option<Id>,
    /// The categories that it has not met: each is read before anything is deleted.
    pub missing: Vec<Id>,
    /// When it goes on after a failure, by our clock.
    pub retry: UnixMs,
}

/// A period whose messages the feed reads once more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedReplay {
    /// Its beginning.
    pub from: UnixMs,
    /// Its end.
    pub to: UnixMs,
    /// The types of messages; empty for all.
    pub types: Vec<String>,
    /// How far it is.
    pub after: Keyset,
}

/// What the project says of its messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectMessages {
    /// When to ask again, by our clock.
    pub due: UnixMs,
    /// For how many days messages are kept; none if the project may not be read.
    pub retention_days: Option<u32>,
    /// Why nothing can be read.
    pub failure: Option<FeedFailure>,
}

/// A failure that lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedFailure {
    /// commercetools' words, if there are any.
    pub words: String,
    /// Whether it will not pass by itself.
    pub needs_person: bool,
    /// Its beginning, by our clock.
    pub since: UnixMs,
    /// How many times in a row.
    pub count: u32,
}

/// How far a resource is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedCursors {
    /// Everything stamped before is settled.
    pub from: UnixMs,
    /// The newest document that was read.
    pub head: Keyset,
    /// The look under way.
    pub look: Option<FeedLook>,
    /// When the next look is due, by our clock.
    pub look_due: UnixMs,
    /// When the head reads on, by our clock.
    pub head_due: UnixMs,
    /// Until when everything readable was read.
    pub read_until: UnixMs,
    /// How many documents a page may have.
    pub limit: usize,
    /// Documents that are too large to be read.
    pub without: Vec<Id>,
    /// Why it cannot be read.
    pub failure: Option<FeedFailure>,
    /// When the next try is due after that, by our clock.
    pub retry: UnixMs,
}

/// A look from the cursor *from* to the newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedLook {
    /// When it began: it finds what was readable then.
    pub began: UnixMs,
    /// How far it is.
    pub after: Keyset,
}

/// A page that became a batch for the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingBatch {
    /// Its number.
    pub number: u64,
    /// Its origin.
    pub of: BatchOrigin,
    /// What it passes on.
    pub known: Vec<KnownVersion>,
    /// The items in it that the broker lost.
    pub lost: Vec<LostItem>,
}

/// The origin of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOrigin {
    /// A page, and its effect on the cursors.
    Page(FeedReading, PageEnd),
    /// A deleted category.
    Category(Id),
}

/// An item that the broker did not deliver in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostItem {
    /// Its slot, which identifies it if it comes later.
    pub key: String,
    /// The version of the resource; 1 for a message.
    pub version: u64,
    /// The id of the message, or of the resource.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub name: String,
    /// Its stamp.
    pub at: UnixMs,
}

/// A reading of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedReading {
    /// The resource.
    pub of: StampedResource,
    /// The reason.
    pub goal: ReadingGoal,
}

/// Why the feed reads a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingGoal {
    /// To find new documents.
    Head,
    /// To find documents that became readable late.
    Look,
    /// An operator asked for a replay.
    Replay,
}

/// The effect of a page on the cursors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageEnd {
    /// Its last document; none if it is empty.
    pub last: Option<Keyset>,
    /// Whether more may follow.
    pub goes_on: bool,
    /// Everything readable before this time was looked for.
    pub until: UnixMs,
    /// How many documents the next page may have.
    pub limit: usize,
    /// A document that is too large to be read.
    pub too_large: Option<Id>,
}

/// A message, or a version of a resource, that was passed on or needs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVersion {
    /// Its slot in the outbox ([`crate::push::parking`]).
    pub key: String,
    /// The documents among which the feed meets it.
    pub of: StampedResource,
    /// The version of the resource; 1 for a message.
    pub version: u64,
    /// Its stamp.
    pub at: UnixMs,
}
