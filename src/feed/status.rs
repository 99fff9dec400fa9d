//! The answer to `GET /feed`.

use serde_json::{Value, json};

use super::machine::their_time;
use super::replay;
use super::state::{FeedFailure, FeedState, LostItem};
use crate::commercetools::keyset::StampedResource;
use crate::config::{FeedMode, FeedRules};
use crate::time::UnixMs;

/// The first failure.
#[must_use]
pub fn failure(state: &FeedState) -> Option<&FeedFailure> {
    let of_resource =
        || StampedResource::ALL.into_iter().find_map(|of| state.cursors.get(&of)?.failure.as_ref());
    state.project.failure.as_ref().or_else(of_resource)
}

/// The period in seconds for which the feed may not know what happened; none if it has not begun. While it catches up,
/// this is the age of the newest message that it has read.
#[must_use]
pub fn lag_seconds(state: &FeedState, now: UnixMs) -> Option<u64> {
    let messages = state.cursors.get(&StampedResource::Messages)?;
    let read = messages.read_until.max(messages.head.at);
    Some(their_time(state, now).since(read).as_secs())
}

/// How far the feed has read.
#[must_use]
pub fn status(
    state: &FeedState,
    newest_lost: &[LostItem],
    rules: &FeedRules,
    now: UnixMs,
) -> Value {
    let is_off = rules.mode == FeedMode::Off;
    let messages = state.cursors.get(&StampedResource::Messages).filter(|_| !is_off);
    let cursor = messages
        .map(|cursors| json!({ "createdAt": cursors.head.at.shown(), "id": cursors.head.id }));
    let failure = failure(state).filter(|_| !is_off);
    json!({
        "mode": rules.mode.name(),
        "lagSeconds": if is_off { None } else { lag_seconds(state, now) },
        "cursor": cursor,
        "lastError": failure.map(|failure| &failure.words),
        "lostByBroker": {
            "count": state.lost,
            "last": newest_lost.iter().map(shown).collect::<Vec<_>>(),
        },
        "late": state.late,
        "replays": state.replays.iter().map(replay::shown).collect::<Vec<_>>(),
        "retentionDays": state.project.retention_days,
        "needsPerson": failure.is_some_and(|failure| failure.needs_person),
        "failingSince": failure.and_then(|failure| failure.since.shown()),
        "lastLost": Some(state.last_lost).filter(|at| *at != UnixMs::EPOCH).and_then(UnixMs::shown),
    })
}

fn shown(lost: &LostItem) -> Value {
    json!({ "id": lost.id, "type": lost.name, "at": lost.at.shown() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::feed::machine::{begin, project_failed};

    #[test]
    fn the_lag_falls_while_it_catches_up() {
        let now = UnixMs::from_ms(1_780_272_000_000);
        let hours = |hours| Duration::from_hours(hours);
        let mut state = FeedState::default();
        assert_eq!(lag_seconds(&state, now), None);
        begin(&mut state, now - hours(48));
        project_failed(&mut state, "w".to_owned(), true, now);
        assert_eq!(lag_seconds(&state, now), Some(48 * 3_600));
        let messages = state.cursors.get_mut(&StampedResource::Messages).expect("its cursors");
        messages.head.at = now - hours(1);
        assert_eq!(lag_seconds(&state, now), Some(3_600));
    }
}
