//! Asks for many documents at once: queries of one sort become one query, and its page is split into an answer for
//! each, as if each had been asked alone.
//!
//! Several requests for the same document become one. A query with many documents may be spread over several calls, and
//! each call answers a part of it. Not in scope: the content of the documents, except for ids and SKUs.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use super::answer::begun_page;
use super::product::Product;
use super::query::{DocumentQuery, PAGE};
use super::query_parts::{expand, page};
use super::query_sort::{KeyField, QuerySort, behind, part, sorted};
use super::reference::Id;
use super::variant::VariantLink;
use crate::http::{DOCUMENT_BYTES, HttpAnswer, PAGE_BYTES, encode_filter};

/// Bytes of the keys of one query: SKUs can be long, and an address may have 8 kB.
const KEY_BYTES_PER_QUERY: usize = 6_500;

/// What stands between two keys in an address: quotes and a comma, encoded.
const BETWEEN_KEYS: usize = "%22,%22".len();

/// The queries of one call, and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JointQuery {
    /// None for a query that has to go alone.
    sort: Option<QuerySort>,
    /// The query of each; perhaps only a part of it.
    members: Vec<(usize, DocumentQuery)>,
    keys: Vec<String>,
    /// The bytes of the keys in an address.
    bytes: usize,
    /// The last document of the page before.
    after: Option<Id>,
}

/// A split answer.
pub struct SplitAnswer<'a> {
    /// One for each of [`JointQuery::members`].
    pub answers: Vec<Cow<'a, HttpAnswer>>,
    /// The next query, if there is more.
    pub further: Option<JointQuery>,
}

/// The beginning of an answer that exceeds the read limit.
pub struct BegunAnswer {
    /// The queries that it answers, and the answer.
    pub answered: Option<(JointQuery, HttpAnswer)>,
    /// The queries that are still to be made.
    pub further: Vec<JointQuery>,
}

/// Combines queries that one call can answer. Each query says who asks.
#[must_use]
pub fn together(queries: impl IntoIterator<Item = (usize, DocumentQuery)>) -> Vec<JointQuery> {
    let mut groups: Vec<JointQuery> = Vec::new();
    let mut asked: HashMap<(QuerySort, String), usize> = HashMap::new();
    for (place, query) in queries {
        let Some((sort, keys)) = sorted(&query).filter(|(_, keys)| !keys.is_empty()) else {
            add_alone(&mut groups, place, query);
            continue;
        };
        let mut parts: Vec<(usize, Vec<&str>)> = Vec::new();
        for key in keys {
            let entry = asked.entry((sort.clone(), key.to_owned()));
            let group = *entry.or_insert_with(|| group_for(&mut groups, &sort, key));
            match parts.iter_mut().find(|(of, _)| *of == group) {
                Some((_, keys)) => keys.push(key),
                None => parts.push((group, vec![key])),
            }
        }
        for (group, keys) in parts {
            groups[group].members.push((place, part(&query, &keys)));
        }
    }
    groups
}

fn add_alone(groups: &mut Vec<JointQuery>, place: usize, query: DocumentQuery) {
    let same = |group: &&mut JointQuery| {
        group.sort.is_none() && group.members.first().is_some_and(|(_, other)| *other == query)
    };
    match groups.iter_mut().find(same) {
        Some(group) => group.members.push((place, query)),
        None => groups.push(JointQuery { members: vec![(place, query)], ..JointQuery::of(None) }),
    }
}

/// The group that gets this key.
fn group_for(groups: &mut Vec<JointQuery>, sort: &QuerySort, key: &str) -> usize {
    let bytes = encode_filter(key).len() + BETWEEN_KEYS;
    let has_room = |group: &JointQuery| {
        group.sort.as_ref() == Some(sort)
            && group.keys.len() < sort.most
            && group.bytes + bytes <= KEY_BYTES_PER_QUERY
    };
    let place = groups.iter().rposition(has_room).unwrap_or_else(|| {
        groups.push(JointQuery::of(Some(sort.clone())));
        groups.len() - 1
    });
    groups[place].keys.push(key.to_owned());
    groups[place].bytes += bytes;
    place
}

impl JointQuery {
    fn of(sort: Option<QuerySort>) -> Self {
        Self { sort, members: Vec::new(), keys: Vec::new(), bytes: 0, after: None }
    }

    /// Who asks, and the query that each answer belongs to.
    #[must_use]
    pub fn members(&self) -> &[(usize, DocumentQuery)] {
        &self.members
    }

