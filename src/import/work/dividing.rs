//! Divides a pass before the run reads it: by its first and last document, and the counts of its parts.
//!
//! If these cannot be found out, the run reads the pass undivided, without a total.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::calling::RunReading;
use super::{PassEnd, PassEnds, RunWork};
use crate::commercetools::{answer as commercetools, walk};
use crate::config::Config;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::import::parts::{MOST_COUNTED, WalkParts};
use crate::import::passes::PassRange;

impl RunWork {
    pub(super) fn end_read(
        &mut self,
        config: &Config,
        asked: &walk::WalkEnd,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        // Without this time the walk is not divided, which costs time but no document. A document that exceeds the read
        // limit gives no time, and hides the total after it.
        if answer.is_beginning {
            self.end_unknown(config, asked, now);
            return Ok(());
        }
        let page = commercetools::counted_page::<Box<RawValue>>(answer)?;
        let mut end = PassEnd { at: None, total: page.total.unwrap_or(0) };
        if let Some(document) = page.results.first() {
            let known = serde_json::from_str::<CreationTime>(document.get()).ok();
            end.at = known.map(|known| known.created_at);
            self.learn_size(config, 1, document.get().len());
        }
        // The query for the oldest document also asks for the total.
        let is_capped = asked.filter.narrows() && end.total >= MOST_COUNTED;
        if !asked.newest && self.is_counted() && self.run.total.is_none() && !is_capped {
            self.run.total = Some(end.total.max(self.run.counts.read));
        }
        self.end_known(config, asked, end, now);
        Ok(())
    }

    /// An end of the pass is not known: the run does not divide it, and does not count its records in advance.
    pub(super) fn end_unknown(
        &mut self,
        config: &Config,
        asked: &walk::WalkEnd,
        now: DateTime<Utc>,
    ) {
        self.end_known(config, asked, PassEnd { at: None, total: 0 }, now);
    }

    fn end_known(
        &mut self,
        config: &Config,
        asked: &walk::WalkEnd,
        end: PassEnd,
        now: DateTime<Utc>,
    ) {
        if asked.newest {
            self.ends.newest = Some(end);
        } else {
            self.ends.oldest = Some(end);
        }
        if let PassEnds { oldest: Some(oldest), newest: Some(newest) } = self.ends {
            self.ends = PassEnds::default();
            let rules = &config.rules.import;
            self.parts = WalkParts::new(oldest.at, newest.at, oldest.total, rules);
            match &self.parts {
                Some(_) => self.go_on_counting(config, now),
                None => self.begin_ranges(vec![PassRange::default()]),
            }
        }
    }

    /// Asks for the counts of parts; when all have come, the run reads the parts.
    fn go_on_counting(&mut self, config: &Config, now: DateTime<Utc>) {
        let rules = &config.rules.import;
        let Some(mut parts) = self.parts.take() else { return };
        let are_counted = parts.are_counted(rules);
        for range in parts.take_uncounted().collect::<Vec<_>>() {
            self.now_queue(RunReading::Count(range), now);
        }
        if !are_counted {
            self.parts = Some(parts);
            return;
        }
        if self.is_counted() && self.run.total.is_none() {
            self.run.total = parts.total().map(|total| total.max(self.run.counts.read));
        }
        self.begin_ranges(parts.ranges(rules));
    }

    pub(super) fn count_read(
        &mut self,
        config: &Config,
        range: &PassRange,
        answer: &HttpAnswer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let total = if answer.is_beginning {
            None
        } else {
            commercetools::counted_page::<IgnoredAny>(answer)?.total
        };
        self.part_counted(config, range, total, now);
        Ok(())
    }

    /// Takes the number of documents in a part, if it is known.
    pub(super) fn part_counted(
        &mut self,
        config: &Config,
        range: &PassRange,
        total: Option<u64>,
        now: DateTime<Utc>,
    ) {
        if let Some(parts) = &mut self.parts {
            parts.counted(range, total);
            self.go_on_counting(config, now);
        }
    }
}

/// The fields of a document that say when it was created.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreationTime {
    created_at: DateTime<Utc>,
}
