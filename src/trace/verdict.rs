//! The join: expected and held state side by side, with a line and a verdict for each.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::compare::{self, Compared};
use super::event_walk::ReadEvents;
use super::expected::ExpectedRecord;
use super::kept::{KeptOfImport, KeptOfOutbox, TracedPart};
use super::kept_lines::{elsewhere, of_import, of_outbox};
use super::known_here::KnownHere;
use super::words::{because, told, unread};
use super::{Answered, Trace, TraceLine, TraceVerdict};
use crate::config::Config;
use crate::fault::ReadFault;
use crate::import::kind::ImportKind;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::event::Event;
use crate::klaviyo::read_back::{HeldEvent, HeldRecord};
use crate::push::conclusion::Conclusion;

/// What Klaviyo holds of the expected records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeldAtKlaviyo {
    /// Profiles.
    pub people: Answered<Vec<HeldRecord>>,
    /// Events.
    pub events: Answered<ReadEvents>,
    /// Objects of the catalogue, by Klaviyo's ids.
    pub objects: BTreeMap<CatalogKind, Answered<HashMap<String, HeldRecord>>>,
    /// Klaviyo's ids of the item's categories.
    pub categories: Answered<Vec<String>>,
}

/// The expected result, as far as it could be computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// Klaviyo should hold these.
    Records(Vec<ExpectedRecord>),
    /// The import would end without records.
    Ended(Conclusion),
}

/// All facts about a record that commercetools has.
#[derive(Debug)]
pub struct TraceFacts<'a> {
    /// What this Worker knows.
    pub here: KnownHere<'a>,
    /// What Klaviyo should hold.
    pub expectation: Expectation,
    /// What it holds.
    pub held: HeldAtKlaviyo,
}

/// The trace of a record that commercetools has.
#[must_use]
pub fn trace(facts: &TraceFacts) -> Trace {
    let mut lines = vec![TraceLine {
        actual: facts.here.document.shown(),
        detail: None,
        ..TraceLine::told(in_commercetools(facts.here.document.kind), TraceVerdict::There, "")
    }];
    match &facts.expectation {
        Expectation::Records(records) => {
            lines.extend(records.iter().flat_map(|record| facts.lines(record, records)));
            lines.extend(facts.events_besides(records));
        }
        Expectation::Ended(conclusion) => lines.push(facts.ended(conclusion)),
    }
    lines.extend(of_outbox(&facts.here.outbox));
    lines.extend(of_import(facts.here.document.kind, &facts.here.import));
    lines.extend(elsewhere(facts.here.config));
    Trace { found: true, lines }
}

/// The facts about a record that commercetools does not have, or that cannot be read there.
#[derive(Debug, Default)]
pub struct LostRecord {
    /// What Klaviyo still holds of it.
    pub left: Answered<Vec<HeldRecord>>,
    /// What the outbox has.
    pub outbox: Answered<KeptOfOutbox>,
    /// What the imports know.
    pub import: Answered<KeptOfImport>,
}

/// The trace of a record that commercetools does not have (why, in words), or that cannot be read there.
#[must_use]
pub fn not_found(
    config: &Config,
    kind: ImportKind,
    why: Result<String, ReadFault>,
    lost: &LostRecord,
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
    lines.extend(still_held(kind, lost));
    lines.extend(of_outbox(&lost.outbox));
    lines.extend(of_import(kind, &lost.import));
    lines.extend(elsewhere(config));
    Trace { found: false, lines }
}

/// What Klaviyo still holds of a record that commercetools does not have.
fn still_held(kind: ImportKind, lost: &LostRecord) -> Option<TraceLine> {
    let what = at_klaviyo(kind);
    let held = match &lost.left {
        Answered::Read(held) => held.first()?,
        Answered::Unasked => return None,
        Answered::Unread(_) => {
            let why = "whether Klaviyo still holds something of it cannot be read now";
            return Some(TraceLine::told(what, TraceVerdict::Unknown, why));
        }
    };
    let waits = matches!(&lost.outbox, Answered::Read(kept) if !kept.waiting.is_empty());
    let (verdict, why) = match kind {
        ImportKind::Customers => (
            TraceVerdict::There,
            "a profile stays, unless CONFIG.customer.deletion is \"erase\" and the customer was \
             deleted to erase personal data",
        ),
        _ if waits => (TraceVerdict::Waits, "it should be gone, and that waits in the outbox"),
        _ => (
            TraceVerdict::Different,
            "it should be gone; a full import of products deletes it, if CONFIG.product.import.deleteMissing is true",
        ),
    };
    let actual = json!({ "id": held.id });
    Some(TraceLine { actual, ..TraceLine::told(what, verdict, why) })
}

