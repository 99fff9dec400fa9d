//! Chooses the prices of a variant that count.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Number, Value};

use super::currency_countries::countries;
use crate::commercetools::price::Price;
use crate::config::Config;
use crate::config::rules::PriceRules;

/// The prices of a variant that count here and now: valid, and for everybody or for the channel and the customer group
/// of the settings.
#[derive(Debug, Clone)]
pub struct VariantPrices<'a>(Vec<&'a Price>);

impl<'a> VariantPrices<'a> {
    /// Leaves out prices that do not count, and puts a price with dates before one without, the latest first. Otherwise
    /// the order is kept.
    #[must_use]
    pub fn new(
        rules: &PriceRules,
        prices: impl IntoIterator<Item = &'a Price>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut counted: Vec<_> =
            prices.into_iter().filter(|price| counts(rules, price, now)).collect();
        counted.sort_by_key(|price| age(price));
        Self(counted)
    }

    /// The price that the shop shows: in the preferred currency, for the preferred country, otherwise for any country.
    /// If only the preferred locale names the country, a price for another country may follow. None in another
    /// currency: a number means nothing without its currency.
    #[must_use]
    pub fn preferred(&self, config: &Config) -> Option<Number> {
        let shop = &config.shop;
        let currency = shop.currency.as_deref();
        let own = shop.country.as_deref();
        let shown = self.0.iter().filter(|price| {
            currency.is_none_or(|code| code == code_of(price))
                && own.is_none_or(|_| !is_elsewhere(price, own))
        });
        let country = shop.country.clone().or_else(|| shop.locale.country());
        shown.min_by_key(|price| rank(price, country.as_deref())).map(|price| amount(price))
    }

    /// The values of `price_json` and `currency_json`: `price_<currency>` and `price_<country>` for each currency and
    /// each country where it holds, and `currency_<country>`. If a country has prices in several currencies, a price
    /// for this country takes precedence, then one in a currency of the country, then the last by its code. The order
    /// of commercetools' prices changes nothing.
    #[must_use]
    pub fn by_country(&self) -> (Map<String, Value>, Map<String, Value>) {
        let mut by_currency: BTreeMap<&str, Vec<&Price>> = BTreeMap::new();
        for price in &self.0 {
            by_currency.entry(code_of(price)).or_default().push(price);
        }
        let mut found = ByCountry::default();
        for (currency, mut prices) in by_currency {
            prices.sort_by_key(|price| (age(price), price.country.as_deref()));
            found.add(currency, &prices);
        }
        (found.prices, found.currencies)
    }
}

/// When the first of these prices starts or ends after `now` (UTC), among those for everybody or for the channel and
/// the customer group of the settings. In any currency and country: all of them are in `price_json`.
#[must_use]
pub fn next_edge<'a>(
    rules: &PriceRules,
    prices: impl IntoIterator<Item = &'a Price>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let counted = prices.into_iter().filter(|price| is_in_scope(rules, price));
    let edges = counted.flat_map(|price| [price.valid_from, price.valid_until]);
    edges.flatten().filter(|edge| *edge > now).min()
}

/// The countries found so far, and the precedence of their prices.
#[derive(Default)]
struct ByCountry {
    prices: Map<String, Value>,
    currencies: Map<String, Value>,
    precedence: BTreeMap<String, (bool, bool)>,
}

impl ByCountry {
    /// Adds the prices in one currency.
    fn add(&mut self, currency: &str, prices: &[&Price]) {
        let best = |country| prices.iter().min_by_key(|price| rank(price, country));
        if let Some(price) = best(None) {
            self.prices.insert(format!("price_{currency}"), amount(price).into());
        }
        let everywhere = prices.iter().any(|price| price.country.is_none());
        let national: Vec<_> = countries(currency).collect();
        let named: Vec<_> = prices.iter().filter_map(|price| price.country.as_deref()).collect();
        let listed = national.iter().filter(|country| everywhere || named.contains(country));
        for country in listed.chain(&named).copied() {
            let precedence = (named.contains(&country), national.contains(&country));
            let known = self.precedence.entry(country.to_owned()).or_default();
            if *known > precedence {
                continue;
            }
            *known = precedence;
            if let Some(price) = best(Some(country)) {
                self.prices.insert(format!("price_{country}"), amount(price).into());
                self.currencies.insert(format!("currency_{country}"), currency.into());
            }
        }
    }
}

