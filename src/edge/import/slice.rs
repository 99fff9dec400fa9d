//! A slice of the imports: their machine at work.

use std::time::Duration;

use worker::{Env, Result, SqlStorage, Storage};

use super::desk::ImportDesk;
use crate::config::Config;
use crate::edge::clock::{now, now_ms};
use crate::edge::slice::{self, NumberedCalls, SliceEnd, SliceLimits, SliceWork};
use crate::edge::sql::turn;
use crate::edge::{log, outbox};
use crate::engine::call::SliceInput;
use crate::import::machine::{ImportInput, RunSaving};
use crate::import::store::runs;
use crate::outbox::quota::left_for_import;
use crate::time::UnixMs;

/// How long a call may take that does not write many records.
const CALL: Duration = Duration::from_secs(10);

/// How long to wait if the machine is active but has nothing to do and waits for nothing.
const STUCK: Duration = Duration::from_secs(10);

/// After this many lost slices in a row without progress, the runs fail.
const LOST: u32 = 8;

/// When the next slice has to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextSlice {
    /// Nothing is active.
    Never,
    /// There is work to do.
    Now,
    /// Nothing can be done before this time.
    At(UnixMs),
}

/// The machine with its storage.
struct ImportWork<'a> {
    desk: &'a ImportDesk,
    storage: &'a Storage,
    config: &'a Config,
}

impl SliceWork for ImportWork<'_> {
    fn step(&self, input: SliceInput) -> Result<NumberedCalls> {
        turn(self.storage, |sql| self.desk.step(sql, self.config, ImportInput::Slice(input)))
    }

    fn wake(&self) -> Option<UnixMs> {
        self.desk.wake()
    }
}

/// Runs one slice.
pub(super) async fn run(
    env: &Env,
    desk: &ImportDesk,
    storage: &Storage,
    config: &Config,
) -> Result<NextSlice> {
    let sql = &storage.sql();
    if !desk.is_active(sql, &config.rules, None)? {
        return Ok(NextSlice::Never);
    }
    slice::watch(storage).await?;
    if runs::slice_begins(sql)? >= LOST {
        turn(storage, |sql| give_up(desk, sql, config))?;
        return Ok(NextSlice::Never);
    }
    let needed = outbox::needed(env, config).await;
    let needed = needed.inspect_err(|error| log::failure("outbox", &error.to_string()));
    let quota = ImportInput::Quota(left_for_import(needed.ok().as_deref()));
    turn(storage, |sql| desk.step(sql, config, quota))?;
    let rules = &config.rules.import;
    let limits = SliceLimits {
        length: Duration::from_secs(rules.slice_seconds.into()),
        calls: rules.subrequests_per_slice,
        call: CALL,
    };
    let work = ImportWork { desk, storage, config };
    let asked = Some(desk.listen());
    let end = slice::work(env, config, storage, &limits, &work, asked).await?;
    // A step before the next slice begins gets no calls.
    turn(storage, |sql| {
        desk.step(sql, config, ImportInput::Slice(SliceInput::Rest))?;
        Ok(runs::slice_ended(sql)?)
    })?;
    Ok(match end {
        _ if !desk.is_active(sql, &config.rules, None)? => NextSlice::Never,
        SliceEnd::UsedUp => NextSlice::Now,
        SliceEnd::Idle(Some(wake)) => NextSlice::At(wake),
        SliceEnd::Idle(None) => {
            log::failure("import", "the import is active, and waits for nothing");
            NextSlice::At(now_ms() + STUCK)
        }
    })
}

/// Ends the active runs: whatever crashes the object would do so for ever.
fn give_up(desk: &ImportDesk, sql: &SqlStorage, config: &Config) -> Result<()> {
    desk.forget();
    let stored = runs::load(sql, &config.rules)?.into_iter();
    for mut run in stored.filter_map(|stored| stored.run.readable()) {
        if run.is_active() {
            run.lost(now());
            log::import(&run);
            // The sequence of the run ends with it.
            runs::save(sql, &RunSaving { run: Some(run), ..RunSaving::default() })?;
        }
    }
    Ok(runs::slice_ended(sql)?)
}
