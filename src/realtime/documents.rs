//! The documents that were read for one notification.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::plan::Work;
use crate::commercetools::answer;
use crate::commercetools::category::CategoryDocument;
use crate::commercetools::customer::Customer;
use crate::commercetools::inventory::InventoryEntry;
use crate::commercetools::order::{DiscountCode, Order};
use crate::commercetools::payment::Payment;
use crate::commercetools::price::StandalonePrice;
use crate::commercetools::product::Product;
use crate::commercetools::query::{PAGE, Query, WHOLE_PRODUCTS};
use crate::commercetools::reference::{Id, Link};
use crate::fault::{ReadFault, Setback, System};
use crate::http::{Answer, NoAnswer};
use crate::klaviyo::answer::{ids, name};
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::WriteContent;

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reading {
    /// From commercetools.
    Commercetools(Query),
    /// From Klaviyo.
    Klaviyo(Lookup),
}

impl From<Query> for Reading {
    fn from(query: Query) -> Self {
        Self::Commercetools(query)
    }
}

impl From<Lookup> for Reading {
    fn from(lookup: Lookup) -> Self {
        Self::Klaviyo(lookup)
    }
}

/// What is known of one document.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Found<T> {
    /// It was not asked for yet.
    #[default]
    Unasked,
    /// It does not exist any more.
    Gone,
    /// Here it is.
    There(T),
}

/// The documents that were read so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Documents {
    /// The customer.
    pub customer: Found<Customer>,
    /// The order.
    pub order: Found<Order>,
    /// The payment.
    pub payment: Found<Payment>,
    /// The products of the order's lines; one that is gone is not among them.
    pub products: Option<Vec<Product>>,
    /// The order's discount codes.
    pub discount_codes: Option<Vec<DiscountCode>>,
    /// The category.
    pub category: Found<CategoryDocument>,
    /// The categories below it.
    pub descendants: Option<Vec<CategoryDocument>>,
    /// The product.
    pub product: Found<Product>,
    /// The standalone price.
    pub standalone_price: Found<StandalonePrice>,
    /// The standalone prices of the product's SKUs.
    pub standalone_prices: Option<Vec<StandalonePrice>>,
    /// The inventory entry.
    pub inventory_entry: Found<InventoryEntry>,
    /// The entry of the SKU that counts.
    pub counted_stock: Found<InventoryEntry>,
    /// The entry that counted when the stock was written, to be read again by its id.
    pub written_entry: Option<Id>,
    /// Some entry of the SKU.
    pub any_stock: Found<InventoryEntry>,
    /// The ids of the item's variants at Klaviyo; gone where Klaviyo does not know the item.
    pub known_variants: Found<Vec<String>>,
    /// Of the SKUs that the product has no more, those that other products have.
    pub moved_skus: Option<Vec<String>>,
    /// The ids of the item's categories at Klaviyo.
    pub known_categories: Found<Vec<String>>,
    /// The ids of the customer's profiles at Klaviyo; mostly one.
    pub known_profiles: Found<Vec<String>>,
    /// A page of the products of a category.
    pub product_page: Option<ProductPage>,
    /// The name that Klaviyo has for the category.
    pub known_name: Found<String>,
    /// Whether the notifications that this one gives rise to are parked.
    pub followed: bool,
    /// Pages that follow those that were read.
    pub further: Vec<Reading>,
}

/// The ids of a page of products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductPage {
    /// The ids.
    pub ids: Vec<Id>,
    /// Whether the page is full, so that there may be another.
    pub full: bool,
}

impl Documents {
    /// Forgets what commercetools said of the resource, so that it is read again by its id: a query
    /// may lag behind. What Klaviyo held stays as it was before the write. What is to be done from
    /// now on, where the resource is known more closely by now.
    pub fn prepare_verification(&mut self, work: &Work) -> Option<Work> {
        match work {
            Work::Profile { .. } => self.customer = Found::Unasked,
            Work::Category { .. } => {
                self.category = Found::Unasked;
                self.descendants = None;
            }
            Work::Product(_) => {
                self.product = Found::Unasked;
                self.standalone_prices = None;
                self.moved_skus = None;
            }
            Work::StandalonePrice { .. } => {
                let found = std::mem::take(&mut self.product);
                self.standalone_prices = None;
                let Found::There(product) = found else { return None };
                return Some(Work::Product(product.id));
            }
            Work::Stock { .. } => {
                let counted = std::mem::take(&mut self.counted_stock);
                if let Found::There(entry) = counted {
                    self.written_entry = Some(entry.id);
                }
            }
            Work::Erasure(_)
            | Work::OrderPlaced(_)
            | Work::OrderGivenToCustomer { .. }
            | Work::OrderEdited { .. }
            | Work::Refund { .. }
            | Work::OrderState { .. }
            | Work::ProductsOfCategory { .. }
            | Work::CategoryGone(_) => {}
        }
        None
    }

