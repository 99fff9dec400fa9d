//! The tables of `docs/` against the code: each entry is true, and nothing is missing.
//!
//! This file reads Markdown; the tests are beside it.

mod configuration;
mod guide;
mod mapping;
mod plugin_defects;
mod skipped;

use std::fs;
use std::path::PathBuf;

/// The text of a file below the project's folder.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The rows of the first table below a heading (`## Settings`), each as its cells, without the head.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let lines = page.lines().skip_while(|line| *line != heading);
    let table = lines.skip(1).skip_while(|line| !line.starts_with('|'));
    let rows: Vec<_> = table.take_while(|line| line.starts_with('|')).skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "there is no table below `{heading}`");
    rows
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What stands in backticks.
fn codes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What stands in backticks where that is one thing.
fn code(cell: &str) -> &str {
    codes(cell).next().unwrap_or_else(|| panic!("`{cell}` has nothing in backticks"))
}
