//! The plan of a world, drawn at random from its seed.

use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::{Value, json};

use super::deployment::{self, NewerShape};
use super::quota::TIERS;
use super::{BUSY, Event, World, shop};

impl World {
    /// Plans what is to happen.
    pub(super) fn plan(&mut self) {
        // An import does not ask who is there where the deployment is told who was erased.
        let elsewhere = self.chance.happens(300);
        self.is_told = !elsewhere;
        self.config = deployment::settings(self.named_channel, self.is_told, &Value::Null);
        let kinds = ImportKind::ALL.into_iter();
        for kind in kinds {
            if self.chance.happens(500) {
                let body = match self.chance.next(3) {
                    0 => json!({"since": "2026-05-31T00:00:00Z"}),
                    _ => Value::Null,
                };
                let wait = self.chance.next(BUSY);
                self.at(wait, Event::Import(kind, body));
                if self.chance.happens(200) {
                    let later = self.chance.next(20_000);
                    self.at(wait + later, Event::Stop(kind));
                }
            }
        }
        for _ in 0..5 + self.chance.next(25) {
            let wait = self.chance.next(BUSY);
            self.at(wait, Event::Happens);
        }
        if elsewhere || self.chance.happens(300) {
            let (wait, customer) = (self.chance.next(BUSY), self.chance.next(shop::CUSTOMERS));
            for _ in 0..self.chance.next(3) {
                let before = self.chance.next(5_000);
                self.at(wait.saturating_sub(before), Event::Orders(customer));
            }
            let elsewhere = elsewhere.then_some(Event::ErasesElsewhere(customer));
            self.at(wait, elsewhere.unwrap_or(Event::Erases(customer)));
        }
        if self.chance.happens(300) {
            let wait = self.chance.next(BUSY);
            self.at(wait, Event::Deletes);
        }
        match self.chance.next(4) {
            0 => {
                self.shop.make_modular();
                // There are items whose variants come and go, also when no import is under way any more.
                self.at(0, Event::Import(ImportKind::Products, Value::Null));
                for _ in 0..6 {
                    let wait = self.chance.next(10 * BUSY);
                    self.at(wait, Event::Happens);
                }
            }
            1 => {
                for number in 0..shop::PRODUCTS {
                    let wait = self.chance.next(BUSY);
                    self.at(wait, Event::Migrates(Some(number)));
                }
                self.at(BUSY + 1, Event::Migrates(None));
            }
            _ => {}
        }
        if self.chance.happens(300) {
            // Mostly the products leave it first.
            let wait = self.chance.next(BUSY);
            for product in 0..shop::PRODUCTS {
                let before = self.chance.next(5_000);
                self.at((wait + 500).saturating_sub(before), Event::Merges(Some(product)));
            }
            self.at(wait, Event::Merges(None));
        }
        self.plan_deployments();
        self.at(BUSY + 30_000, Event::Peace);
    }

    /// Plans what changes around it: the account's quota, the settings, the version.
    fn plan_deployments(&mut self) {
        if self.chance.happens(300) {
            for wait in [0, self.chance.next(BUSY), self.chance.next(BUSY)] {
                let tier = TIERS[usize::try_from(self.chance.next(5)).expect("a tier")];
                self.at(wait, Event::Quota(tier));
            }
        }
        if self.chance.happens(300) {
            for _ in 0..=self.chance.next(3) {
                let wait = self.chance.next(BUSY);
                self.at(wait, Event::Deploys);
            }
        }
        if self.chance.happens(300) {
            let (wait, shape) = (self.chance.next(BUSY), NewerShape::drawn(&mut self.chance));
            self.at(wait, Event::RollsBack(shape));
        }
    }
}
