use serde_json::json;

use super::*;
use crate::outbox::store::status::WaitingCode;
use crate::watch::tally::RefusedCredentials;

const NOW: UnixMs = UnixMs::from_ms(1_780_272_000_000);

fn ago(seconds: u64) -> UnixMs {
    NOW - Duration::from_secs(seconds)
}

fn nothing() -> OutboxStatus {
    OutboxStatus { waiting: 0, oldest: None, dead_letters: 0, last_errors: Vec::new() }
}

fn waits(code: &str, count: u32, oldest: UnixMs) -> OutboxStatus {
    let last_errors = vec![WaitingCode { code: code.to_owned(), count }];
    OutboxStatus { waiting: count, oldest: Some(oldest), last_errors, ..nothing() }
}

/// A situation without causes.
struct AllWell {
    facts: WatchedFacts,
    rules: AlertRules,
    outbox: OutboxStatus,
    runs: Value,
    feed: Value,
    alarms: Vec<WatchedAlarm>,
    mode: AppType,
}

impl AllWell {
    fn new() -> Self {
        Self {
            facts: WatchedFacts { began: ago(3_600), ..WatchedFacts::default() },
            rules: AlertRules::default(),
            outbox: nothing(),
            runs: json!({"orders": {"state": "completed", "failures": 0}}),
            feed: json!({"mode": "off"}),
            alarms: Vec::new(),
            mode: AppType::Both,
        }
    }

    fn causes(&self) -> Vec<Cause> {
        causes(&Situation {
            facts: &self.facts,
            refused: 7,
            outbox: Some(&self.outbox),
            runs: Some(&self.runs),
            feed: Some(&self.feed),
            alarms: Some(&self.alarms),
            rules: &self.rules,
            mode: self.mode,
            now: NOW,
        })
    }

    /// Each cause as `code` or `code-of`, with its count.
    fn codes(&self) -> Vec<(String, u64)> {
        let name = |cause: Cause| match cause.of {
            Some(of) => (format!("{}-{of}", cause.code), cause.count),
            None => (cause.code, cause.count),
        };
        self.causes().into_iter().map(name).collect()
    }
}

#[track_caller]
fn finds(change: impl FnOnce(&mut AllWell), expected: &[(&str, u64)]) {
    let mut situation = AllWell::new();
    change(&mut situation);
    let expected: Vec<_> =
        expected.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
    assert_eq!(situation.codes(), expected);
}

#[test]
fn all_is_well() {
    finds(|_| {}, &[]);
}

#[test]
fn what_only_a_person_mends_needs_one_at_once() {
    for (code, expected) in [
        ("klaviyo_401", Some("klaviyo_401")),
        ("klaviyo_403", Some("klaviyo_403")),
        ("klaviyo_410", Some("klaviyo_410")),
        ("commercetools_401", Some("commercetools_401")),
        ("commercetools_403", Some("commercetools_403")),
        ("commercetools_token_400", Some("commercetools_token_400")),
        ("commercetools_token_401", Some("commercetools_token_401")),
        ("klaviyo_503", None),
        ("klaviyo_429", None),
        ("klaviyo_timeout", None),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|code| (code, 3)).collect();
        finds(|all| all.outbox = waits(code, 3, ago(1)), &expected);
    }
    finds(|all| all.outbox.dead_letters = 2, &[("dead_letters", 2)]);
}

#[test]
fn what_waits_for_long_needs_a_person() {
    let waiting = |seconds| waits("klaviyo_503", 4, ago(seconds));
    finds(|all| all.outbox = waiting(15 * 60), &[]);
    finds(|all| all.outbox = waiting(15 * 60 + 1), &[("waiting_long", 4)]);
    let patient = |all: &mut AllWell| {
        all.outbox = waiting(30 * 24 * 3_600);
        all.rules.waiting_minutes = 0;
    };
    finds(patient, &[]);
}

#[test]
fn imports_need_a_person_that_failed_are_stuck_or_left_something() {
    let run = |run: Value| move |all: &mut AllWell| all.runs = json!({ "orders": run });
    let at = |seconds| ago(seconds).shown();
    let failed = json!({"state": "failed", "error": {"code": "klaviyo_401", "message": "m"}});
    finds(run(failed), &[("import_failed-orders", 1)]);
    finds(run(json!({"state": "completed", "failures": 3})), &[("import_failures-orders", 3)]);
    finds(run(json!({"state": "running", "updatedAt": at(300)})), &[]);
    finds(run(json!({"state": "running", "updatedAt": at(301)})), &[("import_stuck-orders", 1)]);
    finds(run(json!({"state": "stopped", "updatedAt": at(301)})), &[]);
    let waiting = |since| {
        json!({"state": "running", "updatedAt": at(1),
            "waiting": {"code": "klaviyo_503", "since": at(since)}})
    };
    finds(run(waiting(900)), &[]);
    finds(run(waiting(901)), &[("import_stuck-orders", 1)]);
    finds(run(json!({"state": "idle", "id": null})), &[]);
}

