//! The join: what is expected beside what is held, a line and a verdict for each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::accepted::READABLE_AFTER;
use super::compare::{self, Compared};
use super::document::TracedDocument;
use super::event_walk::ReadEvents;
use super::expected::ExpectedRecord;
use super::kept::{KeptNotification, KeptOfImport, KeptOfOutbox, TracedPart};
use super::rules::ignored_by_pushes;
use super::words::{ago, because, told, unread};
use super::{Trace, TraceLine, TraceVerdict};
use crate::config::Config;
use crate::fault::ReadFault;
use crate::import::run::ImportKind;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::event::Event;
use crate::klaviyo::read_back::{HeldEvent, HeldRecord};
use crate::push::conclusion::Conclusion;
use crate::time::UnixMs;

/// The answer of something that may not be there to be asked, or may not answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answered<T> {
    /// There was nothing to ask for, or it is not in this deployment.
    #[default]
    Unasked,
    /// It did not answer as it should; why, if that is known.
    Unread(Option<ReadFault>),
    /// This.
    Read(T),
}

/// What Klaviyo holds of what is expected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeldAtKlaviyo {
    /// Profiles.
    pub people: Answered<Vec<HeldRecord>>,
    /// Events.
    pub events: Answered<ReadEvents>,
    /// Objects of the catalogue.
    pub objects: BTreeMap<CatalogKind, Answered<Vec<HeldRecord>>>,
    /// Klaviyo's ids of the item's categories.
    pub categories: Answered<Vec<String>>,
}

/// What is expected, as far as it could be worked out.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// Klaviyo should hold these.
    Records(Vec<ExpectedRecord>),
    /// It ended otherwise.
    Ended(Conclusion),
}

/// What is known of a record that commercetools has.
#[derive(Debug)]
pub struct TraceFacts<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The record.
    pub document: &'a TracedDocument,
    /// What Klaviyo should hold.
    pub expectation: Expectation,
    /// What it holds.
    pub held: HeldAtKlaviyo,
    /// What the outbox has.
    pub outbox: Answered<KeptOfOutbox>,
    /// What the imports know.
    pub import: Answered<KeptOfImport>,
    /// When Klaviyo accepted something of it, if that is remembered.
    pub accepted: Option<UnixMs>,
    /// The time.
    pub now: UnixMs,
}

/// The trace of a record that commercetools has.
#[must_use]
pub fn trace(facts: &TraceFacts) -> Trace {
    let mut lines = vec![TraceLine {
        actual: facts.document.shown(),
        detail: None,
        ..TraceLine::told(in_commercetools(facts.document.kind), TraceVerdict::There, "")
    }];
    match &facts.expectation {
        Expectation::Records(records) => {
            lines.extend(records.iter().flat_map(|record| facts.lines(record, records)));
            lines.extend(facts.events_besides(records));
        }
        Expectation::Ended(conclusion) => lines.push(facts.ended(conclusion)),
    }
    lines.extend(of_outbox(&facts.outbox));
    lines.extend(of_import(facts.document.kind, &facts.import));
    lines.extend(elsewhere(facts.config));
    Trace { found: true, lines }
}

/// The trace of a record that commercetools does not have, or that cannot be read there.
#[must_use]
pub fn not_found(
    config: &Config,
    kind: ImportKind,
    why: Result<String, ReadFault>,
    outbox: &Answered<KeptOfOutbox>,
    import: &Answered<KeptOfImport>,
) -> Trace {
    let what = in_commercetools(kind);
    let mut lines = vec![match why {
        Ok(detail) => TraceLine::told(what, TraceVerdict::Missing, detail),
        Err(fault) => TraceLine::told(
            what,
            TraceVerdict::Unknown,
            format!("commercetools: {}", unread(&fault, "")),
        ),
    }];
    lines.extend(of_outbox(outbox));
    lines.extend(of_import(kind, import));
    lines.extend(elsewhere(config));
    Trace { found: false, lines }
}

fn in_commercetools(kind: ImportKind) -> String {
    format!("The {} in commercetools", kind.resource_type())
}

