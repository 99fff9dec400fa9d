//! What draining is done with, and what every part of it needs.

use std::cell::RefCell;
use std::time::Duration;

use worker::{Result, SqlStorage, Storage};

use crate::config::Config;
use crate::edge::log;
use crate::klaviyo::pacing::Pace;

/// How long the calls of one step of a round may take together. In an outage that makes calls hang,
/// this and the longest pause are what it takes to notice its end.
pub(super) const CALLS: Duration = Duration::from_secs(8);

/// What draining is done with.
pub(super) struct Drain<'a> {
    pub(super) storage: &'a Storage,
    pub(super) sql: &'a SqlStorage,
    pub(super) config: &'a Config,
    pub(super) pace: &'a RefCell<Pace>,
}

/// The result, or that there was none in the log.
pub(super) fn logged<T>(result: Result<T>) -> Option<T> {
    result.map_err(|error| log::failure("outbox", &error.to_string())).ok()
}
