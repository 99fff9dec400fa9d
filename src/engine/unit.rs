//! A unit: how far the writes of one resource are.

use std::collections::VecDeque;
use std::time::Duration;

use super::batches::UnitWrite;
use super::jobs::JobKey;
use crate::fault::{Rejection, Setback};
use crate::klaviyo::job::RowDigest;
use crate::klaviyo::pacing::Operation;

/// How a unit ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UnitEnd {
    /// Klaviyo has all of it.
    Written,
    /// Klaviyo does not hold its object, and need not.
    NotHeld,
    /// A job holds part of it, and its source waits for the job; the rest was not sent.
    WithJob,
    /// Klaviyo refused one of its rows among others: the unit has to go by itself.
    Alone,
    /// It cannot be written.
    Failed(Rejection),
    /// It met a transient fault, and its host keeps no units.
    Later {
        /// What it met.
        setback: Setback,
        /// The operation that met it.
        operation: Operation,
    },
}

impl UnitEnd {
    /// Which end counts if several writes of a unit end in different ways. A transient fault outweighs a final one:
    /// what can never succeed shows again at the next try.
    fn weight(&self) -> u8 {
        match self {
            Self::Written | Self::NotHeld => 0,
            Self::WithJob => 1,
            Self::Alone => 2,
            Self::Failed(_) => 3,
            Self::Later { .. } => 4,
        }
    }
}

/// A unit under way.
#[derive(Default)]
pub(super) struct WriteUnit {
    /// How Klaviyo may name its row in a job of profiles.
    pub(super) external_id: Option<String>,
    /// Writes that wait or are under way, except those of jobs.
    pub(super) open: u32,
    /// Its rows in jobs.
    pub(super) in_jobs: u32,
    /// Its items that have to exist before the next stage.
    pub(super) awaited: u32,
    /// The stages after the current one.
    later: VecDeque<Vec<UnitWrite>>,
    /// The jobs that have its rows.
    pub(super) jobs: Vec<JobKey>,
    /// The rows that Klaviyo accepted outside of jobs, if the host wants to know.
    pub(super) taken: Vec<RowDigest>,
    /// Calls that it had a part in.
    pub(super) calls: u32,
    /// Whether Klaviyo holds any of its objects.
    pub(super) is_held: bool,
    /// How long Klaviyo may still carry out a write of it that had no answer, or that is of events accepted together:
    /// over all its writes, whichever of them decides its end.
    pub(super) in_doubt: Option<Duration>,
    end: Option<UnitEnd>,
}

impl WriteUnit {
    pub(super) fn new(external_id: Option<String>, stages: VecDeque<Vec<UnitWrite>>) -> Self {
        Self { external_id, later: stages, ..Self::default() }
    }

    /// The next stage, if everything of the one before is written and its items exist.
    pub(super) fn advance(&mut self) -> Vec<UnitWrite> {
        while self.open == 0 && self.awaited == 0 && self.end.is_none() {
            match self.later.pop_front() {
                None => break,
                Some(stage) if stage.is_empty() => {}
                Some(stage) => {
                    self.open = u32::try_from(stage.len()).unwrap_or(u32::MAX);
                    return stage;
                }
            }
        }
        Vec::new()
    }

    /// Gives it this end, unless it has one of at least the same weight; returns the bytes that wait no more.
    pub(super) fn end(&mut self, end: UnitEnd) -> usize {
        if self.end.as_ref().is_none_or(|old| old.weight() < end.weight()) {
            self.end = Some(end);
        }
        std::mem::take(&mut self.later).iter().flatten().map(UnitWrite::bytes).sum()
    }

    /// Whether a stage is still to come.
    pub(super) fn has_later(&self) -> bool {
        !self.later.is_empty()
    }

    /// Whether nothing of it would be lost if the engine kept only its jobs.
    pub(super) fn is_secured(&self) -> bool {
        self.open == 0 && self.awaited == 0 && self.later.is_empty()
    }

    /// Its end, if nothing more comes of it.
    pub(super) fn ended(&mut self) -> Option<UnitEnd> {
        if !self.is_secured() {
            return None;
        }
        match self.end.take() {
            Some(end) => Some(end),
            None if self.in_jobs > 0 => None,
            None if self.is_held => Some(UnitEnd::Written),
            None => Some(UnitEnd::NotHeld),
        }
    }
}