    /// Klaviyo holds what was written, and no more what was deleted.
    pub fn learn_written(&mut self, content: &[WriteContent]) {
        for write in content {
            match write {
                WriteContent::Object { kind: CatalogKind::Item, .. } => {
                    known(&mut self.known_variants, None);
                }
                WriteContent::Object { kind: CatalogKind::Variant, id, .. } => {
                    known(&mut self.known_variants, Some(id));
                }
                WriteContent::Object { kind: CatalogKind::Category, id, .. } => {
                    known(&mut self.known_categories, Some(id));
                }
                WriteContent::Deletion { kind: CatalogKind::Item, .. } => {
                    self.known_variants = Found::Gone;
                }
                WriteContent::Deletion { kind: CatalogKind::Variant, id } => {
                    if let Found::There(ids) = &mut self.known_variants {
                        ids.retain(|known| known != id);
                    }
                }
                WriteContent::Deletion { kind: CatalogKind::Category, .. }
                | WriteContent::Body(_) => {}
            }
        }
    }

    /// Adds what was answered.
    ///
    /// # Errors
    /// Where there is no answer, or one that the work cannot be done with.
    pub fn add(
        &mut self,
        reading: &Reading,
        answer: &Result<Answer, NoAnswer>,
    ) -> Result<(), ReadFault> {
        let system = match reading {
            Reading::Commercetools(_) => System::Commercetools,
            Reading::Klaviyo(_) => System::Klaviyo,
        };
        let answer = answer.as_ref().map_err(|why| Setback::no_answer(system, *why))?;
        self.further.retain(|further| further != reading);
        match reading {
            Reading::Commercetools(query) => self.add_document(query, answer),
            Reading::Klaviyo(lookup) => self.add_ids(lookup, answer),
        }
    }

    fn add_document(&mut self, query: &Query, answer: &Answer) -> Result<(), ReadFault> {
        match query {
            Query::Customer(_) => {
                self.customer = found(answer, Customer::deserialize)?;
            }
            Query::Order(_) => self.order = found(answer, Order::read)?,
            Query::Payment(_) => self.payment = found(answer, Payment::deserialize)?,
            Query::OrderOfPayment(_) => {
                self.order = match answer::page::<Value>(answer)?.into_iter().next() {
                    None => Found::Gone,
                    Some(order) => {
                        Found::There(Order::read(order).map_err(|error| answer::malformed(&error))?)
                    }
                };
            }
            Query::Products(_) => {
                let page: Vec<Product> = answer::page(answer)?;
                let products = self.products.get_or_insert_default();
                products.extend(page.iter().map(Product::for_orders));
                sort(products);
            }
            Query::DiscountCodes(_) => {
                let codes = self.discount_codes.get_or_insert_default();
                // An order does without them where the API client may not see them.
                if !answer::is_refused_with(answer, &[400, 403, 404]) {
                    codes.extend(answer::page::<DiscountCode>(answer)?);
                }
            }
            Query::ProductsOfCategory { .. }
            | Query::Category(_)
            | Query::Descendants { .. }
            | Query::Product(_)
            | Query::ProductOfSku(_)
            | Query::OwnersOfSkus(_)
            | Query::StandalonePrice(_)
            | Query::StandalonePrices { .. }
            | Query::InventoryEntry(_)
            | Query::CountedStock { .. }
            | Query::AnyStock(_) => return self.add_of_catalogue(query, answer),
        }
        Ok(())
    }

