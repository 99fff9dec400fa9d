//! `docs/configuration.md`: lists every setting, with its actual default and with an example that
//! the code accepts and that makes a difference.

use std::collections::{BTreeMap, BTreeSet};

use commercetools_klaviyo::config::product_url::{ProductFacts, UrlTemplate};
use commercetools_klaviyo::config::{self, AppType, Config, OperatorRules, Secret};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{code, table, text};

const PAGE: &str = "docs/configuration.md";

/// What a configuration has for a setting, as the page writes it; none where it is unset.
type Reader = fn(&Config) -> Option<String>;

/// The settings that have a default or may be unset, and `CT_SCOPE`, which is `CT_SCOPES`.
const OPTIONAL: &[(&str, Reader)] = &[
    ("CT_SCOPES", |config| config.commercetools.scopes.clone()),
    ("CT_SCOPE", |config| config.commercetools.scopes.clone()),
    ("KLAVIYO_API_URL", |config| Some(config.klaviyo.api_url.clone())),
    ("APP_TYPE", |config| match config.mode {
        AppType::Both => None,
        AppType::Realtime => Some("EVENT".to_owned()),
        AppType::Import => Some("BULK_IMPORT".to_owned()),
    }),
    ("PUSH_TOKEN", |config| exposed(config.push.token.as_ref())),
    ("PUSH_OIDC_AUDIENCE", |config| Some(config.push.oidc.as_ref()?.audience.clone())),
    ("PUSH_OIDC_EMAIL", |config| Some(config.push.oidc.as_ref()?.email.clone())),
    ("PUSH_OIDC_KEYS_URL", |config| Some(config.push.oidc.as_ref()?.keys_url.clone())),
    ("PUSH_SNS_TOPIC_ARN", |config| config.push.sns.topic.clone()),
    ("PUSH_SNS_URL", |config| {
        Some(config.push.sns.url.as_ref()?.as_str().trim_end_matches('/').to_owned())
    }),
    ("PUSH_PATIENCE_MS", |config| Some(config.push_patience?.as_millis().to_string())),
    ("ADMIN_TOKEN", |config| exposed(config.admin_token.as_ref())),
    ("READ_TOKEN", |config| exposed(config.read_token.as_ref())),
    ("ALERT_URL", |config| exposed(config.alert_url.as_ref())),
    ("DATA_JURISDICTION", |config| Some(config.jurisdiction?.name().to_owned())),
    ("PREFERRED_LOCALE", |config| config.shop.locale.tag().map(ToOwned::to_owned)),
    ("PREFERRED_CURRENCY", |config| config.shop.currency.clone()),
    ("PREFERRED_COUNTRY", |config| config.shop.country.clone()),
    ("PRODUCT_URL_TEMPLATE", |config| Some(template(config.shop.product_url.as_ref()?))),
    ("CONFIG", |config| Some(difference(&config.rules).to_string())),
];

/// A template with its own placeholders filled in is itself.
fn template(template: &UrlTemplate) -> String {
    let url = template.url(ProductFacts {
        slug: Some("{{productSlug}}"),
        name: Some("{{productName}}"),
        key: Some("{{productKey}}"),
        id: Some("{{productId}}"),
        sku: Some("{{sku}}"),
        locale: Some("{{locale}}"),
    });
    let url = url.expect("nothing is lacking");
    percent_decode_str(&url).decode_utf8_lossy().into_owned()
}

fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

/// The settings of the page: default and example of each.
fn settings() -> BTreeMap<String, (String, String)> {
    let rows = table(&text(PAGE), "## Settings");
    let settings: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (code(&row[0]).to_owned(), (row[1].clone(), code(&row[2]).to_owned())))
        .collect();
    assert_eq!(settings.len(), rows.len(), "a setting stands there twice");
    settings
}

#[test]
fn the_page_has_the_settings_that_the_code_reads() {
    let parser = text("src/config/parse.rs");
    let parser = parser.split("mod tests").next().expect("the parser");
    let read: BTreeSet<_> = ["optional", "required", "required_url", "secret"]
        .iter()
        .flat_map(|reader| parser.split(&format!("{reader}(\"")).skip(1).collect::<Vec<_>>())
        .filter_map(|rest| rest.split('"').next())
        .map(ToOwned::to_owned)
        .collect();
    assert!(read.len() > 15, "the settings were not found: {read:?}");
    assert_eq!(settings().into_keys().collect::<BTreeSet<_>>(), read);
}

