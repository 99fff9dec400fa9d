//! Connects the outbox's machine with its store: it stores what the machine wants stored, takes the rows that the
//! machine wants, and leaves the calls to the host.
//!
//! It only decides the order of statements; so a simulator that uses it runs what the object runs.

use std::time::Duration;

use super::machine::{OutboxEffect, OutboxInput, OutboxMachine};
use super::schedule::{RoundLimits, in_turn};
use super::store::commands::{ToldOutcome, carry_out};
use super::store::{dead_letters, jobs, lost, parked, tries};
use crate::config::Config;
use crate::engine::call::{CallTicket, HostCall, SliceInput};
use crate::engine::deliveries::StepContext;
use crate::push::parking::RowGroup;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// The rows of a round, their total weight, and the bytes of their notifications. Together with the documents and
/// bodies made for them they must stay far below the 128 MB of an isolate.
const ROUND: RoundLimits = RoundLimits { rows: 500, weight: 500, bytes: 1_500_000 };

/// A day.
const DAY: Duration = Duration::from_hours(24);

/// What a step leaves to its host.
#[derive(Default)]
pub struct OutboxStep {
    /// Calls to make, with their numbers.
    pub calls: Vec<(CallTicket, HostCall)>,
    /// What became of rows, for the log.
    pub told: Vec<ToldOutcome>,
}

/// The machine with the stored state. A row found in a try was lost: a living machine has its rows itself, also from
/// one slice to the next.
///
/// # Errors
/// A statement failed.
pub fn load(sql: &dyn Sql, config: &Config, now: UnixMs) -> Result<OutboxMachine, SqlError> {
    lost::count(sql, now)?;
    Ok(OutboxMachine::new(config, jobs::all(sql)?))
}

/// The work at the beginning of a slice: handles what was kept for too long.
///
/// # Errors
/// A statement failed.
pub fn begin_slice(sql: &dyn Sql, config: &Config, now: UnixMs) -> Result<(), SqlError> {
    let kept_from = now - config.rules.outbox.retention();
    dead_letters::forget(sql, kept_from)?;
    parked::expire(sql, now, kept_from)
}

/// One step of the machine. When this returns, everything that the machine wants stored is stored.
///
/// # Errors
/// A statement failed; the caller has to load a new machine from the store.
pub fn step(
    sql: &dyn Sql,
    machine: &mut OutboxMachine,
    around: &mut StepContext<'_>,
    input: SliceInput,
) -> Result<OutboxStep, SqlError> {
    let mut done = OutboxStep::default();
    let mut next = Some(OutboxInput::Slice(input));
    while let Some(input) = next.take() {
        for effect in machine.step(around, input) {
            match effect {
                OutboxEffect::Store(command) => {
                    let told = carry_out(sql, &around.config.rules, *command, around.now_ms())?;
                    done.told.extend(told);
                }
                OutboxEffect::Call(ticket, call) => done.calls.push((ticket, call)),
                OutboxEffect::Take => {
                    next = Some(OutboxInput::Taken(take(sql, machine, around.now_ms())?));
                }
            }
        }
    }
    Ok(done)
}

/// Takes the rows of the next round: those of each group that may be tried now, in turn, or one row that has to be
/// tried alone.
fn take(
    sql: &dyn Sql,
    machine: &OutboxMachine,
    now: UnixMs,
) -> Result<Vec<tries::TakenRow>, SqlError> {
    if machine.alone_first() {
        let alone = tries::take(sql, now, tries::due_alone(sql, now)?, true)?;
        if !alone.is_empty() {
            return Ok(alone);
        }
    }
    let most = u32::try_from(ROUND.rows).unwrap_or(u32::MAX);
    let mut lists = Vec::new();
    for group in RowGroup::ALL {
        let allowance = machine.allowance_of_group(group, now);
        lists.push(tries::due(sql, group, allowance, now, most)?);
    }
    for operation in tries::awaited_operations(sql, now)? {
        let allowance = machine.allowance_of(&operation, now);
        lists.push(tries::due_for(sql, &operation, allowance, now, most)?);
    }
    let rows: Vec<_> = in_turn(lists, ROUND).into_iter().map(|due| due.row).collect();
    if rows.is_empty() {
        return tries::take(sql, now, tries::due_alone(sql, now)?, true);
    }
    tries::take(sql, now, rows, false)
}

/// When there is something to do next; none if there is nothing.
///
/// # Errors
/// A statement failed.
pub fn next_alarm(
    sql: &dyn Sql,
    machine: &OutboxMachine,
    now: UnixMs,
) -> Result<Option<UnixMs>, SqlError> {
    let looks = jobs::all(sql)?.into_iter().map(|job| machine.next_look(&job, now));
    let mut times: Vec<UnixMs> = looks.collect();
    for (group, waits_for, due) in tries::next_due(sql)? {
        times.push(machine.next_try(waits_for.as_ref(), group, due));
    }
    if parked::any_waits(sql)? || dead_letters::count(sql)? > 0 {
        // Only to find what was kept for too long.
        times.push(now + DAY);
    }
    Ok(times.into_iter().min())
}
