//! Connects the machine with the store: what to read next, which parts of a page to pass on, and what became of them.
//!
//! A page goes to the outbox as one batch with a number. Its effect on the cursors is stored as pending before, and
//! settled after. If the runtime ends in between, the feed asks the outbox whether it took the number; if not, the
//! outbox refuses it from then on. So each message is passed on once.
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

use serde::Deserialize;

use super::machine::{
    self, FeedStep, categories_compared, categories_failed, categories_read, category_done,
    keep_clock, outbox_failed, page_done, page_failed, project_failed, project_read, their_time,
};
use super::page::{FeedItem, entry, read};
use super::state::{
    BatchOrigin, FeedReading, FeedState, KnownVersion, LostItem, PageEnd, PendingBatch, ReadingGoal,
};
use super::store::state::{load, save};
use super::store::{categories, known, lost};
use crate::commercetools::answer::{document, long_page, refusal};
use crate::commercetools::keyset::StampedPage;
use crate::commercetools::notification::{Notification, change};
use crate::commercetools::query::PAGE;
use crate::commercetools::reference::{Id, IdReference};
use crate::commercetools::variant::CatalogModel;
use crate::config::FeedMode;
use crate::config::rules::OperatorRules;
use crate::fault::{ReadFault, Setback};
use crate::http::HttpAnswer;
use crate::outbox::store::intake::NewEntry;
use crate::push::conclusion::work_of;
use crate::push::envelope::PushedItem;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// What the outbox has to take in one call.
#[derive(Debug)]
pub struct FeedBatch {
    /// Its number, above all earlier ones.
    pub number: u64,
    /// Its content.
    pub entries: Vec<(NewEntry, PushedItem)>,
}

/// The next step.
pub fn next(sql: &dyn Sql, rules: &OperatorRules, now: UnixMs) -> Result<FeedStep, SqlError> {
    Ok(machine::next(&load(sql)?, &rules.feed, now))
}

/// Takes the result of reading the project.
pub fn take_project(
    sql: &dyn Sql,
    answered: Result<HttpAnswer, Setback>,
    now: UnixMs,
) -> Result<(), SqlError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FeedProject {
        messages: Option<MessagesConfiguration>,
        product_catalog_model: Option<CatalogModel>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MessagesConfiguration {
        enabled: bool,
        delete_days_after_creation: Option<u32>,
    }
    let mut state = load(sql)?;
    let answer = match answered {
        Ok(answer) => answer,
        Err(setback) => {
            let needs_person = setback.fault.mended_by_operator().is_some();
            project_failed(&mut state, setback.fault.code().into_owned(), needs_person, now);
            return save(sql, &state);
        }
    };
    if let Some(clock) = answer.date {
        keep_clock(&mut state, clock, now);
    }
    let project = serde_json::from_str::<FeedProject>(&answer.body).ok();
    let model = project.as_ref().and_then(|project| project.product_catalog_model);
    match (answer.status, project.and_then(|project| project.messages)) {
        (200, Some(messages)) if messages.enabled => {
            let days = messages.delete_days_after_creation;
            let model = model.unwrap_or(CatalogModel::Classic);
            project_read(&mut state, days, model, answer.date, now);
        }
        (200, Some(_)) => {
            let words = "Messages are off in the project (`messages.enabled` is false)";
            project_failed(&mut state, words.to_owned(), true, now);
        }
        // A client that may not read the project may read its messages.
        (403, _) if refusal(&answer).is_some() => {
            project_read(&mut state, None, CatalogModel::Unknown, answer.date, now);
        }
        _ => {
            let (words, needs_person) = words_of(&answer);
            project_failed(&mut state, words, needs_person, now);
        }
    }
    save(sql, &state)
}

