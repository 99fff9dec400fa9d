//! Which categories Klaviyo has, as far as a delivery knows: of a product those that its item may name.

use super::reading::KnownDocument;
use crate::commercetools::reference::Id;
use crate::fault::ReadFault;
use crate::http::HttpAnswer;
use crate::klaviyo::answer::IdPage;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::klaviyo::verdict::{Verdict, judge};
use crate::mapping::identity;

/// The categories that a delivery knows of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownCategories {
    /// Klaviyo's ids of those that it has, as far as that was asked for: those that the item has there
    /// already, or those of the product that are there.
    pub held: KnownDocument<Vec<String>>,
    /// Those that were to be created, by Klaviyo's ids.
    tried: Vec<(String, TriedCreation)>,
    /// Whether those that the item has at Klaviyo tell nothing: it was refused with them.
    pub are_distrusted: bool,
}

/// What came of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TriedCreation {
    /// Klaviyo would not have it.
    Refused,
    /// It is there, and may have been deleted in commercetools before.
    Created,
    /// It is there, and gone in commercetools.
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

    /// Klaviyo's ids of those that it would not have.
    pub(super) fn refused(&self) -> impl Iterator<Item = &str> {
        self.with(TriedCreation::Refused)
    }

    /// Klaviyo's ids of those that were created, and are gone in commercetools.
    pub(super) fn gone(&self) -> impl Iterator<Item = &str> {
        self.with(TriedCreation::Gone)
    }

    /// Those that were created, and of which it is not known whether they were deleted meanwhile.
    pub(super) fn unseen(&self) -> impl Iterator<Item = Id> {
        self.with(TriedCreation::Created).filter_map(|id| Id::new(identity::external(id)))
    }

    fn with(&self, end: TriedCreation) -> impl Iterator<Item = &str> {
        let tried = self.tried.iter().filter(move |(_, other)| *other == end);
        tried.map(|(id, _)| id.as_str())
    }

    /// Takes the answer to the creation of one. One that is there already stays as it is: what it is called
    /// is told by its own document, and not by what a product was read with.
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

    /// Takes whether one is gone in commercetools, if it was created here; whether it was.
    pub(super) fn saw(&mut self, category: &Id, is_gone: bool) -> bool {
        let id = identity::category(category).id;
        let created =
            |(other, end): &(String, TriedCreation)| *other == id && *end == TriedCreation::Created;
        let Some(at) = self.tried.iter().position(created) else { return false };
        let (id, _) = self.tried.swap_remove(at);
        self.tried.extend(is_gone.then_some((id, TriedCreation::Gone)));
        true
    }

    /// An item was refused, and may have named one that Klaviyo has no more. Whether it named any, and this
    /// was not so before.
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
