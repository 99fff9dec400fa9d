//! From a lookup of raw values to a [`Config`], or to every problem at once.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::product_url::UrlTemplate;
use super::{
    AppType, CommercetoolsAccess, Config, FeedMode, Jurisdiction, KlaviyoAccess, OidcAuth,
    OperatorRules, PushAuth, Secret, SettingProblem, ShopSettings, SnsAuth,
};
use crate::commercetools::locale::Locale;

/// The address of Klaviyo's API if `KLAVIYO_API_URL` is not set.
const KLAVIYO_API_URL: &str = "https://a.klaviyo.com";

/// The address where Google publishes the keys of its tokens (`jwks_uri` of
/// <https://accounts.google.com/.well-known/openid-configuration>).
const GOOGLE_KEYS_URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// The range of `PUSH_PATIENCE_MS`: longer than a push has anyway, but limited.
const PUSH_PATIENCE_MS: RangeInclusive<u64> = 4_000..=600_000;

/// Reads every setting through `lookup`. An empty value counts as unset.
///
/// # Errors
/// All problems found, in the order of the settings' table.
pub fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<SettingProblem>> {
    let mut settings = SettingsReader { lookup, problems: Vec::new() };
    let client = settings.api_client();
    let auth_url = settings.required_url("CT_AUTH_URL");
    let api_url = settings.required_url("CT_API_URL");
    let project_key = settings.required("CT_PROJECT_ID");
    let scopes = settings.optional("CT_SCOPES").or_else(|| settings.optional("CT_SCOPE"));
    let klaviyo_key = settings.required("KLAVIYO_AUTH_KEY");
    let klaviyo_url = match settings.optional("KLAVIYO_API_URL") {
        Some(value) => settings.url("KLAVIYO_API_URL", &value),
        None => Some(KLAVIYO_API_URL.to_owned()),
    };
    let mode = settings.mode();
    let token = settings.secret("PUSH_TOKEN");
    let push = PushAuth { token, oidc: settings.oidc(), sns: settings.sns() };
    let push_patience = settings.push_patience();
    let admin_token = settings.secret("ADMIN_TOKEN");
    let read_token = settings.read_token(admin_token.as_ref());
    let alert_url = settings.alert_url();
    let jurisdiction = settings.jurisdiction();
    let shop = settings.shop();
    let rules = settings.rules();
    if mode == Some(AppType::Import)
        && rules.as_ref().is_some_and(|rules| rules.feed.mode != FeedMode::Off)
    {
        let problem = "must be `off` with `APP_TYPE` `BULK_IMPORT`: the feed is a part of realtime";
        settings.problem("CONFIG.feed.mode", problem);
    }

    match (client, auth_url, api_url, project_key, klaviyo_key, klaviyo_url, mode, rules) {
        (
            Some(client),
            Some(auth_url),
            Some(api_url),
            Some(project_key),
            Some(key),
            Some(klaviyo_url),
            Some(mode),
            Some(rules),
        ) if settings.problems.is_empty() => Ok(Config {
            commercetools: CommercetoolsAccess {
                auth_url,
                api_url,
                project_key,
                client_id: client.client_id,
                client_secret: Secret::new(client.secret),
                scopes,
            },
            klaviyo: KlaviyoAccess { api_url: klaviyo_url, key: Secret::new(key) },
            mode,
            push,
            push_patience,
            admin_token,
            read_token,
            alert_url,
            jurisdiction,
            shop,
            rules,
        }),
        _ => Err(settings.problems),
    }
}

/// The JSON of `CT_API_CLIENT`, as in the plugin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiClient {
    client_id: String,
    secret: String,
}

/// The lookup and the problems found so far.
struct SettingsReader<F> {
    lookup: F,
    problems: Vec<SettingProblem>,
}

