//! What a broker wants before it delivers: Event Grid's request for consent, with and without a
//! body, and Amazon SNS's address to fetch.

use serde_json::json;
use worker::{Request, Response, Result};

use super::auth::{self, PushDenial};
use super::{fetch, log, reply};
use crate::config::Config;
use crate::push::envelope::Handshake;

/// The methods of the paths for pushes, for the header `Allow`.
pub(super) const METHODS: &str = "POST, OPTIONS";

/// `OPTIONS`: whether the sender named in `WebHook-Request-Origin` may deliver here, by the
/// `CloudEvents` specification "HTTP 1.1 Web Hooks" (§4). It may if it knows the secret, which it
/// sends in the address, since this request has no credentials.
pub(super) fn consent(config: &Config, request: &Request) -> Result<Response> {
    let Some(origin) = request.headers().get("WebHook-Request-Origin")? else {
        return reply::method_not_allowed(METHODS);
    };
    if !config.push.configured() {
        return reply::denied(PushDenial::NotConfigured);
    }
    if !auth::has_push_secret(config, request)? {
        return reply::denied(PushDenial::Unauthorized);
    }
    let mut response = reply::empty(200);
    let headers = response.headers_mut();
    headers.set("Allow", METHODS)?;
    headers.set("WebHook-Allowed-Origin", &origin)?;
    headers.set("WebHook-Allowed-Rate", "*")?;
    Ok(response)
}

/// Answers a handshake that came as a push.
pub(super) async fn answer(handshake: Handshake) -> Result<Response> {
    match handshake {
        Handshake::EventGrid { code } => reply::json(200, &json!({ "validationResponse": code })),
        Handshake::SnsUnsubscribed => {
            log::failure("sns_subscription", "Amazon SNS has ended the subscription");
            reply::json(200, &json!({ "handshake": "unsubscribed" }))
        }
        Handshake::SnsSubscription { url } => {
            let failed = match fetch::get(url.as_str()).await {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    return reply::json(200, &json!({ "handshake": "subscribed" }));
                }
                Ok(answer) => format!("status {}", answer.status),
                Err(why) => why.to_string(),
            };
            log::failure("sns_subscription", &failed);
            let message = "The subscription could not be confirmed to Amazon SNS.";
            reply::unavailable("sns_confirmation_failed", message)
        }
    }
}
