//! A commercetools in memory: answers the queries of the import.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use commercetools_klaviyo::http::{HttpAnswer, PAGE_BYTES};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// Documents by path (`customers`), then by id. Products are kept with their variants and prices; those
/// that were moved are served as a Modular project has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shop {
    documents: BTreeMap<&'static str, BTreeMap<String, Value>>,
    /// Where the project says that variants are; none if it is not told.
    pub(crate) catalog: Catalog,
    /// Products whose variants are documents of their own.
    moved: BTreeSet<String>,
    /// Paths that begin so are refused with this status.
    pub(crate) refused: Option<(&'static str, u16)>,
    /// How many bytes of an answer of several documents are read, if fewer than is asked for.
    pub(crate) page_bytes: Option<usize>,
}

/// The model of a project's products and variants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Catalog {
    #[default]
    Classic,
    InMigration,
    Modular,
    /// The API client may not read the project, whose variants are in either place.
    Untold,
}

/// A time as commercetools writes it.
pub(crate) fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An id for a number. commercetools' order of ids is its own business, so it is another one here
/// than that of the numbers and of the times.
pub(crate) fn id(kind: &str, number: u64) -> String {
    format!("{:04x}-{kind}-{number}", number.wrapping_mul(40_503) % 65_536)
}

impl Shop {
    pub(crate) fn put(&mut self, path: &'static str, document: Value) {
        let id = document["id"].as_str().expect("an id").to_owned();
        self.documents.entry(path).or_default().insert(id, document);
    }

    pub(crate) fn all(&self, path: &str) -> impl Iterator<Item = &Value> {
        self.documents.get(path).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn remove(&mut self, path: &str, id: &str) {
        if let Some(documents) = self.documents.get_mut(path) {
            documents.remove(id);
        }
    }

    /// Changes a document, now.
    pub(crate) fn change(
        &mut self,
        path: &str,
        id: &str,
        now: DateTime<Utc>,
        change: impl Fn(&mut Value),
    ) {
        self.change_silently(path, id, |document| {
            change(document);
            document["lastModifiedAt"] = json!(text(now));
        });
    }

    /// Changes a document, without its time of change.
    pub(crate) fn change_silently(&mut self, path: &str, id: &str, change: impl Fn(&mut Value)) {
        if let Some(document) = self.documents.get_mut(path).and_then(|all| all.get_mut(id)) {
            change(document);
        }
    }

    /// Makes the variants of a product documents of their own, and its prices standalone ones.
    pub(crate) fn move_variants(&mut self, product: &str) {
        self.moved.insert(product.to_owned());
    }

    /// Whether the variants of a product are documents of their own.
    pub(crate) fn is_moved(&self, product: &str) -> bool {
        self.moved.contains(product)
    }

    /// Makes the project a Modular one.
    pub(crate) fn make_modular(&mut self) {
        self.catalog = Catalog::Modular;
        let products: Vec<_> =
            self.all("products").filter_map(|one| one["id"].as_str()).map(str::to_owned).collect();
        self.moved.extend(products);
    }

    /// The documents as the API shows them.
    fn served(&self, path: &str) -> Vec<Cow<'_, Value>> {
        if self.moved.is_empty() {
            return self.all(path).map(Cow::Borrowed).collect();
        }
        let is_moved = |one: &&Value| one["id"].as_str().is_some_and(|id| self.is_moved(id));
        let moved = || self.all("products").filter(is_moved);
        match path {
            "products" => {
                let form = |product| {
                    if is_moved(&product) {
                        Cow::Owned(without_variants(product))
                    } else {
                        Cow::Borrowed(product)
                    }
                };
                self.all(path).map(form).collect()
            }
            "variants" => moved().flat_map(variants_of).map(Cow::Owned).collect(),
            "standalone-prices" => {
                let own = moved().flat_map(prices_of).map(Cow::Owned);
                self.all(path).map(Cow::Borrowed).chain(own).collect()
            }
            _ => self.all(path).map(Cow::Borrowed).collect(),
        }
    }

