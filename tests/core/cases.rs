//! The format of a case in `cases/`: only its differences from a known base.
//!
//! An object with a member `$base` is that base, with its other members merged over it: objects are
//! merged member by member, any other value replaces the base's, and `$without` lists members to
//! leave out. (A JSON merge patch removes by `null`, which here is a value like any other.) A
//! nested object with its own `$base` is not merged but inserted as a whole.
//!
//! The bases are the files of `cases/base/`, and the documents that a case itself names in `given`.
//! The expected requests repeat much of what is given, so a case only says how it changes.
//! `cases.mjs` reads the same for JavaScript.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// What a value may be based on, by name, as it is written down. What is preferred comes first.
pub(crate) type Bases = Map<String, Value>;

/// The files of the cases.
pub(crate) fn files() -> Vec<PathBuf> {
    let files = json_files(&folder());
    assert!(!files.is_empty(), "no cases were found");
    files
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/core/cases")
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// What is in a file, as it is written down.
pub(crate) fn read(path: &Path) -> Map<String, Value> {
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the values of a case may be based on.
pub(crate) fn bases_of(case: &Map<String, Value>) -> Bases {
    let given = case.get("given").and_then(Value::as_object);
    // What is given later may be made of what was given earlier, so it says more.
    let mut bases: Bases = given.into_iter().flatten().rev().map(owned).collect();
    for path in json_files(&folder().join("base")) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let hidden = bases.insert(name, Value::Object(read(&path)));
        assert!(hidden.is_none(), "a case gives a name that {} has", path.display());
    }
    bases
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// A value as it is, without bases.
pub(crate) fn expanded(value: &Value, bases: &Bases) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|member| expanded(member, bases)).collect(),
        Value::Object(members) => {
            let Some(name) = members.get("$base") else {
                let members = members.iter();
                return members.map(|(name, value)| (name, expanded(value, bases))).collect();
            };
            let name = name.as_str().expect("a name");
            let base = bases.get(name).unwrap_or_else(|| panic!("there is no base {name}"));
            let mut whole = expanded(base, bases);
            lay_over(&mut whole, members, bases);
            whole
        }
        plain => plain.clone(),
    }
}

/// Lays what differs over a base.
fn lay_over(whole: &mut Value, differing: &Map<String, Value>, bases: &Bases) {
    let whole = whole.as_object_mut().expect("only objects can be a base");
    for name in differing.get("$without").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().expect("a name");
        assert!(whole.shift_remove(name).is_some(), "the base has no {name} to be without");
    }
    for (name, value) in differing.iter().filter(|(name, _)| !name.starts_with('$')) {
        match (whole.get_mut(name), value) {
            (Some(under @ Value::Object(_)), Value::Object(over))
                if !over.contains_key("$base") =>
            {
                lay_over(under, over, bases);
            }
            _ => drop(whole.insert(name.clone(), expanded(value, bases))),
        }
    }
}

/// A value as it is written down: based on whatever makes that short.
pub(crate) fn shortened(value: &Value, bases: &Bases) -> Value {
    let bases = bases.iter().map(|(name, base)| (name.clone(), expanded(base, bases))).collect();
    short(value, &bases)
}

/// The same, with bases that are themselves without bases.
fn short(value: &Value, bases: &Bases) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|member| short(member, bases)).collect(),
        Value::Object(members) => {
            let Some((name, base)) = nearest(members, length(value), bases) else {
                let members = members.iter();
                return members.map(|(name, value)| (name, short(value, bases))).collect();
            };
            let mut differing = difference(base, members, bases);
            differing.shift_insert(0, "$base".to_owned(), name.as_str().into());
            Value::Object(differing)
        }
        plain => plain.clone(),
    }
}

