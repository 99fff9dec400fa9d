//! A commercetools document in, the requests out.
//!
//! Each file of `cases/` says what is given (`settings`, `shop` by path, `notification`) and what
//! then comes of it. `UPDATE_CASES=1 cargo test --test core` writes down what comes now; read the
//! difference before you keep it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::klaviyo::verdict::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{Came, Shop, brought, config, deliver, sent};

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

impl Case {
    fn config(&self) -> Config {
        let settings = self.settings.iter();
        config(&settings.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>())
    }

    fn shop(&self) -> Shop {
        let documents = self.shop.iter().flat_map(|(path, value)| match path.strip_suffix("/*") {
            None => vec![(path.clone(), value.clone())],
            Some(list) => {
                let documents = value.as_array().cloned().unwrap_or_default();
                documents.into_iter().map(|document| (list.to_owned(), document)).collect()
            }
        });
        documents.collect()
    }
}

/// All cases with their files.
fn cases() -> Vec<(PathBuf, Case)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/core/cases");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no cases were found");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a case");
        let case = serde_json::from_str(&text);
        let case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, case)
    };
    paths.into_iter().map(read).collect()
}

/// Of each case that sends something: its settings, its documents, and the bodies that are sent,
/// also where Klaviyo does not have the object.
pub(crate) fn bodies_of_cases() -> Vec<(Config, Value, Vec<Value>)> {
    let bodies = |(_, case): (PathBuf, Case)| {
        let config = case.config();
        let requests = brought(&config, &case.shop(), &case.notification).ok()?;
        let created = requests.iter().filter_map(|request| request.way_out(&Verdict::Missing));
        let created: Vec<_> = created.collect();
        let bodies = requests.iter().chain(&created).map(|request| sent(request).1).collect();
        Some((config, json!([case.shop, case.notification]), bodies))
    };
    cases().into_iter().filter_map(bodies).collect()
}

#[test]
fn every_case_gives_what_it_says() {
    for (path, mut case) in cases() {
        let name = path.display();
        let outcome = match deliver(&case.config(), &case.shop(), &case.notification) {
            Came::Sent(sent) => Then::Sent(sent),
            Came::Ignored(why) => Then::Ignored(why.code().to_owned()),
            Came::NotYet(code) => Then::NotYet(code),
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