    /// Why a query is refused: the project has no variants in that place.
    fn refusal(&self, path_and_query: &str) -> Option<(u16, &'static str)> {
        let of_variants_apart = path_and_query.starts_with("/variants");
        let of_variants_within = path_and_query.contains("masterVariant");
        match self.catalog {
            _ if self.refused.is_some_and(|(path, _)| path_and_query.starts_with(path)) => {
                self.refused.map(|(_, status)| (status, "refused"))
            }
            Catalog::Classic if of_variants_apart => Some((400, "the catalogue is Classic")),
            Catalog::Modular if of_variants_within => Some((400, "the catalogue is Modular")),
            Catalog::Untold if path_and_query.is_empty() => Some((403, "insufficient scope")),
            _ => None,
        }
    }

    /// The answer to a query, or to a read by id.
    /// What is read of the answer, if that is `most` bytes.
    pub(crate) fn respond(&self, path_and_query: &str, most: usize) -> HttpAnswer {
        let mut answer = self.whole_answer(path_and_query);
        let most = match self.page_bytes {
            Some(bytes) if most == PAGE_BYTES => bytes,
            _ => most,
        };
        if answer.body.len() > most {
            let end = answer.body.floor_char_boundary(most);
            answer.body.truncate(end);
            answer.is_beginning = true;
        }
        answer
    }

    fn whole_answer(&self, path_and_query: &str) -> HttpAnswer {
        if let Some((status, message)) = self.refusal(path_and_query) {
            let body = json!({"statusCode": status, "message": message}).to_string();
            return HttpAnswer { status, body, ..HttpAnswer::default() };
        }
        let path = path_and_query.split('?').next().expect("a path").trim_start_matches('/');
        let found = match path.split_once('/') {
            None if path.is_empty() => Some(self.project().to_string()),
            None => Some(self.answer(path_and_query)),
            Some((resource, id)) => {
                let documents = self.served(resource);
                let document = documents.iter().find(|one| one["id"] == json!(id));
                document.map(|document| self.expanded(resource, document, "").to_string())
            }
        };
        let none = || json!({"statusCode": 404, "message": "none"}).to_string();
        let status = if found.is_some() { 200 } else { 404 };
        HttpAnswer { status, body: found.unwrap_or_else(none), ..HttpAnswer::default() }
    }

    fn project(&self) -> Value {
        match self.catalog {
            Catalog::Classic | Catalog::Untold => json!({"key": "shop"}),
            Catalog::InMigration => json!({"key": "shop", "productCatalogModel": "InMigration"}),
            Catalog::Modular => json!({"key": "shop", "productCatalogModel": "Modular"}),
        }
    }

    /// The body of the answer to a query.
    fn answer(&self, path_and_query: &str) -> String {
        let (path, query) = path_and_query.split_once('?').expect("a query");
        let path = path.trim_start_matches('/');
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let members: BTreeMap<_, _> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        let terms: Vec<&str> =
            members.get("where").map(|all| all.split(" and ").collect()).unwrap_or_default();
        let mut found = self.served(path);
        found.retain(|document| terms.iter().all(|term| holds(document, term)));
        let sorts = query.split('&').filter_map(|pair| pair.strip_prefix("sort=")).map(decode);
        // The first counts most, and a sort keeps the order of what is equal.
        for sort in sorts.collect::<Vec<_>>().into_iter().rev() {
            match sort.as_str() {
                "id asc" => found.sort_by_key(|document| key(document)),
                "createdAt asc" => {
                    found.sort_by_key(|document| document["createdAt"].to_string());
                }
                "createdAt desc" => {
                    found.sort_by_key(|document| document["createdAt"].to_string());
                    found.reverse();
                }
                other => panic!("the shop does not know the sort {other}"),
            }
        }
        // Where there is a predicate, commercetools counts no further.
        let total = if terms.is_empty() { found.len() } else { found.len().min(10_000) };
        let limit: usize = members["limit"].parse().expect("a limit");
        found.truncate(limit);
        let results: Vec<_> =
            found.iter().map(|document| self.expanded(path, document, query)).collect();
        match members.get("withTotal").map(String::as_str) {
            Some("true") => json!({"results": results, "total": total}),
            _ => json!({ "results": results }),
        }
        .to_string()
    }

