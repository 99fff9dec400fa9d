//! The tables of a Durable Object, updated at its first use.
//!
//! Each object has a list of migrations, and the table `schema` says how many of them were carried
//! out. A deployed migration never changes; a new shape is a new migration at the end. Data of a
//! newer version is not touched.

use super::sql::{Sql, SqlError};

/// The code for data of a newer version.
pub const NEWER: &str = "stored_by_another_version";

/// Whether this version may use the stored data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// It is up to date.
    Current,
    /// A newer version of the Worker stored it.
    Newer,
}

/// Carries out the missing migrations. All in one turn without an await, so all or none.
pub fn migrate(sql: &dyn Sql, migrations: &[&str]) -> Result<SchemaState, SqlError> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS schema (
            only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)",
        vec![],
    )?;
    let done: Option<usize> = sql.exec("SELECT version FROM schema", vec![])?.value()?;
    let Some(rest) = migrations.get(done.unwrap_or(0)..) else { return Ok(SchemaState::Newer) };
    if rest.is_empty() {
        return Ok(SchemaState::Current);
    }
    for migration in rest {
        sql.exec(migration, vec![])?;
    }
    sql.exec(
        "INSERT INTO schema (only, version) VALUES (1, ?)
         ON CONFLICT (only) DO UPDATE SET version = excluded.version",
        vec![migrations.len().into()],
    )?;
    Ok(SchemaState::Current)
}

/// Digests of migrations, with which a test detects a change of a deployed one. White space does
/// not count.
#[cfg(test)]
pub(crate) fn digests(migrations: &[&str]) -> Vec<String> {
    use sha2::{Digest, Sha256};
    let digest = |migration: &&str| {
        let words: Vec<_> = migration.split_whitespace().collect();
        format!("{:x}", Sha256::digest(words.join(" ")))[..16].to_owned()
    };
    migrations.iter().map(digest).collect()
}
