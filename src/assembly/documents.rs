//! The documents that were read for one unit.
//!
//! An import has thousands of these at once, so large members are boxed.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::known_categories::KnownCategories;
use super::reading::{KnownDocument, UnitReading};
use super::stock_documents::StockDocuments;
use super::together::{AnswerPart, PartContent};
use crate::commercetools::answer::{self, LongPage, begun_page, long_page};
use crate::commercetools::category::CategoryDocument;
use crate::commercetools::custom_type::CustomType;
use crate::commercetools::customer::Customer;
use crate::commercetools::inventory::InventoryEntry;
use crate::commercetools::order::{Buyer, DiscountCode, Order};
use crate::commercetools::payment::Payment;
use crate::commercetools::price::StandalonePrice;
use crate::commercetools::product::Product;
use crate::commercetools::product_type::ProductType;
use crate::commercetools::query::{DocumentQuery, PAGE};
use crate::commercetools::reference::{Id, IdReference, id_of};
use crate::commercetools::variant::{CatalogModel, MOST_VARIANTS, VariantDocument, VariantLink};
use crate::commercetools::walk::{IdWalk, WalkedResource};
use crate::fault::{FinalFault, ReadFault, Rejection, Setback};
use crate::http::{HttpAnswer, NoAnswer};
use crate::klaviyo::answer::{HeldProfile, ids, name, profiles};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteContent;
use crate::push::plan::Work;

/// The documents read so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// The customer.
    pub customer: KnownDocument<Box<Customer>>,
    /// The customer of the order.
    pub buyer: KnownDocument<Buyer>,
    /// Whether Klaviyo already knows a guest: by a name, or as a customer.
    pub guest_is_known: Option<bool>,
    /// The names of the custom fields of types, by type id; none for a type that cannot be read.
    pub fields_of_types: BTreeMap<Id, Option<Vec<String>>>,
    /// The order.
    pub order: KnownDocument<Box<Order>>,
    /// The payments of an order in an import; its query expanded them.
    pub payments: Vec<Payment>,
    /// The orders of refunded payments, as far as the unit asked for them.
    pub payment_owners: Vec<(Id, Option<Id>)>,
    /// The payment.
    pub payment: KnownDocument<Box<Payment>>,
    /// The products of the order's lines, except deleted ones.
    pub products: Option<Vec<Rc<Product>>>,
    /// The order's discount codes.
    pub discount_codes: Option<Vec<DiscountCode>>,
    /// The category.
    pub category: KnownDocument<Box<CategoryDocument>>,
    /// The categories below it.
    pub descendants: Option<Vec<CategoryDocument>>,
    /// The product.
    pub product: KnownDocument<Box<Product>>,
    /// The names of the attributes that distinguish variants, by product type; empty for a type that cannot be read.
    pub telling_attributes: BTreeMap<Id, Rc<[String]>>,
    /// Whether a page of variants that are documents of their own was added to the product.
    pub variants_are_added: bool,
    /// Where the project keeps variants, if the unit asked.
    pub catalog_model: Option<CatalogModel>,
    /// The variant, if it is a document of its own.
    pub variant: KnownDocument<Box<VariantLink>>,
    /// The standalone price.
    pub standalone_price: KnownDocument<Box<StandalonePrice>>,
    /// The standalone prices of the product's SKUs.
    pub standalone_prices: Option<Vec<StandalonePrice>>,
    /// The inventory entries of the SKU, or of the product's SKUs.
    pub stock: StockDocuments,
    /// Whether the product is for sale, if the unit asks for nothing else of it.
    pub is_for_sale: Option<bool>,
    /// Whether Klaviyo has the item, if the unit asked before it wrote the variants.
    pub item_is_held: bool,
    /// The ids of the item's variants at Klaviyo; gone if Klaviyo does not know the item.
    pub known_variants: KnownDocument<Vec<String>>,
    /// The SKUs that the product no longer has and other products do.
    pub moved_skus: Option<Vec<String>>,
    /// Which categories Klaviyo has.
    pub categories: KnownCategories,
    /// The customer's profiles at Klaviyo, if the unit asked for them; mostly one.
    pub known_profiles: Option<Vec<HeldProfile>>,
    /// A page of a walk over ids.
    pub walk_page: Option<WalkPage>,
    /// Klaviyo's name of the category.
    pub known_name: KnownDocument<String>,
    /// Whether the notifications that this one leads to are parked.
    pub followed: bool,
    /// The pages after those that were read.
    pub further: Vec<UnitReading>,
}

