//! Takes a commercetools document, compares the requests.
//!
//! Each file of `cases/` has the given data (`settings`, `shop` by path, `notification`) and the
//! expected requests, all of it as differences from a base; see [`crate::cases`].
//! `UPDATE_CASES=1 cargo test --test core mapping` writes down the actual requests where they
//! differ from the case; read the difference before you keep it. Tests in JavaScript get the bodies
//! of all cases from `goldenBodies()` of `cases.mjs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::klaviyo::verdict::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cases::{bases_of, expanded, files, laid_out, read, shortened};
use crate::support::{Came, Shop, brought, config, deliver, sent};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows.
    shows: String,
    #[serde(default)]
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
    let case = |path: PathBuf| {
        let mut written = read(&path);
        let bases = bases_of(&written);
        // Whatever else a case has would be a slip of the pen.
        written.shift_remove("given");
        let case = serde_json::from_value(expanded(&written.into(), &bases));
        let case = case.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, case)
    };
    files().into_iter().map(case).collect()
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
    for (path, case) in cases() {
        let outcome = match deliver(&case.config(), &case.shop(), &case.notification) {
            Came::Sent(sent) => Then::Sent(sent),
            Came::Ignored(why) => Then::Ignored(why.code().to_owned()),
            Came::NotYet(code) => Then::NotYet(code),
            Came::Unmappable(code) => Then::Unmappable(code),
        };
        if std::env::var_os("UPDATE_CASES").is_none() {
            assert_eq!(outcome, case.then, "{}: {}", path.display(), case.shows);
        } else if outcome != case.then {
            let mut written = read(&path);
            let then = serde_json::to_value(&outcome).expect("JSON");
            written.insert("then".to_owned(), shortened(&then, &bases_of(&written)));
            fs::write(&path, laid_out(&written.into())).expect("the case is written");
        }
    }
}
