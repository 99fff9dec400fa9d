//! The storage of a Durable Object as the core wants it: [`Sql`]. Every statement is written there.

use worker::{Error, SqlStorage, SqlStorageValue};

use crate::storage::sql::{Sql, SqlAnswer, SqlError, SqlValue};

impl Sql for SqlStorage {
    fn exec(&self, statement: &str, values: Vec<SqlValue>) -> Result<SqlAnswer, SqlError> {
        executed(self, statement, values).map_err(|error| SqlError::new(error.to_string()))
    }
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::RustError(error.to_string())
    }
}

/// Reads the cursor to its end by `raw`: `one` may hang.
fn executed(
    storage: &SqlStorage,
    statement: &str,
    values: Vec<SqlValue>,
) -> worker::Result<SqlAnswer> {
    let values = values.into_iter().map(given).collect::<worker::Result<Vec<_>>>()?;
    let cursor = storage.exec(statement, values)?;
    let columns = cursor.column_names();
    let mut rows = Vec::new();
    for row in cursor.raw() {
        rows.push(row?.into_iter().map(taken).collect::<worker::Result<Vec<_>>>()?);
    }
    let written = u64::try_from(cursor.rows_written()).unwrap_or(u64::MAX);
    Ok(SqlAnswer { columns, rows, written })
}

/// A value on its way to SQLite; a number that JavaScript does not have is refused.
fn given(value: SqlValue) -> worker::Result<SqlStorageValue> {
    Ok(match value {
        SqlValue::Null => SqlStorageValue::Null,
        SqlValue::Integer(number) => SqlStorageValue::try_from_i64(number)?,
        SqlValue::Text(text) => SqlStorageValue::String(text),
        SqlValue::Blob(bytes) => SqlStorageValue::Blob(bytes),
    })
}

/// A value on its way from SQLite, by way of JavaScript, where every number is a float.
fn taken(value: SqlStorageValue) -> worker::Result<SqlValue> {
    Ok(match value {
        SqlStorageValue::Null => SqlValue::Null,
        SqlStorageValue::Boolean(value) => SqlValue::Integer(value.into()),
        SqlStorageValue::Integer(number) => SqlValue::Integer(number),
        #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
        SqlStorageValue::Float(number) if number.fract() == 0.0 => SqlValue::Integer(number as i64),
        SqlStorageValue::Float(number) => {
            return Err(Error::RustError(format!("{number} is stored, which is not whole")));
        }
        SqlStorageValue::String(text) => SqlValue::Text(text),
        SqlStorageValue::Blob(bytes) => SqlValue::Blob(bytes),
    })
}