    /// The sort of the combined query; the query itself, if all ask the same.
    fn asked(&self) -> Result<&QuerySort, Option<&DocumentQuery>> {
        let first = self.members.first().map(|(_, query)| query);
        let same = self.members.iter().all(|(_, query)| Some(query) == first);
        self.sort.as_ref().filter(|_| !same).ok_or(first)
    }

    /// The maximum bytes of the answer to read.
    #[must_use]
    pub fn most_bytes(&self) -> usize {
        let is_one = self.sort.as_ref().is_none_or(|sort| !sort.pages && self.keys.len() == 1);
        if is_one { DOCUMENT_BYTES } else { PAGE_BYTES }
    }

    /// The part that the beginning of a page answers, and the queries for the rest: each with as many keys as documents
    /// were read. None if the beginning tells nothing, or if the page continues after its last document anyway.
    #[must_use]
    pub fn begun(&self, answer: &HttpAnswer) -> Option<BegunAnswer> {
        let sort = self.sort.as_ref().filter(|sort| answer.is_beginning && !sort.pages)?;
        if self.keys.len() < 2 {
            return None;
        }
        let documents = documents(sort.key, &begun_page(answer).ok()?.results)?;
        let is_found = |key: &&String| documents.iter().any(|one| one.keys.contains(key));
        let (found, rest): (Vec<_>, Vec<_>) = self.keys.iter().partition(is_found);
        let further = rest.chunks(found.len().max(1)).filter_map(|keys| self.of_keys(keys));
        let answered = self.of_keys(&found).map(|query| {
            let is_list = sort.is_list || query.asked().is_ok();
            (query, told(is_list, documents.iter().map(|document| document.text)))
        });
        Some(BegunAnswer { answered, further: further.collect() })
    }

    /// Two queries with half of the keys each; none if it has only one key, or continues after a page.
    #[must_use]
    pub fn halves(&self) -> Vec<Self> {
        if self.sort.is_none() || self.keys.len() < 2 || self.after.is_some() {
            return Vec::new();
        }
        let keys: Vec<_> = self.keys.iter().collect();
        let halves = keys.chunks(keys.len().div_ceil(2));
        halves.filter_map(|keys| self.of_keys(keys)).collect()
    }

    /// The part of it with these of its keys.
    fn of_keys(&self, keys: &[&String]) -> Option<Self> {
        let of_member = |(place, query): &(usize, DocumentQuery)| {
            let (_, own) = sorted(query)?;
            let own: Vec<_> =
                own.into_iter().filter(|key| keys.iter().any(|one| one == key)).collect();
            (!own.is_empty()).then(|| (*place, part(query, &own)))
        };
        let members: Vec<_> = self.members.iter().filter_map(of_member).collect();
        let keys: Vec<_> = keys.iter().map(|key| (*key).clone()).collect();
        let bytes = keys.iter().map(|key| encode_filter(key).len()).sum();
        (!members.is_empty()).then(|| Self { members, keys, bytes, ..self.clone() })
    }

    /// The same queries, each asked alone; after the last document of the page before, if there was one.
    #[must_use]
    pub fn apart(&self) -> Vec<Self> {
        let mut groups = Vec::new();
        for (place, query) in &self.members {
            let query = match &self.after {
                Some(last) => behind(query.clone(), last),
                None => query.clone(),
            };
            add_alone(&mut groups, *place, query);
        }
        groups
    }

    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let sort = match self.asked() {
            Ok(sort) => sort,
            Err(query) => return query.map(DocumentQuery::path_and_query).unwrap_or_default(),
        };
        let predicate = sort.predicate(&self.keys);
        if sort.pages {
            return format!("/{}?{}", sort.path, page(&predicate, self.after.as_ref(), PAGE));
        }
        let expand = match sort.expand {
            [] => String::new(),
            paths => format!("&{}", expand(paths)),
        };
        let path = sort.path;
        format!("/{path}?limit={PAGE}&withTotal=false{expand}&where={}", encode_filter(&predicate))
    }

    /// The answer to each of the members; none if this answer is ambiguous: then each has to be asked alone.
    #[must_use]
    pub fn split<'a>(&self, answer: &'a HttpAnswer) -> Option<SplitAnswer<'a>> {
        let Ok(sort) = self.asked() else {
            let answers = self.members.iter().map(|_| Cow::Borrowed(answer)).collect();
            return Some(SplitAnswer { answers, further: None });
        };
        if answer.status != 200 {
            return None;
        }
        let page = begun_page(answer).ok()?;
        let documents = documents(sort.key, &page.results)?;
        // After a full page there may be more.
        let goes_on = documents.len() >= PAGE || !page.is_whole;
        let further = match documents.last().filter(|_| goes_on) {
            Some(last) if sort.pages => Some(Self { after: Some(last.id.clone()), ..self.clone() }),
            Some(_) => return None,
            None => None,
        };
        let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, document) in documents.iter().enumerate() {
            for key in &document.keys {
                by_key.entry(key).or_default().push(place);
            }
        }
        let mut answers = Vec::with_capacity(self.members.len());
        for (_, query) in &self.members {
            let (_, keys) = sorted(query)?;
            // In the order of the query, also among others: the same documents always give the same result.
            let mut found: Vec<usize> = Vec::new();
            for place in keys.iter().filter_map(|key| by_key.get(key)).flatten() {
                if !found.contains(place) {
                    found.push(*place);
                }
            }
            // The member would mistake its part for a full page of its own.
            if further.is_some() && found.len() == documents.len() {
                return None;
            }
            let found = found.into_iter().map(|place| documents[place].text);
            answers.push(Cow::Owned(told(sort.is_list, found)));
        }
        Some(SplitAnswer { answers, further })
    }
}

