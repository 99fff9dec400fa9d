//! The writes that leave a doubt: directed tests, beside the random worlds.

use std::collections::HashSet;

use commercetools_klaviyo::assembly::shared::SharedDocuments;
use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::engine::backoff::SINGLE_IN_DOUBT;
use commercetools_klaviyo::engine::call::HostCall;
use commercetools_klaviyo::engine::deliveries::machine::DeliveryMachine;
use commercetools_klaviyo::engine::deliveries::{DeliveryEnd, NewDelivery, StepContext};
use commercetools_klaviyo::engine::grants::MemoryPart;
use commercetools_klaviyo::fault::{Setback, System};
use commercetools_klaviyo::http::{HttpAnswer, NoAnswer};
use commercetools_klaviyo::klaviyo::pacing::CallPace;
use commercetools_klaviyo::push::conclusion::Conclusion;
use commercetools_klaviyo::push::plan::Work;
use serde_json::json;

use super::NOW;
use crate::import::account::Account;
use crate::import::shop::{self, Shop, id};
use crate::import::world::time;
use crate::support::config;

/// Two categories are written beside each other: one call is refused for now, one has no answer and may
/// still be carried out. Whichever is answered first, the delivery is in doubt.
#[test]
fn a_write_without_an_answer_leaves_a_doubt_beside_one_that_is_refused() {
    let config = config(&[]);
    let (above, below) = (id("k", 0), id("k", 1));
    let mut shop = Shop::default();
    for number in 0..2 {
        shop.put("categories", shop::category(number, time(NOW)));
    }
    shop.change("categories", &below, time(NOW), |category| {
        category["ancestors"] = json!([{"typeId": "category", "id": above}]);
    });
    for refused_first in [true, false] {
        let (mut shared, mut pace) = (SharedDocuments::of_isolate(), CallPace::new(1.0));
        let mut account = Account::default();
        for id in [&above, &below] {
            let id = format!("$custom:::$default:::{id}");
            account.categories.insert(id, json!({"name": "old"}));
        }
        let mut machine = DeliveryMachine::of_push();
        let mut around = StepContext {
            config: &config,
            shared: &mut shared,
            now: time(NOW),
            memory: MemoryPart::Whole,
        };
        let category = Id::new(&above).expect("an id");
        let work = Work::Category { category, descendants: true };
        machine.add(NewDelivery { work, alone: true, sent: HashSet::new(), bytes: 0 }, &mut around);
        let mut writes = Vec::new();
        while writes.len() < 2 {
            let calls = machine.calls(&mut around, &mut pace);
            assert!(!calls.is_empty(), "{} writes", writes.len());
            for (ticket, call) in calls {
                let answered = match &call {
                    HostCall::Klaviyo { method: "PATCH", .. } => {
                        writes.push(ticket);
                        continue;
                    }
                    HostCall::Klaviyo { method, path, .. } => {
                        account.answer(method, path, None, NOW)
                    }
                    HostCall::Commercetools { path, most } => shop.respond(path, *most),
                    HostCall::HandOver { .. } => panic!("a push hands nothing over"),
                };
                machine.answered(ticket, Ok(answered), &mut around, &mut pace);
            }
        }
        let refused = Ok(HttpAnswer { status: 503, ..HttpAnswer::default() });
        let unanswered = Err(Setback::no_answer(System::Klaviyo, NoAnswer::Timeout));
        let mut answers = [refused, unanswered];
        if !refused_first {
            answers.reverse();
        }
        for (ticket, answer) in writes.into_iter().zip(answers) {
            machine.answered(ticket, answer, &mut around, &mut pace);
        }
        let ended = machine.take_ended().pop().expect("it has ended");
        assert!(matches!(ended.end, DeliveryEnd::Concluded(Conclusion::Later(_))));
        assert_eq!(ended.in_doubt, Some(SINGLE_IN_DOUBT), "refused first: {refused_first}");
    }
}
