//! The certificates of Amazon SNS that are known, and how often others are asked for.
//!
//! Who signed a message is known only when its certificate was fetched, and anybody can name one. So a
//! few are fetched in an hour, whatever is named: SNS itself uses one for months.

use url::Url;

use super::certificate::PublicKey;

/// How many are kept.
const KEPT: usize = 8;

/// How many unknown ones are asked for within [`WINDOW_MS`].
const ASKED: usize = 5;

/// An hour.
const WINDOW_MS: u64 = 3_600_000;

/// What is known, and what was asked for.
#[derive(Debug, Default)]
pub struct CertificateBook {
    /// The one that was used last first.
    known: Vec<(Url, PublicKey)>,
    /// When the last ones were asked for, in ms since 1970 UTC.
    asked: Vec<u64>,
}

/// What is known of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub enum CertificateLookup {
    /// This is its key.
    Known(PublicKey),
    /// It is to be asked for.
    Ask,
    /// Too many were asked for lately. It may be genuine, so its message has to come again.
    NotNow,
}

impl CertificateBook {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Vec::new(), asked: Vec::new() }
    }

    /// Looks a certificate up. One that is to be asked for counts as asked for from now on (ms since 1970
    /// UTC).
    pub fn look_up(&mut self, url: &Url, now_ms: u64) -> CertificateLookup {
        if let Some(place) = self.known.iter().position(|(address, _)| address == url) {
            let known = self.known.remove(place);
            let key = known.1.clone();
            self.known.insert(0, known);
            return CertificateLookup::Known(key);
        }
        self.asked.retain(|at| now_ms < at.saturating_add(WINDOW_MS));
        if self.asked.len() >= ASKED {
            return CertificateLookup::NotNow;
        }
        self.asked.push(now_ms);
        CertificateLookup::Ask
    }

    /// What was asked at this time was not answered, or led to a certificate: it does not count.
    pub fn not_in_vain(&mut self, asked_ms: u64) {
        if let Some(place) = self.asked.iter().position(|at| *at == asked_ms) {
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
        let now = 1_000;
        let asked = (1..50).map(|n| book.look_up(&url(n), now + n as u64));
        let asked = asked.filter(|found| *found == CertificateLookup::Ask).count();
        assert_eq!(asked, ASKED);
        assert_eq!(book.look_up(&url(0), now + 60), CertificateLookup::Known(key()));
        assert_eq!(book.look_up(&url(99), now + 60), CertificateLookup::NotNow);
        assert_eq!(book.look_up(&url(99), now + 1 + WINDOW_MS), CertificateLookup::Ask);
    }

    #[test]
    fn what_was_not_in_vain_does_not_count() {
        let mut book = CertificateBook::new();
        for n in 0..50 {
            assert_eq!(book.look_up(&url(n), 7), CertificateLookup::Ask, "{n}");
            book.not_in_vain(7);
        }
    }

    #[test]
    fn those_that_were_used_last_are_kept() {
        let mut book = CertificateBook::new();
        for n in 0..20 {
            book.keep(url(n), key());
            assert_eq!(book.look_up(&url(0), 0), CertificateLookup::Known(key()), "{n}");
        }
        assert_eq!(book.known.len(), KEPT);
    }
}
