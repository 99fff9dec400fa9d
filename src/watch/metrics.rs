//! The figures of the status in Prometheus' text format 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.
//!
//! No label holds an id: labels are kinds, states, codes and outcomes, which have few values. Not in scope: the source
//! of the figures.

use std::fmt::Write as _;

use serde_json::Value;

use crate::config::FeedMode;
use crate::import::kind::ImportKind;

/// The type of its content.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The prefix of all names.
const PREFIX: &str = "commercetools_klaviyo_";

/// The states of a run; each is a series of its own.
const STATES: [&str; 6] = ["idle", "running", "stopping", "stopped", "completed", "failed"];

/// Ends of notifications: the member of the counts, and the label.
const OUTCOMES: [(&str, &str); 4] = [
    ("delivered", "delivered"),
    ("ignored", "ignored"),
    ("parked", "parked"),
    ("deadLettered", "dead_lettered"),
];

/// The status of `GET /sync/status` as a text for Prometheus.
#[must_use]
pub fn render(status: &Value) -> String {
    let mut page = MetricsPage::default();
    of_realtime(&mut page, &status["realtime"]);
    of_outbox(&mut page, &status["outbox"]);
    of_imports(&mut page, status);
    of_feed(&mut page, &status["feed"]);
    let alerts = status["alerts"].as_array();
    page.family("alerts", "gauge", "Open alerts.");
    page.number("alerts", &[], alerts.map(|alerts| alerts.len() as u64));
    page.family("alert", "gauge", "1 for each cause that has an open alert.");
    for alert in alerts.into_iter().flatten() {
        let label = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
        page.number("alert", &[("code", &label("code")), ("of", &label("of"))], Some(1));
    }
    page.text
}

fn of_realtime(page: &mut MetricsPage, realtime: &Value) {
    let counts = &realtime["counts"];
    page.family("notifications_total", "counter", "Notifications by their end.");
    for (member, outcome) in OUTCOMES {
        page.number("notifications_total", &[("outcome", outcome)], counts[member].as_u64());
    }
    page.family("notifications_ignored_total", "counter", "Ignored notifications by their reason.");
    for (code, count) in counts["ignoredBy"].as_object().into_iter().flatten() {
        page.number("notifications_ignored_total", &[("code", code)], count.as_u64());
    }
    page.family("pushes_refused_total", "counter", "Pushes without valid credentials.");
    page.number("pushes_refused_total", &[], counts["refused"].as_u64());
    page.family("throttled_total", "counter", "Answers 429 of commercetools and Klaviyo.");
    page.number("throttled_total", &[], counts["throttled"].as_u64());
    for (member, name, help) in [
        (
            "lastReceived",
            "last_received_timestamp_seconds",
            "When a notification was last received.",
        ),
        ("lastDelivered", "last_delivered_timestamp_seconds", "When one was last delivered."),
    ] {
        page.family(name, "gauge", help);
        page.number(name, &[], seconds(&realtime[member]));
    }
}

fn of_outbox(page: &mut MetricsPage, outbox: &Value) {
    page.family("outbox_waiting", "gauge", "Notifications that wait, by the reason.");
    page.number("outbox_waiting", &[], outbox["waiting"].as_u64());
    page.family("outbox_waiting_by_code", "gauge", "Waiting ones by the code of the last try.");
    for error in outbox["lastErrors"].as_array().into_iter().flatten() {
        let code = error["code"].as_str().unwrap_or_default();
        page.number("outbox_waiting_by_code", &[("code", code)], error["count"].as_u64());
    }
    page.family("outbox_oldest_timestamp_seconds", "gauge", "When the oldest was parked.");
    page.number("outbox_oldest_timestamp_seconds", &[], seconds(&outbox["oldest"]));
    page.family("dead_letters", "gauge", "Notifications that need a person.");
    page.number("dead_letters", &[], outbox["deadLetters"].as_u64());
}

