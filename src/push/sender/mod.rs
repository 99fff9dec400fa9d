//! Whether a push comes from its claimed sender: the part of the check that needs no calls.
//!
//! Google signs a token ([`oidc`]), Amazon SNS signs the message itself ([`sns`]). Their claims are
//! checked here, before the key is fetched, so that a stranger cannot make the Worker fetch
//! anything. The platform's `WebCrypto` (`edge::auth`) verifies the signature, with a [`keys`]
//! entry or the key of a [`certificate`].
//!
//! Not in scope: shared secrets, which are only compared.

pub mod certificate;
pub mod certificates;
pub mod keys;
pub mod oidc;
pub mod sns;

/// What is known about the sender of a push before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushSender {
    /// The sender is known.
    Known,
    /// Nothing: the body has to prove it.
    Stranger,
}

/// Why a sender is not believed. For: the log; the sender only learns that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderRefusal {
    /// The bearer token is not a signed token.
    #[error("the bearer token is not a signed token")]
    NotAToken,
    /// The token uses another algorithm than Google's.
    #[error("the token's algorithm is not RS256")]
    Algorithm,
    /// The token has another issuer.
    #[error("the token's issuer is not Google")]
    Issuer,
    /// The token has another audience.
    #[error("the token's audience is not PUSH_OIDC_AUDIENCE")]
    Audience,
    /// The token belongs to another account, or to one with an unverified address.
    #[error("the token's verified e-mail is not PUSH_OIDC_EMAIL")]
    Email,
    /// The token has expired, or is not valid yet.
    #[error("the token is not valid at this time")]
    Time,
    /// The key that it names is not published.
    #[error("the token's key is not among the published ones")]
    UnknownKey,
    /// The body is not a message of SNS, or lacks a signed member.
    #[error("the body is not a signed SNS message")]
    NotSigned,
    /// The message belongs to another topic.
    #[error("the message's topic is not PUSH_SNS_TOPIC_ARN")]
    Topic,
    /// The address of the message's certificate is not one of Amazon SNS.
    #[error("the address of the message's certificate is not Amazon's")]
    CertificateAddress,
    /// Amazon SNS has no such certificate.
    #[error("Amazon SNS has no such certificate")]
    UnknownCertificate,
    /// The message's certificate is unreadable, or not valid at this time.
    #[error("the message's certificate is not valid")]
    Certificate,
    /// Somebody else signed it, or it was changed since.
    #[error("the signature is wrong")]
    Signature,
}
