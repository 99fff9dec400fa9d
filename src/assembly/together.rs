//! Combines the readings of many units into calls: what several units want is asked for once, and related readings
//! share a query.
//!
//! Each call knows which part of its answer belongs to which unit ([`JointReading::hand_out`]). Not in scope: making
//! calls, and the use of a document.

use std::borrow::Cow;
use std::collections::HashSet;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::reading::UnitReading;
use crate::commercetools::answer::page;
use crate::commercetools::notification::change;
use crate::commercetools::product::Product;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::together::{
    BegunAnswer, JointQuery, SplitAnswer, together as queries_together,
};
use crate::fault::passes;
use crate::http::{HttpAnswer, NoAnswer};
use crate::klaviyo::answer::ids;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::query::{KlaviyoLookup, existing};
use crate::klaviyo::request::WriteRequest;
use crate::mapping::identity;

/// One call's readings, and their units: units are named by numbers that the caller chose.
#[derive(Debug, Clone)]
pub enum JointReading {
    /// Documents of commercetools.
    Queries(JointQuery),
    /// Which of the objects of several units Klaviyo has.
    Existing {
        /// Their kind.
        kind: CatalogKind,
        /// All of them.
        lookup: KlaviyoLookup,
        /// The ids of each unit.
        members: Vec<(usize, Vec<String>)>,
    },
    /// Something else that Klaviyo has, for all of these units.
    Lookup(KlaviyoLookup, Vec<usize>),
    /// A category that all of these units wait for.
    Category(Box<CatalogWrite>, Vec<usize>),
}

/// The call for an answer.
#[derive(Debug)]
pub enum ReadingCall<'a> {
    /// A `GET` of commercetools.
    Commercetools {
        /// The path and query below `{api}/{project}`.
        path: String,
        /// The maximum bytes of the answer to read.
        most: usize,
    },
    /// A `GET` of Klaviyo.
    Lookup(&'a KlaviyoLookup),
    /// A write to Klaviyo.
    Category(WriteRequest),
}

/// The answer to a reading of one unit.
#[derive(Debug)]
pub struct AnswerPart<'a> {
    /// The unit.
    pub unit: usize,
    /// Its reading, or the part that this answers.
    pub(super) reading: UnitReading,
    pub(super) content: PartContent<'a>,
}

#[derive(Debug)]
pub(super) enum PartContent<'a> {
    Answer(Result<Cow<'a, HttpAnswer>, NoAnswer>),
    /// Products for orders. Many orders share them, so they are parsed once.
    Products(Vec<Rc<Product>>),
}

/// The result of an answer.
#[derive(Debug, Default)]
pub struct HandedOut<'a> {
    /// The parts for the units.
    pub parts: Vec<AnswerPart<'a>>,
    /// Further readings before every unit has all of its answer.
    pub further: Vec<JointReading>,
}

/// Combines what one call can answer. Each reading names the unit that wants it.
#[must_use]
pub fn together(readings: impl IntoIterator<Item = (usize, UnitReading)>) -> Vec<JointReading> {
    let mut queries = Vec::new();
    let mut objects: KeyGroups<CatalogKind, (usize, Vec<String>)> = Vec::new();
    let mut lookups: KeyGroups<KlaviyoLookup, usize> = Vec::new();
    let mut categories: KeyGroups<Box<CatalogWrite>, usize> = Vec::new();
    for (unit, reading) in readings {
        match reading {
            UnitReading::Commercetools(query) => queries.push((unit, query)),
            UnitReading::Klaviyo(KlaviyoLookup::Existing { kind, ids }) => {
                put(&mut objects, kind, (unit, ids));
            }
            UnitReading::Klaviyo(lookup) => put(&mut lookups, lookup, unit),
            UnitReading::Category(write) => put(&mut categories, write, unit),
        }
    }
    let queries = queries_together(queries).into_iter().map(JointReading::Queries);
    let objects = objects.into_iter().flat_map(|(kind, members)| existing_of(kind, &members));
    let lookups = lookups.into_iter().map(|(lookup, units)| JointReading::Lookup(lookup, units));
    let categories = categories.into_iter();
    let categories = categories.map(|(write, units)| JointReading::Category(write, units));
    queries.chain(objects).chain(lookups).chain(categories).collect()
}

/// The values of each key.
type KeyGroups<K, V> = Vec<(K, Vec<V>)>;

/// Adds a value to its key.
fn put<K: PartialEq, V>(all: &mut KeyGroups<K, V>, key: K, one: V) {
    match all.iter_mut().find(|(other, _)| *other == key) {
        Some((_, same)) => same.push(one),
        None => all.push((key, vec![one])),
    }
}

