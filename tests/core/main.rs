//! Tests of the core through its public interface, in one binary so that it links once.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where something is missing"
)]

mod architecture;
mod cases;
#[cfg(not(target_arch = "wasm32"))]
mod decoders;
mod docs;
#[cfg(not(target_arch = "wasm32"))]
mod feed;
mod import;
mod mapping;
mod orders;
mod parity;
mod pushes;
mod seeds;
#[cfg(not(target_arch = "wasm32"))]
mod sqlite;
#[cfg(not(target_arch = "wasm32"))]
mod storage;
mod support;
#[cfg(not(target_arch = "wasm32"))]
mod world;
