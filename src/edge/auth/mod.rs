//! Authentication: who may push, and who may administer.
//!
//! The shared secret, Google's token, or Amazon SNS's signature lets a push in, whichever are configured. Its *claim*
//! is checked before anything is fetched, and then *verified* with the sender's keys. Its body is read after that,
//! except if the body itself is signed.

mod published;
mod secret;
mod webcrypto;

use worker::{Request, Result};

use self::webcrypto::Signature;
use super::clock::now_ms;
use super::log;
use crate::config::{Config, Secret};
use crate::http::NoAnswer;
use crate::push::sender::oidc::SignedToken;
use crate::push::sender::sns::SignedMessage;
use crate::push::sender::{PushSender, SenderRefusal};
use crate::watch::tally::RefusedCredentials;

/// The proof of its sender that a push carries.
pub(super) enum SenderClaim {
    /// The shared secret; nothing is left to verify.
    Secret,
    /// A token with the claims of Google's.
    Token(SignedToken),
    /// Perhaps a signature in its body.
    Body,
}

/// The caller of an endpoint other than a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// May see and do everything.
    Admin,
    /// May see how far everything is, but no personal data.
    Reader,
}

/// Why a push is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushDenial {
    /// No way to authenticate is configured, so every push is refused.
    NotConfigured,
    /// It does not come from an accepted sender.
    Unauthorized,
    /// Its sender cannot be verified, since the sender's keys are not available now.
    KeysUnavailable,
}

/// Why a signature could not be verified.
#[derive(Debug, Clone, Copy)]
enum VerifyFault {
    Refused(SenderRefusal),
    NoKeys(NoKeys),
}

/// Why a sender's keys are not available.
#[derive(Debug, Clone, Copy, thiserror::Error)]
enum NoKeys {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("status {0}")]
    Status(u16),
    #[error("the answer holds no keys")]
    Unreadable,
    #[error("too many unknown certificates were named lately")]
    NotNow,
}

impl From<SenderRefusal> for VerifyFault {
    fn from(refusal: SenderRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<NoKeys> for VerifyFault {
    fn from(why: NoKeys) -> Self {
        Self::NoKeys(why)
    }
}

/// The claim of a push, by its headers and its address.
pub(super) fn claim(config: &Config, request: &Request) -> Result<Result<SenderClaim, PushDenial>> {
    let push = &config.push;
    if !push.configured() {
        return Ok(Err(PushDenial::NotConfigured));
    }
    if has_push_secret(config, request)? {
        return Ok(Ok(SenderClaim::Secret));
    }
    let signed = push.sns.topic.is_some().then_some(SenderClaim::Body);
    let bearer = secret::bearer(request.headers())?;
    let token = match (&push.oidc, bearer) {
        (Some(oidc), Some(bearer)) => SignedToken::read(&bearer, oidc, now_ms()),
        _ => return Ok(signed.ok_or(PushDenial::Unauthorized)),
    };
    Ok(match (token, signed) {
        (Ok(token), _) => Ok(SenderClaim::Token(token)),
        (Err(_), Some(signed)) => Ok(signed),
        (Err(refusal), None) => Err(denied(refusal.into())),
    })
}

/// Verifies the claim of a push as far as possible without its body; after that only the signature of its body is open.
pub(super) async fn verify(
    config: &Config,
    claim: SenderClaim,
) -> std::result::Result<PushSender, PushDenial> {
    let verified = match (claim, &config.push.oidc) {
        (SenderClaim::Body, _) => return Ok(PushSender::Stranger),
        (SenderClaim::Secret, _) => Ok(()),
        (SenderClaim::Token(token), Some(oidc)) => genuine_token(&token, &oidc.keys_url).await,
        (SenderClaim::Token(_), None) => Err(SenderRefusal::NotAToken.into()),
    };
    verified.map(|()| PushSender::Known).map_err(denied)
}

/// Whether Amazon SNS signed a body; a body that is too large for SNS counts as unsigned.
pub(super) async fn verify_body(
    config: &Config,
    body: Option<&[u8]>,
) -> std::result::Result<(), PushDenial> {
    let message = body.ok_or(SenderRefusal::NotSigned);
    let message = message.and_then(|body| SignedMessage::read(body, &config.push.sns));
    let verified = match message {
        Ok(message) => genuine_message(&message).await,
        Err(refusal) => Err(refusal.into()),
    };
    verified.map_err(denied)
}

/// Whether the request carries the secret for pushes.
pub(super) fn has_push_secret(config: &Config, request: &Request) -> Result<bool> {
    let Some(token) = &config.push.token else { return Ok(false) };
    secret::is_carried(token, request)
}

/// The credentials of a refused push.
pub(super) fn carried(config: &Config, request: &Request) -> Result<RefusedCredentials> {
    let secrets = secret::carried(request)?;
    let is_of_operator = |secret: &String| {
        let tokens = [&config.admin_token, &config.read_token];
        tokens.into_iter().flatten().any(|token| secret::is_same(token, secret))
    };
    let push = &config.push;
    let is_signed = |secret: &String| push.oidc.is_some() && secret.matches('.').count() == 2;
    Ok(if secrets.iter().any(is_of_operator) {
        RefusedCredentials::OperatorToken
    } else if secrets.iter().any(is_signed) || push.token.is_none() || push.sns.topic.is_some() {
        RefusedCredentials::NotTheSender
    } else if secrets.is_empty() {
        RefusedCredentials::None
    } else {
        RefusedCredentials::NotPushToken
    })
}

/// The caller, by the token of the request; none if the token is not one of the configured ones.
pub(super) fn operator(config: &Config, request: &Request) -> Result<Option<Operator>> {
    let Some(carried) = secret::bearer(request.headers())? else { return Ok(None) };
    let is = |token: &Option<Secret>| {
        token.as_ref().is_some_and(|token| secret::is_same(token, &carried))
    };
    let admin = is(&config.admin_token).then_some(Operator::Admin);
    Ok(admin.or_else(|| is(&config.read_token).then_some(Operator::Reader)))
}

async fn genuine_token(
    token: &SignedToken,
    keys_url: &str,
) -> std::result::Result<(), VerifyFault> {
    let key = published::key(keys_url, &token.key_id).await?;
    let genuine = webcrypto::by_key(&key, &Signature::of_token(token)).await;
    genuine.then_some(()).ok_or(SenderRefusal::Signature.into())
}

async fn genuine_message(message: &SignedMessage) -> std::result::Result<(), VerifyFault> {
    let key = published::certified_key(&message.certificate).await?;
    let genuine = webcrypto::by_certified_key(&key, &Signature::of_message(message)).await;
    genuine.then_some(()).ok_or(SenderRefusal::Signature.into())
}

/// The log has the reason; the sender does not learn it.
fn denied(fault: VerifyFault) -> PushDenial {
    match fault {
        VerifyFault::Refused(refusal) => {
            log::failure("push_refused", &refusal.to_string());
            PushDenial::Unauthorized
        }
        VerifyFault::NoKeys(why) => {
            log::failure("push_keys", &why.to_string());
            PushDenial::KeysUnavailable
        }
    }
}
