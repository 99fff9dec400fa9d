//! The tables of the object that runs imports, version by version. The modules that use them explain them:
//! [`super::runs`], [`super::failures`], [`crate::storage::parts`].

/// The migrations; see [`crate::storage::schema`].
pub const MIGRATIONS: [&str; 8] = [FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH, EIGHTH];

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

/// What ended runs may have overwritten, or still may ([`super::doubt`]).
const THIRD: &str = "
    CREATE TABLE doubts (
        run TEXT PRIMARY KEY, kind TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        is_left INTEGER NOT NULL) WITHOUT ROWID;";

/// Changes of pages under way ([`super::open_pages`]).
const FOURTH: &str = "
    CREATE TABLE open_pages (seq INTEGER PRIMARY KEY, page INTEGER, changes TEXT NOT NULL);";

/// The run of the pages: each run numbers its own.
const FIFTH: &str = "ALTER TABLE open_pages ADD COLUMN run TEXT NOT NULL DEFAULT '';";

/// The records of the newest run that needed nothing sent ([`super::skipped`]).
const SIXTH: &str = "
    CREATE TABLE skipped (
        kind TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, code TEXT NOT NULL,
        run TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, seq)) WITHOUT ROWID;";

/// The newest sequence ([`super::sequence`]), the slots of schedules ([`super::schedule`]), and the last completed runs
/// of each kind ([`super::completed`]), as far as the stored runs show them.
const SEVENTH: &str = "
    CREATE TABLE sequence (
        only INTEGER PRIMARY KEY CHECK (only = 1), kinds TEXT NOT NULL, done INTEGER NOT NULL,
        state TEXT NOT NULL, run TEXT, started INTEGER NOT NULL, finished INTEGER);
    CREATE TABLE slots (
        kind TEXT PRIMARY KEY, pattern TEXT NOT NULL, seen INTEGER NOT NULL, run TEXT,
        skipped TEXT) WITHOUT ROWID;
    CREATE TABLE completed (
        kind TEXT PRIMARY KEY, started INTEGER NOT NULL, left_out_from INTEGER,
        succeeded INTEGER) WITHOUT ROWID;
    WITH texts AS (
            SELECT runs.seq, runs.kind, CAST(run_parts.content AS TEXT) AS text
            FROM runs JOIN run_parts ON run_parts.owner = runs.seq AND run_parts.part = 0),
        told AS (SELECT seq, kind, CASE WHEN json_valid(text) THEN text END AS run FROM texts),
        counted AS (
            SELECT seq, kind, json_extract(run, '$.startedAt') AS started,
                json_extract(run, '$.passes[0].source.documents.createdBefore') AS left_out_from,
                CASE json_extract(run, '$.counts.failed')
                    WHEN 0 THEN json_extract(run, '$.finishedAt') END AS succeeded
            FROM told
            WHERE json_extract(run, '$.state') = 'completed'
                AND (json_extract(run, '$.selection') = 'full'
                    OR json_extract(run, '$.selection.since') IS NOT NULL))
        INSERT INTO completed (kind, started, left_out_from, succeeded)
        SELECT kind, unixepoch(started) * 1000, unixepoch(left_out_from) * 1000,
            (SELECT unixepoch(other.succeeded) * 1000 FROM counted AS other
                WHERE other.kind = newest.kind AND other.succeeded IS NOT NULL
                ORDER BY other.seq DESC LIMIT 1)
        FROM counted AS newest
        WHERE seq = (SELECT MAX(other.seq) FROM counted AS other WHERE other.kind = newest.kind);";

/// The name by which people know a failed record: a number, a SKU or a key.
const EIGHTH: &str = "ALTER TABLE failures ADD COLUMN name TEXT;";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::digests;

    /// A deployed migration must not change: add another one, and its digest.
    #[test]
    fn what_was_deployed_stays_as_it_is() {
        let deployed = [
            "64663c65d4fe40d5",
            "6a240e25b88cf0da",
            "3118cf2f4401c456",
            "68236eae89d29df0",
            "7785fb1f1548826b",
            "f2a2a9d0e8ebbba5",
            "7cf89a75517482d3",
            "b560c2ea48d48732",
        ];
        assert_eq!(digests(&MIGRATIONS), deployed);
    }
}