fn existing_of(kind: CatalogKind, members: &[(usize, Vec<String>)]) -> Vec<JointReading> {
    let mut seen = HashSet::new();
    let all = members.iter().flat_map(|(_, ids)| ids).filter(|id| seen.insert(*id));
    let lookups = existing(kind, &all.cloned().collect::<Vec<_>>()).into_iter();
    let joint = lookups.map(|lookup| {
        let KlaviyoLookup::Existing { ids: some, .. } = &lookup else {
            return JointReading::Lookup(lookup, Vec::new());
        };
        let some: HashSet<_> = some.iter().collect();
        let theirs = members.iter().filter_map(|(unit, ids)| {
            let ids: Vec<_> = ids.iter().filter(|id| some.contains(id)).cloned().collect();
            (!ids.is_empty()).then_some((*unit, ids))
        });
        let members = theirs.collect();
        JointReading::Existing { kind, lookup, members }
    });
    joint.collect()
}

impl JointReading {
    /// The call for the answer.
    #[must_use]
    pub fn call(&self) -> ReadingCall<'_> {
        match self {
            Self::Queries(together) => ReadingCall::Commercetools {
                path: together.path_and_query(),
                most: together.most_bytes(),
            },
            Self::Existing { lookup, .. } | Self::Lookup(lookup, _) => ReadingCall::Lookup(lookup),
            Self::Category(write, _) => {
                ReadingCall::Category(WriteRequest::Catalog((**write).clone()))
            }
        }
    }

    /// The units that wait for the answer, each once.
    #[must_use]
    pub fn units(&self) -> Vec<usize> {
        let mut units: Vec<_> = match self {
            Self::Queries(together) => together.members().iter().map(|(unit, _)| *unit).collect(),
            Self::Existing { members, .. } => members.iter().map(|(unit, _)| *unit).collect(),
            Self::Lookup(_, units) | Self::Category(_, units) => units.clone(),
        };
        units.sort_unstable();
        units.dedup();
        units
    }

    /// The notification to look at later if the call had no answer and Klaviyo may still carry it out: for a category,
    /// which may be deleted by then.
    #[must_use]
    pub fn doubtful(&self) -> Option<Map<String, Value>> {
        match self {
            Self::Category(write, _) => Some(change("category", identity::external(write.id()))),
            Self::Queries(_) | Self::Existing { .. } | Self::Lookup(..) => None,
        }
    }

    /// Whether the call goes to commercetools.
    #[must_use]
    pub fn is_of_commercetools(&self) -> bool {
        matches!(self, Self::Queries(_))
    }

    /// The operation, as Klaviyo counts its rate limits.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Queries(_) => None,
            Self::Existing { lookup, .. } | Self::Lookup(lookup, _) => Some(lookup.operation()),
            Self::Category(write, _) => Some(WriteRequest::Catalog((**write).clone()).operation()),
        }
    }

    /// Hands the answer out to the units.
    #[must_use]
    pub fn hand_out<'a>(&self, answer: Result<&'a HttpAnswer, NoAnswer>) -> HandedOut<'a> {
        let to_all = || self.each(|_| PartContent::Answer(answer.map(Cow::Borrowed)));
        let Ok(told) = answer else { return to_all() };
        if let Self::Queries(together) = self
            && let Some(BegunAnswer { answered, further }) = together.begun(told)
        {
            return handed_out_so_far(answered, further);
        }
        match self {
            Self::Queries(together) => match products(together, told) {
                Some(products) => {
                    self.each(|reading| PartContent::Products(own(reading, &products)))
                }
                None => match together.split(told) {
                    Some(SplitAnswer { answers, further }) => {
                        let mut answers = answers.into_iter();
                        let parts = self
                            .each(|_| PartContent::Answer(answers.next().ok_or(NoAnswer::Network)));
                        let further = further.into_iter().map(Self::Queries).collect();
                        HandedOut { further, ..parts }
                    }
                    None if passes(told.status) => to_all(),
                    None => {
                        let apart = together.apart().into_iter().map(Self::Queries);
                        HandedOut { parts: Vec::new(), further: apart.collect() }
                    }
                },
            },
            Self::Existing { .. } => match ids(told) {
                Ok(Some(page)) => {
                    let found: HashSet<_> = page.ids.into_iter().collect();
                    self.each(|reading| PartContent::Answer(Ok(Cow::Owned(held(reading, &found)))))
                }
                _ => to_all(),
            },
            Self::Lookup(..) | Self::Category(..) => to_all(),
        }
    }

    /// A part for each unit, with this content.
    fn each<'a>(&self, mut content: impl FnMut(&UnitReading) -> PartContent<'a>) -> HandedOut<'a> {
        let mut part =
            |unit, reading: UnitReading| AnswerPart { unit, content: content(&reading), reading };
        let parts = match self {
            Self::Queries(together) => {
                let members = together.members().iter();
                members.map(|(unit, query)| part(*unit, query.clone().into())).collect()
            }
            Self::Existing { kind, members, .. } => {
                let existing =
                    |ids: &Vec<String>| KlaviyoLookup::Existing { kind: *kind, ids: ids.clone() };
                members.iter().map(|(unit, ids)| part(*unit, existing(ids).into())).collect()
            }
            Self::Lookup(lookup, units) => {
                units.iter().map(|unit| part(*unit, lookup.clone().into())).collect()
            }
            Self::Category(write, units) => {
                units.iter().map(|unit| part(*unit, UnitReading::Category(write.clone()))).collect()
            }
        };
        HandedOut { parts, further: Vec::new() }
    }
}

