//! Bulk jobs: many rows in one request, which Klaviyo carries out later.
//!
//! A row is kept as the text to send, since its bytes count, and with a digest of what it writes:
//! the same content has the same digest, whether the row creates or updates its object. Not in
//! scope: the result of a job (`job_answer`), and who waits for it.
//!
//! Source of the limits: the operations of the official specification, revision
//! [`super::REVISION`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalog::{CatalogAction, CatalogKind};
use super::json_api::{resource, text, with_rows};
use super::profile::Profile;
use super::verdict::ExpectedSuccess;

/// Profiles in one `profile-bulk-import-job`.
pub const PROFILES_PER_JOB: usize = 10_000;

/// Rows in one job of the catalogue.
pub const CATALOG_ROWS_PER_JOB: usize = 100;

/// Jobs that may be open at once. Klaviyo allows at most 500 in progress; others may use the account.
pub const OPEN_JOBS: usize = 400;

/// The types of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// Create or update profiles by their identifiers. It cannot clear fields.
    Profiles,
    /// Write objects of the catalogue.
    Catalog(CatalogKind, CatalogAction),
}

impl JobType {
    /// The most rows of one job.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Profiles => PROFILES_PER_JOB,
            Self::Catalog(..) => CATALOG_ROWS_PER_JOB,
        }
    }

    /// The JSON:API type.
    fn name(self) -> String {
        match self {
            Self::Profiles => "profile-bulk-import-job".to_owned(),
            Self::Catalog(kind, action) => {
                format!("{}-bulk-{}-job", kind.name(), action.name())
            }
        }
    }

    /// The member of the body with the rows.
    fn rows(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Catalog(kind, _) => kind.plural(),
        }
    }

    /// What Klaviyo answers if it accepts a job.
    #[must_use]
    pub fn success(self) -> ExpectedSuccess {
        ExpectedSuccess::Resource(self.name().into())
    }

    /// The path of the jobs.
    #[must_use]
    pub fn path(self) -> String {
        format!("/api/{}s", self.name())
    }

    /// The body of a job with these rows, as JSON text.
    #[must_use]
    pub fn body(self, rows: &[&str]) -> String {
        let (name, list) = (self.name(), self.rows());
        let before = format!(r#"{{"data":{{"type":"{name}","attributes":{{"{list}":{{"data":["#);
        with_rows(&before, rows, "]}}}}")
    }
}

/// What a row or an event writes, to recognise it: SHA-256 in hexadecimal digits.
pub type RowDigest = String;

/// A row of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkJobRow {
    /// The resource as JSON text.
    pub json: String,
    /// What it writes.
    pub digest: RowDigest,
    /// The external id of a profile, by which Klaviyo may name the row.
    pub external_id: Option<String>,
    /// Digests of the names that must not occur twice in a job; see
    /// [`super::request::WriteRequest::names`].
    pub names: Vec<u64>,
}

impl BulkJobRow {
    /// A row with a profile, which must not clear anything.
    #[must_use]
    pub fn profile(profile: &Profile) -> Self {
        let json = text(&resource("profile", profile));
        let external_id = profile.external_id.clone();
        Self { digest: digest("profile", &json), json, external_id, names: Vec::new() }
    }

    pub(super) fn new(json: String, content: &str) -> Self {
        Self { digest: digest("catalog", content), json, external_id: None, names: Vec::new() }
    }

    /// The bytes it takes in a body.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len() + 1
    }
}

pub(super) fn digest(what: &str, content: &str) -> RowDigest {
    format!("{:x}", Sha256::new().chain_update(what).chain_update(content).finalize())
}

/// After this time a job is given up: its rows are tried alone.
pub const GIVEN_UP_AFTER: Duration = Duration::from_hours(3);

