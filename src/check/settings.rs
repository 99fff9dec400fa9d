//! The checks of the settings. The settings are valid, otherwise nothing would be answered; these checks say which are
//! set, and what is missing without the others.

use serde_json::Value;

use super::Check;
use crate::config::{AppType, Config, NAMES};

/// Which settings are set, by name; `is_set` looks one up.
#[must_use]
pub fn settings(config: &Config, is_set: impl Fn(&str) -> bool) -> Check {
    let names = |secret: bool, set: bool| {
        let those = NAMES.iter().filter(|(_, is_secret)| *is_secret == secret);
        let those: Vec<_> =
            those.map(|(name, _)| *name).filter(|name| is_set(name) == set).collect();
        if those.is_empty() { "none".to_owned() } else { those.join(", ") }
    };
    let does = match config.mode {
        AppType::Both => "takes pushes and runs imports",
        AppType::Realtime => "takes pushes and runs no imports (APP_TYPE)",
        AppType::Import => "runs imports and takes no pushes (APP_TYPE)",
    };
    Check::new(
        "settings",
        Ok(format!(
            "this deployment {does}; secrets present: {}; missing: {}; settings set: {}; not set: {}",
            names(true, true),
            names(true, false),
            names(false, true),
            names(false, false),
        )),
    )
}

/// The ways in which a push can authenticate.
#[must_use]
pub fn push_authentication(config: &Config) -> Check {
    let push = &config.push;
    let ways = [
        (push.token.is_some(), "the shared secret PUSH_TOKEN"),
        (push.oidc.is_some(), "Google's token for PUSH_OIDC_AUDIENCE and PUSH_OIDC_EMAIL"),
        (push.sns.topic.is_some(), "Amazon's signature for PUSH_SNS_TOPIC_ARN"),
    ];
    let ways: Vec<_> = ways.into_iter().filter(|(set, _)| *set).map(|(_, way)| way).collect();
    let found = match (config.mode.realtime(), ways.as_slice()) {
        (false, _) => Ok("this deployment takes no pushes (APP_TYPE)".to_owned()),
        (true, []) if !config.expects_pushes() => {
            Ok("nobody pushes: the feed reads messages (CONFIG.feed.mode)".to_owned())
        }
        (true, []) => Err("every push is refused: set PUSH_TOKEN, PUSH_OIDC_AUDIENCE and \
                           PUSH_OIDC_EMAIL, or PUSH_SNS_TOPIC_ARN"
            .to_owned()),
        (true, ways) => Ok(format!("a push is let in by {}", ways.join(", or by "))),
    };
    Check::new("push_authentication", found)
}

/// What the feed reports about commercetools' messages, as the endpoint shows it; none if its object does not answer.
#[must_use]
pub fn feed(shown: Option<&Value>) -> Check {
    let found = match shown {
        None => Err("the object that reads messages does not answer".to_owned()),
        Some(feed) => match (feed["lastError"].as_str(), feed["lagSeconds"].as_u64()) {
            (Some(words), _) => Err(format!(
                "{words}. The feed needs Messages to be on, and the scope view_messages"
            )),
            (None, None) => Err("the feed has not begun: the cron trigger starts it".to_owned()),
            (None, Some(lag)) => {
                let kept = feed["retentionDays"].as_u64();
                let kept = kept.map_or_else(
                    || {
                        "it is not known for how long messages are kept (view_project_settings)"
                            .to_owned()
                    },
                    |days| format!("messages are kept for {days} days"),
                );
                Ok(format!("messages are read up to {lag} s ago; {kept}"))
            }
        },
    };
    Check::new("feed", found)
}

/// Without this setting a price of another country counts ([`crate::mapping::price`]).
const OWN_COUNTRY: &str = "PREFERRED_COUNTRY";

