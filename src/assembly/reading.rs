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
    /// Whether Klaviyo has this category once it was written. Only what is brought as history asks
    /// so; who must not write takes it as written.
    Category(Box<CatalogWrite>),
}

impl UnitReading {
    /// Whose answer it is.
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

/// What is known of one document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum KnownDocument<T> {
    /// It was not asked for yet.
    #[default]
    Unasked,
    /// It does not exist any more.
    Gone,
    /// Here it is.
    There(T),
}

impl<T> KnownDocument<T> {
    /// The document, where nothing can be done without it; else what comes next: reading it and what
    /// goes with it, or nothing if it is gone.
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
    /// The list, empty where there is none.
    pub(super) fn list(&self) -> &[T] {
        match self {
            Self::There(list) => list,
            Self::Unasked | Self::Gone => &[],
        }
    }
}

impl KnownDocument<Vec<String>> {
    /// Adds a page; of what is not there, there is none.
    pub(super) fn add_page(&mut self, page: Option<IdPage>) {
        match (page, self) {
            (None, list) => *list = Self::Gone,
            (Some(page), Self::There(ids)) => ids.extend(page.ids),
            (Some(page), list) => *list = Self::There(page.ids),
        }
    }

    /// Adds an id to what there is, which there is from now on.
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
