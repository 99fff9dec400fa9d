//! Asking for many documents at once: queries of one sort become one query, and its page is cut up
//! again into an answer for each, as if each had been asked alone.
//!
//! Not in scope: what is in the documents; only their ids and SKUs are looked at.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::query::{
    CATEGORIES, PAGE, PRODUCTS_PER_QUERY, Query, SKUS_PER_QUERY, is_one_of, supply,
};
use crate::http::{Answer, encode};

/// Ids of one query, but of products.
const IDS_PER_QUERY: usize = 100;

/// Products of one query, each with all its variants and their prices: some 100 kB, and up to 1 MB.
const WHOLE_PRODUCTS_PER_QUERY: usize = 20;

/// Bytes of the SKUs of one query: they can be long, and an address may have 8 kB.
const SKU_BYTES_PER_QUERY: usize = 5_000;

/// What is asked for, apart from whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuerySort<'a> {
    Customers,
    Orders,
    Payments,
    Categories,
    /// One product each.
    Product,
    /// Several products each.
    Products,
    StandalonePrices,
    Entries,
    /// The entries of a channel that belong to SKUs.
    CountedStock(Option<&'a str>),
    /// All entries of SKUs.
    AnyStock,
}

/// Queries that are asked as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together<'a> {
    sort: QuerySort<'a>,
    /// What each of them asks for, by its place among all.
    members: Vec<(usize, Vec<&'a str>)>,
    keys: Vec<&'a str>,
    bytes: usize,
}

/// Puts together what can be asked together. What can not, or would be alone, is in none of them.
#[must_use]
pub fn together<'a>(queries: &[&'a Query]) -> Vec<Together<'a>> {
    let mut groups: Vec<Together<'a>> = Vec::new();
    for (place, query) in queries.iter().enumerate() {
        let Some((sort, keys)) = asked(query) else { continue };
        let found = groups.iter_mut().rev().find(|group| group.sort == sort && group.takes(&keys));
        if let Some(group) = found {
            group.add(place, keys);
        } else {
            let mut group = Together { sort, members: Vec::new(), keys: Vec::new(), bytes: 0 };
            group.add(place, keys);
            groups.push(group);
        }
    }
    groups.retain(|group| group.members.len() > 1);
    groups
}

fn asked(query: &Query) -> Option<(QuerySort<'_>, Vec<&str>)> {
    let (sort, key) = match query {
        Query::Customer(id) => (QuerySort::Customers, id.as_str()),
        Query::Order(id) => (QuerySort::Orders, id.as_str()),
        Query::Payment(id) => (QuerySort::Payments, id.as_str()),
        Query::Category(id) => (QuerySort::Categories, id.as_str()),
        Query::Product(id) => (QuerySort::Product, id.as_str()),
        Query::StandalonePrice(id) => (QuerySort::StandalonePrices, id.as_str()),
        Query::InventoryEntry(id) => (QuerySort::Entries, id.as_str()),
        Query::CountedStock { sku, channel } => {
            (QuerySort::CountedStock(channel.as_deref()), sku.as_str())
        }
        Query::AnyStock(sku) => (QuerySort::AnyStock, sku.as_str()),
        Query::Products(ids) => {
            return Some((QuerySort::Products, ids.iter().map(AsRef::as_ref).collect()));
        }
        Query::OrderOfPayment(_)
        | Query::DiscountCodes(_)
        | Query::Descendants { .. }
        | Query::ProductOfSku(_)
        | Query::OwnersOfSkus(_)
        | Query::ProductsOfCategory { .. }
        | Query::StandalonePrices { .. } => return None,
    };
    Some((sort, vec![key]))
}

impl<'a> Together<'a> {
    fn most(&self) -> usize {
        match self.sort {
            QuerySort::Product => WHOLE_PRODUCTS_PER_QUERY,
            QuerySort::Products => PRODUCTS_PER_QUERY,
            QuerySort::CountedStock(_) | QuerySort::AnyStock => SKUS_PER_QUERY,
            _ => IDS_PER_QUERY,
        }
    }