/// The price with the lowest rank holds in a country: not one for another country; then one for the customer group, one
/// for the channel, one for the country itself, as commercetools chooses.
fn rank(price: &Price, country: Option<&str>) -> (bool, Reverse<(bool, bool, bool)>) {
    let (group, channel) = (price.customer_group.is_some(), price.channel.is_some());
    (is_elsewhere(price, country), Reverse((group, channel, price.country.is_some())))
}

/// The order of prices with the same rank: those with dates before those without, the latest first.
fn age(price: &Price) -> Reverse<(bool, Option<DateTime<Utc>>)> {
    let dated = price.valid_from.is_some() || price.valid_until.is_some();
    Reverse((dated, price.valid_from))
}

/// Whether a price is for another country.
fn is_elsewhere(price: &Price, country: Option<&str>) -> bool {
    price.country.as_deref().is_some_and(|named| country != Some(named))
}

fn counts(rules: &PriceRules, price: &Price, now: DateTime<Utc>) -> bool {
    price.valid_at(now) && is_in_scope(rules, price)
}

/// Whether a price counts while it is valid.
fn is_in_scope(rules: &PriceRules, price: &Price) -> bool {
    let group = price.customer_group.as_ref();
    let channel = price.channel.as_ref();
    price.recurrence_policy.is_none()
        && group.is_none_or(|group| group.id.as_str() == rules.customer_group)
        && channel.is_none_or(|channel| channel.id.as_str() == rules.channel)
}

fn code_of(price: &Price) -> &str {
    &price.value.currency_code
}

