//! Which fields of a document become properties, and their names.

use serde_json::{Map, Value};

use crate::config::property_rules::PropertyRules;

/// The fields that the rules allow, renamed if the rules say so.
///
/// As in the plugin, `exclude` wins over `include`, and an empty `include` means all. `0`, `false`
/// and `""` are values and pass; only `null` does not.
pub fn allowed<'a>(
    rules: &'a PropertyRules,
    fields: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let fields = fields.iter().filter(|(_, value)| !value.is_null());
    fields.filter_map(|(name, value)| Some((property_name(rules, name)?, value)))
}

/// The name under which a field passes; none if the rules do not allow it.
#[must_use]
pub fn property_name<'a>(rules: &'a PropertyRules, name: &'a String) -> Option<&'a str> {
    let is_included = rules.include.is_empty() || rules.include.contains(name);
    (is_included && !rules.exclude.contains(name))
        .then(|| rules.map.get(name).unwrap_or(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_pass_as_the_rules_say() {
        let Value::Object(fields) = json!({"a": 0, "b": false, "c": "", "d": null, "e": 1}) else {
            panic!("an object")
        };
        for (rules, expected) in [
            (json!({"include": [], "exclude": [], "map": {}}), vec!["a", "b", "c", "e"]),
            (json!({"include": ["a", "d", "x"], "exclude": [], "map": {}}), vec!["a"]),
            (json!({"include": ["a", "b"], "exclude": ["b"], "map": {"a": "A"}}), vec!["A"]),
        ] {
            let rules: PropertyRules = serde_json::from_value(rules).expect("rules");
            let names: Vec<_> = allowed(&rules, &fields).map(|(name, _)| name).collect();
            assert_eq!(names, expected);
        }
    }
}
