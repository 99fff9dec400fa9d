//! `docs/mapping.md`: every property of every body in the cases of `tests/core/cases` (and in the
//! vectors of `parity`) is in the table of its object, and every listed property occurs in some
//! case.
//!
//! A row such as `properties.{name}` stands for names of the shop: they have to occur in the case's
//! documents or settings, so that none of our own names can hide behind it.

use std::collections::{BTreeMap, BTreeSet};

use commercetools_klaviyo::config::{Config, OperatorRules};
use serde_json::{Map, Value};

use super::{codes, table, text};
use crate::{mapping, parity};

const PAGE: &str = "docs/mapping.md";

/// The objects that are sent, each with its table.
const OBJECTS: &[(Object, &str)] = &[
    (Object::Profile, "## Customer → profile"),
    (Object::Erasure, "## Erasure"),
    (Object::Buyer, "### Whose event it is"),
    (Object::OrderEvent, "### Events of the whole order"),
    (Object::LineEvent, "### `Ordered Product`"),
    (Object::Item, "### Item"),
    (Object::Variant, "### Variant"),
    (Object::Category, "## Category → category"),
];

/// The tables from the other end, each with the objects that its fields become.
const ORIGINS: &[(&str, &[Object])] = &[
    ("### Customer", &[Object::Profile, Object::Erasure]),
    ("### Order", &[Object::Buyer, Object::OrderEvent]),
    ("### Line of an order", &[Object::LineEvent, Object::OrderEvent]),
    ("### Product", &[Object::Item, Object::Variant]),
    ("### Category", &[Object::Category]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    Profile,
    Erasure,
    /// The profile in an event.
    Buyer,
    OrderEvent,
    LineEvent,
    Item,
    Variant,
    Category,
}

type Rows = BTreeMap<Object, BTreeSet<String>>;

/// The properties that the page has of each object.
fn documented(of: impl Fn(&[String]) -> bool) -> Rows {
    let page = text(PAGE);
    let rows = |heading| {
        let rows = table(&page, heading).into_iter().filter(|row| of(row));
        rows.map(|row| super::code(&row[0]).to_owned()).collect()
    };
    OBJECTS.iter().map(|(object, heading)| (*object, rows(heading))).collect()
}

/// What is compared: the properties of the page, those that were sent, and what is wrong.
struct Survey {
    documented: Rows,
    sent: Rows,
    missing: BTreeSet<String>,
}

/// Where a body comes from.
struct Origin<'a> {
    /// The metric of `Ordered Product`.
    line_metric: &'a str,
    /// Names that the shop chose.
    names: &'a BTreeSet<String>,
}

impl Survey {
    /// Looks for resources, wherever they are in a body.
    fn body(&mut self, origin: &Origin, value: &Value, in_event: bool) {
        match value {
            Value::Object(members) => {
                let kind = members.get("type").and_then(Value::as_str).unwrap_or_default();
                if self.resource(origin, kind, members, in_event) {
                    return;
                }
                for value in members.values() {
                    self.body(origin, value, in_event || kind == "event-bulk-create");
                }
            }
            Value::Array(list) => {
                for value in list {
                    self.body(origin, value, in_event);
                }
            }
            _ => {}
        }
    }

    /// Takes in a resource that is one of the objects; whether it is.
    fn resource(
        &mut self,
        origin: &Origin,
        kind: &str,
        members: &Map<String, Value>,
        in_event: bool,
    ) -> bool {
        let Some(Value::Object(attributes)) = members.get("attributes") else { return false };
        let mut all = attributes.clone();
        let object = match kind {
            "profile" if in_event => Object::Buyer,
            "profile" => Object::Profile,
            "data-privacy-deletion-job" => {
                // The profile in it has no attributes to tell of.
                let profile = all.get_mut("profile").and_then(|it| it.pointer_mut("/data"));
                profile.and_then(Value::as_object_mut).map(|it| it.shift_remove("attributes"));
                Object::Erasure
            }
            "event" => {
                if let Some(profile) = all.shift_remove("profile") {
                    self.body(origin, &profile, true);
                }
                let metric = all.shift_remove("metric").unwrap_or_default();
                let metric = metric.pointer("/data/attributes/name").cloned().unwrap_or_default();
                let of_line = metric == origin.line_metric;
                all.insert("metric".to_owned(), metric);
                if of_line { Object::LineEvent } else { Object::OrderEvent }
            }
            "catalog-item" => Object::Item,
            "catalog-variant" => Object::Variant,
            "catalog-category" => Object::Category,
            _ => return false,
        };
        for beside in ["id", "relationships", "meta"] {
            all.extend(members.get(beside).map(|value| (beside.to_owned(), value.clone())));
        }
        for (name, value) in &all {
            self.property(origin, object, name, value);
        }
        true
    }

