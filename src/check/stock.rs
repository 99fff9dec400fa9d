//! The check of the supply channels: whether the operator has said which of them sell.
//!
//! Stock reaches Klaviyo either way, so nothing here fails. Only the operator knows whether the stock of all channels
//! is for sale, or only that of some.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Check;
use crate::commercetools::query::stock_in_channels;
use crate::config::Config;
use crate::fault::{Setback, System};
use crate::http::HttpAnswer;

const NAME: &str = "commercetools_stock";

/// The path and query of the reading, below `{api}/{project}`, encoded: an inventory entry of the channels that the
/// operator names, or of any channel.
#[must_use]
pub fn reading(config: &Config) -> String {
    stock_in_channels(config.rules.product.inventory.use_channel_inventory.ids())
}

/// The result of the answer; none without a token.
#[must_use]
pub fn channels(config: &Config, answer: Option<&Result<HttpAnswer, Setback>>) -> Check {
    let found = match answer {
        None => return Check::warning(NAME, "not known without a token".to_owned()),
        Some(answer) => answer.as_ref().map_err(|setback| *setback).and_then(is_there),
    };
    let found = match found {
        Ok(found) => found,
        Err(setback) => {
            return Check::warning(NAME, format!("not known: {}", setback.fault.code()));
        }
    };
    let named = !config.rules.product.inventory.use_channel_inventory.is_empty();
    match (named, found) {
        (true, true) => {
            Check::new(NAME, Ok("stock lies in the supply channels that are named".to_owned()))
        }
        (false, false) => Check::new(NAME, Ok("no stock lies in supply channels".to_owned())),
        (true, false) => Check::warning(
            NAME,
            "no stock lies in the supply channels that \
             CONFIG.product.inventory.useChannelInventory names, so every variant whose stock is \
             tracked is hidden: see whether these are ids of channels of this project"
                .to_owned(),
        ),
        (false, true) => Check::warning(
            NAME,
            "stock lies in supply channels, and none is named: the stock without a channel \
             counts, and of a SKU that has none the sum of all channels. Name the channels that \
             sell in CONFIG.product.inventory.useChannelInventory"
                .to_owned(),
        ),
    }
}

/// Whether the answer holds an entry.
fn is_there(answer: &HttpAnswer) -> Result<bool, Setback> {
    #[derive(Deserialize)]
    struct EntryPage {
        results: Vec<IgnoredAny>,
    }
    if answer.status != 200 {
        return Err(Setback::answered(System::Commercetools, answer));
    }
    let page = serde_json::from_str::<EntryPage>(&answer.body);
    let page = page.map_err(|_| Setback::foreign(System::Commercetools, answer))?;
    Ok(!page.results.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckLevel;
    use crate::config::test_config;
    use crate::http::NoAnswer;
    use serde_json::json;

    #[test]
    fn channels_that_nobody_named_and_channels_without_stock_are_warned_of() {
        let page = |body: &str| {
            Ok(HttpAnswer { status: 200, body: body.to_owned(), ..HttpAnswer::default() })
        };
        let status = |status| Ok(HttpAnswer { status, ..HttpAnswer::default() });
        let (some, none) = (r#"{"results":[{"id":"e"}]}"#, r#"{"results":[]}"#);
        let down = Err(Setback::no_answer(System::Commercetools, NoAnswer::Timeout));
        for (named, answer, level, said) in [
            (json!(""), Some(page(some)), CheckLevel::Warning, "none is named"),
            (json!(""), Some(page(none)), CheckLevel::Ok, "no stock lies in supply channels"),
            (json!("c"), Some(page(some)), CheckLevel::Ok, "that are named"),
            (json!(["c", "d"]), Some(page(none)), CheckLevel::Warning, "is hidden"),
            (json!(""), Some(page("<html>")), CheckLevel::Warning, "not known: "),
            (json!(""), Some(status(403)), CheckLevel::Warning, "not known: commercetools_403"),
            (json!(""), Some(down), CheckLevel::Warning, "not known: commercetools_timeout"),
            (json!(""), None, CheckLevel::Warning, "without a token"),
        ] {
            let mut config = test_config();
            let channels = serde_json::from_value(named.clone()).expect("channels");
            config.rules.product.inventory.use_channel_inventory = channels;
            let check = super::channels(&config, answer.as_ref());
            assert!(check.ok && check.level == level, "{named}: {check:?}");
            assert!(check.detail.contains(said), "{named}: {check:?}");
        }
    }

    #[test]
    fn the_channels_that_are_named_are_asked_about() {
        for (named, asked) in [
            (json!([]), "supplyChannel%20is%20defined"),
            (json!(["a", "b"]), "supplyChannel%28id%20in%20%28%22a%22%2C%22b%22%29%29"),
        ] {
            let mut config = test_config();
            let channels = serde_json::from_value(named).expect("channels");
            config.rules.product.inventory.use_channel_inventory = channels;
            let path = format!("/inventory?limit=1&withTotal=false&where={asked}");
            assert_eq!(reading(&config), path);
        }
    }
}