fn of_imports(page: &mut MetricsPage, status: &Value) {
    page.family("import_state", "gauge", "1 for the state of the newest run of a kind.");
    for kind in ImportKind::ALL.map(ImportKind::name) {
        for state in STATES {
            let is = status[kind]["state"] == state;
            page.number("import_state", &[("kind", kind), ("state", state)], Some(is.into()));
        }
    }
    page.family("import_records", "gauge", "Records of the newest run of a kind, by their end.");
    for kind in ImportKind::ALL.map(ImportKind::name) {
        for member in ["read", "sent", "skipped", "failed"] {
            let count = status[kind][member].as_u64();
            page.number("import_records", &[("kind", kind), ("end", member)], count);
        }
    }
    page.family("import_failures", "gauge", "Records that could not be sent, by kind.");
    for kind in ImportKind::ALL.map(ImportKind::name) {
        page.number("import_failures", &[("kind", kind)], status[kind]["failures"].as_u64());
    }
}

fn of_feed(page: &mut MetricsPage, feed: &Value) {
    if feed["mode"] == FeedMode::Off.name() {
        return;
    }
    page.family("feed_lag_seconds", "gauge", "For how long messages are not known to be read.");
    page.number("feed_lag_seconds", &[], feed["lagSeconds"].as_u64());
    page.family("feed_failing", "gauge", "1 while messages cannot be read.");
    page.number("feed_failing", &[], feed["lastError"].as_str().map(|_| 1).or(Some(0)));
    page.family("feed_lost_by_broker", "gauge", "Notifications that the broker has not delivered.");
    page.number("feed_lost_by_broker", &[], feed["lostByBroker"]["count"].as_u64());
    page.family("feed_late_total", "counter", "Notifications that the broker delivered late.");
    page.number("feed_late_total", &[], feed["late"].as_u64());
}

/// A shown time in whole seconds since 1970.
fn seconds(time: &Value) -> Option<u64> {
    let time = chrono::DateTime::parse_from_rfc3339(time.as_str()?).ok()?;
    u64::try_from(time.timestamp()).ok()
}

/// The page so far.
#[derive(Default)]
struct MetricsPage {
    text: String,
}

impl MetricsPage {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _ = write!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n");
    }

    /// One series, unless its value is unknown.
    fn number(&mut self, name: &str, labels: &[(&str, &str)], value: Option<u64>) {
        let Some(value) = value else { return };
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{PREFIX}{name}{labels} {value}");
    }
}

/// The value of a label, escaped for the format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_figure_has_its_series() {
        let status = json!({
            "realtime": {
                "counts": {"delivered": 7, "refused": 2, "ignoredBy": {"a\"b\\c\nd": 3}},
                "lastReceived": "1970-01-01T00:01:00.000Z", "lastDelivered": null,
            },
            "outbox": {"waiting": 2, "oldest": null, "deadLetters": 1,
                "lastErrors": [{"code": "klaviyo_503", "count": 2}]},
            "orders": {"state": "running", "read": 5, "failures": 4},
            "alerts": [{"id": "x", "code": "import_failed", "of": "orders"}],
        });
        let text = render(&status);
        for line in [
            "notifications_total{outcome=\"delivered\"} 7",
            "notifications_ignored_total{code=\"a\\\"b\\\\c\\nd\"} 3",
            "pushes_refused_total 2",
            "last_received_timestamp_seconds 60",
            "outbox_waiting 2",
            "outbox_waiting_by_code{code=\"klaviyo_503\"} 2",
            "dead_letters 1",
            "import_state{kind=\"orders\",state=\"running\"} 1",
            "import_state{kind=\"orders\",state=\"failed\"} 0",
            "import_records{kind=\"orders\",end=\"read\"} 5",
            "import_failures{kind=\"orders\"} 4",
            "alerts 1",
            "alert{code=\"import_failed\",of=\"orders\"} 1",
        ] {
            let line = format!("{PREFIX}{line}");
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        // An unknown value is left out, and no id appears anywhere.
        assert!(!text.contains("last_delivered_timestamp_seconds ") || !text.contains("null"));
        assert!(!text.contains("\"x\""));
    }

    #[test]
    fn each_series_stands_below_its_family() {
        let text = render(&json!({}));
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap_or_default();
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap_or_default();
                assert_eq!(name, family, "{line}");
            }
        }
    }
}
