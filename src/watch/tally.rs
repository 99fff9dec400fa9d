//! What an isolate counts about notifications until it hands it over.
//!
//! A tally is small whatever was pushed: a few minutes, a few types, the three newest refusals. A killed isolate loses
//! what it had not handed over: at most 15 s of counts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::push::outcome::Outcome;
use crate::time::UnixMs;

/// A minute in ms.
pub const MINUTE: u64 = 60_000;

/// The most types that a tally names. Pushes name them, so there may be any number.
const TYPES: usize = 100;

/// The most codes of ignored notifications: there are some 40.
const CODES: usize = 100;

/// How many refused notifications are remembered: three in five minutes need a person.
const REFUSALS: usize = 3;

/// How many notifications had which end, in a minute or longer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RealtimeCounts {
    /// Klaviyo accepted everything.
    pub delivered: u64,
    /// Nothing had to be delivered.
    pub ignored: u64,
    /// A push stored it, to be tried again.
    pub parked: u64,
    /// Kept for a person.
    pub dead_lettered: u64,
    /// Pushes without valid credentials.
    pub refused: u64,
    /// Those whose body is a notification of this project.
    pub refused_notifications: u64,
    /// 429 answers of either system.
    pub throttled: u64,
    /// The ignored ones by their code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored_by: BTreeMap<String, u64>,
}

impl RealtimeCounts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.ignored += other.ignored;
        self.parked += other.parked;
        self.dead_lettered += other.dead_lettered;
        self.refused += other.refused;
        self.refused_notifications += other.refused_notifications;
        self.throttled += other.throttled;
        for (code, count) in &other.ignored_by {
            if self.ignored_by.len() < CODES || self.ignored_by.contains_key(code) {
                *self.ignored_by.entry(code.clone()).or_default() += count;
            }
        }
    }
}

/// When something was last received, and last delivered; [`UnixMs::EPOCH`] for never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastSeen {
    /// A push brought it.
    pub received: UnixMs,
    /// Klaviyo accepted it.
    pub delivered: UnixMs,
}

impl LastSeen {
    /// The later of each.
    pub fn merge(&mut self, other: Self) {
        self.received = self.received.max(other.received);
        self.delivered = self.delivered.max(other.delivered);
    }
}

/// The credentials of a refused push: a hint for the person who set up the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCredentials {
    /// Nothing.
    None,
    /// A secret that is not `PUSH_TOKEN`.
    NotPushToken,
    /// `ADMIN_TOKEN` or `READ_TOKEN`.
    OperatorToken,
    /// A token or a signature that is not the sender's.
    NotTheSender,
}

impl RefusedCredentials {
    /// What was wrong, and what to do.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::None => "they carry no credentials: set PUSH_TOKEN at the broker",
            Self::NotPushToken => "the secret they carry is not PUSH_TOKEN",
            Self::OperatorToken => {
                "they carry ADMIN_TOKEN or READ_TOKEN: PUSH_TOKEN belongs at the broker"
            }
            Self::NotTheSender => {
                "their token or signature is not that of PUSH_OIDC_EMAIL or PUSH_SNS_TOPIC_ARN"
            }
        }
    }
}

/// A refused push whose body is a notification of this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedNotification {
    /// When it came.
    pub at: UnixMs,
    /// What it carried.
    pub carried: RefusedCredentials,
}

/// The newest of these, the newest first.
pub fn newest_refusals(refusals: &mut Vec<RefusedNotification>) {
    refusals.sort_by_key(|refusal| std::cmp::Reverse(refusal.at));
    refusals.truncate(REFUSALS);
}

/// Counts since the last hand-over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    /// Counts by the beginning of their minute.
    pub minutes: BTreeMap<UnixMs, RealtimeCounts>,
    /// When anything was last seen.
    pub last: LastSeen,
    /// The same by the notification's type.
    pub types: BTreeMap<String, LastSeen>,
    /// The newest refused notifications.
    pub refusals: Vec<RefusedNotification>,
}

impl Tally {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty()
    }

    /// A pushed notification had this end.
    pub fn pushed(&mut self, type_name: Option<&str>, outcome: &Outcome, now: UnixMs) {
        let seen = LastSeen { received: now, ..delivered(outcome, now) };
        self.see(type_name, seen);
        let counts = self.minute(now);
        match outcome {
            Outcome::Parked { .. } => counts.parked += 1,
            outcome => count(counts, outcome),
        }
    }

    /// A waiting notification was tried, with this end. If it keeps waiting, it was counted when it was parked.
    pub fn retried(&mut self, type_name: Option<&str>, outcome: &Outcome, now: UnixMs) {
        self.see(type_name, delivered(outcome, now));
        count(self.minute(now), outcome);
    }

    /// A push was refused; `notification` if its body is a notification of this project.
    pub fn refused(&mut self, carried: RefusedCredentials, notification: bool, now: UnixMs) {
        let counts = self.minute(now);
        counts.refused += 1;
        if notification {
            counts.refused_notifications += 1;
            self.refusals.push(RefusedNotification { at: now, carried });
            newest_refusals(&mut self.refusals);
        }
    }

    /// One of the systems answered 429.
    pub fn throttled(&mut self, now: UnixMs) {
        self.minute(now).throttled += 1;
    }

    /// Adds another tally, whose hand-over failed.
    pub fn merge(&mut self, other: Self) {
        for (minute, counts) in other.minutes {
            self.minutes.entry(minute).or_default().add(&counts);
        }
        self.last.merge(other.last);
        for (name, seen) in other.types {
            self.see_type(&name, seen);
        }
        self.refusals.extend(other.refusals);
        newest_refusals(&mut self.refusals);
    }

    fn minute(&mut self, now: UnixMs) -> &mut RealtimeCounts {
        self.minutes.entry(minute_of(now)).or_default()
    }

    fn see(&mut self, type_name: Option<&str>, seen: LastSeen) {
        self.last.merge(seen);
        if let Some(name) = type_name {
            self.see_type(name, seen);
        }
    }

    fn see_type(&mut self, name: &str, seen: LastSeen) {
        if let Some(known) = self.types.get_mut(name) {
            known.merge(seen);
        } else if self.types.len() < TYPES {
            self.types.insert(name.to_owned(), seen);
        }
    }
}

