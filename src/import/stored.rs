//! Stored runs, perhaps from another version of this Worker.
//!
//! Every stored run names the version of its shape. This module upgrades older shapes. A run that it cannot read, since
//! a newer version stored it or part of it is missing, is never lost: it stays as it is, is shown as failed, and the
//! version that can read it can resume it.

use serde_json::{Value, json};

use super::kind::ImportKind;
use super::passes::passes;
use super::run::{ImportRun, VERSION, blank};
use crate::config::rules::OperatorRules;
use crate::json::{read_bytes, read_value};

/// The code of a run that this version cannot read.
const CODE: &str = "stored_by_another_version";

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredRun {
    /// It can go on.
    Readable(Box<ImportRun>),
    /// It can only be shown.
    Unreadable(UnreadableRun),
}

/// A run that another version stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRun {
    /// Its id.
    pub id: String,
    #[expect(missing_docs, reason = "as its name says")]
    pub kind: ImportKind,
}

impl UnreadableRun {
    /// As the endpoints show it.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = blank(self.kind);
        shown["id"] = self.id.as_str().into();
        shown["state"] = "failed".into();
        shown["error"] = json!({
            "code": CODE,
            "message": "Another version of this Worker stored the run, and this one cannot read \
                it. Nothing of it is lost: deploy that version and resume it there, or start the \
                import anew.",
        });
        shown
    }
}

impl StoredRun {
    /// The run, if it can be read.
    #[must_use]
    pub fn readable(self) -> Option<ImportRun> {
        match self {
            Self::Readable(run) => Some(*run),
            Self::Unreadable(_) => None,
        }
    }

    /// Whether it may write now, or again after its own version is deployed.
    #[must_use]
    pub fn may_write(&self) -> bool {
        match self {
            Self::Readable(run) => run.is_active(),
            Self::Unreadable(_) => true,
        }
    }

    /// As the endpoints show it.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::Readable(run) => run.shown(0),
            Self::Unreadable(run) => run.shown(),
        }
    }
}

/// Reads a stored run. `rules` are the current ones; a run of the first version did not store its passes, and gets
/// those that it would begin with.
#[must_use]
pub fn read_run(rules: &OperatorRules, kind: ImportKind, id: &str, text: &[u8]) -> StoredRun {
    // Whatever its version is: so one reader reads all runs.
    let tree: Option<Value> = read_bytes(text).ok();
    let run = tree.and_then(|tree| match u32::try_from(tree["version"].as_u64()?).ok()? {
        VERSION => read_value(&tree).ok(),
        4 => from_fourth_version(tree),
        3 => from_third_version(tree),
        2 => from_second_version(tree),
        1 => from_first_version(rules, tree),
        _ => None,
    });
    match run {
        Some(run) => StoredRun::Readable(Box::new(run)),
        None => StoredRun::Unreadable(UnreadableRun { id: id.to_owned(), kind }),
    }
}

fn from_first_version(rules: &OperatorRules, mut run: Value) -> Option<ImportRun> {
    run["passes"] = json!([]);
    run["closingBegan"] = Value::Null;
    let mut run = from_second_version(run)?;
    run.passes = passes(rules, run.kind, &run.selection, run.trigger, run.started_at);
    Some(run)
}

/// The second version did not know of writes in doubt.
fn from_second_version(mut run: Value) -> Option<ImportRun> {
    run["doubtfulUntil"] = Value::Null;
    from_third_version(run)
}

/// The third version did not count the phone numbers that it left out.
fn from_third_version(mut run: Value) -> Option<ImportRun> {
    run["phonesLeftOut"] = 0.into();
    from_fourth_version(run)
}

/// The fourth version did not count what else it left out, and knew one place of variants.
fn from_fourth_version(mut run: Value) -> Option<ImportRun> {
    run["version"] = VERSION.into();
    run["leftOut"] = json!({});
    run["catalogModel"] = Value::Null;
    read_value(&run).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::selection::{RunSelection, RunTrigger};
    use chrono::DateTime;

    fn stored() -> Value {
        let rules = OperatorRules::default();
        let started = DateTime::UNIX_EPOCH;
        let run = ImportRun::new(
            &rules,
            "r".to_owned(),
            ImportKind::Products,
            RunSelection::Full,
            RunTrigger::Hand,
            started,
        );
        serde_json::to_value(run).expect("JSON")
    }

    fn read(value: &Value) -> StoredRun {
        let text = value.to_string();
        read_run(&OperatorRules::default(), ImportKind::Products, "r", text.as_bytes())
    }

    #[test]
    fn a_run_keeps_the_passes_it_began_with() {
        let rules = OperatorRules::parse(r#"{"product":{"import":{"deleteMissing":true}}}"#)
            .expect("rules");
        let begun = ImportRun::new(
            &rules,
            "r".into(),
            ImportKind::Products,
            RunSelection::Full,
            RunTrigger::Hand,
            DateTime::UNIX_EPOCH,
        );
        let text = serde_json::to_vec(&begun).expect("JSON");
        let found =
            read_run(&OperatorRules::default(), ImportKind::Products, "r", &text).readable();
        assert_eq!(found, Some(begun));
    }

    /// Each version lacks the later fields; the first one gets the passes that it would begin with.
    #[test]
    fn what_older_versions_stored_is_read() {
        let members =
            ["passes", "closingBegan", "doubtfulUntil", "phonesLeftOut", "leftOut", "catalogModel"];
        for (version, lacking) in
            [(1, &members[..]), (2, &members[2..]), (3, &members[3..]), (4, &members[4..])]
        {
            let mut old = stored();
            old["version"] = version.into();
            let all = old.as_object_mut().expect("an object");
            for newer in lacking {
                assert!(all.shift_remove(*newer).is_some(), "{newer}");
            }
            assert_eq!(read(&old), read(&stored()), "{version}");
            assert!(matches!(read(&old), StoredRun::Readable(_)), "{version}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_and_kept() {
        let mut newer = stored();
        newer["version"] = 99.into();
        let mut cut = stored();
        cut.as_object_mut().expect("an object").shift_remove("again");
        for value in [newer, cut, json!("x"), json!({})] {
            let found = read(&value);
            assert!(matches!(found, StoredRun::Unreadable(_)), "{value}");
            let shown = found.shown();
            assert_eq!((&shown["id"], &shown["state"]), (&json!("r"), &json!("failed")));
            assert_eq!(shown["error"]["code"], CODE);
        }
    }
}