fn in_commercetools(kind: ImportKind) -> String {
    format!("The {} in commercetools", kind.resource_type())
}

/// What the record leads to at Klaviyo, if the parts are not listed.
fn at_klaviyo(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Orders => "Events",
        ImportKind::Customers => "Profile",
        ImportKind::Products => "Item",
        ImportKind::Categories => "Category",
    }
}

impl TraceFacts<'_> {
    /// The line of a record that leads to nothing, or to something unknown.
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
        TraceLine::told(at_klaviyo(self.here.document.kind), verdict, detail)
    }

    /// The lines of an expected record.
    fn lines(&self, record: &ExpectedRecord, all: &[ExpectedRecord]) -> Vec<TraceLine> {
        let part = TracedPart::of(self.here.config, record);
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

    /// The line of a comparison with one of several held records.
    fn joined(&self, part: TracedPart, compared: Compared) -> TraceLine {
        let Compared { what, expected, actual, differing } = compared;
        let (verdict, detail) = match (&actual, differing.is_empty()) {
            (Value::Null, true) if expected.is_null() => (TraceVerdict::There, None),
            (Value::Null, _) => {
                let (verdict, detail) = self.here.absent(part);
                (verdict, Some(detail))
            }
            (_, true) => (TraceVerdict::There, None),
            (_, false) => {
                let (verdict, detail) = self.here.different(part, &differing);
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
            Some(Answered::Read(held)) => held.get(id),
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
            // A person without a profile has no events.
            (_, Answered::Read(people)) if people.is_empty() => &NO_EVENTS,
            (unread, Answered::Read(_)) => {
                return not_read(compare::event(event, None), unread, "events:read");
            }
            (_, unread) => return not_read(compare::event(event, None), unread, "profiles:read"),
        };
        let found = match found(read, event, all) {
            FoundEvent::One(held) => Some(held),
            FoundEvent::None => None,
            FoundEvent::Unnamed => {
                let why = "Klaviyo holds an event of this id, and of which metric cannot be told: its \
                           key lacks the scope metrics:read, which is optional";
                return TraceLine {
                    detail: Some(why.to_owned()),
                    ..unknown(compare::event(event, None))
                };
            }
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

    /// Events with the record's ids that its current state does not give.
    fn events_besides(&self, records: &[ExpectedRecord]) -> Vec<TraceLine> {
        let Answered::Read(read) = &self.held.events else { return Vec::new() };
        let metrics = &self.here.config.rules.order.metrics;
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
                "the order gave it earlier; its current state does not",
            )
        };
        besides.map(line).collect()
    }
}

/// Whether an event is among those that were read.
enum FoundEvent<'a> {
    /// This one is.
    One(&'a HeldEvent),
    /// It is not.
    None,
    /// One with its id is, but the names of the metrics are not known.
    Unnamed,
}

/// Events of one order share an id if they have different metrics. Without the names of the metrics, an id is enough if
/// only one event should have it.
fn found<'a>(read: &'a ReadEvents, event: &Event, all: &[ExpectedRecord]) -> FoundEvent<'a> {
    let mut of_id = read.events.iter().filter(|held| held.unique_id == event.unique_id).peekable();
    if read.are_named {
        let found = of_id.find(|held| held.metric.as_deref() == Some(&*event.metric));
        return found.map_or(FoundEvent::None, FoundEvent::One);
    }
    let Some(first) = of_id.peek().copied() else { return FoundEvent::None };
    let is_one_metric = of_id.all(|held| held.metric_id == first.metric_id);
    let is_same = |one: &&ExpectedRecord| matches!(one, ExpectedRecord::Event(one) if one.unique_id == event.unique_id);
    if is_one_metric && all.iter().filter(is_same).count() == 1 {
        FoundEvent::One(first)
    } else {
        FoundEvent::Unnamed
    }
}

/// The events of a person without a profile.
static NO_EVENTS: ReadEvents = ReadEvents { events: Vec::new(), are_named: true, are_all: true };

fn unknown(Compared { what, expected, .. }: Compared) -> TraceLine {
    TraceLine { expected, ..TraceLine::told(what, TraceVerdict::Unknown, "") }
}

