//! One delivery from its work to its conclusion: what to read, what to send, and whether what was
//! sent was overtaken meanwhile.
//!
//! A write of current state is settled only if, after Klaviyo carried it out, the same documents
//! still give the same requests. Else somebody changed them between our reading and our write, and
//! perhaps wrote the newer state before us: it is written again. So of any writers beside each
//! other, the last one corrects itself. A fact (an order was placed) needs none of that.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Step, next};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::fault::{ReadFault, TransientFault};
use crate::http::{Answer, NoAnswer};
use crate::klaviyo::request::{Request, WriteContent};
use crate::realtime::conclusion::Conclusion;
use crate::realtime::documents::{Documents, Found, Reading};
use crate::realtime::parking::by_resource;
use crate::realtime::plan::{Ignored, Work};

/// How often one delivery writes at most, before it is left to another time.
const WRITES: u32 = 2;

/// A delivery that is under way.
#[derive(Debug, Clone)]
pub struct Delivery {
    work: Work,
    documents: Documents,
    written: WrittenSoFar,
}

/// What Klaviyo took so far.
#[derive(Debug, Clone, Default)]
enum WrittenSoFar {
    /// Nothing.
    #[default]
    Nothing,
    /// State, so often; what it was the last time.
    State { content: Vec<WriteContent>, times: u32 },
    /// All that there is to send.
    Everything,
}

/// What comes next in a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryStep {
    /// Read these, all at once, hand in the answers, and ask again.
    Read(Vec<Reading>),
    /// Park these notifications, which this one gives rise to, say so, and ask again.
    Follow(Vec<Map<String, Value>>),
    /// Send these, and say so when Klaviyo took them.
    Send {
        /// Stage after stage; the requests of one stage do not depend on each other.
        stages: Vec<Vec<Request>>,
        /// Names of properties that were cut to keep Klaviyo's limits, for the log.
        cut: Vec<String>,
    },
    /// That is all.
    Conclude(Conclusion),
}

impl Delivery {
    /// Begins the delivery of this work.
    #[must_use]
    pub fn new(work: Work) -> Self {
        Self { work, documents: Documents::default(), written: WrittenSoFar::Nothing }
    }

    /// What it delivers.
    #[must_use]
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// What was read so far, to add what is known already.
    pub fn documents_mut(&mut self) -> &mut Documents {
        &mut self.documents
    }

    /// What comes next. `now` is the time at which prices are to be valid (UTC).
    pub fn next(&mut self, config: &Config, now: DateTime<Utc>) -> DeliveryStep {
        if matches!(self.written, WrittenSoFar::Everything) {
            return DeliveryStep::Conclude(Conclusion::Delivered);
        }
        match next(config, &self.work, &self.documents, now) {
            Step::Read(readings) => DeliveryStep::Read(readings),
            Step::Follow(notifications) => DeliveryStep::Follow(notifications),
            Step::Send { stages, cut } => self.send(config, stages, cut, now),
            Step::Ignore(why) => self.nothing_to_send(config, why, now),
            Step::NotYet(not_yet) => DeliveryStep::Conclude(Conclusion::NotYet(not_yet)),
            Step::Unmappable(fault) => DeliveryStep::Conclude(Conclusion::Never(fault.into())),
        }
    }

    /// There is nothing to send. After a write that may only seem so: what was written has to go
    /// again, if it is not to be there any more.
    fn nothing_to_send(
        &mut self,
        config: &Config,
        why: Ignored,
        now: DateTime<Utc>,
    ) -> DeliveryStep {
        let WrittenSoFar::State { content, times } = &self.written else {
            return DeliveryStep::Conclude(Conclusion::Ignored(why));
        };
        self.documents.learn_written(content);
        match next(config, &self.work, &self.documents, now) {
            Step::Send { stages, cut } if *times < WRITES => DeliveryStep::Send { stages, cut },
            Step::Send { .. } => {
                DeliveryStep::Conclude(Conclusion::Later(TransientFault::Overtaken.into()))
            }
            // A customer who is gone needs no more; an erasure sees to itself.
            _ => DeliveryStep::Conclude(Conclusion::Delivered),
        }
    }

    fn send(
        &mut self,
        config: &Config,
        stages: Vec<Vec<Request>>,
        cut: Vec<String>,
        now: DateTime<Utc>,
    ) -> DeliveryStep {
        let WrittenSoFar::State { content, times } = &self.written else {
            return DeliveryStep::Send { stages, cut };
        };
        // Compared with what Klaviyo held before the write, so that the same documents give the
        // same requests.
        if content_of(&stages) == *content {
            return DeliveryStep::Conclude(Conclusion::Delivered);
        }
        if *times >= WRITES {
            return DeliveryStep::Conclude(Conclusion::Later(TransientFault::Overtaken.into()));
        }
        self.documents.learn_written(content);
        match next(config, &self.work, &self.documents, now) {
            Step::Send { stages, cut } => DeliveryStep::Send { stages, cut },
            _ => DeliveryStep::Send { stages, cut },
        }
    }

    /// Adds what was answered to a reading.
    ///
    /// # Errors
    /// There is no answer, or one that the work cannot be done with.
    pub fn add(
        &mut self,
        reading: &Reading,
        answer: &Result<Answer, NoAnswer>,
    ) -> Result<(), ReadFault> {
        self.documents.add(reading, answer)
    }

    /// What it gave rise to is parked.
    pub fn followed(&mut self) {
        self.documents.followed = true;
    }

