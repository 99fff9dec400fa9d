//! Storage: how the core uses the SQLite of a Durable Object.
//!
//! [`sql`] is the one trait between a statement and its execution, [`schema`] updates tables, [`parts`] stores content
//! that is longer than a value may be, [`document`] small content as a whole, [`selection`] says which rows a caller
//! means. Each `store` module holds the statements for its own tables.
//!
//! Not in scope: the platform (`edge::sql`) and the clock. Every function runs in a turn without an await: either all
//! its writes are kept, or, if a statement fails, none.
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod document;
pub mod parts;
pub mod schema;
pub mod selection;
pub mod sql;
