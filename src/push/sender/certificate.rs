//! The key in an X.509 certificate (RFC 5280) that Amazon SNS sends in PEM.
//!
//! Not in scope: the issuer. As in the AWS SDKs, the TLS connection to Amazon's host vouches for
//! it.

use x509_cert::Certificate;
use x509_cert::der::{DecodePem, Encode};

use super::SenderRefusal;

use crate::time::UnixMs;

/// A key, and the validity of its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The key with its algorithm (`SubjectPublicKeyInfo`), in DER.
    pub spki: Vec<u8>,
    from_s: u64,
    to_s: u64,
}

impl PublicKey {
    /// Reads a certificate.
    ///
    /// # Errors
    /// The text is no certificate.
    pub fn read(pem: &str) -> Result<Self, SenderRefusal> {
        let certificate = Certificate::from_pem(pem).map_err(|_| SenderRefusal::Certificate)?;
        let certificate = certificate.tbs_certificate();
        let validity = certificate.validity();
        let spki = certificate.subject_public_key_info().to_der();
        Ok(Self {
            spki: spki.map_err(|_| SenderRefusal::Certificate)?,
            from_s: validity.not_before.to_unix_duration().as_secs(),
            to_s: validity.not_after.to_unix_duration().as_secs(),
        })
    }

    /// A key that verifies nothing.
    #[cfg(test)]
    pub(super) fn of_test() -> Self {
        Self { spki: vec![1], from_s: 0, to_s: 1 }
    }

    /// Whether its certificate is valid at this time.
    #[must_use]
    pub fn is_valid_at(&self, now: UnixMs) -> bool {
        (self.from_s..=self.to_s).contains(&(now.ms() / 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The test of a valid certificate: `tests/runtime/wire-forms.test.mjs`.
    #[test]
    fn what_is_no_certificate_is_none() {
        let pem =
            |label, content| format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n");
        for text in [
            String::new(),
            "<Error>".to_owned(),
            pem("CERTIFICATE", ""),
            pem("CERTIFICATE", "MAA="),
            pem("CERTIFICATE", "%%%%"),
            pem("PUBLIC KEY", "MAA="),
        ] {
            assert_eq!(PublicKey::read(&text), Err(SenderRefusal::Certificate), "{text}");
        }
    }

    #[test]
    fn a_certificate_holds_for_its_time() {
        let key = PublicKey { spki: vec![], from_s: 10, to_s: 20 };
        for (now, valid) in [(9_999, false), (10_000, true), (20_999, true), (21_000, false)] {
            assert_eq!(key.is_valid_at(UnixMs::from_ms(now)), valid, "{now}");
        }
    }
}
