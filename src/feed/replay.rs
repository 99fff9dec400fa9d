//! `POST /feed/replay`: a period whose messages the feed reads once more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::machine::their_time;
use super::state::{FeedReplay, FeedState};
use crate::commercetools::keyset::Keyset;
use crate::json::read_bytes;
use crate::time::UnixMs;

/// The most types in a request, and the longest name of one.
const TYPES: usize = 50;
const NAME: usize = 100;

/// How many replays may wait.
pub const MOST_REPLAYS: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedReplay {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    #[serde(default)]
    types: Vec<String>,
}

/// Reads the body of a request.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub fn read(body: &[u8], state: &FeedState, now: UnixMs) -> Result<FeedReplay, String> {
    let asked: AskedReplay = read_bytes(body).map_err(|_| {
        "The body must be {\"from\", \"to\", \"types\"?}: two times of RFC 3339, and names of types of \
         messages in a list."
            .to_owned()
    })?;
    let (from, to) = (UnixMs::from(asked.from), UnixMs::from(asked.to));
    if from >= to {
        return Err("`from` must be before `to`.".to_owned());
    }
    let is_name = |name: &String| !name.is_empty() && name.len() <= NAME;
    if asked.types.len() > TYPES || !asked.types.iter().all(is_name) {
        return Err(format!("`types` must be at most {TYPES} names."));
    }
    let theirs = their_time(state, now);
    let kept = state.project.retention_days.map(|days| Duration::from_hours(24 * u64::from(days)));
    let oldest = kept.map(|kept| theirs - kept).filter(|oldest| from < *oldest);
    if let Some(oldest) = oldest {
        let oldest = oldest.shown().unwrap_or_default();
        return Err(format!(
            "`from` is before the oldest message that commercetools keeps: it may be {oldest} or later."
        ));
    }
    Ok(FeedReplay { from, to, types: asked.types, after: Keyset::from(from) })
}

/// As the endpoints show it.
#[must_use]
pub fn shown(replay: &FeedReplay) -> Value {
    json!({
        "from": replay.from.shown(), "to": replay.to.shown(), "types": replay.types,
        "readUntil": replay.after.at.shown(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::from_ms(1_780_272_000_000);

    #[test]
    fn what_is_wrong_is_said() {
        let mut state = FeedState::default();
        state.project.retention_days = Some(15);
        for (body, expected) in [
            ("", "must be"),
            (r#"{"from":"yesterday","to":"2026-05-31T00:00:00Z"}"#, "RFC 3339"),
            (r#"{"from":"2026-05-30T00:00:00Z"}"#, "must be"),
            (r#"{"from":"2026-05-30T00:00:00Z","to":"2026-05-31T00:00:00Z","x":1}"#, "must be"),
            (r#"{"from":"2026-05-31T00:00:00Z","to":"2026-05-31T00:00:00Z"}"#, "before `to`"),
            (
                r#"{"from":"2026-05-30T00:00:00Z","to":"2026-05-31T00:00:00Z","types":[""]}"#,
                "names",
            ),
            (
                r#"{"from":"2026-05-16T00:00:00Z","to":"2026-05-31T00:00:00Z"}"#,
                "may be 2026-05-17T00:00:00.000Z or later",
            ),
        ] {
            let problem = read(body.as_bytes(), &state, NOW).expect_err(body);
            assert!(problem.contains(expected), "{body}: {problem}");
        }
        let body = r#"{"from":"2026-05-17T00:00:00Z","to":"2026-05-31T00:00:00Z","types":["OrderCreated"]}"#;
        let replay = read(body.as_bytes(), &state, NOW).expect("a replay");
        assert_eq!(replay.after, Keyset::from(replay.from));
        assert_eq!(shown(&replay)["types"], json!(["OrderCreated"]));
    }
}
