//! Which parked rows are tried next, and when the outbox has to wake.
//!
//! Stuck rows must not hold up the others. So rows are tried by the time that each is due, not
//! by their age; groups of rows that need the same operations take turns; and a group of which
//! nothing goes through is probed with a few rows at growing pauses
//! ([`crate::engine::circuits::Circuits`]), while the other groups go on.

use crate::push::parking::RowGroup;
use crate::time::UnixMs;

impl RowGroup {
    /// The memory that a try of a row takes in an isolate, in hundredths of a few MB: products are
    /// read with all their variants, orders with their products.
    #[must_use]
    pub fn weight(self) -> u32 {
        match self {
            Self::Products | Self::PriceEdges | Self::StandalonePrices => 25,
            Self::Facts => 5,
            Self::Customers
            | Self::BroughtBack
            | Self::Categories
            | Self::CategoryProducts
            | Self::Changes
            | Self::Variants
            | Self::Stock => 1,
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

/// The limits for all rows of one round together.
#[derive(Debug, Clone, Copy)]
pub struct RoundLimits {
    /// How many.
    pub rows: usize,
    /// The weight, as [`RowGroup::weight`] counts.
    pub weight: u32,
    /// Bytes of their notifications.
    pub bytes: u64,
}

/// Takes rows of each group in turn, in the order of each list, as many as the limits allow, but at
/// least one.
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

/// The alarm to set, if `set` is the current one and `wanted` the next one needed: a push only ever
/// moves it earlier, so a stream of pushes cannot postpone it.
#[must_use]
pub fn earlier_alarm(set: Option<UnixMs>, wanted: UnixMs) -> Option<UnixMs> {
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
    fn an_alarm_moves_only_to_an_earlier_time() {
        let wanted = UnixMs::from_ms(9);
        for (set, expected) in [(None, true), (Some(10), true), (Some(9), false), (Some(8), false)]
        {
            let alarm = earlier_alarm(set.map(UnixMs::from_ms), wanted);
            assert_eq!(alarm, expected.then_some(wanted), "{set:?}");
        }
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
