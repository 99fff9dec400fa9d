//! The rules of the code base, enforced by tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::docs::text;

/// Only the shell may name the platform, and nothing in the core the shell.
#[test]
fn the_core_knows_no_platform() {
    let names = ["worker::", "wasm_bindgen", "js_sys", "web_sys", "crate::edge"];
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

/// Statements stand in the core, where tests run them on SQLite itself.
#[test]
fn the_shell_writes_no_sql() {
    for file in rust_files(&root().join("src/edge")) {
        let code = code_of(&file);
        for words in ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "CREATE TABLE"] {
            assert!(!code.contains(words), "{} has `{words}`", file.display());
        }
    }
}

/// Data flows one way: a room names none of those that come after it.
#[test]
fn rooms_look_one_way() {
    let rooms = [
        "storage",
        "commercetools",
        "klaviyo",
        "config",
        "mapping",
        "push",
        "assembly",
        "engine",
        "outbox",
        "import",
        "preview",
        "trace",
        "edge",
    ];
    for (place, room) in rooms.iter().enumerate() {
        for file in rust_files(&root().join("src").join(room)) {
            let code = code_of(&file);
            for later in &rooms[place + 1..] {
                let named = code.contains(&format!("crate::{later}::"));
                assert!(!named, "{} names `{later}`", file.display());
            }
        }
    }
}

/// A type is known by its name alone: a reader need not look where it is from.
#[test]
fn each_type_name_is_defined_once() {
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for file in rust_files(&root().join("src")) {
        for (number, line) in (1..).zip(without_tests(&code_of(&file)).lines()) {
            let Some(name) = type_defined_in(line) else { continue };
            let place = format!("{}:{number}", file.display());
            if let Some(first) = places.insert(name.to_owned(), place.clone()) {
                panic!("`{name}` is defined twice: {first} and {place}");
            }
        }
    }
    assert!(places.len() > 300, "the types were not found");
}

/// Each further reader compiles all types once more; see `src/json.rs`.
#[test]
fn json_is_read_in_one_place() {
    for file in rust_files(&root().join("src")) {
        let code = code_of(&file);
        for name in ["from_slice", "from_value", "from_reader"] {
            let named = without_tests(&code).contains(&format!("serde_json::{name}"));
            assert!(!named, "{} names `serde_json::{name}`", file.display());
        }
        // `T::deserialize(&value)` reads a tree; what implements the trait is given a `deserializer`.
        let code = without_tests(&code);
        for given in code.split("::deserialize(").skip(1) {
            let reader = ["deserializer)", "from)", "input)"];
            let is_reader = reader.iter().any(|name| given.starts_with(name));
            assert!(is_reader, "{} reads a tree", file.display());
        }
    }
}

/// A file of more than 600 lines is a room to split.
#[test]
fn no_file_is_too_long() {
    for file in rust_files(&root().join("src")) {
        let lines = fs::read_to_string(&file).expect("a source file").lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
    }
}

/// Every setting that is documented, which is every one that is read, is offered in `wrangler.toml`.
#[test]
fn every_setting_is_offered() {
    let offered = text("wrangler.toml");
    for name in text("docs/configuration.md").lines().filter_map(|line| {
        let name = line.strip_prefix("| `")?.split('`').next()?;
        name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_').then_some(name)
    }) {
        assert!(offered.contains(name), "wrangler.toml does not name {name}");
    }
}

/// There is one version, whichever file one reads.
#[test]
fn there_is_one_version() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, pointer) in [
        ("package.json", "/version"),
        ("package-lock.json", "/version"),
        ("package-lock.json", "/packages//version"),
    ] {
        let json: Value = serde_json::from_str(&text(file)).expect(file);
        let found = json.pointer(pointer).and_then(Value::as_str);
        assert_eq!(found, Some(version), "{file}{pointer} is not that of Cargo.toml");
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

fn without_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// The name of the type that a line begins to define, also within a function. An alias counts only
/// at the margin: one that is indented belongs to a trait, which names it.
fn type_defined_in(line: &str) -> Option<&str> {
    let item = line.trim_start();
    let item = match item.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => item.strip_prefix("pub ").unwrap_or(item),
    };
    let (keyword, rest) = item.split_once(' ')?;
    match keyword {
        "struct" | "enum" | "union" | "trait" => {}
        "type" if !line.starts_with(' ') => {}
        _ => return None,
    }
    let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    (!name.is_empty()).then_some(name)
}
