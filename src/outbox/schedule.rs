//! Which parked rows are tried next, and when the outbox has to wake.
//!
//! What is stuck must not hold up what is not. So rows are tried by the time that each is due, not
//! by their age; groups of rows that need the same operations take turns; and a group of which
//! nothing goes through is probed with a few rows at growing pauses ([`Circuits`]), while the other
//! groups go on.

use std::collections::BTreeMap;

use crate::engine::backoff::backoff;

/// Rows that need the same operations of the two systems, known by the beginning of their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowGroup {
    /// Profiles.
    Customers,
    /// Events of orders.
    Facts,
    /// Categories.
    Categories,
    /// Walks over the products of a category.
    CategoryProducts,
    /// Items with their variants.
    Products,
    /// Stock of variants.
    Stock,
    /// Items with their variants, found by a price.
    StandalonePrices,
}

impl RowGroup {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Facts,
        Self::Customers,
        Self::Stock,
        Self::Products,
        Self::StandalonePrices,
        Self::Categories,
        Self::CategoryProducts,
    ];

    /// What the keys of the group begin with; see [`crate::realtime::parking::ParkingSlot`].
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Customers => "customer/",
            Self::Facts => "message/",
            Self::Categories => "category/",
            Self::CategoryProducts => "category-products/",
            Self::Products => "product/",
            Self::Stock => "inventory-entry/",
            Self::StandalonePrices => "standalone-price/",
        }
    }

    /// The group of a row.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| key.starts_with(group.prefix()))
    }

    /// What trying a row takes in an isolate's memory, in hundredths of a few MB: products are read
    /// with all their variants, orders with their products.
    #[must_use]
    pub fn weight(self) -> u32 {
        match self {
            Self::Products | Self::StandalonePrices => 25,
            Self::Facts => 5,
            Self::Customers | Self::Categories | Self::CategoryProducts | Self::Stock => 1,
        }
    }
}

/// A row that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow<R> {
    /// Its group.
    pub group: RowGroup,
    /// The bytes of its notification.
    pub bytes: u64,
    /// The row.
    pub row: R,
}

/// What the rows of one round may take together.
#[derive(Debug, Clone, Copy)]
pub struct RoundLimits {
    /// How many.
    pub rows: usize,
    /// As [`RowGroup::weight`] counts.
    pub weight: u32,
    /// Bytes of their notifications.
    pub bytes: u64,
}

/// Takes rows of each group in turn, in the order of each list, as many as the limits allow, and
/// at least one.
#[must_use]
pub fn in_turn<R>(groups: Vec<Vec<DueRow<R>>>, limits: RoundLimits) -> Vec<DueRow<R>> {
    let (mut taken, mut weight, mut bytes) = (Vec::new(), 0, 0);
    let mut lists: Vec<_> = groups.into_iter().map(|rows| rows.into_iter().peekable()).collect();
    while lists.iter_mut().any(|list| list.peek().is_some()) {
        for due in lists.iter_mut().filter_map(Iterator::next) {
            weight += due.group.weight();
            bytes += due.bytes;
            let fits =
                taken.len() < limits.rows && weight <= limits.weight && bytes <= limits.bytes;
            if !fits && !taken.is_empty() {
                return taken;
            }
            taken.push(due);
        }
    }
    taken
}

/// Rows with which a group is probed.
const PROBE: u32 = 5;

/// How many rows of a group may be tried now, and which first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// As many as there are, by the time they are due.
    All,
    /// A few, those that were tried least first: one that has only just come does not wait behind
    /// all that fail again and again.
    Probe(u32),
    /// None for now.
    None,
}

/// Of which groups something goes through. It is kept in memory only: a group of which nothing is
/// known yet is probed.
#[derive(Debug, Clone, Default)]
pub struct Circuits {
    known: BTreeMap<RowGroup, Circuit>,
}

#[derive(Debug, Clone, Copy)]
enum Circuit {
    /// The last round brought something through.
    Closed,
    /// So many rounds in a row brought nothing through; the next is not before this time, in ms
    /// since 1970 UTC.
    Open { failures: u32, until: u64 },
}

impl Circuits {
    /// How many rows of a group may be tried at `now` (ms since 1970 UTC).
    #[must_use]
    pub fn allowance(&self, group: RowGroup, now: u64) -> Allowance {
        match self.known.get(&group) {
            Some(Circuit::Closed) => Allowance::All,
            Some(Circuit::Open { until, .. }) if now < *until => Allowance::None,
            Some(Circuit::Open { .. }) | None => Allowance::Probe(PROBE),
        }
    }

