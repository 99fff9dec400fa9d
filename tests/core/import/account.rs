//! A Klaviyo in memory: accepts what the import writes, carries out jobs later, and counts what no run may ever do.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use commercetools_klaviyo::http::HttpAnswer;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::shop::text;
use super::world::{Chance, time};

/// An account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Attributes by external id.
    pub(crate) profiles: BTreeMap<String, Value>,
    /// When they were created, in ms.
    created: BTreeMap<String, u64>,
    /// The time, in ms.
    now: u64,
    /// Metric and unique id, with how often it was recorded: the first wins, so once.
    pub(crate) events: BTreeMap<(String, String), Value>,
    /// How long after a bulk request that is, in ms.
    pub(crate) bulk_events_ms: u64,
    /// Attributes of categories, items and variants by Klaviyo's id.
    pub(crate) categories: BTreeMap<String, Value>,
    pub(crate) items: BTreeMap<String, Value>,
    /// The categories of items, by Klaviyo's ids of both.
    pub(crate) categories_of: BTreeMap<String, BTreeSet<String>>,
    /// With their items.
    pub(crate) variants: BTreeMap<String, (String, Value)>,
    jobs: BTreeMap<String, Job>,
    next_job: u64,
    /// Rows of events that were taken together, and when they are carried out, in ms.
    late_events: Vec<(u64, Vec<Value>)>,
    /// E-mails, metrics' ids, titles and names that are refused when they come.
    pub(crate) refused: HashSet<String>,
    /// The same, but only when a job is carried out.
    pub(crate) refused_later: HashSet<String>,
    /// Whether errors name the row; by so many they miss it.
    pub(crate) pointers: bool,
    pub(crate) miss_by: usize,
    /// So many creations of variants do not find their item yet.
    pub(crate) items_not_found: u32,
    /// How many errors a job tells of, however many rows failed; none for all.
    pub(crate) told: Option<usize>,
    /// How long jobs take, in ms; item creations say so longer than they take, and deletions may take
    /// longer.
    pub(crate) job_ms: u64,
    pub(crate) deletion_ms: u64,
    /// Every job is refused with this status, without naming a row.
    pub(crate) refused_jobs: Option<u16>,
    pub(crate) linger_ms: u64,
    /// Each job takes a time of its own up to `job_ms`, drawn from this seed.
    pub(crate) spread: Option<u64>,
    /// Whether events may be no history.
    pub(crate) takes_live_events: bool,
    /// Rules that were broken.
    pub(crate) violations: Vec<String>,
    /// The most jobs that were open at once.
    pub(crate) most_open_jobs: usize,
    /// How often each operation was called.
    pub(crate) calls: HashMap<String, u64>,
}

#[derive(Debug)]
struct Job {
    path: String,
    rows: Vec<Value>,
    applies_at: u64,
    ends_at: u64,
    failed: Option<Vec<(usize, Value)>>,
}

fn ok(status: u16, body: &Value) -> HttpAnswer {
    HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
}

/// An answer without a body.
fn empty(status: u16) -> HttpAnswer {
    HttpAnswer { status, ..HttpAnswer::default() }
}

fn refusal(status: u16, pointer: &str, detail: &str) -> HttpAnswer {
    let error = json!({"code": "invalid", "detail": detail, "source": {"pointer": pointer}});
    ok(status, &json!({ "errors": [error] }))
}