/// Takes the result of reading a page. Returns the batch to pass on, if any; the cursors move after the outbox took it
/// ([`take_settled`]).
pub fn take_page(
    sql: &dyn Sql,
    rules: &OperatorRules,
    (reading, asked): (FeedReading, &StampedPage),
    answered: Result<HttpAnswer, Setback>,
    now: UnixMs,
) -> Result<Option<FeedBatch>, SqlError> {
    let mut state = load(sql)?;
    let answer = match answered {
        Ok(answer) => answer,
        Err(setback) => {
            let needs_person = setback.fault.mended_by_operator().is_some();
            let words = setback.fault.code().into_owned();
            page_failed(&mut state, reading.of, words, needs_person, now);
            save(sql, &state)?;
            return Ok(None);
        }
    };
    if let Some(clock) = answer.date {
        keep_clock(&mut state, clock, now);
    }
    let clock = answer.date.unwrap_or_else(|| their_time(&state, now));
    let page = match read(rules, asked, &answer, clock, now) {
        Ok(page) => page,
        Err(fault) => {
            let (words, needs_person) = match fault {
                ReadFault::Never(rejection) if answer.status == 200 => (rejection.detail, true),
                _ => words_of(&answer),
            };
            page_failed(&mut state, reading.of, words, needs_person, now);
            save(sql, &state)?;
            return Ok(None);
        }
    };
    let news = match reading.goal {
        ReadingGoal::Replay => all(page.items),
        ReadingGoal::Head | ReadingGoal::Look => news(sql, page.items)?,
    };
    if news.entries.is_empty() {
        done(sql, rules, &mut state, reading, &page.end, &news.known, now)?;
        save(sql, &state)?;
        return Ok(None);
    }
    let is_lost = rules.feed.mode == FeedMode::Beside && reading.goal != ReadingGoal::Replay;
    let lost = if is_lost { news.lost } else { Vec::new() };
    let of = BatchOrigin::Page(reading, page.end);
    let number = pend(&mut state, of, news.known, lost, now);
    save(sql, &state)?;
    Ok(Some(FeedBatch { number, entries: news.entries }))
}

/// The number of the batch that is pending now.
fn pend(
    state: &mut FeedState,
    of: BatchOrigin,
    known: Vec<KnownVersion>,
    lost: Vec<LostItem>,
    now: UnixMs,
) -> u64 {
    // Derived from the clock, so that numbers ascend even if this object starts over.
    state.batch = (state.batch + 1).max(now.ms());
    state.pending = Some(PendingBatch { number: state.batch, of, known, lost });
    state.batch
}

/// Takes the result of reading a page of all categories.
pub fn take_categories(
    sql: &dyn Sql,
    answered: Result<HttpAnswer, Setback>,
    now: UnixMs,
) -> Result<(), SqlError> {
    let mut state = load(sql)?;
    let page = answered.ok().and_then(|answer| long_page::<IdReference>(&answer, PAGE).ok());
    let Some(page) = page else {
        categories_failed(&mut state, now);
        return save(sql, &state);
    };
    let ids: Vec<_> = page.results.into_iter().map(|category| category.id).collect();
    let round = state.categories.number;
    categories::met(sql, &ids, round)?;
    if categories_read(&mut state, ids.last().cloned(), page.goes_on) {
        let missing = categories::missing(sql, round)?;
        categories_compared(&mut state, missing, now);
    }
    save(sql, &state)
}

/// Takes the result of reading a missing category. Passes on its deletion if commercetools itself says that it is gone.
pub fn take_category(
    sql: &dyn Sql,
    rules: &OperatorRules,
    id: &Id,
    answered: Result<HttpAnswer, Setback>,
    now: UnixMs,
) -> Result<Option<FeedBatch>, SqlError> {
    let mut state = load(sql)?;
    let found = answered.ok().and_then(|answer| document::<IdReference>(&answer).ok());
    let entry = match found {
        None => {
            categories_failed(&mut state, now);
            save(sql, &state)?;
            return Ok(None);
        }
        Some(Some(_)) => {
            categories::met(sql, std::slice::from_ref(id), state.categories.number)?;
            None
        }
        Some(None) => category_gone(rules, id, now),
    };
    let Some(entry) = entry else {
        category_done(&mut state, id);
        save(sql, &state)?;
        return Ok(None);
    };
    let number = pend(&mut state, BatchOrigin::Category(id.clone()), vec![], vec![], now);
    save(sql, &state)?;
    Ok(Some(FeedBatch { number, entries: vec![entry] }))
}

/// Takes what the broker delivered and the Worker answered with 2xx.
pub fn take_brought(sql: &dyn Sql, brought: &[KnownVersion]) -> Result<(), SqlError> {
    known::remember(sql, brought)?;
    let came = lost::came(sql, brought)?;
    if came > 0 {
        let mut state = load(sql)?;
        state.lost = state.lost.saturating_sub(came);
        state.late += came;
        save(sql, &state)?;
    }
    Ok(())
}