/// A page of a walk over ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WalkPage {
    /// The ids of the resources to write once more, each once.
    pub ids: Vec<Id>,
    /// The last document of a full page: there may be another page.
    pub goes_on_after: Option<Id>,
}

impl Documents {
    /// Forgets what commercetools said about the resource, so that it is read again by its id: a query may lag behind.
    /// What Klaviyo held stays as it was before the write. Returns the work from now on, if the resource is known more
    /// closely by now.
    pub fn prepare_verification(&mut self, work: &Work) -> Option<Work> {
        match work {
            Work::Profile { .. } => self.customer = KnownDocument::Unasked,
            Work::Category { .. } => {
                self.category = KnownDocument::Unasked;
                self.descendants = None;
            }
            Work::Product(_) | Work::PriceEdge(_) => {
                self.forget_product();
            }
            Work::StandalonePrice { .. } => {
                let KnownDocument::There(product) = self.forget_product() else { return None };
                return Some(Work::Product(product.id));
            }
            Work::Stock { entry, sku, gone } => {
                let read = self.stock.read_by_id(entry).flatten().map(|entry| entry.sku.clone());
                let sku = sku.clone().or(read)?;
                self.stock.forget_written(&sku);
                return Some(Work::Stock { entry: entry.clone(), sku: Some(sku), gone: *gone });
            }
            Work::Erasure(_)
            | Work::BroughtBack { .. }
            | Work::OrderPlaced(_)
            | Work::OrderGivenToCustomer { .. }
            | Work::OrderEdited { .. }
            | Work::Refund { .. }
            | Work::OrderState { .. }
            | Work::IdWalk(_)
            | Work::Variant { .. }
            | Work::CategoryGone(_) => {}
        }
        None
    }

    /// Forgets the product and its related documents, to read them again; returns the product.
    fn forget_product(&mut self) -> KnownDocument<Box<Product>> {
        self.variants_are_added = false;
        self.standalone_prices = None;
        self.stock.forget();
        self.moved_skus = None;
        std::mem::take(&mut self.product)
    }

    /// Klaviyo now holds what was written, and no longer holds what was deleted.
    pub fn learn_written(&mut self, content: &[WriteContent]) {
        for write in content {
            match write {
                WriteContent::Object { kind: CatalogKind::Item, .. } => {
                    self.known_variants.add_id(None);
                }
                WriteContent::Object { kind: CatalogKind::Variant, id, .. } => {
                    self.known_variants.add_id(Some(id));
                }
                WriteContent::Object { kind: CatalogKind::Category, id, .. } => {
                    self.categories.hold(id);
                }
                WriteContent::Deletion { kind: CatalogKind::Item, .. } => {
                    self.known_variants = KnownDocument::Gone;
                }
                WriteContent::Deletion { kind: CatalogKind::Variant, id } => {
                    if let KnownDocument::There(ids) = &mut self.known_variants {
                        ids.retain(|known| known != id);
                    }
                }
                WriteContent::Deletion { kind: CatalogKind::Category, .. }
                | WriteContent::Body(_) => {}
            }
        }
    }

    /// Klaviyo refused an item, which may have named a category that Klaviyo no longer has: the product is read once
    /// more, and Klaviyo is asked for its categories. True if this did not happen before, and the item named any.
    pub fn distrust_categories(&mut self) -> bool {
        let is_tried_again = self.categories.distrust();
        if is_tried_again {
            self.forget_product();
        }
        is_tried_again
    }

    /// Adds an answer.
    ///
    /// # Errors
    /// There is no answer, or one that the work cannot be done with.
    pub fn add(
        &mut self,
        reading: &UnitReading,
        answer: &Result<HttpAnswer, NoAnswer>,
    ) -> Result<(), ReadFault> {
        self.add_answer(reading, answer.as_ref().map_err(|why| *why))
    }

    /// Adds a part of an answer.
    pub(super) fn add_part(&mut self, part: &AnswerPart<'_>) -> Result<(), ReadFault> {
        match &part.content {
            PartContent::Answer(answer) => {
                self.add_answer(&part.reading, answer.as_deref().map_err(|why| *why))
            }
            PartContent::Products(products) => {
                self.add_products(products.iter().cloned());
                Ok(())
            }
        }
    }

