//! The storage of a Durable Object in the core's form: [`Sql`]. The core writes every statement.

use std::panic::AssertUnwindSafe;

use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Error, SqlStorage, SqlStorageValue, Storage};

use crate::storage::sql::{Sql, SqlAnswer, SqlError, SqlValue};

#[wasm_bindgen(wasm_bindgen = worker::wasm_bindgen)]
extern "C" {
    /// The storage of a Durable Object; `worker` does not wrap this function.
    type TurnStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &TurnStorage,
        turn: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;
}

/// A turn: if it succeeds, its writes are kept; otherwise none of them is. The platform itself would keep the writes
/// before a failed statement, which could leave a row without its content.
///
/// <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#transactionsync>
pub(super) fn turn<T>(
    storage: &Storage,
    work: impl FnOnce(&SqlStorage) -> worker::Result<T>,
) -> worker::Result<T> {
    let sql = storage.sql();
    let mut work = Some(work);
    let mut worked = None;
    let mut once = || {
        worked = work.take().map(|work| work(&sql));
        // Any exception undoes the turn.
        if matches!(worked, Some(Ok(_))) { Ok(()) } else { Err(JsValue::NULL) }
    };
    // After a panic only `worked` is read, which is none then.
    let mut once = AssertUnwindSafe(&mut once);
    let raw: &TurnStorage = storage.as_raw().unchecked_ref();
    let ended = raw.transaction_sync(&mut move || {
        let whole = &mut once;
        (whole.0)()
    });
    match worked {
        Some(Err(error)) => Err(error),
        Some(Ok(value)) => ended.map(|()| value).map_err(Error::from),
        // It panicked, or never began.
        None => Err(ended.err().unwrap_or(JsValue::NULL).into()),
    }
}

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

/// Reads the cursor to its end through `raw`: `one` may hang.
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

/// A value on its way to SQLite; a number outside of JavaScript's range is refused.
fn given(value: SqlValue) -> worker::Result<SqlStorageValue> {
    Ok(match value {
        SqlValue::Null => SqlStorageValue::Null,
        SqlValue::Integer(number) => SqlStorageValue::try_from_i64(number)?,
        SqlValue::Text(text) => SqlStorageValue::String(text),
        SqlValue::Blob(bytes) => SqlStorageValue::Blob(bytes),
    })
}

/// A value on its way from SQLite, through JavaScript, where every number is a float.
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
