//! What is read for one unit.

use super::DeliveryStep;
use crate::commercetools::query::DocumentQuery;
use crate::fault::System;
use crate::klaviyo::answer::IdPage;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::KlaviyoLookup;
use crate::push::plan::IgnoreReason;

/// One thing to read.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitReading {
    /// From commercetools.
    Commercetools(DocumentQuery),
    /// From Klaviyo.
    Klaviyo(KlaviyoLookup),
    /// Whether Klaviyo has this category after an attempt to write it. Only work as history asks
    /// this; a preview, which must not write, treats it as written.
    Category(Box<CatalogWrite>),
}

impl UnitReading {
    /// The system that answers.
    pub(super) fn system(&self) -> System {
        match self {
            Self::Commercetools(_) => System::Commercetools,
            Self::Klaviyo(_) | Self::Category(_) => System::Klaviyo,
        }
    }
}

impl From<DocumentQuery> for UnitReading {
    fn from(query: DocumentQuery) -> Self {
        Self::Commercetools(query)
    }
}

impl From<KlaviyoLookup> for UnitReading {
    fn from(lookup: KlaviyoLookup) -> Self {
        Self::Klaviyo(lookup)
    }
}

/// The known state of one document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum KnownDocument<T> {
    /// No one asked for it yet.
    #[default]
    Unasked,
    /// It does not exist any more.
    Gone,
    /// It exists.
    There(T),
}

impl<T> KnownDocument<T> {
    /// The document, if nothing can be done without it; otherwise the next step: read it and its
    /// related documents, or stop if it is gone.
    pub(super) fn or_read(
        &self,
        queries: impl IntoIterator<Item = DocumentQuery>,
    ) -> Result<&T, DeliveryStep> {
        match self {
            Self::There(document) => Ok(document),
            Self::Gone => Err(DeliveryStep::ignore(IgnoreReason::Gone)),
            Self::Unasked => Err(DeliveryStep::read(queries)),
        }
    }
}

impl<T> KnownDocument<Vec<T>> {
    /// The list, empty if there is none.
    pub(super) fn list(&self) -> &[T] {
        match self {
            Self::There(list) => list,
            Self::Unasked | Self::Gone => &[],
        }
    }
}

impl KnownDocument<Vec<String>> {
    /// Adds a page; none means that the object does not exist.
    pub(super) fn add_page(&mut self, page: Option<IdPage>) {
        match (page, self) {
            (None, list) => *list = Self::Gone,
            (Some(page), Self::There(ids)) => ids.extend(page.ids),
            (Some(page), list) => *list = Self::There(page.ids),
        }
    }

    /// Adds an id, after which the list exists.
    pub(super) fn add_id(&mut self, id: Option<&str>) {
        if !matches!(self, Self::There(_)) {
            *self = Self::There(Vec::new());
        }
        if let (Self::There(ids), Some(id)) = (self, id)
            && !ids.iter().any(|known| known == id)
        {
            ids.push(id.to_owned());
        }
    }
}
