//! The known certificates of Amazon SNS, and how often the Worker asks for others.
//!
//! The signer of a message is known only after its certificate was fetched, and anybody can name one. So the Worker
//! fetches only a few an hour, whatever a message names: SNS itself uses one for months.

use std::time::Duration;

use url::Url;

use super::certificate::PublicKey;

use crate::time::UnixMs;

/// How many are kept.
const KEPT: usize = 8;

/// How many unknown ones the Worker asks for within [`WINDOW`].
const ASKED: usize = 5;

/// An hour.
const WINDOW: Duration = Duration::from_hours(1);

/// The known certificates, and the times of requests.
#[derive(Debug, Default)]
pub struct CertificateBook {
    /// The last used one first.
    known: Vec<(Url, PublicKey)>,
    /// The times of the last requests.
    asked: Vec<UnixMs>,
}

/// The known state of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub enum CertificateLookup {
    /// Its key is known.
    Known(PublicKey),
    /// The Worker has to ask for it.
    Ask,
    /// The Worker asked for too many lately. It may be genuine, so its message has to come again.
    NotNow,
}

impl CertificateBook {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Vec::new(), asked: Vec::new() }
    }

    /// Looks up a certificate. If it has to be fetched, that counts as a request from now on.
    pub fn look_up(&mut self, url: &Url, now: UnixMs) -> CertificateLookup {
        if let Some(place) = self.known.iter().position(|(address, _)| address == url) {
            let known = self.known.remove(place);
            let key = known.1.clone();
            self.known.insert(0, known);
            return CertificateLookup::Known(key);
        }
        self.asked.retain(|at| now < *at + WINDOW);
        if self.asked.len() >= ASKED {
            return CertificateLookup::NotNow;
        }
        self.asked.push(now);
        CertificateLookup::Ask
    }

    /// The question of this time got no answer, or led to a certificate: it does not count.
    pub fn not_in_vain(&mut self, asked: UnixMs) {
        if let Some(place) = self.asked.iter().position(|at| *at == asked) {
            self.asked.remove(place);
        }
    }

    /// Keeps a certificate.
    pub fn keep(&mut self, url: Url, key: PublicKey) {
        self.known.retain(|(address, _)| *address != url);
        self.known.insert(0, (url, key));
        self.known.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(n: usize) -> Url {
        Url::parse(&format!("https://sns.example/SimpleNotificationService-{n:x}.pem"))
            .expect("a URL")
    }

    fn key() -> PublicKey {
        PublicKey::of_test()
    }

    #[test]
    fn a_few_unknown_ones_are_asked_for_in_an_hour() {
        let mut book = CertificateBook::new();
        book.keep(url(0), key());
        let at = UnixMs::from_ms;
        let asked = (1..50_u8).map(|n| book.look_up(&url(n.into()), at(n.into())));
        let asked = asked.filter(|found| *found == CertificateLookup::Ask).count();
        assert_eq!(asked, ASKED);
        assert_eq!(book.look_up(&url(0), at(60)), CertificateLookup::Known(key()));
        assert_eq!(book.look_up(&url(99), at(60)), CertificateLookup::NotNow);
        assert_eq!(book.look_up(&url(99), at(1) + WINDOW), CertificateLookup::Ask);
    }

    #[test]
    fn what_was_not_in_vain_does_not_count() {
        let mut book = CertificateBook::new();
        for n in 0..50 {
            assert_eq!(book.look_up(&url(n), UnixMs::EPOCH), CertificateLookup::Ask, "{n}");
            book.not_in_vain(UnixMs::EPOCH);
        }
    }

    #[test]
    fn those_that_were_used_last_are_kept() {
        let mut book = CertificateBook::new();
        for n in 0..20 {
            book.keep(url(n), key());
            assert_eq!(
                book.look_up(&url(0), UnixMs::EPOCH),
                CertificateLookup::Known(key()),
                "{n}"
            );
        }
        assert_eq!(book.known.len(), KEPT);
    }
}
