//! A sequence: full imports of several kinds, one after the other (`POST /sync`).
//!
//! The next kind begins when the run of the one before is completed. If a run is stopped or fails, the sequence ends;
//! if that run is resumed later, only the run goes on. If another run of a kind is under way, the sequence waits for
//! it, and then imports the kind.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::kind::ImportKind;
use super::run::{ImportRun, RunState};
use super::selection::{RunSelection, RunTrigger};
use super::start::RunStart;
use crate::json::read_bytes;
use crate::time::UnixMs;

/// How a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SequenceState {
    /// A run is under way, or the sequence waits for one.
    Running,
    /// All kinds were imported.
    Completed,
    /// A person stopped a run, or another run replaced it.
    Stopped,
    /// A run failed.
    Failed,
}

impl SequenceState {
    /// The name in JSON and in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// The newest sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSequence {
    /// The kinds in the order of their import, each once.
    pub kinds: Vec<ImportKind>,
    /// How many of them were imported.
    pub done: usize,
    #[expect(missing_docs, reason = "as its name says")]
    pub state: SequenceState,
    /// The run of the current kind, after it has begun.
    pub run: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub started: UnixMs,
    /// When it ended, in any way.
    pub finished: Option<UnixMs>,
}

impl ImportSequence {
    /// A sequence that begins now.
    #[must_use]
    pub fn new(kinds: Vec<ImportKind>, now: UnixMs) -> Self {
        let state = SequenceState::Running;
        Self { kinds, done: 0, state, run: None, started: now, finished: None }
    }

    /// Whether the sequence goes on.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == SequenceState::Running
    }

    /// The current kind, or the kind at which the sequence ended; none if it is completed.
    #[must_use]
    pub fn current(&self) -> Option<ImportKind> {
        self.kinds.get(self.done).copied()
    }

    /// Whether it imports this kind now or later.
    #[must_use]
    pub fn comes_to(&self, kind: ImportKind) -> bool {
        self.is_active() && self.kinds.iter().skip(self.done).any(|other| *other == kind)
    }

    /// The kind whose run has to begin as soon as no other run of the kind is under way.
    #[must_use]
    pub fn to_begin(&self) -> Option<ImportKind> {
        self.current().filter(|_| self.is_active() && self.run.is_none())
    }

    /// A run began.
    pub fn began(&mut self, run: &ImportRun) {
        if !self.is_active() || self.current() != Some(run.kind) {
            return;
        }
        match &self.run {
            None if run.trigger == RunTrigger::Sequence => self.run = Some(run.id.clone()),
            None => {}
            Some(own) if *own == run.id => {}
            // The current run is replaced only if this version cannot read it.
            Some(_) => self.end(SequenceState::Stopped, UnixMs::from(run.started_at)),
        }
    }

    /// A run ended, in any way.
    pub fn ended(&mut self, run: &ImportRun) {
        if !self.is_active() || self.current() != Some(run.kind) {
            return;
        }
        let at = UnixMs::from(run.finished_at.unwrap_or(run.updated_at));
        let is_own = match &self.run {
            Some(own) if *own != run.id => return,
            own => own.is_some(),
        };
        match run.state {
            RunState::Running | RunState::Stopping => {}
            // This also holds for another run that the sequence waits for.
            RunState::Stopped => self.end(SequenceState::Stopped, at),
            RunState::Completed | RunState::Failed if !is_own => {}
            RunState::Failed => self.end(SequenceState::Failed, at),
            RunState::Completed => {
                self.done += 1;
                self.run = None;
                if self.done == self.kinds.len() {
                    self.end(SequenceState::Completed, at);
                }
            }
        }
    }

    fn end(&mut self, state: SequenceState, at: UnixMs) {
        self.state = state;
        self.finished = Some(at);
    }

    /// As the endpoints show it.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "kinds": self.kinds,
            "current": self.current(),
            "done": self.kinds.get(..self.done),
            "state": self.state.name(),
            "startedAt": self.started.shown(),
            "finishedAt": self.finished.and_then(UnixMs::shown),
        })
    }
}

/// The start of each run of a sequence.
#[must_use]
pub fn start() -> RunStart {
    let selection = RunSelection::Full;
    RunStart { selection, ids: Vec::new(), trigger: RunTrigger::Sequence }
}

