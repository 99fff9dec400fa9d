//! Categories and their names. Klaviyo has no tree, so a name is the whole path.

use super::identity;
use crate::commercetools::category::{Category, CategoryDocument};
use crate::commercetools::locale::Locale;
use crate::commercetools::product::Product;
use crate::commercetools::reference::{Id, Reference};
use crate::klaviyo::catalog;

/// The separator between the names of a path, as in the plugin.
const SEPARATOR: &str = " > ";

/// The paths of all categories of the products and of their ancestors, each once: `Women`, `Women > Pants`. A category
/// that is gone or not visible is left out.
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

/// A category with its path.
#[must_use]
pub fn category(document: &CategoryDocument, locale: &Locale) -> catalog::CatalogCategory {
    named(&document.id, names(&document.category, locale))
}

/// Whether a category that Klaviyo has by this name is now below another one. A name that contains
/// the separator itself can look like a move, which costs work and does no harm.
#[must_use]
pub fn moved(known: &str, category: &catalog::CatalogCategory) -> bool {
    let above = |path: &'_ str| path.rsplit_once(SEPARATOR).map(|(above, _)| above.to_owned());
    above(known) != above(&category.name)
}

/// The categories of a product, then their ancestors, each once. A category that is gone or not
/// visible is left out.
#[must_use]
pub fn of_product(product: &Product, locale: &Locale) -> Vec<catalog::CatalogCategory> {
    let own: Vec<_> = present(&product.master_data.current.categories).collect();
    let above = own.iter().flat_map(|(_, category)| {
        let ancestors: Vec<_> = present(&category.ancestors).collect();
        let depths = 0..ancestors.len();
        depths.map(move |depth| {
            let path = ancestors[..=depth].iter().filter_map(|(_, one)| one.name.text(locale));
            named(ancestors[depth].0, path)
        })
    });
    let mut all: Vec<catalog::CatalogCategory> = Vec::new();
    for category in own.iter().map(|(id, own)| named(id, names(own, locale))).chain(above) {
        if !all.iter().any(|known| known.key == category.key) {
            all.push(category);
        }
    }
    all
}

fn present(references: &[Reference<Category>]) -> impl Iterator<Item = (&Id, &Category)> {
    references.iter().filter_map(|reference| Some((&reference.id, reference.obj.as_deref()?)))
}

/// A category without any text gets its id as its name, since Klaviyo requires a name.
fn named<'a>(id: &Id, names: impl Iterator<Item = &'a str>) -> catalog::CatalogCategory {
    let path = names.collect::<Vec<_>>().join(SEPARATOR);
    let name = if path.is_empty() { id.to_string() } else { path };
    catalog::CatalogCategory { key: identity::category(id), name }
}

/// The names from the root to the category itself.
fn names<'a>(category: &'a Category, locale: &'a Locale) -> impl Iterator<Item = &'a str> {
    let ancestors = category.ancestors.iter().filter_map(|reference| reference.obj.as_deref());
    ancestors.chain([category]).filter_map(|category| category.name.text(locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_told_from_a_new_name() {
        let id = Id::new("c").expect("an id");
        for (known, now, expected) in [
            ("Women > Pants", "Women > Pants", false),
            ("Women > Pants", "Women > Trousers", false),
            ("Pants", "Trousers", false),
            ("Women > Pants", "Men > Pants", true),
            ("Women > Pants", "Pants", true),
            ("Pants", "Women > Pants", true),
            ("A > B > C", "A > C", true),
        ] {
            let category = named(&id, [now].into_iter());
            assert_eq!(moved(known, &category), expected, "{known} {now}");
        }
    }
}