    fn add_answer(
        &mut self,
        reading: &UnitReading,
        answer: Result<&HttpAnswer, NoAnswer>,
    ) -> Result<(), ReadFault> {
        let answer = answer.map_err(|why| Setback::no_answer(reading.system(), why))?;
        self.further.retain(|further| further != reading);
        match reading {
            UnitReading::Commercetools(query) => self.add_document(query, answer),
            UnitReading::Klaviyo(lookup) => self.add_held(lookup, answer),
            UnitReading::Category(write) => self.categories.add_creation(write, answer),
        }
    }

    fn add_products(&mut self, more: impl Iterator<Item = Rc<Product>>) {
        let products = self.products.get_or_insert_default();
        products.extend(more);
        sort(products);
    }

    fn add_document(
        &mut self,
        query: &DocumentQuery,
        answer: &HttpAnswer,
    ) -> Result<(), ReadFault> {
        match query {
            DocumentQuery::Customer(_) => {
                self.customer = found::<Customer>(answer)?;
            }
            DocumentQuery::Buyer(_) => {
                self.buyer = match found::<Buyer>(answer)? {
                    KnownDocument::There(buyer) => KnownDocument::There(*buyer),
                    KnownDocument::Gone | KnownDocument::Unasked => KnownDocument::Gone,
                };
            }
            DocumentQuery::CustomType(id) => {
                let fields = fields_of_type(answer)?;
                self.fields_of_types.insert(id.clone(), fields);
            }
            DocumentQuery::Order(_) => self.order = found::<Order>(answer)?,
            DocumentQuery::Payment(_) => self.payment = found::<Payment>(answer)?,
            DocumentQuery::OrderOfPayment(_) => {
                let order = answer::page::<Order>(answer)?.into_iter().next();
                self.order = order
                    .map_or(KnownDocument::Gone, |order| KnownDocument::There(Box::new(order)));
            }
            DocumentQuery::OwnerOfPayment(payment) => {
                let owner = answer::page::<IdReference>(answer)?.into_iter().next();
                self.payment_owners.push((payment.clone(), owner.map(|owner| owner.id)));
            }
            DocumentQuery::Products(_) => {
                let page: Vec<Product> = answer::page(answer)?;
                self.add_products(page.iter().map(|product| Rc::new(product.for_orders())));
            }
            DocumentQuery::DiscountCodes(_) => {
                let codes = self.discount_codes.get_or_insert_default();
                // An order works without them if the API client may not see them.
                if !answer::is_refused_with(answer, &[400, 403, 404]) {
                    codes.extend(answer::page::<DiscountCode>(answer)?);
                }
            }
            of_catalogue => return self.add_of_catalogue(of_catalogue, answer),
        }
        Ok(())
    }

