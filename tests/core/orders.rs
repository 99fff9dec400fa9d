//! Two thousand orders of every shape: notifications and an import give the same events, each with commercetools' own
//! amount to the cent, about the right person, and no customer's e-mail changes. `world::orders` sends the same orders
//! through both objects.
//!
//! The expected amounts are computed while an order is made, in cents, and not by the tested code. `ORDERS_SEED` draws
//! others.

use std::collections::{BTreeMap, BTreeSet};

use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::klaviyo::request::WriteRequest;
use serde_json::{Value, json};

use crate::import::world::Chance;
use crate::support::{Shop, brought, config, imported};

const ORDERS: u64 = 2_000;

/// When an order was placed, and when it was changed last.
const PLACED: &str = "2026-03-01T10:00:00.000Z";
const CHANGED: &str = "2026-03-05T10:00:00.000Z";

/// An event as Klaviyo knows it: metric, id, amount with currency, person.
pub(crate) type Told = (String, String, String, String);

/// An order, what tells of it, and what is to come of that.
pub(crate) struct Story {
    /// What commercetools has when all has happened.
    pub(crate) shop: Shop,
    /// The order, with its payments expanded.
    order: Value,
    pub(crate) notifications: Vec<Value>,
    pub(crate) expected: BTreeSet<Told>,
}

