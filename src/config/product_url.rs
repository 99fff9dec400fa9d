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

/// A template that names something that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "knows only {{{{productSlug}}}}, {{{{productName}}}}, {{{{productKey}}}}, {{{{productId}}}}, \
     {{{{sku}}}} and {{{{locale}}}}"
)]
pub struct UnknownPlaceholder;

/// What the placeholders stand for; what is missing becomes nothing.
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
    /// Where a placeholder is unknown or not closed.
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

    /// The address, every placeholder filled in and percent-encoded.
    #[must_use]
    pub fn url(&self, facts: ProductFacts) -> String {
        let mut url = String::new();
        for part in &self.0 {
            match part {
                TemplatePart::Text(text) => url.push_str(text),
                TemplatePart::Placeholder(placeholder) => {
                    let value = match placeholder {
                        Placeholder::ProductSlug => facts.slug,
                        Placeholder::ProductName => facts.name,
                        Placeholder::ProductKey => facts.key,
                        Placeholder::ProductId => facts.id,
                        Placeholder::Sku => facts.sku,
                        Placeholder::Locale => facts.locale,
                    };
                    url.push_str(&encode(value.unwrap_or_default()));
                }
            }
        }
        url
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
            ("https://x.example/{{productKey}}?a", "https://x.example/?a"),
            ("https://x.example/", "https://x.example/"),
        ] {
            assert_eq!(UrlTemplate::parse(template).expect(template).url(facts), expected);
        }
        for template in ["{{sku", "{{SKU}}", "{{}}"] {
            assert_eq!(UrlTemplate::parse(template), Err(UnknownPlaceholder), "{template}");
        }
    }
}
