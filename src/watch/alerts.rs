//! Alerts: causes over time, and what the receiver learns about them.
//!
//! A new cause begins an alert, a cause that is gone ends it. Each beginning and each end is reported once, and a
//! reminder goes out once a day. A request carries everything to report, and there is at most one a minute. Everything
//! to report is kept until the receiver accepts it, so a crash loses nothing: what was under way comes again, with the
//! same id.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::causes::{Cause, CauseArea, Situation};
use crate::time::UnixMs;

/// An alert that lasts is reported again after this time.
const REMINDER: Duration = Duration::from_hours(24);

/// The shortest time between two requests, and the longest, if the receiver fails again and again.
const PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// How many alerts a text names.
const NAMED: usize = 20;

/// The code of an alert that only tests the receiver.
const TEST: &str = "test";

/// A cause since it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its own id: if the same cause begins again, it has another one.
    pub id: String,
    /// The area of its cause.
    pub area: CauseArea,
    /// The cause's code.
    pub code: String,
    /// The object of the cause.
    pub of: Option<String>,
    /// When a look first saw it.
    pub since: UnixMs,
    /// How many records, pushes or notifications.
    pub count: u64,
    /// What happened and what to do.
    pub detail: String,
    /// When a look saw that it was gone.
    pub ended: Option<UnixMs>,
    /// When the receiver last accepted it.
    pub told: Option<UnixMs>,
}

impl Alert {
    fn of_cause(cause: Cause, now: UnixMs) -> Self {
        let Cause { area, code, of, count, detail } = cause;
        let name = of.as_ref().map_or_else(|| code.clone(), |of| format!("{code}-{of}"));
        let id = format!("{name}-{}", now.ms());
        Self { id, area, code, of, since: now, count, detail, ended: None, told: None }
    }

    /// An alert that only tests the receiver.
    #[must_use]
    pub fn test(now: UnixMs) -> Self {
        let cause = Cause {
            area: CauseArea::Realtime,
            code: TEST.to_owned(),
            of: None,
            count: 1,
            detail: "This is a test: alerts arrive here.".to_owned(),
        };
        // It is over from the beginning, so nobody sees it.
        Self { ended: Some(now), ..Self::of_cause(cause, now) }
    }

    fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    fn is_of(&self, cause: &Cause) -> bool {
        self.code == cause.code && self.of == cause.of
    }

    /// Its form in `GET /sync/status`.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id, "code": self.code, "of": self.of, "since": self.since.shown(),
            "count": self.count, "detail": self.detail,
        })
    }
}

/// Whether there is a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertReceiver {
    /// `ALERT_URL` is set.
    Set,
    /// It is not: ends are not kept for a report.
    Unset,
}

/// The alerts after these causes were seen.
#[must_use]
pub fn follow(
    alerts: &[Alert],
    situation: &Situation<'_>,
    causes: Vec<Cause>,
    receiver: AlertReceiver,
) -> Vec<Alert> {
    let now = situation.now;
    let mut followed = Vec::new();
    for alert in alerts {
        let mut alert = alert.clone();
        if let (true, Some(cause)) = (alert.is_open(), causes.iter().find(|one| alert.is_of(one))) {
            alert.count = cause.count;
            alert.detail.clone_from(&cause.detail);
        } else if alert.is_open() && situation.knows(alert.area) {
            alert.ended = Some(now);
        }
        if alert.is_open() || receiver == AlertReceiver::Set {
            followed.push(alert);
        }
    }
    for cause in causes {
        if !followed.iter().any(|alert| alert.is_open() && alert.is_of(&cause)) {
            followed.push(Alert::of_cause(cause, now));
        }
    }
    followed
}

/// The alerts that have not ended.
pub fn open(alerts: &[Alert]) -> impl Iterator<Item = &Alert> {
    alerts.iter().filter(|alert| alert.is_open())
}

/// The content of a notice about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// It began.
    Began,
    /// It ended.
    Ended,
    /// It lasts.
    Reminder,
}

/// A notice for the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The alert.
    pub alert: Alert,
    /// The state to report.
    pub state: NoticeState,
}

/// All notices for now. If an alert began and ended meanwhile, one request reports both.
#[must_use]
pub fn notices(alerts: &[Alert], now: UnixMs) -> Vec<Notice> {
    let mut notices = Vec::new();
    for alert in alerts {
        let mut tell = |state| notices.push(Notice { alert: alert.clone(), state });
        match (alert.told, alert.ended) {
            (None, None) => tell(NoticeState::Began),
            (None, Some(_)) if alert.code == TEST => tell(NoticeState::Began),
            (None, Some(_)) => {
                tell(NoticeState::Began);
                tell(NoticeState::Ended);
            }
            (Some(_), Some(_)) => tell(NoticeState::Ended),
            (Some(told), None) if now.since(told) >= REMINDER => tell(NoticeState::Reminder),
            (Some(_), None) => {}
        }
    }
    notices
}

/// The receiver accepted these.
pub fn told(alerts: &mut Vec<Alert>, notices: &[Notice], now: UnixMs) {
    for notice in notices {
        let of = |alert: &Alert| alert.id == notice.alert.id;
        match notice.state {
            NoticeState::Began | NoticeState::Reminder => {
                for alert in alerts.iter_mut().filter(|alert| of(alert)) {
                    alert.told = Some(now);
                }
            }
            NoticeState::Ended => alerts.retain(|alert| !of(alert)),
        }
    }
    alerts.retain(|alert| alert.code != TEST || alert.told.is_none());
}

/// How the receiver accepts requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReceiverState {
    /// When the last request began; [`UnixMs::EPOCH`] for never.
    pub asked: UnixMs,
    /// How many requests have failed in a row.
    pub failures: u32,
}

impl ReceiverState {
    /// The earliest time of the next request.
    #[must_use]
    pub fn free_at(&self) -> UnixMs {
        let times = 1_u32.checked_shl(self.failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.asked + PAUSE.saturating_mul(times).min(LONGEST_PAUSE)
    }
}

/// The body of a request. `worker` names the Worker that sends it.
#[must_use]
pub fn body(notices: &[Notice], worker: &str) -> Value {
    let one = |Notice { alert, state }: &Notice| {
        json!({
            "id": alert.id, "code": alert.code, "of": alert.of, "state": state,
            "since": alert.since.shown(), "count": alert.count, "detail": alert.detail,
        })
    };
    json!({
        "text": text(notices, worker),
        "alerts": notices.iter().map(one).collect::<Vec<_>>(),
        "worker": worker,
    })
}

fn text(notices: &[Notice], worker: &str) -> String {
    let line = |Notice { alert, state }: &Notice| {
        let mark = match state {
            NoticeState::Began => "Needs attention",
            NoticeState::Reminder => "Still needs attention",
            NoticeState::Ended => "Over",
        };
        format!("\n{mark}: {} ({})", alert.detail, alert.code)
    };
    let named: String = notices.iter().take(NAMED).map(line).collect();
    let more = notices.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("commercetools–Klaviyo worker {worker}:{named}{more}")
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