fn amount(price: &Price) -> Number {
    price.effective().decimal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn price(amount: i64, scope: Value) -> Price {
        let mut price = json!({"value":
            {"currencyCode": "EUR", "centAmount": amount * 100, "fractionDigits": 2}});
        let Value::Object(scope) = scope else { panic!("a scope") };
        if let Some(price) = price.as_object_mut() {
            price.extend(scope);
        }
        serde_json::from_value(price).expect("a price")
    }

    fn money(currency: &str, cents: i64, digits: u8) -> Value {
        json!({"currencyCode": currency, "centAmount": cents, "fractionDigits": digits})
    }

    fn config(locale: &str, currency: &str, rules: &Value) -> Config {
        let rules = json!({"product": {"prices": rules}}).to_string();
        crate::config::parse(|name| {
            let value = match name {
                "CT_API_CLIENT" => r#"{"clientId":"c","secret":"s"}"#,
                "CT_AUTH_URL" | "CT_API_URL" => "https://ct.example",
                "CT_PROJECT_ID" | "KLAVIYO_AUTH_KEY" => "x",
                "PREFERRED_LOCALE" => locale,
                "PREFERRED_CURRENCY" => currency,
                "CONFIG" => &rules,
                _ => "",
            };
            Some(value.to_owned())
        })
        .expect("a configuration")
    }

    fn preferred(config: &Config, prices: &[Price]) -> Option<String> {
        let now = NOW.parse().expect("a time");
        let prices = VariantPrices::new(&config.rules.product.prices, prices, now);
        prices.preferred(config).map(|amount| amount.to_string())
    }

    #[test]
    fn m2_the_price_for_everybody_is_shown() {
        let config = config("de-DE", "EUR", &json!({}));
        let group = json!({"customerGroup": {"typeId": "customer-group", "id": "g"}});
        let channel = json!({"channel": {"typeId": "channel", "id": "c"}});
        let over = json!({"validUntil": "2025-12-31T00:00:00Z"});
        let future = json!({"validFrom": "2027-01-01T00:00:00Z"});
        let ranged = |from: &str| json!({"validFrom": from, "validUntil": "2026-06-01T00:00:00Z"});
        let group_ranged = json!({"customerGroup": {"typeId": "customer-group", "id": "g"},
            "validFrom": "2025-01-01T00:00:00Z"});
        for (prices, expected) in [
            (vec![(1, group.clone()), (2, channel.clone()), (3, json!({}))], Some("3")),
            (vec![(1, over), (2, future), (3, json!({}))], Some("3")),
            (vec![(1, group_ranged), (3, json!({}))], Some("3")),
            (vec![(1, json!({})), (2, ranged("2025-01-01T00:00:00Z"))], Some("2")),
            (
                vec![(1, ranged("2025-01-01T00:00:00Z")), (2, ranged("2025-06-01T00:00:00Z"))],
                Some("2"),
            ),
            (vec![(1, json!({"country": "IT"})), (2, json!({}))], Some("2")),
            (vec![(1, json!({})), (2, json!({"country": "DE"}))], Some("2")),
            (vec![(1, json!({"country": "IT"}))], Some("1")),
            (vec![(1, json!({"recurrencePolicy": {"id": "r"}}))], None),
            (vec![(1, json!({"value": money("USD", 100, 2)}))], None),
            (vec![(5, json!({"discounted": {"value": money("EUR", 450, 2)}}))], Some("4.5")),
            (vec![(1, group), (2, channel)], None),
            (vec![], None),
        ] {
            let prices: Vec<_> =
                prices.into_iter().map(|(amount, scope)| price(amount, scope)).collect();
            assert_eq!(preferred(&config, &prices).as_deref(), expected, "{prices:?}");
        }
    }

    #[test]
    fn a_price_of_another_country_counts_only_without_a_country_of_its_own() {
        let named = |country: &str| json!({ "country": country });
        for (prices, of_locale, own) in [
            (vec![(1, named("DE")), (2, named("AT")), (3, json!({}))], "1", Some("2")),
            (vec![(1, named("DE")), (3, json!({}))], "1", Some("3")),
            (vec![(1, named("DE")), (2, named("IT"))], "1", None),
            (vec![(2, named("IT"))], "2", None),
        ] {
            let prices: Vec<_> =
                prices.into_iter().map(|(amount, scope)| price(amount, scope)).collect();
            let mut config = config("de-DE", "EUR", &json!({}));
            assert_eq!(preferred(&config, &prices).as_deref(), Some(of_locale), "{prices:?}");
            config.shop.country = Some("AT".to_owned());
            assert_eq!(preferred(&config, &prices).as_deref(), own, "{prices:?}");
        }
    }

    #[test]
    fn a_channel_or_group_counts_where_it_is_set() {
        let prices = [
            price(1, json!({"country": "DE"})),
            price(2, json!({"channel": {"id": "c"}})),
            price(3, json!({"customerGroup": {"id": "g"}})),
        ];
        for (rules, expected) in [
            (json!({}), "1"),
            (json!({"channel": "c"}), "2"),
            (json!({"channel": "c", "customerGroup": "g"}), "3"),
            (json!({"channel": "d", "customerGroup": "h"}), "1"),
        ] {
            let config = config("de-DE", "EUR", &rules);
            assert_eq!(preferred(&config, &prices).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_next_edge_is_the_first_that_is_to_come() {
        let window = |from: &str, until: &str| {
            json!({"validFrom": format!("{from}T00:00:00Z"),
                "validUntil": format!("{until}T00:00:00Z")})
        };
        let of_group = |mut scope: Value| {
            scope["customerGroup"] = json!({"id": "g"});
            scope
        };
        let early = window("2026-01-02", "2026-01-03");
        let now = NOW;
        for (scopes, expected) in [
            (vec![], None),
            (vec![json!({})], None),
            (vec![window("2025-01-01", "2025-12-31")], None),
            (vec![window("2025-01-01", "2026-01-01")], None),
            (vec![window("2025-01-01", "2026-02-01"), json!({})], Some("2026-02-01")),
            (vec![window("2026-03-01", "2026-04-01"), early.clone()], Some("2026-01-02")),
            (vec![of_group(early.clone())], None),
            (
                vec![json!({"recurrencePolicy": {"id": "r"}, "validFrom": "2026-02-01T00:00:00Z"})],
                None,
            ),
            (
                vec![json!({"country": "IT", "validFrom": "2026-02-01T00:00:00Z"})],
                Some("2026-02-01"),
            ),
        ] {
            let prices: Vec<_> = scopes.into_iter().map(|scope| price(1, scope)).collect();
            let found = next_edge(&PriceRules::default(), &prices, now.parse().expect("a time"));
            let found = found.map(|edge| edge.date_naive().to_string());
            assert_eq!(found.as_deref(), expected, "{prices:?}");
        }
    }

    /// In a Classic project prices come in the order of their addition, in a Modular one in the order of their ids.
    #[test]
    fn the_same_prices_give_the_same_bytes_in_whatever_order_they_come() {
        let window = |from: &str| json!({"validFrom": from, "country": "IT"});
        let all = [
            price(10, json!({})),
            price(9, json!({"country": "DE"})),
            price(8, window("2025-06-01T00:00:00Z")),
            price(6, window("2025-01-01T00:00:00Z")),
            // Two currencies, neither of them the country's own.
            price(0, json!({"value": money("USD", 500, 2), "country": "IL"})),
            price(0, json!({"value": money("CHF", 700, 2), "country": "IL"})),
            // Two countries that the currency's list lacks.
            price(0, json!({"value": money("CHF", 800, 2), "country": "US"})),
            price(0, json!({"value": money("CHF", 850, 2), "country": "BR"})),
            // Two prices for others: a reader may know only the currency.
            price(0, json!({"value": money("GBP", 650, 2), "country": "IM"})),
            price(0, json!({"value": money("GBP", 640, 2), "country": "GB"})),
        ];
        let now = NOW.parse().expect("a time");
        let rendered = |prices: &[Price]| {
            let prices = VariantPrices::new(&PriceRules::default(), prices, now);
            let (by_country, currencies) = prices.by_country();
            (Value::Object(by_country).to_string(), Value::Object(currencies).to_string())
        };
        let expected = rendered(&all);
        // Each once before all others, in both directions.
        for start in 0..all.len() {
            let mut prices = all.clone();
            prices.rotate_left(start);
            assert_eq!(rendered(&prices), expected, "from {start}");
            prices.reverse();
            assert_eq!(rendered(&prices), expected, "to {start}");
        }
    }

    #[test]
    fn m2_each_country_has_its_own_price() {
        let prices = [
            price(10, json!({})),
            price(9, json!({"country": "DE"})),
            price(8, json!({"country": "IT"})),
            price(7, json!({"country": "GB"})),
            price(0, json!({"value": money("CHF", 1100, 2), "country": "CH"})),
            price(0, json!({"value": money("GBP", 650, 2), "country": "GB"})),
            price(0, json!({"value": money("JPY", 1000, 0)})),
        ];
        let now = NOW.parse().expect("a time");
        let (by_country, currencies) =
            VariantPrices::new(&PriceRules::default(), &prices, now).by_country();
        for (name, expected) in [
            ("price_EUR", json!(10)),
            ("price_AT", json!(10)),
            ("price_DE", json!(9)),
            ("price_IT", json!(8)),
            ("price_CHF", json!(11)),
            ("price_CH", json!(11)),
            ("price_GB", json!(6.5)),
            ("price_JP", json!(1000)),
        ] {
            assert_eq!(by_country.get(name), Some(&expected), "{name}");
        }
        assert_eq!(by_country.get("price_LI"), None, "a price for one country holds there only");
        assert_eq!(currencies["currency_GB"], "GBP");
        assert_eq!(currencies["currency_AT"], "EUR");
        let first: Vec<_> = by_country.keys().take(3).map(String::as_str).collect();
        assert_eq!(first, ["price_CHF", "price_CH", "price_EUR"]);
    }
}