/// The answer with these documents. A document without a result is gone; the answer is then the same as for a single
/// query.
fn told<'a>(is_list: bool, mut found: impl Iterator<Item = &'a str>) -> HttpAnswer {
    let (status, body) = if is_list {
        (200, format!(r#"{{"results":[{}]}}"#, found.collect::<Vec<_>>().join(",")))
    } else {
        found.next().map_or_else(gone, |document| (200, document.to_owned()))
    };
    HttpAnswer { status, body, ..HttpAnswer::default() }
}

/// A document of a page.
struct FoundDocument<'a> {
    id: Id,
    /// The keys that it answers.
    keys: Vec<String>,
    text: &'a str,
}

/// The documents of a page; none if one of them has no key.
fn documents<'a>(key: KeyField, results: &[&'a str]) -> Option<Vec<FoundDocument<'a>>> {
    #[derive(Deserialize)]
    struct DocumentKeys {
        id: Id,
        sku: Option<String>,
    }
    let read = |text: &'a str| {
        let DocumentKeys { id, sku } = serde_json::from_str(text).ok()?;
        let keys = match key {
            KeyField::Id => vec![id.to_string()],
            KeyField::Sku => vec![sku?],
            KeyField::VariantSku => serde_json::from_str::<Product>(text).ok()?.skus(),
            KeyField::OwnSku => {
                vec![serde_json::from_str::<VariantLink>(text).ok()?.current.sku?]
            }
            KeyField::Product => {
                vec![serde_json::from_str::<VariantLink>(text).ok()?.product.id.to_string()]
            }
        };
        Some(FoundDocument { id, keys, text })
    };
    results.iter().map(|text| read(text)).collect()
}

