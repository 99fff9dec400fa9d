//! The deliveries of a push: the engine's, within the time of a push. The outbox gets the rest.

use std::collections::HashSet;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::calls::TimedCalls;
use super::clock::{now, now_ms};
use super::memory;
use super::shared::{with_shared, with_told};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::engine::call::{CallTicket, HostCall};
use crate::engine::deliveries::machine::{DeliveryMachine, DoubtfulWrites};
use crate::engine::deliveries::{DeliveryNo, EndedDelivery, NewDelivery, StepContext};
use crate::fault::Setback;
use crate::http::HttpAnswer;
use crate::push::conclusion::{self, Conclusion};
use crate::push::plan::Work;

/// The work that a notification asks for, or the conclusion if it asks for nothing.
pub(super) fn work_of(config: &Config, notification: &Notification) -> Result<Work, Conclusion> {
    with_shared(|shared| shared.forget(notification));
    conclusion::work_of(&config.rules, notification)
}

/// The results of deliveries.
pub(super) struct EndedPush {
    pub(super) ended: Vec<EndedDelivery>,
    pub(super) doubtful: Option<DoubtfulWrites>,
}

/// Delivers all of these in their order, until each has ended.
pub(super) async fn deliver(
    config: &Config,
    calls: &TimedCalls<'_>,
    works: Vec<Work>,
) -> EndedPush {
    let mut machine = DeliveryMachine::of_push();
    let numbers: Vec<DeliveryNo> = with_shared(|shared| {
        let mut around = StepContext { config, shared, now: now(), memory: memory::part() };
        let alone = true;
        // A push never brings more than fits.
        let new = works.into_iter().map(|work| NewDelivery {
            work,
            alone,
            sent: HashSet::new(),
            bytes: 0,
        });
        new.map(|new| machine.add(new, &mut around)).collect()
    });
    let mut under_way = FuturesUnordered::new();
    loop {
        let next = with_told(|shared, told| {
            machine.calls(
                &mut StepContext { config, shared, now: now(), memory: memory::part() },
                told,
            )
        });
        under_way.extend(next.into_iter().map(|(ticket, call)| make(calls, ticket, call)));
        let Some((ticket, answer)) = under_way.next().await else { break };
        with_told(|shared, told| {
            let mut around = StepContext { config, shared, now: now(), memory: memory::part() };
            machine.answered(ticket, answer, &mut around, told);
        });
    }
    let mut ended = machine.take_ended();
    ended.sort_by_key(|ended| ended.no);
    debug_assert_eq!(ended.len(), numbers.len(), "each has its end");
    EndedPush { ended, doubtful: machine.take_doubtful(now_ms()) }
}

async fn make(
    calls: &TimedCalls<'_>,
    ticket: CallTicket,
    call: HostCall,
) -> (CallTicket, Result<HttpAnswer, Setback>) {
    (ticket, calls.make(call).await)
}