    fn property(&mut self, origin: &Origin, object: Object, path: &str, value: &Value) {
        let rows = &self.documented[&object];
        let above = |row: &String| {
            row.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.') || rest.starts_with("[]"))
        };
        let row = if rows.contains(path) {
            Some(path.to_owned())
        } else if rows.iter().any(above) {
            match value {
                Value::Object(members) => members.iter().for_each(|(name, value)| {
                    self.property(origin, object, &format!("{path}.{name}"), value);
                }),
                Value::Array(list) => list.iter().for_each(|value| {
                    self.property(origin, object, &format!("{path}[]"), value);
                }),
                _ => {}
            }
            return;
        } else {
            let of_the_shop = |row: &&String| {
                let name = row.split_once('{').and_then(|(start, _)| path.strip_prefix(start));
                name.is_some_and(|name| origin.names.contains(name))
            };
            rows.iter().find(of_the_shop).cloned()
        };
        match row {
            Some(row) => drop(self.sent.entry(object).or_default().insert(row)),
            None => drop(self.missing.insert(format!("{object:?}: {path}"))),
        }
    }
}

/// Every name of a member or an attribute, and every new name that a `map` of the settings gives.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                found.insert(name.clone());
                if name == "name" {
                    found.extend(value.as_str().map(ToOwned::to_owned));
                }
                if let ("map", Value::Object(map)) = (name.as_str(), value) {
                    found.extend(map.values().filter_map(Value::as_str).map(ToOwned::to_owned));
                }
                names(value, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

/// What the page has, against what these send: at least so many bodies.
fn survey(sources: Vec<(Config, Value, Vec<Value>)>, at_least: usize) -> Survey {
    let mut survey =
        Survey { documented: documented(|_| true), sent: Rows::new(), missing: BTreeSet::new() };
    let mut bodies = 0;
    for (config, documents, sent) in sources {
        let mut found = BTreeSet::new();
        names(&documents, &mut found);
        names(&serde_json::to_value(&config.rules).expect("JSON"), &mut found);
        let line_metric = config.rules.order.metrics.ordered_product.as_str();
        let origin = Origin { line_metric, names: &found };
        for body in &sent {
            bodies += 1;
            survey.body(&origin, body, false);
        }
    }
    assert!(bodies >= at_least, "only {bodies} bodies were found");
    survey
}

#[test]
fn the_page_has_every_property_that_is_sent_and_no_other() {
    let survey = survey(mapping::bodies_of_cases(), 51);
    assert_eq!(survey.missing, BTreeSet::new(), "{PAGE} does not have these");
    for (object, documented) in &survey.documented {
        let sent = survey.sent.get(object).cloned().unwrap_or_default();
        let stale: Vec<_> = documented.difference(&sent).collect();
        assert!(stale.is_empty(), "{PAGE}, {object:?}: no case gives {stale:?}");
    }
}

mod needs_shared {
    use super::*;

    #[test]
    fn the_page_has_every_property_of_the_plugins_vectors() {
        let survey = survey(parity::bodies_of_vectors(), 24);
        assert_eq!(survey.missing, BTreeSet::new(), "{PAGE} does not have these");
    }
}

#[test]
fn the_tables_from_the_other_end_have_the_same_properties() {
    let page = text(PAGE);
    let all = documented(|_| true);
    let from_fields =
        documented(|row| !row[1].starts_with("always ") && !row[1].starts_with("`CONFIG"));
    let mut mentioned = Rows::new();
    for (heading, objects) in ORIGINS {
        let origin: BTreeSet<String> = table(&page, heading)
            .iter()
            .flat_map(|row| codes(&row[1]).map(ToOwned::to_owned).collect::<Vec<_>>())
            .filter(|code| !code.ends_with(" Order"))
            .collect();
        for code in &origin {
            let known = objects.iter().any(|object| all[object].contains(code));
            assert!(known, "{heading}: nothing becomes `{code}`");
        }
        for object in *objects {
            mentioned.entry(*object).or_default().extend(origin.iter().cloned());
        }
    }
    for (object, properties) in from_fields {
        let missing: Vec<_> = properties.difference(&mentioned[&object]).collect();
        assert!(missing.is_empty(), "{object:?}: no field is said to become {missing:?}");
    }
}

#[test]
fn the_names_of_the_message_table_are_those_that_can_be_disabled() {
    let rows = table(&text(PAGE), "## Messages");
    let listed: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| codes(&row[0]).map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect();
    for name in &listed {
        let config = format!(r#"{{"disabledEvents":["{name}"]}}"#);
        assert!(OperatorRules::parse(&config).is_ok(), "{name} cannot be disabled");
    }
    let source = text("src/config/rules.rs");
    let names = source.split("pub enum EventName {").nth(1).and_then(|rest| rest.split('}').next());
    let names = names.expect("the names").split(',').map(str::trim).filter(|name| !name.is_empty());
    assert_eq!(listed, names.map(ToOwned::to_owned).collect());
}