/// Whether the outbox took the pending batch; none if it did not answer.
pub fn take_settled(
    sql: &dyn Sql,
    rules: &OperatorRules,
    taken: Option<bool>,
    now: UnixMs,
) -> Result<(), SqlError> {
    let mut state = load(sql)?;
    let Some(taken) = taken else {
        outbox_failed(&mut state, now);
        return save(sql, &state);
    };
    let Some(pending) = state.pending.take() else { return Ok(()) };
    state.outbox_due = UnixMs::EPOCH;
    if !taken {
        return save(sql, &state);
    }
    match &pending.of {
        BatchOrigin::Page(reading, page) => {
            done(sql, rules, &mut state, *reading, page, &pending.known, now)?;
        }
        BatchOrigin::Category(id) => {
            categories::gone(sql, id)?;
            category_done(&mut state, id);
        }
    }
    if !pending.lost.is_empty() {
        lost::add(sql, &pending.lost)?;
        state.lost += u64::try_from(pending.lost.len()).unwrap_or(u64::MAX);
        state.last_lost = now;
    }
    save(sql, &state)
}

/// Moves the cursors, and remembers what was handed on for as long as it may be met again.
fn done(
    sql: &dyn Sql,
    rules: &OperatorRules,
    state: &mut FeedState,
    reading: FeedReading,
    page: &PageEnd,
    handed_on: &[KnownVersion],
    now: UnixMs,
) -> Result<(), SqlError> {
    known::remember(sql, handed_on)?;
    let look_ended = page_done(state, &rules.feed, reading, page, now);
    if let (true, Some(cursors)) = (look_ended, state.cursors.get(&reading.of)) {
        known::forget(sql, reading.of, cursors.from)?;
    }
    Ok(())
}

/// The parts of a page to pass on.
#[derive(Default)]
struct PageNews {
    /// What to remember.
    known: Vec<KnownVersion>,
    /// What to store.
    entries: Vec<(NewEntry, PushedItem)>,
    /// The same by its id, if a broker should have delivered it.
    lost: Vec<LostItem>,
}

/// All of it, whether known or not.
fn all(items: Vec<FeedItem>) -> PageNews {
    let entries = items.into_iter().filter_map(|item| item.entry).collect();
    PageNews { entries, ..PageNews::default() }
}

/// The parts of a page that were not passed on yet.
fn news(sql: &dyn Sql, items: Vec<FeedItem>) -> Result<PageNews, SqlError> {
    let keys = items.iter().flat_map(|item| {
        [Some(&item.known), item.settles.as_ref()].into_iter().flatten().map(|one| one.key.as_str())
    });
    let mut versions = known::of(sql, keys)?;
    let mut is_new = |one: &KnownVersion| {
        let newest = versions.entry(one.key.clone()).or_default();
        let is_new = one.version > *newest;
        *newest = one.version.max(*newest);
        is_new
    };
    let mut news = PageNews::default();
    for item in items {
        if !is_new(&item.known) {
            continue;
        }
        let lost = item.lost();
        news.known.push(item.known);
        let is_settled = match item.settles {
            Some(version) => {
                let is_settled = !is_new(&version) && !item.says_more;
                news.known.push(version);
                is_settled
            }
            None => false,
        };
        if let (false, Some(entry)) = (is_settled, item.entry) {
            news.entries.push(entry);
            news.lost.push(lost);
        }
    }
    Ok(news)
}

/// The notification of a deleted category, as a broker would bring it.
fn category_gone(rules: &OperatorRules, id: &Id, now: UnixMs) -> Option<(NewEntry, PushedItem)> {
    let mut raw = change("category", id.as_str());
    raw.insert("notificationType".to_owned(), "ResourceDeleted".into());
    let notification = Notification::read(raw).ok()?;
    let work = work_of(rules, &notification).ok()?;
    entry(PushedItem::Notification(notification), &work, now)
}

/// commercetools' words for a call that it refuses, and whether the refusal will not pass by itself.
fn words_of(answer: &HttpAnswer) -> (String, bool) {
    let status = answer.status;
    let needs_person = (400..500).contains(&status) && status != 429;
    match refusal(answer) {
        Some(words) => (format!("commercetools answered {status}: {words}"), needs_person),
        None => (format!("commercetools_foreign_{status}"), needs_person),
    }
}