/// The line of a part that could not be read.
fn not_read<T>(compared: Compared, read: &Answered<T>, scope: &str) -> TraceLine {
    let why = match read {
        Answered::Unread(Some(fault)) => unread(fault, scope),
        Answered::Unread(None) | Answered::Unasked | Answered::Read(_) => {
            "it was not read".to_owned()
        }
    };
    TraceLine { detail: Some(why), ..unknown(compared) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AppType, Config, test_config};
    use crate::fault::{FinalFault, Rejection, Setback, System, TransientFault};
    use crate::klaviyo::event::EventProperties;
    use crate::klaviyo::profile::Profile;
    use crate::push::plan::IgnoreReason;
    use crate::trace::document::TracedDocument;
    use crate::trace::kept::{KeptNotification, KeptOfOutbox};
    use crate::trace::known_here::samples::{kept, known, order};
    use serde_json::Map;

    fn event(metric: &str, unique_id: &str) -> ExpectedRecord {
        ExpectedRecord::Event(Box::new(Event {
            metric: metric.to_owned(),
            profile: Profile::default(),
            unique_id: unique_id.to_owned(),
            time: order().created_at,
            value: 5.into(),
            value_currency: "EUR".to_owned(),
            properties: EventProperties::of(&Map::new()),
            backfill: false,
        }))
    }

    fn held(metric: &str, unique_id: &str) -> HeldEvent {
        HeldEvent {
            unique_id: unique_id.to_owned(),
            metric_id: metric.to_lowercase(),
            metric: Some(metric.to_owned()),
            time: None,
            value: Some(5.0),
            currency: None,
        }
    }

    fn read(events: Vec<HeldEvent>) -> Answered<ReadEvents> {
        Answered::Read(ReadEvents { events, are_named: true, are_all: true })
    }

    fn facts<'a>(config: &'a Config, document: &'a TracedDocument) -> TraceFacts<'a> {
        let person = HeldRecord { id: "01K".to_owned(), attributes: Map::new() };
        let held = HeldAtKlaviyo {
            people: Answered::Read(vec![person]),
            events: read(Vec::new()),
            ..HeldAtKlaviyo::default()
        };
        let expectation = Expectation::Records(vec![event("Placed Order", "o")]);
        TraceFacts { here: known(config, document), expectation, held }
    }

    /// The verdict on the part with that name, and the reason.
    fn said(facts: &TraceFacts, what: &str) -> (TraceVerdict, String) {
        let line = trace(facts).lines.into_iter().find(|line| line.what == what);
        let line = line.unwrap_or_else(|| panic!("no line {what}"));
        (line.verdict, line.detail.unwrap_or_default())
    }

    #[test]
    fn an_event_is_found_by_its_metric_or_else_by_its_id_alone() {
        let (config, order) = (test_config(), order());
        let unnamed =
            |events| Answered::Read(ReadEvents { events, are_named: false, are_all: true });
        let both = || vec![event("Placed Order", "o"), event("Cancelled Order", "o")];
        let one = || vec![event("Placed Order", "o")];
        let other = HeldEvent { value: Some(6.0), ..held("Placed Order", "o") };
        let more = Answered::Read(ReadEvents { are_all: false, are_named: true, events: vec![] });
        let refused = TransientFault::Status(System::Klaviyo, 403);
        let unread = Answered::Unread(Some(Setback::from(refused).into()));
        for (expected, events, verdict, why) in [
            (both(), read(vec![held("Placed Order", "o")]), TraceVerdict::There, ""),
            (both(), read(vec![held("Cancelled Order", "o")]), TraceVerdict::Missing, "POST"),
            (one(), read(vec![held("Placed Order", "p")]), TraceVerdict::Missing, "POST"),
            (one(), read(vec![other]), TraceVerdict::Different, "value: Klaviyo keeps the first"),
            (one(), unnamed(vec![held("Placed Order", "o")]), TraceVerdict::There, ""),
            (
                both(),
                unnamed(vec![held("Placed Order", "o")]),
                TraceVerdict::Unknown,
                "metrics:read",
            ),
            (both(), unnamed(vec![]), TraceVerdict::Missing, "POST"),
            (one(), more, TraceVerdict::Unknown, "there are more"),
            (one(), unread, TraceVerdict::Unknown, "the scope events:read"),
        ] {
            let mut facts = facts(&config, &order);
            facts.expectation = Expectation::Records(expected);
            facts.held.events = events;
            let (given, detail) = said(&facts, "Placed Order");
            assert_eq!(given, verdict, "{detail}");
            assert!(detail.contains(why), "{detail}");
        }
    }

    #[test]
    fn who_has_no_profile_has_no_events() {
        let (config, order) = (test_config(), order());
        let mut facts = facts(&config, &order);
        facts.held.events = Answered::Unasked;
        assert_eq!(said(&facts, "Placed Order").0, TraceVerdict::Unknown);
        facts.held.people = Answered::Read(Vec::new());
        assert_eq!(said(&facts, "Placed Order").0, TraceVerdict::Missing);
        facts.held.people = Answered::Unread(None);
        assert_eq!(said(&facts, "Placed Order").0, TraceVerdict::Unknown);
    }

    #[test]
    fn a_record_that_gives_nothing_says_why() {
        let (config, order) = (test_config(), order());
        let refused =
            Rejection::new(FinalFault::Refused(System::Commercetools, 400), "of jane@x.de");
        let out = TransientFault::Status(System::Commercetools, 503);
        for (conclusion, verdict, why) in [
            (
                Conclusion::Ignored(IgnoreReason::NoIdentity),
                TraceVerdict::Ignored,
                "ignored because the order names neither",
            ),
            (Conclusion::Never(refused), TraceVerdict::Refused, "commercetools_400"),
            (Conclusion::Later(out.into()), TraceVerdict::Unknown, "commercetools_503"),
            (Conclusion::Delivered, TraceVerdict::Ignored, "nothing to send"),
        ] {
            let mut facts = facts(&config, &order);
            facts.expectation = Expectation::Ended(conclusion);
            let (given, detail) = said(&facts, "Events");
            assert_eq!(given, verdict, "{detail}");
            assert!(detail.contains(why) && !detail.contains('@'), "{detail}");
        }
    }

    #[test]
    fn what_is_kept_here_has_lines_of_its_own() {
        let order = order();
        let mut config = test_config();
        config.mode = AppType::Realtime;
        let mut facts = facts(&config, &order);
        let letter = KeptNotification { pointer: Some("/data".to_owned()), ..kept(&[], Some("7")) };
        facts.here.outbox = Answered::Read(KeptOfOutbox {
            waiting: vec![KeptNotification { type_name: String::new(), ..kept(&[], None) }],
            letters: vec![letter],
            is_whole: false,
            accepted: None,
        });
        facts.here.import = Answered::Unread(None);
        for (what, verdict, why) in [
            ("Waiting: notification", TraceVerdict::Waits, "klaviyo_503, attempts: 2"),
            ("Dead letter: OrderCreated", TraceVerdict::Refused, "at /data; GET /dead-letters/7"),
            ("Outbox", TraceVerdict::Unknown, "more waits than could be looked through"),
            ("Import", TraceVerdict::Unknown, "do not answer"),
            ("Other deployment", TraceVerdict::Unknown, "APP_TYPE is EVENT"),
        ] {
            let (given, detail) = said(&facts, what);
            assert_eq!(given, verdict, "{what}");
            assert!(detail.contains(why), "{detail}");
        }
        let left = HeldRecord { id: "01K".to_owned(), attributes: Map::new() };
        let lost = LostRecord {
            left: Answered::Read(vec![left]),
            outbox: facts.here.outbox,
            import: Answered::Unasked,
        };
        let lost = not_found(&config, ImportKind::Products, Ok("none".to_owned()), &lost);
        assert!(!lost.found);
        let verdicts: Vec<_> = lost.lines.iter().map(|line| line.verdict).collect();
        assert_eq!(verdicts[..2], [TraceVerdict::Missing, TraceVerdict::Waits]);
        assert_eq!(lost.lines[1].what, "Item");
    }

    #[test]
    fn the_answer_has_the_documented_members() {
        let (config, order) = (test_config(), order());
        let mut facts = facts(&config, &order);
        facts.held.events = read(vec![held("Placed Order", "o")]);
        let shown = serde_json::to_value(trace(&facts)).expect("JSON");
        assert_eq!(shown["found"], true);
        let line = &shown["lines"][1];
        assert_eq!(
            *line,
            json!({
                "what": "Placed Order",
                "expected": {"event_id": "o", "time": "2027-01-15T07:49:59Z", "value": 5,
                    "currency": "EUR"},
                "actual": {"event_id": "o", "time": null, "value": 5.0, "currency": null},
                "verdict": "there", "detail": null,
            })
        );
    }

    #[test]
    fn what_klaviyo_still_holds_is_told() {
        let config = test_config();
        let held = || HeldRecord { id: "01K".to_owned(), attributes: Map::new() };
        for (kind, left, expected) in [
            (ImportKind::Products, Answered::Read(vec![held()]), Some(TraceVerdict::Different)),
            (ImportKind::Customers, Answered::Read(vec![held()]), Some(TraceVerdict::There)),
            (ImportKind::Products, Answered::Read(vec![]), None),
            (ImportKind::Products, Answered::Unread(None), Some(TraceVerdict::Unknown)),
            (ImportKind::Orders, Answered::Unasked, None),
        ] {
            let lost = LostRecord { left, ..LostRecord::default() };
            let lines = not_found(&config, kind, Ok("none".to_owned()), &lost).lines;
            assert_eq!(lines.get(1).map(|line| line.verdict), expected, "{kind:?}");
        }
    }
}