/// The result of the beginning of an answer.
fn handed_out_so_far<'a>(
    answered: Option<(JointQuery, HttpAnswer)>,
    further: Vec<JointQuery>,
) -> HandedOut<'a> {
    let mut parts = Vec::new();
    let mut further: Vec<_> = further.into_iter().map(JointReading::Queries).collect();
    if let Some((query, answer)) = answered {
        let so_far = JointReading::Queries(query).hand_out(Ok(&answer));
        parts.extend(so_far.parts.into_iter().map(AnswerPart::into_owned));
        further.extend(so_far.further);
    }
    HandedOut { parts, further }
}

impl AnswerPart<'_> {
    /// The same as an owned value.
    fn into_owned<'a>(self) -> AnswerPart<'a> {
        let Self { unit, reading, content } = self;
        let content = match content {
            PartContent::Answer(answer) => {
                PartContent::Answer(answer.map(|answer| Cow::Owned(answer.into_owned())))
            }
            PartContent::Products(products) => PartContent::Products(products),
        };
        AnswerPart { unit, reading, content }
    }
}

/// The products of an answer, if it is about products of orders.
fn products(together: &JointQuery, answer: &HttpAnswer) -> Option<Vec<Rc<Product>>> {
    let [(_, DocumentQuery::Products(_)), ..] = together.members() else { return None };
    let page: Vec<Product> = page(answer).ok()?;
    Some(page.iter().map(|product| Rc::new(product.for_orders())).collect())
}

/// The products that a reading asked for.
fn own(reading: &UnitReading, products: &[Rc<Product>]) -> Vec<Rc<Product>> {
    let UnitReading::Commercetools(DocumentQuery::Products(ids)) = reading else {
        return Vec::new();
    };
    products.iter().filter(|product| ids.contains(&product.id)).cloned().collect()
}

/// Klaviyo's answer as if only this reading had been asked, if Klaviyo found these.
fn held(reading: &UnitReading, found: &HashSet<String>) -> HttpAnswer {
    let UnitReading::Klaviyo(KlaviyoLookup::Existing { kind, ids }) = reading else {
        return HttpAnswer::default();
    };
    let there = ids.iter().filter(|id| found.contains(*id));
    let rows: Vec<_> = there.map(|id| json!({"type": kind.name(), "id": id})).collect();
    let body = json!({"data": rows}).to_string();
    HttpAnswer { status: 200, body, ..HttpAnswer::default() }
}

#[cfg(test)]
mod tests {
    use super::super::documents::Documents;
    use super::super::reading::KnownDocument;
    use super::*;
    use crate::commercetools::query::PRODUCTS_PER_QUERY;
    use crate::commercetools::reference::Id;
    use crate::klaviyo::catalog::{CatalogCategory, CatalogKey, CatalogObject};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn existing_item(id: &str) -> UnitReading {
        KlaviyoLookup::Existing { kind: CatalogKind::Item, ids: vec![id.to_owned()] }.into()
    }

    fn new_category(name: &str) -> UnitReading {
        let key = CatalogKey { id: "c".to_owned(), external_id: "c".to_owned() };
        let category = CatalogCategory { key, name: name.to_owned() };
        UnitReading::Category(Box::new(CatalogWrite::put(CatalogObject::Category(category), false)))
    }

    fn answered(status: u16, body: &serde_json::Value) -> HttpAnswer {
        HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
    }

