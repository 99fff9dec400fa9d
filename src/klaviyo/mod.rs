//! Everything that is written to Klaviyo: typed bodies, requests as values, and the verdict on an answer.
//!
//! Not in scope: how a request is sent (`edge`), and the content of a body (`mapping`).

pub mod answer;
pub mod batch;
pub mod catalog;
pub mod catalog_write;
pub mod event;
pub mod field_patch;
pub mod job;
pub mod job_answer;
mod json_api;
pub mod limits;
pub mod pacing;
pub mod profile;
pub mod query;
pub mod read_back;
pub mod request;
pub mod verdict;

/// The API revision that every request names. Stable until 2027-10-15, retired 2028-10-15
/// (Klaviyo's life cycle: one year stable, one year deprecated).
pub const REVISION: &str = "2026-10-15";

/// With this header Klaviyo refuses a retired revision (410). Without it Klaviyo silently answers
/// with a newer one.
pub const FALL_FORWARD_OPT_OUT: (&str, &str) = ("X-Klaviyo-Revision-Fall-Forward-Opt-Out", "1");

/// The media type of every body (JSON:API).
pub const MEDIA_TYPE: &str = "application/vnd.api+json";
