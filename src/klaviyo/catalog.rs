//! Objects of the catalogue in Klaviyo's form: items, their variants, categories.
//!
//! Each body holds the whole state of its object, so it can be written again. Only a creation names
//! the external id, and the item of a variant; both can never change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::json_api::{DataMember, data};

/// The kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub enum CatalogKind {
    Item,
    Variant,
    Category,
}

impl CatalogKind {
    /// The JSON:API type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Item => "catalog-item",
            Self::Variant => "catalog-variant",
            Self::Category => "catalog-category",
        }
    }

    /// The plural, as in the members of bodies.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Item => "items",
            Self::Variant => "variants",
            Self::Category => "categories",
        }
    }

    /// The path of the objects.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Item => "/api/catalog-items",
            Self::Variant => "/api/catalog-variants",
            Self::Category => "/api/catalog-categories",
        }
    }
}

/// The action on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as their names say")]
pub enum CatalogAction {
    Create,
    Update,
    Delete,
}

impl CatalogAction {
    /// Its name in the types of jobs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// The identity of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CatalogKey {
    /// Klaviyo's id, made from the integration, the catalogue and the external id.
    pub id: String,
    /// The shop's id.
    pub external_id: String,
}

/// An object with its whole state.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "said on the types")]
pub enum CatalogObject {
    Item(CatalogItem),
    Variant(CatalogVariant),
    Category(CatalogCategory),
}

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogItem {
    /// Its identity.
    pub key: CatalogKey,
    /// Its attributes.
    pub attributes: ItemAttributes,
    /// Klaviyo's ids of its categories, which replace the previous ones.
    pub categories: Vec<String>,
}

/// The attributes of an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct ItemAttributes {
    #[serde(flatten)]
    pub shown: ShownAttributes,
    /// In the currency's main unit; none clears it.
    pub price: Option<Number>,
}

/// The common attributes of items and variants.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct ShownAttributes {
    pub title: String,
    pub description: String,
    pub url: String,
    /// None clears it.
    pub image_full_url: Option<String>,
    pub images: Vec<String>,
    /// Flat: texts, numbers and booleans only.
    pub custom_metadata: Map<String, Value>,
    pub published: bool,
}

/// A variant of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogVariant {
    /// Its identity.
    pub key: CatalogKey,
    #[expect(missing_docs, reason = "Klaviyo's own name")]
    pub sku: String,
    /// Klaviyo's id of its item.
    pub item: String,
    /// Its attributes.
    pub attributes: VariantAttributes,
}

/// The attributes of a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct VariantAttributes {
    #[serde(flatten)]
    pub shown: ShownAttributes,
    /// In the currency's main unit. Klaviyo requires one, so a variant without a price is not written.
    pub price: Number,
    #[serde(flatten)]
    pub stock: VariantStock,
}

/// The stock of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct VariantStock {
    pub inventory_policy: StockPolicy,
    pub inventory_quantity: i64,
}

/// What happens to a variant without stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockPolicy {
    /// 0: it is shown all the same.
    Show,
    /// 1: feeds and recommendations leave it out.
    Hide,
}

impl Serialize for StockPolicy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Show => 0,
            Self::Hide => 1,
        })
    }
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogCategory {
    /// Its identity.
    pub key: CatalogKey,
    #[expect(missing_docs, reason = "Klaviyo's own name")]
    pub name: String,
}

impl CatalogObject {
    #[expect(missing_docs, reason = "as its name says")]
    #[must_use]
    pub fn kind(&self) -> CatalogKind {
        match self {
            Self::Item(_) => CatalogKind::Item,
            Self::Variant(_) => CatalogKind::Variant,
            Self::Category(_) => CatalogKind::Category,
        }
    }

    /// Its identity.
    #[must_use]
    pub fn key(&self) -> &CatalogKey {
        match self {
            Self::Item(item) => &item.key,
            Self::Variant(variant) => &variant.key,
            Self::Category(category) => &category.key,
        }
    }
}

