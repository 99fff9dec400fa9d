//! What the object `Watch` stores.
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod counts;
pub mod state;
pub mod tables;
