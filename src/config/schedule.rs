//! `CONFIG.import.schedule`: when an import of a kind starts by itself, and its records.
//!
//! All times are UTC, so changing clocks neither skip nor repeat a slot. Not in scope: which slot is due
//! ([`crate::import::schedule`]).

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SettingProblem;
use crate::json::read_value;

/// Its place in `CONFIG`.
pub(super) const PATH: &str = "CONFIG.import.schedule";

/// The members of a kind.
const MEMBERS: [&str; 5] = ["every", "at", "on", "mode", "overlapHours"];

/// How far a run by time looks back beyond the start of the one before by default, and at most, in hours.
const OVERLAP_HOURS: u32 = 6;
const MOST_OVERLAP_HOURS: u32 = 720;

/// `CONFIG.import.schedule`, by kind; a kind without a schedule only starts by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
#[expect(missing_docs, reason = "named after the kinds")]
pub struct ImportSchedules {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<KindSchedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Option<KindSchedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<KindSchedule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<KindSchedule>,
}

/// The schedule of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "WrittenSchedule")]
pub struct KindSchedule {
    /// When a run starts.
    pub pattern: SlotPattern,
    /// Its records.
    pub mode: ScheduledMode,
}

/// When runs start: `every`, `at` and `on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotPattern {
    /// Each hour at this minute.
    Hour {
        /// 0 to 59.
        minute: u16,
    },
    /// Each day.
    Day {
        /// Minutes after midnight.
        at: u16,
    },
    /// Each week.
    Week {
        #[expect(missing_docs, reason = "as its name says")]
        on: SlotDay,
        /// Minutes after midnight.
        at: u16,
    },
}

impl fmt::Display for SlotPattern {
    /// Such as `week monday 02:30`; the stored schedule is compared with it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hour { minute } => write!(formatter, "hour {}", clock(*minute)),
            Self::Day { at } => write!(formatter, "day {}", clock(*at)),
            Self::Week { on, at } => write!(formatter, "week {} {}", on.name(), clock(*at)),
        }
    }
}

/// A day of the week, from Monday on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "as their names say")]
pub enum SlotDay {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl SlotDay {
    /// The name in `CONFIG`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

/// The records of a run that starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduledMode {
    /// Changes since the last completed run began, and this much before.
    Since {
        /// In hours, 0 to 720.
        overlap_hours: u32,
    },
    /// All of them.
    Full,
}

impl ScheduledMode {
    /// Its name in `CONFIG`, and the `mode` of a run.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Since { .. } => "since",
            Self::Full => "full",
        }
    }
}

/// A schedule as `CONFIG` has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenSchedule {
    every: &'static str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<&'static str>,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_hours: Option<u32>,
}

impl From<KindSchedule> for WrittenSchedule {
    fn from(KindSchedule { pattern, mode }: KindSchedule) -> Self {
        let (every, minutes, on) = match pattern {
            SlotPattern::Hour { minute } => ("hour", minute, None),
            SlotPattern::Day { at } => ("day", at, None),
            SlotPattern::Week { on, at } => ("week", at, Some(on.name())),
        };
        let overlap_hours = match mode {
            ScheduledMode::Since { overlap_hours } => Some(overlap_hours),
            ScheduledMode::Full => None,
        };
        Self { every, at: clock(minutes), on, mode: mode.name(), overlap_hours }
    }
}

impl ImportSchedules {
    /// Reads the setting.
    ///
    /// # Errors
    /// All problems, each with its path.
    pub(super) fn read(given: &Map<String, Value>) -> Result<Self, Vec<SettingProblem>> {
        let mut problems = Vec::new();
        let mut schedules = Self::default();
        for (kind, value) in given {
            let path = format!("{PATH}.{kind}");
            let place = match kind.as_str() {
                "categories" => &mut schedules.categories,
                "products" => &mut schedules.products,
                "customers" => &mut schedules.customers,
                "orders" => &mut schedules.orders,
                _ => {
                    let problem = "is no kind; kinds are categories, products, customers, orders";
                    problems.push(SettingProblem::new(path, problem));
                    continue;
                }
            };
            match value {
                Value::Object(members) => *place = schedule(&path, members, &mut problems),
                _ => problems.push(SettingProblem::new(path, "must be an object")),
            }
        }
        if problems.is_empty() { Ok(schedules) } else { Err(problems) }
    }
}

