//! How much to read at once: as much as fits in answers that are neither too long nor too slow.
//!
//! If a page is longer than the read limit, the run keeps the documents at its beginning; if a page takes too long, it
//! gives none, and the run asks again for half of them. Both make the following pages smaller, down to a single
//! document; pages grow again while that goes well.

use chrono::{DateTime, Utc};

use super::RunWork;
use super::calling::RunReading;
use crate::assembly::together::JointReading;
use crate::commercetools::walk::Walk;
use crate::config::Config;
use crate::engine::stubborn::CallTries;
use crate::http::PAGE_BYTES;

/// The bytes that a page should have: three quarters of the read limit ([`PAGE_BYTES`]), so that few are longer.
pub(super) const AIMED_BYTES: usize = PAGE_BYTES / 4 * 3;

/// The next page may have this many times as many documents as the last one.
const GROWTH: usize = 4;

/// How many documents a page may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSize {
    /// How many the next page should have.
    pub(super) limit: usize,
    /// The most that commercetools answers in time, as far as is known.
    in_time: usize,
    /// The bytes of the last page.
    pub(super) bytes: usize,
}

impl PageSize {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), in_time: usize::MAX, bytes: AIMED_BYTES }
    }

    /// Learns from the documents and bytes of a page. A document that is larger than others makes the next page small,
    /// and later pages grow again.
    pub(super) fn learn(&mut self, documents: usize, bytes: usize, page_size: usize) {
        // The empty page at the end says nothing.
        if documents == 0 {
            return;
        }
        self.bytes = bytes;
        self.in_time = self.in_time.saturating_add(self.in_time / 4 + 1);
        let each = (bytes / documents).max(1);
        let most = page_size.min(self.in_time).min(GROWTH.saturating_mul(self.limit));
        self.limit = (AIMED_BYTES / each).clamp(1, most.max(1));
    }

    /// This many documents took too long.
    fn too_slow(&mut self, limit: usize) {
        self.in_time = (limit / 2).max(1);
        self.limit = self.limit.min(self.in_time);
    }
}

impl RunWork {
    pub(super) fn learn_size(&mut self, config: &Config, documents: usize, bytes: usize) {
        let page_size = usize::try_from(config.rules.import.page_size).unwrap_or(1);
        self.size.learn(documents, bytes, page_size);
    }

    /// A walk over records with the page size that their bytes allow.
    pub(super) fn sized(&self, walk: Walk) -> Walk {
        let is_of_records = walk.of == self.run.kind.documents();
        let limit = if is_of_records { self.size.limit.min(walk.limit) } else { walk.limit };
        Walk { limit, ..walk }
    }

    /// A smaller reading after one that took too long. None if the run asks in another way, or goes on without it.
    pub(super) fn made_smaller(
        &mut self,
        config: &Config,
        what: RunReading,
        tries: CallTries,
        now: DateTime<Utc>,
    ) -> Option<RunReading> {
        match what {
            RunReading::Page { range, limit, .. } if limit > 1 => {
                self.size.too_slow(limit);
                if let Some(reader) = self.readers.get_mut(range) {
                    reader.reading = false;
                }
                None
            }
            RunReading::Linked { page, walk } if walk.limit > 1 => {
                let limit = walk.limit / 2;
                Some(RunReading::Linked { page, walk: Walk { limit, ..walk } })
            }
            RunReading::Again(ids) if ids.len() > 1 => {
                self.size.too_slow(ids.len());
                for id in &ids {
                    self.again_under_way.remove(id);
                }
                None
            }
            RunReading::Need { page, need: JointReading::Queries(query) }
                if !query.halves().is_empty() =>
            {
                self.ask_in_halves(page, &query, tries, now);
                None
            }
            // Once more, since it divides the walk; then the run goes on without it.
            RunReading::End(end) if tries.count > 1 => {
                self.end_unknown(config, &end, now);
                None
            }
            RunReading::Count(range) if tries.count > 1 => {
                self.part_counted(config, &range, None, now);
                None
            }
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_as_many_documents_as_its_bytes_and_its_time_allow() {
        let mut size = PageSize::new(50);
        let mut limits = Vec::new();
        for (documents, bytes) in [
            (50, 100_000),
            (200, 400_000),
            (3, 2_000_000),
            (1, 3_000_000),
            (1, 2_000),
            (4, 8_000),
            (16, 32_000),
            (0, 40),
        ] {
            size.learn(documents, bytes, 500);
            limits.push(size.limit);
        }
        assert_eq!(limits, [200, 500, 2, 1, 4, 16, 64, 64]);
        size.too_slow(64);
        assert_eq!(size.limit, 32);
        let grown = (0..4).map(|_| {
            size.learn(size.limit, size.limit * 2_000, 500);
            size.limit
        });
        assert_eq!(grown.collect::<Vec<_>>(), [41, 52, 66, 83]);
        size.too_slow(1);
        assert_eq!(size.limit, 1, "never none");
    }
}
