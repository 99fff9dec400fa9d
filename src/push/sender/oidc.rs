//! The token that Google signs for a Pub/Sub push (`cloud.google.com/pubsub/docs/
//! authenticate-push-subscriptions`): a JWT (RFC 7519) in JWS compact form (RFC 7515).
//!
//! The algorithm is fixed: a token that could choose its own could choose none (RFC 8725 §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::SenderRefusal;
use crate::config::OidcAuth;
use crate::json::read_bytes;
use crate::time::UnixMs;

/// Google writes its name in both ways (`developers.google.com/identity/openid-connect`).
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// How far the clocks of signer and Worker may be apart, in seconds.
const LEEWAY: u64 = 60;

/// A token with valid claims; its signature is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedToken {
    /// The name of the key that it was signed with.
    pub key_id: String,
    /// The signed text.
    pub signed: String,
    /// The signature.
    pub signature: Vec<u8>,
}

impl SignedToken {
    /// Reads a bearer token and checks all its claims.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(bearer: &str, oidc: &OidcAuth, now: UnixMs) -> Result<Self, SenderRefusal> {
        let (signed, signature) = bearer.rsplit_once('.').ok_or(SenderRefusal::NotAToken)?;
        let (header, claims) = signed.split_once('.').ok_or(SenderRefusal::NotAToken)?;
        let header = part(header).ok_or(SenderRefusal::NotAToken)?;
        // `crit` names extensions that must be understood (RFC 7515 §4.1.11); the Worker understands none.
        if header.get("alg").is_none_or(|alg| alg != "RS256") || header.contains_key("crit") {
            return Err(SenderRefusal::Algorithm);
        }
        let key_id = header.get("kid").and_then(Value::as_str).ok_or(SenderRefusal::UnknownKey)?;
        check(&part(claims).ok_or(SenderRefusal::NotAToken)?, oidc, now)?;
        Ok(Self {
            key_id: key_id.to_owned(),
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| SenderRefusal::NotAToken)?,
        })
    }
}

fn check(claims: &Map<String, Value>, oidc: &OidcAuth, now: UnixMs) -> Result<(), SenderRefusal> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    if !text("iss").is_some_and(|issuer| ISSUERS.contains(&issuer)) {
        return Err(SenderRefusal::Issuer);
    }
    if text("aud") != Some(&oidc.audience) {
        return Err(SenderRefusal::Audience);
    }
    let verified = claims.get("email_verified").and_then(Value::as_bool);
    if text("email") != Some(&oidc.email) || verified != Some(true) {
        return Err(SenderRefusal::Email);
    }
    let seconds = |name| claims.get(name).and_then(Value::as_u64).ok_or(SenderRefusal::Time);
    let (expires, issued, now) = (seconds("exp")?, seconds("iat")?, now.ms() / 1000);
    if expires.saturating_add(LEEWAY) <= now || issued > now.saturating_add(LEEWAY) {
        return Err(SenderRefusal::Time);
    }
    Ok(())
}