/// Reads the body of `POST /sync`: the kinds in the order of their import. An empty body asks for all.
///
/// # Errors
/// What is wrong with the body, as a sentence.
pub fn read(body: &[u8]) -> Result<Vec<ImportKind>, String> {
    let all = ImportKind::IN_ORDER;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(all.to_vec());
    }
    let members: Map<String, Value> =
        read_bytes(body).map_err(|_| "The body must be a JSON object, or empty.".to_owned())?;
    if let Some(unknown) = members.keys().find(|name| *name != "kinds") {
        return Err(format!("\"{unknown}\" is not known; there is kinds."));
    }
    let Some(kinds) = members.get("kinds") else { return Ok(all.to_vec()) };
    let names = all.map(ImportKind::name).join(", ");
    let kinds = kinds.as_array().filter(|kinds| !kinds.is_empty());
    let kinds = kinds.ok_or_else(|| format!("kinds must be a list of {names}, and not empty."))?;
    let mut asked = Vec::new();
    for kind in kinds {
        let known = kind.as_str().and_then(ImportKind::named);
        let kind = known.ok_or_else(|| format!("{kind} is no kind; there are {names}."))?;
        if asked.contains(&kind) {
            return Err(format!("\"{}\" stands twice in kinds.", kind.name()));
        }
        asked.push(kind);
    }
    Ok(all.into_iter().filter(|kind| asked.contains(kind)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::OperatorRules;
    use ImportKind::{Categories, Customers, Orders, Products};
    use chrono::DateTime;

    fn run(id: &str, kind: ImportKind, trigger: RunTrigger, state: RunState) -> ImportRun {
        let rules = OperatorRules::default();
        let selection = RunSelection::Full;
        let mut run =
            ImportRun::new(&rules, id.to_owned(), kind, selection, trigger, DateTime::UNIX_EPOCH);
        run.state = state;
        run
    }

    /// A sequence of two kinds that is at the second one, with its own run `b`.
    fn at_second() -> ImportSequence {
        let mut sequence = ImportSequence::new(vec![Categories, Orders], UnixMs::EPOCH);
        assert_eq!(sequence.to_begin(), Some(Categories));
        let mut first = run("a", Categories, RunTrigger::Sequence, RunState::Running);
        sequence.began(&first);
        assert_eq!((sequence.to_begin(), sequence.current()), (None, Some(Categories)));
        first.state = RunState::Completed;
        sequence.ended(&first);
        sequence.ended(&first);
        assert_eq!((sequence.to_begin(), sequence.done), (Some(Orders), 1));
        sequence.began(&run("b", Orders, RunTrigger::Sequence, RunState::Running));
        sequence
    }

    #[test]
    fn each_kind_follows_the_one_before() {
        let mut sequence = at_second();
        assert!(sequence.comes_to(Orders) && !sequence.comes_to(Categories));
        sequence.ended(&run("b", Orders, RunTrigger::Sequence, RunState::Completed));
        assert_eq!((sequence.state, sequence.current()), (SequenceState::Completed, None));
        assert_eq!(sequence.shown()["done"], json!(["categories", "orders"]));
        assert!(!sequence.comes_to(Orders));
    }

    /// What happens to the run of the second kind, and the state of the sequence after it.
    #[test]
    fn what_ends_the_current_run_ends_the_sequence() {
        use RunTrigger::{Hand, Sequence};
        for (ended, state) in [
            (run("b", Orders, Sequence, RunState::Stopped), SequenceState::Stopped),
            (run("b", Orders, Sequence, RunState::Failed), SequenceState::Failed),
            (run("b", Orders, Sequence, RunState::Stopping), SequenceState::Running),
            (run("z", Orders, Hand, RunState::Stopped), SequenceState::Running),
            (run("z", Products, Hand, RunState::Failed), SequenceState::Running),
        ] {
            let mut sequence = at_second();
            sequence.ended(&ended);
            assert_eq!(sequence.state, state, "{ended:?}");
            assert_eq!(sequence.current(), Some(Orders));
            assert_eq!(sequence.finished.is_some(), state != SequenceState::Running);
        }
        let mut sequence = at_second();
        sequence.began(&run("z", Orders, Hand, RunState::Running));
        assert_eq!(sequence.state, SequenceState::Stopped, "it was replaced");
    }

    #[test]
    fn another_run_of_the_kind_is_waited_for() {
        for (state, expected, to_begin) in [
            (RunState::Completed, SequenceState::Running, Some(Orders)),
            (RunState::Failed, SequenceState::Running, Some(Orders)),
            (RunState::Stopped, SequenceState::Stopped, None),
        ] {
            let mut sequence = at_second();
            sequence.run = None;
            let mut other = run("z", Orders, RunTrigger::Hand, RunState::Running);
            sequence.began(&other);
            assert_eq!(sequence.to_begin(), Some(Orders));
            other.state = state;
            sequence.ended(&other);
            assert_eq!((sequence.state, sequence.to_begin()), (expected, to_begin), "{state:?}");
        }
    }

    #[test]
    fn the_kinds_are_put_in_order() {
        let all = vec![Categories, Products, Customers, Orders];
        for (body, kinds) in [
            ("", all.clone()),
            (" \n", all.clone()),
            ("{}", all),
            (r#"{"kinds":["orders"]}"#, vec![Orders]),
            (r#"{"kinds":["orders","categories"]}"#, vec![Categories, Orders]),
        ] {
            assert_eq!(read(body.as_bytes()), Ok(kinds), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (body, said) in [
            ("x", "JSON object"),
            ("[]", "JSON object"),
            ("null", "JSON object"),
            (r#"{"kind":["orders"]}"#, "\"kind\" is not known"),
            (r#"{"kinds":[]}"#, "not empty"),
            (r#"{"kinds":"orders"}"#, "must be a list"),
            (r#"{"kinds":null}"#, "must be a list"),
            (r#"{"kinds":["payments"]}"#, "\"payments\" is no kind"),
            (r#"{"kinds":[1]}"#, "1 is no kind"),
            (r#"{"kinds":["orders","orders"]}"#, "\"orders\" stands twice"),
        ] {
            let problem = read(body.as_bytes()).expect_err(body);
            assert!(problem.contains(said), "{body}: {problem}");
        }
    }
}
