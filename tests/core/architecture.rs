//! The rules of the house, kept by tests.

use std::fs;
use std::path::{Path, PathBuf};

/// Only the shell may name the platform.
#[test]
fn the_core_knows_no_platform() {
    let names = ["worker::", "wasm_bindgen", "js_sys", "web_sys"];
    let shell = root().join("src/edge");
    let mut files = 0;
    for file in rust_files(&root().join("src")) {
        if file.starts_with(&shell) {
            continue;
        }
        files += 1;
        let code = code_of(&file);
        for name in names {
            assert!(!code.contains(name), "{} names `{name}`", file.display());
        }
    }
    assert!(files > 20, "the core was not found");
}

/// A file of more than 600 lines is a room to split.
#[test]
fn no_file_is_too_long() {
    for file in rust_files(&root().join("src")) {
        let lines = fs::read_to_string(&file).expect("a source file").lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
    }
}

/// Every setting that is read is documented, and offered in `wrangler.toml`.
#[test]
fn every_setting_is_documented() {
    let parser = code_of(&root().join("src/config/parse.rs"));
    let parser = parser.split("mod tests").next().expect("the parser");
    let settings: Vec<_> = parser
        .split('"')
        .filter(|text| {
            text.len() > 3 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
        .filter(|text| !["EVENT", "BULK_IMPORT"].contains(text))
        .collect();
    assert!(settings.len() > 10, "the settings were not found: {settings:?}");
    for place in ["docs/configuration.md", "wrangler.toml"] {
        let text = fs::read_to_string(root().join(place)).expect(place);
        for setting in &settings {
            assert!(text.contains(setting), "{place} does not name {setting}");
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The file without its comments.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}