impl<F: Fn(&str) -> Option<String>> SettingsReader<F> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let value = self.optional(name);
        if value.is_none() {
            self.problem(name, "is required and not set");
        }
        value
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.optional(name).map(Secret::new)
    }

    fn problem(&mut self, setting: &str, problem: &str) {
        self.problems.push(SettingProblem::new(setting, problem));
    }

    fn required_url(&mut self, name: &str) -> Option<String> {
        let value = self.required(name)?;
        self.url(name, &value)
    }

    /// An address without trailing slashes, since paths are appended to it.
    fn url(&mut self, name: &str, value: &str) -> Option<String> {
        let host = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
            self.problem(
                name,
                "must be an address that starts with https:// (or http:// in tests)",
            );
            return None;
        }
        Some(value.trim_end_matches('/').to_owned())
    }

    fn api_client(&mut self) -> Option<ApiClient> {
        let value = self.required("CT_API_CLIENT")?;
        match serde_json::from_str::<ApiClient>(&value) {
            Ok(client) if !client.client_id.is_empty() && !client.secret.is_empty() => Some(client),
            _ => {
                self.problem(
                    "CT_API_CLIENT",
                    "must be JSON with the non-empty members `clientId` and `secret`",
                );
                None
            }
        }
    }

    fn mode(&mut self) -> Option<AppType> {
        match self.optional("APP_TYPE").as_deref() {
            None => Some(AppType::Both),
            Some("EVENT") => Some(AppType::Realtime),
            Some("BULK_IMPORT") => Some(AppType::Import),
            Some(_) => {
                self.problem("APP_TYPE", "must be `EVENT`, `BULK_IMPORT` or unset");
                None
            }
        }
    }

    fn oidc(&mut self) -> Option<OidcAuth> {
        let keys_url = match self.optional("PUSH_OIDC_KEYS_URL") {
            Some(value) => self.url("PUSH_OIDC_KEYS_URL", &value),
            None => Some(GOOGLE_KEYS_URL.to_owned()),
        };
        match (self.optional("PUSH_OIDC_AUDIENCE"), self.optional("PUSH_OIDC_EMAIL")) {
            (Some(audience), Some(email)) => {
                Some(OidcAuth { audience, email, keys_url: keys_url? })
            }
            (None, None) => None,
            (Some(_), None) => {
                self.problem("PUSH_OIDC_EMAIL", "is required beside `PUSH_OIDC_AUDIENCE`");
                None
            }
            (None, Some(_)) => {
                self.problem("PUSH_OIDC_AUDIENCE", "is required beside `PUSH_OIDC_EMAIL`");
                None
            }
        }
    }

    fn sns(&mut self) -> SnsAuth {
        let topic = self.optional("PUSH_SNS_TOPIC_ARN");
        if topic.as_deref().is_some_and(|arn| !is_topic(arn)) {
            self.problem(
                "PUSH_SNS_TOPIC_ARN",
                "must be a topic's name of the form `arn:aws:sns:<region>:<account>:<topic>`",
            );
        }
        let url = self.optional("PUSH_SNS_URL").and_then(|value| self.url("PUSH_SNS_URL", &value));
        SnsAuth { topic, url: url.and_then(|url| self.origin("PUSH_SNS_URL", &url)) }
    }

    fn push_patience(&mut self) -> Option<Duration> {
        let value = self.optional("PUSH_PATIENCE_MS")?;
        let ms = value.parse().ok().filter(|ms| PUSH_PATIENCE_MS.contains(ms));
        if ms.is_none() {
            self.problem("PUSH_PATIENCE_MS", "must be a whole number from 4000 to 600000");
        }
        ms.map(Duration::from_millis)
    }

    /// The holder of the read token must not hold the token that changes things.
    fn read_token(&mut self, admin_token: Option<&Secret>) -> Option<Secret> {
        let token = self.secret("READ_TOKEN");
        if token.is_some() && token.as_ref() == admin_token {
            self.problem("READ_TOKEN", "must not be the same as `ADMIN_TOKEN`");
        }
        token
    }

    /// Alerts tell about the shop, so the address needs TLS, except on this machine.
    fn alert_url(&mut self) -> Option<Secret> {
        let value = self.optional("ALERT_URL")?;
        let url = Url::parse(&value).ok();
        let is_safe = url.as_ref().is_some_and(|url| match url.scheme() {
            "https" => url.has_host(),
            "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
            _ => false,
        });
        if !is_safe {
            self.problem(
                "ALERT_URL",
                "must be an address that starts with https:// (http:// on the loopback only)",
            );
        }
        is_safe.then(|| Secret::new(value))
    }

    /// An address for comparisons, which has to be parsed as a whole.
    fn origin(&mut self, name: &str, value: &str) -> Option<Url> {
        let url = Url::parse(value).ok();
        if url.is_none() {
            self.problem(name, "is no valid address");
        }
        url
    }

    fn jurisdiction(&mut self) -> Option<Jurisdiction> {
        match self.optional("DATA_JURISDICTION").as_deref() {
            None => None,
            Some("eu") => Some(Jurisdiction::Eu),
            Some(_) => {
                self.problem("DATA_JURISDICTION", "must be `eu` or unset");
                None
            }
        }
    }

    fn shop(&mut self) -> ShopSettings {
        let currency = self.optional("PREFERRED_CURRENCY");
        if currency.as_deref().is_some_and(|code| !is_currency(code)) {
            self.problem("PREFERRED_CURRENCY", "must be an ISO 4217 code of three capital letters");
        }
        let country = self.optional("PREFERRED_COUNTRY");
        if country.as_deref().is_some_and(|code| !is_country(code)) {
            self.problem("PREFERRED_COUNTRY", "must be an ISO 3166-1 code of two capital letters");
        }
        ShopSettings {
            // As in the plugin, a locale in another form counts as none.
            locale: self.optional("PREFERRED_LOCALE").map(Locale::new).unwrap_or_default(),
            currency,
            country,
            product_url: self.product_url(),
        }
    }

    fn product_url(&mut self) -> Option<UrlTemplate> {
        let value = self.optional("PRODUCT_URL_TEMPLATE")?;
        match UrlTemplate::parse(&value) {
            Ok(template) => Some(template),
            Err(problem) => {
                self.problem("PRODUCT_URL_TEMPLATE", &problem.to_string());
                None
            }
        }
    }

    fn rules(&mut self) -> Option<OperatorRules> {
        let Some(value) = self.optional("CONFIG") else { return Some(OperatorRules::default()) };
        match OperatorRules::parse(&value) {
            Ok(rules) => Some(rules),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }
}