/// What the record gives at Klaviyo, where it is not said part by part.
fn at_klaviyo(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Orders => "Events",
        ImportKind::Customers => "Profile",
        ImportKind::Products => "Item",
        ImportKind::Categories => "Category",
    }
}

impl TraceFacts<'_> {
    /// The line of a record that gives nothing, or of which it is not known what it gives.
    fn ended(&self, conclusion: &Conclusion) -> TraceLine {
        let (verdict, detail) = match conclusion {
            Conclusion::Ignored(why) => (
                TraceVerdict::Ignored,
                format!("ignored because {} ({})", because(*why), why.code()),
            ),
            Conclusion::Never(rejection) => (TraceVerdict::Refused, told(rejection)),
            Conclusion::Later(setback) => (
                TraceVerdict::Unknown,
                format!(
                    "what is sent depends on something else: {}",
                    unread(&ReadFault::Later(*setback), "catalogs:read")
                ),
            ),
            Conclusion::NotYet(not_yet) => {
                (TraceVerdict::Waits, not_yet.fault().code().into_owned())
            }
            Conclusion::Delivered => (TraceVerdict::Ignored, "there is nothing to send".to_owned()),
        };
        TraceLine::told(at_klaviyo(self.document.kind), verdict, detail)
    }

    /// The lines of something that is expected.
    fn lines(&self, record: &ExpectedRecord, all: &[ExpectedRecord]) -> Vec<TraceLine> {
        let part = TracedPart::of(self.config, record);
        match record {
            ExpectedRecord::Profile(profile) => {
                vec![self.person(part, |held| compare::profile(profile, held))]
            }
            ExpectedRecord::Owner(profile) => {
                vec![self.person(part, |held| compare::owner(profile, held))]
            }
            ExpectedRecord::Event(event) => vec![self.event(part, event, all)],
            ExpectedRecord::Object(object) => {
                let compared =
                    compare::object(object, self.object(object.kind(), &object.key().id));
                let is_held = !compared.actual.is_null();
                let of_item = is_held.then(|| self.categories(part, record)).flatten();
                let line = self.of_object(part, object.kind(), compared);
                std::iter::once(line).chain(of_item).collect()
            }
            ExpectedRecord::Hidden { variant } => {
                let held = self.object(CatalogKind::Variant, variant);
                vec![self.of_object(part, CatalogKind::Variant, compare::hidden(variant, held))]
            }
            ExpectedRecord::Gone { kind, id } => {
                let compared = compare::gone(*kind, id, self.object(*kind, id));
                vec![self.of_object(part, *kind, compared)]
            }
        }
    }

    /// The line of what was compared with one of several that are held.
    fn joined(&self, part: TracedPart, compared: Compared) -> TraceLine {
        let Compared { what, expected, actual, differing } = compared;
        let (verdict, detail) = match (&actual, differing.is_empty()) {
            (Value::Null, true) if expected.is_null() => (TraceVerdict::There, None),
            (Value::Null, _) => {
                let (verdict, detail) = self.absent(part);
                (verdict, Some(detail))
            }
            (_, true) => (TraceVerdict::There, None),
            (_, false) => {
                let (verdict, detail) = self.different(part, &differing);
                (verdict, Some(detail))
            }
        };
        TraceLine { what, expected, actual, verdict, detail }
    }

    fn person(
        &self,
        part: TracedPart,
        compare: impl Fn(Option<&HeldRecord>) -> Compared,
    ) -> TraceLine {
        match &self.held.people {
            Answered::Read(people) => self.joined(part, compare(people.first())),
            unread => not_read(compare(None), unread, "profiles:read"),
        }
    }

    fn object(&self, kind: CatalogKind, id: &str) -> Option<&HeldRecord> {
        match self.held.objects.get(&kind) {
            Some(Answered::Read(held)) => held.iter().find(|one| one.id == id),
            _ => None,
        }
    }

    fn of_object(&self, part: TracedPart, kind: CatalogKind, compared: Compared) -> TraceLine {
        match self.held.objects.get(&kind) {
            Some(Answered::Read(_)) => self.joined(part, compared),
            Some(unread) => not_read(compared, unread, "catalogs:read"),
            None => not_read::<()>(compared, &Answered::Unasked, "catalogs:read"),
        }
    }

    /// The line of an item's categories.
    fn categories(&self, part: TracedPart, record: &ExpectedRecord) -> Option<TraceLine> {
        let compared = compare::categories(
            record,
            match &self.held.categories {
                Answered::Read(held) => Some(held),
                _ => None,
            },
        )?;
        Some(match &self.held.categories {
            Answered::Read(_) => self.joined(part, compared),
            unread => not_read(compared, unread, "catalogs:read"),
        })
    }

    fn event(&self, part: TracedPart, event: &Event, all: &[ExpectedRecord]) -> TraceLine {
        let read = match (&self.held.events, &self.held.people) {
            (Answered::Read(read), _) => read,
            // Who has no profile has no events.
            (_, Answered::Read(people)) if people.is_empty() => &NO_EVENTS,
            (unread, Answered::Read(_)) => {
                return not_read(compare::event(event, None), unread, "events:read");
            }
            (_, unread) => return not_read(compare::event(event, None), unread, "profiles:read"),
        };
        let same_id = || read.events.iter().filter(|held| held.unique_id == event.unique_id);
        let found = if read.are_named {
            same_id().find(|held| held.metric.as_deref() == Some(&*event.metric))
        } else {
            let wanted = all.iter().filter(
                |one| matches!(one, ExpectedRecord::Event(one) if one.unique_id == event.unique_id),
            );
            let (wanted, metrics) =
                (wanted.count(), same_id().map(|held| &held.metric_id).collect::<BTreeSet<_>>());
            if !metrics.is_empty() && (wanted > 1 || metrics.len() > wanted) {
                return TraceLine {
                    detail: Some(format!(
                        "Klaviyo holds {} of this id, and which cannot be told: Klaviyo's key lacks \
                         the scope metrics:read, which is optional",
                        if metrics.len() == 1 {
                            "an event".to_owned()
                        } else {
                            format!("{} events", metrics.len())
                        },
                    )),
                    ..unknown(compare::event(event, None))
                };
            }
            same_id().next()
        };
        let compared = compare::event(event, found);
        if found.is_none() && !read.are_all {
            return TraceLine {
                detail: Some(format!(
                    "it is not among the first {} events of the profile since the order; there are more",
                    read.events.len()
                )),
                ..unknown(compared)
            };
        }
        self.joined(part, compared)
    }

    /// Events of the record's ids that its state of today does not give.
    fn events_besides(&self, records: &[ExpectedRecord]) -> Vec<TraceLine> {
        let Answered::Read(read) = &self.held.events else { return Vec::new() };
        let metrics = &self.config.rules.order.metrics;
        let ours = [
            &metrics.placed_order,
            &metrics.ordered_product,
            &metrics.fulfilled_order,
            &metrics.cancelled_order,
            &metrics.refunded_order,
        ];
        let is_expected = |held: &HeldEvent| {
            records.iter().any(|record| {
                matches!(record, ExpectedRecord::Event(event) if event.unique_id == held.unique_id
                    && held.metric.as_deref() == Some(&*event.metric))
            })
        };
        let is_of_record = |held: &HeldEvent| {
            records.iter().any(|record| {
                matches!(record, ExpectedRecord::Event(event) if event.unique_id == held.unique_id)
            })
        };
        let besides = read.events.iter().filter(|held| {
            let is_ours = held.metric.as_ref().is_some_and(|metric| ours.contains(&metric));
            is_ours && is_of_record(held) && !is_expected(held)
        });
        let line = |held: &HeldEvent| TraceLine {
            actual: compare::held_event(held),
            ..TraceLine::told(
                held.metric.clone().unwrap_or_default(),
                TraceVerdict::There,
                "the order gave it before; its state of today does not",
            )
        };
        besides.map(line).collect()
    }

    /// What it means that something is not there.
    fn absent(&self, part: TracedPart) -> (TraceVerdict, String) {
        if let Some(under_way) = self.under_way(part) {
            return under_way;
        }
        let rules = &self.config.rules;
        let realtime = self.config.mode.realtime();
        if let Some(why) = ignored_by_pushes(rules, self.document, part).filter(|_| realtime) {
            let why = format!("a push of it is ignored because {} ({})", because(why), why.code());
            return (TraceVerdict::Ignored, format!("{why}; an import sends it"));
        }
        if matches!(self.outbox, Answered::Unread(_)) {
            let why = "Klaviyo does not hold it; whether it waits here cannot be told, since the \
                       outbox does not answer";
            return (TraceVerdict::Unknown, why.to_owned());
        }
        let kind = self.document.kind.name();
        let import = if self.config.mode.import() { "" } else { " of the other deployment" };
        (
            TraceVerdict::Missing,
            format!(
                "nothing of it waits here, and Klaviyo does not hold it; POST /sync/{kind}{import} \
                 with its id sends it"
            ),
        )
    }

    /// What it means that something is there and differs.
    fn different(&self, part: TracedPart, differing: &[&'static str]) -> (TraceVerdict, String) {
        let names = differing.join(", ");
        // Of an event the first one stays, whatever is under way.
        if matches!(part, TracedPart::Placed | TracedPart::State | TracedPart::Refunds) {
            let why =
                "Klaviyo keeps the first event of an id, and the order may have been changed since";
            return (TraceVerdict::Different, format!("{names}: {why}"));
        }
        match self.under_way(part) {
            Some((verdict, detail)) => (verdict, format!("{names}: {detail}")),
            None => (
                TraceVerdict::Different,
                format!("{names}: it was changed at Klaviyo, or not brought from commercetools"),
            ),
        }
    }

    /// Whether it is under way, or why not: it waits, was refused, or was accepted too short a time ago.
    fn under_way(&self, part: TracedPart) -> Option<(TraceVerdict, String)> {
        if let Answered::Read(kept) = &self.outbox {
            if let Some(row) = kept.waiting.iter().find(|row| row.may_bring(part)) {
                return Some((
                    TraceVerdict::Waits,
                    format!("it waits in the outbox ({})", row.code),
                ));
            }
            if let Some(letter) = kept.letters.iter().find(|letter| letter.may_bring(part)) {
                return Some((
                    TraceVerdict::Refused,
                    format!(
                        "it is dead letter {} ({})",
                        letter.letter.as_deref().unwrap_or_default(),
                        letter.code
                    ),
                ));
            }
        }
        if let Answered::Read(KeptOfImport { failure: Some(failure), .. }) = &self.import {
            let why = format!("an import could not send it ({})", failure.code);
            return Some((TraceVerdict::Refused, why));
        }
        self.lately().map(|why| (TraceVerdict::Waits, why))
    }

    /// That Klaviyo may have accepted something of it too short a time ago.
    fn lately(&self) -> Option<String> {
        let outbox = match &self.outbox {
            Answered::Read(kept) => kept.accepted,
            Answered::Unasked | Answered::Unread(_) => None,
        };
        let run = match &self.import {
            Answered::Read(kept) => kept.run.updated_at.map(UnixMs::from),
            Answered::Unasked | Answered::Unread(_) => None,
        };
        let changed = Some(UnixMs::from(self.document.changed_at));
        let reasons = [
            (self.accepted.max(outbox), "Klaviyo accepted something of it"),
            (run, "an import of its kind was at work"),
            (changed, "it was changed"),
        ];
        reasons.into_iter().find_map(|(at, what)| {
            let passed = self.now.since(at?);
            let why = format!(
                "{what} {}; what Klaviyo accepted can take {} minutes to be read",
                ago(passed),
                READABLE_AFTER.as_secs() / 60
            );
            (passed < READABLE_AFTER).then_some(why)
        })
    }
}

