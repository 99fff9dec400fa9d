//! Requests that write the catalogue one object at a time, and what to try after a refusal.
//!
//! Klaviyo has no upsert for the catalogue: an object is updated; after a 404, created; after a 409 (somebody was
//! faster), updated. A variant can never change its item. If an existing variant blocks a new one, it may belong to
//! another item whose SKU has moved, so it is deleted and created again.

use super::catalog::{
    CatalogAction, CatalogKind, CatalogObject, ResourceIdentifier, VariantStock, created, hidden,
    stocked, updated,
};
use super::job::{BulkJobRow, JobType};
use super::json_api::{data, text};
use super::pacing::Operation;
use super::verdict::{ExpectedSuccess, Verdict};
use crate::fault::{System, TransientFault};
use crate::http::encode;

/// One such request.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogWrite {
    /// Write an object, whether it exists or not.
    Put {
        /// What to write.
        object: Box<CatalogObject>,
        /// The current attempt.
        attempt: WriteAttempt,
    },
    /// Write the stock of a variant, if Klaviyo knows the variant.
    SetStock {
        /// Klaviyo's id of the variant.
        variant: String,
        /// The stock.
        stock: VariantStock,
    },
    /// Hide a variant that cannot be bought for now, if it exists.
    Hide {
        /// Klaviyo's id of the variant.
        variant: String,
    },
    /// Delete an object, if it exists; an item with its variants.
    Delete {
        /// Its kind.
        kind: CatalogKind,
        /// Klaviyo's id.
        id: String,
    },
}

/// The attempts to write an object. Each is made once, in this order, so the sequence ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WriteAttempt {
    /// Update it: it should exist.
    Update,
    /// Create it: it should not exist.
    Create,
    /// Delete the variant that blocks it.
    MakeRoom,
    /// Create it after the blocking variant is gone.
    CreateAgain,
    /// Update it: somebody else created it in between.
    UpdateAgain,
}

impl CatalogWrite {
    /// Writes an object that Klaviyo has, or lacks, as far as is known.
    #[must_use]
    pub fn put(object: CatalogObject, known: bool) -> Self {
        let attempt = if known { WriteAttempt::Update } else { WriteAttempt::Create };
        Self::Put { object: Box::new(object), attempt }
    }

