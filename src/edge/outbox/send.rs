//! Sending what many rows have to send: a few requests of a sort alone, many in jobs.
//!
//! All rows go on in step: what stands in a row's next stage is sent when everything in this one is
//! through. A row of which something went with a job waits for that job, and is tried again then.

use std::collections::HashSet;

use futures::{StreamExt, stream};
use worker::Result;

use super::attempt::RowAttempt;
use super::jobs::{self, JobRow};
use super::means::{Drain, logged};
use super::tried::{Tried, conclude_row};
use super::{millis, parked};
use crate::edge::calls::{Calls, now_ms};
use crate::edge::sql::RowId;
use crate::fault::{ReadFault, Setback, System, TransientFault};
use crate::klaviyo::answer::ids;
use crate::klaviyo::bulk::{self, ALONE, BulkItem, Doubt, Sorted};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::job::{BulkJobRow, Job, JobRef, OPEN_JOBS, RowDigest};
use crate::klaviyo::job_answer::row_of_pointer;
use crate::klaviyo::query::existing;
use crate::klaviyo::request::Request;
use crate::klaviyo::verdict::Verdict;
use crate::realtime::conclusion::{Conclusion, conclude};
use crate::realtime::deliver::delivery::Delivery;
use crate::engine::backoff::JOB_IN_DOUBT;

/// Rows, or jobs, of which something is under way at once: there are six connections.
const AT_ONCE: usize = 5;

/// How long to wait for room, while too many jobs are open.
const NO_ROOM: std::time::Duration = std::time::Duration::from_secs(10);

/// A request of a row.
struct Pending {
    /// The row's place among those that are tried.
    place: usize,
    request: Request,
    digest: Option<RowDigest>,
}

/// What came of a row's requests of one stage.
#[derive(Default)]
struct Came {
    verdicts: Vec<Verdict>,
    /// Something of it is in a job.
    waits: bool,
    /// To be sent alone, since Klaviyo refused the job.
    again: Vec<Request>,
}

/// Sends everything, and notes of which rows the systems did their part. What Klaviyo took is given
/// back with its delivery, to see whether it was overtaken.
pub(super) async fn send(
    drain: &Drain<'_>,
    calls: &Calls<'_>,
    attempts: Vec<RowAttempt>,
    tried: &mut Tried,
) -> Vec<(RowAttempt, Delivery)> {
    let mut to_verify = Vec::new();
    let mut active = attempts;
    while !active.is_empty() {
        let came = stage(drain, calls, &mut active).await;
        let mut next = Vec::new();
        for (mut attempt, came) in active.into_iter().zip(came) {
            let Came { verdicts, waits, again } = came;
            let many = verdicts.len() > ALONE;
            let conclusion = conclude(verdicts);
            attempt.waits |= waits;
            if attempt.waits || (many && conclusion != Conclusion::Delivered) {
                logged(attempt.note_sent(drain.sql));
            }
            match conclusion {
                Conclusion::Delivered if !again.is_empty() => {
                    attempt.stages.push_front(again);
                    next.push(attempt);
                }
                Conclusion::Delivered if attempt.waits => tried.note(&attempt.row.key, Some(true)),
                Conclusion::Delivered if !attempt.stages.is_empty() => next.push(attempt),
                Conclusion::Delivered => match attempt.take_for_verification() {
                    Some(delivery) => to_verify.push((attempt, delivery)),
                    None => {
                        conclude_row(drain, tried, attempt, Conclusion::Delivered);
                    }
                },
                conclusion => conclude_row(drain, tried, attempt, conclusion),
            }
        }
        active = next;
    }
    to_verify
}

