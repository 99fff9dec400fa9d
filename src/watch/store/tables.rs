//! The tables of the object `Watch`, version by version. The modules that use them explain them: [`super::counts`],
//! [`super::state`].

/// The migrations; see [`crate::storage::schema`].
pub const MIGRATIONS: [&str; 1] = [FIRST];

const FIRST: &str = "
    CREATE TABLE counts (
        span INTEGER NOT NULL, at INTEGER NOT NULL, counts TEXT NOT NULL,
        PRIMARY KEY (span, at)) WITHOUT ROWID;
    CREATE TABLE seen (
        type TEXT PRIMARY KEY, received INTEGER NOT NULL, delivered INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), content TEXT NOT NULL);";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::digests;

    /// A deployed migration must not change: add another one, and its digest.
    #[test]
    fn what_was_deployed_stays_as_it_is() {
        assert_eq!(digests(&MIGRATIONS), ["3e97d6ceec5e362a"]);
    }
}
