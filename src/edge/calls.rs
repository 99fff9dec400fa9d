//! Calls to commercetools and Klaviyo: headers, token, time limits. What an answer means is
//! judged in the core.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use worker::js_sys::Uint8Array;
use worker::{Date, Delay, Fetch, Headers, Method, RequestInit, RequestRedirect};

use super::fetch::{self, USER_AGENT};
use crate::commercetools::answer::{self, Token};
use crate::commercetools::together::together;
use crate::config::Config;
use crate::fault::{ReadFault, Setback, System, TransientFault, passes};
use crate::http::{Answer, NoAnswer, encode};
use crate::engine::call::Call;
use crate::klaviyo::job::{Job, JobRef};
use crate::klaviyo::job_answer::started;
use crate::klaviyo::pacing::{Operation, Pace, Tier};
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::klaviyo::verdict::{Verdict, judge};
use crate::klaviyo::{MEDIA_TYPE, REVISION};
use crate::realtime::documents::Reading;

thread_local! {
    /// The access token of this isolate. Its value may be shared between requests; a call that is
    /// under way may not, so the others look for its result ([`Calls::token`]).
    static TOKEN: RefCell<Option<Token>> = const { RefCell::new(None) };

    /// Since when (ms since 1970 UTC) somebody in this isolate fetches a token; none if nobody does.
    static FETCHING: Cell<Option<u64>> = const { Cell::new(None) };

    /// Until when (ms since 1970 UTC) this isolate does not call an operation of Klaviyo, since
    /// its quota is used up. So a mass change is parked, and coalesced, without being tried.
    static EXHAUSTED: RefCell<HashMap<Operation, u64>> = RefCell::default();
}

/// Calls under way at once: a Worker has six connections.
const AT_ONCE: usize = 6;

/// How long to wait for a token that somebody else fetches, and how often to look for it.
const TOKEN_WAIT: Duration = Duration::from_secs(1);
const TOKEN_LOOK: Duration = Duration::from_millis(20);

/// A wait for Klaviyo's quota that is worth waiting for in the middle of a try.
const SHORT_WAIT: Duration = Duration::from_secs(2);

/// The calls made for one notification, or for several together, within their time.
pub(super) struct Calls<'a> {
    config: &'a Config,
    deadline_ms: u64,
    made: Cell<u32>,
    pace: Option<&'a RefCell<Pace>>,
}

/// What is asked of either system.
enum AskedCall<'a> {
    Commercetools(String),
    Klaviyo(&'a Lookup),
}

type Answered = Result<Answer, NoAnswer>;

impl<'a> Calls<'a> {
    /// Calls that all end within `budget` from now.
    pub(super) fn within(config: &'a Config, budget: Duration) -> Self {
        let deadline_ms = now_ms().saturating_add(millis(budget));
        Self { config, deadline_ms, made: Cell::new(0), pace: None }
    }

    /// The same for somebody who counts Klaviyo's quota, and can wait for it.
    pub(super) fn paced(config: &'a Config, budget: Duration, pace: &'a RefCell<Pace>) -> Self {
        Self { pace: Some(pace), ..Self::within(config, budget) }
    }

    /// How many calls were made so far.
    pub(super) fn made(&self) -> u32 {
        self.made.get()
    }