impl Account {
    /// Carries out the jobs that are due.
    pub(crate) fn settle(&mut self, now: u64) {
        for (at, rows) in self.late_events.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>()
        {
            self.now = at;
            self.record(&rows);
        }
        let due: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.failed.is_none() && job.applies_at <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let Some(job) = self.jobs.get(&id) else { continue };
            let (path, rows) = (job.path.clone(), job.rows.clone());
            self.now = job.applies_at;
            let mut failed = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                if self.carry_out(&path, row).status >= 400 {
                    failed.push((index, row.clone()));
                }
            }
            if let Some(job) = self.jobs.get_mut(&id) {
                job.failed = Some(failed);
            }
        }
    }

    /// Carries out every job, whenever it is due.
    pub(crate) fn finish(&mut self) {
        self.settle(u64::MAX);
    }

    fn carry_out(&mut self, path: &str, row: &Value) -> HttpAnswer {
        if row
            .pointer("/attributes/email")
            .and_then(Value::as_str)
            .is_some_and(|email| self.refused_later.contains(email))
        {
            return refusal(400, "/data", "refused later");
        }
        if path.contains("profile") {
            return self.profile(row);
        }
        let name = path.trim_start_matches("/api/catalog-");
        let (kind, rest) = name.split_once("-bulk-").expect("a job");
        let id = row["id"].as_str().map(ToOwned::to_owned);
        match rest.trim_end_matches("-jobs") {
            "create" => self.create(kind, row),
            "update" => self.update(kind, &id.expect("an id"), row),
            _ => self.delete(kind, &id.expect("an id")),
        }
    }

    fn profile(&mut self, row: &Value) -> HttpAnswer {
        let attributes = &row["attributes"];
        let email = attributes["email"].as_str().unwrap_or_default();
        if self.refused.contains(email) {
            return refusal(400, "/data/attributes/email", "refused");
        }
        let id = attributes["external_id"].as_str().expect("an external id").to_owned();
        let answer = ok(200, &json!({"data": {"type": "profile", "id": format!("p-{id}")}}));
        if !self.profiles.contains_key(&id) {
            self.created.insert(id.clone(), self.now);
        }
        self.profiles.insert(id, attributes.clone());
        answer
    }

    /// Nothing of a person is left.
    pub(crate) fn forget(&mut self, id: &str) {
        self.profiles.remove(id);
        self.created.remove(id);
    }

    fn erase(&mut self, body: &Value) -> HttpAnswer {
        let id = body.pointer("/data/attributes/profile/data/id").and_then(Value::as_str);
        let id = id.expect("an id").trim_start_matches("p-");
        self.forget(id);
        empty(202)
    }

    /// Records events that were taken together.
    fn record(&mut self, rows: &[Value]) {
        for row in rows {
            let profile = &row["attributes"]["profile"];
            let events = row["attributes"]["events"]["data"].as_array().expect("events");
            for event in events {
                let mut event = event.clone();
                event["attributes"]["profile"] = profile.clone();
                self.event(&event);
            }
        }
    }

    /// Records an event. Whom it is about has a profile from then on.
    fn event(&mut self, event: &Value) {
        let profile = &event["attributes"]["profile"]["data"]["attributes"];
        if let Some(id) = profile["external_id"].as_str().map(ToOwned::to_owned) {
            self.created.entry(id.clone()).or_insert(self.now);
            merge(self.profiles.entry(id).or_insert_with(|| json!({})), profile.clone());
        }
        let attributes = &event["attributes"];
        let metric = attributes["metric"]["data"]["attributes"]["name"].as_str().expect("a metric");
        let id = attributes["unique_id"].as_str().expect("an id");
        if attributes["backfill"] != true && !self.takes_live_events {
            self.violations.push(format!("{metric} {id} is no backfill"));
        }
        self.events.entry((metric.to_owned(), id.to_owned())).or_insert_with(|| attributes.clone());
    }

    fn create(&mut self, kind: &str, row: &Value) -> HttpAnswer {
        let attributes = row["attributes"].clone();
        let title = attributes["title"].as_str().or(attributes["name"].as_str());
        if title.is_some_and(|title| self.refused.contains(title)) {
            return refusal(400, "/data/attributes/title", "refused");
        }
        let id =
            format!("$custom:::$default:::{}", attributes["external_id"].as_str().expect("an id"));
        let known = match kind {
            "category" => self.categories.contains_key(&id),
            "item" => self.items.contains_key(&id),
            _ => self.variants.contains_key(&id),
        };
        if known {
            return refusal(409, "/data", "it is there already");
        }
        match kind {
            "category" => {
                self.categories.insert(id, attributes);
            }
            "item" => {
                if !self.categories_known(row) {
                    return self.category_not_known();
                }
                self.relate(&id, row);
                self.items.insert(id, attributes);
            }
            _ => {
                let item = row["relationships"]["item"]["data"]["id"].as_str().expect("an item");
                let is_found = self.items_not_found == 0;
                self.items_not_found = self.items_not_found.saturating_sub(1);
                if !is_found || !self.items.contains_key(item) {
                    return refusal(404, "/data/relationships", "the item is not known");
                }
                self.variants.insert(id, (item.to_owned(), attributes));
            }
        }
        ok(201, &json!({"data": {"type": format!("catalog-{kind}")}}))
    }

    /// The categories that a row names replace those that the item had.
    fn relate(&mut self, item: &str, row: &Value) {
        if let Some(categories) = row["relationships"]["categories"]["data"].as_array() {
            let ids = categories.iter().filter_map(|one| one["id"].as_str().map(ToOwned::to_owned));
            self.categories_of.insert(item.to_owned(), ids.collect());
        }
    }

    /// Nobody has seen which of them it is.
    fn category_not_known(&self) -> HttpAnswer {
        let status = if self.pointers { 400 } else { 404 };
        refusal(status, "/data/relationships", "a category is not known")
    }

    fn categories_known(&self, row: &Value) -> bool {
        let categories = row["relationships"]["categories"]["data"].as_array();
        let mut ids = categories.into_iter().flatten().filter_map(|one| one["id"].as_str());
        ids.all(|id| self.categories.contains_key(id))
    }

    fn update(&mut self, kind: &str, id: &str, row: &Value) -> HttpAnswer {
        let attributes = row["attributes"].clone();
        if attributes["title"].as_str().is_some_and(|title| self.refused.contains(title)) {
            return refusal(400, "/data/attributes/title", "refused");
        }
        if kind == "item" && !self.categories_known(row) {
            return self.category_not_known();
        }
        if kind == "item" && self.items.contains_key(id) {
            self.relate(id, row);
        }
        let known = match kind {
            "category" => self.categories.get_mut(id),
            "item" => self.items.get_mut(id),
            _ => self.variants.get_mut(id).map(|(_, attributes)| attributes),
        };
        match known {
            None => refusal(404, "/data", "not known"),
            Some(known) => {
                merge(known, attributes);
                ok(200, &json!({"data": {"type": format!("catalog-{kind}")}}))
            }
        }
    }

    fn delete(&mut self, kind: &str, id: &str) -> HttpAnswer {
        let known = match kind {
            "category" => {
                self.categories_of.values_mut().for_each(|ids| {
                    ids.remove(id);
                });
                self.categories.remove(id).is_some()
            }
            "item" => {
                self.categories_of.remove(id);
                self.variants.retain(|_, (item, _)| item != id);
                self.items.remove(id).is_some()
            }
            _ => self.variants.remove(id).is_some(),
        };
        if known { empty(204) } else { refusal(404, "/data", "not known") }
    }

    /// Answers a call.
    pub(crate) fn answer(
        &mut self,
        method: &str,
        path_and_query: &str,
        body: Option<&str>,
        now: u64,
    ) -> HttpAnswer {
        self.settle(now);
        self.now = now;
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let query = percent_decode_str(query).decode_utf8_lossy().into_owned();
        let body: Value =
            body.map_or(Value::Null, |body| serde_json::from_str(body).expect("JSON"));
        let operation = path.split(":::").next().unwrap_or_default();
        *self.calls.entry(format!("{method} {operation}")).or_default() += 1;
        let segments: Vec<_> = path.trim_start_matches("/api/").split('/').collect();
        match (method, segments.as_slice()) {
            ("POST", ["profile-import"]) => self.profile(&body["data"]),
            ("POST", ["events"]) => {
                let id = body["data"]["attributes"]["unique_id"].as_str().unwrap_or_default();
                if self.refused.contains(id) {
                    return refusal(400, "/data/attributes/properties", "refused");
                }
                self.event(&body["data"]);
                empty(202)
            }
            ("POST", ["event-bulk-create-jobs"]) => self.bulk_events(&body),
            ("POST", ["data-privacy-deletion-jobs"]) => self.erase(&body),
            ("POST", [jobs]) if jobs.ends_with("-jobs") => self.start_job(&path, &body, now),
            ("GET", [jobs, id]) if jobs.ends_with("-jobs") => self.job(id, now),
            ("GET", ["profile-bulk-import-jobs", id, "import-errors"]) => self.import_errors(id),
            ("GET", ["profiles"]) => {
                let id = query.split('"').nth(1).unwrap_or_default();
                let known = self.profiles.contains_key(id).then(|| {
                    json!({"type": "profile", "id": format!("p-{id}"), "attributes": {
                        "external_id": id, "created": text(time(self.created[id]))}})
                });
                let data: Vec<_> = known.into_iter().collect();
                ok(200, &json!({"data": data, "links": {"next": null}}))
            }
            ("GET", ["catalog-items", item, "relationships", "categories"]) => {
                match (self.items.get(*item), self.categories_of.get(*item)) {
                    (Some(_), Some(ids)) => page(ids.iter()),
                    (Some(_), None) => page(std::iter::empty()),
                    (None, _) => refusal(404, "/data", "not known"),
                }
            }
            ("GET", ["catalog-categories", id]) => match self.categories.get(*id) {
                Some(category) => {
                    let attributes = json!({"name": category["name"]});
                    ok(
                        200,
                        &json!({"data": {"type": "catalog-category", "id": id,
                            "attributes": attributes}}),
                    )
                }
                None => refusal(404, "/data", "not known"),
            },
            ("GET", ["catalog-items", item, "variants"]) => {
                if !self.items.contains_key(*item) {
                    return refusal(404, "/data", "not known");
                }
                let variants = self.variants.iter().filter(|(_, (of, _))| of == item);
                paged(variants.map(|(id, _)| id), &query, 100)
            }
            ("GET", ["catalog-items"]) if query.contains("custom_metadata") => {
                let data: Vec<_> = self
                    .items
                    .iter()
                    .map(|(id, attributes)| json!({"type": "catalog-item", "id": id, "attributes": attributes}))
                    .collect();
                ok(200, &json!({"data": data, "links": {"next": null}}))
            }
            ("GET", ["catalog-items"]) => self.list(self.items.keys(), &query),
            ("GET", ["catalog-categories"]) => self.list(self.categories.keys(), &query),
            ("GET", ["catalog-variants"]) => self.list(self.variants.keys(), &query),
            ("POST", ["catalog-categories"]) => self.create("category", &body["data"]),
            ("POST", ["catalog-items"]) => self.create("item", &body["data"]),
            ("POST", ["catalog-variants"]) => self.create("variant", &body["data"]),
            ("PATCH", [kind, id]) => self.update(singular(kind), id, &body["data"]),
            ("DELETE", [kind, id]) => self.delete(singular(kind), id),
            _ => panic!("Klaviyo does not know {method} {path}"),
        }
    }

    #[expect(clippy::unused_self, reason = "the lists are borrowed from it")]
    fn list<'a>(&self, ids: impl Iterator<Item = &'a String>, query: &str) -> HttpAnswer {
        match query.split_once("any(ids,[") {
            Some((_, asked)) => {
                let asked: BTreeSet<_> = asked.split('"').skip(1).step_by(2).collect();
                page(ids.filter(|id| asked.contains(id.as_str())))
            }
            None => paged(ids, query, 10),
        }
    }

    fn bulk_events(&mut self, body: &Value) -> HttpAnswer {
        let rows = body["data"]["attributes"]["events-bulk-create"]["data"]
            .as_array()
            .expect("rows")
            .clone();
        let events: Vec<_> = rows
            .iter()
            .flat_map(|row| row["attributes"]["events"]["data"].as_array().expect("events"))
            .collect();
        let ids: Vec<_> = events
            .iter()
            .map(|event| event["attributes"]["unique_id"].as_str().expect("an id"))
            .collect();
        if ids.iter().collect::<HashSet<_>>().len() < ids.len() || ids.len() > 1000 {
            self.violations.push("an id stands twice in a bulk request".to_owned());
        }
        if let Some(row) = ids.iter().position(|id| self.refused.contains(*id)) {
            return refusal(400, &self.pointer("events-bulk-create", row), "refused");
        }
        let takes = match self.spread {
            Some(seed) if self.bulk_events_ms == 0 => {
                self.next_job += 1;
                Chance::new(seed ^ self.next_job).next(self.job_ms)
            }
            _ => self.bulk_events_ms,
        };
        if takes > 0 {
            self.late_events.push((self.now + takes, rows));
        } else {
            self.record(&rows);
        }
        empty(202)
    }

    fn pointer(&self, rows: &str, row: usize) -> String {
        if self.pointers {
            format!("/data/attributes/{rows}/data/{}", row + self.miss_by)
        } else {
            "/data".to_owned()
        }
    }

    fn start_job(&mut self, path: &str, body: &Value, now: u64) -> HttpAnswer {
        if let Some(status) = self.refused_jobs {
            return refusal(status, "/data", "refused as a whole");
        }
        let attributes = body["data"]["attributes"].as_object().expect("attributes");
        let (name, rows) = attributes.iter().next().expect("rows");
        let rows = rows["data"].as_array().expect("rows").clone();
        let most = if path.contains("profile") { 10_000 } else { 100 };
        let names: Vec<_> = rows
            .iter()
            .map(|row| {
                row["id"].as_str().or(row["attributes"]["external_id"].as_str()).expect("a name")
            })
            .collect();
        if rows.len() > most || names.iter().collect::<HashSet<_>>().len() < names.len() {
            self.violations.push(format!("{path} has too many rows, or one twice"));
        }
        let email =
            |row: &Value| row["attributes"]["email"].as_str().unwrap_or_default().to_owned();
        if let Some(row) = rows.iter().position(|row| self.refused.contains(&email(row))) {
            return refusal(400, &self.pointer(name, row), "refused");
        }
        let open = self.jobs.values().filter(|job| job.ends_at > now).count() + 1;
        self.most_open_jobs = self.most_open_jobs.max(open);
        self.next_job += 1;
        let id = format!("job-{}", self.next_job);
        let slower = if path.contains("bulk-delete") { self.deletion_ms } else { 0 };
        let takes = match self.spread {
            Some(seed) => Chance::new(seed ^ self.next_job).next(self.job_ms),
            None => self.job_ms,
        };
        let applies_at = now + takes + slower;
        let linger = if path.contains("item-bulk-create") { self.linger_ms } else { 0 };
        let job = Job {
            path: path.to_owned(),
            rows,
            applies_at,
            ends_at: applies_at + linger,
            failed: None,
        };
        self.jobs.insert(id.clone(), job);
        let of_type = path.trim_start_matches("/api/").trim_end_matches('s').to_owned();
        ok(202, &json!({"data": {"type": of_type, "id": id, "attributes": {"status": "queued"}}}))
    }

    fn job(&mut self, id: &str, now: u64) -> HttpAnswer {
        let pointers = self.pointers;
        let Some(job) = self.jobs.get(id) else { return refusal(404, "/data", "not known") };
        let status = match &job.failed {
            Some(_) if job.ends_at <= now => "complete",
            Some(_) => "processing",
            None => "queued",
        };
        let failed = job.failed.as_deref().unwrap_or_default();
        let errors: Vec<_> = failed
            .iter()
            .take(self.told.unwrap_or(usize::MAX))
            .map(|(row, _)| {
                let pointer = if pointers {
                    format!("/data/attributes/rows/data/{row}")
                } else {
                    "/data".to_owned()
                };
                json!({"code": "x", "detail": "d", "source": {"pointer": pointer}})
            })
            .collect();
        let count = if status == "complete" { failed.len() } else { 0 };
        ok(
            200,
            &json!({"data": {"id": id, "attributes": {
            "status": status, "failed_count": count, "total_count": job.rows.len(), "errors": errors}}}),
        )
    }

    fn import_errors(&self, id: &str) -> HttpAnswer {
        let failed = self.jobs.get(id).and_then(|job| job.failed.as_deref()).unwrap_or_default();
        let data: Vec<_> = failed
            .iter()
            .take(self.told.unwrap_or(usize::MAX))
            .map(|(row, payload)| {
                let pointer = if self.pointers { format!("/data/attributes/profiles/data/{row}") } else { "/data".to_owned() };
                let payload = if self.pointers { Value::Null } else { payload.clone() };
                json!({"attributes": {"code": "x", "detail": "d", "source": {"pointer": pointer}, "original_payload": payload}})
            })
            .collect();
        ok(200, &json!({"data": data, "links": {"next": null}}))
    }
}