    fn add_of_catalogue(
        &mut self,
        query: &DocumentQuery,
        answer: &HttpAnswer,
    ) -> Result<(), ReadFault> {
        match query {
            DocumentQuery::IdWalk(walk) => self.walk_page = Some(self.walk_page(walk, answer)?),
            DocumentQuery::Category(id) => {
                let category = found::<CategoryDocument>(answer)?;
                if !self.categories.saw(id, category == KnownDocument::Gone) {
                    self.category = category;
                }
            }
            DocumentQuery::Descendants { of, .. } => {
                let LongPage { results: page, goes_on } =
                    long_page::<CategoryDocument>(answer, PAGE)?;
                if let Some(last) = page.last().filter(|_| goes_on) {
                    let after = Some(last.id.clone());
                    self.further.push(DocumentQuery::Descendants { of: of.clone(), after }.into());
                }
                self.descendants.get_or_insert_default().extend(page);
            }
            DocumentQuery::Product(_) => self.product = found::<Product>(answer)?,
            // If no product has variants within itself, no query can find a product by one.
            DocumentQuery::ProductOfSku(_) => {
                let is_none = answer::is_refused_with(answer, &[400]);
                self.product = if is_none { KnownDocument::Gone } else { first(answer)? };
            }
            DocumentQuery::ProductType(id) => {
                let telling = telling_of_type(answer)?;
                self.telling_attributes.insert(id.clone(), telling);
            }
            DocumentQuery::PublishedProducts(_) => {
                self.is_for_sale = Some(!answer::page::<IdReference>(answer)?.is_empty());
            }
            DocumentQuery::OwnersOfSkus(skus) => {
                let owners: Vec<Product> = answer::page(answer)?;
                let owned = owners.iter().flat_map(Product::skus).filter(|sku| skus.contains(sku));
                self.moved_skus.get_or_insert_default().extend(owned);
            }
            DocumentQuery::StandalonePrice(_) => {
                self.standalone_price = found::<StandalonePrice>(answer)?;
            }
            DocumentQuery::StandalonePrices { skus, .. } => {
                let LongPage { results: page, goes_on } =
                    long_page::<StandalonePrice>(answer, PAGE)?;
                if let Some(last) = page.last().filter(|_| goes_on) {
                    let (skus, after) = (skus.clone(), Some(last.id.clone()));
                    self.further.push(DocumentQuery::StandalonePrices { skus, after }.into());
                }
                self.standalone_prices.get_or_insert_default().extend(page);
            }
            DocumentQuery::InventoryEntry(id) => {
                let entry = match found::<InventoryEntry>(answer)? {
                    KnownDocument::There(entry) => Some(*entry),
                    KnownDocument::Gone | KnownDocument::Unasked => None,
                };
                self.stock.add_by_id(id.clone(), entry);
            }
            DocumentQuery::StockEntries { skus, .. } => {
                let LongPage { results: page, goes_on } =
                    long_page::<InventoryEntry>(answer, PAGE)?;
                if let Some(last) = page.last().filter(|_| goes_on) {
                    let (skus, after) = (skus.clone(), Some(last.id.clone()));
                    self.further.push(DocumentQuery::StockEntries { skus, after }.into());
                }
                self.stock.add_page(page);
            }
            DocumentQuery::Customer(_)
            | DocumentQuery::Buyer(_)
            | DocumentQuery::CustomType(_)
            | DocumentQuery::Order(_)
            | DocumentQuery::Payment(_)
            | DocumentQuery::OrderOfPayment(_)
            | DocumentQuery::OwnerOfPayment(_)
            | DocumentQuery::Products(_)
            | DocumentQuery::DiscountCodes(_) => {}
            of_variants => return self.add_of_variants(of_variants, answer),
        }
        Ok(())
    }

    /// Adds an answer about variants that are documents of their own.
    fn add_of_variants(
        &mut self,
        query: &DocumentQuery,
        answer: &HttpAnswer,
    ) -> Result<(), ReadFault> {
        match query {
            DocumentQuery::Project => {
                self.catalog_model = Some(answer::catalog_model(answer)?);
            }
            DocumentQuery::Variant(_) => {
                self.variant = found::<VariantLink>(answer)?;
            }
            DocumentQuery::VariantOfSku(_) => {
                let is_none = answer::has_no_variants_apart(self.catalog_model, answer);
                self.variant = if is_none { KnownDocument::Gone } else { first(answer)? };
            }
            DocumentQuery::VariantsOfProduct { product, .. } => {
                let LongPage { results: page, goes_on } =
                    long_page::<VariantDocument>(answer, PAGE)?;
                let last = page.last().filter(|_| goes_on);
                let after = last.map(|last| last.id.clone());
                self.variants_are_added = true;
                let KnownDocument::There(read) = &mut self.product else { return Ok(()) };
                read.add_variants(page);
                let number = read.master_data.current.all_variants().count();
                read.has_unread_variants = after.is_some() && number >= MOST_VARIANTS;
                if after.is_some() && !read.has_unread_variants {
                    let product = product.clone();
                    self.further.push(DocumentQuery::VariantsOfProduct { product, after }.into());
                }
            }
            DocumentQuery::VariantsOfSkus(skus) => {
                let owners: Vec<VariantLink> = answer::page(answer)?;
                let owned = owners.into_iter().filter_map(|owner| owner.current.sku);
                let owned = owned.filter(|sku| skus.contains(sku));
                self.moved_skus.get_or_insert_default().extend(owned);
            }
            _ => {}
        }
        Ok(())
    }

