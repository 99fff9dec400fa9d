//! Divides a walk into parts that are read in parallel.
//!
//! Documents can only be divided by their time of creation, and they are not spread evenly over it: a shop may have
//! most of its customers from one day. So each part is counted, and parts with too many documents are divided again.
//! commercetools counts up to [`MOST_COUNTED`] if a query has a predicate, and each part has one; so the parts also
//! tell the total number of documents.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};

use super::passes::PassRange;
use crate::config::ImportRules;

/// commercetools counts up to this if a query has a predicate (its release note of 2020-10-12).
pub(super) const MOST_COUNTED: u64 = 10_000;

/// Pages that a part of a walk has on average. The last page of a part is not full, so few parts are better; but
/// documents are not spread evenly over time, so there should be more parts than lanes.
const RANGE_PAGES: u64 = 16;

/// Pages that make a part worthwhile if otherwise some lanes would be idle.
const SHORT_RANGE_PAGES: u64 = 2;

/// The maximum number of parts of equal time, before they are counted.
const FIRST_PARTS: u64 = 48;

/// The maximum number of parts. Each page stores them, some 100 bytes each.
const MOST_PARTS: usize = 400;

/// A part with too many documents is divided into this many.
const PIECES: i32 = 4;

/// The shortest part: times in queries have milliseconds, and no shop creates that many documents in a second.
const SHORTEST: Duration = Duration::seconds(1);

/// A part whose documents are being counted.
#[derive(Debug, Clone)]
struct WalkPart {
    /// Its bounds; they include the first and the last document of the walk.
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    count: PartCount,
}

/// What is known about the number of documents in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartCount {
    /// The query for it is under way.
    Asked,
    /// commercetools cannot say.
    Unknown,
    /// This many, up to [`MOST_COUNTED`].
    Known(u64),
}

/// The parts of a walk, until all are counted.
#[derive(Debug)]
pub(super) struct WalkParts {
    /// In their order, without gaps.
    parts: Vec<WalkPart>,
    /// The most documents that a part should have.
    most: u64,
    /// The parts to count.
    to_count: VecDeque<PassRange>,
}

impl WalkParts {
    /// Divides a walk of `total` documents, as far as they are counted, into parts of equal time. None if it should not
    /// be divided.
    pub(super) fn new(
        oldest: Option<DateTime<Utc>>,
        newest: Option<DateTime<Utc>>,
        total: u64,
        rules: &ImportRules,
    ) -> Option<Self> {
        let count = aimed_at(total, rules).min(FIRST_PARTS);
        let is_whole = count == 1 && total < MOST_COUNTED;
        let whole = WalkPart { from: oldest?, to: newest?, count: PartCount::Asked };
        let count = if is_whole { 1 } else { i32::try_from(count.max(2)).ok()? };
        let parts = whole.divided(count);
        (parts.len() > 1).then(|| {
            // A higher total is known only after the count of the parts.
            let most = if total < MOST_COUNTED { most_of(total, rules) } else { MOST_COUNTED - 1 };
            let mut walk = Self { parts, most, to_count: VecDeque::new() };
            walk.to_count = (0..walk.parts.len()).map(|at| walk.range(at)).collect();
            walk
        })
    }

    /// The parts to count, since the last call of this method.
    pub(super) fn take_uncounted(&mut self) -> impl Iterator<Item = PassRange> {
        self.to_count.drain(..)
    }

    /// Takes the number of documents in a part, if commercetools could say. A part with too many is divided.
    pub(super) fn counted(&mut self, range: &PassRange, total: Option<u64>) {
        let Some(at) = (0..self.parts.len()).find(|at| self.range(*at) == *range) else { return };
        let pieces = match total {
            Some(total) if total > self.most && self.parts.len() < MOST_PARTS => {
                self.parts[at].divided(PIECES)
            }
            _ => Vec::new(),
        };
        if pieces.len() < 2 {
            self.parts[at].count = total.map_or(PartCount::Unknown, PartCount::Known);
            return;
        }
        let new = pieces.len();
        self.parts.splice(at..=at, pieces);
        self.to_count.extend((at..at + new).map(|at| self.range(at)).collect::<Vec<_>>());
    }