/// Sends the next stage of each row.
async fn stage(drain: &Drain<'_>, calls: &Calls<'_>, attempts: &mut [RowAttempt]) -> Vec<Came> {
    let mut came: Vec<Came> = attempts.iter().map(|_| Came::default()).collect();
    let mut pending: Vec<Pending> = Vec::new();
    let mut items: Vec<BulkItem<usize>> = Vec::new();
    for (place, attempt) in attempts.iter_mut().enumerate() {
        for request in attempt.stages.pop_front().unwrap_or_default() {
            let row = request.row();
            let digest = row.as_ref().map(|(_, row)| row.digest.clone());
            if digest.as_ref().is_some_and(|digest| attempt.sent.contains(digest)) {
                came[place].verdicts.push(Verdict::Accepted);
                continue;
            }
            attempt.wrote = true;
            items
                .push(BulkItem { owner: pending.len(), row: row.filter(|_| !attempt.row.alone()) });
            pending.push(Pending { place, request, digest });
        }
    }
    know(calls, &mut pending, &mut items, &mut came).await;
    let Sorted { alone, jobs } = bulk::sort(items);
    start(drain, calls, attempts, &pending, jobs, &mut came).await;
    let mut alone: HashSet<usize> = alone.into_iter().collect();
    let singles = pending.into_iter().enumerate().filter(|(owner, _)| alone.remove(owner));
    let sent = singles.map(|(_, Pending { place, request, digest })| async move {
        (place, digest, calls.send(vec![request]).await)
    });
    let sent: Vec<_> = stream::iter(sent).buffer_unordered(AT_ONCE).collect().await;
    for (place, digest, verdicts) in sent {
        attempts[place].calls += 1;
        if verdicts == [Verdict::Accepted] {
            attempts[place].sent.extend(digest);
        }
        came[place].verdicts.extend(verdicts);
    }
    came
}

/// Looks up what Klaviyo has, of which nobody knows it: a job does not tell for certain which of
/// its rows it failed with, so none is to fail for this.
async fn know(
    calls: &Calls<'_>,
    pending: &mut [Pending],
    items: &mut Vec<BulkItem<usize>>,
    came: &mut [Came],
) {
    let doubtful = bulk::doubtful(items, |owner| &pending[owner].request);
    if doubtful.is_empty() {
        return;
    }
    let known = look_up(calls, &doubtful).await;
    let mut doubtful = doubtful.into_iter().peekable();
    items.retain_mut(|item| {
        let Some(doubt) = doubtful.next_if(|doubt| doubt.owner == item.owner) else { return true };
        let Pending { place, request, .. } = &mut pending[item.owner];
        let verdict = match &known {
            Ok(known) if known.contains(&(doubt.kind, doubt.id)) => None,
            Ok(_) => bulk::without_object(item, request),
            Err(setback) => Some(Verdict::Later(*setback)),
        };
        let Some(verdict) = verdict else { return true };
        came[*place].verdicts.push(verdict);
        false
    });
}

async fn look_up(
    calls: &Calls<'_>,
    doubtful: &[Doubt],
) -> Result<HashSet<(CatalogKind, String)>, Setback> {
    let mut known = HashSet::new();
    for kind in [CatalogKind::Category, CatalogKind::Variant] {
        let of_kind = doubtful.iter().filter(|doubt| doubt.kind == kind);
        let doubtful: Vec<_> = of_kind.map(|doubt| doubt.id.clone()).collect();
        let lookups = existing(kind, &doubtful);
        let answers = lookups.iter().map(|lookup| calls.look_up(lookup));
        let answers: Vec<_> = stream::iter(answers).buffered(AT_ONCE).collect().await;
        for answer in answers {
            let answer = answer.map_err(|why| Setback::no_answer(System::Klaviyo, why))?;
            match ids(&answer) {
                Ok(page) => {
                    known.extend(page.unwrap_or_default().ids.into_iter().map(|id| (kind, id)));
                }
                Err(ReadFault::Later(setback)) => return Err(setback),
                Err(ReadFault::Never(_)) => {
                    return Err(TransientFault::Status(System::Klaviyo, 400).into());
                }
            }
        }
    }
    Ok(known)
}

