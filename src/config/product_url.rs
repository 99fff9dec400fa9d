//! The address of a product in the shop, from `PRODUCT_URL_TEMPLATE`.

use crate::http::encode;

/// A template such as `https://shop.example.com/{{locale}}/p/{{productSlug}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(Vec<TemplatePart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Placeholder(Placeholder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    ProductSlug,
    ProductName,
    ProductKey,
    ProductId,
    Sku,
    Locale,
}

/// A template with an unknown placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "knows only {{{{productSlug}}}}, {{{{productName}}}}, {{{{productKey}}}}, {{{{productId}}}}, \
     {{{{sku}}}} and {{{{locale}}}}"
)]
pub struct UnknownPlaceholder;

/// The values of the placeholders.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "named after the placeholders")]
pub struct ProductFacts<'a> {
    pub slug: Option<&'a str>,
    pub name: Option<&'a str>,
    pub key: Option<&'a str>,
    pub id: Option<&'a str>,
    pub sku: Option<&'a str>,
    pub locale: Option<&'a str>,
}

impl UrlTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// A placeholder is unknown or not closed.
    pub fn parse(template: &str) -> Result<Self, UnknownPlaceholder> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or(UnknownPlaceholder)?;
            parts.push(TemplatePart::Text(text.to_owned()));
            parts.push(TemplatePart::Placeholder(match name.trim() {
                "productSlug" => Placeholder::ProductSlug,
                "productName" => Placeholder::ProductName,
                "productKey" => Placeholder::ProductKey,
                "productId" => Placeholder::ProductId,
                "sku" => Placeholder::Sku,
                "locale" => Placeholder::Locale,
                _ => return Err(UnknownPlaceholder),
            }));
            rest = after;
        }
        parts.push(TemplatePart::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The address, with every placeholder filled in and percent-encoded; none if the product lacks one of them.
    #[must_use]
    pub fn url(&self, facts: ProductFacts) -> Option<String> {
        let texts = self.0.iter().map(|part| part.text(&facts));
        texts.collect()
    }

    /// The address without the values that the product lacks: a path segment, a parameter or a part of the host's name
    /// is left out if it would consist of nothing else. In the extreme case that is the site's root.
    #[must_use]
    pub fn shortened(&self, facts: ProductFacts) -> String {
        let texts =
            self.0.iter().map(|part| part.text(&facts).unwrap_or_else(|| LACKING.to_owned()));
        // A placeholder with a value keeps its segment, whatever else the segment lacks.
        let whole: String = self
            .0
            .iter()
            .zip(texts)
            .map(|(part, text)| match part {
                TemplatePart::Placeholder(_) if text != LACKING => format!("{text}{HELD}"),
                _ => text,
            })
            .collect();
        let end = whole.find(['?', '#']).unwrap_or(whole.len());
        let (address, rest) = whole.split_at(end);
        let (scheme, address) = match address.find("://") {
            Some(at) => address.split_at(at + 3),
            None => ("", address),
        };
        let (host, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let kept = |part: &&str| part.contains(HELD) || !part.contains(LACKING);
        let host: Vec<_> = host.split('.').filter(kept).collect();
        let mut url = format!("{scheme}{}", host.join("."));
        if !path.is_empty() {
            let (above, last) = path.rsplit_once('/').unwrap_or_default();
            let above = above.split('/').skip(1).filter(kept);
            above.for_each(|segment| url.extend(["/", segment]));
            url.extend(["/", Some(last).filter(kept).unwrap_or_default()]);
        }
        let (query, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
        let parameters = query.trim_start_matches('?').split('&').filter(kept);
        let parameters: Vec<_> = parameters.filter(|one| !one.is_empty()).collect();
        if !parameters.is_empty() {
            url.extend(["?", &parameters.join("&")]);
        }
        url.push_str(Some(fragment).filter(kept).unwrap_or_default());
        let url = url.replace([HELD, '\u{1}'], "");
        if url.is_empty() { "/".to_owned() } else { url }
    }
}

/// Replaces a missing value; no address contains it.
const LACKING: &str = "\u{1}";

/// Follows an existing value.
const HELD: char = '\u{2}';

impl TemplatePart {
    /// Its text, percent-encoded if it is a value; none if the value is missing.
    fn text(&self, facts: &ProductFacts) -> Option<String> {
        let placeholder = match self {
            Self::Text(text) => return Some(text.clone()),
            Self::Placeholder(placeholder) => placeholder,
        };
        let value = match placeholder {
            Placeholder::ProductSlug => facts.slug,
            Placeholder::ProductName => facts.name,
            Placeholder::ProductKey => facts.key,
            Placeholder::ProductId => facts.id,
            Placeholder::Sku => facts.sku,
            Placeholder::Locale => facts.locale,
        };
        value.filter(|value| !value.trim().is_empty()).map(encode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_filled_in_and_encoded() {
        let facts = ProductFacts {
            slug: Some("käse$&"),
            sku: Some("A/1"),
            locale: Some("de-CH"),
            ..ProductFacts::default()
        };
        for (template, expected) in [
            ("https://x.example/{{productSlug}}", "https://x.example/k%C3%A4se%24%26"),
            ("{{locale}}/{{ sku }}/{{locale}}", "de-CH/A%2F1/de-CH"),
            ("https://x.example/", "https://x.example/"),
            (
                "https://x.example/{{productSlug}}?a={{sku}}#b",
                "https://x.example/k%C3%A4se%24%26?a=A%2F1#b",
            ),
        ] {
            let template = UrlTemplate::parse(template).expect(template);
            assert_eq!(template.url(facts).as_deref(), Some(expected));
            assert_eq!(template.shortened(facts), expected, "nothing is lacking");
        }
        for template in ["{{sku", "{{SKU}}", "{{}}"] {
            assert_eq!(UrlTemplate::parse(template), Err(UnknownPlaceholder), "{template}");
        }
    }

    /// The product has neither slug nor key, and the shop no locale.
    #[test]
    fn what_is_lacking_makes_no_link_and_a_shorter_address() {
        let facts = ProductFacts { sku: Some("A1"), slug: Some(" "), ..ProductFacts::default() };
        for (template, expected) in [
            ("https://x.example/p/{{productSlug}}", "https://x.example/p/"),
            ("https://x.example/p/{{productSlug}}.html", "https://x.example/p/"),
            ("https://x.example/{{productSlug}}", "https://x.example/"),
            ("https://x.example/{{locale}}/p/{{sku}}", "https://x.example/p/A1"),
            ("https://x.example/{{productSlug}}-{{sku}}", "https://x.example/-A1"),
            ("https://x.example/p?key={{productKey}}&sku={{sku}}", "https://x.example/p?sku=A1"),
            ("https://x.example/p?key={{productKey}}#{{productKey}}", "https://x.example/p"),
            ("https://{{locale}}.x.example/{{sku}}", "https://x.example/A1"),
            ("/p/{{productSlug}}", "/p/"),
            ("{{productSlug}}", "/"),
        ] {
            let template = UrlTemplate::parse(template).expect(template);
            assert_eq!(template.url(facts), None);
            assert_eq!(template.shortened(facts), expected);
        }
    }
}