    /// Whether all of them are counted, as far as possible. As soon as the total is known, parts with too many
    /// documents are divided again.
    pub(super) fn are_counted(&mut self, rules: &ImportRules) -> bool {
        if self.parts.iter().any(|part| part.count == PartCount::Asked) {
            return false;
        }
        if let Some(total) = self.total() {
            self.most = most_of(total, rules);
            let counted: Vec<_> = (0..self.parts.len())
                .filter_map(|at| match self.parts[at].count {
                    PartCount::Known(count) if count > self.most => Some((self.range(at), count)),
                    _ => None,
                })
                .collect();
            for (range, count) in counted {
                self.counted(&range, Some(count));
            }
        }
        self.to_count.is_empty()
    }

    /// The total number of documents; none if it is not known.
    pub(super) fn total(&self) -> Option<u64> {
        let counts = self.parts.iter().map(|part| match part.count {
            PartCount::Known(count) => Some(count).filter(|count| *count < MOST_COUNTED),
            PartCount::Asked | PartCount::Unknown => None,
        });
        counts.sum()
    }

    /// The parts; adjacent ones with few documents are joined.
    pub(super) fn ranges(&self, rules: &ImportRules) -> Vec<PassRange> {
        let count = |part: &WalkPart| match part.count {
            PartCount::Known(count) => count,
            PartCount::Asked | PartCount::Unknown => self.most,
        };
        let all = self.parts.iter().map(count).sum();
        let aim = all / aimed_at(all, rules);
        let mut ranges: Vec<(PassRange, u64)> = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let (range, count) = (self.range(at), count(part));
            match ranges.last_mut() {
                Some((last, known)) if *known + count <= aim => {
                    last.to = range.to;
                    *known += count;
                }
                _ => ranges.push((range, count)),
            }
        }
        ranges.into_iter().map(|(range, _)| range).collect()
    }

    /// A part as it is read: the first and the last one of a walk have no outer bound, since documents newer than the
    /// newest may appear meanwhile.
    fn range(&self, at: usize) -> PassRange {
        let part = &self.parts[at];
        let from = (at > 0).then_some(part.from);
        let to = (at + 1 < self.parts.len()).then_some(part.to);
        PassRange { from, to, ..PassRange::default() }
    }
}

/// How many parts a walk of this many documents should have: at least one for each lane, unless they would be too
/// short.
fn aimed_at(total: u64, rules: &ImportRules) -> u64 {
    let pages = total / u64::from(rules.page_size).max(1);
    let least = u64::from(rules.lanes).min(pages / SHORT_RANGE_PAGES).max(1);
    (pages / RANGE_PAGES).max(least)
}

/// The most documents that a part should have, for this total.
fn most_of(total: u64, rules: &ImportRules) -> u64 {
    let even = 3 * total / (2 * aimed_at(total, rules));
    even.max(SHORT_RANGE_PAGES * u64::from(rules.page_size)).min(MOST_COUNTED - 1)
}

impl WalkPart {
    /// Parts of equal time, fewer if they would be too short.
    fn divided(&self, count: i32) -> Vec<Self> {
        let length = self.to - self.from;
        let most = length.num_seconds() / SHORTEST.num_seconds();
        let count = i32::try_from(most).map_or(count, |most| count.min(most)).max(1);
        let step = length / count;
        let bound = |part: i32| if part == count { self.to } else { self.from + step * part };
        let part = |at| Self { from: bound(at), to: bound(at + 1), count: PartCount::Asked };
        (0..count).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::hours(hours)
    }

    /// Divides a walk over documents of these times (hours), counted as commercetools does: the parts, the total number
    /// of documents, and the number of counts.
    fn divided(times: &[i64]) -> (Vec<PassRange>, Option<u64>, usize) {
        let (Some(oldest), Some(newest)) = (times.iter().min(), times.iter().max()) else {
            return (Vec::new(), None, 0);
        };
        let total = u64::try_from(times.len()).expect("a number").min(MOST_COUNTED);
        let rules = ImportRules::default();
        let parts = WalkParts::new(Some(time(*oldest)), Some(time(*newest)), total, &rules);
        let Some(mut parts) = parts else { return (vec![PassRange::default()], None, 0) };
        let mut counted = 0;
        while !parts.are_counted(&rules) {
            let ranges: Vec<_> = parts.take_uncounted().collect();
            for range in ranges {
                counted += 1;
                parts.counted(&range, Some(count(times, &range).min(MOST_COUNTED)));
            }
        }
        (parts.ranges(&rules), parts.total(), counted)
    }