    /// Klaviyo's id of the object.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Put { object, .. } => &object.key().id,
            Self::SetStock { variant: id, .. }
            | Self::Hide { variant: id }
            | Self::Delete { id, .. } => id,
        }
    }

    /// The kind of its object.
    #[must_use]
    pub fn kind(&self) -> CatalogKind {
        match self {
            Self::Put { object, .. } => object.kind(),
            Self::SetStock { .. } | Self::Hide { .. } => CatalogKind::Variant,
            Self::Delete { kind, .. } => *kind,
        }
    }

    /// Whether it deletes its object.
    #[must_use]
    pub fn deletes(&self) -> bool {
        matches!(self, Self::Delete { .. })
    }

    fn action(&self) -> CatalogAction {
        match self {
            Self::Put { attempt, .. } => match attempt {
                WriteAttempt::Create | WriteAttempt::CreateAgain => CatalogAction::Create,
                WriteAttempt::Update | WriteAttempt::UpdateAgain => CatalogAction::Update,
                WriteAttempt::MakeRoom => CatalogAction::Delete,
            },
            Self::SetStock { .. } | Self::Hide { .. } => CatalogAction::Update,
            Self::Delete { .. } => CatalogAction::Delete,
        }
    }

    pub(super) fn method(&self) -> &'static str {
        match self.action() {
            CatalogAction::Create => "POST",
            CatalogAction::Update => "PATCH",
            CatalogAction::Delete => "DELETE",
        }
    }

    pub(super) fn success(&self) -> ExpectedSuccess {
        match self.action() {
            CatalogAction::Create | CatalogAction::Update => {
                ExpectedSuccess::Resource(self.kind().name().into())
            }
            CatalogAction::Delete => ExpectedSuccess::Nothing,
        }
    }

    /// The operation, as Klaviyo counts its rate limits.
    pub(super) fn operation(&self) -> Operation {
        Operation::Catalog(self.kind(), self.action())
    }

    /// The object that Klaviyo may not have, since nobody asked.
    pub(crate) fn doubt(&self) -> Option<(CatalogKind, &str)> {
        match self {
            Self::SetStock { variant, .. } => Some((CatalogKind::Variant, variant)),
            Self::Put { object, attempt: WriteAttempt::Update }
                if object.kind() == CatalogKind::Category =>
            {
                Some((CatalogKind::Category, &object.key().id))
            }
            Self::Delete { kind: CatalogKind::Category, id } => Some((CatalogKind::Category, id)),
            Self::Put { .. } | Self::Hide { .. } | Self::Delete { .. } => None,
        }
    }

    /// What to do instead, since Klaviyo does not have the object that this is about in doubt: another
    /// write, or nothing. A variant comes with its product; an object to delete is gone.
    pub(crate) fn without_object(&self) -> Option<Self> {
        match self {
            Self::SetStock { .. } | Self::Hide { .. } | Self::Delete { .. } => None,
            Self::Put { object, .. } => Some(Self::put((**object).clone(), false)),
        }
    }

    /// The same as a row of a job.
    pub(super) fn row(&self) -> (JobType, BulkJobRow) {
        let (kind, action) = (self.kind(), self.action());
        let row = match self {
            Self::Put { object, .. } if action != CatalogAction::Delete => {
                let content = text(&updated(object));
                let json = match action {
                    CatalogAction::Create => text(&created(object)),
                    _ => content.clone(),
                };
                BulkJobRow::new(json, &content)
            }
            Self::SetStock { variant, stock } => {
                let json = text(&stocked(variant, *stock));
                BulkJobRow::new(json.clone(), &json)
            }
            Self::Hide { variant } => {
                let json = text(&hidden(variant));
                BulkJobRow::new(json.clone(), &json)
            }
            Self::Put { object, .. } => deletion(kind, &object.key().id),
            Self::Delete { id, .. } => deletion(kind, id),
        };
        (JobType::Catalog(kind, action), row)
    }

    pub(super) fn path(&self) -> String {
        let one = |kind: CatalogKind, id: &str| format!("{}/{}", kind.path(), encode(id));
        match self {
            Self::Put { object, attempt: WriteAttempt::Create | WriteAttempt::CreateAgain } => {
                object.kind().path().to_owned()
            }
            Self::Put { object, .. } => one(object.kind(), &object.key().id),
            Self::SetStock { variant, .. } | Self::Hide { variant } => {
                one(CatalogKind::Variant, variant)
            }
            Self::Delete { kind, id } => one(*kind, id),
        }
    }

    pub(super) fn body(&self) -> Option<String> {
        match self {
            Self::Put { object, attempt } => match attempt {
                WriteAttempt::Create | WriteAttempt::CreateAgain => {
                    Some(text(&data(created(object))))
                }
                WriteAttempt::Update | WriteAttempt::UpdateAgain => {
                    Some(text(&data(updated(object))))
                }
                WriteAttempt::MakeRoom => None,
            },
            Self::SetStock { variant, stock } => Some(text(&data(stocked(variant, *stock)))),
            Self::Hide { variant } => Some(text(&data(hidden(variant)))),
            Self::Delete { .. } => None,
        }
    }

    pub(super) fn way_out(&self, verdict: &Verdict) -> Option<Self> {
        let Self::Put { object, attempt } = self else { return None };
        let attempt = match (attempt, verdict) {
            (WriteAttempt::Update, Verdict::Missing) => WriteAttempt::Create,
            (WriteAttempt::Create, Verdict::Conflict { .. })
                if object.kind() == CatalogKind::Variant =>
            {
                WriteAttempt::MakeRoom
            }
            (WriteAttempt::MakeRoom, Verdict::Accepted | Verdict::Missing) => {
                WriteAttempt::CreateAgain
            }
            (WriteAttempt::Create | WriteAttempt::CreateAgain, Verdict::Conflict { .. }) => {
                WriteAttempt::UpdateAgain
            }
            _ => return None,
        };
        Some(Self::Put { object: object.clone(), attempt })
    }

    /// What the last verdict means for the request. The object of a deletion may be gone already. If an object is still
    /// missing in the end, it or its parent was deleted meanwhile: then the current state has to be read again.
    pub(super) fn settled(&self, verdict: Verdict) -> Verdict {
        match (self, verdict) {
            (Self::Delete { .. } | Self::Hide { .. }, Verdict::Missing) => Verdict::Accepted,
            (Self::SetStock { .. }, Verdict::Missing) => Verdict::NotHeld,
            (Self::Put { .. }, Verdict::Missing) => {
                Verdict::Later(TransientFault::Status(System::Klaviyo, 404).into())
            }
            (_, verdict) => verdict,
        }
    }
}

