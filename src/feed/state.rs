//! What the feed knows of how far it is, as one JSON document.
//!
//! Each resource has two cursors. The **head** is the newest that was read: it gives the latency, and only
//! messages have one. **From** trails by `overlapSeconds`: what lies behind it is settled, and a *look* reads
//! from there to the newest once a minute. So what becomes readable late, or is stamped by a clock that is
//! behind, is found by a look; the feed remembers what it handed on until that lies behind *from*.
//!
//! Times are those of commercetools' clock, unless it says that they are ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::commercetools::keyset::{Keyset, StampedResource};
use crate::commercetools::reference::Id;
use crate::time::UnixMs;

/// How far the feed is. [`UnixMs::EPOCH`] is a time that never was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FeedState {
    /// When it began: older messages are not read.
    pub began: UnixMs,
    /// How far commercetools' clock is ahead of ours, in ms.
    pub clock_ahead: i64,
    /// How far each resource is read.
    pub cursors: BTreeMap<StampedResource, FeedCursors>,
    /// The number of the newest batch that was made for the outbox.
    pub batch: u64,
    /// The batch of which it is not known whether the outbox took it.
    pub pending: Option<PendingBatch>,
    /// When the outbox is asked again, by our clock.
    pub outbox_due: UnixMs,
    /// What is known of the project.
    pub project: ProjectMessages,
    /// How far the categories are compared with those of the last time.
    pub categories: CategoryRound,
    /// Times whose messages are read once more, the first now.
    pub replays: Vec<FeedReplay>,
    /// How much the broker lost, without what it brought later, and that.
    pub lost: u64,
    /// What the broker brought after it was taken for lost.
    pub late: u64,
    /// When something was last found to be lost, by our clock.
    pub last_lost: UnixMs,
}

/// How far the ids of all categories are compared with those of the last time: no message tells of a category
/// that is deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CategoryRound {
    /// When the next round is due, by our clock.
    pub due: UnixMs,
    /// The number of the round that is under way, or of the next.
    pub number: u64,
    /// The last category that this round has met.
    pub after: Option<Id>,
    /// Those that it has not met: each is read before anything is deleted.
    pub missing: Vec<Id>,
    /// When it goes on after something failed, by our clock.
    pub retry: UnixMs,
}

/// A time whose messages are read once more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedReplay {
    /// From when on.
    pub from: UnixMs,
    /// Until when.
    pub to: UnixMs,
    /// Of which types; empty: of all.
    pub types: Vec<String>,
    /// How far it is.
    pub after: Keyset,
}

/// What the project says of its messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectMessages {
    /// When it is to be asked again, by our clock.
    pub due: UnixMs,
    /// For how many days messages are kept; none if the project may not be read.
    pub retention_days: Option<u32>,
    /// Why nothing can be read.
    pub failure: Option<FeedFailure>,
}

/// Something that went wrong, and goes on doing so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedFailure {
    /// In commercetools' words, if it had some.
    pub words: String,
    /// Whether it will not pass by itself.
    pub needs_person: bool,
    /// Since when, by our clock.
    pub since: UnixMs,
    /// How often in a row.
    pub count: u32,
}

/// How far a resource is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedCursors {
    /// Everything stamped before is settled.
    pub from: UnixMs,
    /// The newest that was read.
    pub head: Keyset,
    /// The look that is under way.
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
    /// When it is tried again after that, by our clock.
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

/// A page that was made a batch for the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingBatch {
    /// Its number.
    pub number: u64,
    /// What it is of.
    pub of: BatchOrigin,
    /// What is handed on with it.
    pub known: Vec<KnownVersion>,
    /// What of it the broker lost.
    pub lost: Vec<LostItem>,
}

/// What a batch was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOrigin {
    /// A page, and what it means for the cursors.
    Page(FeedReading, PageEnd),
    /// A category that is gone.
    Category(Id),
}

/// Something that the broker did not bring in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostItem {
    /// Its slot, by which it is known if it comes later.
    pub key: String,
    /// The version of the resource; 1 of a message.
    pub version: u64,
    /// The id of the message, or of the resource.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub name: String,
    /// Its stamp.
    pub at: UnixMs,
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedReading {
    /// Of what.
    pub of: StampedResource,
    /// Why.
    pub goal: ReadingGoal,
}

/// Why a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingGoal {
    /// For what is new.
    Head,
    /// For what became readable late.
    Look,
    /// Since somebody asked for it once more.
    Replay,
}

/// What a page means for the cursors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageEnd {
    /// Its last document; none if it has none.
    pub last: Option<Keyset>,
    /// Whether there may be more after it.
    pub goes_on: bool,
    /// Before which time all that was readable was looked for.
    pub until: UnixMs,
    /// How many documents the next page may have.
    pub limit: usize,
    /// A document that is too large to be read.
    pub too_large: Option<Id>,
}

/// That a message, or a version of a resource, was handed on, or needs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVersion {
    /// Its slot in the outbox ([`crate::push::parking`]).
    pub key: String,
    /// Among which documents it is met.
    pub of: StampedResource,
    /// The version of the resource; 1 of a message.
    pub version: u64,
    /// Its stamp.
    pub at: UnixMs,
}