/// Starts the jobs, and stores each as soon as Klaviyo has taken it.
async fn start(
    drain: &Drain<'_>,
    calls: &Calls<'_>,
    attempts: &mut [RowAttempt],
    pending: &[Pending],
    jobs: Vec<(Vec<Vec<usize>>, Job)>,
    came: &mut [Came],
) {
    if jobs.is_empty() {
        return;
    }
    let open = logged(jobs::count(drain.sql)).unwrap_or(OPEN_JOBS);
    let room = OPEN_JOBS.saturating_sub(open);
    let slots: Vec<_> =
        attempts.iter().map(|attempt| (attempt.row.key.clone(), attempt.row.seq)).collect();
    let slots = &slots;
    let started = jobs.into_iter().enumerate().map(|(place, (owners, job))| async move {
        if place >= room {
            let fault = TransientFault::TooManyJobs;
            return (owners, Err(Verdict::Later(Setback { fault, retry_after: Some(NO_ROOM) })));
        }
        let rows = stored(&owners, &job.rows, pending, slots);
        let started = match calls.start(job).await {
            Ok(job) => open_job(drain, &job, &rows),
            Err(verdict) => Err(verdict),
        };
        (owners, started)
    });
    let started: Vec<_> = stream::iter(started).buffer_unordered(AT_ONCE).collect().await;
    for (owners, result) in started {
        let all = || owners.iter().flatten().map(|owner| &pending[*owner]);
        match result {
            Ok(()) => {
                for pending in all() {
                    came[pending.place].waits = true;
                    came[pending.place].verdicts.push(Verdict::Accepted);
                }
            }
            Err(Verdict::Later(setback)) => {
                if setback.fault.leaves_in_doubt() {
                    keep_in_doubt(drain, attempts, all());
                }
                for pending in all() {
                    came[pending.place].verdicts.push(Verdict::Later(setback));
                }
            }
            Err(verdict) => {
                // Whoever is to blame is tried alone, and shows why; the others go again.
                for blamed in blamed(&verdict, &owners) {
                    let attempt = &mut attempts[pending[blamed].place];
                    attempt.row.go_alone();
                    logged(parked::keep_alone(drain.sql, &attempt.row));
                }
                for pending in all() {
                    came[pending.place].again.push(pending.request.clone());
                }
            }
        }
    }
}

/// Klaviyo may have taken the job: its rows are read and written once more when it is done with it.
fn keep_in_doubt<'a>(
    drain: &Drain<'_>,
    attempts: &[RowAttempt],
    rows: impl Iterator<Item = &'a Pending>,
) {
    let until = now_ms() + millis(JOB_IN_DOUBT);
    for pending in rows {
        logged(parked::keep_in_doubt(drain.sql, &attempts[pending.place].row, until));
    }
}

/// The rows of a job as they are stored.
fn stored(
    owners: &[Vec<usize>],
    rows: &[BulkJobRow],
    pending: &[Pending],
    slots: &[(String, RowId)],
) -> Vec<JobRow> {
    let mut stored = Vec::new();
    for (n, (owners, row)) in owners.iter().zip(rows).enumerate() {
        for owner in owners {
            let (key, seq) = &slots[pending[*owner].place];
            stored.push(JobRow {
                n,
                key: key.clone(),
                seq: *seq,
                digest: row.digest.clone(),
                external_id: row.external_id.clone(),
            });
        }
    }
    stored
}

fn open_job(drain: &Drain<'_>, job: &JobRef, rows: &[JobRow]) -> Result<(), Verdict> {
    let failed = |error: worker::Error| {
        crate::edge::log::failure("outbox", &error.to_string());
        Verdict::Later(TransientFault::OutboxUnavailable.into())
    };
    jobs::open(drain.sql, job, rows, now_ms()).map_err(failed)
}

/// Whose rows Klaviyo names in a refusal; all, if it names none.
fn blamed(verdict: &Verdict, owners: &[Vec<usize>]) -> Vec<usize> {
    let errors = match verdict {
        Verdict::Refused(refusal) => refusal.errors.as_slice(),
        _ => &[],
    };
    let rows = errors.iter().filter_map(|error| row_of_pointer(error.pointer.as_deref()?));
    let named: Vec<_> = rows.filter_map(|row| owners.get(row)).flatten().copied().collect();
    if named.is_empty() { owners.iter().flatten().copied().collect() } else { named }
}
