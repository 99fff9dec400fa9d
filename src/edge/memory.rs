//! The memory of the isolate, which everything in it shares: the Worker and both Durable Objects may be in one, and
//! together have 128 MB.
//!
//! The imports and the outbox each fill all of their room while they work alone, and half of it while both are at work.
//! Large bodies are read one at a time. [`crate::engine`] and [`crate::import`] say how much each of them fills.

use std::cell::Cell;
use std::thread::LocalKey;
use std::time::Duration;

use worker::Delay;

use super::clock::now_ms;
use crate::engine::grants::MemoryPart;
use crate::push::sender::PushSender;
use crate::time::UnixMs;

thread_local! {
    /// The number of active slices.
    static SLICES: Cell<usize> = const { Cell::new(0) };

    /// Whether the imports fill more than their part, since they were at work before the outbox was.
    static IMPORTS_ARE_FULL: Cell<bool> = const { Cell::new(false) };

    /// Since when a large body of a known sender, or of a stranger, is being read and processed: strangers cannot take
    /// the turn of known senders.
    static KNOWN_BODY: Cell<Option<UnixMs>> = const { Cell::new(None) };
    static STRANGERS_BODY: Cell<Option<UnixMs>> = const { Cell::new(None) };
}

/// A body of this many bytes or more waits for its turn.
pub(super) const LARGE: usize = 500_000;

/// How long a large body waits for its turn: an answer is due within 4 s.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a request checks for its turn: one request cannot wake another.
const LOOK: Duration = Duration::from_millis(20);

/// After this time a turn counts as over: the runtime may have cut off its request.
const LONGEST_TURN: Duration = Duration::from_secs(10);

/// An active slice, for as long as it lives.
pub(super) struct SliceAtWork(());

impl SliceAtWork {
    pub(super) fn begin() -> Self {
        SLICES.set(SLICES.get() + 1);
        Self(())
    }
}

impl Drop for SliceAtWork {
    fn drop(&mut self) {
        SLICES.set(SLICES.get().saturating_sub(1));
    }
}

/// How much the calling object may fill: half if both objects are at work.
pub(super) fn part() -> MemoryPart {
    if SLICES.get() > 1 { MemoryPart::Half } else { MemoryPart::Whole }
}

/// Notes whether the imports fill more than their part.
pub(super) fn imports_are_full(are_full: bool) {
    IMPORTS_ARE_FULL.set(are_full);
}

/// How much the outbox may fill: the least until the imports are down to their part.
pub(super) fn part_of_outbox() -> MemoryPart {
    if IMPORTS_ARE_FULL.get() { MemoryPart::Least } else { part() }
}

/// The turn of a large body, for as long as it lives.
pub(super) struct LargeBodyTurn {
    sender: PushSender,
    since: UnixMs,
}

impl LargeBodyTurn {
    /// Waits for the turn; none if it does not come in time.
    pub(super) async fn wait(sender: PushSender) -> Option<Self> {
        let gives_up = now_ms() + PATIENCE;
        loop {
            let now = now_ms();
            if turn_of(sender).get().is_none_or(|since| now >= since + LONGEST_TURN) {
                turn_of(sender).set(Some(now));
                return Some(Self { sender, since: now });
            }
            if now >= gives_up {
                return None;
            }
            Delay::from(LOOK).await;
        }
    }
}

impl Drop for LargeBodyTurn {
    fn drop(&mut self) {
        let turn = turn_of(self.sender);
        // A turn that took too long may be lost.
        if turn.get() == Some(self.since) {
            turn.set(None);
        }
    }
}

fn turn_of(sender: PushSender) -> &'static LocalKey<Cell<Option<UnixMs>>> {
    match sender {
        PushSender::Known => &KNOWN_BODY,
        PushSender::Stranger => &STRANGERS_BODY,
    }
}
