//! Localized texts, and which of them the shop prefers.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The shop's preferred locale (`PREFERRED_LOCALE`); the default prefers none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locale(Option<String>);

impl Locale {
    /// Takes a locale such as `en-US`. As in the plugin, a text of another form counts as none.
    #[must_use]
    pub fn new(tag: String) -> Self {
        Self(is_tag(&tag).then_some(tag))
    }

    /// The locale's tag, if one is preferred.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The country of the locale, if it names one: `US` of `en-US`.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        let mut parts = self.tag()?.split(['-', '_']).skip(1);
        parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase)
    }
}

/// A language of 2 to 4 letters, then perhaps a script of 4 letters, then perhaps a region of
/// 2 letters or 3 digits, joined by `-` or `_`.
fn is_tag(tag: &str) -> bool {
    let letters = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let region = |part: &str| {
        letters(part, 2, 2) || (part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match tag.split(['-', '_']).collect::<Vec<_>>()[..] {
        [language] => letters(language, 2, 4),
        [language, rest] => letters(language, 2, 4) && (letters(rest, 4, 4) || region(rest)),
        [language, script, rest] => {
            letters(language, 2, 4) && letters(script, 4, 4) && region(rest)
        }
        _ => false,
    }
}

/// One text in several locales, in the order commercetools gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LocalizedString(Map<String, Value>);

impl LocalizedString {
    /// The text for the preferred locale, else for its language, else the first there is.
    #[must_use]
    pub fn text(&self, preferred: &Locale) -> Option<&str> {
        let exact = preferred.tag().and_then(|tag| self.get(tag));
        let language = || self.get(preferred.tag()?.split_once('-')?.0);
        exact.or_else(language).or_else(|| self.0.values().find_map(Value::as_str))
    }

    /// Every locale with its text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(locale, text)| Some((locale.as_str(), text.as_str()?)))
    }

    fn get(&self, tag: &str) -> Option<&str> {
        self.0.get(tag).and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_text_is_found() {
        let text: LocalizedString =
            serde_json::from_str(r#"{"de":"Hose","en":"Trousers","en-US":"Pants"}"#).expect("text");
        for (locale, expected) in [
            ("en-US", "Pants"),
            ("en-GB", "Trousers"),
            ("fr", "Hose"),
            ("en_GB", "Hose"),
            ("not a locale", "Hose"),
        ] {
            assert_eq!(text.text(&Locale::new(locale.to_owned())), Some(expected), "{locale}");
        }
        assert_eq!(LocalizedString::default().text(&Locale::default()), None);
    }

    #[test]
    fn a_locale_may_name_a_country() {
        for (tag, country) in
            [("en-US", Some("US")), ("zh_Hans_cn", Some("CN")), ("es-419", None), ("de", None)]
        {
            assert_eq!(Locale::new(tag.to_owned()).country().as_deref(), country, "{tag}");
        }
    }

    #[test]
    fn only_a_locale_is_taken_as_one() {
        for (tag, taken) in [
            ("en", true),
            ("en-US", true),
            ("zh-Hans-CN", true),
            ("es-419", true),
            ("zh_Hant", true),
            ("e", false),
            ("english", false),
            ("en-USA", false),
            ("en-US-x-y", false),
        ] {
            assert_eq!(Locale::new(tag.to_owned()).tag().is_some(), taken, "{tag}");
        }
    }
}