/// The resource that creates an object.
pub(super) fn created(object: &CatalogObject) -> impl Serialize {
    let origin = |sku| {
        let external_id = object.key().external_id.as_str();
        let origin = CatalogOrigin {
            external_id,
            integration_type: "$custom",
            catalog_type: "$default",
            sku,
        };
        Some(origin)
    };
    let (attributes, relationships) = match object {
        CatalogObject::Item(item) => (
            CatalogAttributes::Item(WrittenAttributes {
                origin: origin(None),
                attributes: &item.attributes,
            }),
            Some(categories(item)),
        ),
        CatalogObject::Variant(variant) => (
            CatalogAttributes::Variant(WrittenAttributes {
                origin: origin(Some(&variant.sku)),
                attributes: &variant.attributes,
            }),
            Some(CatalogRelationships {
                item: Some(data(ResourceIdentifier {
                    r#type: CatalogKind::Item.name(),
                    id: &variant.item,
                })),
                categories: None,
            }),
        ),
        CatalogObject::Category(category) => (
            CatalogAttributes::Category(WrittenAttributes {
                origin: origin(None),
                attributes: CategoryAttributes { name: &category.name },
            }),
            None,
        ),
    };
    CatalogResource { r#type: object.kind().name(), id: None, attributes, relationships }
}

/// The resource that updates an object.
pub(super) fn updated(object: &CatalogObject) -> impl Serialize {
    let origin = None;
    let (attributes, relationships) = match object {
        CatalogObject::Item(item) => (
            CatalogAttributes::Item(WrittenAttributes { origin, attributes: &item.attributes }),
            Some(categories(item)),
        ),
        CatalogObject::Variant(variant) => (
            CatalogAttributes::Variant(WrittenAttributes {
                origin,
                attributes: &variant.attributes,
            }),
            None,
        ),
        CatalogObject::Category(category) => {
            let attributes = CategoryAttributes { name: &category.name };
            (CatalogAttributes::Category(WrittenAttributes { origin, attributes }), None)
        }
    };
    let id = Some(object.key().id.as_str());
    CatalogResource { r#type: object.kind().name(), id, attributes, relationships }
}

/// The resource that only contains the stock of a variant. The stock does not decide whether the
/// variant is published: a variant without a price stays hidden.
pub(super) fn stocked(variant: &str, stock: VariantStock) -> impl Serialize {
    partly(variant, CatalogAttributes::Stock(stock))
}

/// The resource that hides a variant, and leaves everything else as it is.
pub(super) fn hidden(variant: &str) -> impl Serialize {
    partly(variant, CatalogAttributes::Hidden { published: false })
}

/// A variant with only these attributes: what an update does not name stays.
fn partly<'a>(variant: &'a str, attributes: CatalogAttributes<'a>) -> CatalogResource<'a> {
    let r#type = CatalogKind::Variant.name();
    CatalogResource { r#type, id: Some(variant), attributes, relationships: None }
}

/// A resource with only its id.
#[derive(Serialize)]
pub(super) struct ResourceIdentifier<'a> {
    pub(super) r#type: &'static str,
    pub(super) id: &'a str,
}

#[derive(Serialize)]
struct CatalogResource<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    attributes: CatalogAttributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationships: Option<CatalogRelationships<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum CatalogAttributes<'a> {
    Item(WrittenAttributes<'a, &'a ItemAttributes>),
    Variant(WrittenAttributes<'a, &'a VariantAttributes>),
    Category(WrittenAttributes<'a, CategoryAttributes<'a>>),
    Stock(VariantStock),
    Hidden { published: bool },
}

#[derive(Serialize)]
struct WrittenAttributes<'a, T> {
    #[serde(flatten)]
    origin: Option<CatalogOrigin<'a>>,
    #[serde(flatten)]
    attributes: T,
}

#[derive(Serialize)]
struct CatalogOrigin<'a> {
    external_id: &'a str,
    integration_type: &'static str,
    catalog_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
}

#[derive(Serialize)]
struct CategoryAttributes<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct CatalogRelationships<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<DataMember<ResourceIdentifier<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<DataMember<Vec<ResourceIdentifier<'a>>>>,
}

fn categories(item: &CatalogItem) -> CatalogRelationships<'_> {
    let link = |id| ResourceIdentifier { r#type: CatalogKind::Category.name(), id };
    let links = item.categories.iter().map(String::as_str).map(link).collect();
    CatalogRelationships { item: None, categories: Some(data(links)) }
}
