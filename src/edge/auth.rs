//! Who may push, and who may administer.
//!
//! A shared secret may come as `Authorization: Bearer`, as the password of HTTP Basic, as
//! `X-Api-Key`, or as the query parameter `token`: brokers differ in what they can send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use worker::{Headers, Request, Result};

use crate::config::{Config, Secret};

/// Whether a push may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushAccess {
    Granted,
    Refused,
    /// No way to authenticate is set, so nothing is let in.
    NotConfigured,
}

pub(super) fn push(config: &Config, request: &Request) -> Result<PushAccess> {
    let Some(token) = &config.push.token else { return Ok(PushAccess::NotConfigured) };
    let carried = [
        bearer(request.headers())?,
        basic_password(request.headers())?,
        request.headers().get("X-Api-Key")?,
        query_token(request)?,
    ];
    let granted = carried.iter().flatten().any(|carried| same(token, carried));
    Ok(if granted { PushAccess::Granted } else { PushAccess::Refused })
}

/// Whether the request carries the admin token; without one set, nothing does.
pub(super) fn admin(config: &Config, request: &Request) -> Result<bool> {
    let Some(token) = &config.admin_token else { return Ok(false) };
    Ok(bearer(request.headers())?.is_some_and(|carried| same(token, &carried)))
}

/// Compares in constant time, over digests so that the length does not show either.
fn same(secret: &Secret, carried: &str) -> bool {
    let expected = Sha256::digest(secret.expose());
    expected.ct_eq(&Sha256::digest(carried)).into()
}

fn bearer(headers: &Headers) -> Result<Option<String>> {
    Ok(credentials(headers, "bearer")?.map(|token| token.trim().to_owned()))
}

fn basic_password(headers: &Headers) -> Result<Option<String>> {
    let decoded = credentials(headers, "basic")?.and_then(|pair| STANDARD.decode(pair.trim()).ok());
    let pair = decoded.and_then(|pair| String::from_utf8(pair).ok());
    Ok(pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())))
}

/// What follows the scheme in `Authorization`; schemes are case-insensitive (RFC 9110).
fn credentials(headers: &Headers, scheme: &str) -> Result<Option<String>> {
    let Some(header) = headers.get("Authorization")? else { return Ok(None) };
    let Some((given, credentials)) = header.split_once(' ') else { return Ok(None) };
    Ok(given.eq_ignore_ascii_case(scheme).then(|| credentials.to_owned()))
}

fn query_token(request: &Request) -> Result<Option<String>> {
    let url = request.url()?;
    Ok(url.query_pairs().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned()))
}