/// Members that are given replace the old ones; the rest stays.
fn merge(known: &mut Value, given: Value) {
    match (known.as_object_mut(), given) {
        (Some(known), Value::Object(given)) => known.extend(given),
        (_, given) => *known = given,
    }
}

fn singular(kind: &str) -> &str {
    match kind {
        "catalog-items" => "item",
        "catalog-categories" => "category",
        _ => "variant",
    }
}

/// A page of so many ids, with the cursor of the next.
fn paged<'a>(ids: impl Iterator<Item = &'a String>, query: &str, size: usize) -> HttpAnswer {
    let after = query.split_once("page[cursor]=").map(|(_, rest)| rest.split('&').next());
    let after = after.flatten();
    let mut rest = ids.filter(|id| after.is_none_or(|after| id.as_str() > after)).peekable();
    let some: Vec<_> = rest.by_ref().take(size).collect();
    let next = some.last().filter(|_| rest.peek().is_some());
    let next = next.map(|last| format!("https://k/x?page[cursor]={last}"));
    let data: Vec<_> = some.iter().map(|id| json!({"type": "x", "id": id})).collect();
    ok(200, &json!({"data": data, "links": {"next": next}}))
}

fn page<'a>(ids: impl Iterator<Item = &'a String>) -> HttpAnswer {
    let data: Vec<_> = ids.map(|id| json!({"type": "x", "id": id})).collect();
    ok(200, &json!({"data": data, "links": {"next": null}}))
}
