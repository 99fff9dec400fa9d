//! Answers, all of them JSON.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use worker::{Headers, Response, ResponseBuilder, Result};

use super::auth::PushDenial;
use crate::config::SettingProblem;
use crate::import::kind::ImportKind;
use crate::push::outcome::PushReply;

/// How long a sender should wait if nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(10);

pub(super) fn json(status: u16, body: &impl Serialize) -> Result<Response> {
    ResponseBuilder::new().with_status(status).from_json(body)
}

/// JSON that already is text.
pub(super) fn text(status: u16, json: String) -> Result<Response> {
    let response = ResponseBuilder::new().with_status(status);
    Ok(response.with_header("Content-Type", "application/json")?.fixed(json.into_bytes()))
}

/// A table; if it is incomplete, `next` is the address of the rest (RFC 8288).
pub(super) fn csv(table: String, next: Option<&str>) -> Result<Response> {
    let mut response =
        ResponseBuilder::new().with_header("Content-Type", "text/csv; charset=utf-8")?;
    if let Some(next) = next {
        response = response.with_header("Link", &format!("<{next}>; rel=\"next\""))?;
    }
    Ok(response.fixed(table.into_bytes()))
}

/// The answer of an object, with its relevant headers.
pub(super) fn passed_on(status: u16, headers: &Headers, text: String) -> Result<Response> {
    let mut response = ResponseBuilder::new().with_status(status);
    for name in ["Content-Type", "Link"] {
        if let Some(value) = headers.get(name)? {
            response = response.with_header(name, &value)?;
        }
    }
    Ok(response.fixed(text.into_bytes()))
}

pub(super) fn empty(status: u16) -> Response {
    ResponseBuilder::new().with_status(status).empty()
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Result<Response> {
    json(status, &json!({ "message": message, "code": code }))
}

/// 400 with what is wrong, as a sentence.
pub(super) fn bad_request(problem: &str) -> Result<Response> {
    error(400, "bad_request", problem)
}

/// 423, as in the plugin: a run of the kind is under way, or a sequence will start one.
pub(super) fn already_running(kind: ImportKind) -> Result<Response> {
    let message = format!("{} sync is already running.", kind.title());
    error(423, "already_running", &message)
}

pub(super) fn method_not_allowed(allowed: &str) -> Result<Response> {
    let mut response =
        error(405, "method_not_allowed", &format!("This path takes only {allowed}."))?;
    response.headers_mut().set("Allow", allowed)?;
    Ok(response)
}

pub(super) fn too_large() -> Result<Response> {
    error(413, "body_too_large", "A body may have 10 MB.")
}

/// 503 with all problems of the settings; names only.
pub(super) fn not_configured(problems: &[SettingProblem]) -> Result<Response> {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let body = json!({
        "message": format!("The settings are not in order: {}.", problems.join("; ")),
        "code": "not_configured",
        "problems": problems,
    });
    try_again(json(503, &body)?, RETRY_AFTER)
}

pub(super) fn unavailable(code: &str, message: &str) -> Result<Response> {
    try_again(error(503, code, message)?, RETRY_AFTER)
}

/// The answer to a refused push.
pub(super) fn denied(why: PushDenial) -> Result<Response> {
    match why {
        PushDenial::Unauthorized => {
            error(401, "unauthorized", "The push carries no valid credentials.")
        }
        PushDenial::NotConfigured => unavailable(
            "push_auth_not_configured",
            "No way to authenticate a push is set; set PUSH_TOKEN, PUSH_OIDC_AUDIENCE and \
             PUSH_OIDC_EMAIL, or PUSH_SNS_TOPIC_ARN.",
        ),
        PushDenial::KeysUnavailable => unavailable(
            "keys_unavailable",
            "The sender's keys cannot be fetched now, so the sender cannot be verified.",
        ),
    }
}

/// The answer to a push.
pub(super) fn to_push(reply: PushReply) -> Result<Response> {
    match reply {
        PushReply::Done => Ok(empty(204)),
        PushReply::Parked => json(202, &json!({ "outcome": "parked" })),
        PushReply::DeadLettered { id, code } => {
            json(202, &json!({ "outcome": "dead_lettered", "id": id, "code": code }))
        }
        PushReply::TryAgain { code, retry_after } => {
            let message = "This could not be delivered now and is not stored; send it again.";
            try_again(error(503, &code, message)?, retry_after)
        }
    }
}

fn try_again(mut response: Response, after: Duration) -> Result<Response> {
    response.headers_mut().set("Retry-After", &after.as_secs().max(1).to_string())?;
    Ok(response)
}
