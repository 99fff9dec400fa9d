//! `docs/plugin-defects.md`: each defect that it says is tested has tests with its number.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{codes, table, text};

const PAGE: &str = "docs/plugin-defects.md";

/// The tables, with the letter of their numbers and how many there are.
const TABLES: &[(&str, char, usize)] =
    &[("## Realtime", 'R', 25), ("## Imports", 'B', 15), ("## Mapping", 'M', 5)];

/// The numbers that the tests of a file name: in what they say (`R13`) or are called (`b7_…`).
/// Comments only lead to them.
fn named(source: &str) -> BTreeSet<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let words = lines.flat_map(|line| {
        // What stands between these in base64 is no word.
        line.split(|at: char| !at.is_alphanumeric() && !"_+/=".contains(at))
    });
    words.filter_map(number).collect()
}

fn number(word: &str) -> Option<String> {
    let (word, of_a_function) =
        word.split_once('_').map_or((word, false), |(number, _)| (number, true));
    let letter = word.chars().next()?;
    let digits = &word[letter.len_utf8()..];
    let is_letter = TABLES.iter().any(|(_, of_table, _)| letter.to_ascii_uppercase() == *of_table);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let wanted = is_letter && is_number && letter.is_ascii_lowercase() == of_a_function;
    wanted.then(|| word.to_ascii_uppercase())
}

/// The numbers that any test below a folder names.
fn named_below(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let of_entry = |path: &Path| {
        if path.is_dir() {
            named_below(path)
        } else {
            named(&fs::read_to_string(path).expect("text"))
        }
    };
    entries.flat_map(|entry| of_entry(&entry.path())).collect()
}

#[test]
fn the_page_has_every_defect_that_tests_name_and_no_other() {
    let page = text(PAGE);
    let mut numbers = BTreeSet::new();
    for (heading, letter, count) in TABLES {
        let rows = table(&page, heading);
        for (row, expected) in rows.iter().zip(1..) {
            let [number, .., shown_by] = row.as_slice() else { panic!("{row:?}") };
            assert_eq!(*number, format!("{letter}{expected}"));
            assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "{number}");
            assert!(codes(shown_by).count() > 0, "{number}: no test is said to show it");
            for file in codes(shown_by) {
                assert!(named(&text(file)).contains(number), "{file} does not name {number}");
            }
            numbers.insert(number.clone());
        }
        assert_eq!(rows.len(), *count, "{heading}");
    }
    assert_eq!(named_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")), numbers);
}
