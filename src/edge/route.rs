//! Which paths there are, and what may be done to them.

use super::handshake;
use crate::config::Mode;

/// Something that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Whether the Worker is up and configured.
    Health,
    /// A notification.
    Push,
    /// The question whether notifications may be delivered.
    Consent,
    /// What was kept for a person.
    DeadLetters(DeadLetters),
    /// How far everything is.
    Status,
}

/// What may be done with dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeadLetters {
    List,
    Read(String),
    Delete(String),
    Replay(String),
    ReplayAll,
}

/// Why a request leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Miss {
    /// There is no such path, or it is switched off.
    NotFound,
    /// The path is there for these methods only, as for the header `Allow`.
    Method(&'static str),
}

/// Finds the route. Without a `mode` (the settings are not in order) every path is there.
pub(super) fn find(method: &str, path: &str, mode: Option<Mode>) -> Result<Route, Miss> {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let (allowed, route) = match segments.as_slice() {
        ["health"] => ("GET", (method == "GET").then_some(Route::Health)),
        ["" | "events"] if mode.is_some_and(|mode| !mode.realtime()) => {
            return Err(Miss::NotFound);
        }
        ["" | "events"] => {
            let route = match method {
                "POST" => Some(Route::Push),
                "OPTIONS" => Some(Route::Consent),
                _ => None,
            };
            (handshake::METHODS, route)
        }
        ["dead-letters"] => {
            ("GET", (method == "GET").then_some(Route::DeadLetters(DeadLetters::List)))
        }
        ["sync", "status"] => ("GET", (method == "GET").then_some(Route::Status)),
        ["dead-letters", "replay"] => {
            ("POST", (method == "POST").then_some(Route::DeadLetters(DeadLetters::ReplayAll)))
        }
        ["dead-letters", id, "replay"] => {
            let action = (method == "POST").then(|| DeadLetters::Replay((*id).to_owned()));
            ("POST", action.map(Route::DeadLetters))
        }
        ["dead-letters", id] => {
            let action = match method {
                "GET" => Some(DeadLetters::Read((*id).to_owned())),
                "DELETE" => Some(DeadLetters::Delete((*id).to_owned())),
                _ => None,
            };
            ("GET, DELETE", action.map(Route::DeadLetters))
        }
        _ => return Err(Miss::NotFound),
    };
    route.ok_or(Miss::Method(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_takes_its_methods() {
        for (method, path, expected) in [
            ("GET", "/health", Ok(Route::Health)),
            ("POST", "/health", Err(Miss::Method("GET"))),
            ("POST", "/", Ok(Route::Push)),
            ("POST", "/events", Ok(Route::Push)),
            ("PUT", "/events", Err(Miss::Method("POST, OPTIONS"))),
            ("OPTIONS", "/", Ok(Route::Consent)),
            ("OPTIONS", "/events", Ok(Route::Consent)),
            ("OPTIONS", "/health", Err(Miss::Method("GET"))),
            ("GET", "/dead-letters", Ok(Route::DeadLetters(DeadLetters::List))),
            ("GET", "/dead-letters/7", Ok(Route::DeadLetters(DeadLetters::Read("7".to_owned())))),
            (
                "DELETE",
                "/dead-letters/7",
                Ok(Route::DeadLetters(DeadLetters::Delete("7".to_owned()))),
            ),
            (
                "POST",
                "/dead-letters/7/replay",
                Ok(Route::DeadLetters(DeadLetters::Replay("7".to_owned()))),
            ),
            ("POST", "/dead-letters/replay", Ok(Route::DeadLetters(DeadLetters::ReplayAll))),
            ("GET", "/dead-letters/replay", Err(Miss::Method("POST"))),
            ("GET", "/sync/status", Ok(Route::Status)),
            ("POST", "/dead-letters/7", Err(Miss::Method("GET, DELETE"))),
            ("GET", "/elsewhere", Err(Miss::NotFound)),
            ("GET", "/health/x", Err(Miss::NotFound)),
        ] {
            assert_eq!(find(method, path, Some(Mode::Both)), expected, "{method} {path}");
        }
    }

    #[test]
    fn what_is_off_is_not_found() {
        assert_eq!(find("POST", "/", Some(Mode::Import)), Err(Miss::NotFound));
        assert_eq!(find("OPTIONS", "/", Some(Mode::Import)), Err(Miss::NotFound));
        assert_eq!(find("POST", "/", Some(Mode::Realtime)), Ok(Route::Push));
        assert_eq!(find("POST", "/", None), Ok(Route::Push));
    }
}
