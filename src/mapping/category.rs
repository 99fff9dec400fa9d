//! Names of categories. Klaviyo knows no tree, so a name is the whole path.

use crate::commercetools::category::Category;
use crate::commercetools::locale::Locale;
use crate::commercetools::product::Product;

/// Between the names of a path, as in the plugin.
const SEPARATOR: &str = " > ";

/// The paths of all categories that the products stand in and of those above them, each once:
/// `Women`, `Women > Pants`. A category that is gone or may not be seen is left out.
#[must_use]
pub fn paths<'a>(products: impl IntoIterator<Item = &'a Product>, locale: &Locale) -> Vec<String> {
    let mut paths = Vec::new();
    let categories =
        products.into_iter().flat_map(|product| &product.master_data.current.categories);
    for category in categories.filter_map(|reference| reference.obj.as_deref()) {
        let mut path = String::new();
        for name in names(category, locale) {
            if !path.is_empty() {
                path.push_str(SEPARATOR);
            }
            path.push_str(name);
            if !paths.contains(&path) {
                paths.push(path.clone());
            }
        }
    }
    paths
}

/// The names from the root to the category itself.
fn names<'a>(category: &'a Category, locale: &'a Locale) -> impl Iterator<Item = &'a str> {
    let ancestors = category.ancestors.iter().filter_map(|reference| reference.obj.as_deref());
    ancestors.chain([category]).filter_map(|category| category.name.text(locale))
}
