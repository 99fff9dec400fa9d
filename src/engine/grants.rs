//! What all work of a host shares and each call takes a part of: connections, bytes under way, jobs, and Klaviyo's rate
//! limits.

use super::circuits::{Circuits, OperationName};
use crate::fault::Setback;
use crate::klaviyo::pacing::{CallPace, Operation};
use crate::time::UnixMs;

/// Connections that a Worker may have open at once.
pub(crate) const CONNECTIONS: usize = 6;

/// Connections that read from commercetools at once: one is left to write with.
pub(crate) const READING: usize = 5;

/// Bytes of bodies under way at once. A body may have 5 MB, and exists twice during the send; with the documents read,
/// this has to stay far below the 128 MB of an isolate.
const BYTES_UNDER_WAY: usize = 8_000_000;

/// How much of the isolate's memory a host may fill with its own data; other hosts may share the isolate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemoryPart {
    /// All of it: no other host is at work.
    #[default]
    Whole,
    /// Half of it: another host is at work.
    Half,
    /// As little as possible, one thing after the other: another host still fills more than its half.
    Least,
}

impl MemoryPart {
    /// This part of a number of bytes.
    pub(crate) fn of(self, bytes: usize) -> usize {
        match self {
            Self::Whole => bytes,
            Self::Half => bytes / 2,
            Self::Least => 0,
        }
    }
}

/// How many bytes a further body may have beside those under way. The first body always goes.
pub(crate) fn bytes_left(under_way: usize, part: MemoryPart) -> usize {
    match under_way {
        0 => BYTES_UNDER_WAY,
        _ => part.of(BYTES_UNDER_WAY).saturating_sub(under_way),
    }
}

/// What is free for a call, or when it will be.
pub(crate) struct CallGrants<'a> {
    pub(crate) connections: usize,
    pub(crate) reading: usize,
    /// Whether no connection reads from commercetools.
    pub(crate) nobody_reads: bool,
    pub(crate) bytes: usize,
    /// Jobs that may be begun.
    pub(crate) jobs: usize,
    pub(crate) pace: &'a mut CallPace,
    /// Whether calls count against the limits. A push counts nothing: it only heeds what it was
    /// told.
    pub(crate) counts: bool,
    /// Which operations are down; none if each call waits for itself.
    pub(crate) circuits: Option<&'a mut Circuits>,
    /// The time.
    pub(crate) now: UnixMs,
    pub(crate) wake: &'a mut Option<UnixMs>,
    /// The last operation that was refused because its limit is used up.
    pub(crate) refused: Option<Operation>,
}

impl CallGrants<'_> {
    /// Notes that something can be done at this time.
    pub(crate) fn wake_at(&mut self, time: UnixMs) {
        *self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }

    /// Takes a call of an operation of Klaviyo from its limits.
    ///
    /// # Errors
    /// Why no call is free, and for how long.
    pub(crate) fn take(&mut self, operation: Operation) -> Result<(), Setback> {
        self.pass(&OperationName::of_klaviyo(operation))?;
        let taken = if self.counts {
            self.pace.take(operation, self.now)
        } else {
            self.pace.refused_for(operation, self.now).map_or(Ok(()), Err)
        };
        taken.map_err(|wait| {
            self.refused = Some(operation);
            self.wake_at(self.now + wait);
            Setback::throttled(wait)
        })
    }

    /// Passes the circuit of an operation.
    ///
    /// # Errors
    /// The fault of the operation, if it is down.
    pub(crate) fn pass(&mut self, operation: &OperationName) -> Result<(), Setback> {
        match &mut self.circuits {
            Some(circuits) => circuits.take(operation, self.now),
            None => Ok(()),
        }
    }
}
