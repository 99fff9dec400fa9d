//! Bytes of any length in SQLite, where a value may have 2 MB: they are stored in parts, each with
//! the number of its owner (`owner`) and its own.

use super::sql::{RowId, Sql, SqlError, SqlValue};

/// Bytes of one part.
const PART: usize = 1_000_000;

/// Stores the content of `owner`, which must have none.
pub fn put(sql: &dyn Sql, name: &str, owner: RowId, content: &[u8]) -> Result<(), SqlError> {
    let insert = format!("INSERT INTO {name} (owner, part, content) VALUES (?, ?, ?)");
    for (part, bytes) in content.chunks(PART).enumerate() {
        sql.exec(&insert, vec![owner.into(), part.into(), bytes.to_vec().into()])?;
    }
    Ok(())
}

/// The content of `owner`.
pub fn get(sql: &dyn Sql, name: &str, owner: RowId) -> Result<Vec<u8>, SqlError> {
    let select = format!("SELECT content FROM {name} WHERE owner = ? ORDER BY part");
    let mut content = Vec::new();
    for value in sql.exec(&select, vec![owner.into()])?.rows.into_iter().flatten() {
        if let SqlValue::Blob(bytes) = value {
            content.extend(bytes);
        }
    }
    Ok(content)
}

/// The parts of several owners, given as an SQL list: each part with its owner, in their order.
pub fn get_all(sql: &dyn Sql, name: &str, owners: &str) -> Result<Vec<(RowId, Vec<u8>)>, SqlError> {
    let select =
        format!("SELECT owner, content FROM {name} WHERE owner IN ({owners}) ORDER BY owner, part");
    let mut parts = Vec::new();
    for row in sql.exec(&select, vec![])?.rows {
        if let Ok([SqlValue::Integer(owner), SqlValue::Blob(bytes)]) =
            <[SqlValue; 2]>::try_from(row)
        {
            parts.push((RowId::new(owner), bytes));
        }
    }
    Ok(parts)
}

/// Replaces the content of `owner`. One row is written for each part.
pub fn replace(sql: &dyn Sql, name: &str, owner: RowId, content: &[u8]) -> Result<(), SqlError> {
    let upsert = format!(
        "INSERT INTO {name} (owner, part, content) VALUES (?, ?, ?)
         ON CONFLICT (owner, part) DO UPDATE SET content = excluded.content"
    );
    let mut parts = 0_usize;
    for bytes in content.chunks(PART) {
        sql.exec(&upsert, vec![owner.into(), parts.into(), bytes.to_vec().into()])?;
        parts += 1;
    }
    let delete = format!("DELETE FROM {name} WHERE owner = ? AND part >= ?");
    sql.exec(&delete, vec![owner.into(), parts.into()])?;
    Ok(())
}

/// Deletes the content of `owner`.
pub fn delete(sql: &dyn Sql, name: &str, owner: RowId) -> Result<(), SqlError> {
    sql.exec(&format!("DELETE FROM {name} WHERE owner = ?"), vec![owner.into()])?;
    Ok(())
}

/// Gets the content of `owner` and deletes it.
pub fn take(sql: &dyn Sql, name: &str, owner: RowId) -> Result<Vec<u8>, SqlError> {
    let content = get(sql, name, owner)?;
    delete(sql, name, owner)?;
    Ok(content)
}