/// The events of who has no profile.
static NO_EVENTS: ReadEvents = ReadEvents { events: Vec::new(), are_named: true, are_all: true };

fn unknown(Compared { what, expected, .. }: Compared) -> TraceLine {
    TraceLine { expected, ..TraceLine::told(what, TraceVerdict::Unknown, "") }
}

/// The line of something that could not be read.
fn not_read<T>(compared: Compared, read: &Answered<T>, scope: &str) -> TraceLine {
    let why = match read {
        Answered::Unread(Some(fault)) => unread(fault, scope),
        Answered::Unread(None) | Answered::Unasked | Answered::Read(_) => {
            "it was not read".to_owned()
        }
    };
    TraceLine { detail: Some(why), ..unknown(compared) }
}

/// A line for each notification that is kept, and if there may be more.
fn of_outbox(outbox: &Answered<KeptOfOutbox>) -> Vec<TraceLine> {
    let kept = match outbox {
        Answered::Read(kept) => kept,
        Answered::Unasked => return Vec::new(),
        Answered::Unread(_) => {
            let why = "the outbox does not answer: what waits or is a dead letter cannot be told";
            return vec![TraceLine::told("Outbox", TraceVerdict::Unknown, why)];
        }
    };
    let line = |row: &KeptNotification| {
        let (verdict, what) = match &row.letter {
            Some(_) => (TraceVerdict::Refused, "Dead letter"),
            None => (TraceVerdict::Waits, "Waiting"),
        };
        let name = if row.type_name.is_empty() { "notification" } else { &row.type_name };
        let mut detail = format!("{}, tried {} times", row.code, row.attempts);
        if let Some(pointer) = &row.pointer {
            detail.push_str(&format!(", at {pointer}"));
        }
        if let Some(id) = &row.letter {
            detail.push_str(&format!("; GET /dead-letters/{id} has the whole of it"));
        }
        TraceLine {
            actual: json!({ "since": row.at.shown() }),
            ..TraceLine::told(format!("{what}: {name}"), verdict, detail)
        }
    };
    let mut lines: Vec<_> = kept.waiting.iter().chain(&kept.letters).map(line).collect();
    if !kept.is_whole {
        let why = "more waits than could be looked through; something of this record may";
        lines.push(TraceLine::told("Outbox", TraceVerdict::Unknown, why));
    }
    lines
}