    fn takes(&self, keys: &[&str]) -> bool {
        let new: Vec<_> = keys.iter().filter(|key| !self.keys.contains(key)).collect();
        let bytes: usize = new.iter().map(|key| encode(key).len()).sum();
        self.keys.len() + new.len() <= self.most() && self.bytes + bytes <= SKU_BYTES_PER_QUERY
    }

    fn add(&mut self, place: usize, keys: Vec<&'a str>) {
        for key in &keys {
            if !self.keys.contains(key) {
                self.keys.push(key);
                self.bytes += encode(key).len();
            }
        }
        self.members.push((place, keys));
    }

    /// The places of the queries that are asked as one.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|(place, _)| *place)
    }

    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let (path, expand) = match self.sort {
            QuerySort::Customers => ("customers", ""),
            QuerySort::Orders => ("orders", ""),
            QuerySort::Payments => ("payments", ""),
            QuerySort::Categories => ("categories", "ancestors[*]"),
            QuerySort::Product | QuerySort::Products => ("products", CATEGORIES),
            QuerySort::StandalonePrices => ("standalone-prices", ""),
            QuerySort::Entries | QuerySort::CountedStock(_) | QuerySort::AnyStock => {
                ("inventory", "")
            }
        };
        let among = is_one_of(if self.by_sku() { "sku" } else { "id" }, &self.keys);
        let predicate = match self.sort {
            QuerySort::CountedStock(channel) => format!("{among} and {}", supply(channel)),
            _ => among,
        };
        let expand = match expand {
            "" => String::new(),
            expand => format!("&expand={}", encode(expand)),
        };
        format!("/{path}?limit={PAGE}&withTotal=false{expand}&where={}", encode(&predicate))
    }

    fn by_sku(&self) -> bool {
        matches!(self.sort, QuerySort::CountedStock(_) | QuerySort::AnyStock)
    }

    /// The answer to each of the queries, by its place; none if this answer cannot tell: then each
    /// is to be asked alone.
    #[must_use]
    pub fn split(&self, answer: &Answer) -> Option<Vec<(usize, Answer)>> {
        #[derive(Deserialize)]
        struct Page<'a> {
            #[serde(borrow)]
            results: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Document {
            id: String,
            #[serde(default)]
            sku: Option<String>,
        }
        if answer.status != 200 {
            return None;
        }
        let Page { results } = serde_json::from_str(&answer.body).ok()?;
        // A full page may not be all.
        if results.len() >= PAGE {
            return None;
        }
        let mut documents = Vec::with_capacity(results.len());
        for raw in results {
            let document: Document = serde_json::from_str(raw.get()).ok()?;
            let key = if self.by_sku() { document.sku? } else { document.id };
            documents.push((key, raw.get()));
        }
        // In the order in which they were asked for, whoever else asked: what is made of them is
        // always the same.
        let documents_of = |keys: &[&str]| -> Vec<&str> {
            let mut found = Vec::new();
            for key in keys {
                let of_key = documents.iter().filter(|(other, _)| other == key);
                found.extend(of_key.map(|(_, document)| *document));
            }
            found
        };
        let answers = self.members.iter().map(|(place, keys)| {
            let found = documents_of(keys);
            let body = match self.sort {
                QuerySort::Products | QuerySort::CountedStock(_) | QuerySort::AnyStock => {
                    format!(r#"{{"results":[{}]}}"#, found.join(","))
                }
                _ => found.first().copied().unwrap_or_default().to_owned(),
            };
            // What is not among the results is gone, which is told as for one alone.
            let (status, body) = if body.is_empty() { gone() } else { (200, body) };
            (*place, Answer { status, body, ..Answer::default() })
        });
        Some(answers.collect())
    }
}

