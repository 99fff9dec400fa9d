//! The object's work on several kinds at once: sequences, the slots of schedules, the status.

use serde_json::{Map, json};
use worker::{Response, Result, SqlStorage};

use super::desk::next_of_sequence;
use super::object::Import;
use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::{log, reply};
use crate::import::kind::ImportKind;
use crate::import::machine::ImportInput;
use crate::import::sequence::{ImportSequence, read};
use crate::import::store::schedule::{SeenSlot, see_to};
use crate::import::store::{completed, failures, runs, schedule, sequence};

impl Import {
    /// The state of all imports, and what starts by itself.
    pub(super) fn status(&self, sql: &SqlStorage, config: &Config) -> Result<Response> {
        let rules = &config.rules;
        let mut all = Map::new();
        for kind in ImportKind::ALL {
            let mut shown = self.desk.shown(sql, rules, kind)?;
            shown["failures"] = failures::count(sql, kind)?.into();
            all.insert(kind.name().to_owned(), shown);
        }
        all.insert("sequence".to_owned(), sequence::shown(sql)?);
        all.insert("schedule".to_owned(), schedule::shown(sql, rules, now_ms())?);
        all.insert("lastSuccess".to_owned(), completed::last_success(sql)?);
        reply::json(200, &all)
    }

    /// Begins a sequence. As with a start of one kind, there is no await between the check for an active sequence and
    /// the start.
    pub(super) fn start_sequence(
        &self,
        sql: &SqlStorage,
        config: &Config,
        body: &[u8],
    ) -> Result<Response> {
        let kinds = match read(body) {
            Ok(kinds) => kinds,
            Err(problem) => return reply::bad_request(&problem),
        };
        for kind in &kinds {
            if self.desk.is_active(sql, &config.rules, Some(*kind))? {
                return reply::already_running(*kind);
            }
        }
        let before = sequence::current(sql)?.filter(ImportSequence::is_active);
        if let Some(kind) = before.and_then(|sequence| sequence.current()) {
            return reply::already_running(kind);
        }
        sequence::begin(sql, &ImportSequence::new(kinds, now_ms()))?;
        self.go_on(sql, config)?;
        reply::json(202, &sequence::shown(sql)?)
    }

    /// Starts what is due; the answer is 202 if a run began.
    pub(super) fn tick(&self, sql: &SqlStorage, config: &Config) -> Result<Response> {
        let mut began = self.go_on(sql, config)?;
        for kind in ImportKind::IN_ORDER {
            let Some(seen) = see_to(sql, &config.rules, kind, now_ms())? else { continue };
            let SeenSlot { kind, slot, outcome } = seen;
            match outcome {
                Ok((id, start)) => {
                    runs::slice_ended(sql)?;
                    self.desk.ask(sql, config, ImportInput::Start { id, kind, start })?;
                    began = true;
                }
                Err(reason) => log::skipped_slot(kind, slot, reason),
            }
        }
        reply::json(if began { 202 } else { 200 }, &json!({}))
    }

    /// Begins the run whose turn it is in the sequence; returns whether there was one.
    fn go_on(&self, sql: &SqlStorage, config: &Config) -> Result<bool> {
        let Some(start) = next_of_sequence(sql, &config.rules)? else { return Ok(false) };
        runs::slice_ended(sql)?;
        self.desk.ask(sql, config, start)?;
        Ok(true)
    }
}
