//! Weaves mutations into sources, each behind a switch, so that one build holds all of them and a run of the tests
//! chooses one. Compiling takes a minute, and most mutations are seen within seconds.
//!
//! ```text
//! mutations <checkout> <mutations.json>     rewrites the sources, and prints the ids that it could not weave
//! ```
//!
//! The list holds what `cargo mutants --list --json` says of each mutation, and an `id` of one's own. Woven code asks
//! `crate::mutation::is(id)`, which compares `id` with the environment variable `MUTATION`. Each variant stands between
//! `/*<id>{*/` and `/*}<id>*/`, so that an error of the compiler leads to its mutation.
//!
//! Not for: choosing mutations, or running tests. `scripts/mutants.mjs` does both, on a copy of the checkout.

mod sites;
mod weave;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

/// One mutation of the list.
#[derive(Debug, Deserialize)]
pub(crate) struct Mutation {
    pub(crate) id: u32,
    pub(crate) file: String,
    pub(crate) genre: Genre,
    /// Rust, in place of the code at `span`; empty if that is deleted.
    pub(crate) replacement: String,
    pub(crate) span: MutationSpan,
}

/// The kinds that cargo-mutants 27 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Genre {
    BinaryOperator,
    FnValue,
    MatchArm,
    MatchArmGuard,
    StructField,
    UnaryOperator,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MutationSpan {
    pub(crate) start: Place,
}

/// Both count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// What woven code asks. No mutation has the id 0.
const SWITCH: &str = r#"
/// Which mutation is on.
pub mod mutation {
    use std::sync::LazyLock;

    static ON: LazyLock<u32> = LazyLock::new(|| {
        std::env::var("MUTATION").ok().and_then(|id| id.parse().ok()).unwrap_or(0)
    });

    /// Whether it is this one.
    pub fn is(id: u32) -> bool {
        *ON == id
    }
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let [checkout, list] = env::args_os()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "two arguments are needed: the checkout and the list of mutations")?;
    let checkout = Path::new(&checkout);
    let mutations: Vec<Mutation> = serde_json::from_slice(&fs::read(list)?)?;
    let mut by_file = BTreeMap::<&str, Vec<&Mutation>>::new();
    for mutation in &mutations {
        by_file.entry(&mutation.file).or_default().push(mutation);
    }
    let mut not_woven = Vec::new();
    for (file, mutations) in by_file {
        let path = checkout.join(file);
        let source = fs::read_to_string(&path)?;
        let (sites, left) = sites::of(&source, &mutations)?;
        not_woven.extend(left);
        fs::write(path, weave::woven(&source, &sites))?;
    }
    let root = checkout.join("src/lib.rs");
    fs::write(&root, fs::read_to_string(&root)? + SWITCH)?;
    serde_json::to_writer(std::io::stdout(), &not_woven)?;
    Ok(())
}
