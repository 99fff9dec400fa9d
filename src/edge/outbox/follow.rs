//! Following jobs to their end.

use futures::{StreamExt, stream};
use worker::Result;

use super::jobs::{self, JobFate, Open};
use super::means::{CALLS, Drain, logged};
use crate::edge::calls::{Calls, now_ms};
use crate::fault::{ReadFault, Setback, System, TransientFault};
use crate::http::{Answer, NoAnswer};
use crate::klaviyo::job::JobType;
use crate::klaviyo::job_answer::{Progress, RowError, blamed, import_errors, progress};
use crate::klaviyo::query::Lookup;

/// Jobs that are looked at in one go, and of those at once.
const JOBS: u32 = 50;
const AT_ONCE: usize = 5;

/// Pages of errors that are read of one job, of 100 each: a row more is as good as all.
const ERROR_PAGES: usize = 20;

/// Looks at the jobs that it is time for; whether any has ended or gone on.
pub(super) async fn follow(drain: &Drain<'_>) -> bool {
    let due = logged(jobs::due(drain.sql, now_ms(), JOBS)).unwrap_or_default();
    if due.is_empty() {
        return false;
    }
    let calls = Calls::paced(drain.config, CALLS, drain.pace);
    let looked = due.iter().map(|job| async {
        let learned = look(drain, &calls, job).await;
        logged(settle(drain, job, learned)).unwrap_or(false)
    });
    let looked: Vec<bool> = stream::iter(looked).buffer_unordered(AT_ONCE).collect().await;
    looked.contains(&true)
}

/// What became of a job; none if it is not done yet.
async fn look(
    drain: &Drain<'_>,
    calls: &Calls<'_>,
    job: &Open,
) -> Result<Option<JobFate>, ReadFault> {
    let told = progress(&answered(calls.look_up(&Lookup::Job(job.job.clone())).await)?)?;
    let (failed, errors) = match told {
        Some(Progress::Running) if job.too_old(now_ms()) => return Ok(Some(JobFate::Unknown)),
        Some(Progress::Running) => return Ok(None),
        Some(Progress::Cancelled) | None => return Ok(Some(JobFate::Unknown)),
        Some(Progress::Ended { failed, errors }) => (failed, errors),
    };
    if failed == 0 {
        return Ok(Some(JobFate::DoneBut(Vec::new())));
    }
    let mut errors: Vec<(RowError, Option<String>)> =
        errors.into_iter().map(|error| (error, None)).collect();
    let mut rows = Vec::new();
    if job.job.of == JobType::Profiles {
        rows = logged(jobs::rows_of_profiles(drain.sql, job)).unwrap_or_default();
        let mut cursor = None;
        for _ in 0..ERROR_PAGES {
            let lookup = Lookup::ImportErrors { job: job.job.id.clone(), cursor };
            let page = import_errors(&answered(calls.look_up(&lookup).await)?)?;
            errors.extend(page.errors);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    let row_of = |id: &str| rows.iter().find(|(other, _)| other == id).map(|(_, row)| *row);
    Ok(Some(blamed(failed, &errors, row_of).map_or(JobFate::Unknown, JobFate::DoneBut)))
}

fn answered(answer: Result<Answer, NoAnswer>) -> Result<Answer, ReadFault> {
    answer.map_err(|why| Setback::no_answer(System::Klaviyo, why).into())
}

fn give_up(drain: &Drain<'_>, job: &Open) -> Result<()> {
    jobs::close(drain.sql, job, &JobFate::Unknown, now_ms())
}

/// Stores what was learned; whether Klaviyo answered.
fn settle(
    drain: &Drain<'_>,
    job: &Open,
    learned: Result<Option<JobFate>, ReadFault>,
) -> Result<bool> {
    match learned {
        Ok(Some(fate)) => jobs::close(drain.sql, job, &fate, now_ms()).map(|()| true),
        Ok(None) => {
            let running = TransientFault::JobUnderWay.into();
            jobs::put_off(drain.sql, job, now_ms(), running).map(|()| true)
        }
        // It cannot be followed, or could not for hours: its rows show alone what Klaviyo thinks
        // of them.
        Err(ReadFault::Never(_)) => give_up(drain, job).map(|()| true),
        Err(ReadFault::Later(_)) if job.too_old(now_ms()) => give_up(drain, job).map(|()| false),
        Err(ReadFault::Later(setback)) => {
            jobs::put_off(drain.sql, job, now_ms(), setback).map(|()| false)
        }
    }
}