    /// Reads from both systems, all at once; what can be asked together is.
    pub(super) async fn read(&self, readings: &[Reading]) -> Result<Vec<Answered>, ReadFault> {
        let queries = readings.iter().enumerate().filter_map(|(place, reading)| match reading {
            Reading::Commercetools(query) => Some((place, query)),
            Reading::Klaviyo(_) => None,
        });
        let (places, queries): (Vec<_>, Vec<_>) = queries.unzip();
        let groups = together(&queries);
        let mut answers: Vec<Option<Answered>> = vec![None; readings.len()];
        let grouped: HashSet<_> =
            groups.iter().flat_map(|group| group.members().map(|member| places[member])).collect();
        let mut single: Vec<_> =
            (0..readings.len()).filter(|place| !grouped.contains(place)).collect();
        let asked = groups.iter().map(|group| AskedCall::Commercetools(group.path_and_query()));
        let asked = asked.chain(single.iter().map(|place| alone(&readings[*place])));
        let mut answered = self.ask(asked.collect()).await?.into_iter();
        let mut apart = Vec::new();
        for (group, answer) in groups.iter().zip(answered.by_ref()) {
            let cut_up = answer.as_ref().ok().and_then(|answer| group.split(answer));
            let telling = answer.as_ref().map_or(true, |answer| passes(answer.status));
            match cut_up {
                Some(parts) => {
                    for (member, part) in parts {
                        answers[places[member]] = Some(Ok(part));
                    }
                }
                None if telling => {
                    for member in group.members() {
                        answers[places[member]] = Some(answer.clone());
                    }
                }
                None => apart.extend(group.members().map(|member| places[member])),
            }
        }
        let mut answered: Vec<_> = answered.collect();
        if !apart.is_empty() {
            let asked = apart.iter().map(|place| alone(&readings[*place])).collect();
            answered.extend(self.ask(asked).await?);
            single.extend(apart);
        }
        for (place, answer) in single.into_iter().zip(answered) {
            answers[place] = Some(answer);
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Err(NoAnswer::Network))).collect())
    }

    async fn ask(&self, asked: Vec<AskedCall<'_>>) -> Result<Vec<Answered>, ReadFault> {
        let queries = asked.iter().any(|asked| matches!(asked, AskedCall::Commercetools(_)));
        let token = if queries { self.token().await? } else { String::new() };
        let answers = self.ask_with(&asked, &token).await;
        let refused = |(asked, answer): (&AskedCall, &Answered)| {
            matches!(asked, AskedCall::Commercetools(_))
                && answer.as_ref().is_ok_and(|answer| answer.status == 401)
        };
        if !asked.iter().zip(&answers).any(refused) {
            return Ok(answers);
        }
        // The token may have been revoked: once more with a new one.
        forget(&token);
        let token = self.token().await?;
        Ok(self.ask_with(&asked, &token).await)
    }

    /// A read of commercetools, below the project. With a new token once more where it is refused.
    pub(super) async fn commercetools(&self, path_and_query: &str) -> Result<Answer, Setback> {
        let no_answer = |why| Setback::no_answer(System::Commercetools, why);
        let token = self.token().await?;
        let answer = self.query(path_and_query, &token).await.map_err(no_answer)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        forget(&token);
        let token = self.token().await?;
        self.query(path_and_query, &token).await.map_err(no_answer)
    }

    /// A call of an import.
    pub(super) async fn make(&self, call: Call) -> Result<Answer, Setback> {
        match call {
            Call::Commercetools(path) => self.commercetools(&path).await,
            Call::Klaviyo { method, path, body } => {
                let answer = self.klaviyo(method, &path, body).await;
                answer.map_err(|why| Setback::no_answer(System::Klaviyo, why))
            }
            // Only the object that runs imports hands something over; it does so itself.
            Call::HandOver { .. } => Err(TransientFault::OutboxUnavailable.into()),
        }
    }

    async fn ask_with(&self, asked: &[AskedCall<'_>], token: &str) -> Vec<Answered> {
        let answers = asked.iter().map(|asked| async move {
            match asked {
                AskedCall::Commercetools(path) => self.query(path, token).await,
                AskedCall::Klaviyo(lookup) => self.look_up(lookup).await,
            }
        });
        stream::iter(answers).buffered(AT_ONCE).collect().await
    }

    /// Sends to Klaviyo, all requests at once; where Klaviyo refuses one and there is a way out,
    /// that is tried.
    pub(super) async fn send(&self, requests: Vec<Request>) -> Vec<Verdict> {
        let sent = requests.into_iter().map(|request| self.send_one(request));
        stream::iter(sent).buffered(AT_ONCE).collect().await
    }

    async fn send_one(&self, mut request: Request) -> Verdict {
        loop {
            let operation = request.operation();
            if let Err(wait) = self.permitted(operation).await {
                return Verdict::Later(Setback::throttled(wait));
            }
            let answer = self.write(&request).await;
            self.note(operation, &answer);
            let verdict = judge(&request.success(), &answer);
            match request.way_out(&verdict) {
                Some(next) => request = next,
                None => return request.settled(verdict),
            }
        }
    }

    /// Starts a job.
    pub(super) async fn start(&self, job: Job) -> Result<JobRef, Verdict> {
        let of = job.of;
        let request = Request::Job(job);
        let operation = request.operation();
        if let Err(wait) = self.permitted(operation).await {
            return Err(Verdict::Later(Setback::throttled(wait)));
        }
        let answer = self.write(&request).await;
        self.note(operation, &answer);
        match (judge(&request.success(), &answer), answer) {
            (Verdict::Accepted, Ok(answer)) => {
                let started = started(&answer).map(|id| JobRef { of, id });
                started.map_err(|_| Verdict::Later(TransientFault::JobWithoutId.into()))
            }
            (verdict, _) => Err(verdict),
        }
    }

    /// Whether an operation can be called now, after a short wait if need be.
    async fn permitted(&self, operation: Operation) -> Result<(), Duration> {
        let Some(pace) = self.pace else { return exhausted(operation).map_or(Ok(()), Err) };
        loop {
            let taken = pace.borrow_mut().take(operation, now_ms());
            match taken {
                Ok(()) => return Ok(()),
                Err(wait) if wait <= SHORT_WAIT && now_ms() + millis(wait) < self.deadline_ms => {
                    Delay::from(wait).await;
                }
                Err(wait) => return Err(wait),
            }
        }
    }

    /// Notes that the quota of an operation is used up, where an answer says so.
    fn note(&self, operation: Operation, answer: &Answered) {
        let Ok(answer) = answer else { return };
        if let (Some(pace), Some(tier)) = (self.pace, told_tier(answer)) {
            pace.borrow_mut().learn(operation, tier);
        }
        let Some(wait) = answer.quota_wait() else { return };
        let until = now_ms() + millis(wait);
        match self.pace {
            Some(pace) if answer.status == 429 => {
                pace.borrow_mut().refused(operation, now_ms(), until);
            }
            Some(pace) => pace.borrow_mut().used_up(operation, until),
            None => {
                EXHAUSTED.with_borrow_mut(|exhausted| exhausted.insert(operation, until));
            }
        }
    }

    async fn query(&self, path_and_query: &str, token: &str) -> Answered {
        let access = &self.config.commercetools;
        let url = format!("{}/{}{path_and_query}", access.api_url, access.project_key);
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Accept", "application/json")];
        self.call(Method::Get, &url, &headers, None).await
    }

    /// Looks something up at Klaviyo. Whoever counts the quota waits for it, or is answered as
    /// Klaviyo would.
    pub(super) async fn look_up(&self, lookup: &Lookup) -> Answered {
        let operation = lookup.operation();
        if self.pace.is_some()
            && let Err(wait) = self.permitted(operation).await
        {
            let retry_after = Setback::throttled(wait).retry_after;
            return Ok(Answer { status: 429, retry_after, ..Answer::default() });
        }
        let answer = self.klaviyo("GET", &lookup.path_and_query(), None).await;
        if self.pace.is_some() {
            self.note(operation, &answer);
        }
        answer
    }

    async fn write(&self, request: &Request) -> Answered {
        self.klaviyo(request.method(), &request.path(), request.body()).await
    }

    /// A call of Klaviyo, below its address.
    pub(super) async fn klaviyo(&self, method: &str, path: &str, body: Option<String>) -> Answered {
        let method = match method {
            "GET" => Method::Get,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => Method::Post,
        };
        let access = &self.config.klaviyo;
        let url = format!("{}{path}", access.api_url);
        let authorization = format!("Klaviyo-API-Key {}", access.key.expose());
        let headers = [
            ("Authorization", authorization.as_str()),
            ("revision", REVISION),
            ("Accept", MEDIA_TYPE),
            ("Content-Type", MEDIA_TYPE),
            ("X-Klaviyo-User-Agent", USER_AGENT),
        ];
        // A read or a deletion has no body to name the type of.
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| body.is_some() || *name != "Content-Type")
            .collect();
        self.call(method, &url, &headers, body).await
    }

    /// The token, fetched once however many pushes wait for it. If that takes a second, the first who
    /// sees it fetches one itself: the request that was fetching may have been cut off. The others
    /// wait for that one, and no longer than for a second more.
    async fn token(&self) -> Result<String, Setback> {
        let gives_up = now_ms() + 2 * millis(TOKEN_WAIT);
        loop {
            if let Some(bearer) = known_token() {
                return Ok(bearer);
            }
            let fetching = FETCHING.get().filter(|since| now_ms() < since + millis(TOKEN_WAIT));
            if fetching.is_none() || now_ms() >= gives_up {
                break;
            }
            Delay::from(TOKEN_LOOK).await;
        }
        FETCHING.set(Some(now_ms()));
        let token = self.new_token().await;
        FETCHING.set(None);
        token.map(|token| token.bearer)
    }

    /// A token that was just granted; it is kept in the place of the one before.
    pub(super) async fn new_token(&self) -> Result<Token, Setback> {
        let access = &self.config.commercetools;
        let client = format!("{}:{}", access.client_id, access.client_secret.expose());
        let authorization = format!("Basic {}", STANDARD.encode(client));
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let url = format!("{}/oauth/token", access.auth_url);
        let answer = self.call(Method::Post, &url, &headers, Some(grant(access.scopes.as_deref())));
        let token = match answer.await {
            Ok(answer) => answer::token(&answer, now_ms())?,
            Err(why) => return Err(Setback::no_answer(System::CommercetoolsToken, why)),
        };
        TOKEN.set(Some(token.clone()));
        Ok(token)
    }

    /// One call within the time that is left. A redirect is not followed, since it would carry
    /// the key elsewhere.
    async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, NoAnswer> {
        let left = Duration::from_millis(self.deadline_ms.saturating_sub(now_ms()));
        if left.is_zero() {
            return Err(NoAnswer::Timeout);
        }
        self.made.set(self.made.get() + 1);
        fetch::within(left, async |signal| {
            let mut init = RequestInit::new();
            let all = Headers::new();
            all.set("User-Agent", USER_AGENT)?;
            for (name, value) in headers {
                all.set(name, value)?;
            }
            init.with_method(method).with_headers(all).with_redirect(RequestRedirect::Manual);
            // As bytes: a text would be made one of JavaScript's first, of twice the size.
            init.with_body(body.map(|body| Uint8Array::from(body.as_bytes()).into()));
            let request = worker::Request::new_with_init(url, &init)?;
            let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
            Ok(Answer {
                status: response.status_code(),
                retry_after: seconds(response.headers(), "Retry-After")?,
                quota_left: header(response.headers(), "RateLimit-Remaining")?,
                quota_limits: response.headers().get("RateLimit-Limit")?,
                quota_back: seconds(response.headers(), "RateLimit-Reset")?,
                retires: response.headers().get("X-Klaviyo-Api-Retirement-Date")?,
                body: text(response.bytes().await?),
            })
        })
        .await
    }
}

