//! The receiver of alerts: `ALERT_URL`. Its address appears in no log and in no error.

use std::time::Duration;

use serde_json::Value;
use worker::{Fetch, Headers, Method, RequestInit, RequestRedirect};

use crate::config::Secret;
use crate::edge::fetch::{self, USER_AGENT};
use crate::http::NoAnswer;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends it something; an error says why it did not accept it.
pub(super) async fn tell(url: &Secret, body: &Value) -> Result<(), String> {
    let answered = fetch::within(PATIENCE, async |signal| {
        let mut init = RequestInit::new();
        let headers = Headers::new();
        headers.set("Content-Type", "application/json")?;
        headers.set("User-Agent", USER_AGENT)?;
        init.with_method(Method::Post).with_headers(headers);
        init.with_redirect(RequestRedirect::Manual).with_body(Some(body.to_string().into()));
        let request = worker::Request::new_with_init(url.expose(), &init)?;
        Ok(Fetch::Request(request).send_with_signal(&signal).await?.status_code())
    })
    .await;
    match answered {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(format!("it answered {status}")),
        Err(NoAnswer::Timeout) => Err("it did not answer in time".to_owned()),
        Err(NoAnswer::Network) => Err("it cannot be reached".to_owned()),
    }
}
