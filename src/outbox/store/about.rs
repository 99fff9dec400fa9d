//! What is stored about given resources: waiting rows, and dead letters. For: a person who asks where something is.
//!
//! Only a parked notification itself says which resource it is about, and no index has it. So the newest rows are
//! searched, up to a limit that takes a moment.

use serde::Deserialize;

use super::dead_letters::{self, DeadLetterRow};
use super::parked::{NOT_LATE, codes};
use crate::storage::parts;
use crate::storage::sql::{RowId, Sql, SqlError};
use crate::time::UnixMs;

/// The number of parked rows to search.
const LOOKED_THROUGH: usize = 10_000;

/// Their total bytes: a search through this many takes about a second, in which the object does nothing else.
const LOOKED_THROUGH_BYTES: usize = 100_000_000;

/// The number of rows, and of dead letters, in an answer.
const MOST: usize = 20;

/// A waiting row.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WaitingOf {
    seq: RowId,
    /// `{typeId}/{id}` of its resource.
    pub resource: String,
    /// Why it waits.
    pub code: String,
    /// Since when.
    pub since: UnixMs,
    /// How often it was tried.
    pub attempts: u32,
    /// Its notification.
    #[serde(skip)]
    pub content: Vec<u8>,
}

/// What waits of these resources (`{typeId}/{id}`), the last parked first; and whether all rows were looked
/// through. As for [`super::parked::waiting`], rows that are early do not count.
pub fn waiting(sql: &dyn Sql, resources: &[String]) -> Result<(Vec<WaitingOf>, bool), SqlError> {
    let wanted = serde_json::to_string(resources)?;
    // A text search for an id costs far less than parsing the text as JSON.
    let query = format!(
        "WITH wanted AS (SELECT value FROM json_each(?1)),
            last AS (
                SELECT seq, code, since, attempts,
                    SUM(bytes) OVER (ORDER BY seq DESC) AS bytes_so_far
                FROM parked ORDER BY seq DESC LIMIT {LOOKED_THROUGH}),
            looked AS (
                SELECT seq, code, since, attempts, (
                    SELECT CAST(content AS TEXT) FROM parked_parts WHERE owner = seq AND part = 0
                ) AS content
                FROM last WHERE bytes_so_far <= {LOOKED_THROUGH_BYTES}
                    AND code NOT IN (SELECT value FROM json_each(?2))),
            named AS (
                SELECT * FROM looked WHERE EXISTS (
                    SELECT 1 FROM wanted
                    WHERE INSTR(content, SUBSTR(value, INSTR(value, '/') + 1)) > 0)),
            told AS (
                SELECT seq, code, since, attempts, CASE WHEN json_valid(content)
                    THEN (content ->> '$.resource.typeId') || '/' || (content ->> '$.resource.id')
                    END AS resource
                FROM named)
         SELECT * FROM told WHERE resource IN (SELECT value FROM wanted)
         ORDER BY seq DESC LIMIT {MOST}"
    );
    let mut rows: Vec<WaitingOf> =
        sql.exec(&query, vec![wanted.into(), codes(NOT_LATE)?])?.read()?;
    for row in &mut rows {
        row.content = parts::get(sql, "parked_parts", row.seq)?;
    }
    let fits = format!(
        "SELECT COUNT(*) <= {LOOKED_THROUGH} AND TOTAL(bytes) <= {LOOKED_THROUGH_BYTES} AS fits
         FROM parked"
    );
    let is_whole = sql.exec(&fits, vec![])?.value::<u8>()? == Some(1);
    Ok((rows, is_whole))
}

/// The dead letters of these resources, the newest first, each with its notification.
pub fn letters(
    sql: &dyn Sql,
    resources: &[String],
) -> Result<Vec<(DeadLetterRow, Vec<u8>)>, SqlError> {
    let query = format!(
        "SELECT * FROM dead_letters WHERE resource IN (SELECT value FROM json_each(?))
         ORDER BY seq DESC LIMIT {MOST}"
    );
    let wanted = serde_json::to_string(resources)?;
    let rows: Vec<DeadLetterRow> = sql.exec(&query, vec![wanted.into()])?.read()?;
    let with_content = rows.into_iter().map(|row| {
        let content = dead_letters::content(sql, &row)?;
        Ok((row, content))
    });
    with_content.collect()
}
