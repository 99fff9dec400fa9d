//! What this Worker knows about a record, and what that means for a part that Klaviyo lacks or holds with other values:
//! it waits, was refused, is ignored, or is missing.

use super::accepted::READABLE_AFTER;
use super::document::TracedDocument;
use super::kept::{KeptOfImport, KeptOfOutbox, TracedPart};
use super::rules::ignored_by_pushes;
use super::words::{ago, because};
use super::{Answered, TraceVerdict};
use crate::config::Config;
use crate::time::UnixMs;

/// What this Worker knows about a record that commercetools has.
#[derive(Debug)]
pub struct KnownHere<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The record.
    pub document: &'a TracedDocument,
    /// What the outbox has.
    pub outbox: Answered<KeptOfOutbox>,
    /// What the imports know.
    pub import: Answered<KeptOfImport>,
    /// When Klaviyo accepted something of it, if that is remembered.
    pub accepted: Option<UnixMs>,
    /// The time.
    pub now: UnixMs,
}

impl KnownHere<'_> {
    /// What the absence of a part means.
    pub(super) fn absent(&self, part: TracedPart) -> (TraceVerdict, String) {
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

    /// What a difference in a part means.
    pub(super) fn different(
        &self,
        part: TracedPart,
        differing: &[&'static str],
    ) -> (TraceVerdict, String) {
        let names = differing.join(", ");
        // Klaviyo keeps the first event of an id, whatever is under way.
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

    /// Whether the part is under way, or why not: it waits, was refused, or was accepted too short a time ago.
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

    /// Klaviyo may have accepted something of it too short a time ago.
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

#[cfg(test)]
pub(super) mod samples {
    use std::time::Duration;

    use serde_json::Map;

    use super::*;
    use crate::commercetools::reference::Id;
    use crate::import::kind::ImportKind;
    use crate::trace::kept::{KeptNotification, TracedRun};

    pub(in crate::trace) const NOW: UnixMs = UnixMs::from_ms(1_800_000_000_000);

    /// An order whose last change is so long ago that all of it can be read.
    pub(in crate::trace) fn order() -> TracedDocument {
        let changed = NOW - READABLE_AFTER;
        TracedDocument {
            kind: ImportKind::Orders,
            id: Id::new("o").expect("an id"),
            created_at: (changed - Duration::from_secs(1)).to_utc().expect("a time"),
            changed_at: changed.to_utc().expect("a time"),
            payments: Vec::new(),
            raw: Map::new(),
        }
    }

    /// Nothing is kept about it.
    pub(in crate::trace) fn known<'a>(
        config: &'a Config,
        document: &'a TracedDocument,
    ) -> KnownHere<'a> {
        let outbox = KeptOfOutbox { is_whole: true, ..KeptOfOutbox::default() };
        let import = KeptOfImport { failure: None, skipped: None, run: TracedRun::default() };
        KnownHere {
            config,
            document,
            outbox: Answered::Read(outbox),
            import: Answered::Read(import),
            accepted: None,
            now: NOW,
        }
    }

    /// A waiting notification, or a dead letter.
    pub(in crate::trace) fn kept(brings: &[TracedPart], letter: Option<&str>) -> KeptNotification {
        KeptNotification {
            brings: brings.to_vec(),
            type_name: "OrderCreated".to_owned(),
            code: "klaviyo_503".to_owned(),
            pointer: None,
            at: NOW,
            attempts: 2,
            letter: letter.map(ToOwned::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::samples::{NOW, kept, known, order};
    use super::*;
    use crate::config::{AppType, test_config, test_config_with};
    use crate::trace::kept::{ImportedRecord, KeptNotification};

    type Change = fn(&mut KnownHere);

    fn waiting(here: &mut KnownHere, row: KeptNotification) {
        let Answered::Read(outbox) = &mut here.outbox else { panic!("an outbox") };
        outbox.waiting.push(row);
    }

    fn run(here: &mut KnownHere, ago: Duration) {
        let Answered::Read(import) = &mut here.import else { panic!("an import") };
        import.run.updated_at = (NOW - ago).to_utc();
    }

    #[test]
    fn what_is_not_there_has_the_nearest_reason() {
        let (config, order) = (test_config(), order());
        let waits: Change = |here| waiting(here, kept(&[TracedPart::Placed], None));
        let refund_waits: Change = |here| waiting(here, kept(&[TracedPart::Refunds], None));
        let untold_waits: Change = |here| waiting(here, kept(&[], None));
        let letter: Change = |here| {
            let Answered::Read(outbox) = &mut here.outbox else { panic!("an outbox") };
            outbox.letters.push(kept(&[TracedPart::Placed], Some("7")));
        };
        let failed: Change = |here| {
            let Answered::Read(import) = &mut here.import else { panic!("an import") };
            let code = "klaviyo_400".to_owned();
            import.failure = Some(ImportedRecord { code, pointer: None, at: None });
        };
        let new_run: Change = |here| run(here, Duration::from_mins(3));
        let old_run: Change = |here| run(here, READABLE_AFTER);
        let accepted: Change = |here| here.accepted = Some(NOW - Duration::from_secs(1));
        let by_outbox: Change = |here| {
            let Answered::Read(outbox) = &mut here.outbox else { panic!("an outbox") };
            outbox.accepted = Some(NOW - Duration::from_mins(9));
        };
        let no_outbox: Change = |here| here.outbox = Answered::Unread(None);
        for (changes, verdict, why) in [
            (vec![], TraceVerdict::Missing, "POST /sync/orders with its id sends it"),
            (vec![waits, letter], TraceVerdict::Waits, "in the outbox (klaviyo_503)"),
            (vec![untold_waits], TraceVerdict::Waits, "in the outbox"),
            (vec![refund_waits], TraceVerdict::Missing, "POST"),
            (vec![letter, failed, new_run], TraceVerdict::Refused, "dead letter 7"),
            (vec![failed, new_run], TraceVerdict::Refused, "could not send it (klaviyo_400)"),
            (vec![new_run], TraceVerdict::Waits, "at work 3 minutes ago"),
            (vec![old_run], TraceVerdict::Missing, "POST"),
            (vec![accepted, new_run], TraceVerdict::Waits, "something of it less than a minute"),
            (vec![by_outbox], TraceVerdict::Waits, "something of it 9 minutes ago"),
            (vec![no_outbox], TraceVerdict::Unknown, "the outbox does not answer"),
            (vec![no_outbox, new_run], TraceVerdict::Waits, "at work"),
        ] {
            let mut here = known(&config, &order);
            for change in changes {
                change(&mut here);
            }
            let (given, detail) = here.absent(TracedPart::Placed);
            assert_eq!(given, verdict, "{detail}");
            assert!(detail.contains(why), "{detail}");
        }
    }

    #[test]
    fn a_record_of_a_moment_ago_waits_however_it_was_brought() {
        let config = test_config();
        let changed_at = (NOW - Duration::from_mins(2)).to_utc().expect("a time");
        let order = TracedDocument { changed_at, ..order() };
        let (verdict, detail) = known(&config, &order).absent(TracedPart::Placed);
        assert_eq!(verdict, TraceVerdict::Waits);
        assert!(detail.starts_with("it was changed 2 minutes ago"), "{detail}");
    }

    #[test]
    fn what_the_rules_leave_to_imports_is_ignored() {
        let order = order();
        let (created, refunded) = ("OrderCreated", "OrderRefunded");
        for (disabled, mode, verdict) in [
            (created, AppType::Both, TraceVerdict::Ignored),
            (refunded, AppType::Both, TraceVerdict::Missing),
            (created, AppType::Import, TraceVerdict::Missing),
        ] {
            let rules = format!(r#"{{"disabledEvents":["{disabled}"]}}"#);
            let config = Config { mode, ..test_config_with(&rules) };
            let (given, detail) = known(&config, &order).absent(TracedPart::Placed);
            assert_eq!(given, verdict, "{detail}");
        }
    }

    #[test]
    fn what_differs_may_be_under_way_unless_it_is_an_event() {
        let (config, order) = (test_config(), order());
        for (part, row, verdict, why) in [
            (
                TracedPart::Profile,
                None,
                TraceVerdict::Different,
                "title: it was changed at Klaviyo",
            ),
            (
                TracedPart::Profile,
                Some(TracedPart::Profile),
                TraceVerdict::Waits,
                "title: it waits in the outbox",
            ),
            (
                TracedPart::Placed,
                Some(TracedPart::Placed),
                TraceVerdict::Different,
                "title: Klaviyo keeps the first event of an id",
            ),
        ] {
            let mut here = known(&config, &order);
            if let Some(part) = row {
                waiting(&mut here, kept(&[part], None));
            }
            let (given, detail) = here.different(part, &["title"]);
            assert_eq!(given, verdict, "{detail}");
            assert!(detail.starts_with(why), "{detail}");
        }
    }
}