    fn add_of_catalogue(&mut self, query: &Query, answer: &Answer) -> Result<(), ReadFault> {
        match query {
            Query::ProductsOfCategory { .. } => {
                let page: Vec<Link> = answer::page(answer)?;
                let full = page.len() == WHOLE_PRODUCTS;
                let ids = page.into_iter().map(|product| product.id).collect();
                self.product_page = Some(ProductPage { ids, full });
            }
            Query::Category(_) => self.category = found(answer, CategoryDocument::deserialize)?,
            Query::Descendants { of, .. } => {
                let page: Vec<CategoryDocument> = answer::page(answer)?;
                if let Some(last) = page.last().filter(|_| page.len() == PAGE) {
                    let after = Some(last.id.clone());
                    self.further.push(Query::Descendants { of: of.clone(), after }.into());
                }
                self.descendants.get_or_insert_default().extend(page);
            }
            Query::Product(_) => self.product = found(answer, Product::deserialize)?,
            Query::ProductOfSku(_) => self.product = first(answer)?,
            Query::OwnersOfSkus(skus) => {
                let owners: Vec<Product> = answer::page(answer)?;
                let owned = owners.iter().flat_map(skus_of).filter(|sku| skus.contains(sku));
                self.moved_skus.get_or_insert_default().extend(owned);
            }
            Query::StandalonePrice(_) => {
                self.standalone_price = found(answer, StandalonePrice::deserialize)?;
            }
            Query::StandalonePrices { skus, .. } => {
                let page: Vec<StandalonePrice> = answer::page(answer)?;
                if let Some(last) = page.last().filter(|_| page.len() == PAGE) {
                    let (skus, after) = (skus.clone(), Some(last.id.clone()));
                    self.further.push(Query::StandalonePrices { skus, after }.into());
                }
                self.standalone_prices.get_or_insert_default().extend(page);
            }
            Query::InventoryEntry(id) => {
                let entry = found(answer, InventoryEntry::deserialize)?;
                if self.written_entry.as_ref() != Some(id) {
                    self.inventory_entry = entry;
                } else if entry == Found::Gone {
                    // Another one may count by now.
                    self.written_entry = None;
                } else {
                    self.counted_stock = entry;
                }
            }
            Query::CountedStock { .. } => self.counted_stock = first(answer)?,
            Query::AnyStock(_) => self.any_stock = first(answer)?,
            Query::Customer(_)
            | Query::Order(_)
            | Query::Payment(_)
            | Query::OrderOfPayment(_)
            | Query::Products(_)
            | Query::DiscountCodes(_) => {}
        }
        Ok(())
    }

    fn add_ids(&mut self, lookup: &Lookup, answer: &Answer) -> Result<(), ReadFault> {
        if let Lookup::CategoryName { .. } = lookup {
            self.known_name = name(answer)?.map_or(Found::Gone, Found::There);
            return Ok(());
        }
        let (known, item) = match lookup {
            Lookup::VariantsOfItem { item, .. } => (&mut self.known_variants, Some(item)),
            Lookup::CategoriesOfItem { .. } => (&mut self.known_categories, None),
            Lookup::ProfilesOfCustomer { .. } => (&mut self.known_profiles, None),
            // No notification asks for these.
            Lookup::CategoryName { .. }
            | Lookup::Existing { .. }
            | Lookup::All { .. }
            | Lookup::Job(_)
            | Lookup::ImportErrors { .. } => return Ok(()),
        };
        let page = ids(answer)?;
        match (page, known) {
            (None, known) => *known = Found::Gone,
            (Some(page), known) => {
                if let (Some(item), Some(cursor)) = (item, page.next) {
                    let (item, cursor) = (item.clone(), Some(cursor));
                    self.further.push(Lookup::VariantsOfItem { item, cursor }.into());
                }
                match known {
                    Found::There(ids) => ids.extend(page.ids),
                    known => *known = Found::There(page.ids),
                }
            }
        }
        Ok(())
    }
}

/// The SKUs of a product's variants.
#[must_use]
pub fn skus_of(product: &Product) -> Vec<String> {
    let variants = product.master_data.current.all_variants();
    variants.filter_map(|variant| variant.sku.clone()).collect()
}

/// Adds an id to a list of what there is, which there is from now on.
fn known(list: &mut Found<Vec<String>>, id: Option<&str>) {
    if !matches!(list, Found::There(_)) {
        *list = Found::There(Vec::new());
    }
    if let (Found::There(ids), Some(id)) = (list, id)
        && !ids.iter().any(|known| known == id)
    {
        ids.push(id.to_owned());
    }
}

/// In the order of their ids, as the plugin asks for them: an event tells of its products in the same
/// order, whether they were read together or not.
pub(super) fn sort(products: &mut [Product]) {
    products.sort_unstable_by(|one, other| one.id.cmp(&other.id));
}

/// The only document of a list.
fn first<T: DeserializeOwned>(answer: &Answer) -> Result<Found<T>, ReadFault> {
    Ok(answer::page(answer)?.into_iter().next().map_or(Found::Gone, Found::There))
}

fn found<T>(
    answer: &Answer,
    read: impl FnOnce(Value) -> Result<T, serde_json::Error>,
) -> Result<Found<T>, ReadFault> {
    match answer::document(answer)? {
        None => Ok(Found::Gone),
        Some(document) => {
            read(document).map(Found::There).map_err(|error| answer::malformed(&error).into())
        }
    }
}
