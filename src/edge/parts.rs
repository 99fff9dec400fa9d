//! Bytes of any length in SQLite, where a value may have 2 MB: stored in parts, each of which has
//! the number of what it belongs to (`owner`) and its own.

use worker::{Result, SqlStorage, SqlStorageValue};

use super::sql::RowId;

/// Bytes of one part.
const PART: usize = 1_000_000;

/// Stores the content of `owner`, who must have none.
pub(super) fn put(sql: &SqlStorage, name: &str, owner: RowId, content: &[u8]) -> Result<()> {
    let insert = format!("INSERT INTO {name} (owner, part, content) VALUES (?, ?, ?)");
    for (part, bytes) in (0_i32..).zip(content.chunks(PART)) {
        sql.exec(&insert, vec![owner.into(), part.into(), bytes.to_vec().into()])?;
    }
    Ok(())
}

/// The content of `owner`.
pub(super) fn get(sql: &SqlStorage, name: &str, owner: RowId) -> Result<Vec<u8>> {
    let select = format!("SELECT content FROM {name} WHERE owner = ? ORDER BY part");
    let mut content = Vec::new();
    for row in sql.exec(&select, vec![owner.into()])?.raw() {
        for value in row? {
            if let SqlStorageValue::Blob(bytes) = value {
                content.extend(bytes);
            }
        }
    }
    Ok(content)
}

/// The parts of several owners, given as a list of SQL: each owner with its parts in their order.
pub(super) fn get_all(sql: &SqlStorage, name: &str, owners: &str) -> Result<Vec<(RowId, Vec<u8>)>> {
    let select =
        format!("SELECT owner, content FROM {name} WHERE owner IN ({owners}) ORDER BY owner, part");
    let mut parts = Vec::new();
    for row in sql.exec(&select, None)?.raw() {
        let mut owner = RowId::default();
        for value in row? {
            match value {
                SqlStorageValue::Integer(number) => owner = RowId::new(number),
                #[expect(clippy::cast_possible_truncation, reason = "a row's number is whole")]
                SqlStorageValue::Float(number) => owner = RowId::new(number as i64),
                SqlStorageValue::Blob(bytes) => parts.push((owner, bytes)),
                _ => {}
            }
        }
    }
    Ok(parts)
}

/// Stores the content of `owner` in the place of what it has. One row is written for each part.
pub(super) fn replace(sql: &SqlStorage, name: &str, owner: RowId, content: &[u8]) -> Result<()> {
    let upsert = format!(
        "INSERT INTO {name} (owner, part, content) VALUES (?, ?, ?)
         ON CONFLICT (owner, part) DO UPDATE SET content = excluded.content"
    );
    let mut parts = 0_i32;
    for bytes in content.chunks(PART) {
        sql.exec(&upsert, vec![owner.into(), parts.into(), bytes.to_vec().into()])?;
        parts += 1;
    }
    let delete = format!("DELETE FROM {name} WHERE owner = ? AND part >= ?");
    sql.exec(&delete, vec![owner.into(), parts.into()])?;
    Ok(())
}

pub(super) fn delete(sql: &SqlStorage, name: &str, owner: RowId) -> Result<()> {
    sql.exec(&format!("DELETE FROM {name} WHERE owner = ?"), vec![owner.into()])?;
    Ok(())
}

/// Gets the content of `owner` and deletes it.
pub(super) fn take(sql: &SqlStorage, name: &str, owner: RowId) -> Result<Vec<u8>> {
    let content = get(sql, name, owner)?;
    delete(sql, name, owner)?;
    Ok(content)
}
