//! The settings, parsed once into one typed [`Config`].
//!
//! In scope: every name of the table in `docs/configuration.md`, its default, and the problems of a value. The parser
//! finds all problems at once, so that an operator fixes them in one go; a problem names the setting and never repeats
//! a value, since the value may be a secret.
//!
//! Not in scope: the source of the values. The caller passes a lookup, so the same code reads the Worker's environment
//! and a test's table.

mod alerts;
mod feed;
mod import;
mod names;
pub mod order;
mod parse;
pub mod product_url;
pub mod property_rules;
mod push;
pub mod rules;
pub mod schedule;
pub mod supply_channels;

use std::fmt;
use std::time::Duration;

use crate::commercetools::locale::Locale;
use product_url::UrlTemplate;

pub use alerts::AlertRules;
pub use feed::{FeedMode, FeedRules};
pub use import::{ImportRules, ProductImportRules};
pub use names::NAMES;
pub use parse::parse;
pub use push::{OidcAuth, PushAuth, SnsAuth};
pub use rules::OperatorRules;

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// How to reach the commercetools project.
    pub commercetools: CommercetoolsAccess,
    /// How to reach the Klaviyo account.
    pub klaviyo: KlaviyoAccess,
    /// Which of the two jobs this deployment does (`APP_TYPE`).
    pub mode: AppType,
    /// Who may push notifications.
    pub push: PushAuth,
    /// `PUSH_PATIENCE_MS`: how long a push may take if a broker's few seconds should not decide, as in a test.
    pub push_patience: Option<Duration>,
    /// The bearer token of the admin endpoints (`ADMIN_TOKEN`); without it they are closed.
    pub admin_token: Option<Secret>,
    /// The bearer token that only reads (`READ_TOKEN`); never the admin token.
    pub read_token: Option<Secret>,
    /// The address that gets alerts (`ALERT_URL`); a secret, since anybody who has it can post there.
    pub alert_url: Option<Secret>,
    /// Where the Durable Objects live (`DATA_JURISDICTION`).
    pub jurisdiction: Option<Jurisdiction>,
    /// The shop's language, currency and product addresses.
    pub shop: ShopSettings,
    /// The tree of the setting `CONFIG`.
    pub rules: OperatorRules,
}

impl Config {
    /// Whether a broker pushes notifications, so that the Worker has to let it in.
    #[must_use]
    pub fn expects_pushes(&self) -> bool {
        self.mode.realtime() && self.rules.feed.mode != FeedMode::Only
    }
}

/// How to reach the commercetools project.
#[derive(Debug, Clone)]
pub struct CommercetoolsAccess {
    /// `CT_AUTH_URL` without a trailing slash.
    pub auth_url: String,
    /// `CT_API_URL` without a trailing slash.
    pub api_url: String,
    /// `CT_PROJECT_ID`.
    pub project_key: String,
    /// `clientId` of `CT_API_CLIENT`.
    pub client_id: String,
    /// `secret` of `CT_API_CLIENT`.
    pub client_secret: Secret,
    /// `CT_SCOPES` (or `CT_SCOPE`), space separated; none asks for all of the client's scopes.
    pub scopes: Option<String>,
}

impl CommercetoolsAccess {
    /// The address of the project in the Merchant Center, next to the API's address
    /// (<https://docs.commercetools.com/merchant-center/getting-started>); none if the API's host is not one of
    /// commercetools'.
    #[must_use]
    pub fn merchant_center(&self) -> Option<String> {
        let region =
            self.api_url.strip_prefix("https://api.")?.strip_suffix(".commercetools.com")?;
        Some(format!("https://mc.{region}.commercetools.com/{}", self.project_key))
    }
}

/// How to reach the Klaviyo account.
#[derive(Debug, Clone)]
pub struct KlaviyoAccess {
    /// `KLAVIYO_API_URL` without a trailing slash.
    pub api_url: String,
    /// `KLAVIYO_AUTH_KEY`.
    pub key: Secret,
}

/// Which jobs this deployment does (`APP_TYPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppType {
    /// Unset: realtime and imports.
    Both,
    /// `EVENT`: only realtime.
    Realtime,
    /// `BULK_IMPORT`: only imports.
    Import,
}

impl AppType {
    /// Whether the Worker takes pushes.
    #[must_use]
    pub fn realtime(self) -> bool {
        self != Self::Import
    }

    /// Whether the Worker runs imports.
    #[must_use]
    pub fn import(self) -> bool {
        self != Self::Realtime
    }
}

/// A Cloudflare jurisdiction for the Durable Objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jurisdiction {
    /// `eu`: data stays within the European Union.
    Eu,
}

impl Jurisdiction {
    /// Cloudflare's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
        }
    }
}

/// The shop's language, currency, country and product addresses.
#[derive(Debug, Clone, Default)]
pub struct ShopSettings {
    /// `PREFERRED_LOCALE`.
    pub locale: Locale,
    /// `PREFERRED_CURRENCY`, an ISO 4217 code.
    pub currency: Option<String>,
    /// `PREFERRED_COUNTRY`, an ISO 3166-1 alpha-2 code.
    pub country: Option<String>,
    /// `PRODUCT_URL_TEMPLATE`.
    pub product_url: Option<UrlTemplate>,
}

/// A value that must never be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: only for a header that is about to be sent, or a comparison.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[present]")
    }
}

/// A problem of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingProblem {
    /// The setting's name, with the path inside it for `CONFIG` (`CONFIG.order.states`).
    pub setting: String,
    /// The problem and what to do, without the value.
    pub problem: String,
}

impl SettingProblem {
    fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}

impl fmt::Display for SettingProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.setting, self.problem)
    }
}

/// A complete configuration with these rules (the setting `CONFIG`), for tests.
#[cfg(test)]
pub(crate) fn test_config_with(rules: &str) -> Config {
    let value = |name: &str| match name {
        "CT_API_CLIENT" => Some(r#"{"clientId":"c","secret":"s"}"#.to_owned()),
        "CT_AUTH_URL" | "CT_API_URL" => Some("https://example.com".to_owned()),
        "CT_PROJECT_ID" => Some("shop".to_owned()),
        "KLAVIYO_AUTH_KEY" => Some("k".to_owned()),
        "CONFIG" => Some(rules.to_owned()),
        _ => None,
    };
    parse(value).expect("a configuration")
}

/// A complete configuration, for tests.
#[cfg(test)]
pub(crate) fn test_config() -> Config {
    test_config_with("{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_merchant_center_stands_beside_the_api() {
        let mut access = test_config().commercetools;
        for (api, center) in [
            (
                "https://api.europe-west1.gcp.commercetools.com",
                Some("https://mc.europe-west1.gcp.commercetools.com/shop"),
            ),
            ("http://127.0.0.1:8080", None),
            ("https://api.example.com", None),
        ] {
            access.api_url = api.to_owned();
            assert_eq!(access.merchant_center().as_deref(), center, "{api}");
        }
    }
}