#[test]
fn the_page_has_the_default_of_each_setting() {
    let settings = settings();
    let required: BTreeSet<_> = config::parse(|_| None)
        .expect_err("what is required")
        .into_iter()
        .map(|one| one.setting)
        .collect();
    let given = |name: &str| required.contains(name).then(|| settings[name].1.clone());
    for (name, (default, _)) in &settings {
        if required.contains(name) {
            assert_eq!(default, "required", "{name}");
            continue;
        }
        let reader = reader(name);
        // Where the keys are matters only if there are tokens.
        let beside = ["PUSH_OIDC_AUDIENCE", "PUSH_OIDC_EMAIL"];
        let beside = |other: &str| name == "PUSH_OIDC_KEYS_URL" && beside.contains(&other);
        let config = config::parse(|other| {
            given(other).or_else(|| beside(other).then(|| settings[other].1.clone()))
        });
        let found = reader(&config.expect("a configuration"));
        let found = found.map_or("unset".to_owned(), |value| format!("`{value}`"));
        assert_eq!(*default, found, "{name}");
    }
}

#[test]
fn each_example_is_accepted_and_is_what_the_code_then_has() {
    let settings = settings();
    let all = |without: &str| {
        let value = |name: &str| (name != without).then(|| Some(settings.get(name)?.1.clone()));
        config::parse(|name| value(name).flatten()).expect("the examples are a configuration")
    };
    for (name, (default, example)) in &settings {
        if default == "required" {
            continue;
        }
        // Both names give the same; the second is looked at only without the first.
        let config = all(if name == "CT_SCOPE" { "CT_SCOPES" } else { "" });
        assert_eq!(reader(name)(&config).as_ref(), Some(example), "{name}");
    }
}

fn reader(name: &str) -> Reader {
    let found = OPTIONAL.iter().find(|(optional, _)| *optional == name);
    found.unwrap_or_else(|| panic!("{name} is not in the table of this test")).1
}

/// What rules have that the defaults have not.
fn difference(rules: &OperatorRules) -> Value {
    let value = |rules: &OperatorRules| leaves(&serde_json::to_value(rules).expect("JSON"));
    let defaults = value(&OperatorRules::default());
    let changed = value(rules).into_iter().filter(|(path, value)| defaults[path] != *value);
    let mut all = json!({});
    for (path, value) in changed {
        let pointer = path.split('.').fold(&mut all, |place, key| &mut place[key]);
        *pointer = value;
    }
    all
}

/// The values of a tree by their paths (`order.metrics.placedOrder`).
fn leaves(tree: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), tree)];
    while let Some((path, value)) = open.pop() {
        match value {
            // The free maps: of field names, and of kinds.
            Value::Object(members)
                if !matches!(path.rsplit('.').next(), Some("map" | "schedule")) =>
            {
                let dot = if path.is_empty() { "" } else { "." };
                open.extend(
                    members.iter().map(|(key, value)| (format!("{path}{dot}{key}"), value)),
                );
            }
            value => {
                found.insert(path, value.clone());
            }
        }
    }
    found
}

#[test]
fn the_page_has_every_key_of_config_with_its_default_and_an_example() {
    let rows = table(&text(PAGE), "## `CONFIG`");
    let defaults = leaves(&serde_json::to_value(OperatorRules::default()).expect("JSON"));
    let keys: Vec<_> = rows.iter().map(|row| code(&row[0]).to_owned()).collect();
    assert_eq!(keys.iter().cloned().collect::<BTreeSet<_>>(), defaults.keys().cloned().collect());
    assert_eq!(keys.len(), defaults.len(), "a key stands there twice");
    for (key, row) in keys.iter().zip(&rows) {
        let parsed = |cell: &str| -> Value {
            serde_json::from_str(code(cell)).unwrap_or_else(|error| panic!("{key}: {error}"))
        };
        assert_eq!(parsed(&row[1]), defaults[key], "{key}");
        let example = key.rsplit('.').fold(parsed(&row[2]), |inner, name| json!({ name: inner }));
        let rules =
            OperatorRules::parse(&example.to_string()).unwrap_or_else(|why| panic!("{why:?}"));
        assert_eq!(difference(&rules), example, "{key}: the example changes nothing");
    }
}
