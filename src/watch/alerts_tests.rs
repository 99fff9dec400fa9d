use std::collections::BTreeMap;

use super::*;
use crate::config::{AlertRules, AppType};
use crate::outbox::store::status::OutboxStatus;
use crate::watch::causes::WatchedFacts;

const AT: UnixMs = UnixMs::from_ms(1_780_272_000_000);

fn cause(code: &str, count: u64) -> Cause {
    let detail = format!("{count} of {code}");
    Cause { area: CauseArea::Outbox, code: code.to_owned(), of: None, count, detail }
}

/// The alerts after these causes, if the outbox answers or does not.
fn after(alerts: &[Alert], causes: Vec<Cause>, now: UnixMs, answers: bool) -> Vec<Alert> {
    followed(alerts, causes, now, answers, AlertReceiver::Set)
}

fn followed(
    alerts: &[Alert],
    causes: Vec<Cause>,
    now: UnixMs,
    answers: bool,
    receiver: AlertReceiver,
) -> Vec<Alert> {
    let (facts, rules) = (WatchedFacts::default(), AlertRules::default());
    let outbox =
        OutboxStatus { waiting: 0, oldest: None, dead_letters: 0, last_errors: Vec::new() };
    let situation = Situation {
        facts: &facts,
        refused: 0,
        outbox: answers.then_some(&outbox),
        runs: None,
        feed: None,
        alarms: None,
        rules: &rules,
        mode: AppType::Both,
        now,
    };
    follow(alerts, &situation, causes, receiver)
}

fn states(alerts: &[Alert], now: UnixMs) -> Vec<(String, NoticeState)> {
    notices(alerts, now).into_iter().map(|one| (one.alert.code, one.state)).collect()
}

#[test]
fn each_beginning_and_each_end_is_told_once() {
    let minute = |number: u64| AT + Duration::from_mins(number);
    let mut alerts = after(&[], vec![cause("dead_letters", 1)], minute(0), true);
    let began = notices(&alerts, minute(0));
    assert_eq!(states(&alerts, minute(0)), [("dead_letters".to_owned(), NoticeState::Began)]);
    told(&mut alerts, &began, minute(0));
    // A thousand more belong to the same alert.
    alerts = after(&alerts, vec![cause("dead_letters", 1_000)], minute(1), true);
    assert_eq!(alerts[0].count, 1_000);
    assert_eq!(states(&alerts, minute(1)), []);
    // An object that does not answer proves no end.
    alerts = after(&alerts, vec![], minute(2), false);
    assert_eq!(open(&alerts).count(), 1);
    alerts = after(&alerts, vec![], minute(3), true);
    assert_eq!(open(&alerts).count(), 0);
    let ended = notices(&alerts, minute(3));
    assert_eq!(states(&alerts, minute(3)), [("dead_letters".to_owned(), NoticeState::Ended)]);
    assert_eq!(ended[0].alert.id, began[0].alert.id);
    told(&mut alerts, &ended, minute(3));
    assert_eq!(alerts, []);
    // It begins again, as another alert.
    alerts = after(&alerts, vec![cause("dead_letters", 1)], minute(4), true);
    assert_ne!(alerts[0].id, began[0].alert.id);
}

#[test]
fn what_the_receiver_did_not_take_is_told_later() {
    let mut alerts = after(&[], vec![cause("a", 1), cause("b", 1)], AT, true);
    alerts = after(&alerts, vec![cause("b", 1)], AT + Duration::from_mins(1), true);
    alerts = after(&alerts, vec![cause("a", 1)], AT + Duration::from_mins(2), true);
    let all = states(&alerts, AT + Duration::from_mins(2));
    let (began, ended) = (NoticeState::Began, NoticeState::Ended);
    let expected = [("a", began), ("a", ended), ("b", began), ("b", ended), ("a", began)];
    assert_eq!(all, expected.map(|(code, state)| (code.to_owned(), state)));
    let told_now = notices(&alerts, AT);
    told(&mut alerts, &told_now, AT);
    assert_eq!((alerts.len(), states(&alerts, AT)), (1, vec![]));
}

#[test]
fn an_alert_that_goes_on_is_told_once_a_day() {
    let mut alerts = after(&[], vec![cause("a", 1)], AT, true);
    let mut reminders = 0;
    for hour in 0..=72 {
        let now = AT + Duration::from_hours(hour);
        alerts = after(&alerts, vec![cause("a", 1)], now, true);
        let told_now = notices(&alerts, now);
        reminders += told_now.iter().filter(|one| one.state == NoticeState::Reminder).count();
        told(&mut alerts, &told_now, now);
    }
    assert_eq!(reminders, 3);
}

