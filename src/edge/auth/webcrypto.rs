//! Verifies RSA signatures (RSASSA-PKCS1-v1_5) with the platform's `WebCrypto`.
//!
//! If anything fails on the way, such as an invalid key, the signature counts as not genuine.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Crypto, CryptoKey, SubtleCrypto};
use worker::js_sys::{Array, Object, Reflect, Uint8Array, global};
use worker::wasm_bindgen_futures::JsFuture;

use crate::push::sender::certificate::PublicKey;
use crate::push::sender::keys::SenderKey;
use crate::push::sender::oidc::SignedToken;
use crate::push::sender::sns::{SignatureHash, SignedMessage};

const ALGORITHM: &str = "RSASSA-PKCS1-v1_5";

/// A signature to verify.
pub(super) struct Signature<'a> {
    hash: &'static str,
    text: &'a str,
    bytes: &'a [u8],
}

impl<'a> Signature<'a> {
    pub(super) fn of_token(token: &'a SignedToken) -> Self {
        Self { hash: "SHA-256", text: &token.signed, bytes: &token.signature }
    }

    pub(super) fn of_message(message: &'a SignedMessage) -> Self {
        let hash = match message.hash {
            SignatureHash::Sha1 => "SHA-1",
            SignatureHash::Sha256 => "SHA-256",
        };
        Self { hash, text: &message.text, bytes: &message.signature }
    }
}

/// Whether the private part of a published key made it.
pub(super) async fn by_key(key: &SenderKey, signature: &Signature<'_>) -> bool {
    let jwk = [("kty", "RSA"), ("n", &key.modulus), ("e", &key.exponent)];
    match object(&jwk) {
        Ok(jwk) => is_genuine("jwk", &jwk, signature).await.unwrap_or(false),
        Err(_) => false,
    }
}

/// Whether the private part of a certificate's key made it.
pub(super) async fn by_certified_key(key: &PublicKey, signature: &Signature<'_>) -> bool {
    let spki = Uint8Array::from(key.spki.as_slice());
    is_genuine("spki", &spki, signature).await.unwrap_or(false)
}

async fn is_genuine(
    format: &str,
    key: &Object,
    signature: &Signature<'_>,
) -> Result<bool, JsValue> {
    let subtle = subtle()?;
    let algorithm = object(&[("name", ALGORITHM), ("hash", signature.hash)])?;
    let usages = Array::of1(&"verify".into());
    let import = subtle.import_key_with_object(format, key, &algorithm, false, &usages)?;
    let key: CryptoKey = JsFuture::from(import).await?.unchecked_into();
    let verify = subtle.verify_with_str_and_js_u8_array_and_js_u8_array(
        ALGORITHM,
        &key,
        &Uint8Array::from(signature.bytes),
        &Uint8Array::from(signature.text.as_bytes()),
    )?;
    Ok(JsFuture::from(verify).await?.is_truthy())
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    Ok(crypto.unchecked_into::<Crypto>().subtle())
}

fn object(members: &[(&str, &str)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Ok(object)
}