    /// The documents of this many units after this answer, and whether each could take it.
    fn handed(joint: &JointReading, units: usize, answer: &HttpAnswer) -> Vec<(Documents, bool)> {
        let mut all = vec![(Documents::default(), true); units];
        for part in joint.hand_out(Ok(answer)).parts {
            let taken = all[part.unit].0.add_part(&part).is_ok();
            all[part.unit].1 &= taken;
        }
        all
    }

    #[test]
    fn new_items_take_a_lookup_for_many() {
        let ids: Vec<_> = (0..150).map(|n| format!("$custom:::$default:::{n:036}")).collect();
        let readings = ids.iter().enumerate().map(|(unit, id)| (unit, existing_item(id)));
        let joint = together(readings);
        assert_eq!(joint.len(), 2, "as many as fit an address");
        let there = json!({"data": [{"type": "catalog-item", "id": ids[1]}]});
        let all = handed(&joint[0], 150, &answered(200, &there));
        let held = all.iter().map(|(documents, _)| documents.item_is_held);
        assert_eq!(held.filter(|held| *held).count(), 1);
        let variants = |unit: usize| &all[unit].0.known_variants;
        assert_eq!((variants(0), variants(1)), (&KnownDocument::Gone, &KnownDocument::Unasked));
        let down = handed(&joint[0], 150, &answered(503, &json!({})));
        let told = down.iter().filter(|(_, taken)| !taken).count();
        assert_eq!(told, joint[0].hand_out(Ok(&HttpAnswer::default())).parts.len());
    }

    #[test]
    fn products_of_many_orders_are_read_once() {
        // Overlapping: 3 products each, of 150 in total.
        let of = |unit: usize| (unit..unit + 3).map(|n| id(&(n % 150).to_string())).collect();
        let readings = (0..150).map(|unit| (unit, DocumentQuery::Products(of(unit)).into()));
        let joint = together(readings);
        assert_eq!(joint.len(), 150_usize.div_ceil(PRODUCTS_PER_QUERY));
        let mut all = vec![Documents::default(); 150];
        for joint in joint {
            let product = |n| json!({"id": n, "masterData": {"current": {}}});
            let results: Vec<_> = (0..150).map(|n| product(n.to_string())).collect();
            for part in joint.hand_out(Ok(&answered(200, &json!({ "results": results })))).parts {
                all[part.unit].add_part(&part).expect("products");
            }
        }
        let products = |unit: usize| all[unit].products.as_deref().expect("products");
        assert!((0..150).all(|unit| products(unit).len() == 3));
        assert!(Rc::ptr_eq(&products(0)[1], &products(1)[0]), "one for all");
    }

    #[test]
    fn a_category_is_written_for_all_who_wait_for_it() {
        let joint = together([(0, new_category("A")), (1, new_category("A"))]);
        let [one] = joint.as_slice() else { panic!("one call") };
        for (status, body, known, refused) in [
            (201, json!({"data": {"type": "catalog-category", "id": "c"}}), 1, 0),
            (409, json!({"errors": [{"status": 409, "code": "duplicate"}]}), 1, 0),
            (400, json!({"errors": [{"status": 400, "code": "invalid"}]}), 0, 1),
        ] {
            for (documents, taken) in handed(one, 2, &answered(status, &body)) {
                assert!(taken, "{status}");
                assert_eq!(documents.categories.held.list().len(), known, "{status}");
                assert_eq!(documents.categories.refused().count(), refused, "{status}");
            }
        }
        let later = handed(one, 2, &answered(429, &json!({})));
        assert!(later.iter().all(|(_, taken)| !taken), "it is asked for once more");
    }

    #[test]
    fn an_answer_that_cannot_tell_has_each_asked_alone() {
        let queries = ["a", "b"].map(|one| DocumentQuery::Customer(id(one)).into());
        let joint = together(queries.into_iter().enumerate());
        assert_eq!(joint.len(), 1);
        let refused = answered(400, &json!({"statusCode": 400}));
        let HandedOut { parts, further } = joint[0].hand_out(Ok(&refused));
        assert!(parts.is_empty());
        assert_eq!(further.len(), 2);
        assert_eq!(further[0].hand_out(Ok(&refused)).parts.len(), 1, "alone, it is the answer");
        for status in [401, 429, 503] {
            let answer = answered(status, &json!({}));
            let HandedOut { parts, further } = joint[0].hand_out(Ok(&answer));
            assert_eq!((parts.len(), further.len()), (2, 0), "{status} is told to all");
        }
        assert_eq!(joint[0].hand_out(Err(NoAnswer::Timeout)).parts.len(), 2);
    }
}
