//! The paths, and the possible actions on them.

use super::dashboard::{self, DashboardFile};
use super::handshake;
use crate::config::AppType;
use crate::import::kind::ImportKind;

/// The target of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Whether the Worker is up and configured.
    Health,
    /// The page for operators, or a file of it.
    Dashboard(&'static DashboardFile),
    /// A notification.
    Push,
    /// The question whether a sender may deliver notifications.
    Consent,
    /// Dead letters.
    DeadLetters(DeadLetterAction),
    /// Waiting notifications.
    Outbox(OutboxAction),
    /// Imports of several kinds, one after the other.
    Sequence,
    /// Imports of a kind.
    Sync(ImportKind, SyncAction),
    /// How far everything is.
    Status,
    /// Whether everything outside meets this Worker's needs.
    Check,
    /// What the Worker would send to Klaviyo.
    Preview,
    /// How far everything is, for Prometheus.
    Metrics,
    /// A test of the receiver of alerts.
    TestAlert,
    /// Where a record is.
    Trace,
    /// The feed of commercetools' messages.
    Feed(FeedAction),
}

impl Route {
    /// Whether it changes nothing and shows no personal data, so that the read token is enough.
    pub(super) fn is_for_readers(&self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::Metrics
                | Self::Check
                | Self::Sync(_, SyncAction::Read)
                | Self::Feed(FeedAction::Read)
        )
    }
}

/// The actions on the imports of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyncAction {
    Start,
    Read,
    Stop,
    Resume,
    Failures,
    /// Delete the failure that the path names.
    Forget,
    ForgetMany,
    Retry,
    Skipped,
}

/// The actions on the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeedAction {
    Read,
    Replay,
}

/// The actions on waiting notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutboxAction {
    List,
    Retry,
}

/// The actions on dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeadLetterAction {
    List,
    Read(String),
    Delete(String),
    DeleteMany,
    Replay(String),
    ReplayMany,
}

/// Why a request has no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoute {
    /// The path does not exist, or is switched off.
    NotFound,
    /// The path only takes these methods, for the header `Allow`.
    Method(&'static str),
}

/// The methods of the path that the page and pushes share, for the header `Allow`.
const PAGE_METHODS: &str = "GET, POST, OPTIONS";

/// Finds the route. Without a `mode` (the settings are invalid) every path exists.
pub(super) fn find(method: &str, path: &str, mode: Option<AppType>) -> Result<Route, NoRoute> {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let (allowed, route) = match segments.as_slice() {
        ["health"] => ("GET", (method == "GET").then_some(Route::Health)),
        ["dashboard", name] => {
            let file = dashboard::file(name).ok_or(NoRoute::NotFound)?;
            ("GET", (method == "GET").then_some(Route::Dashboard(file)))
        }
        [""] if method == "GET" => return Ok(Route::Dashboard(&dashboard::PAGE)),
        ["" | "events"] if mode.is_some_and(|mode| !mode.realtime()) => {
            return Err(NoRoute::NotFound);
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
            let action = match method {
                "GET" => Some(DeadLetterAction::List),
                "DELETE" => Some(DeadLetterAction::DeleteMany),
                _ => None,
            };
            ("GET, DELETE", action.map(Route::DeadLetters))
        }
        ["outbox"] => ("GET", (method == "GET").then_some(Route::Outbox(OutboxAction::List))),
        ["outbox", "retry"] => {
            ("POST", (method == "POST").then_some(Route::Outbox(OutboxAction::Retry)))
        }
        ["metrics"] => ("GET", (method == "GET").then_some(Route::Metrics)),
        ["alerts", "test"] => ("POST", (method == "POST").then_some(Route::TestAlert)),
        ["feed", ..] if mode.is_some_and(|mode| !mode.realtime()) => {
            return Err(NoRoute::NotFound);
        }
        ["feed"] => ("GET", (method == "GET").then_some(Route::Feed(FeedAction::Read))),
        ["feed", "replay"] => {
            ("POST", (method == "POST").then_some(Route::Feed(FeedAction::Replay)))
        }
        ["check"] => ("GET", (method == "GET").then_some(Route::Check)),
        ["preview"] => ("POST", (method == "POST").then_some(Route::Preview)),
        ["trace"] => ("GET, POST", matches!(method, "GET" | "POST").then_some(Route::Trace)),
        ["sync", "status"] => ("GET", (method == "GET").then_some(Route::Status)),
        ["sync"] if mode.is_none_or(AppType::import) => {
            ("POST", (method == "POST").then_some(Route::Sequence))
        }
        ["sync", kind, rest @ ..] => {
            let kind = ImportKind::named(kind).filter(|_| mode.is_none_or(AppType::import));
            let kind = kind.ok_or(NoRoute::NotFound)?;
            let (allowed, action) = sync(method, rest)?;
            (allowed, action.map(|action| Route::Sync(kind, action)))
        }
        ["dead-letters", "replay"] => {
            ("POST", (method == "POST").then_some(Route::DeadLetters(DeadLetterAction::ReplayMany)))
        }
        ["dead-letters", id, "replay"] => {
            let action = (method == "POST").then(|| DeadLetterAction::Replay((*id).to_owned()));
            ("POST", action.map(Route::DeadLetters))
        }
        ["dead-letters", id] => {
            let action = match method {
                "GET" => Some(DeadLetterAction::Read((*id).to_owned())),
                "DELETE" => Some(DeadLetterAction::Delete((*id).to_owned())),
                _ => None,
            };
            ("GET, DELETE", action.map(Route::DeadLetters))
        }
        _ => return Err(NoRoute::NotFound),
    };
    route.ok_or(NoRoute::Method(allowed))
}

