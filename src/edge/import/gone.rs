//! Handing over what is gone, once no run is active: [`crate::import::store::gone`].

use worker::{Env, Result, SqlStorage};

use crate::commercetools::notification::change;
use crate::config::Config;
use crate::edge::outbox;
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::import::store::gone::{CUSTOMER, all, forget};
use crate::outbox::store::erasure::EraseAgain;
use crate::time::millis;

/// Hands over all that is gone. Unless all runs are `settled`, a job may still be under way that
/// one of them left: then who was erased is erased once more when Klaviyo is done with it.
pub(super) async fn hand_over(
    env: &Env,
    config: &Config,
    sql: &SqlStorage,
    settled: bool,
) -> Result<()> {
    let gone = all(sql)?;
    if gone.is_empty() {
        return Ok(());
    }
    let (customers, others): (Vec<_>, Vec<_>) =
        gone.iter().partition(|record| record.of_type == CUSTOMER);
    let customers: Vec<_> = customers.into_iter().map(|record| record.id.clone()).collect();
    let wait_ms = if settled { 0 } else { millis(JOB_IN_DOUBT) };
    let asked = EraseAgain { customers, wait_ms };
    outbox::erase_again(env, config, &asked).await?;
    let changes: Vec<_> =
        others.into_iter().map(|record| change(&record.of_type, record.id.as_str())).collect();
    outbox::park_changes(env, config, &changes, 0).await?;
    Ok(forget(sql, &gone)?)
}