fn deletion(kind: CatalogKind, id: &str) -> BulkJobRow {
    let json = text(&ResourceIdentifier { r#type: kind.name(), id });
    BulkJobRow::new(json.clone(), &json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::{
        CatalogCategory, CatalogItem, CatalogKey, CatalogVariant, ItemAttributes, ShownAttributes,
        StockPolicy, VariantAttributes,
    };
    use serde_json::{Map, Value, json};

    fn key() -> CatalogKey {
        CatalogKey { id: "$custom:::$default:::a/1".to_owned(), external_id: "a/1".to_owned() }
    }

    fn shown() -> ShownAttributes {
        ShownAttributes {
            title: "T".to_owned(),
            description: String::new(),
            url: "/t".to_owned(),
            image_full_url: None,
            images: Vec::new(),
            custom_metadata: Map::new(),
            published: true,
        }
    }

    fn category() -> CatalogObject {
        CatalogObject::Category(CatalogCategory { key: key(), name: "C".to_owned() })
    }

    fn variant() -> CatalogObject {
        let stock = VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: 3 };
        let attributes = VariantAttributes { shown: shown(), price: 5.into(), stock };
        let (sku, item) = ("a/1".to_owned(), "$custom:::$default:::p".to_owned());
        CatalogObject::Variant(CatalogVariant { key: key(), sku, item, attributes })
    }

    fn conflict() -> Verdict {
        Verdict::Conflict { duplicate: None }
    }

    /// The attempts made while each one gets its worst verdict.
    fn tried(object: CatalogObject) -> Vec<&'static str> {
        let mut write = CatalogWrite::put(object, true);
        let mut methods = vec![write.method()];
        while let Some(next) =
            [Verdict::Missing, conflict()].iter().find_map(|verdict| write.way_out(verdict))
        {
            methods.push(next.method());
            write = next;
        }
        methods
    }

    #[test]
    fn writing_an_object_has_a_way_out_that_ends() {
        assert_eq!(tried(category()), ["PATCH", "POST", "PATCH"]);
        assert_eq!(tried(variant()), ["PATCH", "POST", "DELETE", "POST", "PATCH"]);
        let create = CatalogWrite::put(variant(), false);
        assert_eq!(create.method(), "POST");
        assert_eq!(create.way_out(&Verdict::Accepted), None);
        let refused = Verdict::Refused(crate::klaviyo::verdict::Refusal::default());
        assert_eq!(create.way_out(&refused), None);
    }

    #[test]
    fn what_is_gone_already_needs_no_deletion() {
        let delete = CatalogWrite::Delete { kind: CatalogKind::Item, id: "x".to_owned() };
        assert_eq!(delete.settled(Verdict::Missing), Verdict::Accepted);
        let hide = CatalogWrite::Hide { variant: "x".to_owned() };
        assert_eq!(hide.settled(Verdict::Missing), Verdict::Accepted);
        let put = CatalogWrite::put(category(), true);
        assert!(matches!(put.settled(Verdict::Missing), Verdict::Later(_)));
        assert_eq!(put.settled(conflict()), conflict());
    }

    #[test]
    fn what_is_written_in_part_leaves_the_rest_as_it_is() {
        let stock = VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: 3 };
        let variant = || "x".to_owned();
        for (write, expected) in [
            (
                CatalogWrite::SetStock { variant: variant(), stock },
                json!({"inventory_policy": 1, "inventory_quantity": 3}),
            ),
            (CatalogWrite::Hide { variant: variant() }, json!({"published": false})),
        ] {
            let body: Value = serde_json::from_str(&write.body().expect("a body")).expect("JSON");
            assert_eq!(body["data"]["attributes"], expected);
            assert_eq!((write.method(), write.kind()), ("PATCH", CatalogKind::Variant));
            let (_, row) = write.row();
            assert_eq!(serde_json::from_str::<Value>(&row.json).expect("JSON"), body["data"]);
        }
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        let write = CatalogWrite::put(category(), true);
        assert_eq!(
            write.path(),
            "/api/catalog-categories/%24custom%3A%3A%3A%24default%3A%3A%3Aa%2F1"
        );
        assert_eq!(CatalogWrite::put(variant(), false).path(), "/api/catalog-variants");
    }

    #[test]
    fn only_what_creates_an_object_says_where_it_belongs() {
        let body = |object, known| -> Value {
            let body = CatalogWrite::put(object, known).body().expect("a body");
            serde_json::from_str(&body).expect("JSON")
        };
        let created = body(variant(), false);
        let attributes = &created["data"]["attributes"];
        assert_eq!(attributes["external_id"], "a/1");
        assert_eq!(attributes["sku"], "a/1");
        assert_eq!(attributes["inventory_policy"], 1);
        let item = &created["data"]["relationships"]["item"]["data"];
        assert_eq!(*item, json!({"type": "catalog-item", "id": "$custom:::$default:::p"}));
        let updated = body(variant(), true);
        assert_eq!(updated["data"]["id"], "$custom:::$default:::a/1");
        assert_eq!(updated["data"].get("relationships"), None);
        assert_eq!(updated["data"]["attributes"].get("external_id"), None);

        let attributes = ItemAttributes { shown: shown(), price: None };
        let item =
            CatalogObject::Item(CatalogItem { key: key(), attributes, categories: Vec::new() });
        let updated = body(item, true);
        assert_eq!(updated["data"]["relationships"]["categories"]["data"], json!([]));
        assert_eq!(updated["data"]["attributes"]["image_full_url"], Value::Null);
    }
}