/// The actions on the imports of a kind, by the rest of the path: the methods, and the action if
/// this is one of them.
fn sync(method: &str, rest: &[&str]) -> Result<(&'static str, Option<SyncAction>), NoRoute> {
    let (allowed, actions): (_, &[_]) = match rest {
        [] => ("GET, POST", &[("GET", SyncAction::Read), ("POST", SyncAction::Start)]),
        ["stop"] => ("POST", &[("POST", SyncAction::Stop)]),
        ["resume"] => ("POST", &[("POST", SyncAction::Resume)]),
        ["failures"] => {
            ("GET, DELETE", &[("GET", SyncAction::Failures), ("DELETE", SyncAction::ForgetMany)])
        }
        ["failures", "retry"] => ("POST", &[("POST", SyncAction::Retry)]),
        ["skipped"] => ("GET", &[("GET", SyncAction::Skipped)]),
        ["failures", _] => ("DELETE", &[("DELETE", SyncAction::Forget)]),
        _ => return Err(NoRoute::NotFound),
    };
    let action = actions.iter().find(|(name, _)| *name == method).map(|(_, action)| *action);
    Ok((allowed, action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_is_a_part_of_realtime() {
        for (method, path, expected) in [
            ("GET", "/feed", Ok(Route::Feed(FeedAction::Read))),
            ("POST", "/feed/replay", Ok(Route::Feed(FeedAction::Replay))),
            ("GET", "/feed/replay", Err(NoRoute::Method("POST"))),
            ("POST", "/feed", Err(NoRoute::Method("GET"))),
            ("GET", "/feed/elsewhere", Err(NoRoute::NotFound)),
        ] {
            assert_eq!(find(method, path, Some(AppType::Both)), expected, "{method} {path}");
            let off = find(method, path, Some(AppType::Import));
            assert_eq!(off, Err(NoRoute::NotFound), "{method} {path}");
        }
    }

    #[test]
    fn each_path_takes_its_methods() {
        for (method, path, expected) in [
            ("GET", "/health", Ok(Route::Health)),
            ("POST", "/health", Err(NoRoute::Method("GET"))),
            ("GET", "/", Ok(Route::Dashboard(&dashboard::PAGE))),
            ("PUT", "/", Err(NoRoute::Method("GET, POST, OPTIONS"))),
            ("GET", "/events", Err(NoRoute::Method("POST, OPTIONS"))),
            ("POST", "/dashboard/style.css", Err(NoRoute::Method("GET"))),
            ("GET", "/dashboard/index.html", Err(NoRoute::NotFound)),
            ("GET", "/dashboard/", Err(NoRoute::NotFound)),
            ("GET", "/dashboard", Err(NoRoute::NotFound)),
            ("POST", "/", Ok(Route::Push)),
            ("POST", "/events", Ok(Route::Push)),
            ("PUT", "/events", Err(NoRoute::Method("POST, OPTIONS"))),
            ("OPTIONS", "/", Ok(Route::Consent)),
            ("OPTIONS", "/events", Ok(Route::Consent)),
            ("OPTIONS", "/health", Err(NoRoute::Method("GET"))),
            ("GET", "/dead-letters", Ok(Route::DeadLetters(DeadLetterAction::List))),
            ("DELETE", "/dead-letters", Ok(Route::DeadLetters(DeadLetterAction::DeleteMany))),
            ("POST", "/dead-letters", Err(NoRoute::Method("GET, DELETE"))),
            (
                "GET",
                "/dead-letters/7",
                Ok(Route::DeadLetters(DeadLetterAction::Read("7".to_owned()))),
            ),
            (
                "DELETE",
                "/dead-letters/7",
                Ok(Route::DeadLetters(DeadLetterAction::Delete("7".to_owned()))),
            ),
            (
                "POST",
                "/dead-letters/7/replay",
                Ok(Route::DeadLetters(DeadLetterAction::Replay("7".to_owned()))),
            ),
            ("POST", "/dead-letters/replay", Ok(Route::DeadLetters(DeadLetterAction::ReplayMany))),
            ("GET", "/dead-letters/replay", Err(NoRoute::Method("POST"))),
            ("GET", "/outbox", Ok(Route::Outbox(OutboxAction::List))),
            ("DELETE", "/outbox", Err(NoRoute::Method("GET"))),
            ("POST", "/outbox/retry", Ok(Route::Outbox(OutboxAction::Retry))),
            ("GET", "/outbox/retry", Err(NoRoute::Method("POST"))),
            ("GET", "/outbox/7", Err(NoRoute::NotFound)),
            ("GET", "/metrics", Ok(Route::Metrics)),
            ("POST", "/metrics", Err(NoRoute::Method("GET"))),
            ("POST", "/alerts/test", Ok(Route::TestAlert)),
            ("GET", "/alerts/test", Err(NoRoute::Method("POST"))),
            ("GET", "/alerts", Err(NoRoute::NotFound)),
            ("GET", "/check", Ok(Route::Check)),
            ("POST", "/check", Err(NoRoute::Method("GET"))),
            ("POST", "/preview", Ok(Route::Preview)),
            ("GET", "/preview", Err(NoRoute::Method("POST"))),
            ("GET", "/trace", Ok(Route::Trace)),
            ("POST", "/trace", Ok(Route::Trace)),
            ("DELETE", "/trace", Err(NoRoute::Method("GET, POST"))),
            ("GET", "/trace/7", Err(NoRoute::NotFound)),
        ] {
            assert_eq!(find(method, path, Some(AppType::Both)), expected, "{method} {path}");
        }
    }

    #[test]
    fn each_path_of_imports_takes_its_methods() {
        for (method, path, expected) in [
            ("GET", "/sync/status", Ok(Route::Status)),
            ("POST", "/sync/status", Err(NoRoute::Method("GET"))),
            ("POST", "/sync", Ok(Route::Sequence)),
            ("GET", "/sync", Err(NoRoute::Method("POST"))),
            ("POST", "/sync/", Err(NoRoute::NotFound)),
            ("POST", "/sync/orders", Ok(Route::Sync(ImportKind::Orders, SyncAction::Start))),
            ("GET", "/sync/orders", Ok(Route::Sync(ImportKind::Orders, SyncAction::Read))),
            ("DELETE", "/sync/orders", Err(NoRoute::Method("GET, POST"))),
            ("POST", "/sync/orders/stop", Ok(Route::Sync(ImportKind::Orders, SyncAction::Stop))),
            ("GET", "/sync/orders/stop", Err(NoRoute::Method("POST"))),
            (
                "POST",
                "/sync/orders/resume",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::Resume)),
            ),
            (
                "GET",
                "/sync/orders/failures",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::Failures)),
            ),
            (
                "POST",
                "/sync/orders/failures/retry",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::Retry)),
            ),
            ("GET", "/sync/orders/failures/retry", Err(NoRoute::Method("POST"))),
            ("POST", "/sync/orders/failures", Err(NoRoute::Method("GET, DELETE"))),
            (
                "DELETE",
                "/sync/orders/failures",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::ForgetMany)),
            ),
            (
                "DELETE",
                "/sync/orders/failures/7",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::Forget)),
            ),
            ("GET", "/sync/orders/failures/7", Err(NoRoute::Method("DELETE"))),
            (
                "GET",
                "/sync/orders/skipped",
                Ok(Route::Sync(ImportKind::Orders, SyncAction::Skipped)),
            ),
            ("DELETE", "/sync/orders/skipped", Err(NoRoute::Method("GET"))),
            ("GET", "/sync/orders/skipped/7", Err(NoRoute::NotFound)),
            ("GET", "/sync/orders/elsewhere", Err(NoRoute::NotFound)),
            ("GET", "/sync/payments", Err(NoRoute::NotFound)),
            ("POST", "/dead-letters/7", Err(NoRoute::Method("GET, DELETE"))),
            ("GET", "/elsewhere", Err(NoRoute::NotFound)),
            ("GET", "/health/x", Err(NoRoute::NotFound)),
        ] {
            assert_eq!(find(method, path, Some(AppType::Both)), expected, "{method} {path}");
        }
    }

    #[test]
    fn readers_are_shown_how_far_everything_is() {
        let is_for_readers = |method, path| {
            find(method, path, Some(AppType::Both)).expect("a route").is_for_readers()
        };
        for path in ["/sync/status", "/sync/orders", "/check"] {
            assert!(is_for_readers("GET", path), "{path}");
        }
        for (method, path) in [
            ("POST", "/sync"),
            ("POST", "/sync/orders"),
            ("GET", "/sync/orders/failures"),
            ("GET", "/sync/orders/skipped"),
            ("POST", "/sync/orders/stop"),
            ("GET", "/dead-letters"),
            ("GET", "/dead-letters/7"),
            ("GET", "/outbox"),
            ("POST", "/outbox/retry"),
            ("POST", "/preview"),
            ("GET", "/trace"),
            ("POST", "/trace"),
        ] {
            assert!(!is_for_readers(method, path), "{method} {path}");
        }
    }

    #[test]
    fn what_is_off_is_not_found() {
        assert_eq!(find("POST", "/", Some(AppType::Import)), Err(NoRoute::NotFound));
        assert_eq!(find("OPTIONS", "/", Some(AppType::Import)), Err(NoRoute::NotFound));
        for mode in [Some(AppType::Import), Some(AppType::Realtime), None] {
            assert_eq!(find("GET", "/", mode), Ok(Route::Dashboard(&dashboard::PAGE)));
        }
        assert_eq!(find("GET", "/events", Some(AppType::Import)), Err(NoRoute::NotFound));
        assert_eq!(find("POST", "/", Some(AppType::Realtime)), Ok(Route::Push));
        assert_eq!(find("POST", "/", None), Ok(Route::Push));
        assert_eq!(find("POST", "/sync/orders", Some(AppType::Realtime)), Err(NoRoute::NotFound));
        for method in ["POST", "GET"] {
            assert_eq!(find(method, "/sync", Some(AppType::Realtime)), Err(NoRoute::NotFound));
        }
        assert_eq!(
            find("PUT", "/sync/orders/stop", Some(AppType::Realtime)),
            Err(NoRoute::NotFound)
        );
        for mode in [AppType::Realtime, AppType::Import] {
            assert_eq!(find("GET", "/sync/status", Some(mode)), Ok(Route::Status));
            assert_eq!(find("GET", "/check", Some(mode)), Ok(Route::Check));
            assert_eq!(find("POST", "/preview", Some(mode)), Ok(Route::Preview));
            assert_eq!(find("GET", "/trace", Some(mode)), Ok(Route::Trace));
        }
    }
}
