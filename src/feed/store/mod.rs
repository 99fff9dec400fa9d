//! What the object `Feed` stores.
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod categories;
pub mod known;
pub mod lost;
pub mod state;
pub mod tables;