/// A job that Klaviyo accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobRef {
    /// Its type.
    pub of: JobType,
    /// Klaviyo's id.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::{
        CatalogCategory, CatalogItem, CatalogKey, CatalogObject, CatalogVariant, ItemAttributes,
        ShownAttributes, StockPolicy, VariantAttributes, VariantStock,
    };
    use crate::klaviyo::catalog_write::CatalogWrite;
    use crate::klaviyo::field_patch::FieldPatch;
    use crate::klaviyo::request::WriteRequest;
    use serde_json::{Map, Value, json};

    const ID: &str = "$custom:::$default:::a";

    fn key() -> CatalogKey {
        CatalogKey { id: ID.to_owned(), external_id: "a".to_owned() }
    }

    fn shown() -> ShownAttributes {
        ShownAttributes {
            title: "T".to_owned(),
            description: "D".to_owned(),
            url: "/t".to_owned(),
            image_full_url: None,
            images: Vec::new(),
            custom_metadata: Map::new(),
            published: true,
        }
    }

    fn stock() -> VariantStock {
        VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: 3 }
    }

    fn variant() -> CatalogObject {
        let attributes = VariantAttributes { shown: shown(), price: 5.into(), stock: stock() };
        CatalogObject::Variant(CatalogVariant {
            key: key(),
            sku: "a".to_owned(),
            item: "i".to_owned(),
            attributes,
        })
    }

    fn item() -> CatalogObject {
        let attributes = ItemAttributes { shown: shown(), price: None };
        CatalogObject::Item(CatalogItem {
            key: key(),
            attributes,
            categories: vec!["c".to_owned()],
        })
    }

    fn job_of(request: &WriteRequest) -> (JobType, Value) {
        let (of, row) = request.row().expect("a row");
        let body = of.body(&[&row.json]);
        (of, serde_json::from_str(&body).expect("JSON"))
    }

    #[test]
    fn each_write_of_the_catalogue_has_its_job() {
        let delete = |kind| CatalogWrite::Delete { kind, id: ID.to_owned() };
        let category =
            CatalogObject::Category(CatalogCategory { key: key(), name: "C".to_owned() });
        for (write, name, rows) in [
            (CatalogWrite::put(item(), false), "catalog-item-bulk-create-job", "items"),
            (CatalogWrite::put(item(), true), "catalog-item-bulk-update-job", "items"),
            (CatalogWrite::put(variant(), false), "catalog-variant-bulk-create-job", "variants"),
            (CatalogWrite::put(variant(), true), "catalog-variant-bulk-update-job", "variants"),
            (CatalogWrite::put(category, true), "catalog-category-bulk-update-job", "categories"),
            (delete(CatalogKind::Variant), "catalog-variant-bulk-delete-job", "variants"),
        ] {
            let single = write.body().unwrap_or_else(|| "null".to_owned());
            let single: Value = serde_json::from_str(&single).expect("JSON");
            let (of, body) = job_of(&WriteRequest::Catalog(write));
            assert_eq!(body["data"]["type"], name);
            assert_eq!(of.path(), format!("/api/{name}s"));
            let row = &body["data"]["attributes"][rows]["data"][0];
            // A row has the same content as a single request.
            let expected = single.get("data").cloned();
            let deletion = json!({"type": "catalog-variant", "id": ID});
            assert_eq!(*row, expected.unwrap_or(deletion), "{name}");
        }
        let write = CatalogWrite::SetStock { variant: ID.to_owned(), stock: stock() };
        let (of, body) = job_of(&WriteRequest::Catalog(write));
        assert_eq!(of, JobType::Catalog(CatalogKind::Variant, CatalogAction::Update));
        let attributes = json!({"inventory_policy": 1, "inventory_quantity": 3});
        let row = json!({"type": "catalog-variant", "id": ID, "attributes": attributes});
        assert_eq!(body["data"]["attributes"]["variants"]["data"], json!([row]));
    }

    #[test]
    fn profiles_go_together_unless_they_clear_something() {
        let mut profile = Profile { email: Some("a@example.com".to_owned()), ..Profile::default() };
        let request = |profile: &Profile| WriteRequest::ImportProfile(Box::new(profile.clone()));
        let (of, body) = job_of(&request(&profile));
        assert_eq!(of, JobType::Profiles);
        let row = json!({"type": "profile", "attributes": {"email": "a@example.com"}});
        let attributes = json!({"profiles": {"data": [row]}});
        let expected = json!({"type": "profile-bulk-import-job", "attributes": attributes});
        assert_eq!(body, json!({ "data": expected }));
        profile.title = FieldPatch::Clear;
        assert_eq!(request(&profile).row(), None);
    }

    #[test]
    fn a_digest_is_of_the_content_however_it_is_written() {
        let digest = |object: &CatalogObject, known| {
            let request = WriteRequest::Catalog(CatalogWrite::put(object.clone(), known));
            request.row().map(|(_, row)| row.digest)
        };
        assert_eq!(digest(&variant(), true), digest(&variant(), false));
        let CatalogObject::Variant(mut other) = variant() else { panic!("a variant") };
        other.attributes.stock.inventory_quantity = 4;
        assert_ne!(digest(&CatalogObject::Variant(other), true), digest(&variant(), true));
        assert_ne!(digest(&item(), true), digest(&variant(), true));
        assert_eq!(digest(&item(), true).map(|digest| digest.len()), Some(64));
    }

    #[test]
    fn a_reference_survives_being_stored() {
        let of = JobType::Catalog(CatalogKind::Item, CatalogAction::Create);
        let job = JobRef { of, id: "01".to_owned() };
        let stored = serde_json::to_string(&job).expect("JSON");
        assert_eq!(serde_json::from_str::<JobRef>(&stored).expect("a reference"), job);
    }
}
