#![no_main]

#[path = "../../tests/core/decoders/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| table::take("settings", bytes));
