//! A commercetools document in, the requests out.
//!
//! Each file of `cases/` says what is given (`settings`, `shop` by path, `notification`) and what
//! then comes of it. `UPDATE_CASES=1 cargo test --test core` writes down what comes now; read the
//! difference before you keep it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::support::{Came, config, deliver};

#[derive(Serialize, Deserialize)]
struct Case {
    /// What the case shows.
    shows: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    settings: BTreeMap<String, String>,
    /// Documents of commercetools by path; a path that ends in `/*` is a list.
    shop: BTreeMap<String, Value>,
    notification: Value,
    #[serde(default)]
    then: Then,
}

#[derive(Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Then {
    Sent(Vec<(String, Value)>),
    Ignored(String),
    NotYet(String),
    Unmappable(String),
    #[default]
    Unknown,
}

#[test]
fn every_case_gives_what_it_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/core/cases");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no cases were found");
    for path in paths {
        let text = fs::read_to_string(&path).expect("a case");
        let name = path.display();
        let mut case: Case =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let settings: Vec<_> =
            case.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let shop = case.shop.iter().flat_map(|(path, value)| match path.strip_suffix("/*") {
            None => vec![(path.clone(), value.clone())],
            Some(list) => {
                let documents = value.as_array().cloned().unwrap_or_default();
                documents.into_iter().map(|document| (list.to_owned(), document)).collect()
            }
        });
        let outcome = match deliver(&config(&settings), &shop.collect(), &case.notification) {
            Came::Sent(sent) => Then::Sent(sent),
            Came::Ignored(why) => Then::Ignored(why.code().to_owned()),
            Came::NotYet(code) => Then::NotYet(code.to_owned()),
            Came::Unmappable(code) => Then::Unmappable(code.to_owned()),
        };
        if std::env::var_os("UPDATE_CASES").is_some() {
            case.then = outcome;
            let mut text = serde_json::to_string_pretty(&case).expect("JSON");
            text.push('\n');
            fs::write(&path, text).expect("the case is written");
        } else {
            assert_eq!(outcome, case.then, "{name}: {}", case.shows);
        }
    }
}
