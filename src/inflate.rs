//! Compressed bodies.
//!
//! The first bytes decide, not `Content-Encoding`: a proxy may inflate a body and leave the header, or the other way
//! round, and no JSON begins as gzip does. In scope: gzip, which the brokers' connectors send. Not in scope: how a body
//! is received (`edge::body`).

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

/// The first bytes of every gzip member (RFC 1952, §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Whether a body is gzip, by its first bytes.
#[must_use]
pub fn is_compressed(body: &[u8]) -> bool {
    body.starts_with(&GZIP)
}

/// The inflated body, or none if it is larger than `limit`: the function inflates no more than that, whatever the size.
/// A body that is not gzip, or is broken, stays as it came.
#[must_use]
pub fn inflated(body: Vec<u8>, limit: usize) -> Option<Vec<u8>> {
    if !is_compressed(&body) {
        return (body.len() <= limit).then_some(body);
    }
    let mut whole = Vec::new();
    // One byte more distinguishes a body that is too large from one that just fits.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body.as_slice()).take(most).read_to_end(&mut whole);
    if whole.len() > limit {
        return None;
    }
    Some(if read.is_ok() { whole } else { body })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).expect("room");
        encoder.finish().expect("room")
    }

    #[test]
    fn gzip_is_inflated_and_all_else_stays() {
        for body in [&b""[..], b"{}", b"[1,2]", &[0x1f], &[0xff, 0xfe]] {
            assert_eq!(inflated(body.to_vec(), 10), Some(body.to_vec()));
            assert_eq!(inflated(gzip(body), 10), Some(body.to_vec()));
        }
        let members = [gzip(b"[1,"), gzip(b"2]")].concat();
        assert_eq!(inflated(members, 10), Some(b"[1,2]".to_vec()));
    }

    #[test]
    fn the_limit_counts_after_inflation() {
        for (length, fits) in [(99, true), (100, true), (101, false), (10_000_000, false)] {
            let body = vec![b' '; length];
            assert_eq!(inflated(gzip(&body), 100).is_some(), fits, "{length}");
            assert_eq!(inflated(body, 100).is_some(), fits, "{length}");
        }
        let members = [gzip(&[b' '; 60]), gzip(&[b' '; 60])].concat();
        assert_eq!(inflated(members, 100), None);
    }

    #[test]
    fn what_is_broken_stays_as_it_came() {
        let whole = gzip(b"{\"a\":1}");
        let mut wrong = whole.clone();
        let end = wrong.len() - 5;
        wrong[end] ^= 1;
        for body in [whole[..whole.len() - 1].to_vec(), wrong, GZIP.to_vec(), whole[..12].to_vec()]
        {
            assert_eq!(inflated(body.clone(), 100), Some(body));
        }
    }
}
