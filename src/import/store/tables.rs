//! The tables of the object that runs imports, version by version. What they are for stands where
//! they are used: [`super::runs`], [`super::failures`], [`crate::storage::parts`].

/// The migrations; see [`crate::storage::schema`].
pub const MIGRATIONS: [&str; 6] = [FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH];

const FIRST: &str = "
    CREATE TABLE IF NOT EXISTS runs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS kept (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, job TEXT NOT NULL, rows TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS kept_job ON kept (kind, job);
    CREATE TABLE IF NOT EXISTS slices (
        only INTEGER PRIMARY KEY CHECK (only = 1), lost INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS run_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS list_parts (
        owner INTEGER NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (owner, part)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS failures (
        kind TEXT NOT NULL, id TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL,
        pointer TEXT, run TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;";

/// What was deleted while a run may still write it ([`super::gone`]).
const SECOND: &str = "
    CREATE TABLE gone_in_run (
        type TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (type, id)) WITHOUT ROWID;";

/// What runs that ended may have overwritten, or may yet ([`super::doubt`]).
const THIRD: &str = "
    CREATE TABLE doubts (
        run TEXT PRIMARY KEY, kind TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        is_left INTEGER NOT NULL) WITHOUT ROWID;";

/// What is to be told of pages that are being written ([`super::open_pages`]).
const FOURTH: &str = "
    CREATE TABLE open_pages (seq INTEGER PRIMARY KEY, page INTEGER, changes TEXT NOT NULL);";

/// Which run's pages these are: each numbers its own.
const FIFTH: &str = "ALTER TABLE open_pages ADD COLUMN run TEXT NOT NULL DEFAULT '';";

/// The records of the newest run of which there was nothing to send ([`super::skipped`]).
const SIXTH: &str = "
    CREATE TABLE skipped (
        kind TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, code TEXT NOT NULL,
        run TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, seq)) WITHOUT ROWID;";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::digests;

    /// A migration that was deployed cannot be changed any more: add another one, and its digest.
    #[test]
    fn what_was_deployed_stays_as_it_is() {
        let deployed = [
            "64663c65d4fe40d5",
            "6a240e25b88cf0da",
            "3118cf2f4401c456",
            "68236eae89d29df0",
            "7785fb1f1548826b",
            "f2a2a9d0e8ebbba5",
        ];
        assert_eq!(digests(&MIGRATIONS), deployed);
    }
}
