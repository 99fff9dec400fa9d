//! Everything that is read from commercetools: notifications, documents, and the queries for them.
//!
//! Documents hold only the fields in use; a field that commercetools adds is ignored. Money, texts
//! and times are types here, so that no mapping has to know their traps.
//!
//! Not in scope: how a query is sent (`edge`), and what Klaviyo gets (`mapping`).

pub mod answer;
mod beginning;
pub mod category;
pub mod custom_type;
pub mod customer;
pub mod id_search;
pub mod inventory;
pub mod keyset;
pub mod lenient;
pub mod locale;
pub mod money;
pub mod notification;
pub mod order;
pub mod payment;
pub mod price;
pub mod product;
pub mod product_type;
pub mod query;
mod query_parts;
mod query_sort;
pub mod reference;
pub mod together;
pub mod variant;
pub mod walk;
