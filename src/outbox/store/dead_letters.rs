//! Dead letters: notifications that cannot succeed unless a person acts.
//!
//! Each is kept with its reason until it is deleted. The same notification is kept once, however often it comes: its id
//! is its digest.
//!
//! Table `dead_letters` has a row for each, `dead_letter_parts` its notification in parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tables::NAME;
use crate::commercetools::notification::Notification;
use crate::fault::Rejection;
use crate::json::read_bytes;
use crate::push::parking;
use crate::storage::parts;
use crate::storage::selection::KeptSelection;
use crate::storage::sql::{RowId, Sql, SqlError};
use crate::time::UnixMs;

/// Dead letters on one page.
const PAGE: usize = 100;

/// A dead letter that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeadLetter {
    /// When.
    pub at: UnixMs,
    /// The reason, as a stable code.
    pub code: String,
    /// The reason in words; they may be Klaviyo's own.
    pub detail: String,
    /// The place in the body, as a JSON pointer.
    pub pointer: Option<String>,
    /// `{typeId}/{id}` of its resource.
    pub resource: Option<String>,
    /// The commercetools customer that it is about, if it says so; for erasures.
    pub customer: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
}

impl NewDeadLetter {
    /// A letter at `now`, for a notification or for something that is not one.
    #[must_use]
    pub fn of(
        notification: Option<&Notification>,
        rejection: Rejection,
        attempts: u32,
        now: UnixMs,
    ) -> Self {
        let resource = notification.and_then(|notification| notification.resource.as_ref());
        Self {
            at: now,
            code: rejection.code().into_owned(),
            detail: rejection.detail,
            pointer: rejection.pointer,
            resource: resource.map(|resource| format!("{}/{}", resource.type_id, resource.id)),
            customer: notification.and_then(parking::customer),
            attempts,
        }
    }
}

/// A row of `dead_letters`.
#[derive(Deserialize)]
pub struct DeadLetterRow {
    seq: RowId,
    /// The digest of its notification.
    pub id: String,
    /// When it became one, or was last dated.
    pub at: UnixMs,
    /// The reason, as a stable code.
    pub code: String,
    detail: String,
    /// The place in the body, as a JSON pointer.
    pub pointer: Option<String>,
    resource: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
}

/// A row of `dead_letters` on a page, with the name that people know its resource by.
#[derive(Deserialize)]
struct ListedLetter {
    #[serde(flatten)]
    letter: DeadLetterRow,
    name: Option<String>,
}

impl DeadLetterRow {
    /// As the endpoints show it.
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "code": self.code,
            "detail": self.detail,
            "pointer": self.pointer,
            "resource": self.resource,
            "at": self.at.shown(),
            "attempts": self.attempts,
        })
    }
}

/// Stores a letter and returns its id; an existing one is only counted and dated.
pub fn keep(sql: &dyn Sql, letter: &NewDeadLetter, content: &[u8]) -> Result<String, SqlError> {
    let id = format!("{:x}", Sha256::digest(content));
    // All in one turn without an await, so it stores all or nothing.
    let known = find(sql, &id)?;
    sql.exec(
        "INSERT INTO dead_letters (id, at, code, detail, pointer, resource, customer, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, code = excluded.code,
            detail = excluded.detail, pointer = excluded.pointer,
            attempts = attempts + excluded.attempts",
        vec![
            id.as_str().into(),
            letter.at.into(),
            letter.code.as_str().into(),
            letter.detail.as_str().into(),
            letter.pointer.clone().into(),
            letter.resource.clone().into(),
            letter.customer.clone().into(),
            letter.attempts.into(),
        ],
    )?;
    if known.is_none()
        && let Some(row) = find(sql, &id)?
    {
        parts::put(sql, "dead_letter_parts", row.seq, content)?;
    }
    Ok(id)
}

