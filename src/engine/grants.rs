//! What all work of a host shares, of which a call takes its part: connections, bytes under way,
//! jobs, and Klaviyo's rate limits.

use super::circuits::{Circuits, OperationName};
use crate::fault::Setback;
use crate::klaviyo::pacing::{CallPace, Operation};
use crate::time::UnixMs;

/// Connections that a Worker may have open at once.
pub(crate) const CONNECTIONS: usize = 6;

/// Connections that read from commercetools at once: one is left to write with.
pub(crate) const READING: usize = 5;

/// Bytes of bodies that are under way at once. A body may have 5 MB, and is there twice while it
/// is sent; together with what is read this has to stay far below the 128 MB of an isolate.
const BYTES_UNDER_WAY: usize = 8_000_000;

/// How much of what is its own a host may fill of the memory of the isolate, which others may be in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MemoryPart {
    /// All of it: nobody else is at work.
    #[default]
    Whole,
    /// The half: another host is at work.
    Half,
    /// As little as can be, one thing after the other: another host fills more than its half as yet.
    Least,
}

impl MemoryPart {
    /// The part of so many bytes.
    pub(crate) fn of(self, bytes: usize) -> usize {
        match self {
            Self::Whole => bytes,
            Self::Half => bytes / 2,
            Self::Least => 0,
        }
    }
}

/// How many bytes a further body may have beside those that are under way. The first one may always be sent.
pub(crate) fn bytes_left(under_way: usize, part: MemoryPart) -> usize {
    match under_way {
        0 => BYTES_UNDER_WAY,
        _ => part.of(BYTES_UNDER_WAY).saturating_sub(under_way),
    }
}

/// What is free for a call, and when it will be if it is not.
pub(crate) struct CallGrants<'a> {
    pub(crate) connections: usize,
    pub(crate) reading: usize,
    /// Whether none of the connections reads from commercetools.
    pub(crate) nobody_reads: bool,
    pub(crate) bytes: usize,
    /// Jobs that may be begun.
    pub(crate) jobs: usize,
    pub(crate) pace: &'a mut CallPace,
    /// Whether calls count against the limits. A push counts nothing: it only heeds what it was
    /// told.
    pub(crate) counts: bool,
    /// Which operations are out; none where each call waits for itself.
    pub(crate) circuits: Option<&'a mut Circuits>,
    /// The time.
    pub(crate) now: UnixMs,
    pub(crate) wake: &'a mut Option<UnixMs>,
    /// The operation that was refused last since its limit is used up.
    pub(crate) refused: Option<Operation>,
}

impl CallGrants<'_> {
    /// Notes that something can be done at this time.
    pub(crate) fn wake_at(&mut self, time: UnixMs) {
        *self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }

    /// Takes a call of an operation of Klaviyo's from its limits.
    ///
    /// # Errors
    /// Why there is none to take, and for how long.
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
    /// What it fails with, if it is out.
    pub(crate) fn pass(&mut self, operation: &OperationName) -> Result<(), Setback> {
        match &mut self.circuits {
            Some(circuits) => circuits.take(operation, self.now),
            None => Ok(()),
        }
    }
}
