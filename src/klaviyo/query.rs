//! What to read from Klaviyo, as values; the edge only sends them.

use crate::http::encode;

/// A page of ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// The variants of an item.
    VariantsOfItem {
        /// Klaviyo's id of the item.
        item: String,
        /// Where the page begins; none for the first.
        cursor: Option<String>,
    },
    /// The categories of an item; only the first 100, which is enough to know them by.
    CategoriesOfItem {
        /// Klaviyo's id of the item.
        item: String,
    },
    /// The name of a category.
    CategoryName {
        /// Klaviyo's id of the category.
        category: String,
    },
    /// The profiles that have a customer's id; Klaviyo keeps it unique, so one or none.
    ProfilesOfCustomer {
        /// The commercetools id of the customer.
        customer: String,
    },
}

impl Lookup {
    /// The path and query below Klaviyo's address, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match self {
            Self::VariantsOfItem { item, cursor } => {
                let after = cursor
                    .as_ref()
                    .map(|cursor| format!("&{}={}", encode("page[cursor]"), encode(cursor)));
                format!(
                    "/api/catalog-items/{}/variants?{}=external_id&{}=100{}",
                    encode(item),
                    encode("fields[catalog-variant]"),
                    encode("page[size]"),
                    after.unwrap_or_default(),
                )
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
                "/api/profiles?filter={}&{}=external_id",
                encode(&format!("equals(external_id,{})", quote(customer))),
                encode("fields[profile]"),
            ),
        }
    }
}

/// A string of the filter language: in double quotes, with `\` before `"` and `\`.
fn quote(value: &str) -> String {
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
            Lookup::VariantsOfItem { item: item.clone(), cursor }.path_and_query()
        };
        let first = "/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3A..%2Fx%3F/variants\
            ?fields%5Bcatalog-variant%5D=external_id&page%5Bsize%5D=100";
        assert_eq!(page(None), first);
        assert_eq!(page(Some("a=&b")), format!("{first}&page%5Bcursor%5D=a%3D%26b"));
        let customer = r#"c"),equals(email,"a\"#.to_owned();
        assert_eq!(
            Lookup::ProfilesOfCustomer { customer }.path_and_query(),
            "/api/profiles?filter=equals%28external_id%2C%22c%5C%22%29%2Cequals%28email%2C\
            %5C%22a%5C%5C%22%29&fields%5Bprofile%5D=external_id"
        );
    }
}