#[test]
fn an_alarm_that_does_not_come_needs_a_person() {
    let alarm = |is_needed, due| {
        move |all: &mut AllWell| all.alarms = vec![WatchedAlarm { of: "outbox", is_needed, due }]
    };
    let missing = [("alarm_missing-outbox", 1)];
    finds(alarm(true, None), &missing);
    finds(alarm(true, Some(ago(61))), &missing);
    finds(alarm(true, Some(ago(60))), &[]);
    finds(alarm(false, None), &[]);
    let silent = |since| move |all: &mut AllWell| all.facts.imports_silent_since = since;
    finds(silent(ago(61)), &[("object_silent-import", 1)]);
    finds(silent(ago(60)), &[]);
}

#[test]
fn refused_notifications_need_a_person_until_none_came_for_a_minute() {
    let refusals = |seconds: &[u64]| {
        let carried = RefusedCredentials::NotPushToken;
        let refusals: Vec<_> =
            seconds.iter().map(|ago_| RefusedNotification { at: ago(*ago_), carried }).collect();
        move |all: &mut AllWell| all.facts.refusals = refusals
    };
    finds(refusals(&[1, 2]), &[]);
    finds(refusals(&[1, 2, 301]), &[("pushes_refused", 7)]);
    finds(refusals(&[1, 2, 302]), &[]);
    finds(refusals(&[60, 61, 62]), &[("pushes_refused", 7)]);
    finds(refusals(&[61, 62, 63]), &[]);
    let mut situation = AllWell::new();
    refusals(&[1, 1, 1])(&mut situation);
    assert!(situation.causes()[0].detail.contains("not PUSH_TOKEN"));
}

#[test]
fn silence_is_told_if_it_is_asked_for() {
    let heard = |seconds, hours| {
        move |all: &mut AllWell| {
            all.rules.silence_hours = hours;
            all.facts.began = ago(10 * 3_600);
            all.facts.last = LastSeen { received: ago(seconds), ..LastSeen::default() };
        }
    };
    finds(heard(3_601, 0), &[]);
    finds(heard(3_600, 1), &[]);
    finds(heard(3_601, 1), &[("silence", 1)]);
    let import_only = |all: &mut AllWell| {
        heard(3_601, 1)(all);
        all.mode = AppType::Import;
    };
    finds(import_only, &[]);
    let new = |all: &mut AllWell| {
        heard(3_601, 1)(all);
        all.facts.began = ago(1);
    };
    finds(new, &[]);
}

#[test]
fn a_check_that_failed_needs_a_person_and_a_warning_does_not() {
    let check = |name: &str, level| {
        let check = KeptCheck { name: name.to_owned(), level, detail: "d".to_owned() };
        move |all: &mut AllWell| all.facts.checks = vec![check]
    };
    finds(check("shop", CheckLevel::Failed), &[("check_failed-shop", 1)]);
    finds(check("shop", CheckLevel::Warning), &[]);
    finds(check("shop", CheckLevel::Ok), &[]);
    let ends = [("klaviyo_revision_ends-klaviyo_api", 1)];
    finds(check("klaviyo_api", CheckLevel::Warning), &ends);
}

#[test]
fn a_feed_that_fails_and_a_broker_that_loses_need_a_person() {
    let feed = |feed: Value| move |all: &mut AllWell| all.feed = feed;
    let failing = |seconds, needs_person: bool| {
        let since = ago(seconds).shown();
        feed(json!({"lastError": "w", "needsPerson": needs_person, "failingSince": since}))
    };
    finds(failing(1, true), &[("feed_failing", 1)]);
    finds(failing(60, false), &[]);
    finds(failing(61, false), &[("feed_failing", 1)]);
    let behind = |hours: u64, days: Option<u32>| {
        feed(json!({"lastError": null, "lagSeconds": hours * 3_600 + 1, "retentionDays": days}))
    };
    finds(behind(179, Some(15)), &[]);
    finds(behind(180, Some(15)), &[("feed_behind", 1)]);
    finds(behind(11, Some(1)), &[]);
    finds(behind(12, Some(1)), &[("feed_behind", 1)]);
    finds(behind(23, None), &[]);
    finds(behind(24, None), &[("feed_behind", 1)]);
    let lost = |seconds, count: u64| {
        feed(json!({"lastError": null, "lostByBroker": {"count": count},
            "lastLost": ago(seconds).shown()}))
    };
    finds(lost(3_600, 2), &[("lost_by_broker", 2)]);
    finds(lost(3_601, 2), &[]);
    finds(lost(1, 0), &[]);
}

#[test]
fn nothing_is_found_in_what_is_not_known() {
    let facts = WatchedFacts::default();
    let rules = AlertRules::default();
    let situation = Situation {
        facts: &facts,
        refused: 0,
        outbox: None,
        runs: None,
        feed: None,
        alarms: None,
        rules: &rules,
        mode: AppType::Both,
        now: NOW,
    };
    assert_eq!(causes(&situation), []);
    for area in [CauseArea::Outbox, CauseArea::Imports, CauseArea::Objects, CauseArea::Feed] {
        assert!(!situation.knows(area));
    }
    assert!(situation.knows(CauseArea::Realtime) && situation.knows(CauseArea::Checks));
}