/// `aws` may be `aws-cn` or `aws-us-gov`.
fn is_topic(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    matches!(parts.as_slice(), ["arn", partition, "sns", region, account, topic]
        if [partition, region, account, topic].iter().all(|part| !part.is_empty()))
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NAMES;

    const COMPLETE: &[(&str, &str)] = &[
        ("CT_API_CLIENT", r#"{"clientId":"c","secret":"hidden"}"#),
        ("CT_AUTH_URL", "https://auth.example.com/"),
        ("CT_API_URL", "https://api.example.com"),
        ("CT_PROJECT_ID", "shop"),
        ("KLAVIYO_AUTH_KEY", "pk_hidden"),
    ];

    fn with(changes: &[(&str, &str)]) -> Result<Config, Vec<SettingProblem>> {
        parse(|name| {
            changes
                .iter()
                .rev()
                .chain(COMPLETE)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_name_that_is_read_is_listed() {
        let read = std::cell::RefCell::new(Vec::new());
        let nothing_is_set = parse(|name| {
            read.borrow_mut().push(name.to_owned());
            None
        });
        assert!(nothing_is_set.is_err());
        assert_eq!(read.into_inner(), NAMES.map(|(name, _)| name));
    }

    fn problems(changes: &[(&str, &str)]) -> Vec<String> {
        with(changes)
            .expect_err("a problem")
            .iter()
            .map(|problem| problem.setting.clone())
            .collect()
    }

    #[test]
    fn the_required_settings_are_enough() {
        let config = with(&[]).expect("a configuration");
        assert_eq!(config.commercetools.auth_url, "https://auth.example.com");
        assert_eq!(config.klaviyo.api_url, KLAVIYO_API_URL);
        assert_eq!(config.mode, AppType::Both);
        assert!(!config.push.configured());
        assert!(config.admin_token.is_none());
    }

    #[test]
    fn all_problems_come_at_once() {
        let found = parse(|_| None).expect_err("problems");
        let names: Vec<_> = found.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(
            names,
            ["CT_API_CLIENT", "CT_AUTH_URL", "CT_API_URL", "CT_PROJECT_ID", "KLAVIYO_AUTH_KEY"]
        );
    }

    #[test]
    fn each_setting_is_checked() {
        for (name, value) in [
            ("CT_API_CLIENT", "not json"),
            ("CT_API_CLIENT", r#"{"clientId":"","secret":"s"}"#),
            ("CT_AUTH_URL", "auth.example.com"),
            ("CT_API_URL", "https://"),
            ("CT_PROJECT_ID", "  "),
            ("KLAVIYO_AUTH_KEY", ""),
            ("KLAVIYO_API_URL", "ftp://a.klaviyo.com"),
            ("APP_TYPE", "BOTH"),
            ("PUSH_OIDC_KEYS_URL", "www.googleapis.com"),
            ("PUSH_SNS_TOPIC_ARN", "arn:aws:sqs:eu-central-1:123456789012:queue"),
            ("PUSH_SNS_TOPIC_ARN", "topic"),
            ("PUSH_SNS_URL", "sns.eu-central-1.amazonaws.com"),
            ("PUSH_SNS_URL", "http://a b"),
            ("PUSH_PATIENCE_MS", "3999"),
            ("PUSH_PATIENCE_MS", "600001"),
            ("PUSH_PATIENCE_MS", "1m"),
            ("DATA_JURISDICTION", "us"),
            ("PREFERRED_CURRENCY", "euro"),
            ("PREFERRED_COUNTRY", "de"),
            ("PREFERRED_COUNTRY", "DEU"),
            ("PRODUCT_URL_TEMPLATE", "https://shop.example.com/{{productNumber}}"),
            ("CONFIG", "[]"),
        ] {
            assert_eq!(problems(&[(name, value)]), [name], "{name}={value}");
        }
    }

    #[test]
    fn each_way_to_authenticate_a_push_suffices() {
        let audience = ("PUSH_OIDC_AUDIENCE", "https://worker.example.com");
        let email = ("PUSH_OIDC_EMAIL", "push@shop.iam.gserviceaccount.com");
        let topic = ("PUSH_SNS_TOPIC_ARN", "arn:aws-cn:sns:cn-north-1:123456789012:topic");
        for changes in [&[("PUSH_TOKEN", "t")][..], &[audience, email], &[topic]] {
            assert!(with(changes).expect("a configuration").push.configured(), "{changes:?}");
        }
        let oidc = with(&[audience, email]).expect("a configuration").push.oidc;
        assert_eq!(oidc.expect("a signer").keys_url, GOOGLE_KEYS_URL);
        assert_eq!(problems(&[audience]), [email.0]);
        assert_eq!(problems(&[email]), [audience.0]);
        let sns = ("PUSH_SNS_URL", "http://127.0.0.1:9");
        assert!(!with(&[sns]).expect("a configuration").push.configured());
    }

    #[test]
    fn the_token_that_reads_is_not_the_one_that_changes() {
        let admin = ("ADMIN_TOKEN", "hidden");
        let config = with(&[admin, ("READ_TOKEN", "another")]).expect("a configuration");
        assert_eq!(config.read_token, Some(Secret::new("another")));
        assert_eq!(with(&[admin]).expect("a configuration").read_token, None);
        let found = with(&[admin, ("READ_TOKEN", " hidden ")]).expect_err("a problem");
        let said = found.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said, ["READ_TOKEN: must not be the same as `ADMIN_TOKEN`"]);
    }

    #[test]
    fn the_scope_is_read_under_both_names() {
        let config = with(&[("CT_SCOPE", "view_orders:shop")]).expect("a configuration");
        assert_eq!(config.commercetools.scopes.as_deref(), Some("view_orders:shop"));
    }

    #[test]
    fn neither_a_problem_nor_debug_shows_a_secret() {
        let config = with(&[("PUSH_TOKEN", "hidden-token")]).expect("a configuration");
        assert!(!format!("{config:?}").contains("hidden"));
        let found = with(&[("CT_API_CLIENT", "{hidden")]).expect_err("a problem");
        assert!(!format!("{found:?}").contains("hidden"));
    }
}