#[test]
fn without_a_receiver_no_end_is_kept() {
    let unset = AlertReceiver::Unset;
    let began = followed(&[], vec![cause("a", 1)], AT, true, unset);
    assert_eq!(began.len(), 1);
    assert_eq!(followed(&began, vec![], AT, true, unset), []);
    // An alert that lasts is reported as soon as there is a receiver.
    assert_eq!(states(&began, AT), [("a".to_owned(), NoticeState::Began)]);
}

#[test]
fn a_test_is_told_once_and_seen_by_nobody_else() {
    let mut alerts = vec![Alert::test(AT)];
    assert_eq!(open(&alerts).count(), 0);
    alerts = after(&alerts, vec![], AT, true);
    let all = notices(&alerts, AT);
    assert_eq!(states(&alerts, AT), [("test".to_owned(), NoticeState::Began)]);
    told(&mut alerts, &all, AT);
    assert_eq!(alerts, []);
}

#[test]
fn a_receiver_that_fails_is_asked_less_often() {
    let mut pauses = Vec::new();
    for failures in [0, 1, 2, 3, 4, 5, 40] {
        let receiver = ReceiverState { asked: AT, failures };
        pauses.push(receiver.free_at().since(AT).as_secs() / 60);
    }
    assert_eq!(pauses, [1, 1, 2, 4, 8, 15, 15]);
    assert!(ReceiverState::default().free_at() < AT);
}

#[test]
fn a_text_says_all_that_a_chat_shows() {
    let alerts = after(&[], vec![cause("dead_letters", 2)], AT, true);
    let body = body(&notices(&alerts, AT), "shop");
    assert_eq!(
        body["text"],
        "commercetools–Klaviyo worker shop:\nNeeds attention: 2 of dead_letters (dead_letters)"
    );
    assert_eq!(body["alerts"][0]["state"], "began");
    assert_eq!(body["alerts"][0]["since"], "2026-06-01T00:00:00.000Z");
    let many: Vec<_> = (0..30).map(|number| cause(&format!("c{number}"), 1)).collect();
    let text = super::body(&notices(&after(&[], many, AT, true), AT), "shop")["text"].to_string();
    assert!(text.contains("and 10 more"), "{text}");
}

/// A receiver that accepts some requests, and looks, deaths of the object and causes in any order: every beginning and
/// every end arrives in its order, with at most one request a minute.
#[test]
fn no_alert_is_lost() {
    const SEED: u64 = 20_261_130;
    let mut random = SEED;
    let mut chance = move |of: u64| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33).is_multiple_of(of)
    };
    for _ in 0..200 {
        let (mut alerts, mut receiver) = (Vec::new(), ReceiverState::default());
        let mut there: BTreeMap<&str, bool> = BTreeMap::new();
        let (mut happened, mut arrived) = (Vec::new(), Vec::new());
        let mut requests: Vec<UnixMs> = Vec::new();
        for step in 0..2_000_u64 {
            let now = AT + Duration::from_secs(10 * step);
            // At last everything is over, and the receiver accepts all.
            let at_last = step > 1_800;
            for code in ["a", "b", "c"] {
                let is = there.entry(code).or_default();
                *is = if at_last { false } else { *is != chance(20) };
            }
            let causes = there.iter().filter(|(_, is)| **is).map(|(code, _)| cause(code, 1));
            let before = alerts.clone();
            alerts = after(&alerts, causes.collect(), now, true);
            for alert in &alerts {
                let old = before.iter().find(|old: &&Alert| old.id == alert.id);
                if old.is_none() {
                    happened.push((alert.id.clone(), NoticeState::Began));
                }
                if alert.ended.is_some() && old.is_none_or(|old| old.ended.is_none()) {
                    happened.push((alert.id.clone(), NoticeState::Ended));
                }
            }
            let all = notices(&alerts, now);
            if all.is_empty() || now < receiver.free_at() {
                continue;
            }
            // The request is stored before it is made; a crash may come before or after its answer.
            receiver.asked = now;
            requests.push(now);
            let takes = at_last || !chance(3);
            if takes {
                arrived.extend(all.iter().map(|one| (one.alert.id.clone(), one.state)));
            }
            if takes && (at_last || !chance(4)) {
                told(&mut alerts, &all, now);
                receiver.failures = 0;
            } else {
                receiver.failures += 1;
            }
        }
        for event in &happened {
            assert!(arrived.contains(event), "{event:?} was lost, seed {SEED}");
        }
        assert!(requests.windows(2).all(|pair| pair[1].since(pair[0]) >= PAUSE));
    }
}