impl TryFrom<Map<String, Value>> for ImportSchedules {
    type Error = String;

    fn try_from(given: Map<String, Value>) -> Result<Self, String> {
        Self::read(&given).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            problems.join("; ")
        })
    }
}

/// `every`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SlotPeriod {
    Hour,
    Day,
    Week,
}

/// `mode`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Since,
    Full,
}

/// Reads the schedule of a kind; none if it has a problem, which is then added to the problems.
fn schedule(
    path: &str,
    members: &Map<String, Value>,
    problems: &mut Vec<SettingProblem>,
) -> Option<KindSchedule> {
    let before = problems.len();
    let mut problem = |member: &str, problem: &str| {
        problems.push(SettingProblem::new(format!("{path}.{member}"), problem));
    };
    for unknown in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
        problem(unknown, "is not a known key");
    }
    let every: Option<SlotPeriod> = members.get("every").and_then(named);
    if every.is_none() {
        problem("every", "must be `hour`, `day` or `week`");
    }
    let at = members.get("at").map_or(Some(0), minutes);
    if at.is_none() {
        problem("at", "must be a time from `00:00` to `23:59`");
    }
    let on = members.get("on").map_or(Some(SlotDay::Monday), named);
    if on.is_none() {
        problem("on", "must be a day such as `monday`");
    } else if members.contains_key("on") && every.is_some_and(|every| every != SlotPeriod::Week) {
        problem("on", "belongs to `week` only");
    }
    let mode = members.get("mode").map_or(Some(ModeName::Since), named);
    if mode.is_none() {
        problem("mode", "must be `since` or `full`");
    }
    let overlap_hours = members.get("overlapHours").map_or(Some(OVERLAP_HOURS), hours);
    if overlap_hours.is_none() {
        problem("overlapHours", "must be a whole number from 0 to 720");
    }
    if problems.len() > before {
        return None;
    }
    let at = at?;
    let pattern = match every? {
        SlotPeriod::Hour => SlotPattern::Hour { minute: at % 60 },
        SlotPeriod::Day => SlotPattern::Day { at },
        SlotPeriod::Week => SlotPattern::Week { on: on?, at },
    };
    let mode = match mode? {
        ModeName::Since => ScheduledMode::Since { overlap_hours: overlap_hours? },
        ModeName::Full => ScheduledMode::Full,
    };
    Some(KindSchedule { pattern, mode })
}

/// Minutes after midnight as a time such as `02:30`.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn named<T: DeserializeOwned>(value: &Value) -> Option<T> {
    read_value(value).ok()
}

