//! Localized texts, and the choice among them.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The preferred locale: the shop's (`PREFERRED_LOCALE`), or a buyer's; the default prefers none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locale {
    tag: Option<String>,
    /// The shop's, if this is a buyer's.
    otherwise: Option<String>,
}

impl Locale {
    /// Takes a locale such as `en-US`. As in the plugin, a text in another form counts as none.
    #[must_use]
    pub fn new(tag: String) -> Self {
        Self { tag: is_tag(&tag).then_some(tag), otherwise: None }
    }

    /// The locale of a buyer in this shop: texts that the buyer's language lacks come in the shop's.
    #[must_use]
    pub fn of_buyer(tag: Option<&str>, shop: &Self) -> Self {
        match tag.filter(|tag| is_tag(tag)) {
            Some(tag) => Self { tag: Some(tag.to_owned()), otherwise: shop.tag.clone() },
            None => shop.clone(),
        }
    }

    /// The locale's tag, if one is preferred.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The country of the locale, if it names one: `US` for `en-US`.
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
    /// The text for the preferred locale, otherwise for its language, otherwise for another locale
    /// of that language, otherwise the first text. A blank text does not count.
    #[must_use]
    pub fn text(&self, preferred: &Locale) -> Option<&str> {
        let mut tags = preferred.tag.iter().chain(&preferred.otherwise);
        tags.find_map(|tag| self.like(tag)).or_else(|| Some(self.filled().next()?.1))
    }

    /// The text nearest to a tag: `en` also takes `en-US`, and `en_GB` means `en-GB`.
    fn like(&self, tag: &str) -> Option<&str> {
        let same = |one: &str, other: &str| {
            one.len() == other.len()
                && one.bytes().zip(other.bytes()).all(|(one, other)| {
                    one.eq_ignore_ascii_case(&other) || (is_joint(one) && is_joint(other))
                })
        };
        let language = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_owned();
        let wanted = language(tag);
        let find = |fits: &dyn Fn(&str) -> bool| {
            self.filled().find(|(locale, _)| fits(locale)).map(|(_, text)| text)
        };
        find(&|locale| same(locale, tag))
            .or_else(|| find(&|locale| same(locale, &wanted)))
            .or_else(|| find(&|locale| same(&language(locale), &wanted)))
    }

    fn filled(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(_, text)| !text.trim().is_empty())
    }

    /// Every locale with its text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(locale, text)| Some((locale.as_str(), text.as_str()?)))
    }
}

/// Whether a byte joins the parts of a tag.
fn is_joint(byte: u8) -> bool {
    matches!(byte, b'-' | b'_')
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
            ("en_GB", "Trousers"),
            ("EN-us", "Pants"),
            ("de-AT", "Hose"),
            ("not a locale", "Hose"),
        ] {
            assert_eq!(text.text(&Locale::new(locale.to_owned())), Some(expected), "{locale}");
        }
        assert_eq!(LocalizedString::default().text(&Locale::default()), None);
    }

    #[test]
    fn another_locale_of_the_language_comes_before_another_language() {
        let read = |text: &str| serde_json::from_str::<LocalizedString>(text).expect("text");
        let shop = |tag: &str| Locale::new(tag.to_owned());
        for (texts, locale, expected) in [
            (r#"{"de":"Lampe","en-US":"Lamp"}"#, shop("en"), Some("Lamp")),
            (r#"{"de":"Lampe","en-US":"Lamp"}"#, shop("en-GB"), Some("Lamp")),
            (r#"{"de":"Lampe","english":"Lamp"}"#, shop("en"), Some("Lampe")),
            (r#"{"en":" ","en-US":"Lamp","de":"Lampe"}"#, shop("en"), Some("Lamp")),
            (r#"{"en":"","de":"Lampe"}"#, shop("en"), Some("Lampe")),
            (r#"{"en":" ","de":null}"#, shop("en"), None),
            (
                r#"{"fr":"Lampe F","de":"Lampe","en":"Lamp"}"#,
                Locale::of_buyer(Some("de-CH"), &shop("en")),
                Some("Lampe"),
            ),
            (
                r#"{"fr":"Lampe F","en-US":"Lamp"}"#,
                Locale::of_buyer(Some("de-CH"), &shop("en")),
                Some("Lamp"),
            ),
            (
                r#"{"fr":"Lampe F","en":"Lamp"}"#,
                Locale::of_buyer(Some("?"), &shop("en")),
                Some("Lamp"),
            ),
            (r#"{"fr":"Lampe F","en":"Lamp"}"#, Locale::of_buyer(None, &shop("en")), Some("Lamp")),
        ] {
            assert_eq!(read(texts).text(&locale), expected, "{texts}");
        }
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
