//! Dead letters: notifications that cannot succeed unless a person does something.
//!
//! Each is kept with its reason until it is deleted. The same notification is kept once, whatever
//! number of times it comes: its id is its digest.
//!
//! Table `dead_letters` has a row for each, `dead_letter_parts` its notification in parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use worker::{Result, SqlStorage, SqlStorageValue};

use crate::commercetools::notification::Notification;
use crate::edge::calls::now_ms;
use crate::edge::parts;
use crate::edge::sql::{RowId, StoredTime};
use crate::fault::Rejection;
use crate::realtime::parking;

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
    /// The commercetools customer whom it is about, if it says so; for erasing.
    pub(in crate::edge) customer: Option<String>,
    /// How often it was tried.
    pub(in crate::edge) attempts: u32,
}

impl NewDeadLetter {
    /// A letter of now, for a notification or for something that is none.
    pub(in crate::edge) fn of(
        notification: Option<&Notification>,
        rejection: Rejection,
        attempts: u32,
    ) -> Self {
        let resource = notification.and_then(|notification| notification.resource.as_ref());
        Self {
            at: now_ms(),
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
pub(super) struct DeadLetterRow {
    seq: RowId,
    pub(super) id: String,
    at: StoredTime,
    code: String,
    detail: String,
    pointer: Option<String>,
    resource: Option<String>,
    attempts: u32,
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

/// Stores a letter and gives its id; one that is there already is only counted and dated.
pub(super) fn keep(sql: &SqlStorage, letter: &NewDeadLetter, content: &[u8]) -> Result<String> {
    let id = format!("{:x}", Sha256::digest(content));
    let at = SqlStorageValue::try_from_i64(i64::try_from(letter.at).unwrap_or(i64::MAX))?;
    // All in one turn without an await, so it is stored whole or not at all.
    let known = find(sql, &id)?;
    sql.exec(
        "INSERT INTO dead_letters (id, at, code, detail, pointer, resource, customer, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, code = excluded.code,
            detail = excluded.detail, pointer = excluded.pointer,
            attempts = attempts + excluded.attempts",
        vec![
            id.as_str().into(),
            at,
            letter.code.as_str().into(),
            letter.detail.as_str().into(),
            letter.pointer.clone().into(),
            letter.resource.clone().into(),
            letter.customer.clone().into(),
            i64::from(letter.attempts).into(),
        ],
    )?;
    if known.is_none()
        && let Some(row) = find(sql, &id)?
    {
        parts::put(sql, "dead_letter_parts", row.seq, content)?;
    }
    Ok(id)
}

/// A page of letters, the newest first.
pub(super) fn list(sql: &SqlStorage, cursor: Option<RowId>) -> Result<Value> {
    let rows: Vec<DeadLetterRow> = sql
        .exec(
            &format!(
                "SELECT * FROM dead_letters WHERE seq < ? ORDER BY seq DESC LIMIT {}",
                PAGE + 1
            ),
            vec![cursor.unwrap_or(RowId::MAX).into()],
        )?
        .to_array()?;
    let page = &rows[..rows.len().min(PAGE)];
    let next = (rows.len() > PAGE).then(|| page.last().map(|row| row.seq.to_string()));
    let shown: Vec<_> = page.iter().map(DeadLetterRow::shown).collect();
    Ok(json!({ "deadLetters": shown, "next": next.flatten() }))
}

/// A letter.
pub(super) fn find(sql: &SqlStorage, id: &str) -> Result<Option<DeadLetterRow>> {
    let rows: Vec<DeadLetterRow> =
        sql.exec("SELECT * FROM dead_letters WHERE id = ?", vec![id.into()])?.to_array()?;
    Ok(rows.into_iter().next())
}

/// All ids.
pub(super) fn ids(sql: &SqlStorage) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let rows: Vec<Id> = sql.exec("SELECT id FROM dead_letters ORDER BY seq", None)?.to_array()?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many there are.
pub(super) fn count(sql: &SqlStorage) -> Result<u32> {
    #[derive(Deserialize)]
    struct Count {
        count: u32,
    }
    let rows: Vec<Count> =
        sql.exec("SELECT COUNT(*) AS count FROM dead_letters", None)?.to_array()?;
    Ok(rows.first().map_or(0, |row| row.count))
}

/// One letter with its notification.
pub(super) fn read(sql: &SqlStorage, id: &str) -> Result<Option<Value>> {
    let Some(row) = find(sql, id)? else { return Ok(None) };
    let mut shown = row.shown();
    shown["notification"] = readable(content(sql, &row)?);
    Ok(Some(shown))
}

/// The notification of a letter, as it came.
pub(super) fn content(sql: &SqlStorage, row: &DeadLetterRow) -> Result<Vec<u8>> {
    parts::get(sql, "dead_letter_parts", row.seq)
}

/// Deletes a letter; whether it was there.
pub(super) fn delete(sql: &SqlStorage, id: &str) -> Result<bool> {
    let Some(row) = find(sql, id)? else { return Ok(false) };
    parts::delete(sql, "dead_letter_parts", row.seq)?;
    sql.exec("DELETE FROM dead_letters WHERE seq = ?", vec![row.seq.into()])?;
    Ok(true)
}

/// Deletes the letters that were last dated before `before`, in ms since 1970 UTC.
pub(super) fn forget(sql: &SqlStorage, before: u64) -> Result<()> {
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let before = || Ok::<_, worker::Error>(vec![SqlStorageValue::try_from_i64(before)?]);
    sql.exec(
        "DELETE FROM dead_letter_parts
         WHERE owner IN (SELECT seq FROM dead_letters WHERE at < ?)",
        before()?,
    )?;
    sql.exec("DELETE FROM dead_letters WHERE at < ?", before()?)?;
    Ok(())
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