    /// Klaviyo took all of these stages. State is read once more, to see whether it was overtaken.
    pub fn taken(&mut self, stages: &[Vec<Request>]) {
        if !self.is_of_state() || stages.iter().all(Vec::is_empty) {
            self.written = WrittenSoFar::Everything;
            return;
        }
        let times = match &self.written {
            WrittenSoFar::State { times, .. } => *times,
            WrittenSoFar::Nothing | WrittenSoFar::Everything => 0,
        };
        debug_assert!(times < WRITES, "a delivery writes at most {WRITES} times");
        self.written = WrittenSoFar::State { content: content_of(stages), times: times + 1 };
        if let Some(work) = self.documents.prepare_verification(&self.work) {
            self.work = work;
        }
    }

    /// The customer of a profile who is gone by now: perhaps erased, and then a write may have
    /// brought the profile back.
    #[must_use]
    pub fn gone_customer(&self) -> Option<&Id> {
        match (&self.work, &self.documents.customer) {
            (Work::Profile { customer, .. }, Found::Gone) => Some(customer),
            _ => None,
        }
    }

    /// Whether Klaviyo took something of it.
    #[must_use]
    pub fn has_written(&self) -> bool {
        !matches!(self.written, WrittenSoFar::Nothing)
    }

    /// Whether it brings what a resource is now, and may be overtaken.
    fn is_of_state(&self) -> bool {
        by_resource(&self.work)
            && !matches!(
                self.work,
                Work::Erasure(_) | Work::ProductsOfCategory { .. } | Work::CategoryGone(_)
            )
    }
}

fn content_of(stages: &[Vec<Request>]) -> Vec<WriteContent> {
    stages.iter().flatten().map(Request::content).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commercetools::query::Query;
    use crate::config::test_config;
    use crate::mapping::profile::Missing;
    use serde_json::json;

    fn answered(status: u16, body: &Value) -> Answer {
        Answer { status, body: body.to_string(), ..Answer::default() }
    }

    fn customer(name: &str) -> Value {
        json!({"id": "c", "email": "c@example.com", "firstName": name, "addresses": []})
    }

    fn profile() -> Delivery {
        let customer = Id::new("c").expect("an id");
        Delivery::new(Work::Profile { customer, missing: Missing::Keep })
    }

    /// Brings a delivery to its end, while commercetools answers with these documents in turn: the
    /// names that were written, and the conclusion.
    fn delivered(names: &[&str]) -> (Vec<String>, Conclusion) {
        let config = test_config();
        let mut delivery = profile();
        let mut names = names.iter();
        let mut written = Vec::new();
        loop {
            match delivery.next(&config, DateTime::UNIX_EPOCH) {
                DeliveryStep::Read(readings) => {
                    let id = Id::new("c").expect("an id");
                    assert_eq!(readings, [Reading::from(Query::Customer(id))], "one GET by id");
                    let answer = match *names.next().expect("a reading too many") {
                        "" => answered(404, &json!({"statusCode": 404})),
                        name => answered(200, &customer(name)),
                    };
                    delivery.add(&readings[0], &Ok(answer)).expect("a document");
                }
                DeliveryStep::Send { stages, .. } => {
                    let body = stages[0][0].body().expect("a body");
                    let body: Value = serde_json::from_str(&body).expect("JSON");
                    let name = &body["data"]["attributes"]["first_name"];
                    written.push(name.as_str().unwrap_or_default().to_owned());
                    delivery.taken(&stages);
                }
                DeliveryStep::Conclude(conclusion) => return (written, conclusion),
                DeliveryStep::Follow(_) => panic!("nothing follows"),
            }
        }
    }

    #[test]
    fn what_was_overtaken_is_written_once_more_and_then_left() {
        assert_eq!(delivered(&["A", "A"]), (vec!["A".into()], Conclusion::Delivered));
        let twice = vec!["A".to_owned(), "B".to_owned()];
        assert_eq!(delivered(&["A", "B", "B"]), (twice.clone(), Conclusion::Delivered));
        let overtaken = Conclusion::Later(TransientFault::Overtaken.into());
        assert_eq!(delivered(&["A", "B", "C"]), (twice, overtaken));
    }

    /// Klaviyo did not have the item before the write, and what was written has to go.
    #[test]
    fn an_item_that_was_written_beside_its_end_goes_again() {
        let config = test_config();
        let id = Id::new("p").expect("an id");
        let mut delivery = Delivery::new(Work::Product(id));
        let mut sent = Vec::new();
        let mut published = true;
        loop {
            match delivery.next(&config, DateTime::UNIX_EPOCH) {
                DeliveryStep::Read(readings) => {
                    for reading in readings {
                        let answer = match &reading {
                            Reading::Commercetools(_) => answered(
                                200,
                                &json!({"id": "p", "masterData": {"published": published,
                                    "current": {"name": {"en": "P"}, "masterVariant": {
                                        "id": 1, "sku": "s", "prices": [], "images": []}}}}),
                            ),
                            Reading::Klaviyo(_) => answered(404, &json!({"errors": []})),
                        };
                        delivery.add(&reading, &Ok(answer)).expect("a document");
                    }
                }
                DeliveryStep::Send { stages, .. } => {
                    let requests = stages.iter().flatten();
                    sent.push(requests.map(Request::method).collect::<Vec<_>>());
                    delivery.taken(&stages);
                    published = false;
                }
                DeliveryStep::Conclude(conclusion) => {
                    assert_eq!(conclusion, Conclusion::Delivered);
                    break;
                }
                DeliveryStep::Follow(_) => panic!("nothing follows"),
            }
        }
        assert_eq!(sent, [vec!["POST", "POST"], vec!["DELETE"]]);
    }

    #[test]
    fn who_is_gone_meanwhile_is_not_written_again() {
        assert_eq!(delivered(&["A", ""]), (vec!["A".into()], Conclusion::Delivered));
        let gone = Conclusion::Ignored(Ignored::Gone);
        assert_eq!(delivered(&[""]), (Vec::new(), gone));
    }
}
