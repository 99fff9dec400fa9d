//! The keys of Google and of Amazon SNS: fetched, and kept by the isolate.

use std::cell::RefCell;

use worker::Url;

use super::{NoKeys, VerifyFault};
use crate::edge::calls::now_ms;
use crate::edge::fetch::{self, FetchedDocument};
use crate::push::sender::SenderRefusal;
use crate::push::sender::certificate::PublicKey;
use crate::push::sender::keys::{self, KeyLookup, KeySet, SenderKey};

/// How many certificates are kept. SNS uses one for months.
const CERTIFICATES_KEPT: usize = 8;

thread_local! {
    static KEYS: RefCell<KeySet> = const { RefCell::new(KeySet::new()) };
    static CERTIFICATES: RefCell<Vec<(Url, PublicKey)>> = const { RefCell::new(Vec::new()) };
}

/// The key of that name, as published at that address.
pub(super) async fn key(url: &str, id: &str) -> Result<SenderKey, VerifyFault> {
    match KEYS.with_borrow(|keys| keys.look_up(id, now_ms())) {
        KeyLookup::Known(key) => return Ok(key),
        KeyLookup::Unknown => return Err(SenderRefusal::UnknownKey.into()),
        KeyLookup::Ask => {}
    }
    let answer = get(url).await?;
    let keys = keys::read(&answer.body).ok_or(NoKeys::Unreadable)?;
    let key = KEYS.with_borrow_mut(|known| {
        known.renew(keys, answer.fresh_for, now_ms());
        known.find(id)
    });
    key.ok_or(SenderRefusal::UnknownKey.into())
}

/// The key of the certificate at that address.
pub(super) async fn certified_key(url: &Url) -> Result<PublicKey, VerifyFault> {
    let known = CERTIFICATES.with_borrow(|kept| {
        kept.iter().find(|(address, _)| address == url).map(|(_, key)| key.clone())
    });
    let key = match known {
        Some(key) => key,
        None => PublicKey::read(&get(url.as_str()).await?.body)?,
    };
    if !key.is_valid_at(now_ms()) {
        return Err(SenderRefusal::Certificate.into());
    }
    CERTIFICATES.with_borrow_mut(|kept| {
        kept.retain(|(address, _)| address != url);
        kept.insert(0, (url.clone(), key.clone()));
        kept.truncate(CERTIFICATES_KEPT);
    });
    Ok(key)
}

async fn get(url: &str) -> Result<FetchedDocument, NoKeys> {
    let answer = fetch::get(url).await?;
    if answer.status == 200 { Ok(answer) } else { Err(NoKeys::Status(answer.status)) }
}
