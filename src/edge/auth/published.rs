//! The keys of Google and of Amazon SNS: fetched, and kept by the isolate.

use std::cell::RefCell;

use worker::Url;

use super::{NoKeys, VerifyFault};
use crate::edge::clock::now_ms;
use crate::edge::fetch::{self, FetchedDocument};
use crate::push::sender::SenderRefusal;
use crate::push::sender::certificate::PublicKey;
use crate::push::sender::certificates::{CertificateBook, CertificateLookup};
use crate::push::sender::keys::{self, KeyLookup, KeySet, SenderKey};

thread_local! {
    static KEYS: RefCell<KeySet> = const { RefCell::new(KeySet::new()) };
    static CERTIFICATES: RefCell<CertificateBook> = const { RefCell::new(CertificateBook::new()) };
}

/// The key with that name, as published at that address.
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
    let asked = now_ms();
    let key = match CERTIFICATES.with_borrow_mut(|book| book.look_up(url, asked)) {
        CertificateLookup::Known(key) => key,
        CertificateLookup::NotNow => return Err(NoKeys::NotNow.into()),
        CertificateLookup::Ask => match get(url.as_str()).await {
            Ok(answer) => {
                let key = PublicKey::read(&answer.body)?;
                CERTIFICATES.with_borrow_mut(|book| book.not_in_vain(asked));
                key
            }
            // This is Amazon's answer for an invented name.
            Err(NoKeys::Status(403 | 404)) => return Err(SenderRefusal::UnknownCertificate.into()),
            Err(why) => {
                CERTIFICATES.with_borrow_mut(|book| book.not_in_vain(asked));
                return Err(why.into());
            }
        },
    };
    if !key.is_valid_at(now_ms()) {
        return Err(SenderRefusal::Certificate.into());
    }
    CERTIFICATES.with_borrow_mut(|book| book.keep(url.clone(), key.clone()));
    Ok(key)
}

async fn get(url: &str) -> Result<FetchedDocument, NoKeys> {
    let answer = fetch::get(url).await?;
    if answer.status == 200 { Ok(answer) } else { Err(NoKeys::Status(answer.status)) }
}
