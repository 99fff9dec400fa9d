//! The counts of realtime: by minute for an hour, by hour for 30 days, and in total.
//!
//! Table `counts` has a row for each of these spans and its beginning, `seen` one for each type of notification.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::json::read_value;
use crate::storage::sql::{Sql, SqlError, SqlValue};
use crate::time::UnixMs;
use crate::watch::tally::{LastSeen, MINUTE, RealtimeCounts, Tally, minute_of};

/// A span of time with its own counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountSpan {
    /// From the beginning.
    Ever,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
}

impl CountSpan {
    const ALL: [Self; 3] = [Self::Ever, Self::Hour, Self::Minute];

    /// The stored form.
    fn number(self) -> u8 {
        match self {
            Self::Ever => 0,
            Self::Hour => 1,
            Self::Minute => 2,
        }
    }

    /// Its length, and how long it is kept; none for the endless one.
    fn length(self) -> Option<(Duration, Duration)> {
        match self {
            Self::Ever => None,
            Self::Hour => Some((Duration::from_hours(1), Duration::from_hours(30 * 24))),
            Self::Minute => Some((Duration::from_millis(MINUTE), Duration::from_hours(1))),
        }
    }

    /// The beginning of the span that contains a minute.
    fn begin(self, minute: UnixMs) -> UnixMs {
        match self.length() {
            Some((length, _)) => {
                let length = u64::try_from(length.as_millis()).unwrap_or(1);
                minute - Duration::from_millis(minute.ms() % length)
            }
            None => UnixMs::EPOCH,
        }
    }

    /// The earliest beginning that is kept.
    fn kept_from(self, now: UnixMs) -> UnixMs {
        match self.length() {
            Some((length, kept)) => self.begin(minute_of(now)) + length - kept,
            None => UnixMs::EPOCH,
        }
    }
}

/// The most types that are kept: commercetools has some 150. The one that was not seen for the longest time goes first.
const TYPES: usize = 200;

/// Adds the counts of an isolate.
pub fn add(sql: &dyn Sql, tally: &Tally, now: UnixMs) -> Result<(), SqlError> {
    for span in CountSpan::ALL {
        let mut sums: BTreeMap<UnixMs, RealtimeCounts> = BTreeMap::new();
        for (minute, counts) in &tally.minutes {
            sums.entry(span.begin(*minute)).or_default().add(counts);
        }
        for (begin, mut counts) in sums {
            counts.add(&of(sql, span, begin)?);
            sql.exec(
                "INSERT INTO counts (span, at, counts) VALUES (?, ?, ?)
                 ON CONFLICT (span, at) DO UPDATE SET counts = excluded.counts",
                vec![span.number().into(), begin.into(), serde_json::to_string(&counts)?.into()],
            )?;
        }
        sql.exec(
            "DELETE FROM counts WHERE span = ? AND at < ?",
            vec![span.number().into(), span.kept_from(now).into()],
        )?;
    }
    for (name, seen) in &tally.types {
        sql.exec(
            "INSERT INTO seen (type, received, delivered) VALUES (?, ?, ?)
             ON CONFLICT (type) DO UPDATE SET received = MAX(received, excluded.received),
                delivered = MAX(delivered, excluded.delivered)",
            vec![name.as_str().into(), seen.received.into(), seen.delivered.into()],
        )?;
    }
    if !tally.types.is_empty() {
        sql.exec(
            "DELETE FROM seen WHERE type NOT IN (
                SELECT type FROM seen ORDER BY MAX(received, delivered) DESC LIMIT ?)",
            vec![TYPES.into()],
        )?;
    }
    Ok(())
}

/// The counts of one span; all zero if there are none.
pub fn of(sql: &dyn Sql, span: CountSpan, begin: UnixMs) -> Result<RealtimeCounts, SqlError> {
    let stored: Option<String> = sql
        .exec(
            "SELECT counts FROM counts WHERE span = ? AND at = ?",
            vec![span.number().into(), begin.into()],
        )?
        .value()?;
    Ok(stored.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// The counts of each of the last spans that has any, with its beginning; the oldest first.
pub fn list(
    sql: &dyn Sql,
    span: CountSpan,
    now: UnixMs,
) -> Result<Vec<(UnixMs, RealtimeCounts)>, SqlError> {
    #[derive(Deserialize)]
    struct CountsRow {
        at: UnixMs,
        counts: String,
    }
    let values: Vec<SqlValue> = vec![span.number().into(), span.kept_from(now).into()];
    let rows: Vec<CountsRow> = sql
        .exec("SELECT at, counts FROM counts WHERE span = ? AND at >= ? ORDER BY at", values)?
        .read()?;
    rows.into_iter().map(|row| Ok((row.at, serde_json::from_str(&row.counts)?))).collect()
}

/// When each type was last seen.
pub fn types(sql: &dyn Sql) -> Result<BTreeMap<String, LastSeen>, SqlError> {
    let rows = sql.exec("SELECT type, received, delivered FROM seen ORDER BY type", vec![])?;
    let rows: Vec<Value> = rows.read()?;
    let named = |row: Value| {
        let name = row["type"].as_str().unwrap_or_default().to_owned();
        Ok((name, read_value(&row)?))
    };
    rows.into_iter().map(named).collect()
}

/// Spans as the endpoints show them, each with its beginning. Spans without counts are left out.
#[must_use]
pub fn shown(spans: &[(UnixMs, RealtimeCounts)]) -> Vec<Value> {
    let one = |(at, counts): &(UnixMs, RealtimeCounts)| {
        let mut shown = Map::new();
        shown.insert("at".to_owned(), json!(at.shown()));
        if let Value::Object(counts) = json!(counts) {
            shown.extend(counts);
        }
        Value::Object(shown)
    };
    spans.iter().map(one).collect()
}
