//! What Amazon SNS signs, and how ("Verifying the signatures of Amazon SNS messages" in its developer guide).
//!
//! The signature covers the members below and nothing else, so nothing else of a signed message may be believed
//! (`envelope::forms`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use url::Url;

use super::SenderRefusal;
use crate::config::SnsAuth;
use crate::json::read_bytes;

/// The signed members, in their order.
const NOTIFICATION: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const HANDSHAKE: &[&str] =
    &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

/// The optional one.
const OPTIONAL: &str = "Subject";

/// The hash of the text before it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureHash {
    /// Signature version 1.
    Sha1,
    /// Signature version 2.
    Sha256,
}

/// A message with valid claims; its signature is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// The address of the signer's certificate.
    pub certificate: Url,
    /// The hash of its signature version.
    pub hash: SignatureHash,
    /// The signed text.
    pub text: String,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The members that count, without the others: the sender of the body is not known yet.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMembers {
    message: Option<String>,
    message_id: Option<String>,
    subject: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    timestamp: Option<String>,
    token: Option<String>,
    topic_arn: Option<String>,
    r#type: Option<String>,
    signature_version: Option<String>,
    signature: Option<String>,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: Option<String>,
}

impl SnsMembers {
    /// The member with this SNS name.
    fn get(&self, name: &str) -> Option<&str> {
        let member = match name {
            "Message" => &self.message,
            "MessageId" => &self.message_id,
            "Subject" => &self.subject,
            "SubscribeURL" => &self.subscribe_url,
            "Timestamp" => &self.timestamp,
            "Token" => &self.token,
            "TopicArn" => &self.topic_arn,
            "Type" => &self.r#type,
            "SignatureVersion" => &self.signature_version,
            "Signature" => &self.signature,
            "SigningCertURL" => &self.signing_cert_url,
            _ => &None,
        };
        member.as_deref()
    }
}

impl SignedMessage {
    /// Reads a body, which must be one message of the accepted topic.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(body: &[u8], sns: &SnsAuth) -> Result<Self, SenderRefusal> {
        let members: SnsMembers = read_bytes(body).map_err(|_| SenderRefusal::NotSigned)?;
        let member = |name: &str| members.get(name);
        let covered = match member("Type") {
            Some("Notification") => NOTIFICATION,
            Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") => HANDSHAKE,
            _ => return Err(SenderRefusal::NotSigned),
        };
        let topic = sns.topic.as_deref();
        if topic.is_none() || member("TopicArn") != topic {
            return Err(SenderRefusal::Topic);
        }
        let hash = match member("SignatureVersion") {
            Some("1") => SignatureHash::Sha1,
            Some("2") => SignatureHash::Sha256,
            _ => return Err(SenderRefusal::NotSigned),
        };
        let mut text = String::new();
        for name in covered {
            match member(name) {
                Some(value) => text.extend([*name, "\n", value, "\n"]),
                None if *name == OPTIONAL => {}
                None => return Err(SenderRefusal::NotSigned),
            }
        }
        let signature = member("Signature").and_then(|signature| STANDARD.decode(signature).ok());
        let certificate = member("SigningCertURL").and_then(|url| Url::parse(url).ok());
        Ok(Self {
            certificate: certificate
                .filter(|url| is_certificate(url, sns))
                .ok_or(SenderRefusal::CertificateAddress)?,
            hash,
            text,
            signature: signature.ok_or(SenderRefusal::NotSigned)?,
        })
    }
}

