//! Calls to commercetools and Klaviyo: headers, token, time limits. The core judges the answers.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use worker::js_sys::Uint8Array;
use worker::{Delay, Fetch, Headers, Method, RequestInit, RequestRedirect};

use super::clock::now_ms;
use super::fetch::{self, USER_AGENT};
use super::{body, watch};
use crate::commercetools::answer::{self, AccessToken};
use crate::config::Config;
use crate::engine::call::HostCall;
use crate::fault::{Setback, System, TransientFault};
use crate::http::{DOCUMENT_BYTES, HttpAnswer, NoAnswer, date, encode};
use crate::klaviyo::{FALL_FORWARD_OPT_OUT, MEDIA_TYPE, REVISION};
use crate::time::UnixMs;
use crate::watch::tally::Tally;

thread_local! {
    /// The access token of this isolate. Requests may share its value, but not a call under way, so the others poll for
    /// its result ([`TimedCalls::token`]).
    static TOKEN: RefCell<Option<AccessToken>> = const { RefCell::new(None) };

    /// Since when a request in this isolate has been fetching a token; none if none is.
    static FETCHING: Cell<Option<UnixMs>> = const { Cell::new(None) };
}

/// How long to wait for a token that another request fetches, and how often to look for it.
const TOKEN_WAIT: Duration = Duration::from_secs(1);
const TOKEN_LOOK: Duration = Duration::from_millis(20);

/// Calls to both systems within a time.
pub(super) struct TimedCalls<'a> {
    config: &'a Config,
    deadline: UnixMs,
}

type CallResult = Result<HttpAnswer, NoAnswer>;

impl<'a> TimedCalls<'a> {
    /// Calls that all end within `budget` from now.
    pub(super) fn within(config: &'a Config, budget: Duration) -> Self {
        let deadline = now_ms() + budget;
        Self { config, deadline }
    }

    /// Reads from commercetools, below the project.
    pub(super) async fn commercetools(&self, path_and_query: &str) -> Result<HttpAnswer, Setback> {
        self.read(path_and_query, DOCUMENT_BYTES).await
    }

    /// Reads from commercetools, up to this many bytes. If commercetools refuses the token, it tries once more with a
    /// new one.
    async fn read(&self, path_and_query: &str, most: usize) -> Result<HttpAnswer, Setback> {
        let no_answer = |why| Setback::no_answer(System::Commercetools, why);
        let token = self.token().await?;
        let answer = self.query(path_and_query, &token, most).await.map_err(no_answer)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        forget(&token);
        let token = self.token().await?;
        self.query(path_and_query, &token, most).await.map_err(no_answer)
    }

    /// A call to either system.
    pub(super) async fn make(&self, call: HostCall) -> Result<HttpAnswer, Setback> {
        match call {
            HostCall::Commercetools { path, most } => self.read(&path, most).await,
            HostCall::Klaviyo { method, path, body } => {
                let answer = self.klaviyo(method, &path, body).await;
                answer.map_err(|why| Setback::no_answer(System::Klaviyo, why))
            }
            // Only a slice hands anything over; it does so itself.
            HostCall::HandOver { .. } => Err(TransientFault::OutboxUnavailable.into()),
        }
    }

    async fn query(&self, path_and_query: &str, token: &str, most: usize) -> CallResult {
        let access = &self.config.commercetools;
        let url = format!("{}/{}{path_and_query}", access.api_url, access.project_key);
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Accept", "application/json")];
        self.call(Method::Get, &url, &headers, None, most).await
    }