    /// Shows the stock of each variant as its inventory entries had it before they last changed: what
    /// commercetools shows of stock lags behind.
    fn add_stock(&self, product: &mut Value) {
        let Some(current) = product.pointer_mut("/masterData/current") else { return };
        let (master, others) = match current.as_object_mut() {
            Some(current) => {
                let master = current.get("masterVariant").cloned();
                (master, current.get("variants").cloned())
            }
            None => return,
        };
        let with_stock = |mut variant: Value| {
            let sku = variant["sku"].clone();
            for entry in self.all("inventory").filter(|entry| entry["sku"] == sku) {
                let before = entry.get("quantityBefore").unwrap_or(&entry["availableQuantity"]);
                let shown = &mut variant["availability"];
                match entry.pointer("/supplyChannel/id").and_then(Value::as_str) {
                    Some(channel) => {
                        shown["channels"][channel] = json!({ "availableQuantity": before });
                    }
                    None => shown["availableQuantity"] = before.clone(),
                }
            }
            variant
        };
        if let Some(master) = master {
            current["masterVariant"] = with_stock(master);
        }
        if let Some(Value::Array(others)) = others {
            current["variants"] = others.into_iter().map(with_stock).collect();
        }
    }

    /// A document with what its query asks to have with it.
    pub(crate) fn expanded(&self, path: &str, document: &Value, query: &str) -> Value {
        let mut document = document.clone();
        if path == "orders" {
            let payments =
                document.pointer_mut("/paymentInfo/payments").and_then(Value::as_array_mut);
            for reference in payments.into_iter().flatten() {
                let id = reference["id"].as_str().expect("an id").to_owned();
                if let Some(payment) = self.documents.get("payments").and_then(|all| all.get(&id)) {
                    reference["obj"] = payment.clone();
                }
            }
        }
        if path == "products" && query.contains("defaultVariant") {
            let product = self.documents["products"].get(document["id"].as_str().expect("an id"));
            if let Some(reference) = document.pointer_mut("/masterData/current/defaultVariant") {
                let mut variants = product.into_iter().flat_map(variants_of);
                reference["obj"] = json!(variants.find(|one| one["id"] == reference["id"]));
            }
        }
        if path == "products" {
            self.add_stock(&mut document);
            let categories = document
                .pointer_mut("/masterData/current/categories")
                .and_then(Value::as_array_mut);
            for reference in categories.into_iter().flatten() {
                let id = reference["id"].as_str().expect("an id").to_owned();
                if let Some(category) =
                    self.documents.get("categories").and_then(|all| all.get(&id))
                {
                    reference["obj"] = self.with_ancestors(category.clone());
                }
            }
        }
        if path == "categories" {
            document = self.with_ancestors(document);
        }
        document
    }

    /// A category with the documents of those above it.
    fn with_ancestors(&self, mut category: Value) -> Value {
        for above in category["ancestors"].as_array_mut().into_iter().flatten() {
            let document = self.all("categories").find(|one| one["id"] == above["id"]);
            if let Some(document) = document.cloned() {
                above["obj"] = document;
            }
        }
        category
    }
}

/// All variants of a product, within itself.
fn within(product: &Value) -> impl Iterator<Item = &Value> {
    let current = &product["masterData"]["current"];
    let others = current["variants"].as_array().into_iter().flatten();
    [&current["masterVariant"]].into_iter().chain(others)
}

/// The id of the document of a variant.
fn variant_id(product: &Value, variant: &Value) -> String {
    format!("v-{}-{}", product["id"].as_str().expect("an id"), variant["id"])
}

/// A product as a Modular project has it.
fn without_variants(product: &Value) -> Value {
    let mut product = product.clone();
    let default = variant_id(&product, &product["masterData"]["current"]["masterVariant"]);
    let current = &mut product["masterData"]["current"];
    current["masterVariant"] = Value::Null;
    current["variants"] = json!([]);
    current["defaultVariant"] = json!({"typeId": "variant", "id": default});
    product["priceMode"] = json!("Standalone");
    product
}