fn part(encoded: &str) -> Option<Map<String, Value>> {
    match read_bytes(&URL_SAFE_NO_PAD.decode(encoded).ok()?) {
        Ok(Value::Object(part)) => Some(part),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: UnixMs = UnixMs::from_ms(1_767_323_045_600);
    const NOW_S: u64 = NOW.ms() / 1000;

    fn oidc() -> OidcAuth {
        OidcAuth {
            audience: "https://worker.example.com".to_owned(),
            email: "push@shop.iam.gserviceaccount.com".to_owned(),
            keys_url: String::new(),
        }
    }

    fn header() -> Value {
        json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})
    }

    fn claims() -> Value {
        json!({"iss": "https://accounts.google.com", "aud": "https://worker.example.com",
            "azp": "1", "sub": "1", "email": "push@shop.iam.gserviceaccount.com",
            "email_verified": true, "iat": NOW_S - 10, "exp": NOW_S + 3590})
    }

    fn read(header: &Value, claims: &Value) -> Result<SignedToken, SenderRefusal> {
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        SignedToken::read(&format!("{header}.{claims}.c2ln"), &oidc(), NOW)
    }

    fn with(mut value: Value, name: &str, changed: Value) -> Value {
        value[name] = changed;
        value
    }

    #[test]
    fn what_google_sends_is_read() {
        let token = read(&header(), &claims()).expect("a token");
        assert_eq!((token.key_id.as_str(), token.signature.as_slice()), ("k1", &b"sig"[..]));
        assert_eq!(token.signed.split('.').count(), 2);
        for (name, value) in [
            ("iss", json!("accounts.google.com")),
            ("exp", json!(NOW_S - 30)),
            ("iat", json!(NOW_S + 30)),
        ] {
            assert!(read(&header(), &with(claims(), name, value)).is_ok(), "{name}");
        }
    }

    #[test]
    fn each_claim_is_checked() {
        for (name, value, expected) in [
            ("iss", json!("https://accounts.google.com.evil.example"), SenderRefusal::Issuer),
            ("iss", Value::Null, SenderRefusal::Issuer),
            ("aud", json!("https://worker.example.com/"), SenderRefusal::Audience),
            ("aud", json!(["https://worker.example.com"]), SenderRefusal::Audience),
            ("aud", Value::Null, SenderRefusal::Audience),
            ("email", json!("other@shop.iam.gserviceaccount.com"), SenderRefusal::Email),
            ("email", Value::Null, SenderRefusal::Email),
            ("email_verified", json!(false), SenderRefusal::Email),
            ("email_verified", json!("true"), SenderRefusal::Email),
            ("email_verified", Value::Null, SenderRefusal::Email),
            ("exp", json!(NOW_S - 61), SenderRefusal::Time),
            ("iat", json!(NOW_S + 62), SenderRefusal::Time),
            ("exp", Value::Null, SenderRefusal::Time),
            ("iat", json!("soon"), SenderRefusal::Time),
            ("exp", json!(-1), SenderRefusal::Time),
            ("exp", json!(0), SenderRefusal::Time),
            ("iat", json!(u64::MAX), SenderRefusal::Time),
        ] {
            let refused = read(&header(), &with(claims(), name, value.clone()));
            assert_eq!(refused, Err(expected), "{name} {value}");
        }
        for name in ["iss", "aud", "email", "email_verified", "exp", "iat"] {
            let mut without = claims();
            without.as_object_mut().expect("an object").remove(name);
            assert!(read(&header(), &without).is_err(), "{name}");
        }
    }

    #[test]
    fn the_algorithm_is_not_the_tokens_choice() {
        for (name, value, expected) in [
            ("alg", json!("none"), SenderRefusal::Algorithm),
            ("alg", json!("HS256"), SenderRefusal::Algorithm),
            ("alg", json!("RS512"), SenderRefusal::Algorithm),
            ("alg", json!("rs256"), SenderRefusal::Algorithm),
            ("crit", json!(["b64"]), SenderRefusal::Algorithm),
            ("kid", Value::Null, SenderRefusal::UnknownKey),
        ] {
            let refused = read(&with(header(), name, value.clone()), &claims());
            assert_eq!(refused, Err(expected), "{name} {value}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let (header, claims) = (part(header()), part(claims()));
        for bearer in [
            "",
            "secret",
            ".",
            "..",
            "a.b.c",
            "W10.W10.c2ln",
            &format!("{header}.{claims}"),
            &format!("{header}.W10.c2ln"),
            &format!("{header}.{claims}.{claims}.c2ln"),
            &format!("{header}.{claims}.%"),
        ] {
            let refused = SignedToken::read(bearer, &oidc(), NOW);
            assert_eq!(refused, Err(SenderRefusal::NotAToken), "{bearer}");
        }
    }
}
