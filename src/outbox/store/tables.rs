//! The tables of the outbox, version by version. The modules that use them explain them: [`super::parked`],
//! [`super::jobs`], [`super::sent`], [`super::dead_letters`], [`crate::storage::parts`].

/// The migrations; see [`crate::storage::schema`].
pub const MIGRATIONS: [&str; 5] = [FIRST, SECOND, THIRD, FOURTH, FIFTH];

/// The name that people know a notification's resource by, as an expression on the column `content`: the number of an
/// order, a SKU, or a key. Customers have none, since it may be personal.
pub(super) const NAME: &str = "CASE WHEN json_valid(content)
    AND COALESCE(content ->> '$.resource.typeId', '') <> 'customer' THEN COALESCE(
        content ->> '$.resourceUserProvidedIdentifiers.orderNumber',
        content ->> '$.resourceUserProvidedIdentifiers.sku',
        content ->> '$.order.orderNumber',
        content ->> '$.resourceUserProvidedIdentifiers.key') END";

const FIRST: &str = "
    CREATE TABLE IF NOT EXISTS parked (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
        rank INTEGER NOT NULL, customer TEXT, since INTEGER NOT NULL, due INTEGER,
        attempts INTEGER NOT NULL, code TEXT NOT NULL, bytes INTEGER NOT NULL,
        alone INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS parked_due ON parked (due) WHERE due IS NOT NULL;
    CREATE INDEX IF NOT EXISTS parked_age ON parked (since, seq) WHERE due IS NOT NULL;
    CREATE TABLE IF NOT EXISTS parked_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, since INTEGER NOT NULL,
        due INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS job_rows (
        job INTEGER NOT NULL, n INTEGER NOT NULL, key TEXT NOT NULL, digest TEXT,
        external_id TEXT, PRIMARY KEY (job, n, key)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS job_rows_key ON job_rows (key);
    CREATE INDEX IF NOT EXISTS job_rows_profile ON job_rows (external_id)
        WHERE external_id IS NOT NULL;
    CREATE TABLE IF NOT EXISTS sent (
        key TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (key, digest)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS dead_letters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
        code TEXT NOT NULL, detail TEXT NOT NULL, pointer TEXT, resource TEXT, customer TEXT,
        attempts INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS dead_letter_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;";

/// Writes that Klaviyo may still carry out, tries that never ended ([`super::lost`]), and erased customers
/// ([`super::erasure`]).
const SECOND: &str = "
    ALTER TABLE parked ADD COLUMN doubtful_until INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE parked ADD COLUMN trying INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE parked ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE parked ADD COLUMN lost_alone INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE parked ADD COLUMN lost_at_round INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE rounds (only INTEGER PRIMARY KEY CHECK (only = 1), ended INTEGER NOT NULL);
    INSERT INTO rounds (only, ended) VALUES (1, 0);
    DROP INDEX IF EXISTS parked_age;
    CREATE TABLE erased (hash TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE erasure_key (only INTEGER PRIMARY KEY CHECK (only = 1), key TEXT NOT NULL);
    INSERT INTO erasure_key (only, key) VALUES (1, hex(randomblob(32)));";

/// Operations that rows wait for ([`crate::engine::circuits`]).
const THIRD: &str = "
    ALTER TABLE parked ADD COLUMN waits_for TEXT;
    CREATE INDEX parked_waits_for ON parked (waits_for, due)
        WHERE waits_for IS NOT NULL AND due IS NOT NULL;";

/// Since when a part of a row may have been written ([`super::parked::ParkedRow`]).
const FOURTH: &str = "
    ALTER TABLE parked ADD COLUMN written_since INTEGER NOT NULL DEFAULT 0;";

/// The newest batch of the feed ([`super::batches`]).
const FIFTH: &str = "
    CREATE TABLE feed_batch (
        only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL,
        taken INTEGER NOT NULL);";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::digests;

    /// A deployed migration must not change: add another one, and its digest.
    #[test]
    fn what_was_deployed_stays_as_it_is() {
        let deployed = [
            "766c7c561482a6f8",
            "374f492515887a38",
            "5ff498a3ef2a5576",
            "aff8ffd7aaa5538c",
            "3cf527490e165e41",
        ];
        assert_eq!(digests(&MIGRATIONS), deployed);
    }
}
