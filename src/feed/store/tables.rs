//! The tables of the object `Feed`, version by version. The modules that use them explain them: [`super::categories`],
//! [`super::known`], [`super::lost`], [`super::state`].

/// The migrations; see [`crate::storage::schema`].
pub const MIGRATIONS: [&str; 1] = [FIRST];

const FIRST: &str = "
    CREATE TABLE known (
        key TEXT PRIMARY KEY, resource TEXT NOT NULL, version INTEGER NOT NULL,
        at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX known_at ON known (resource, at);
    CREATE TABLE categories (id TEXT PRIMARY KEY, round INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE lost (
        key TEXT PRIMARY KEY, version INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
        at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX lost_at ON lost (at);
    CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), content TEXT NOT NULL);";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::digests;

    /// A deployed migration must not change: add another one, and its digest.
    #[test]
    fn what_was_deployed_stays_as_it_is() {
        assert_eq!(digests(&MIGRATIONS), ["507236b55783cff0"]);
    }
}
