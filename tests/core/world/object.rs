//! A Durable Object with any machine.

use commercetools_klaviyo::storage::schema::{NEWER, SchemaState, migrate};
use commercetools_klaviyo::storage::sql::SqlError;

use crate::sqlite::Sqlite;

/// An object: its storage survives, the rest does not.
pub(super) struct Object<M> {
    pub(super) sql: Sqlite,
    migrations: &'static [&'static str],
    /// Whether a newer version stored what is here: then it does nothing.
    pub(super) is_newer: bool,
    pub(super) machine: Option<M>,
    /// How often it was started.
    pub(super) life: u64,
    pub(super) alarm: Option<u64>,
    /// Until when its slice begins calls; none while no slice is at work.
    pub(super) slice_ends: Option<u64>,
    /// Calls that are under way for it.
    pub(super) calling: usize,
    /// When it looks again without an answer.
    tick: Option<u64>,
}

impl<M> Object<M> {
    pub(super) fn new(migrations: &'static [&'static str]) -> Self {
        let sql = Sqlite::new();
        migrate(&sql, migrations).expect("tables");
        Self {
            sql,
            migrations,
            is_newer: false,
            machine: None,
            life: 0,
            alarm: None,
            slice_ends: None,
            calling: 0,
            tick: None,
        }
    }

    /// It goes down and loses what it did not store; the watchdog finds it.
    pub(super) fn crash(&mut self, wakes_at: u64) {
        let schema = migrate(&self.sql, self.migrations).expect("tables");
        self.is_newer = schema == SchemaState::Newer;
        self.machine = None;
        self.life += 1;
        self.calling = 0;
        self.tick = None;
        self.slice_ends = None;
        self.alarm = Some(wakes_at);
    }

    /// Its storage, if it may be used.
    pub(super) fn opened(&self) -> Result<&Sqlite, SqlError> {
        if self.is_newer { Err(SqlError::new(NEWER)) } else { Ok(&self.sql) }
    }

    /// It is to look at this time; whether a tick is needed for that.
    pub(super) fn looks_at(&mut self, time: u64) -> bool {
        let sooner = self.tick.is_none_or(|tick| time < tick);
        if sooner {
            self.tick = Some(time);
        }
        sooner
    }

    /// Whether a tick of this life is to look now, or an earlier one did.
    pub(super) fn ticks(&mut self, life: u64, now: u64) -> bool {
        let is_due = life == self.life && self.tick.is_some_and(|tick| tick <= now);
        if is_due {
            self.tick = None;
        }
        is_due
    }
}