/// A currency with its digits.
#[derive(Clone, Copy)]
struct Currency(&'static str, usize);

impl Currency {
    fn money(self, cents: i64) -> Value {
        json!({"type": "centPrecision", "currencyCode": self.0, "centAmount": cents,
            "fractionDigits": self.1})
    }

    /// As it is written by hand.
    fn written(self, cents: i64) -> String {
        let digits = format!("{cents:0>width$}", width = self.1 + 1);
        let (whole, rest) = digits.split_at(digits.len() - self.1);
        let rest = rest.trim_end_matches('0');
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{whole}{dot}{rest} {}", self.0)
    }
}

/// How taxes stand in prices.
#[derive(Clone, Copy, PartialEq)]
enum Taxes {
    Unknown,
    Included,
    OnTop,
}

/// What something costs, without and with taxes.
#[derive(Clone, Copy, Default)]
struct Cost {
    total: i64,
    gross: i64,
}

struct States {
    created: &'static str,
    now: &'static str,
    fulfilled: bool,
    cancelled: bool,
}

struct Maker {
    chance: Chance,
    currency: Currency,
    taxes: Taxes,
    n: u64,
}

impl Maker {
    fn taxed(&self, cost: Cost) -> Value {
        let net = if self.taxes == Taxes::Included { cost.gross * 100 / 119 } else { cost.total };
        match self.taxes {
            Taxes::Unknown => Value::Null,
            Taxes::Included | Taxes::OnTop => json!({"totalNet": self.currency.money(net),
                "totalGross": self.currency.money(cost.gross)}),
        }
    }

    fn cost(&self, total: i64) -> Cost {
        let gross = if self.taxes == Taxes::OnTop { total * 119 / 100 } else { total };
        Cost { total, gross }
    }

    /// A line with or without a product: its cost, and the document.
    fn line(&mut self, id: &str, has_product: bool) -> (Cost, Value) {
        let quantity = 1 + i64::try_from(self.chance.next(4)).expect("few");
        let price = 100 * (1 + i64::try_from(self.chance.next(90)).expect("few"));
        let off = if self.chance.happens(300) { price / 10 } else { 0 };
        let cost = self.cost((price - off) * quantity);
        let mut line = json!({"id": id, "name": {"en": id}, "quantity": quantity,
            "totalPrice": self.currency.money(cost.total), "taxedPrice": self.taxed(cost)});
        if off > 0 {
            line["discountedPricePerQuantity"] = json!([{"quantity": quantity,
                "discountedPrice": {"value": self.currency.money(price - off),
                    "includedDiscounts": [{"discountedAmount": self.currency.money(off)}]}}]);
        }
        let price = self.currency.money(price);
        if has_product {
            line["productId"] = json!("p");
            line["price"] = json!({ "value": price });
        } else {
            line["money"] = price;
        }
        (cost, line)
    }

    /// Who buys: the members of the order, the customer that commercetools has, and the person.
    fn buyer(&mut self) -> (Value, Option<Value>, String) {
        let n = self.n;
        let own = format!("own.{n}@example.com");
        let customer = json!({"id": format!("c-{n}"), "email": own, "addresses": []});
        let known = format!("c-{n} {own}");
        let typed = match self.chance.next(5) {
            0 => {
                let email = format!("guest.{n}@example.com");
                return (json!({ "customerEmail": email }), None, format!("- {email}"));
            }
            1 => json!(own),
            2 => json!(format!("typed.{n}@example.com")),
            3 => json!("no address"),
            _ => Value::Null,
        };
        (json!({"customerId": format!("c-{n}"), "customerEmail": typed}), Some(customer), known)
    }

    fn shipping(&mut self) -> (Cost, Value) {
        let price = i64::try_from(self.chance.next(9)).expect("few") * 100;
        let cost = self.cost(price);
        let info = json!({"shippingMethodName": "Post", "price": self.currency.money(price),
            "taxedPrice": self.taxed(cost)});
        match self.chance.next(3) {
            0 => (Cost::default(), json!({})),
            1 => (cost, json!({ "shippingInfo": info })),
            _ => (
                Cost { total: 2 * cost.total, gross: 2 * cost.gross },
                json!({"shippingMode": "Multiple",
                    "shipping": [{ "shippingInfo": info }, { "shippingInfo": info }]}),
            ),
        }
    }

    /// The transactions of a payment: the document, and each refund that succeeded.
    fn payment(&mut self, id: &str) -> (Value, Vec<(String, i64, bool)>) {
        let mut transactions = vec![json!({"id": format!("{id}-charge"), "type": "Charge",
            "state": "Success", "amount": self.currency.money(100)})];
        let mut refunds = Vec::new();
        for n in 0..self.chance.next(4) {
            let cents = 10 * (1 + i64::try_from(self.chance.next(50)).expect("few"));
            let state = ["Success", "Pending", "Failure"]
                [usize::try_from(self.chance.next(3)).expect("few")];
            let of = format!("{id}-refund-{n}");
            transactions.push(json!({"id": of, "type": "Refund", "state": state,
                "amount": self.currency.money(cents)}));
            if state == "Success" {
                refunds.push((of, cents, n == 0));
            }
        }
        (json!({"id": id, "lastModifiedAt": CHANGED, "transactions": transactions}), refunds)
    }

    /// In which state an order is created, and which it comes into.
    fn states(&mut self) -> States {
        let states = ["Open", "Confirmed", "Complete"];
        let created = states[usize::try_from(self.chance.next(3)).expect("few")];
        let fulfilled = created != "Open" || self.chance.happens(400);
        let cancelled = !fulfilled && self.chance.happens(500);
        let now = match (fulfilled, cancelled) {
            (_, true) => "Cancelled",
            (true, _) if created == "Open" => "Confirmed",
            _ => created,
        };
        States { created, now, fulfilled, cancelled }
    }

    fn story(&mut self) -> Story {
        let n = self.n;
        let id = format!("o-{n}");
        let mut expected = BTreeSet::new();
        let (members, customer, person) = self.buyer();
        let mut tell = |metric: &str, unique: &str, amount: String| {
            expected.insert((metric.to_owned(), unique.to_owned(), amount, person.clone()));
        };
        let (mut total, mut lines, mut custom) = (Cost::default(), Vec::new(), Vec::new());
        let mut edits = Vec::new();
        for k in 0..=self.chance.next(3) {
            let line_id = format!("{id}-l{k}");
            let (cost, mut line) = self.line(&line_id, true);
            let is_edit = k > 0 && self.chance.happens(200);
            line["addedAt"] = json!(if is_edit { CHANGED } else { PLACED });
            tell("Ordered Product", &line_id, self.currency.written(cost.gross));
            total = Cost { total: total.total + cost.total, gross: total.gross + cost.gross };
            if is_edit {
                edits.push(line_id);
            }
            lines.push(line);
        }
        for k in 0..self.chance.next(3) {
            let (cost, line) = self.line(&format!("{id}-c{k}"), false);
            total = Cost { total: total.total + cost.total, gross: total.gross + cost.gross };
            custom.push(line);
        }
        let (cost, shipping) = self.shipping();
        total = Cost { total: total.total + cost.total, gross: total.gross + cost.gross };
        let off = if self.chance.happens(300) { total.total / 10 } else { 0 };
        let whole = self.cost(total.total - off);
        let whole = if off > 0 { whole } else { total };
        let amount = self.currency.written(whole.gross);
        tell("Placed Order", &id, amount.clone());
        let States { created, now: state, fulfilled, cancelled } = self.states();
        if fulfilled {
            tell("Fulfilled Order", &id, amount.clone());
        }
        if cancelled {
            tell("Cancelled Order", &id, amount);
        }
        let mut order = json!({"id": id, "createdAt": PLACED, "lastModifiedAt": CHANGED,
            "orderNumber": id, "orderState": created, "lineItems": lines,
            "customLineItems": custom, "totalPrice": self.currency.money(whole.total),
            "taxedPrice": self.taxed(whole)});
        if off > 0 {
            order["discountOnTotalPrice"] =
                json!({"discountedAmount": self.currency.money(off), "includedDiscounts": []});
        }
        for (name, value) in [members, shipping].iter().filter_map(Value::as_object).flatten() {
            order[name] = value.clone();
        }
        let mut shop: Shop = Vec::new();
        shop.extend(customer.map(|customer| (format!("/customers/c-{n}"), customer)));
        let mut notifications = Vec::new();
        // What it was when it was placed: without what was added since.
        let mut placed = order.clone();
        if let Some(lines) = placed["lineItems"].as_array_mut() {
            lines.retain(|line| line["addedAt"] == PLACED);
        }
        notifications.push(message("OrderCreated", "order", &id, &json!({ "order": placed })));
        for line in &edits {
            let added = json!({"lineItem": {"id": line}});
            notifications.push(message("OrderLineItemAdded", "order", &id, &added));
        }
        if state != created {
            let changed = json!({ "orderState": state });
            notifications.push(message("OrderStateChanged", "order", &id, &changed));
        }
        order["orderState"] = json!(state);
        // A payment may be of an earlier order as well, which then is the one that is refunded.
        let is_shared = self.chance.happens(100);
        let earlier = json!({"id": format!("earlier-{n}"), "createdAt": "2026-02-01T10:00:00.000Z",
            "lastModifiedAt": CHANGED, "totalPrice": self.currency.money(1),
            "customerEmail": format!("earlier.{n}@example.com"),
            "paymentInfo": {"payments": [{"typeId": "payment", "id": format!("{id}-p0")}]}});
        let payments = if is_shared { 1 } else { self.chance.next(3) };
        let mut references = Vec::new();
        for k in 0..payments {
            let payment_id = format!("{id}-p{k}");
            let (payment, refunds) = self.payment(&payment_id);
            for (transaction, cents, is_first) in refunds.into_iter().filter(|_| !is_shared) {
                let unique = if is_first && k == 0 { &id } else { &transaction };
                tell("Refunded Order", unique, self.currency.written(cents));
                let state = json!({"transactionId": transaction, "state": "Success"});
                let kind = "PaymentTransactionStateChanged";
                notifications.push(message(kind, "payment", &payment_id, &state));
            }
            references.push(json!({"typeId": "payment", "id": payment_id, "obj": payment}));
            shop.push((format!("/payments/{payment_id}"), payment));
        }
        order["paymentInfo"] = json!({ "payments": references });
        shop.push(("/orders".to_owned(), if is_shared { earlier } else { order.clone() }));
        shop.push((format!("/orders/{id}"), order.clone()));
        for (k, message) in notifications.iter_mut().enumerate() {
            message["id"] = json!(format!("m-{n}-{k}"));
        }
        Story { shop, order, notifications, expected }
    }
}

fn message(kind: &str, type_id: &str, id: &str, more: &Value) -> Value {
    let mut message = json!({"notificationType": "Message", "type": kind,
        "resource": {"typeId": type_id, "id": id}, "createdAt": CHANGED});
    for (name, value) in more.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    message
}

/// What requests tell Klaviyo, each event once; and the e-mails that go with customers' ids.
fn told(requests: &[WriteRequest], emails: &mut BTreeMap<String, BTreeSet<String>>) -> Vec<Told> {
    let mut requests = requests.to_vec();
    let events = requests.iter_mut().flat_map(WriteRequest::events_mut);
    let told = events.map(|event| {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let (id, email) = (text(&event.profile.external_id), text(&event.profile.email));
        if event.profile.external_id.is_some() {
            emails.entry(id.clone()).or_default().insert(email.clone());
        }
        let amount = format!("{} {}", event.value, event.value_currency);
        (event.metric.clone(), event.unique_id.clone(), amount, format!("{id} {email}"))
    });
    told.collect()
}

pub(crate) fn seed() -> u64 {
    std::env::var("ORDERS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11)
}

/// All of a seed, one after the other.
pub(crate) fn stories(seed: u64) -> impl Iterator<Item = Story> {
    let mut maker = Maker {
        chance: Chance::new(seed),
        currency: Currency("EUR", 2),
        taxes: Taxes::Unknown,
        n: 0,
    };
    (0..ORDERS).map(move |n| {
        maker.n = n;
        maker.currency = [Currency("EUR", 2), Currency("JPY", 0), Currency("KWD", 3)]
            [usize::try_from(maker.chance.next(3)).expect("few")];
        maker.taxes = [Taxes::Unknown, Taxes::Included, Taxes::OnTop]
            [usize::try_from(maker.chance.next(3)).expect("few")];
        maker.story()
    })
}

#[test]
fn every_way_brings_the_same_events_with_the_right_amounts_and_people() {
    let (seed, config) = (seed(), config(&[]));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (n, story) in stories(seed).enumerate() {
        let mut emails = BTreeMap::new();
        let pushed: BTreeSet<Told> = story
            .notifications
            .iter()
            .flat_map(|one| told(&sent(&config, &story.shop, one), &mut emails))
            .collect();
        let run = imported(&config, &story.shop, &story.order).expect("events");
        let run: Vec<Told> = told(&run, &mut emails);
        let once: BTreeSet<Told> = run.iter().cloned().collect();
        assert_eq!(run.len(), once.len(), "seed {seed}, order {n}: an event twice");
        assert_eq!(once, story.expected, "seed {seed}, order {n}, imported");
        assert_eq!(pushed, story.expected, "seed {seed}, order {n}, pushed");
        for (customer, emails) in emails {
            let own = BTreeSet::from([format!("own.{n}@example.com")]);
            assert_eq!(emails, own, "seed {seed}: {customer}");
        }
        for (metric, ..) in story.expected {
            *kinds.entry(metric).or_default() += 1;
        }
    }
    // Every kind of event came often.
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    assert!(kinds.values().all(|count| *count > 100), "{kinds:?}");
}

fn sent(config: &Config, shop: &Shop, notification: &Value) -> Vec<WriteRequest> {
    brought(config, shop, notification).expect("something is sent")
}
