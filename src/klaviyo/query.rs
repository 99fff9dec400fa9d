//! The lookups at Klaviyo, as values; the edge only sends them.

use super::catalog::CatalogKind;
use super::job::{JobRef, JobType};
use super::pacing::Operation;
use crate::http::{encode, encode_filter};

/// The maximum size of a page.
const PAGE: usize = 100;

/// Bytes of the ids of one [`KlaviyoLookup::Existing`]: SKUs can be long, and an address may have 8 kB. An id of a UUID
/// takes 64 with quotes and comma, so that a page of them fits.
const ID_BYTES_PER_QUERY: usize = 6_500;

/// One thing to look up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KlaviyoLookup {
    /// A page of the variants of an item.
    VariantsOfItem {
        /// Klaviyo's id of the item.
        item: String,
        /// The cursor of the page; none for the first.
        cursor: Option<String>,
    },
    /// The categories of an item; only the first 100, which suffice to recognise them.
    CategoriesOfItem {
        /// Klaviyo's id of the item.
        item: String,
    },
    /// The name of a category.
    CategoryName {
        /// Klaviyo's id of the category.
        category: String,
    },
    /// The profiles with a customer's id; Klaviyo keeps it unique, so one or none.
    ProfilesOfCustomer {
        /// The commercetools id of the customer.
        customer: String,
    },
    /// The profiles with an e-mail address; Klaviyo keeps it unique, so one or none.
    ProfilesOfEmail {
        /// The address, which no log and no error may show.
        email: String,
    },
    /// Which of these objects exist; see [`existing`].
    Existing {
        /// Their kind.
        kind: CatalogKind,
        /// Klaviyo's ids.
        ids: Vec<String>,
    },
    /// A page of all objects of a kind.
    All {
        /// Their kind.
        kind: CatalogKind,
        /// Whether to read their custom metadata, to know their origin.
        metadata: bool,
        /// The cursor of the page; none for the first.
        cursor: Option<String>,
    },
    /// How far a job is.
    Job(JobRef),
    /// A page of the errors of a profile job.
    ImportErrors {
        /// Klaviyo's id of the job.
        job: String,
        /// The cursor of the page; none for the first.
        cursor: Option<String>,
    },
}

/// The lookups that tell which of these objects exist, each with an address of limited length.
#[must_use]
pub fn existing(kind: CatalogKind, ids: &[String]) -> Vec<KlaviyoLookup> {
    in_pieces(ids).into_iter().map(|ids| KlaviyoLookup::Existing { kind, ids }).collect()
}

/// Ids in pieces that each fit one address and one page.
#[must_use]
pub fn in_pieces(ids: &[String]) -> Vec<Vec<String>> {
    let mut pieces = Vec::new();
    let mut rest = ids;
    while !rest.is_empty() {
        let (piece, others) = rest.split_at(first_piece(rest.iter().map(String::as_str)));
        pieces.push(piece.to_vec());
        rest = others;
    }
    pieces
}

/// How many of these ids, from the first on, an address can name and a page can answer: at least one if there is any.
#[must_use]
pub fn first_piece<'a>(ids: impl Iterator<Item = &'a str>) -> usize {
    let mut bytes = 0;
    let fits = ids.take(PAGE).enumerate().take_while(|(index, id)| {
        bytes += encode_filter(&quote(id)).len() + 1;
        *index == 0 || bytes <= ID_BYTES_PER_QUERY
    });
    fits.count()
}

impl KlaviyoLookup {
    /// The operation, as Klaviyo counts its rate limits.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::VariantsOfItem { .. } => Operation::VariantsOfItem,
            Self::CategoriesOfItem { .. } => Operation::CategoriesOfItem,
            Self::CategoryName { .. } => Operation::CategoryName,
            Self::ProfilesOfCustomer { .. } | Self::ProfilesOfEmail { .. } => {
                Operation::ListProfiles
            }
            Self::Existing { kind, .. } | Self::All { kind, .. } => Operation::ListCatalog(*kind),
            Self::Job(job) => Operation::JobStatus(job.of),
            Self::ImportErrors { .. } => Operation::ImportErrors,
        }
    }

    /// The path and query below Klaviyo's address, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self {
            Self::VariantsOfItem { item, cursor } => {
                let path = format!("/api/catalog-items/{}/variants", encode(item));
                format!("{path}?{}&{}", only_ids(CatalogKind::Variant), page(cursor.as_deref()))
            }
            Self::CategoriesOfItem { item } => {
                format!("/api/catalog-items/{}/relationships/categories", encode(item))
            }
            Self::CategoryName { category } => format!(
                "/api/catalog-categories/{}?{}=name",
                encode(category),
                encode("fields[catalog-category]"),
            ),
            Self::ProfilesOfCustomer { customer } => format!(
                "/api/profiles?filter={}&{}=external_id%2Ccreated",
                encode(&format!("equals(external_id,{})", quote(customer))),
                encode("fields[profile]"),
            ),
            Self::ProfilesOfEmail { email } => format!(
                "/api/profiles?filter={}&{}=external_id%2Cfirst_name%2Clast_name",
                encode(&format!("equals(email,{})", quote(email))),
                encode("fields[profile]"),
            ),
            Self::Existing { kind, ids } => {
                let filter = filter_of(ids);
                format!("{}?filter={filter}&{}&{}", kind.path(), only_ids(*kind), page(None))
            }
            Self::All { kind, metadata, cursor } => {
                let more = if *metadata { "%2Ccustom_metadata" } else { "" };
                format!("{}?{}{more}&{}", kind.path(), only_ids(*kind), page(cursor.as_deref()))
            }
            Self::Job(JobRef { of, id }) => format!("{}/{}", of.path(), encode(id)),
            Self::ImportErrors { job, cursor } => {
                let path = JobType::Profiles.path();
                format!("{path}/{}/import-errors?{}", encode(job), page(cursor.as_deref()))
            }
        }
    }
}

