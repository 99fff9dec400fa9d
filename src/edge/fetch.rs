//! Outgoing calls: each within a time limit, and the simple one, a `GET` of a small public document.

use std::time::Duration;

use futures::future::{Either, select};
use worker::{
    AbortController, AbortSignal, Delay, Fetch, Headers, Request, RequestInit, RequestRedirect,
};

use super::body;
use crate::http::NoAnswer;
use crate::push::sender::keys::freshness;

/// The name of this Worker.
pub(super) const USER_AGENT: &str = concat!("commercetools-klaviyo/", env!("CARGO_PKG_VERSION"));

/// How long a fetch of a document may take: the rest of the 4 s of an answer is for the push.
const DOCUMENT_TIME: Duration = Duration::from_secs(1);

/// The largest document: certificates and key sets have some kB.
const DOCUMENT_LIMIT: usize = 256 * 1024;

/// A fetched document.
pub(super) struct FetchedDocument {
    pub(super) status: u16,
    pub(super) body: String,
    /// How long it may be used.
    pub(super) fresh_for: Option<Duration>,
}

/// Fetches a public document. It does not follow a redirect: only the given address is trusted.
pub(super) async fn get(url: &str) -> Result<FetchedDocument, NoAnswer> {
    within(DOCUMENT_TIME, async |signal| {
        let headers = Headers::new();
        headers.set("User-Agent", USER_AGENT)?;
        let mut init = RequestInit::new();
        init.with_headers(headers).with_redirect(RequestRedirect::Manual);
        let request = Request::new_with_init(url, &init)?;
        let mut response = Fetch::Request(request).send_with_signal(&signal).await?;
        let (status, headers) = (response.status_code(), response.headers().clone());
        let body = body::collect(response.stream(), DOCUMENT_LIMIT).await?.unwrap_or_default();
        let cache_control = headers.get("Cache-Control")?;
        Ok(FetchedDocument {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            fresh_for: freshness(cache_control.as_deref(), headers.get("Age")?.as_deref()),
        })
    })
    .await
}

/// Makes an exchange, and aborts it after its time.
pub(super) async fn within<T>(
    limit: Duration,
    exchange: impl AsyncFnOnce(AbortSignal) -> worker::Result<T>,
) -> Result<T, NoAnswer> {
    let abort = AbortController::default();
    let exchange = Box::pin(exchange(abort.signal()));
    match select(exchange, Delay::from(limit)).await {
        Either::Left((answer, _)) => answer.map_err(|_| NoAnswer::Network),
        Either::Right(((), exchange)) => {
            abort.abort();
            // The aborted call ends at once; without the await its failure would go unhandled.
            let _ = exchange.await;
            Err(NoAnswer::Timeout)
        }
    }
}