    /// Something of the group went through, or everything of it was settled. Whether nothing did
    /// before: then the outage is over for all that waited for its end.
    pub fn went_through(&mut self, group: RowGroup) -> bool {
        matches!(self.known.insert(group, Circuit::Closed), Some(Circuit::Open { .. }))
    }

    /// A round brought nothing of the group through. `jitter` is from 0 to 1.
    pub fn failed(&mut self, group: RowGroup, now: u64, jitter: f64) {
        let failures = match self.known.get(&group) {
            Some(Circuit::Open { failures, .. }) => failures.saturating_add(1),
            Some(Circuit::Closed) | None => 1,
        };
        let pause = backoff(failures, None, jitter);
        let until = now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        self.known.insert(group, Circuit::Open { failures, until });
    }

    /// When a group of which a row is due at `due` can be tried (ms since 1970 UTC). It depends on
    /// nothing but what was stored and what failed: asking again does not move it.
    #[must_use]
    pub fn next_try(&self, group: RowGroup, due: u64) -> u64 {
        match self.known.get(&group) {
            Some(Circuit::Open { until, .. }) => due.max(*until),
            Some(Circuit::Closed) | None => due,
        }
    }
}

/// The alarm to set, where `set` is the one that is set and `wanted` the next that is needed: a
/// push only ever moves it to an earlier time, so that a stream of pushes cannot put it off.
#[must_use]
pub fn earlier_alarm(set: Option<u64>, wanted: u64) -> Option<u64> {
    set.is_none_or(|set| wanted < set).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(group: RowGroup, count: u64) -> Vec<DueRow<(RowGroup, u64)>> {
        (0..count).map(|n| DueRow { group, bytes: 10, row: (group, n) }).collect()
    }

    const ROUND: RoundLimits = RoundLimits { rows: 6, weight: 1_000, bytes: 1_000 };

    #[test]
    fn groups_take_turns() {
        let lists =
            vec![rows(RowGroup::Products, 40), rows(RowGroup::Facts, 1), rows(RowGroup::Stock, 2)];
        let taken: Vec<_> = in_turn(lists, ROUND).into_iter().map(|due| due.row).collect();
        let expected = [
            (RowGroup::Products, 0),
            (RowGroup::Facts, 0),
            (RowGroup::Stock, 0),
            (RowGroup::Products, 1),
            (RowGroup::Stock, 1),
            (RowGroup::Products, 2),
        ];
        assert_eq!(taken, expected);
    }

    #[test]
    fn a_round_keeps_its_limits_and_has_at_least_one_row() {
        let count = |limits| in_turn(vec![rows(RowGroup::Products, 40)], limits).len();
        assert_eq!(count(RoundLimits { weight: 60, ..ROUND }), 2);
        assert_eq!(count(RoundLimits { bytes: 35, ..ROUND }), 3);
        assert_eq!(count(RoundLimits { bytes: 1, ..ROUND }), 1);
        assert_eq!(in_turn::<u8>(vec![Vec::new()], ROUND).len(), 0);
    }

    #[test]
    fn what_fails_is_probed_at_growing_pauses_while_others_go_on() {
        let mut circuits = Circuits::default();
        let (products, facts) = (RowGroup::Products, RowGroup::Facts);
        assert_eq!(circuits.allowance(products, 0), Allowance::Probe(PROBE));
        circuits.failed(products, 0, 0.0);
        assert!(!circuits.went_through(facts), "nothing failed before");
        assert_eq!(circuits.allowance(products, 999), Allowance::None);
        assert_eq!(circuits.allowance(products, 1_000), Allowance::Probe(PROBE));
        assert_eq!(circuits.allowance(facts, 0), Allowance::All);
        circuits.failed(products, 1_000, 0.0);
        assert_eq!(circuits.next_try(products, 0), 3_000);
        assert_eq!(circuits.next_try(products, 5_000), 5_000);
        assert_eq!(circuits.next_try(facts, 0), 0);
        assert!(circuits.went_through(products), "the outage is over");
        assert_eq!(circuits.allowance(products, 1_000), Allowance::All);
    }

    #[test]
    fn an_alarm_moves_only_to_an_earlier_time() {
        assert_eq!(earlier_alarm(None, 9), Some(9));
        assert_eq!(earlier_alarm(Some(10), 9), Some(9));
        assert_eq!(earlier_alarm(Some(9), 9), None);
        assert_eq!(earlier_alarm(Some(8), 9), None);
    }

    #[test]
    fn every_key_has_its_group() {
        for group in RowGroup::ALL {
            assert_eq!(RowGroup::of_key(&format!("{}x", group.prefix())), Some(group));
        }
        assert_eq!(RowGroup::of_key("category-products/c/"), Some(RowGroup::CategoryProducts));
        assert_eq!(RowGroup::of_key("unknown/x"), None);
    }
}