/// The base on which an object is written in the fewest characters, if those are fewer than `most`.
fn nearest<'a>(
    members: &Map<String, Value>,
    most: usize,
    bases: &'a Bases,
) -> Option<(&'a String, &'a Map<String, Value>)> {
    let bases = bases.iter().filter_map(|(name, base)| Some((name, base.as_object()?)));
    // What has little of a base is not a kind of it.
    let bases = bases.filter(|(_, base)| {
        2 * base.keys().filter(|name| members.contains_key(*name)).count() >= base.len()
    });
    let distances = bases.map(|(name, base)| {
        (name.len() + r#"{ "$base": "" }"#.len() + distance(base, members), (name, base))
    });
    let (distance, base) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance < most).then_some(base)
}

/// About how many characters [`difference`] has.
fn distance(base: &Map<String, Value>, members: &Map<String, Value>) -> usize {
    let without = base.keys().filter(|name| !members.contains_key(*name));
    let without: usize = without.map(|name| name.len() + 4).sum();
    let other = members.iter().map(|(name, value)| match (base.get(name), value) {
        (Some(same), value) if same == value => 0,
        (Some(Value::Object(under)), Value::Object(members)) => {
            name.len() + 10 + distance(under, members)
        }
        (_, value) => name.len() + 6 + length(value),
    });
    without + other.sum::<usize>()
}

/// What has to be laid over `base` to have `members`.
fn difference(
    base: &Map<String, Value>,
    members: &Map<String, Value>,
    bases: &Bases,
) -> Map<String, Value> {
    let mut differing = Map::new();
    let without: Vec<_> =
        base.keys().filter(|name| !members.contains_key(*name)).cloned().collect();
    if !without.is_empty() {
        differing.insert("$without".to_owned(), without.into());
    }
    for (name, value) in members {
        let value = match (base.get(name), value) {
            (Some(same), value) if same == value => continue,
            (Some(Value::Object(under)), Value::Object(members)) => {
                let most = distance(under, members).min(length(value));
                // An object without a base of its own is merged with what the base has.
                match nearest(members, most, bases) {
                    Some(_) => short(value, bases),
                    None => Value::Object(difference(under, members, bases)),
                }
            }
            (_, value) => short(value, bases),
        };
        differing.insert(name.clone(), value);
    }
    differing
}

fn length(value: &Value) -> usize {
    in_one_line(value).chars().count()
}

/// The text of a file, laid out as the formatter of the JSON files does (`npx biome ci`).
pub(crate) fn laid_out(value: &Value) -> String {
    lay_out(value, 0, 0) + "\n"
}

const WIDTH: usize = 100;

/// `beside` are the characters before and after the value in its line, except the indentation.
fn lay_out(value: &Value, indent: usize, beside: usize) -> String {
    let line = in_one_line(value);
    if indent + beside + line.chars().count() <= WIDTH {
        return line;
    }
    let members: Vec<_> = match value {
        Value::Object(members) => {
            let name = |name: &String| format!("{}: ", Value::from(name.as_str()));
            members.iter().map(|(of, value)| (name(of), value)).collect()
        }
        Value::Array(list) => list.iter().map(|value| (String::new(), value)).collect(),
        _ => return line,
    };
    let (inner, last) = (indent + 2, members.len() - 1);
    let members = members.into_iter().enumerate().map(|(index, (name, value))| {
        let comma = usize::from(index < last);
        format!("{:inner$}{name}{}", "", lay_out(value, inner, name.chars().count() + comma))
    });
    let members = members.collect::<Vec<_>>().join(",\n");
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    format!("{open}\n{members}\n{:indent$}{close}", "")
}

fn in_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let members = members.iter();
            let members = members.map(|(name, value)| {
                format!("{}: {}", Value::from(name.as_str()), in_one_line(value))
            });
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(list) => {
            format!("[{}]", list.iter().map(in_one_line).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

#[test]
fn what_is_written_down_is_what_is_read() {
    for path in files() {
        let written = read(&path);
        let bases = bases_of(&written);
        let text = laid_out(&Value::Object(written.clone()));
        assert_eq!(serde_json::from_str::<Map<_, _>>(&text).expect("JSON"), written);
        for part in ["shop", "notification", "then"] {
            let whole = expanded(&written[part], &bases);
            let short = shortened(&whole, &bases);
            assert_eq!(expanded(&short, &bases), whole, "{}: {short}", path.display());
        }
    }
}