/// JSON is UTF-8 (RFC 8259); what is not, is no JSON and will not be understood anyway.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn alone(reading: &Reading) -> AskedCall<'_> {
    match reading {
        Reading::Commercetools(query) => AskedCall::Commercetools(query.path_and_query()),
        Reading::Klaviyo(lookup) => AskedCall::Klaviyo(lookup),
    }
}

/// The token of this isolate, unless it is to be renewed.
fn known_token() -> Option<String> {
    TOKEN.with_borrow(|token| {
        let valid = token.as_ref().filter(|token| token.renew_at > now_ms());
        valid.map(|token| token.bearer.clone())
    })
}

fn told_tier(answer: &Answer) -> Option<Tier> {
    Tier::parse(answer.quota_limits.as_deref()?)
}

/// Forgets a token that was refused, unless another one has taken its place.
fn forget(bearer: &str) {
    TOKEN.with_borrow_mut(|token| {
        token.take_if(|token| token.bearer == bearer);
    });
}

/// How long an operation is not to be called.
fn exhausted(operation: Operation) -> Option<Duration> {
    let until = EXHAUSTED.with_borrow(|until| until.get(&operation).copied())?;
    let wait = Duration::from_millis(until.saturating_sub(now_ms()));
    (!wait.is_zero()).then_some(wait)
}

/// A header that is a whole number.
fn header(headers: &Headers, name: &str) -> worker::Result<Option<u64>> {
    Ok(headers.get(name)?.and_then(|value| value.trim().parse().ok()))
}

/// A header in seconds.
fn seconds(headers: &Headers, name: &str) -> worker::Result<Option<Duration>> {
    Ok(header(headers, name)?.map(Duration::from_secs))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The form of a client-credentials grant.
fn grant(scopes: Option<&str>) -> String {
    let mut form = "grant_type=client_credentials".to_owned();
    if let Some(scopes) = scopes {
        form.push_str("&scope=");
        form.push_str(&encode(scopes));
    }
    form
}

/// The platform's clock, in ms since 1970 UTC; it stands still between I/O.
pub(super) fn now_ms() -> u64 {
    Date::now().as_millis()
}

/// The same as a time.
pub(super) fn now() -> DateTime<Utc> {
    i64::try_from(now_ms()).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default()
}