/// commercetools' 404, as it would have answered the query for the document alone.
fn gone() -> (u16, String) {
    (404, r#"{"statusCode":404,"message":"not among the results"}"#.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commercetools::answer::{document, page};
    use crate::commercetools::query::SKUS_PER_QUERY;
    use crate::commercetools::reference::Id;
    use serde_json::{Value, json};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn stock(skus: &[&str]) -> DocumentQuery {
        let skus = skus.iter().map(ToString::to_string).collect();
        DocumentQuery::StockEntries { skus, after: None }
    }

    fn answered(results: &Value) -> HttpAnswer {
        let body = json!({ "results": results }).to_string();
        HttpAnswer { status: 200, body, ..HttpAnswer::default() }
    }

    fn asked(queries: impl IntoIterator<Item = DocumentQuery>) -> Vec<JointQuery> {
        together(queries.into_iter().enumerate())
    }

    /// The answer of each, by its place.
    fn told(group: &JointQuery, answer: &HttpAnswer) -> Vec<(usize, HttpAnswer)> {
        let split = group.split(answer).expect("an answer that tells");
        let places = group.members.iter().map(|(place, _)| *place);
        places.zip(split.answers.into_iter().map(Cow::into_owned)).collect()
    }

    #[test]
    fn each_gets_its_own_document_or_none() {
        let queries = [
            DocumentQuery::Customer(id("a")),
            DocumentQuery::Order(id("a")),
            DocumentQuery::Customer(id("b")),
            DocumentQuery::Customer(id("a")),
            DocumentQuery::Customer(id("c")),
        ];
        let groups = asked(queries);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[1].path_and_query(), "/orders/a", "an order alone is asked alone");
        assert_eq!(
            groups[0].path_and_query(),
            "/customers?limit=500&withTotal=false&expand=customerGroup&where=id%20in%20%28%22a%22,%22b%22,%22c%22%29"
        );
        let answer = answered(&json!([{"id": "c", "n": 3}, {"id": "a", "n": 1}]));
        let told: Vec<_> = told(&groups[0], &answer)
            .into_iter()
            .map(|(place, answer)| {
                (
                    place,
                    document::<Value>(&answer).expect("a document").map(|found| found["n"].clone()),
                )
            })
            .collect();
        let n = |n: u8| Some(json!(n));
        assert_eq!(told, [(0, n(1)), (2, None), (3, n(1)), (4, n(3))]);
    }

    #[test]
    fn stock_is_told_by_sku_whatever_its_channel() {
        let groups = asked([stock(&["s1"]), stock(&["s2", "s3"]), stock(&["s2"])]);
        assert_eq!(groups.len(), 1);
        let entries = json!([{"id": "e", "sku": "s2"}, {"id": "f", "sku": "s2"},
            {"id": "g", "sku": "s3"}]);
        let counts: Vec<_> = told(&groups[0], &answered(&entries))
            .into_iter()
            .map(|(place, answer)| (place, page::<Value>(&answer).map(|page| page.len())))
            .collect();
        assert_eq!(counts, [(0, Ok(0)), (1, Ok(3)), (2, Ok(2))]);
    }

    #[test]
    fn a_query_has_so_many_and_no_more() {
        let sizes = |queries: Vec<DocumentQuery>| -> Vec<usize> {
            asked(queries).iter().map(|group| group.members.len()).collect()
        };
        let skus = |count, length: usize| -> Vec<DocumentQuery> {
            (0..count).map(|n| stock(&[&format!("{n}{}", "x".repeat(length))])).collect()
        };
        assert_eq!(sizes(skus(600, 0)), [500, 100]);
        assert!(sizes(skus(50, 240)).iter().all(|size| *size <= 26));
        let longest = asked(skus(500, 40)).iter().map(|group| group.path_and_query().len()).max();
        assert!(longest < Some(8_000), "an address of {longest:?}");
        let products =
            |n: usize| DocumentQuery::Products(vec![id(&n.to_string()), id(&format!("x{n}"))]);
        assert_eq!(sizes((0..70).map(products).collect()), [50, 20]);
    }

    #[test]
    fn an_answer_that_cannot_tell_is_none() {
        let group = &asked([DocumentQuery::Customer(id("a")), DocumentQuery::Customer(id("b"))])[0];
        let tells = |answer: &HttpAnswer| group.split(answer).is_some();
        assert!(tells(&answered(&json!([]))));
        let full: Vec<_> = (0..PAGE).map(|n| json!({"id": n.to_string()})).collect();
        assert!(!tells(&answered(&json!(full))));
        assert!(!tells(&answered(&json!([{"email": "a"}]))));
        let of_skus = &asked([stock(&["a"]), stock(&["b"])])[0];
        assert!(of_skus.split(&answered(&json!([{"id": "a"}]))).is_none(), "of no SKU");
        assert!(!tells(&HttpAnswer { status: 400, ..HttpAnswer::default() }));
        assert!(!tells(&HttpAnswer { status: 200, ..HttpAnswer::default() }));
        let apart: Vec<_> = group.apart().iter().map(JointQuery::path_and_query).collect();
        assert_eq!(apart.len(), 2);
        assert!(apart.iter().all(|path| path.starts_with("/customers/")), "{apart:?}");
    }

    #[test]
    fn documents_come_in_the_order_in_which_they_were_asked_for() {
        let queries = [
            DocumentQuery::Products(vec![id("b"), id("a")]),
            DocumentQuery::Products(vec![id("c"), id("b")]),
        ];
        let page = answered(&json!([{"id": "a"}, {"id": "b"}, {"id": "c"}]));
        let answers = told(&asked(queries)[0], &page);
        let bodies: Vec<_> = answers.iter().map(|(_, answer)| answer.body.as_str()).collect();
        let expected =
            [r#"{"results":[{"id":"b"},{"id":"a"}]}"#, r#"{"results":[{"id":"c"},{"id":"b"}]}"#];
        assert_eq!(bodies, expected);
    }

    #[test]
    fn what_several_ask_for_is_asked_for_once() {
        let same = [DocumentQuery::Customer(id("a")), DocumentQuery::Customer(id("a"))];
        let groups = asked(same);
        assert_eq!(groups.len(), 1);
        assert_eq!(
            groups[0].path_and_query(),
            "/customers/a?expand=customerGroup",
            "by its id, not by a query"
        );
        // 60 SKUs each, 20 of them the same: two queries, and each member gets all its own documents.
        let skus = |from: usize| (from..from + 40).map(|n| n.to_string()).collect::<Vec<_>>();
        let groups =
            asked([DocumentQuery::OwnersOfSkus(skus(0)), DocumentQuery::OwnersOfSkus(skus(20))]);
        let sizes: Vec<_> = groups.iter().map(|group| group.keys.len()).collect();
        assert_eq!(sizes, [SKUS_PER_QUERY, 10]);
        let asked_of_second: Vec<_> = groups
            .iter()
            .flat_map(|group| &group.members)
            .filter(|(place, _)| *place == 1)
            .map(|(_, query)| sorted(query).expect("a sort").1.len())
            .collect();
        assert_eq!(asked_of_second, [30, 10]);
    }

    #[test]
    fn owners_and_prices_are_told_to_whom_they_concern() {
        let owner = |id: &str, sku: &str| {
            json!({"id": id, "masterData": {"current": {
            "variants": [{"id": 1, "sku": sku}]}}})
        };
        let skus = |skus: &[&str]| skus.iter().map(ToString::to_string).collect::<Vec<_>>();
        let groups = asked([
            DocumentQuery::OwnersOfSkus(skus(&["a", "b"])),
            DocumentQuery::OwnersOfSkus(skus(&["c"])),
            DocumentQuery::StandalonePrices { skus: skus(&["a", "b"]), after: None },
            DocumentQuery::StandalonePrices { skus: skus(&["c"]), after: None },
        ]);
        assert_eq!(groups.len(), 2);
        let ids = |answers: Vec<(usize, HttpAnswer)>| -> Vec<(usize, Vec<String>)> {
            let id = |document: Value| document["id"].as_str().expect("an id").to_owned();
            let ids =
                |answer: &HttpAnswer| page(answer).expect("a page").into_iter().map(id).collect();
            answers.iter().map(|(place, answer)| (*place, ids(answer))).collect()
        };
        let page = answered(&json!([owner("p", "b"), owner("q", "c")]));
        assert_eq!(ids(told(&groups[0], &page)), [(0, skus(&["p"])), (1, skus(&["q"]))]);
        let price = |n: usize, sku: &str| json!({"id": n.to_string(), "sku": sku});
        let mut prices: Vec<_> = (1..PAGE).map(|n| price(n, "a")).collect();
        prices.push(price(PAGE, "c"));
        let full = answered(&json!(prices));
        let further = groups[1].split(&full).expect("answers").further.expect("a page more");
        assert_eq!(further.members, groups[1].members);
        assert!(further.path_and_query().contains("id%20%3E%20%22500%22"));
        // If no page answers that, the delivered documents are not asked for again.
        for alone in further.apart() {
            assert!(alone.path_and_query().contains("id%20%3E%20%22500%22"), "{alone:?}");
        }
        let last = told(&further, &answered(&json!([price(501, "b"), price(502, "c")])));
        assert_eq!(ids(last), [(2, skus(&["501"])), (3, skus(&["502"]))]);
    }

    #[test]
    fn variants_are_told_by_product_and_by_sku() {
        let of = |product| DocumentQuery::VariantsOfProduct { product: id(product), after: None };
        let of_skus = |sku: &str| DocumentQuery::VariantsOfSkus(vec![sku.to_owned()]);
        let groups = asked([of("p"), of("q"), of_skus("a"), of_skus("b")]);
        let paths: Vec<_> = groups.iter().map(JointQuery::path_and_query).collect();
        let decoded: Vec<_> = paths
            .iter()
            .map(|path| percent_encoding::percent_decode_str(path).decode_utf8_lossy())
            .collect();
        assert_eq!(
            decoded,
            [
                "/variants?limit=500&withTotal=false&sort=id asc\
                 &where=published = true and product(id in (\"p\",\"q\"))",
                "/variants?limit=500&withTotal=false\
                 &where=published = true and current(sku in (\"a\",\"b\"))",
            ]
        );
        let variant = |id: &str, product: &str, sku: &str| {
            json!({"id": id, "variantId": 1, "product": {"typeId": "product", "id": product},
                "current": {"sku": sku}})
        };
        let page_of = |answer: &HttpAnswer| page::<Value>(answer).map_or(0, |page| page.len());
        let three = answered(&json!([
            variant("v1", "q", "b"),
            variant("v2", "p", "a"),
            variant("v3", "q", "c")
        ]));
        let counts = |group: &JointQuery| -> Vec<usize> {
            let answers = told(group, &three).into_iter();
            answers.map(|(_, answer)| page_of(&answer)).collect()
        };
        assert_eq!(counts(&groups[0]), [1, 2]);
        let two = answered(&json!([variant("v1", "q", "b"), variant("v2", "p", "a")]));
        assert_eq!(told(&groups[1], &two).len(), 2);
    }
}