/// The minutes after midnight for a time such as `02:30`.
fn minutes(value: &Value) -> Option<u16> {
    let (hours, minutes) = value.as_str()?.split_once(':')?;
    let number = |text: &str, most: u16| {
        let is_short = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_short && *number <= most)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

fn hours(value: &Value) -> Option<u32> {
    let hours = u32::try_from(value.as_u64()?).ok()?;
    (hours <= MOST_OVERLAP_HOURS).then_some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(given: &Value) -> Result<ImportSchedules, Vec<SettingProblem>> {
        ImportSchedules::read(given.as_object().expect("an object"))
    }

    #[test]
    fn each_way_to_write_a_schedule_is_read() {
        use ScheduledMode::{Full, Since};
        let since = Since { overlap_hours: 6 };
        for (given, pattern, mode) in [
            (json!({"every": "hour"}), SlotPattern::Hour { minute: 0 }, since),
            (json!({"every": "hour", "at": "02:30"}), SlotPattern::Hour { minute: 30 }, since),
            (json!({"every": "day", "at": "23:59"}), SlotPattern::Day { at: 1439 }, since),
            (
                json!({"every": "day", "mode": "full", "overlapHours": 6}),
                SlotPattern::Day { at: 0 },
                Full,
            ),
            (
                json!({"every": "week", "at": "02:30"}),
                SlotPattern::Week { on: SlotDay::Monday, at: 150 },
                since,
            ),
            (
                json!({"every": "week", "on": "sunday", "mode": "since", "overlapHours": 0}),
                SlotPattern::Week { on: SlotDay::Sunday, at: 0 },
                Since { overlap_hours: 0 },
            ),
        ] {
            for kind in ["categories", "products", "customers", "orders"] {
                let schedules = read(&json!({ kind: given })).expect("schedules");
                let all = [
                    schedules.categories,
                    schedules.products,
                    schedules.customers,
                    schedules.orders,
                ];
                let all: Vec<_> = all.into_iter().flatten().collect();
                assert_eq!(all, [KindSchedule { pattern, mode }], "{given}");
                // Its written form has the same content.
                let written = serde_json::to_value(&schedules).expect("JSON");
                assert_eq!(read(&written), Ok(schedules), "{written}");
            }
        }
        assert_eq!(read(&json!({})), Ok(ImportSchedules::default()));
        assert_eq!(serde_json::to_value(ImportSchedules::default()).ok(), Some(json!({})));
    }

    #[test]
    fn every_problem_is_named_by_its_path() {
        for (given, paths) in [
            (json!({"payments": {"every": "day"}, "orders": []}), &["payments", "orders"][..]),
            (json!({"orders": {}}), &["orders.every"]),
            (json!({"orders": {"every": "month"}}), &["orders.every"]),
            (json!({"orders": {"every": "day", "hour": 2}}), &["orders.hour"]),
            (json!({"orders": {"every": "day", "at": "25:00"}}), &["orders.at"]),
            (json!({"orders": {"every": "day", "on": "monday"}}), &["orders.on"]),
            (json!({"orders": {"every": "hour", "on": "monday"}}), &["orders.on"]),
            (json!({"orders": {"every": "week", "on": "Monday"}}), &["orders.on"]),
            (json!({"orders": {"every": "day", "mode": "ids"}}), &["orders.mode"]),
            (json!({"orders": {"every": "day", "overlapHours": 721}}), &["orders.overlapHours"]),
            (json!({"orders": {"every": "day", "overlapHours": -1}}), &["orders.overlapHours"]),
            (json!({"orders": {"every": "day", "overlapHours": 1.5}}), &["orders.overlapHours"]),
            (
                json!({"orders": {"every": 1, "at": 2, "on": 3, "mode": 4, "overlapHours": "5"},
                    "products": {"every": "day", "at": "02:60"}}),
                &[
                    "orders.every",
                    "orders.at",
                    "orders.on",
                    "orders.mode",
                    "orders.overlapHours",
                    "products.at",
                ],
            ),
        ] {
            let found = read(&given).expect_err("problems");
            let found: Vec<_> = found.iter().map(|problem| problem.setting.as_str()).collect();
            let paths: Vec<_> = paths.iter().map(|path| format!("{PATH}.{path}")).collect();
            assert_eq!(found, paths, "{given}");
        }
    }

    #[test]
    fn a_time_is_two_digits_and_two() {
        for wrong in
            ["24:00", "25:00", "02:60", "2:30", "02:3", "0230", "02:30:00", "+2:30", "", ":"]
        {
            assert_eq!(minutes(&json!(wrong)), None, "{wrong}");
        }
        for (time, expected) in [("00:00", 0), ("09:05", 545), ("23:59", 1439)] {
            assert_eq!(minutes(&json!(time)), Some(expected));
        }
    }
}
