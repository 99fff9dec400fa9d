//! The keys that a signer publishes (a JWK set, RFC 7517), and how long they are known.

use std::time::Duration;

use serde_json::Value;

use crate::time::UnixMs;

/// How long keys are used if the signer says otherwise or nothing: the minimum, the maximum, and
/// the default. Google says some hours.
const LEAST: Duration = Duration::from_mins(1);
const MOST: Duration = Duration::from_hours(24);
const DEFAULT: Duration = Duration::from_mins(5);

/// How often an unknown key makes the Worker ask again: it learns a new key at once, and a stranger
/// who invents names cannot make it ask with each push.
const AGAIN: Duration = Duration::from_secs(10);

/// An RSA key for RS256, its numbers in base64url as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderKey {
    /// Its name.
    pub id: String,
    /// `n`.
    pub modulus: String,
    /// `e`.
    pub exponent: String,
}

/// The published keys, as far as they are known.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<SenderKey>,
    fresh_until: UnixMs,
    asked_again: Option<UnixMs>,
}

/// The known state of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyLookup {
    /// The key is known.
    Known(SenderKey),
    /// The Worker has to ask the signer.
    Ask,
    /// No such key exists.
    Unknown,
}

impl KeySet {
    /// An empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Vec::new(), fresh_until: UnixMs::EPOCH, asked_again: None }
    }

    /// Finds a key.
    #[must_use]
    pub fn look_up(&self, id: &str, now: UnixMs) -> KeyLookup {
        if now >= self.fresh_until {
            return KeyLookup::Ask;
        }
        match (self.find(id), self.asked_again) {
            (Some(key), _) => KeyLookup::Known(key),
            (None, Some(asked)) if now < asked + AGAIN => KeyLookup::Unknown,
            (None, _) => KeyLookup::Ask,
        }
    }

    /// Takes over the signer's keys, for as long as the signer said.
    pub fn renew(&mut self, keys: Vec<SenderKey>, age: Option<Duration>, now: UnixMs) {
        let fresh = age.unwrap_or(DEFAULT).clamp(LEAST, MOST);
        let asked_again = now < self.fresh_until;
        self.asked_again = if asked_again { Some(now) } else { self.asked_again };
        self.fresh_until = now + fresh;
        self.keys = keys;
    }

    /// The key with that name, fresh or not.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<SenderKey> {
        self.keys.iter().find(|key| key.id == id).cloned()
    }
}

/// Reads a JWK set. Keys of another kind are left out; none if the text is no set.
#[must_use]
pub fn read(body: &str) -> Option<Vec<SenderKey>> {
    let set: Value = serde_json::from_str(body).ok()?;
    Some(set.get("keys")?.as_array()?.iter().filter_map(key).collect())
}

fn key(jwk: &Value) -> Option<SenderKey> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let fits = text("kty") == Some("RSA")
        && text("alg").is_none_or(|algorithm| algorithm == "RS256")
        && text("use").is_none_or(|purpose| purpose == "sig");
    let key = SenderKey {
        id: text("kid")?.to_owned(),
        modulus: text("n")?.to_owned(),
        exponent: text("e")?.to_owned(),
    };
    fits.then_some(key)
}

/// How long an answer may be used, by its `Cache-Control` and `Age` headers (RFC 9111 §4.2).
#[must_use]
pub fn freshness(cache_control: Option<&str>, age: Option<&str>) -> Option<Duration> {
    let seconds = cache_control?.split(',').find_map(|directive| {
        let (name, seconds) = directive.trim().split_once('=')?;
        let seconds = seconds.trim_matches('"').parse::<u64>().ok()?;
        name.eq_ignore_ascii_case("max-age").then_some(seconds)
    })?;
    let age = age.and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    fn key(id: &str) -> SenderKey {
        SenderKey { id: id.to_owned(), modulus: "n".to_owned(), exponent: "AQAB".to_owned() }
    }

    #[test]
    fn a_set_is_read_without_what_is_of_another_kind() {
        let body = r#"{"keys":[
            {"kid":"a","kty":"RSA","alg":"RS256","use":"sig","n":"n","e":"AQAB"},
            {"kid":"b","kty":"RSA","n":"n","e":"AQAB"},
            {"kid":"c","kty":"RSA","alg":"RS512","n":"n","e":"AQAB"},
            {"kid":"d","kty":"RSA","use":"enc","n":"n","e":"AQAB"},
            {"kid":"e","kty":"EC","n":"n","e":"AQAB"},
            {"kid":"f","kty":"oct","k":"AAAA"}, {"kty":"RSA","n":"n","e":"AQAB"}, 3]}"#;
        assert_eq!(read(body), Some(vec![key("a"), key("b")]));
        for body in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn keys_are_known_as_long_as_the_signer_says() {
        let mut set = KeySet::new();
        assert_eq!(set.look_up("a", at(0)), KeyLookup::Ask);
        set.renew(vec![key("a")], Some(Duration::from_secs(100)), at(1_000));
        assert_eq!(set.look_up("a", at(100_999)), KeyLookup::Known(key("a")));
        assert_eq!(set.look_up("a", at(101_000)), KeyLookup::Ask);
        set.renew(vec![key("a")], Some(Duration::ZERO), at(200_000));
        assert_eq!(set.look_up("a", at(259_999)), KeyLookup::Known(key("a")));
        set.renew(vec![key("a")], Some(Duration::MAX), at(300_000));
        assert_eq!(set.look_up("a", at(300_000) + MOST), KeyLookup::Ask);
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_in_a_while() {
        let mut set = KeySet::new();
        set.renew(vec![key("a")], None, at(1_000));
        assert_eq!(set.look_up("b", at(1_000)), KeyLookup::Ask);
        set.renew(vec![key("a"), key("b")], None, at(2_000));
        assert_eq!(set.look_up("b", at(2_000)), KeyLookup::Known(key("b")));
        assert_eq!(set.look_up("c", at(11_999)), KeyLookup::Unknown);
        assert_eq!(set.look_up("c", at(12_000)), KeyLookup::Ask);
    }

    #[test]
    fn freshness_is_read_from_the_headers() {
        for (cache_control, age, seconds) in [
            (Some("public, max-age=19204, must-revalidate"), None, Some(19204)),
            (Some("Max-Age=\"60\""), Some("20"), Some(40)),
            (Some("max-age=60"), Some("90"), Some(0)),
            (Some("no-store"), None, None),
            (Some("max-age=soon"), None, None),
            (None, Some("3"), None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(freshness(cache_control, age), expected, "{cache_control:?}");
        }
    }
}