/// The beginning of a time's minute.
#[must_use]
pub fn minute_of(now: UnixMs) -> UnixMs {
    now - Duration::from_millis(now.ms() % MINUTE)
}

fn delivered(outcome: &Outcome, now: UnixMs) -> LastSeen {
    let delivered = if *outcome == Outcome::Delivered { now } else { UnixMs::EPOCH };
    LastSeen { delivered, ..LastSeen::default() }
}

fn count(counts: &mut RealtimeCounts, outcome: &Outcome) {
    match outcome {
        Outcome::Delivered => counts.delivered += 1,
        Outcome::Ignored(why) => {
            counts.ignored += 1;
            *counts.ignored_by.entry(why.code().to_owned()).or_default() += 1;
        }
        Outcome::DeadLettered { .. } => counts.dead_lettered += 1,
        // The sender still has it, and will send it again; or it keeps waiting.
        Outcome::NotStored { .. } | Outcome::Parked { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::plan::IgnoreReason;

    const AT: UnixMs = UnixMs::from_ms(7 * MINUTE + 30_000);

    fn parked() -> Outcome {
        Outcome::Parked { code: "klaviyo_503".to_owned() }
    }

    fn dead() -> Outcome {
        Outcome::DeadLettered { id: "d".to_owned(), code: "klaviyo_400".to_owned() }
    }

    #[test]
    fn each_end_counts_once() {
        let mut tally = Tally::default();
        let not_stored =
            Outcome::NotStored { code: "c".to_owned(), retry_after: Duration::from_secs(1) };
        let ignored = Outcome::Ignored(IgnoreReason::Disabled);
        for outcome in [Outcome::Delivered, ignored.clone(), parked(), dead(), not_stored] {
            tally.pushed(Some("OrderCreated"), &outcome, AT);
        }
        // For a waiting notification only its end counts.
        for outcome in [parked(), parked(), Outcome::Delivered] {
            tally.retried(Some("OrderCreated"), &outcome, AT + Duration::from_mins(1));
        }
        let first = RealtimeCounts {
            delivered: 1,
            ignored: 1,
            parked: 1,
            dead_lettered: 1,
            ignored_by: BTreeMap::from([("disabled".to_owned(), 1)]),
            ..RealtimeCounts::default()
        };
        let second = RealtimeCounts { delivered: 1, ..RealtimeCounts::default() };
        let minute = |number| UnixMs::from_ms(number * MINUTE);
        assert_eq!(tally.minutes, BTreeMap::from([(minute(7), first), (minute(8), second)]));
        let seen = LastSeen { received: AT, delivered: AT + Duration::from_mins(1) };
        assert_eq!(tally.last, seen);
        assert_eq!(tally.types, BTreeMap::from([("OrderCreated".to_owned(), seen)]));
    }

    #[test]
    fn a_tally_stays_small() {
        let mut tally = Tally::default();
        for number in 0..1_000_u64 {
            let now = AT + Duration::from_millis(number);
            tally.pushed(Some(&format!("Type{number}")), &Outcome::Delivered, now);
            tally.refused(RefusedCredentials::None, number % 2 == 0, now);
        }
        assert_eq!((tally.types.len(), tally.minutes.len()), (TYPES, 1));
        let times: Vec<_> = tally.refusals.iter().map(|one| one.at.since(AT).as_millis()).collect();
        assert_eq!(times, [998, 996, 994]);
        let counts = &tally.minutes[&UnixMs::from_ms(7 * MINUTE)];
        assert_eq!((counts.refused, counts.refused_notifications), (1_000, 500));
    }

    #[test]
    fn what_could_not_be_handed_over_is_added() {
        let mut tally = Tally::default();
        tally.pushed(Some("A"), &Outcome::Delivered, AT);
        tally.throttled(AT);
        let mut older = tally.clone();
        older.pushed(Some("B"), &dead(), AT);
        tally.merge(older);
        let counts = &tally.minutes[&UnixMs::from_ms(7 * MINUTE)];
        assert_eq!((counts.delivered, counts.dead_lettered, counts.throttled), (2, 1, 2));
        assert_eq!(tally.types.len(), 2);
        let json = serde_json::to_string(&tally).expect("JSON");
        assert_eq!(serde_json::from_str::<Tally>(&json).expect("a tally"), tally);
        assert_eq!(serde_json::from_str::<Tally>("{}").expect("a tally"), Tally::default());
    }
}
