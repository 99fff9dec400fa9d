//! What the imports hand over to the outbox after a slice of their work.

use serde_json::{Map, Value};

use super::doubt::{self, RunDoubt};
use super::gone::{self, CUSTOMER, GoneRecord};
use super::open_pages::{self, StoredPage};
use super::runs;
use crate::config::rules::OperatorRules;
use crate::outbox::store::erasure::EraseAgain;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// What the imports hand over.
#[derive(Debug)]
pub struct HandOver {
    gone: Vec<GoneRecord>,
    doubts: Vec<RunDoubt>,
    pages: Vec<StoredPage>,
    /// Erased customers.
    pub erase: EraseAgain,
    /// Changes to park, each with its earliest time of delivery.
    pub changes: Vec<(Vec<Map<String, Value>>, UnixMs)>,
}

/// The next hand-over, if there is anything. Deleted records and the changes of unfinished pages
/// wait until no run may write any more.
pub fn due(
    sql: &dyn Sql,
    rules: &OperatorRules,
    now: UnixMs,
) -> Result<Option<HandOver>, SqlError> {
    let (gone, pages) = if runs::may_any_write(sql, rules)? {
        (Vec::new(), Vec::new())
    } else {
        (gone::all(sql)?, open_pages::first(sql)?)
    };
    let doubts = doubt::to_leave(sql)?;
    if gone.is_empty() && doubts.is_empty() && pages.is_empty() {
        return Ok(None);
    }
    let until = doubt::until(sql)?;
    let (customers, others): (Vec<_>, Vec<_>) =
        gone.iter().partition(|record| record.of_type == CUSTOMER);
    let customers = customers.into_iter().map(|record| record.id.clone()).collect();
    let others = others.into_iter().map(GoneRecord::told_again);
    let changes = doubts.iter().map(|doubt| (doubt.walks(), doubt.until));
    let mut changes: Vec<_> = changes.chain([(others.collect(), until)]).collect();
    for page in &pages {
        changes.push((page.changes()?, until));
    }
    changes.retain(|(changes, _)| !changes.is_empty());
    let wait = until.since(now);
    let erase = EraseAgain { customers, wait, gone_written_since: None };
    Ok(Some(HandOver { gone, doubts, pages, erase, changes }))
}

/// The hand-over is done; what came meanwhile stays for the next time.
pub fn done(sql: &dyn Sql, handed_over: &HandOver, now: UnixMs) -> Result<(), SqlError> {
    gone::forget(sql, &handed_over.gone)?;
    open_pages::forget(sql, &handed_over.pages)?;
    doubt::left(sql, &handed_over.doubts, now)
}