/// A page of letters, the newest first; only those with a code, if one is given. The first page has the number of
/// letters by code.
pub fn list(sql: &dyn Sql, cursor: Option<RowId>, code: Option<&str>) -> Result<Value, SqlError> {
    let query = format!(
        "SELECT seq, id, at, code, detail, pointer, resource, attempts, {NAME} AS name
         FROM (
            SELECT dead_letters.*, (
                SELECT CAST(content AS TEXT) FROM dead_letter_parts WHERE owner = seq AND part = 0
            ) AS content
            FROM dead_letters WHERE seq < ?1 AND (?2 IS NULL OR code = ?2)
            ORDER BY seq DESC LIMIT {})",
        PAGE + 1
    );
    let values = vec![cursor.unwrap_or(RowId::MAX).into(), code.into()];
    let rows: Vec<ListedLetter> = sql.exec(&query, values)?.read()?;
    let page = &rows[..rows.len().min(PAGE)];
    let next = (rows.len() > PAGE).then(|| page.last().map(|row| row.letter.seq.to_string()));
    let shown = page.iter().map(|row| {
        let mut shown = row.letter.shown();
        if let Some(name) = &row.name {
            shown["name"] = name.as_str().into();
        }
        shown
    });
    let mut listed = json!({ "deadLetters": shown.collect::<Vec<_>>(), "next": next.flatten() });
    let codes = if cursor.is_none() { codes(sql)? } else { Vec::new() };
    if !codes.is_empty() {
        listed["codes"] = codes.into();
    }
    Ok(listed)
}

/// The number of letters by code, the most frequent first.
fn codes(sql: &dyn Sql) -> Result<Vec<Value>, SqlError> {
    sql.exec(
        "SELECT code, COUNT(*) AS count FROM dead_letters GROUP BY code ORDER BY count DESC, code",
        vec![],
    )?
    .read()
}

/// A letter.
pub fn find(sql: &dyn Sql, id: &str) -> Result<Option<DeadLetterRow>, SqlError> {
    sql.exec("SELECT * FROM dead_letters WHERE id = ?", vec![id.into()])?.first()
}

/// The ids of the selected letters, the oldest first.
pub fn ids(sql: &dyn Sql, which: &KeptSelection) -> Result<Vec<String>, SqlError> {
    let query = format!("SELECT id FROM dead_letters WHERE {} ORDER BY seq", which.condition());
    sql.exec(&query, vec![which.value()])?.column()
}

/// The number of letters.
pub fn count(sql: &dyn Sql) -> Result<u32, SqlError> {
    Ok(sql.exec("SELECT COUNT(*) AS count FROM dead_letters", vec![])?.value()?.unwrap_or(0))
}

/// One letter with its notification.
pub fn read(sql: &dyn Sql, id: &str) -> Result<Option<Value>, SqlError> {
    let Some(row) = find(sql, id)? else { return Ok(None) };
    let mut shown = row.shown();
    shown["notification"] = readable(content(sql, &row)?);
    Ok(Some(shown))
}

/// The original notification of a letter.
pub fn content(sql: &dyn Sql, row: &DeadLetterRow) -> Result<Vec<u8>, SqlError> {
    parts::get(sql, "dead_letter_parts", row.seq)
}

/// Deletes a letter; returns whether it existed.
pub fn delete(sql: &dyn Sql, id: &str) -> Result<bool, SqlError> {
    let Some(row) = find(sql, id)? else { return Ok(false) };
    parts::delete(sql, "dead_letter_parts", row.seq)?;
    sql.exec("DELETE FROM dead_letters WHERE seq = ?", vec![row.seq.into()])?;
    Ok(true)
}

/// Deletes the selected letters.
pub fn delete_all(sql: &dyn Sql, which: &KeptSelection) -> Result<(), SqlError> {
    let letters = format!("FROM dead_letters WHERE {}", which.condition());
    let parts = format!("DELETE FROM dead_letter_parts WHERE owner IN (SELECT seq {letters})");
    sql.exec(&parts, vec![which.value()])?;
    sql.exec(&format!("DELETE {letters}"), vec![which.value()])?;
    Ok(())
}

/// Deletes the letters that were last dated before `before`.
pub fn forget(sql: &dyn Sql, before: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "DELETE FROM dead_letter_parts
         WHERE owner IN (SELECT seq FROM dead_letters WHERE at < ?)",
        vec![before.into()],
    )?;
    sql.exec("DELETE FROM dead_letters WHERE at < ?", vec![before.into()])?;
    Ok(())
}

/// JSON if it is JSON, otherwise text, otherwise base64.
fn readable(content: Vec<u8>) -> Value {
    if let Ok(value) = read_bytes(&content) {
        return value;
    }
    match String::from_utf8(content) {
        Ok(text) => text.into(),
        Err(error) => STANDARD.encode(error.as_bytes()).into(),
    }
}