/// Whether only Amazon SNS can have put a certificate there, under a name of its pattern
/// (`SimpleNotificationService-9c64…36.pem`). The host alone does not prove it: it also answers calls of its API, some
/// with a stranger's text.
fn is_certificate(url: &Url, sns: &SnsAuth) -> bool {
    let name = url.path().strip_prefix("/SimpleNotificationService-");
    let name = name.and_then(|name| name.strip_suffix(".pem"));
    sns.answers_at(url)
        && url.query().is_none()
        && url.fragment().is_none()
        && name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:commercetools";

    fn pinned() -> SnsAuth {
        SnsAuth { topic: Some(TOPIC.to_owned()), url: None }
    }

    fn notification() -> Value {
        json!({"Type": "Notification", "MessageId": "1", "TopicArn": TOPIC, "Message": "{}",
            "Timestamp": "2026-07-01T12:00:00.000Z", "SignatureVersion": "1", "Signature": "c2ln",
            "SigningCertURL":
                "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem",
            "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe"})
    }

    fn read(value: &Value) -> Result<SignedMessage, SenderRefusal> {
        SignedMessage::read(value.to_string().as_bytes(), &pinned())
    }

    fn with(mut value: Value, name: &str, changed: Value) -> Value {
        value[name] = changed;
        value
    }

    #[test]
    fn what_is_signed_is_put_together_as_documented() {
        let plain = read(&notification()).expect("a message");
        assert_eq!(
            plain.text,
            format!(
                "Message\n{{}}\nMessageId\n1\nTimestamp\n2026-07-01T12:00:00.000Z\n\
                 TopicArn\n{TOPIC}\nType\nNotification\n"
            )
        );
        assert_eq!((plain.hash, plain.signature.as_slice()), (SignatureHash::Sha1, &b"sig"[..]));
        let titled = with(notification(), "Subject", json!("Hello"));
        let titled = read(&with(titled, "SignatureVersion", json!("2"))).expect("a message");
        assert!(titled.text.contains("MessageId\n1\nSubject\nHello\nTimestamp\n"));
        assert_eq!(titled.hash, SignatureHash::Sha256);
        let mut confirmation = with(notification(), "Type", json!("SubscriptionConfirmation"));
        assert_eq!(read(&confirmation), Err(SenderRefusal::NotSigned));
        confirmation["Token"] = json!("t");
        confirmation["SubscribeURL"] = json!("https://u");
        let text = read(&confirmation).expect("a handshake").text;
        assert!(text.contains("MessageId\n1\nSubscribeURL\nhttps://u\nTimestamp\n"), "{text}");
        assert!(
            text.ends_with(&format!(
                "Token\nt\nTopicArn\n{TOPIC}\nType\nSubscriptionConfirmation\n"
            ))
        );
    }

    #[test]
    fn each_member_is_checked() {
        let host = "https://sns.eu-central-1.amazonaws.com";
        for (name, value, expected) in [
            ("Type", json!("Other"), SenderRefusal::NotSigned),
            ("Message", json!({}), SenderRefusal::NotSigned),
            ("MessageId", Value::Null, SenderRefusal::NotSigned),
            ("Subject", json!(3), SenderRefusal::NotSigned),
            ("Signature", json!("%"), SenderRefusal::NotSigned),
            ("SignatureVersion", json!("3"), SenderRefusal::NotSigned),
            ("SignatureVersion", json!(1), SenderRefusal::NotSigned),
            ("TopicArn", json!(format!("{TOPIC}2")), SenderRefusal::Topic),
            ("TopicArn", Value::Null, SenderRefusal::Topic),
            ("SigningCertURL", Value::Null, SenderRefusal::CertificateAddress),
            ("SigningCertURL", json!(host), SenderRefusal::CertificateAddress),
            ("SigningCertURL", json!(format!("{host}/x.pem")), SenderRefusal::CertificateAddress),
            (
                "SigningCertURL",
                json!(format!("{host}/SimpleNotificationService-/../x.pem")),
                SenderRefusal::CertificateAddress,
            ),
            (
                "SigningCertURL",
                json!(format!("{host}/SimpleNotificationService-0.pem?Action=x")),
                SenderRefusal::CertificateAddress,
            ),
            (
                "SigningCertURL",
                json!("https://evil.example/SimpleNotificationService-0.pem"),
                SenderRefusal::CertificateAddress,
            ),
        ] {
            let refused = read(&with(notification(), name, value.clone()));
            assert_eq!(refused, Err(expected), "{name} {value}");
        }
    }

    #[test]
    fn without_a_topic_no_signature_suffices() {
        let body = notification().to_string();
        assert_eq!(
            SignedMessage::read(body.as_bytes(), &SnsAuth::default()),
            Err(SenderRefusal::Topic)
        );
        for body in ["", "[]", "null", "{}", &format!("[{body}]")] {
            let refused = SignedMessage::read(body.as_bytes(), &pinned());
            assert_eq!(refused, Err(SenderRefusal::NotSigned), "{body}");
        }
    }
}
