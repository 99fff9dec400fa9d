//! Objects of the catalogue as Klaviyo takes them: items, their variants, categories.
//!
//! Each body holds the whole state of its object, so it can be written again. Only what creates an
//! object names its external id, and the item of a variant; both can never change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::json_api::{Data, data};

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

    /// Several of them, as the members of bodies are called.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Item => "items",
            Self::Variant => "variants",
            Self::Category => "categories",
        }
    }

    /// Where the objects are.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Item => "/api/catalog-items",
            Self::Variant => "/api/catalog-variants",
            Self::Category => "/api/catalog-categories",
        }
    }
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as their names say")]
pub enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// As the types of jobs have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Who an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Klaviyo's id, made of the integration, the catalogue and the external id.
    pub id: String,
    /// The shop's id.
    pub external_id: String,
}

/// An object with its whole state.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "said on the types")]
pub enum Object {
    Item(Item),
    Variant(Variant),
    Category(Category),
}

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Who it is.
    pub key: Key,
    /// What it looks like.
    pub attributes: ItemAttributes,
    /// Klaviyo's ids of its categories, which replace those that it had.
    pub categories: Vec<String>,
}

/// The attributes of an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct ItemAttributes {
    #[serde(flatten)]
    pub shown: Shown,
    /// In the currency's main unit; none clears it.
    pub price: Option<Number>,
}

/// What items and variants have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct Shown {
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
pub struct Variant {
    /// Who it is.
    pub key: Key,
    #[expect(missing_docs, reason = "Klaviyo's own name")]
    pub sku: String,
    /// Klaviyo's id of its item.
    pub item: String,
    /// What it looks like.
    pub attributes: VariantAttributes,
}

/// The attributes of a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct VariantAttributes {
    #[serde(flatten)]
    pub shown: Shown,
    /// In the currency's main unit. Klaviyo wants one.
    pub price: Number,
    #[serde(flatten)]
    pub stock: Stock,
}

/// How much of a variant there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct Stock {
    pub inventory_policy: Policy,
    pub inventory_quantity: i64,
}

/// What happens to a variant without stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// 0: it is shown all the same.
    Show,
    /// 1: feeds and recommendations leave it out.
    Hide,
}

impl Serialize for Policy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Show => 0,
            Self::Hide => 1,
        })
    }
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Who it is.
    pub key: Key,
    #[expect(missing_docs, reason = "Klaviyo's own name")]
    pub name: String,
}

impl Object {
    #[expect(missing_docs, reason = "as its name says")]
    #[must_use]
    pub fn kind(&self) -> CatalogKind {
        match self {
            Self::Item(_) => CatalogKind::Item,
            Self::Variant(_) => CatalogKind::Variant,
            Self::Category(_) => CatalogKind::Category,
        }
    }

    /// Who it is.
    #[must_use]
    pub fn key(&self) -> &Key {
        match self {
            Self::Item(item) => &item.key,
            Self::Variant(variant) => &variant.key,
            Self::Category(category) => &category.key,
        }
    }
}

/// The resource that creates an object.
pub(super) fn created(object: &Object) -> impl Serialize {
    let origin = |sku| {
        let external_id = object.key().external_id.as_str();
        let origin =
            Origin { external_id, integration_type: "$custom", catalog_type: "$default", sku };
        Some(origin)
    };
    let (attributes, relationships) = match object {
        Object::Item(item) => (
            Attributes::Item(Written { origin: origin(None), attributes: &item.attributes }),
            Some(categories(item)),
        ),
        Object::Variant(variant) => (
            Attributes::Variant(Written {
                origin: origin(Some(&variant.sku)),
                attributes: &variant.attributes,
            }),
            Some(Relationships {
                item: Some(data(Link { r#type: CatalogKind::Item.name(), id: &variant.item })),
                categories: None,
            }),
        ),
        Object::Category(category) => (
            Attributes::Category(Written {
                origin: origin(None),
                attributes: Named { name: &category.name },
            }),
            None,
        ),
    };
    Resource { r#type: object.kind().name(), id: None, attributes, relationships }
}

/// The resource that brings an object up to date.
pub(super) fn updated(object: &Object) -> impl Serialize {
    let origin = None;
    let (attributes, relationships) = match object {
        Object::Item(item) => (
            Attributes::Item(Written { origin, attributes: &item.attributes }),
            Some(categories(item)),
        ),
        Object::Variant(variant) => {
            (Attributes::Variant(Written { origin, attributes: &variant.attributes }), None)
        }
        Object::Category(category) => {
            let attributes = Named { name: &category.name };
            (Attributes::Category(Written { origin, attributes }), None)
        }
    };
    let id = Some(object.key().id.as_str());
    Resource { r#type: object.kind().name(), id, attributes, relationships }
}

/// The resource that only tells how much of a variant there is.
pub(super) fn stocked(variant: &str, stock: Stock) -> impl Serialize {
    let attributes = Attributes::Stock { stock, published: true };
    let r#type = CatalogKind::Variant.name();
    Resource { r#type, id: Some(variant), attributes, relationships: None }
}

/// A resource by its id alone.
#[derive(Serialize)]
pub(super) struct Link<'a> {
    pub(super) r#type: &'static str,
    pub(super) id: &'a str,
}

#[derive(Serialize)]
struct Resource<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relationships: Option<Relationships<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Attributes<'a> {
    Item(Written<'a, &'a ItemAttributes>),
    Variant(Written<'a, &'a VariantAttributes>),
    Category(Written<'a, Named<'a>>),
    Stock {
        #[serde(flatten)]
        stock: Stock,
        published: bool,
    },
}

#[derive(Serialize)]
struct Written<'a, T> {
    #[serde(flatten)]
    origin: Option<Origin<'a>>,
    #[serde(flatten)]
    attributes: T,
}

#[derive(Serialize)]
struct Origin<'a> {
    external_id: &'a str,
    integration_type: &'static str,
    catalog_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<&'a str>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Relationships<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Data<Link<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    categories: Option<Data<Vec<Link<'a>>>>,
}

fn categories(item: &Item) -> Relationships<'_> {
    let link = |id| Link { r#type: CatalogKind::Category.name(), id };
    let links = item.categories.iter().map(String::as_str).map(link).collect();
    Relationships { item: None, categories: Some(data(links)) }
}
