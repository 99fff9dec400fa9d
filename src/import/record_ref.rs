//! The owner of a row: the record of a page under way.

/// The number of a page, unique within the life of the machine.
pub(in crate::import) type PageNo = u32;

/// A record of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordRef {
    pub(super) page: PageNo,
    pub(super) record: usize,
}