/// Leaves the unneeded attributes out of the objects.
fn only_ids(kind: CatalogKind) -> String {
    only(kind.name(), "external_id")
}

/// Asks only for these attributes of a type of resource.
pub(super) fn only(of_type: &str, fields: &str) -> String {
    format!("{}={}", encode(&format!("fields[{of_type}]")), encode(fields))
}

fn page(cursor: Option<&str>) -> String {
    let after = cursor.map(|cursor| format!("&{}={}", encode("page[cursor]"), encode(cursor)));
    format!("{}={PAGE}{}", encode("page[size]"), after.unwrap_or_default())
}

/// The filter, encoded, that leaves the objects of these ids.
pub(super) fn filter_of(ids: &[String]) -> String {
    let quoted: Vec<_> = ids.iter().map(|id| quote(id)).collect();
    encode_filter(&format!("any(ids,[{}])", quoted.join(",")))
}

/// A string of the filter language: in double quotes, with `\` before `"` and `\`.
pub(super) fn quote(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_its_place() {
        let item = "$custom:::$default:::../x?".to_owned();
        let page = |cursor: Option<&str>| {
            let cursor = cursor.map(ToOwned::to_owned);
            KlaviyoLookup::VariantsOfItem { item: item.clone(), cursor }.path_and_query()
        };
        let first = "/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3A..%2Fx%3F/variants\
            ?fields%5Bcatalog-variant%5D=external_id&page%5Bsize%5D=100";
        assert_eq!(page(None), first);
        assert_eq!(page(Some("a=&b")), format!("{first}&page%5Bcursor%5D=a%3D%26b"));
        let customer = r#"c"),equals(email,"a\"#.to_owned();
        assert_eq!(
            KlaviyoLookup::ProfilesOfCustomer { customer }.path_and_query(),
            "/api/profiles?filter=equals%28external_id%2C%22c%5C%22%29%2Cequals%28email%2C\
            %5C%22a%5C%5C%22%29&fields%5Bprofile%5D=external_id%2Ccreated"
        );
    }

    #[test]
    fn objects_are_looked_up_in_pieces_that_fit_an_address() {
        let id = |n: usize| format!("$custom:::$default:::0f3a2c1e-9b7d-4e5f-8a6b-{n:012}");
        let ids: Vec<_> = (0..120).map(id).collect();
        let lookups = existing(CatalogKind::Item, &ids);
        let count = |lookup: &KlaviyoLookup| match lookup {
            KlaviyoLookup::Existing { ids, .. } => ids.len(),
            _ => 0,
        };
        assert_eq!(lookups.iter().map(count).collect::<Vec<_>>(), [100, 20]);
        let long: Vec<_> = (0..20).map(|n| format!("{n}{}", "\u{e4}".repeat(250))).collect();
        for lookup in lookups.iter().chain(&existing(CatalogKind::Variant, &long)) {
            let address = lookup.path_and_query();
            assert!(address.len() < 8_000, "{} bytes", address.len());
        }
        assert_eq!(existing(CatalogKind::Item, &[]), []);
        let odd = existing(CatalogKind::Category, &["a\"b".to_owned()]);
        assert_eq!(
            odd[0].path_and_query(),
            "/api/catalog-categories?filter=any%28ids,%5B%22a%5C%22b%22%5D%29\
                &fields%5Bcatalog-category%5D=external_id&page%5Bsize%5D=100"
        );
    }

    #[test]
    fn jobs_are_found_again() {
        let job = JobRef { of: JobType::Profiles, id: "V0/x".to_owned() };
        let path = "/api/profile-bulk-import-jobs/V0%2Fx";
        assert_eq!(KlaviyoLookup::Job(job).path_and_query(), path);
        let errors = KlaviyoLookup::ImportErrors { job: "V0/x".to_owned(), cursor: None };
        assert_eq!(errors.path_and_query(), format!("{path}/import-errors?page%5Bsize%5D=100"));
    }
}
