//! What could not be delivered is kept in a Durable Object; here are the calls to it.
//!
//! There is one object for the whole Worker, with SQLite storage. It is asked only when something
//! has to be kept, so that it never stands in the way of a delivery.

mod attempt;
mod dead_letters;
mod drain;
mod erasure;
mod follow;
mod jobs;
mod object;
mod offspring;
mod parked;
mod parts;
mod replay;
mod send;

use std::time::Duration;

use futures::future::{Either, select};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use worker::js_sys::{Function, Math, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Delay, Env, Error, Method, ObjectNamespace, Request, RequestInit, Response, Result};

pub(super) use self::dead_letters::NewDeadLetter;
pub(super) use self::parked::NewParked;
use crate::commercetools::reference::Id;
use crate::config::{Config, Jurisdiction};

/// The binding in `wrangler.toml`, and the name of its one object.
const BINDING: &str = "OUTBOX";
const NAME: &str = "outbox";

/// How long a call to the object may take: what is left of a push's 4 s after its calls.
const PATIENCE: Duration = Duration::from_millis(800);

/// Keeps a dead letter with the notification as it came, and gives its id.
pub(super) async fn keep(
    env: &Env,
    config: &Config,
    letter: &NewDeadLetter,
    content: &[u8],
) -> Result<String> {
    #[derive(Deserialize)]
    struct Kept {
        id: String,
    }
    let body = joined(letter, content)?;
    let kept: Kept = store(env, config, "/dead-letters", &body).await?;
    Ok(kept.id)
}

/// Parks a notification, to be tried again.
pub(super) async fn park(
    env: &Env,
    config: &Config,
    new: &NewParked,
    content: &[u8],
) -> Result<()> {
    let _: Value = store(env, config, "/parked", &joined(new, content)?).await?;
    Ok(())
}

/// Erases a customer from all that is stored.
pub(super) async fn erase(env: &Env, config: &Config, customer: &Id) -> Result<()> {
    let _: Value = store(env, config, "/erasures", customer.as_str().as_bytes()).await?;
    Ok(())
}

async fn store<T: DeserializeOwned>(
    env: &Env,
    config: &Config,
    path: &str,
    body: &[u8],
) -> Result<T> {
    let mut response = call(env, config, Method::Post, path, Some(body)).await?;
    if response.status_code() != 201 {
        return Err(Error::RustError(format!("the outbox answered {}", response.status_code())));
    }
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// One line of JSON, then the notification's own bytes, whatever they are.
fn joined(head: &impl Serialize, content: &[u8]) -> Result<Vec<u8>> {
    let mut body = serde_json::to_vec(head)?;
    body.push(b'\n');
    body.extend(content);
    Ok(body)
}

/// The opposite of [`joined`].
fn split<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8])> {
    let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
    let (head, content) = body.split_at(end);
    Ok((serde_json::from_slice(head)?, content.get(1..).unwrap_or_default()))
}

/// Calls the object. Each call has a time limit, since a call that hangs would hang the caller.
pub(super) async fn call(
    env: &Env,
    config: &Config,
    method: Method,
    path: &str,
    body: Option<&[u8]>,
) -> Result<Response> {
    let mut init = RequestInit::new();
    init.with_method(method).with_body(body.map(|body| Uint8Array::from(body).into()));
    let request = Request::new_with_init(&format!("https://outbox{path}"), &init)?;
    let namespace = within(env.durable_object(BINDING)?, config.jurisdiction)?;
    let stub = namespace.get_by_name(NAME)?;
    let answer = Box::pin(stub.fetch_with_request(request));
    match select(answer, Delay::from(PATIENCE)).await {
        Either::Left((response, _)) => response,
        Either::Right(_) => Err(Error::RustError("the outbox did not answer in time".to_owned())),
    }
}

/// The part of the namespace that lies in a jurisdiction. The crate knows jurisdictions for
/// unnamed objects only, so the namespace's own method is called.
fn within(
    namespace: ObjectNamespace,
    jurisdiction: Option<Jurisdiction>,
) -> Result<ObjectNamespace> {
    let Some(jurisdiction) = jurisdiction else { return Ok(namespace) };
    let method = Reflect::get(namespace.as_ref(), &JsValue::from("jurisdiction"))?;
    let method: Function = method.dyn_into()?;
    match method.call1(namespace.as_ref(), &JsValue::from(jurisdiction.name())) {
        Ok(inner) => Ok(inner.unchecked_into()),
        // The local runtime has one place only, and says so; production never does.
        Err(error) if format!("{error:?}").contains("not implemented in workerd") => Ok(namespace),
        Err(error) => Err(error.into()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// From 0 to 1, to spread tries over time.
fn jitter() -> f64 {
    Math::random()
}