/// commercetools' 404, as it would have been answered for the document alone.
fn gone() -> (u16, String) {
    (404, r#"{"statusCode":404,"message":"not among the results"}"#.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commercetools::answer::{document, page};
    use crate::commercetools::reference::Id;
    use serde_json::{Value, json};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn stock(sku: &str, channel: Option<&str>) -> Query {
        Query::CountedStock { sku: sku.to_owned(), channel: channel.map(ToOwned::to_owned) }
    }

    fn answered(results: &Value) -> Answer {
        let body = json!({ "results": results }).to_string();
        Answer { status: 200, body, ..Answer::default() }
    }

    #[test]
    fn each_gets_its_own_document_or_none() {
        let queries = [
            Query::Customer(id("a")),
            Query::Order(id("a")),
            Query::Customer(id("b")),
            Query::Customer(id("a")),
            Query::Customer(id("c")),
        ];
        let queries: Vec<_> = queries.iter().collect();
        let groups = together(&queries);
        assert_eq!(groups.len(), 1, "an order alone is asked alone");
        assert_eq!(
            groups[0].path_and_query(),
            "/customers?limit=500&withTotal=false&where=id%20in%20%28%22a%22%2C%22b%22%2C%22c%22%29"
        );
        let answer = answered(&json!([{"id": "c", "n": 3}, {"id": "a", "n": 1}]));
        let answers = groups[0].split(&answer).expect("answers");
        let told: Vec<_> = answers
            .iter()
            .map(|(place, answer)| {
                (*place, document(answer).expect("a document").map(|found| found["n"].clone()))
            })
            .collect();
        let n = |n: u8| Some(json!(n));
        assert_eq!(told, [(0, n(1)), (2, None), (3, n(1)), (4, n(3))]);
    }

    #[test]
    fn stock_is_told_by_sku_and_channel() {
        let queries =
            [stock("s1", None), stock("s2", None), stock("s1", Some("c")), stock("s2", Some("c"))];
        let queries: Vec<_> = queries.iter().collect();
        let groups = together(&queries);
        assert_eq!(groups.len(), 2);
        assert!(groups[0].path_and_query().contains("supplyChannel%20is%20not%20defined"));
        let entries = json!([{"id": "e", "sku": "s2"}, {"id": "f", "sku": "s2"}]);
        let answers = groups[1].split(&answered(&entries)).expect("answers");
        let counts: Vec<_> = answers
            .iter()
            .map(|(place, answer)| (*place, page::<Value>(answer).map(|page| page.len())))
            .collect();
        assert_eq!(counts, [(2, Ok(0)), (3, Ok(2))]);
    }

    #[test]
    fn a_query_has_so_many_and_no_more() {
        let sizes = |queries: Vec<Query>| -> Vec<usize> {
            let queries: Vec<_> = queries.iter().collect();
            together(&queries).iter().map(|group| group.members.len()).collect()
        };
        let skus = |count, length: usize| {
            (0..count).map(|n| stock(&format!("{n}{}", "x".repeat(length)), None)).collect()
        };
        assert_eq!(sizes(skus(120, 0)), [50, 50, 20]);
        assert!(sizes(skus(50, 240)).iter().all(|size| *size <= 20));
        let products = |n: usize| Query::Products(vec![id(&n.to_string()), id(&format!("x{n}"))]);
        assert_eq!(sizes((0..70).map(products).collect()), [50, 20]);
    }

    #[test]
    fn an_answer_that_cannot_tell_is_none() {
        let queries = [Query::AnyStock("a".to_owned()), Query::AnyStock("b".to_owned())];
        let queries: Vec<_> = queries.iter().collect();
        let group = &together(&queries)[0];
        let full: Vec<_> = (0..PAGE).map(|n| json!({"id": n.to_string(), "sku": "a"})).collect();
        assert_eq!(group.split(&answered(&json!(full))), None);
        assert_eq!(group.split(&answered(&json!([{"id": "a"}]))), None);
        assert_eq!(group.split(&Answer { status: 400, ..Answer::default() }), None);
        assert_eq!(group.split(&Answer { status: 200, ..Answer::default() }), None);
    }

    #[test]
    fn documents_come_in_the_order_in_which_they_were_asked_for() {
        let queries =
            [Query::Products(vec![id("b"), id("a")]), Query::Products(vec![id("c"), id("b")])];
        let queries: Vec<_> = queries.iter().collect();
        let page = answered(&json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]));
        let answers = together(&queries)[0].split(&page).expect("answers");
        let bodies: Vec<_> = answers.iter().map(|(_, answer)| answer.body.as_str()).collect();
        let expected =
            [r#"{"results":[{"id":"b"},{"id":"a"}]}"#, r#"{"results":[{"id":"c"},{"id":"b"}]}"#];
        assert_eq!(bodies, expected);
    }
}
