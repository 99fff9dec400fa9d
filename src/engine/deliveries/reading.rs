//! The reads of deliveries: combined, asked for, and handed out.

use super::{Deliveries, DeliveryEnd, DeliveryNo, StepContext};
use crate::assembly::reading::UnitReading;
use crate::assembly::together::{JointReading, together};
use crate::engine::call::HostCall;
use crate::engine::circuits::{Circuits, OperationName};
use crate::engine::grants::CallGrants;
use crate::fault::{ReadFault, Setback};
use crate::http::HttpAnswer;
use crate::klaviyo::pacing::CallPace;

impl Deliveries {
    pub(super) fn want(&mut self, no: DeliveryNo, readings: Vec<UnitReading>) {
        let Some(open) = self.open.get(&no) else { return };
        let wanted = readings.into_iter().map(|reading| (no.0, reading));
        if open.delivery.has_written() {
            // A check for newer state reads by id alone: a query may lag behind.
            for one in wanted {
                for joint in together([one]) {
                    self.queue_reading(joint);
                }
            }
        } else {
            self.wanted.extend(wanted);
        }
    }

    /// Combines the readings that one call can answer.
    pub(super) fn plan_readings(&mut self) {
        for joint in together(std::mem::take(&mut self.wanted)) {
            self.queue_reading(joint);
        }
    }

    fn queue_reading(&mut self, joint: JointReading) {
        for unit in joint.units() {
            if let Some(open) = self.open.get_mut(&DeliveryNo(unit)) {
                open.waits += 1;
                open.calls += 1;
            }
        }
        self.reads.push_back(joint);
    }

    pub(super) fn next_reading(
        &mut self,
        grants: &mut CallGrants<'_>,
    ) -> Option<(JointReading, HostCall)> {
        let mut index = 0;
        while index < self.reads.len() {
            let joint = &self.reads[index];
            if joint.is_of_commercetools() && grants.reading == 0 {
                index += 1;
                continue;
            }
            let (name, call) = asked(joint);
            let taken = match joint.operation() {
                Some(operation) => grants.take(operation),
                None => grants.pass(&name),
            };
            match taken {
                Ok(()) => return self.reads.remove(index).map(|joint| (joint, call)),
                Err(setback) if self.writer.lets_go(setback) => {
                    let Some(joint) = self.reads.remove(index) else { break };
                    self.end_all(&joint, &ReadFault::Later(setback), &name);
                }
                Err(_) => index += 1,
            }
        }
        None
    }

    pub(super) fn read(
        &mut self,
        joint: &JointReading,
        answer: Result<HttpAnswer, Setback>,
        around: &mut StepContext<'_>,
        pace: &mut CallPace,
        circuits: &mut Circuits,
    ) {
        let (name, _) = asked(joint);
        let answer = match answer {
            Ok(answer) => answer,
            Err(setback) => {
                if setback.fault.leaves_in_doubt() {
                    self.doubtful.extend(joint.doubtful());
                }
                circuits.failed(&name, setback, around.now_ms());
                return self.end_all(joint, &ReadFault::Later(setback), &name);
            }
        };
        if let Some(operation) = joint.operation() {
            pace.note(operation, &answer, around.now_ms());
        }
        let handed_out = joint.hand_out(Ok(&answer));
        let units = joint.units();
        for unit in &units {
            if let Some(open) = self.open.get_mut(&DeliveryNo(*unit)) {
                let bytes = answer.body.len() / units.len();
                open.bytes += bytes;
                self.begun_bytes += bytes;
            }
        }
        let mut met = None;
        for part in &handed_out.parts {
            let no = DeliveryNo(part.unit);
            let Some(open) = self.open.get_mut(&no) else { continue };
            if let Err(fault) = open.delivery.take(part, around.shared, around.now) {
                if let ReadFault::Later(setback) = fault {
                    met = Some(setback);
                }
                self.end_read(no, fault, &name);
            }
        }
        match met {
            Some(setback) => circuits.failed(&name, setback, around.now_ms()),
            None => circuits.went_through(&name),
        }
        for further in handed_out.further {
            self.queue_reading(further);
        }
        for unit in units {
            let no = DeliveryNo(unit);
            let Some(open) = self.open.get_mut(&no) else { continue };
            open.waits = open.waits.saturating_sub(1);
            if open.waits == 0 {
                self.advance(no, around);
            }
        }
    }

    fn end_all(&mut self, joint: &JointReading, fault: &ReadFault, name: &OperationName) {
        for unit in joint.units() {
            self.end_read(DeliveryNo(unit), fault.clone(), name);
        }
    }

    fn end_read(&mut self, no: DeliveryNo, fault: ReadFault, name: &OperationName) {
        let stopped_by = matches!(fault, ReadFault::Later(_)).then(|| name.clone());
        let end = DeliveryEnd::Concluded(fault.into());
        self.end(no, end, stopped_by, None);
    }
}

/// The operation of a reading, and its call.
fn asked(joint: &JointReading) -> (OperationName, HostCall) {
    let call = HostCall::of_reading(joint);
    let name = match (&call, joint.operation()) {
        (HostCall::Commercetools { path, .. }, _) => OperationName::of_commercetools(path),
        (_, Some(operation)) => OperationName::of_klaviyo(operation),
        (_, None) => OperationName::of_commercetools(""),
    };
    (name, call)
}
