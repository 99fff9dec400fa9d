//! Dead letters: notifications that cannot succeed unless a person does something.
//!
//! Each is kept with its reason until it is deleted. The same notification is kept once, whatever
//! number of times it comes: its id is its digest.
//!
//! Tables: `dead_letters` has a row for each, `dead_letter_parts` its content in parts, since a
//! value in SQLite may have 2 MB there and a body 10 MB.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// Bytes of one stored part.
const PART: usize = 1_000_000;

/// Dead letters on one page.
const PAGE: usize = 100;

/// What is known of a dead letter when it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::edge) struct NewDeadLetter {
    /// When, in ms since 1970 UTC.
    pub(in crate::edge) at: u64,
    /// Why, as a stable code.
    pub(in crate::edge) code: String,
    /// Why, in words; may be Klaviyo's own.
    pub(in crate::edge) detail: String,
    /// Where in the body, as a JSON pointer.
    pub(in crate::edge) pointer: Option<String>,
    /// `{typeId}/{id}` of what it is about.
    pub(in crate::edge) resource: Option<String>,
}

impl NewDeadLetter {
    /// Parts a body into the line that describes the letter, and its content.
    pub(super) fn split(body: &[u8]) -> Result<(Self, &[u8])> {
        let end = body.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| Error::RustError("a dead letter without a line".to_owned()))?;
        Ok((serde_json::from_slice(&body[..end])?, &body[end + 1..]))
    }
}

/// A row of `dead_letters`.
#[derive(Deserialize)]
struct Row {
    seq: u32,
    id: String,
    at: f64,
    code: String,
    detail: String,
    pointer: Option<String>,
    resource: Option<String>,
    attempts: u32,
}

impl Row {
    /// As the endpoints show it.
    fn shown(&self) -> Value {
        #[expect(clippy::cast_possible_truncation, reason = "a time in ms is a whole number")]
        let at = DateTime::from_timestamp_millis(self.at as i64);
        json!({
            "id": self.id,
            "code": self.code,
            "detail": self.detail,
            "pointer": self.pointer,
            "resource": self.resource,
            "at": at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            "attempts": self.attempts,
        })
    }
}

/// Makes the tables, if they are not there.
pub(super) fn prepare(sql: &SqlStorage) -> Result<()> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS dead_letters (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
            code TEXT NOT NULL, detail TEXT NOT NULL, pointer TEXT, resource TEXT,
            attempts INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS dead_letter_parts (
            id TEXT NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,
            PRIMARY KEY (id, part)) WITHOUT ROWID",
        None,
    )?;
    Ok(())
}

/// Stores a letter and gives its id; one that is there already is only counted and dated.
pub(super) fn keep(sql: &SqlStorage, letter: &NewDeadLetter, content: &[u8]) -> Result<String> {
    let id = format!("{:x}", Sha256::digest(content));
    let at = i64::try_from(letter.at).unwrap_or(i64::MAX);
    // All in one turn without an await, so it is stored whole or not at all.
    sql.exec(
        "INSERT INTO dead_letters (id, at, code, detail, pointer, resource, attempts)
         VALUES (?, ?, ?, ?, ?, ?, 1)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, code = excluded.code,
            detail = excluded.detail, pointer = excluded.pointer, attempts = attempts + 1",
        vec![
            id.as_str().into(),
            SqlStorageValue::try_from_i64(at)?,
            letter.code.as_str().into(),
            letter.detail.as_str().into(),
            letter.pointer.clone().into(),
            letter.resource.clone().into(),
        ],
    )?;
    for (part, bytes) in content.chunks(PART).enumerate() {
        let part = i32::try_from(part).unwrap_or(i32::MAX);
        sql.exec(
            "INSERT INTO dead_letter_parts (id, part, content) VALUES (?, ?, ?)
             ON CONFLICT (id, part) DO NOTHING",
            vec![id.as_str().into(), part.into(), bytes.to_vec().into()],
        )?;
    }
    Ok(id)
}

/// A page of letters, the newest first.
pub(super) fn list(sql: &SqlStorage, cursor: Option<u32>) -> Result<Value> {
    let before = cursor.map_or(f64::MAX, f64::from);
    let rows: Vec<Row> = sql
        .exec(
            &format!(
                "SELECT * FROM dead_letters WHERE seq < ? ORDER BY seq DESC LIMIT {}",
                PAGE + 1
            ),
            vec![before.into()],
        )?
        .to_array()?;
    let page = &rows[..rows.len().min(PAGE)];
    let next = (rows.len() > PAGE).then(|| page.last().map(|row| row.seq.to_string()));
    let shown: Vec<_> = page.iter().map(Row::shown).collect();
    Ok(json!({ "deadLetters": shown, "next": next.flatten() }))
}

/// One letter with its notification.
pub(super) fn read(sql: &SqlStorage, id: &str) -> Result<Option<Value>> {
    let rows: Vec<Row> =
        sql.exec("SELECT * FROM dead_letters WHERE id = ?", vec![id.into()])?.to_array()?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut shown = row.shown();
    shown["notification"] = readable(content(sql, id)?);
    Ok(Some(shown))
}

/// Deletes a letter; whether it was there.
pub(super) fn delete(sql: &SqlStorage, id: &str) -> Result<bool> {
    sql.exec("DELETE FROM dead_letter_parts WHERE id = ?", vec![id.into()])?;
    let deleted = sql.exec("DELETE FROM dead_letters WHERE id = ?", vec![id.into()])?;
    Ok(deleted.rows_written() > 0)
}

fn content(sql: &SqlStorage, id: &str) -> Result<Vec<u8>> {
    let parts = sql.exec(
        "SELECT content FROM dead_letter_parts WHERE id = ? ORDER BY part",
        vec![id.into()],
    )?;
    let mut content = Vec::new();
    for row in parts.raw() {
        for value in row? {
            if let SqlStorageValue::Blob(bytes) = value {
                content.extend(bytes);
            }
        }
    }
    Ok(content)
}

/// JSON where it is JSON, else text, else base64.
fn readable(content: Vec<u8>) -> Value {
    if let Ok(value) = serde_json::from_slice(&content) {
        return value;
    }
    match String::from_utf8(content) {
        Ok(text) => text.into(),
        Err(error) => STANDARD.encode(error.as_bytes()).into(),
    }
}