    /// A page of a walk. A page of variants that are documents of their own gives their products: a product is written
    /// with all its variants.
    fn walk_page(&self, walk: &IdWalk, answer: &HttpAnswer) -> Result<WalkPage, ReadFault> {
        if walk.of() != WalkedResource::Variants {
            let page = begun_page(answer)?;
            let ids = page.results.iter().map(|text| id_of(text).ok_or_else(without_id));
            // The id of a document that is too large is known all the same.
            let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
            ids.extend(page.begun);
            let goes_on = !page.is_whole || ids.len() >= walk.limit();
            let goes_on_after = ids.last().filter(|_| goes_on).cloned();
            return Ok(WalkPage { ids, goes_on_after });
        }
        if answer::has_no_variants_apart(self.catalog_model, answer) {
            return Ok(WalkPage::default());
        }
        let LongPage { results: page, goes_on } = long_page::<VariantLink>(answer, walk.limit())?;
        let last = page.last().filter(|_| goes_on);
        let goes_on_after = last.map(|last| last.id.clone());
        let mut ids: Vec<_> = page.into_iter().map(|variant| variant.product.id).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(WalkPage { ids, goes_on_after })
    }

    fn add_held(&mut self, lookup: &KlaviyoLookup, answer: &HttpAnswer) -> Result<(), ReadFault> {
        match lookup {
            KlaviyoLookup::CategoryName { .. } => {
                self.known_name = name(answer)?.map_or(KnownDocument::Gone, KnownDocument::There);
            }
            KlaviyoLookup::VariantsOfItem { item, .. } => {
                let page = ids(answer)?;
                if let Some(cursor) = page.as_ref().and_then(|page| page.next.clone()) {
                    let (item, cursor) = (item.clone(), Some(cursor));
                    self.further.push(KlaviyoLookup::VariantsOfItem { item, cursor }.into());
                }
                self.known_variants.add_page(page);
            }
            KlaviyoLookup::CategoriesOfItem { .. } => {
                self.categories.hold_page(ids(answer)?);
            }
            KlaviyoLookup::ProfilesOfEmail { .. } => {
                let known = |profile: &HeldProfile| profile.is_named || profile.is_customer;
                self.guest_is_known = Some(profiles(answer)?.iter().any(known));
            }
            KlaviyoLookup::ProfilesOfCustomer { .. } => {
                self.known_profiles = Some(profiles(answer)?);
            }
            KlaviyoLookup::Existing { kind: CatalogKind::Category, .. } => {
                self.categories.hold_page(Some(ids(answer)?.unwrap_or_default()));
            }
            KlaviyoLookup::Existing { .. } => {
                self.item_is_held = ids(answer)?.is_some_and(|page| !page.ids.is_empty());
                if !self.item_is_held {
                    self.known_variants = KnownDocument::Gone;
                }
            }
            // No unit asks for these.
            KlaviyoLookup::All { .. }
            | KlaviyoLookup::Job(_)
            | KlaviyoLookup::ImportErrors { .. } => {}
        }
        Ok(())
    }
}

/// Sorts by id, as the plugin's query does: so an event lists its products in the same order, whether they were read
/// together or not.
pub(super) fn sort(products: &mut [Rc<Product>]) {
    products.sort_unstable_by(|one, other| one.id.cmp(&other.id));
}

/// A document of a page has no id.
fn without_id() -> Rejection {
    Rejection::new(FinalFault::DocumentMalformed, "a document of the page has no id")
}

/// The only document of a list.
fn first<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<KnownDocument<Box<T>>, ReadFault> {
    let first = answer::page(answer)?.into_iter().next();
    Ok(first.map_or(KnownDocument::Gone, |first| KnownDocument::There(Box::new(first))))
}

/// The names of a type's fields; none if the type is gone, or the API client may not see it.
fn fields_of_type(answer: &HttpAnswer) -> Result<Option<Vec<String>>, ReadFault> {
    if answer::is_refused_with(answer, &[400, 403, 404]) {
        return Ok(None);
    }
    let KnownDocument::There(found) = found::<CustomType>(answer)? else {
        return Ok(None);
    };
    Ok(Some(found.field_definitions.into_iter().map(|field| field.name).collect()))
}

/// The attributes that distinguish variants; empty if the type is gone, or the API client may not see it.
fn telling_of_type(answer: &HttpAnswer) -> Result<Rc<[String]>, ReadFault> {
    if answer::is_refused_with(answer, &[400, 403, 404]) {
        return Ok(Rc::default());
    }
    Ok(match found::<ProductType>(answer)? {
        KnownDocument::There(found) => found.telling_apart().into(),
        KnownDocument::Gone | KnownDocument::Unasked => Rc::default(),
    })
}

fn found<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<KnownDocument<Box<T>>, ReadFault> {
    let found = answer::document(answer)?;
    Ok(found.map_or(KnownDocument::Gone, |found| KnownDocument::There(Box::new(found))))
}