    /// A call to Klaviyo, below its address.
    pub(super) async fn klaviyo(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> CallResult {
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
            FALL_FORWARD_OPT_OUT,
            ("Accept", MEDIA_TYPE),
            ("Content-Type", MEDIA_TYPE),
            ("X-Klaviyo-User-Agent", USER_AGENT),
        ];
        // A read or a deletion has no body, so it names no content type.
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| body.is_some() || *name != "Content-Type")
            .collect();
        self.call(method, &url, &headers, body, DOCUMENT_BYTES).await
    }

    /// The token, fetched once however many pushes wait for it. If that takes a second, the first waiting request
    /// fetches one itself, since the runtime may have cut off the other request. The others wait for it for one more
    /// second at most.
    async fn token(&self) -> Result<String, Setback> {
        let gives_up = now_ms() + 2 * TOKEN_WAIT;
        loop {
            if let Some(bearer) = known_token() {
                return Ok(bearer);
            }
            let fetching = FETCHING.get().filter(|since| now_ms() < *since + TOKEN_WAIT);
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

    /// Fetches a new token, which replaces the one before.
    pub(super) async fn new_token(&self) -> Result<AccessToken, Setback> {
        let access = &self.config.commercetools;
        let client = format!("{}:{}", access.client_id, access.client_secret.expose());
        let authorization = format!("Basic {}", STANDARD.encode(client));
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let url = format!("{}/oauth/token", access.auth_url);
        let form = Some(grant(access.scopes.as_deref()));
        let answer = self.call(Method::Post, &url, &headers, form, DOCUMENT_BYTES);
        let token = match answer.await {
            Ok(answer) => answer::token(&answer, now_ms())?,
            Err(why) => return Err(Setback::no_answer(System::CommercetoolsToken, why)),
        };
        TOKEN.set(Some(token.clone()));
        Ok(token)
    }

    /// One call within the time left, which reads up to this many bytes of the answer. It does not follow a redirect,
    /// since that would carry the key elsewhere.
    async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
        most: usize,
    ) -> Result<HttpAnswer, NoAnswer> {
        let left = self.deadline.since(now_ms());
        if left.is_zero() {
            return Err(NoAnswer::Timeout);
        }
        fetch::within(left, async |signal| {
            let mut init = RequestInit::new();
            let all = Headers::new();
            all.set("User-Agent", USER_AGENT)?;
            for (name, value) in headers {
                all.set(name, value)?;
            }
            init.with_method(method).with_headers(all).with_redirect(RequestRedirect::Manual);
            // As bytes: JavaScript would first turn a text into one of its own, of twice the size.
            init.with_body(body.map(|body| Uint8Array::from(body.as_bytes()).into()));
            let request = worker::Request::new_with_init(url, &init)?;
            let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
            if response.status_code() == 429 {
                watch::count(Tally::throttled);
            }
            let body = body::beginning(&mut response, most).await?;
            Ok(HttpAnswer {
                status: response.status_code(),
                retry_after: seconds(response.headers(), "Retry-After")?,
                quota_left: header(response.headers(), "RateLimit-Remaining")?,
                quota_limits: response.headers().get("RateLimit-Limit")?,
                quota_back: seconds(response.headers(), "RateLimit-Reset")?,
                retires: response.headers().get("X-Klaviyo-Api-Retirement-Date")?,
                date: response.headers().get("Date")?.as_deref().and_then(date),
                body: text(body.bytes),
                is_beginning: !body.is_whole,
            })
        })
        .await
    }
}

/// JSON is UTF-8 (RFC 8259); anything else is not JSON and cannot be understood anyway. The beginning of an answer may
/// end within a character.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The token of this isolate, unless it has to be renewed.
fn known_token() -> Option<String> {
    TOKEN.with_borrow(|token| {
        let valid = token.as_ref().filter(|token| token.renew_at > now_ms());
        valid.map(|token| token.bearer.clone())
    })
}

/// Forgets a refused token, unless another one has replaced it.
fn forget(bearer: &str) {
    TOKEN.with_borrow_mut(|token| {
        token.take_if(|token| token.bearer == bearer);
    });
}

/// A header with a whole number.
fn header(headers: &Headers, name: &str) -> worker::Result<Option<u64>> {
    Ok(headers.get(name)?.and_then(|value| value.trim().parse().ok()))
}

/// A header in seconds.
fn seconds(headers: &Headers, name: &str) -> worker::Result<Option<Duration>> {
    Ok(header(headers, name)?.map(Duration::from_secs))
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