/// The variants of a product as documents of their own.
fn variants_of(product: &Value) -> Vec<Value> {
    let document = |variant: &Value| {
        let changed = variant.get("lastModifiedAt").unwrap_or(&product["createdAt"]);
        json!({"id": variant_id(product, variant), "version": 1, "variantId": variant["id"],
            "product": {"typeId": "product", "id": product["id"]},
            "published": variant["unpublished"] != json!(true),
            "createdAt": product["createdAt"], "lastModifiedAt": changed,
            "current": {"sku": variant["sku"], "images": variant["images"],
                "attributes": variant["attributes"]}})
    };
    within(product).map(document).collect()
}

/// The prices within a product as standalone ones.
fn prices_of(product: &Value) -> Vec<Value> {
    let of_variant = |variant: &Value| {
        let prices = variant["prices"].as_array().into_iter().flatten().enumerate();
        let price = |(place, price): (usize, &Value)| {
            let mut price = price.clone();
            price["id"] = json!(format!("s-{}-{place}", variant_id(product, variant)));
            price["sku"] = variant["sku"].clone();
            price["active"] = json!(true);
            price["createdAt"] = product["createdAt"].clone();
            price["lastModifiedAt"] = product["createdAt"].clone();
            price
        };
        prices.map(price).collect::<Vec<_>>()
    };
    within(product).flat_map(of_variant).collect()
}

/// The product type that says that the size tells variants apart, wherever they are.
pub(crate) fn sizes() -> Value {
    json!({"id": "gone", "attributes": [
        {"name": "size", "attributeConstraint": "CombinationUnique", "type": {"name": "number"}}]})
}

/// The order of ids: not that of the texts.
fn key(document: &Value) -> String {
    rank(document["id"].as_str().expect("an id"))
}

fn rank(id: &str) -> String {
    id.chars().rev().collect()
}

/// Whether one term of a predicate holds.
fn holds(document: &Value, term: &str) -> bool {
    let term = term.trim();
    let value = |term: &str| term.split('"').nth(1).expect("a value").to_owned();
    let quoted = || term.split('"').skip(1).step_by(2).collect::<Vec<_>>();
    let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    if let Some(rest) = term.strip_prefix("createdAt >= ") {
        field("createdAt") >= value(rest)
    } else if let Some(rest) = term.strip_prefix("createdAt < ") {
        field("createdAt") < value(rest)
    } else if let Some(rest) = term.strip_prefix("lastModifiedAt >= ") {
        field("lastModifiedAt") >= value(rest)
    } else if let Some(rest) = term.strip_prefix("lastModifiedAt < ") {
        field("lastModifiedAt") < value(rest)
    } else if let Some(rest) = term.strip_prefix("id > ") {
        rank(&field("id")) > rank(&value(rest))
    } else if let Some(rest) = term.strip_prefix("id >= ") {
        rank(&field("id")) >= rank(&value(rest))
    } else if term.starts_with("id in (") {
        quoted().contains(&field("id").as_str())
    } else if term.starts_with("sku in (") {
        quoted().contains(&field("sku").as_str())
    } else if term == "masterData(published = true)" {
        document["masterData"]["published"] == true
    } else if term == "published = true" {
        document["published"] == true
    } else if term.starts_with("product(id in (") {
        document["product"]["id"].as_str().is_some_and(|id| quoted().contains(&id))
    } else if term.starts_with("current(sku in (") {
        document["current"]["sku"].as_str().is_some_and(|sku| quoted().contains(&sku))
    } else if term.starts_with("ancestors(id = ") {
        let ancestors = document["ancestors"].as_array();
        let mut ids = ancestors.into_iter().flatten().filter_map(|one| one["id"].as_str());
        ids.any(|id| quoted().contains(&id))
    } else if term == "masterData(published = true" {
        document["masterData"]["published"] == true
    } else if term.starts_with("current(categories(id = ") {
        let categories = document.pointer("/masterData/current/categories");
        let categories = categories.and_then(Value::as_array);
        let mut ids = categories.into_iter().flatten().filter_map(|one| one["id"].as_str());
        ids.any(|id| quoted().contains(&id))
    } else if term.starts_with("paymentInfo(payments(id in (")
        || term.starts_with("paymentInfo(payments(id = ")
    {
        let payments = document.pointer("/paymentInfo/payments").and_then(Value::as_array);
        let mut ids = payments.into_iter().flatten().filter_map(|payment| payment["id"].as_str());
        ids.any(|id| quoted().contains(&id))
    } else if term.starts_with("masterData(current(masterVariant(sku in (") {
        let current = &document["masterData"]["current"];
        let others = current["variants"].as_array().into_iter().flatten();
        let mut skus =
            others.chain([&current["masterVariant"]]).filter_map(|one| one["sku"].as_str());
        skus.any(|sku| quoted().contains(&sku))
    } else {
        panic!("the shop does not know the term {term}")
    }
}

