//! Which paths there are, and what may be done to them.

use super::dashboard::{self, File};
use super::handshake;
use crate::config::AppType;
use crate::import::run::ImportKind;

/// Something that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Whether the Worker is up and configured.
    Health,
    /// The page for operators, or a file of it.
    Dashboard(&'static File),
    /// A notification.
    Push,
    /// The question whether notifications may be delivered.
    Consent,
    /// What was kept for a person.
    DeadLetters(DeadLetters),
    /// Imports of a kind.
    Sync(ImportKind, Sync),
    /// How far everything is.
    Status,
    /// Whether everything outside is as this Worker needs it.
    Check,
    /// What would be sent to Klaviyo.
    Preview,
}

/// What may be done with the imports of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    Start,
    Read,
    Stop,
    Resume,
    Failures,
    Retry,
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

/// The methods of the path that is both the page's and the pushes', as for the header `Allow`.
const PAGE_METHODS: &str = "GET, POST, OPTIONS";

/// Finds the route. Without a `mode` (the settings are not in order) every path is there.
pub(super) fn find(method: &str, path: &str, mode: Option<AppType>) -> Result<Route, Miss> {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let (allowed, route) = match segments.as_slice() {
        ["health"] => ("GET", (method == "GET").then_some(Route::Health)),
        ["dashboard", name] => {
            let file = dashboard::file(name).ok_or(Miss::NotFound)?;
            ("GET", (method == "GET").then_some(Route::Dashboard(file)))
        }
        [""] if method == "GET" => return Ok(Route::Dashboard(&dashboard::PAGE)),
        ["" | "events"] if mode.is_some_and(|mode| !mode.realtime()) => {
            return Err(Miss::NotFound);
        }
        [path @ ("" | "events")] => {
            let route = match method {
                "POST" => Some(Route::Push),
                "OPTIONS" => Some(Route::Consent),
                _ => None,
            };
            (if path.is_empty() { PAGE_METHODS } else { handshake::METHODS }, route)
        }
        ["dead-letters"] => {
            ("GET", (method == "GET").then_some(Route::DeadLetters(DeadLetters::List)))
        }
        ["check"] => ("GET", (method == "GET").then_some(Route::Check)),
        ["preview"] => ("POST", (method == "POST").then_some(Route::Preview)),
        ["sync", "status"] => ("GET", (method == "GET").then_some(Route::Status)),
        ["sync", kind, rest @ ..] => {
            let kind = ImportKind::named(kind).filter(|_| mode.is_none_or(AppType::import));
            let kind = kind.ok_or(Miss::NotFound)?;
            let (allowed, action) = sync(method, rest)?;
            (allowed, action.map(|action| Route::Sync(kind, action)))
        }
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

/// What may be done with the imports of a kind, by the rest of the path: the methods, and the
/// action if this is one of them.
fn sync(method: &str, rest: &[&str]) -> Result<(&'static str, Option<Sync>), Miss> {
    let (allowed, actions): (_, &[_]) = match rest {
        [] => ("GET, POST", &[("GET", Sync::Read), ("POST", Sync::Start)]),
        ["stop"] => ("POST", &[("POST", Sync::Stop)]),
        ["resume"] => ("POST", &[("POST", Sync::Resume)]),
        ["failures"] => ("GET", &[("GET", Sync::Failures)]),
        ["failures", "retry"] => ("POST", &[("POST", Sync::Retry)]),
        _ => return Err(Miss::NotFound),
    };
    let action = actions.iter().find(|(name, _)| *name == method).map(|(_, action)| *action);
    Ok((allowed, action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_takes_its_methods() {
        for (method, path, expected) in [
            ("GET", "/health", Ok(Route::Health)),
            ("POST", "/health", Err(Miss::Method("GET"))),
            ("GET", "/", Ok(Route::Dashboard(&dashboard::PAGE))),
            ("PUT", "/", Err(Miss::Method("GET, POST, OPTIONS"))),
            ("GET", "/events", Err(Miss::Method("POST, OPTIONS"))),
            ("POST", "/dashboard/style.css", Err(Miss::Method("GET"))),
            ("GET", "/dashboard/index.html", Err(Miss::NotFound)),
            ("GET", "/dashboard/", Err(Miss::NotFound)),
            ("GET", "/dashboard", Err(Miss::NotFound)),
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
            ("GET", "/check", Ok(Route::Check)),
            ("POST", "/check", Err(Miss::Method("GET"))),
            ("POST", "/preview", Ok(Route::Preview)),
            ("GET", "/preview", Err(Miss::Method("POST"))),
            ("GET", "/sync/status", Ok(Route::Status)),
            ("POST", "/sync/status", Err(Miss::Method("GET"))),
            ("POST", "/sync/orders", Ok(Route::Sync(ImportKind::Orders, Sync::Start))),
            ("GET", "/sync/orders", Ok(Route::Sync(ImportKind::Orders, Sync::Read))),
            ("DELETE", "/sync/orders", Err(Miss::Method("GET, POST"))),
            ("POST", "/sync/orders/stop", Ok(Route::Sync(ImportKind::Orders, Sync::Stop))),
            ("GET", "/sync/orders/stop", Err(Miss::Method("POST"))),
            ("POST", "/sync/orders/resume", Ok(Route::Sync(ImportKind::Orders, Sync::Resume))),
            ("GET", "/sync/orders/failures", Ok(Route::Sync(ImportKind::Orders, Sync::Failures))),
            (
                "POST",
                "/sync/orders/failures/retry",
                Ok(Route::Sync(ImportKind::Orders, Sync::Retry)),
            ),
            ("GET", "/sync/orders/failures/retry", Err(Miss::Method("POST"))),
            ("GET", "/sync/orders/elsewhere", Err(Miss::NotFound)),
            ("GET", "/sync/payments", Err(Miss::NotFound)),
            ("POST", "/dead-letters/7", Err(Miss::Method("GET, DELETE"))),
            ("GET", "/elsewhere", Err(Miss::NotFound)),
            ("GET", "/health/x", Err(Miss::NotFound)),
        ] {
            assert_eq!(find(method, path, Some(AppType::Both)), expected, "{method} {path}");
        }
    }

    #[test]
    fn what_is_off_is_not_found() {
        assert_eq!(find("POST", "/", Some(AppType::Import)), Err(Miss::NotFound));
        assert_eq!(find("OPTIONS", "/", Some(AppType::Import)), Err(Miss::NotFound));
        for mode in [Some(AppType::Import), Some(AppType::Realtime), None] {
            assert_eq!(find("GET", "/", mode), Ok(Route::Dashboard(&dashboard::PAGE)));
        }
        assert_eq!(find("GET", "/events", Some(AppType::Import)), Err(Miss::NotFound));
        assert_eq!(find("POST", "/", Some(AppType::Realtime)), Ok(Route::Push));
        assert_eq!(find("POST", "/", None), Ok(Route::Push));
        assert_eq!(find("POST", "/sync/orders", Some(AppType::Realtime)), Err(Miss::NotFound));
        assert_eq!(find("PUT", "/sync/orders/stop", Some(AppType::Realtime)), Err(Miss::NotFound));
        for mode in [AppType::Realtime, AppType::Import] {
            assert_eq!(find("GET", "/sync/status", Some(mode)), Ok(Route::Status));
            assert_eq!(find("GET", "/check", Some(mode)), Ok(Route::Check));
            assert_eq!(find("POST", "/preview", Some(mode)), Ok(Route::Preview));
        }
    }
}
