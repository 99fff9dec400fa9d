//! Hands over to the outbox what the imports leave to it: [`crate::import::store::hand_over`].

use worker::{Env, Result, SqlStorage};

use crate::config::Config;
use crate::edge::clock::now_ms;
use crate::edge::outbox;
use crate::import::store::hand_over::{done, due};

/// Hands over everything that is due.
pub(super) async fn hand_over_to_outbox(
    env: &Env,
    config: &Config,
    sql: &SqlStorage,
) -> Result<()> {
    while let Some(handed_over) = due(sql, &config.rules, now_ms())? {
        if !handed_over.erase.customers.is_empty() {
            outbox::erase_again(env, config, &handed_over.erase).await?;
        }
        for (changes, not_before) in &handed_over.changes {
            outbox::park_changes(env, config, changes, *not_before).await?;
        }
        done(sql, &handed_over, now_ms())?;
    }
    Ok(())
}