    fn count(times: &[i64], range: &PassRange) -> u64 {
        let is_in = |at: &&i64| {
            range.from.is_none_or(|from| from <= time(**at))
                && range.to.is_none_or(|to| time(**at) < to)
        };
        u64::try_from(times.iter().filter(is_in).count()).expect("a number")
    }

    #[test]
    fn a_walk_is_divided_without_gaps_into_parts_of_like_size() {
        let even = |count: i64| (0..count).map(|n| n * 10_000 / count).collect::<Vec<_>>();
        // 95 % on one day of a year.
        let skewed = |count: i64| {
            let day = |n: i64| if n % 20 == 0 { n * 8_760 / count } else { 5_000 + n % 24 };
            (0..count).map(day).collect::<Vec<_>>()
        };
        for (times, least, most, counts) in [
            (even(900), 1, 1, 0),
            (even(3_000), 3, 3, 3),
            (even(9_000), 4, 4, 4),
            (even(100_000), 10, 40, 90),
            (skewed(9_000), 4, 20, 40),
            (skewed(100_000), 10, 40, 90),
        ] {
            let (ranges, total, counted) = divided(&times);
            let of = times.len();
            assert!((least..=most).contains(&ranges.len()), "{} parts of {of}", ranges.len());
            assert!(counted <= counts, "{of}: {counted} counts");
            assert_eq!((ranges[0].from, ranges[ranges.len() - 1].to), (None, None));
            assert!(ranges.windows(2).all(|two| two[0].to.is_some() && two[0].to == two[1].from));
            let expected = u64::try_from(of).ok().filter(|_| ranges.len() > 1);
            assert_eq!(total, expected, "all of {of} are counted");
            let largest = ranges.iter().map(|range| count(&times, range)).max();
            let share = u64::try_from(of).expect("a number") * 3 / 8;
            assert!(ranges.len() == 1 || largest <= Some(share.min(9_999)), "{of}: {largest:?}");
        }
    }

    #[test]
    fn parts_that_have_few_documents_together_are_read_as_one() {
        let rules = ImportRules::default();
        let parts = WalkParts::new(Some(time(0)), Some(time(8_000)), 8_000, &rules);
        let mut parts = parts.expect("parts");
        let four: Vec<_> = parts.take_uncounted().collect();
        for (range, count) in four.iter().zip([1_000, 1_000, 3_000, 3_000]) {
            parts.counted(range, Some(count));
        }
        assert!(parts.are_counted(&rules));
        let from: Vec<_> = parts.ranges(&rules).iter().map(|range| range.from).collect();
        assert_eq!((four.len(), from), (4, vec![None, four[2].from, four[3].from]));
    }

    #[test]
    fn what_cannot_be_divided_or_counted_is_read_all_the_same() {
        let rules = ImportRules::default();
        // Time cannot divide records that were all created at once.
        assert!(WalkParts::new(Some(time(0)), Some(time(0)), 9_000, &rules).is_none());
        assert!(WalkParts::new(None, None, 0, &rules).is_none());
        let (ranges, total, _) = divided(&[vec![0; 12_000], vec![1]].concat());
        assert_eq!(total, None, "more in a second than commercetools counts");
        assert!(ranges.len() < 30, "{}", ranges.len());
        let mut parts = WalkParts::new(Some(time(0)), Some(time(9)), 9_000, &rules).expect("parts");
        let ranges: Vec<_> = parts.take_uncounted().collect();
        for range in &ranges {
            parts.counted(range, None);
        }
        assert!(parts.are_counted(&rules));
        assert_eq!((parts.ranges(&rules).len(), parts.total()), (ranges.len(), None));
    }
}