/// What is missing without optional settings of the shop. Without its own country a shop may show prices that nobody
/// there pays, which deserves a warning.
#[must_use]
pub fn shop(is_set: impl Fn(&str) -> bool) -> Check {
    let left_out = [
        ("PREFERRED_LOCALE", "texts are in the first language that a document has"),
        (
            "PREFERRED_CURRENCY",
            "where a variant has prices in several currencies, any of them counts",
        ),
        (
            OWN_COUNTRY,
            "a variant that has no price for the country of PREFERRED_LOCALE, and none without a \
             country, has the price of another country",
        ),
        ("PRODUCT_URL_TEMPLATE", "the address of a product is only the path of its slug"),
    ];
    let left_out = left_out.into_iter().filter(|(name, _)| !is_set(name));
    let left_out: Vec<_> = left_out.map(|(name, so)| format!("without {name}, {so}")).collect();
    let all_set = "locale, currency, country and addresses are set".to_owned();
    let found = if left_out.is_empty() { all_set } else { left_out.join("; ") };
    if is_set(OWN_COUNTRY) { Check::new("shop", Ok(found)) } else { Check::warning("shop", found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckLevel;
    use crate::config::parse;

    const SETTINGS: [(&str, &str); 8] = [
        ("CT_API_CLIENT", r#"{"clientId":"hidden","secret":"hidden"}"#),
        ("CT_AUTH_URL", "https://hidden.example.com"),
        ("CT_API_URL", "https://hidden.example.com"),
        ("CT_PROJECT_ID", "hidden"),
        ("KLAVIYO_AUTH_KEY", "hidden"),
        ("ADMIN_TOKEN", "hidden"),
        ("PUSH_SNS_TOPIC_ARN", "arn:aws:sns:eu-central-1:123456789012:hidden"),
        ("PREFERRED_LOCALE", "en-US"),
    ];

    fn value(name: &str) -> Option<String> {
        SETTINGS.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn what_is_set_is_named_and_no_value_is_shown() {
        let config = parse(value).expect("a configuration");
        let check = settings(&config, |name| value(name).is_some());
        assert!(check.ok && !check.detail.contains("hidden"), "{check:?}");
        for said in [
            "present: CT_API_CLIENT, KLAVIYO_AUTH_KEY, ADMIN_TOKEN; missing: PUSH_TOKEN, READ_TOKEN, ALERT_URL;",
            "set: CT_AUTH_URL, CT_API_URL, CT_PROJECT_ID, PUSH_SNS_TOPIC_ARN, PREFERRED_LOCALE;",
            "takes pushes and runs imports;",
        ] {
            assert!(check.detail.contains(said), "{said}: {}", check.detail);
        }
        let shop = shop(|name| value(name).is_some());
        assert!(shop.detail.contains("PREFERRED_CURRENCY"), "{shop:?}");
        assert!(!shop.detail.contains("without PREFERRED_LOCALE"), "{shop:?}");
        assert_eq!(shop.level, CheckLevel::Warning, "{shop:?}");
        assert_eq!(super::shop(|_| true).level, CheckLevel::Ok);
    }

    #[test]
    fn pushes_need_a_way_to_be_let_in() {
        for (changes, ok, said) in [
            (&[][..], true, "Amazon's signature"),
            (&[("PUSH_TOKEN", "hidden")], true, "PUSH_TOKEN, or by Amazon's signature"),
            (&[("PUSH_SNS_TOPIC_ARN", "")], false, "set PUSH_TOKEN"),
            (
                &[("PUSH_SNS_TOPIC_ARN", ""), ("CONFIG", r#"{"feed":{"mode":"only"}}"#)],
                true,
                "nobody pushes",
            ),
            (&[("PUSH_SNS_TOPIC_ARN", ""), ("APP_TYPE", "BULK_IMPORT")], true, "takes no pushes"),
        ] {
            let changed = |name: &str| changes.iter().find(|(key, _)| *key == name);
            let config = parse(|name| {
                changed(name).map(|(_, value)| (*value).to_owned()).or_else(|| value(name))
            });
            let check = push_authentication(&config.expect("a configuration"));
            assert_eq!(check.ok, ok, "{check:?}");
            assert!(check.detail.contains(said), "{said}: {check:?}");
        }
    }
}
