//! Calls to SQLite: a statement with its values, and the answer.
//!
//! On the platform [`Sql`] is the storage of a Durable Object; in tests it is SQLite itself, so that tests run the very
//! same statements. Only whole numbers are stored.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::time::UnixMs;

/// Executes statements.
pub trait Sql {
    /// Executes a statement, or several without values, and returns the answer of the last one.
    fn exec(&self, statement: &str, values: Vec<SqlValue>) -> Result<SqlAnswer, SqlError>;
}

/// Why a store or read failed, in words for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SqlError(String);

impl SqlError {
    /// An error with these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl From<serde_json::Error> for SqlError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// A value in SQLite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "as their names say")]
pub enum SqlValue {
    Null,
    /// The platform only accepts it up to [`RowId::MAX`].
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl SqlValue {
    /// Writes the value as JSON; a blob has no JSON form.
    fn write_json(&self, json: &mut String) -> Result<(), SqlError> {
        match self {
            Self::Null => json.push_str("null"),
            Self::Integer(number) => json.push_str(&number.to_string()),
            Self::Text(text) => json.push_str(&serde_json::to_string(text)?),
            Self::Blob(_) => {
                return Err(SqlError::new("a blob is not read by the name of its column"));
            }
        }
        Ok(())
    }
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u8> for SqlValue {
    fn from(number: u8) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for SqlValue {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for SqlValue {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for SqlValue {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The answer to a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SqlAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for each column; blobs are read here.
    pub rows: Vec<Vec<SqlValue>>,
    /// How much was written: 0 if nothing was. Writes of an index may count as well.
    pub written: u64,
}

impl SqlAnswer {
    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows, by the names of their columns.
    pub fn read<T: DeserializeOwned>(self) -> Result<Vec<T>, SqlError> {
        let names: Result<Vec<_>, _> = self.columns.iter().map(serde_json::to_string).collect();
        let (names, mut json) = (names?, String::new());
        let read = |row: Vec<SqlValue>| {
            json.clear();
            for (name, value) in names.iter().zip(&row) {
                json.push(if json.is_empty() { '{' } else { ',' });
                json.push_str(name);
                json.push(':');
                value.write_json(&mut json)?;
            }
            json.push('}');
            Ok(serde_json::from_str(&json)?)
        };
        self.rows.into_iter().map(read).collect()
    }

    /// The first row, if there is one.
    pub fn first<T: DeserializeOwned>(mut self) -> Result<Option<T>, SqlError> {
        self.rows.truncate(1);
        Ok(self.read()?.pop())
    }

    /// The values of the first column.
    pub fn column<T: DeserializeOwned>(self) -> Result<Vec<T>, SqlError> {
        let values = self.rows.into_iter().filter_map(|row| row.into_iter().next());
        let read = |value: SqlValue| {
            let mut json = String::new();
            value.write_json(&mut json)?;
            Ok(serde_json::from_str(&json)?)
        };
        values.map(read).collect()
    }

    /// The first value of the first row; none if there is no row, or if it is `NULL`.
    pub fn value<T: DeserializeOwned>(mut self) -> Result<Option<T>, SqlError> {
        self.rows.truncate(1);
        let mut values: Vec<Option<T>> = self.column()?;
        Ok(values.pop().flatten())
    }
}

/// The number that SQLite gave a row. It is used only once: the tables are `AUTOINCREMENT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(i64);

impl RowId {
    /// The upper limit: the largest whole number in JavaScript.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The number, as SQLite gives it.
    #[must_use]
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number in a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl From<RowId> for SqlValue {
    fn from(id: RowId) -> Self {
        Self::Integer(id.0)
    }
}

/// An SQL list of numbers: a statement may have only 100 values.
#[must_use]
pub fn list(numbers: &[impl ToString]) -> String {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(",")
}

impl From<UnixMs> for SqlValue {
    fn from(time: UnixMs) -> Self {
        Self::from(time.ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> SqlAnswer {
        let row = |number: i64, text: Option<&str>| vec![number.into(), text.into()];
        SqlAnswer {
            columns: vec!["seq".to_owned(), "name".to_owned()],
            rows: vec![row(7, Some("a")), row(8, None)],
            written: 0,
        }
    }

    #[test]
    fn rows_are_read_by_the_names_of_their_columns() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Row {
            name: Option<String>,
            seq: RowId,
        }
        let row = |name: Option<&str>, seq| Row { name: name.map(Into::into), seq: RowId(seq) };
        assert_eq!(answer().read(), Ok(vec![row(Some("a"), 7), row(None, 8)]));
        assert_eq!(answer().first(), Ok(Some(row(Some("a"), 7))));
        assert_eq!(answer().column(), Ok(vec![7, 8]));
        assert_eq!(answer().value(), Ok(Some(7)));
        assert_eq!(SqlAnswer::default().value::<i64>(), Ok(None));
        assert!(answer().column::<u8>().is_ok() && answer().column::<bool>().is_err());
    }

    #[test]
    fn null_and_no_row_are_no_value() {
        let null = SqlAnswer { rows: vec![vec![SqlValue::Null]], ..answer() };
        assert_eq!(null.value::<u64>(), Ok(None));
    }

    #[test]
    fn a_blob_is_read_as_a_value_only() {
        let blob = SqlAnswer { rows: vec![vec![vec![1_u8].into()]], ..answer() };
        assert!(blob.clone().read::<serde_json::Value>().is_err());
        assert_eq!(blob.rows[0][0], SqlValue::Blob(vec![1]));
    }
}
