//! The common parts of the Durable Objects: how the Worker calls them, and how an object knows that its alarm is at
//! work.

use std::cell::Cell;
use std::time::Duration;

use futures::future::{Either, select};
use worker::js_sys::{Function, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{
    Delay, Env, Error, Method, ObjectNamespace, Request, RequestInit, Response, Result, Storage,
    Url,
};

use super::{log, reply};
use crate::config::{Config, Jurisdiction};
use crate::outbox::schedule::earlier_alarm;
use crate::storage::selection::KeptSelection;
use crate::storage::sql::RowId;
use crate::time::UnixMs;

/// One object for the whole Worker.
pub(super) struct SingleObject {
    /// The binding in `wrangler.toml`.
    pub(super) binding: &'static str,
    /// Its name, also in the log.
    pub(super) name: &'static str,
    /// How long a call may take.
    pub(super) patience: Duration,
}

impl SingleObject {
    /// Calls the object. Each call has a time limit, since a call that hangs would hang the caller.
    pub(super) async fn call(
        &self,
        env: &Env,
        config: &Config,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Response> {
        let mut init = RequestInit::new();
        init.with_method(method).with_body(body.map(|body| Uint8Array::from(body).into()));
        let request = Request::new_with_init(&format!("https://{}{path}", self.name), &init)?;
        let namespace = within(env.durable_object(self.binding)?, config.jurisdiction)?;
        let stub = namespace.get_by_name(self.name)?;
        let answer = Box::pin(stub.fetch_with_request(request));
        let patience = self.patience.max(config.push_patience.unwrap_or_default());
        match select(answer, Delay::from(patience)).await {
            Either::Left((response, _)) => response,
            Either::Right(_) => {
                Err(Error::RustError(format!("the {} did not answer in time", self.name)))
            }
        }
    }

    /// Asks the object to handle what is due, and to check that it has an alarm for its work. If that fails, the next
    /// tick does it.
    pub(super) async fn tick(&self, env: &Env, config: &Config) {
        let problem = match self.call(env, config, Method::Post, "/tick", None).await {
            Ok(response) if matches!(response.status_code(), 200 | 202) => return,
            Ok(response) => format!("the tick was answered {}", response.status_code()),
            Err(error) => error.to_string(),
        };
        log::failure(self.name, &problem);
    }

    /// Calls the object, and returns its answer as the Worker's; 503 if there is none.
    pub(super) async fn pass_on(
        &self,
        env: &Env,
        config: &Config,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<Response> {
        match self.call(env, config, method, path, body).await {
            // The response of another object cannot be changed, or passed on as it is.
            Ok(mut response) => match response.status_code() {
                204 => Ok(reply::empty(204)),
                status => {
                    let text = response.text().await?;
                    reply::passed_on(status, response.headers(), text)
                }
            },
            Err(error) => {
                log::failure(self.name, &error.to_string());
                let code = format!("{}_unavailable", self.name);
                let message = format!("The {} cannot be reached; try again.", self.name);
                reply::unavailable(&code, &message)
            }
        }
    }
}

/// The header with the time of an object's alarm, in ms since 1970.
pub(super) const NEXT_ALARM: &str = "X-Next-Alarm";

/// Adds the time of the alarm.
pub(super) async fn with_next_alarm(mut response: Response, storage: &Storage) -> Result<Response> {
    if let Some(due) = storage.get_alarm().await? {
        response.headers_mut().set(NEXT_ALARM, &due.to_string())?;
    }
    Ok(response)
}

/// Sets the alarm to a time, unless the current one is earlier.
pub(super) async fn armed_for(storage: &Storage, wanted: UnixMs) -> Result<()> {
    let set = storage.get_alarm().await?.and_then(|set| u64::try_from(set).ok());
    match earlier_alarm(set.map(UnixMs::from_ms), wanted) {
        Some(time) => set_alarm(storage, time).await,
        None => Ok(()),
    }
}

/// Sets the alarm to a time.
pub(super) async fn set_alarm(storage: &Storage, time: UnixMs) -> Result<()> {
    storage.set_alarm(time.to_utc().unwrap_or_default()).await
}

/// A parameter of an address.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

/// The number after which a page begins, from an address.
pub(super) fn cursor(url: &Url) -> Option<RowId> {
    RowId::parse(&parameter(url, "cursor")?)
}

/// The selection to delete, by the parameters of an address; or what is wrong with them.
pub(super) fn to_delete(url: &Url) -> std::result::Result<KeptSelection, String> {
    KeptSelection::to_delete(parameter(url, "code"), parameter(url, "all").as_deref())
}

/// The query of a request, for the end of a path.
pub(super) fn query(request: &Request) -> Result<String> {
    let url = request.url()?;
    Ok(url.query().map(|query| format!("?{query}")).unwrap_or_default())
}

/// The part of the namespace in a jurisdiction. The crate supports jurisdictions only for unnamed objects, so this
/// calls the namespace's own method.
fn within(
    namespace: ObjectNamespace,
    jurisdiction: Option<Jurisdiction>,
) -> Result<ObjectNamespace> {
    let Some(jurisdiction) = jurisdiction else { return Ok(namespace) };
    let method = Reflect::get(namespace.as_ref(), &JsValue::from("jurisdiction"))?;
    let method: Function = method.dyn_into()?;
    match method.call1(namespace.as_ref(), &JsValue::from(jurisdiction.name())) {
        Ok(inner) => Ok(inner.unchecked_into()),
        // The local runtime has only one place, and says so; production never does.
        Err(error) if format!("{error:?}").contains("not implemented in workerd") => Ok(namespace),
        Err(error) => Err(error.into()),
    }
}

/// Marks the alarm as at work for as long as it lives, even if the work panics.
pub(super) struct AtWork<'a>(&'a Cell<bool>);

impl<'a> AtWork<'a> {
    pub(super) fn begin(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