/// A line for what an import could not send, or skipped.
fn of_import(kind: ImportKind, import: &Answered<KeptOfImport>) -> Vec<TraceLine> {
    let kept = match import {
        Answered::Read(kept) => kept,
        Answered::Unasked => return Vec::new(),
        Answered::Unread(_) => {
            let why = "the imports do not answer: what failed there cannot be told";
            return vec![TraceLine::told("Import", TraceVerdict::Unknown, why)];
        }
    };
    let kind = kind.name();
    let failure = kept.failure.as_ref().map(|failure| {
        let at = failure.pointer.as_ref().map(|pointer| format!(", at {pointer}"));
        let at = at.unwrap_or_default();
        let detail = format!("{}{at}; GET /sync/{kind}/failures has the whole of it", failure.code);
        let line = TraceLine::told("Import", TraceVerdict::Refused, detail);
        TraceLine { actual: json!({ "since": failure.at }), ..line }
    });
    let skipped = kept.skipped.as_ref().map(|skipped| {
        let detail = format!("the newest run skipped it ({})", skipped.code);
        let line = TraceLine::told("Import", TraceVerdict::Ignored, detail);
        TraceLine { actual: json!({ "since": skipped.at }), ..line }
    });
    failure.into_iter().chain(skipped).collect()
}

/// What this deployment cannot see of another one.
fn elsewhere(config: &Config) -> Option<TraceLine> {
    let why = match (config.mode.realtime(), config.mode.import()) {
        (true, true) => return None,
        (true, false) => {
            "APP_TYPE is EVENT: what failed in an import, or is being imported, lies in the other \
             deployment and is not seen here"
        }
        (false, _) => {
            "APP_TYPE is BULK_IMPORT: what waits or is a dead letter in realtime lies in the other \
             deployment and is not seen here"
        }
    };
    Some(TraceLine::told("Other deployment", TraceVerdict::Unknown, why))
}
