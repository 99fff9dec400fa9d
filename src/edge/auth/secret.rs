//! Shared secrets: how a request carries one, and how they are compared.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use worker::{Headers, Request, Result};

use crate::config::Secret;

/// Whether a push carries the secret.
pub(super) fn is_carried(secret: &Secret, request: &Request) -> Result<bool> {
    Ok(carried(request)?.iter().any(|carried| is_same(secret, carried)))
}

/// The values of a push that may be the secret: a bearer token, the password of HTTP Basic,
/// `X-Api-Key`, or the query parameter `token`, since brokers differ in what they can send.
pub(super) fn carried(request: &Request) -> Result<Vec<String>> {
    let carried = [
        bearer(request.headers())?,
        basic_password(request.headers())?,
        request.headers().get("X-Api-Key")?,
        query_token(request)?,
    ];
    Ok(carried.into_iter().flatten().collect())
}

/// Compares in constant time, over digests so that the length stays hidden, too.
pub(super) fn is_same(secret: &Secret, carried: &str) -> bool {
    let expected = Sha256::digest(secret.expose());
    expected.ct_eq(&Sha256::digest(carried)).into()
}

pub(super) fn bearer(headers: &Headers) -> Result<Option<String>> {
    Ok(credentials(headers, "bearer")?.map(|token| token.trim().to_owned()))
}

fn basic_password(headers: &Headers) -> Result<Option<String>> {
    let decoded = credentials(headers, "basic")?.and_then(|pair| STANDARD.decode(pair.trim()).ok());
    let pair = decoded.and_then(|pair| String::from_utf8(pair).ok());
    Ok(pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned())))
}

/// The text after the scheme in `Authorization`; schemes are case-insensitive (RFC 9110).
fn credentials(headers: &Headers, scheme: &str) -> Result<Option<String>> {
    let Some(header) = headers.get("Authorization")? else { return Ok(None) };
    let Some((given, credentials)) = header.split_once(' ') else { return Ok(None) };
    Ok(given.eq_ignore_ascii_case(scheme).then(|| credentials.to_owned()))
}

fn query_token(request: &Request) -> Result<Option<String>> {
    let url = request.url()?;
    Ok(url.query_pairs().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned()))
}
