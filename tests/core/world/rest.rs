//! What must hold after all work is done.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::store::runs;
use serde_json::{Value, json};

use super::{NOW, World, shop};

impl World {
    /// What is left to be done.
    pub(super) fn story(&self) -> String {
        let parked = self.outbox.sql.all("SELECT key, code, attempts FROM parked").rows;
        let run = |kind| runs::current(&self.import.sql, &self.config.rules, kind).expect("a run");
        let all = ImportKind::ALL.into_iter().filter_map(run).map(|run| run.shown().to_string());
        let active: Vec<_> = all.filter(|run| run.contains("\"finishedAt\":null")).collect();
        let quota = self.quota.tier;
        format!("after {} ms, quota {quota:?}: {parked:?} {active:?}", self.now - NOW)
    }

    /// What Klaviyo holds at rest is what the shop has.
    pub(super) fn verify(&mut self) {
        self.account.finish();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for (id, profile) in &self.account.profiles {
            assert!(!self.erased.contains(id), "{id} was erased");
            let customer = self.shop.all("customers").find(|one| one["id"] == json!(id));
            let name = customer.map(|customer| text(&customer["firstName"]));
            assert!(name.is_some(), "{id} is none of the shop's");
            // An event tells no name.
            let held = profile["first_name"].as_str().map(ToOwned::to_owned);
            assert!(held.is_none() || held == name, "stale: customer {id}: {held:?}, not {name:?}");
            let email = customer.map(|customer| text(&customer["email"]));
            assert_eq!(email, Some(text(&profile["email"])), "stale: e-mail of {id}");
        }
        for product in self.shop.all("products") {
            self.verify_product(product);
        }
        for (id, category) in &self.account.categories {
            let id = id.trim_start_matches("$custom:::$default:::");
            let there = self.shop.all("categories").find(|one| one["id"] == json!(id));
            let name = there.map(|one| &one["name"]["en"]);
            assert!(name.is_some(), "category {id} was deleted");
            assert_eq!(Some(&category["name"]), name, "stale: category {id}");
        }
        for id in self.account.items.keys() {
            let id = id.trim_start_matches("$custom:::$default:::");
            let there = self.shop.all("products").any(|product| product["id"] == json!(id));
            assert!(there, "{id} was deleted");
        }
        for order in self.shop.all("orders") {
            let id = text(&order["id"]);
            let number: u64 =
                id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            // Of a customer who is gone nothing is told.
            let buyer = order.get("customerId");
            let is_gone = buyer
                .is_some_and(|buyer| self.shop.all("customers").all(|one| one["id"] != *buyer));
            if number >= 1_000 && !is_gone && !self.excused.contains(&id) {
                let metric = ("Placed Order".to_owned(), id.clone());
                let event = self.account.events.get(&metric);
                let event = event.unwrap_or_else(|| panic!("lost: {id}"));
                assert_eq!(event["value"].as_f64(), Some(5.0), "{id}");
            }
        }
        assert_eq!(self.account.violations, Vec::<String>::new());
        assert_eq!(self.outcomes, self.told_of, "each push has one outcome");
        let letters = self.outbox.sql.tables().remove("dead_letters").unwrap_or_default();
        assert!(letters.is_empty(), "dead letters: {letters:?}");
        assert!(self.outbox.sql.all("SELECT key FROM sent").is_empty(), "digests are left behind");
        assert!(self.outbox.sql.all("SELECT job FROM jobs").is_empty(), "a job is left behind");
    }

    fn verify_product(&self, product: &Value) {
        let external = |id: &str| format!("$custom:::$default:::{id}");
        let id = product["id"].as_str().expect("an id");
        let item = self.account.items.get(&external(id));
        let name = &product["masterData"]["current"]["name"]["en"];
        if product["masterData"]["published"] != json!(true) {
            assert_eq!(item, None, "{id} is not for sale");
            return;
        }
        let Some(item) = item else { return };
        assert_eq!(item["title"], *name, "stale: product {id}");
        let categories = shop::categories(&self.shop, product).into_iter();
        let categories = categories.map(|category| external(&category)).collect();
        let held = self.account.categories_of.get(&external(id));
        assert_eq!(held, Some(&categories), "the categories of {id}");
        let number = id.rsplit('-').next().expect("a number");
        for variant in 1..=2 {
            let sku = format!("sku-{number}-{variant}");
            let held = self.account.variants.get(&external(&sku));
            if shop::is_unpublished(product, variant) {
                assert_eq!(held, None, "{sku} is not for sale");
                continue;
            }
            let (_, held) = held.unwrap_or_else(|| panic!("{sku} is missing"));
            let title = format!("{} - {variant}", name.as_str().unwrap_or_default());
            assert_eq!(held["title"], json!(title), "stale: variant {sku}");
            let (quantity, is_hidden) = shop::stock(&self.shop, &sku, self.named_channel);
            assert_eq!(held["inventory_quantity"], quantity, "stale: stock of {sku}");
            assert_eq!(held["inventory_policy"], u8::from(is_hidden), "stale: policy of {sku}");
        }
        // At rest no price is on sale any more.
        let number: f64 = number.parse().expect("a number");
        let sku = external(&format!("sku-{number}-1"));
        let (_, held) = &self.account.variants[&sku];
        assert_eq!(held["price"].as_f64(), Some(number + 0.01), "stale: price of {sku}");
    }
}