pub(crate) fn customer(number: u64, created: DateTime<Utc>, email: &str) -> Value {
    json!({"id": id("c", number), "email": email, "firstName": "v1",
        "createdAt": text(created), "lastModifiedAt": text(created)})
}

pub(crate) fn category(number: u64, created: DateTime<Utc>) -> Value {
    json!({"id": id("k", number), "name": {"en": format!("Category {number} v1")}, "ancestors": [],
        "createdAt": text(created), "lastModifiedAt": text(created)})
}

pub(crate) fn product(
    number: u64,
    variants: u64,
    category: Option<u64>,
    created: DateTime<Utc>,
) -> Value {
    // The type is not there: what differs among the variants tells them apart.
    let variant = |one: u64| {
        json!({"id": one, "sku": format!("sku-{number}-{one}"), "prices": [{"value": euros(100 * number + one)}], "images": [],
            "attributes": [{"name": "size", "value": one}]})
    };
    let categories: Vec<_> = category
        .iter()
        .map(|number| json!({"typeId": "category", "id": id("k", *number)}))
        .collect();
    json!({"id": id("p", number), "createdAt": text(created), "lastModifiedAt": text(created),
        "productType": {"typeId": "product-type", "id": "gone"},
        "masterData": {"published": true, "current": {
            "name": {"en": format!("Product {number} v1")}, "slug": {"en": format!("p-{number}")},
            "categories": categories, "masterVariant": variant(1),
            "variants": (2..=variants).map(variant).collect::<Vec<_>>()}}})
}

pub(crate) fn payment(number: u64, refunds: &[&str], created: DateTime<Utc>) -> Value {
    let transactions: Vec<_> = refunds
        .iter()
        .enumerate()
        .map(|(index, state)| {
            json!({"id": format!("t-{number}-{index}"), "type": "Refund", "state": state,
                "amount": euros(100), "timestamp": text(created + Duration::days(1))})
        })
        .collect();
    json!({"id": id("y", number), "transactions": transactions,
        "createdAt": text(created), "lastModifiedAt": text(created)})
}

pub(crate) fn order(
    number: u64,
    email: Option<&str>,
    state: &str,
    products: &[u64],
    payment: Option<u64>,
    created: DateTime<Utc>,
) -> Value {
    let lines: Vec<_> = products
        .iter()
        .enumerate()
        .map(|(index, product)| {
            json!({"id": format!("l-{number}-{index}"), "productId": id("p", *product),
                "name": {"en": "Thing"}, "quantity": 1, "price": {"value": euros(500)},
                "totalPrice": euros(500), "variant": {"id": 1, "sku": format!("sku-{product}-1")}})
        })
        .collect();
    let payments: Vec<_> =
        payment.iter().map(|number| json!({"typeId": "payment", "id": id("y", *number)})).collect();
    json!({"id": id("o", number), "customerEmail": email, "orderState": state, "lineItems": lines,
        "totalPrice": euros(500), "paymentInfo": {"payments": payments},
        "createdAt": text(created), "lastModifiedAt": text(created)})
}

pub(crate) fn euros(cents: u64) -> Value {
    json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": cents, "fractionDigits": 2})
}
