//! A project of commercetools as the feed sees it: documents in the order of their stamps and ids, each readable from
//! some time on.

use std::collections::{BTreeMap, BTreeSet};

use commercetools_klaviyo::commercetools::keyset::{StampedPage, StampedResource};
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::http::{DOCUMENT_BYTES, HttpAnswer, PAGE_BYTES};
use commercetools_klaviyo::time::UnixMs;
use serde_json::{Value, json};

use crate::import::world::Chance;
use crate::support::at;

/// Documents by stamp, by the order of the id, and by the id: from when each is readable, and what it is.
type InOrder = BTreeMap<(u64, u64, String), (u64, Value)>;

/// What can be read of it.
pub(crate) struct Project {
    documents: BTreeMap<StampedResource, InOrder>,
    pub(crate) enabled: bool,
    /// Its `productCatalogModel`.
    pub(crate) model: &'static str,
    /// Its categories, and those that no page has although they are there.
    pub(crate) there: BTreeSet<Id>,
    pub(crate) unlisted: BTreeSet<Id>,
    /// What is answered in place of a category that is gone.
    pub(crate) hides: Option<(u16, String)>,
    /// What pages are answered with instead.
    pub(crate) fails: Option<(u16, String)>,
    /// How many documents were asked for.
    pub(crate) limits: Vec<usize>,
    /// How often something of it was read, by what.
    pub(crate) reads: BTreeMap<&'static str, u64>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            documents: BTreeMap::new(),
            enabled: true,
            model: "Classic",
            there: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            hides: None,
            fails: None,
            limits: Vec::new(),
            reads: BTreeMap::new(),
        }
    }
}

/// An id that no other message has.
pub(crate) fn id(chance: &mut Chance) -> String {
    format!("{:016x}-{:016x}", chance.next(u64::MAX), chance.next(u64::MAX))
}

/// The order of ids, which is not that of the texts.
fn order(id: &str) -> u64 {
    id.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte))
}

impl Project {
    /// A message is told of.
    pub(crate) fn tell(&mut self, readable: u64, stamp: u64, mut message: Value) {
        message["createdAt"] = at(stamp).shown().into();
        self.put(StampedResource::Messages, readable, stamp, message);
    }

    /// A document has a version.
    pub(crate) fn change(
        &mut self,
        of: StampedResource,
        readable: u64,
        stamp: u64,
        mut document: Value,
    ) {
        document["lastModifiedAt"] = at(stamp).shown().into();
        self.put(of, readable, stamp, document);
    }

    fn put(&mut self, of: StampedResource, readable: u64, stamp: u64, document: Value) {
        let id = document["id"].as_str().unwrap_or_default().to_owned();
        let key = (stamp, order(&id), id);
        self.documents.entry(of).or_default().insert(key, (readable, document));
    }

    /// The project itself.
    pub(crate) fn document(&mut self, now: u64) -> HttpAnswer {
        self.count("project");
        let messages = json!({"enabled": self.enabled, "deleteDaysAfterCreation": 15});
        let project =
            json!({"key": "shop", "messages": messages, "productCatalogModel": self.model});
        let body = project.to_string();
        HttpAnswer { status: 200, date: Some(dated(now)), body, ..HttpAnswer::default() }
    }

    /// A page of all categories that are readable.
    pub(crate) fn categories(&mut self, after: Option<&Id>) -> HttpAnswer {
        self.count("all categories");
        let ids = self.there.iter().filter(|id| after.is_none_or(|after| *id > after));
        let results: Vec<_> = ids.take(500).map(|id| json!({ "id": id })).collect();
        let own = (200, json!({ "results": results }).to_string());
        let (status, body) = self.fails.clone().unwrap_or(own);
        HttpAnswer { status, body, ..HttpAnswer::default() }
    }

    /// One category.
    pub(crate) fn category(&self, id: &Id) -> HttpAnswer {
        let (status, body) = match &self.hides {
            Some((status, body)) if !self.there.contains(id) => (*status, body.clone()),
            _ if self.there.contains(id) || self.unlisted.contains(id) => {
                (200, json!({ "id": id }).to_string())
            }
            _ => (404, json!({"statusCode": 404, "message": "gone"}).to_string()),
        };
        HttpAnswer { status, body, ..HttpAnswer::default() }
    }

    fn count(&mut self, of: &'static str) {
        *self.reads.entry(of).or_default() += 1;
    }

    /// A page of it.
    pub(crate) fn page(&mut self, page: &StampedPage, now: u64) -> HttpAnswer {
        self.count(page.of.name());
        let none = HttpAnswer { status: 200, date: Some(dated(now)), ..HttpAnswer::default() };
        if let Some((status, body)) = &self.fails {
            return HttpAnswer { status: *status, body: body.clone(), ..none };
        }
        if page.of == StampedResource::Messages {
            self.limits.push(page.limit);
        }
        let after = page
            .after
            .id
            .as_ref()
            .map(|id| (page.after.at.ms(), order(id.as_str()), id.as_str().to_owned()));
        let empty = BTreeMap::new();
        let documents = self.documents.get(&page.of).unwrap_or(&empty);
        let matches = documents.iter().filter(|(key, (readable, value))| {
            *readable <= now
                && key.0 >= page.after.at.ms()
                && after.as_ref().is_none_or(|after| *key > after)
                && page.before.is_none_or(|before| key.0 < before.ms())
                && (page.types.is_empty()
                    || page.types.iter().any(|name| value["type"] == name.as_str()))
                && !page.without.iter().any(|id| id.as_str() == key.2)
        });
        let results: Vec<_> = matches.take(page.limit).map(|(_, (_, value))| value).collect();
        let mut body = json!({"limit": page.limit, "results": results}).to_string();
        let most = if page.limit == 1 { DOCUMENT_BYTES } else { PAGE_BYTES };
        let is_beginning = body.len() > most;
        body.truncate(most);
        HttpAnswer { body, is_beginning, ..none }
    }
}

/// commercetools tells its time in whole seconds.
fn dated(now: u64) -> UnixMs {
    at(now - now % 1_000)
}
