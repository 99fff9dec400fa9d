//! A product type: the attributes of its products.

use serde::Deserialize;

use super::lenient::list;

/// A product type, with its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProductType {
    /// The attributes.
    #[serde(default, deserialize_with = "list")]
    pub attributes: Vec<AttributeDefinition>,
}

/// An attribute of a product type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeDefinition {
    #[expect(missing_docs, reason = "as its name says")]
    pub name: String,
    /// How its values differ between the variants of a product.
    #[serde(default)]
    pub attribute_constraint: AttributeConstraint,
}

/// How the values of an attribute differ between the variants of a product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum AttributeConstraint {
    /// No two variants have the same value.
    Unique,
    /// No two variants have the same values of all attributes with this constraint.
    CombinationUnique,
    /// Any values; the same for all variants; or an unknown constraint.
    #[default]
    #[serde(other)]
    Other,
}

impl ProductType {
    /// The names of the attributes that distinguish the variants of a product, in the type's order.
    #[must_use]
    pub fn telling_apart(&self) -> Vec<String> {
        let telling = self.attributes.iter().filter(|attribute| {
            matches!(
                attribute.attribute_constraint,
                AttributeConstraint::Unique | AttributeConstraint::CombinationUnique
            )
        });
        telling.map(|attribute| attribute.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constraint_tells_variants_apart() {
        let read: ProductType = serde_json::from_str(
            r#"{"attributes": [{"name": "gtin", "attributeConstraint": "Unique"},
                {"name": "care", "attributeConstraint": "SameForAll"},
                {"name": "color", "attributeConstraint": "CombinationUnique", "type": {}},
                {"name": "new", "attributeConstraint": "SomethingNew"}, {"name": "plain"}]}"#,
        )
        .expect("a type");
        assert_eq!(read.telling_apart(), ["gtin", "color"]);
    }
}
