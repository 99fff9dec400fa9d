//! `GET /health`: whether the Worker is up and configured, and how many things need a person. It takes no token, so it
//! shows no detail.

use serde_json::json;
use worker::{Env, Response, Result};

use super::settings::CheckedSettings;
use super::{reply, watch};
use crate::config::{AppType, Config};

pub(super) async fn answer(env: &Env, settings: &CheckedSettings) -> Result<Response> {
    let attention = match settings.as_ref() {
        Ok(config) => watch::attention(env, config).await,
        Err(_) => None,
    };
    let notes = match settings.as_ref() {
        Ok(config) => closed(config),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    };
    let parts = settings.as_ref().as_ref().map_or_else(|_| Vec::new(), |config| on(config.mode));
    reply::json(
        200,
        &json!({
            "status": "ok",
            "version": env!("CARGO_PKG_VERSION"),
            "configured": settings.is_ok(),
            "attention": attention,
            "parts": parts,
            "notes": notes,
        }),
    )
}

/// The active parts of the Worker.
fn on(mode: AppType) -> Vec<&'static str> {
    let realtime = mode.realtime().then_some("realtime");
    let imports = mode.import().then_some("imports");
    realtime.into_iter().chain(imports).collect()
}

/// The parts that are closed because no way to authenticate is configured.
fn closed(config: &Config) -> Vec<String> {
    let push = config.expects_pushes() && !config.push.configured();
    let push = push.then_some(
        "none of PUSH_TOKEN, PUSH_OIDC_AUDIENCE and PUSH_SNS_TOPIC_ARN is set: every push is refused",
    );
    let admin = config.admin_token.is_none();
    let admin = admin.then_some("ADMIN_TOKEN is not set: every admin call is refused");
    push.into_iter().chain(admin).map(ToOwned::to_owned).collect()
}
