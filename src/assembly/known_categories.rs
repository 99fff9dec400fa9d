//! The categories that Klaviyo has, as far as a delivery knows: for a product, those that its item may name.

use super::reading::KnownDocument;
use crate::commercetools::reference::Id;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::klaviyo::answer::IdPage;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::klaviyo::verdict::{Verdict, judge};
use crate::mapping::identity;

/// The categories that a delivery knows about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownCategories {
    /// Klaviyo's ids of the existing categories, as far as the delivery asked: those of the item at Klaviyo, or those
    /// of the product that exist.
    pub held: KnownDocument<Vec<String>>,
    /// Categories that the delivery tried to create, by Klaviyo's ids.
    tried: Vec<(String, TriedCreation)>,
    /// Whether the categories of the item at Klaviyo prove nothing: Klaviyo refused the item with them.
    pub are_distrusted: bool,
}

/// The result of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TriedCreation {
    /// Klaviyo refused it.
    Refused,
    /// It exists at Klaviyo, and may have been deleted in commercetools before.
    Created,
    /// It exists at Klaviyo, and is gone in commercetools.
    Gone,
}

impl KnownCategories {
    /// Klaviyo has this one.
    pub fn hold(&mut self, id: &str) {
        self.held.add_id(Some(id));
    }

    pub(super) fn hold_page(&mut self, page: Option<IdPage>) {
        self.held.add_page(page);
    }

    /// Klaviyo's ids of the refused ones.
    pub(super) fn refused(&self) -> impl Iterator<Item = &str> {
        self.with(TriedCreation::Refused)
    }

    /// Klaviyo's ids of the created ones that are gone in commercetools.
    pub(super) fn gone(&self) -> impl Iterator<Item = &str> {
        self.with(TriedCreation::Gone)
    }

    /// The created ones that may have been deleted meanwhile.
    pub(super) fn unseen(&self) -> impl Iterator<Item = Id> {
        self.with(TriedCreation::Created).filter_map(|id| Id::new(identity::external(id)))
    }

    fn with(&self, end: TriedCreation) -> impl Iterator<Item = &str> {
        let tried = self.tried.iter().filter(move |(_, other)| *other == end);
        tried.map(|(id, _)| id.as_str())
    }

    /// Takes the answer to a creation. An existing category stays as it is: its own document brings its name, not the
    /// data read with a product.
    pub(super) fn add_creation(
        &mut self,
        write: &CatalogWrite,
        answer: &HttpAnswer,
    ) -> Result<(), ReadFault> {
        let request = WriteRequest::Catalog(write.clone());
        let id = write.id().to_owned();
        match judge(&request.success(), &Ok(answer.clone())) {
            Verdict::Later(setback) => return Err(setback.into()),
            Verdict::Accepted => {
                self.hold(&id);
                self.tried.push((id, TriedCreation::Created));
            }
            Verdict::Conflict { .. } => self.hold(&id),
            Verdict::Refused(_) | Verdict::Missing | Verdict::NotHeld => {
                self.tried.push((id, TriedCreation::Refused));
            }
        }
        Ok(())
    }

    /// Takes whether a category is gone in commercetools. True if the delivery created it.
    pub(super) fn saw(&mut self, category: &Id, is_gone: bool) -> bool {
        let id = identity::category(category).id;
        let created =
            |(other, end): &(String, TriedCreation)| *other == id && *end == TriedCreation::Created;
        let Some(at) = self.tried.iter().position(created) else { return false };
        let (id, _) = self.tried.swap_remove(at);
        self.tried.extend(is_gone.then_some((id, TriedCreation::Gone)));
        true
    }

    /// Klaviyo refused an item, which may have named a category that Klaviyo no longer has. True if it named any, and
    /// this is the first time.
    pub(super) fn distrust(&mut self) -> bool {
        let names_any = !self.held.list().is_empty();
        if self.are_distrusted || !names_any {
            return false;
        }
        self.are_distrusted = true;
        self.held = KnownDocument::Unasked;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::{CatalogCategory, CatalogObject};
    use serde_json::{Value, json};

    fn id(id: &str) -> Id {
        Id::new(id).expect("an id")
    }

    fn created(known: &mut KnownCategories, name: &str, status: u16, body: &Value) {
        let category = CatalogCategory { key: identity::category(&id(name)), name: "N".to_owned() };
        let write = CatalogWrite::put(CatalogObject::Category(category), false);
        let answer = HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() };
        known.add_creation(&write, &answer).expect("an answer");
    }

    #[test]
    fn what_was_created_is_looked_for_in_commercetools_and_goes_again_if_it_is_gone() {
        let mut known = KnownCategories::default();
        created(&mut known, "new", 201, &json!({"data": {"type": "catalog-category"}}));
        created(&mut known, "gone", 201, &json!({"data": {"type": "catalog-category"}}));
        created(&mut known, "there", 409, &json!({"errors": []}));
        created(&mut known, "bad", 400, &json!({"errors": []}));
        assert_eq!(known.held.list().len(), 3);
        assert_eq!(known.refused().count(), 1);
        assert_eq!(known.unseen().collect::<Vec<_>>(), [id("new"), id("gone")]);
        assert!(known.saw(&id("gone"), true) && known.saw(&id("new"), false));
        assert!(!known.saw(&id("there"), true), "it was not created here");
        assert_eq!(known.unseen().count(), 0);
        assert_eq!(known.gone().collect::<Vec<_>>(), [identity::category(&id("gone")).id]);
    }

    #[test]
    fn an_item_that_is_refused_is_tried_once_more_if_it_named_any() {
        let mut known = KnownCategories::default();
        assert!(!known.distrust(), "it named none");
        known.hold("c");
        assert!(known.distrust());
        assert_eq!(known.held, KnownDocument::Unasked);
        known.hold("c");
        assert!(!known.distrust(), "once");
    }
}
