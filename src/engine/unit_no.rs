//! The numbers of units.

/// The number of a unit, unique within the life of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UnitNo(pub(super) u64);
