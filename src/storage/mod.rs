//! Storage: how the core speaks to the SQLite of a Durable Object.
//!
//! [`sql`] is the one trait between a statement and what executes it, [`schema`] brings tables up
//! to date, [`parts`] keeps what is longer than a value may be, [`document`] what is small and whole, [`selection`]
//! says which rows somebody means. The statements stand with what they are about, in the `store` of each room.
//!
//! Not in scope: the platform (`edge::sql`) and the clock. Every function runs in a turn without an
//! await: all that is written in it is kept, or, if a statement fails, nothing.
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod document;
pub mod parts;
pub mod schema;
pub mod selection;
pub mod sql;
