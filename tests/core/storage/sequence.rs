//! Sequences: they advance together with the stored state of their runs.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::machine::RunSaving;
use commercetools_klaviyo::import::run::{ImportRun, RunState};
use commercetools_klaviyo::import::selection::{RunSelection, RunTrigger};
use commercetools_klaviyo::import::sequence::{ImportSequence, SequenceState};
use commercetools_klaviyo::import::store::{runs, sequence};
use serde_json::{Value, json};

use super::fails_whole;
use super::runs::{imports, run};
use crate::sqlite::Sqlite;
use crate::support::at;

const KINDS: [ImportKind; 2] = [ImportKind::Products, ImportKind::Orders];

fn save(sql: &Sqlite, run: &ImportRun) {
    let saving = RunSaving { run: Some(run.clone()), ..RunSaving::default() };
    runs::save(sql, &saving).expect("saved");
}

/// The run of a sequence, of this number.
fn own(number: u64, kind: ImportKind) -> ImportRun {
    ImportRun { trigger: RunTrigger::Sequence, ..run(number, kind, RunSelection::Full) }
}

fn end(sql: &Sqlite, run: &mut ImportRun, state: RunState) {
    run.state = state;
    run.finished_at = Some(run.updated_at);
    save(sql, run);
}

fn current(sql: &Sqlite) -> ImportSequence {
    sequence::current(sql).expect("an answer").expect("a sequence")
}

#[test]
fn a_sequence_goes_on_with_its_runs() {
    let sql = imports();
    assert_eq!(sequence::current(&sql), Ok(None));
    assert_eq!(sequence::shown(&sql), Ok(Value::Null));
    let begun = ImportSequence::new(KINDS.to_vec(), at(1_000));
    fails_whole(&sql, |sql| sequence::begin(sql, &begun));
    sequence::begin(&sql, &begun).expect("begun");
    assert_eq!(current(&sql), begun);
    let mut first = own(1, ImportKind::Products);
    let saving = RunSaving { run: Some(first.clone()), ..RunSaving::default() };
    fails_whole(&sql, |sql| runs::save(sql, &saving));
    save(&sql, &first);
    assert_eq!(current(&sql).run.as_deref(), Some(first.id.as_str()));
    end(&sql, &mut first, RunState::Completed);
    save(&sql, &first);
    assert_eq!((current(&sql).to_begin(), current(&sql).done), (Some(ImportKind::Orders), 1));
    let mut second = own(2, ImportKind::Orders);
    save(&sql, &second);
    assert_eq!(current(&sql).to_begin(), None);
    end(&sql, &mut second, RunState::Completed);
    assert_eq!(
        sequence::shown(&sql),
        Ok(json!({
            "kinds": ["products", "orders"], "current": null, "done": ["products", "orders"],
            "state": "completed", "startedAt": "1970-01-01T00:00:01.000Z",
            "finishedAt": "2026-07-01T12:00:00.000Z",
        }))
    );
}

#[test]
fn what_ends_a_run_ends_its_sequence_and_resuming_it_does_not_go_on() {
    for (ended, state) in
        [(RunState::Failed, SequenceState::Failed), (RunState::Stopped, SequenceState::Stopped)]
    {
        let sql = imports();
        sequence::begin(&sql, &ImportSequence::new(KINDS.to_vec(), at(1_000))).expect("begun");
        let mut first = own(1, ImportKind::Products);
        save(&sql, &first);
        end(&sql, &mut first, ended);
        let over = current(&sql);
        assert_eq!((over.state, over.current()), (state, Some(ImportKind::Products)));
        first.state = RunState::Running;
        first.finished_at = None;
        save(&sql, &first);
        end(&sql, &mut first, RunState::Completed);
        assert_eq!(current(&sql), over);
        sequence::begin(&sql, &ImportSequence::new(vec![ImportKind::Orders], at(2_000)))
            .expect("begun");
        assert_eq!(current(&sql).to_begin(), Some(ImportKind::Orders), "a new one takes its place");
    }
}
