//! Pure functions from commercetools documents to Klaviyo bodies.
//!
//! Everything that the plugin sends keeps its name and place, so that existing flows and segments
//! keep working; its defects are fixed. `docs/mapping.md` has the tables.
//!
//! Not in scope: which notification leads to which body (`push`).

pub mod amounts;
pub mod body;
pub mod category;
mod currency_countries;
pub mod event;
pub mod fault;
mod flat;
pub mod identity;
pub mod line_item;
pub mod location;
pub mod metadata;
pub mod order;
pub mod phone;
mod picture;
pub mod price;
pub mod product;
pub mod profile;
pub mod properties;
pub mod stock;
mod street_order;
mod variant_titles;
