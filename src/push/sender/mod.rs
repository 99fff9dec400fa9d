//! Whether a push is from whom it says: what can be decided without asking anybody.
//!
//! Google signs a token ([`oidc`]), Amazon SNS signs the message itself ([`sns`]). What either
//! says is checked here, before its key is fetched, so that a stranger cannot make the Worker fetch
//! anything. The signature is verified by the platform's `WebCrypto` (`edge::auth`), with a [`keys`]
//! entry or the key of a [`certificate`].
//!
//! Not in scope: shared secrets, which are only compared.

pub mod certificate;
pub mod certificates;
pub mod keys;
pub mod oidc;
pub mod sns;

/// What is known of who sends a push, before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushSender {
    /// Who it is.
    Known,
    /// Nothing: the body has to say it.
    Stranger,
}

/// Why a sender is not believed. For the log: the sender is only told that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SenderRefusal {
    /// The bearer token is none that is signed.
    #[error("the bearer token is no signed token")]
    NotAToken,
    /// The token is signed in another way than Google's are.
    #[error("the token's algorithm is not RS256")]
    Algorithm,
    /// The token is of somebody else.
    #[error("the token's issuer is not Google")]
    Issuer,
    /// The token is for somebody else.
    #[error("the token's audience is not PUSH_OIDC_AUDIENCE")]
    Audience,
    /// The token is of another account, or of one whose address is not verified.
    #[error("the token's verified e-mail is not PUSH_OIDC_EMAIL")]
    Email,
    /// The token's time is over, or has not begun.
    #[error("the token is not valid at this time")]
    Time,
    /// The key that it names is not published.
    #[error("the token's key is not among the published ones")]
    UnknownKey,
    /// The body is no message of SNS, or lacks what a signature covers.
    #[error("the body is no signed SNS message")]
    NotSigned,
    /// The message is of another topic.
    #[error("the message's topic is not PUSH_SNS_TOPIC_ARN")]
    Topic,
    /// The message's certificate is not to be had from Amazon SNS.
    #[error("the address of the message's certificate is not Amazon's")]
    CertificateAddress,
    /// Amazon SNS has no such certificate.
    #[error("Amazon SNS has no such certificate")]
    UnknownCertificate,
    /// The message's certificate is none, or not valid at this time.
    #[error("the message's certificate is not valid")]
    Certificate,
    /// It was signed by somebody else, or changed since.
    #[error("the signature is wrong")]
    Signature,
}
