//! What the answers to all requests of a notification mean together.

use super::deliver::NotYet;
use super::plan::Ignored;
use crate::http::{Passing, ReadFault};
use crate::klaviyo::verdict::{Refusal, Verdict};
use crate::mapping::fault::MappingFault;

/// How the work on a notification ended, before anything is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Conclusion {
    /// Klaviyo took everything.
    Delivered,
    /// There was nothing to deliver.
    Ignored(Ignored),
    /// It can succeed later: a system is out, or refuses for now.
    Later(Passing),
    /// Something else has to come about first.
    NotYet(NotYet),
    /// It cannot, unless a person does something.
    Never(Fault),
}

/// Why a notification cannot succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A stable code.
    pub code: String,
    /// What happened; may hold Klaviyo's own words, so it is kept but not logged.
    pub detail: String,
    /// Where in the body, as a JSON pointer.
    pub pointer: Option<String>,
}

impl Fault {
    /// A fault without a place.
    #[must_use]
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into(), pointer: None }
    }
}

impl From<MappingFault> for Fault {
    fn from(fault: MappingFault) -> Self {
        Self {
            pointer: Some(fault.pointer().to_owned()),
            ..Self::new(fault.code(), fault.to_string())
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let words: Vec<_> = refusal.errors.iter().map(|error| error.detail.as_str()).collect();
        Self {
            pointer: refusal.errors.iter().find_map(|error| error.pointer.clone()),
            ..Self::new(format!("klaviyo_{}", refusal.status), words.join(" "))
        }
    }
}

impl From<ReadFault> for Conclusion {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Passing(passing) => Self::Later(passing),
            ReadFault::Permanent { code, detail } => Self::Never(Fault::new(code, detail)),
        }
    }
}

/// The worst of all verdicts decides. A fault that passes outweighs one that does not: everything
/// is sent again then, and what can never succeed shows again when it is alone.
#[must_use]
pub fn conclude(verdicts: Vec<Verdict>) -> Conclusion {
    let mut never = None;
    let nothing_held =
        !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Verdict::NotHeld);
    if nothing_held {
        return Conclusion::Ignored(Ignored::NotHeld);
    }
    for verdict in verdicts {
        match verdict {
            Verdict::Accepted | Verdict::NotHeld => {}
            Verdict::Later(passing) => return Conclusion::Later(passing),
            Verdict::Conflict { .. } => {
                never.get_or_insert(Fault::new("klaviyo_409", "Klaviyo has it already"));
            }
            Verdict::Missing => {
                never.get_or_insert(Fault::new("klaviyo_404", "Klaviyo does not know it"));
            }
            Verdict::Refused(refusal) => {
                never.get_or_insert(refusal.into());
            }
        }
    }
    never.map_or(Conclusion::Delivered, Conclusion::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_verdict_decides() {
        let later =
            || Verdict::Later(Passing { code: "klaviyo_429".to_owned(), retry_after: None });
        let refused = || Verdict::Refused(Refusal { status: 400, errors: Vec::new() });
        for (verdicts, expected) in [
            (vec![], "delivered"),
            (vec![Verdict::Accepted, Verdict::Accepted], "delivered"),
            (vec![Verdict::Accepted, refused()], "klaviyo_400"),
            (vec![refused(), later()], "klaviyo_429"),
            (vec![Verdict::Missing, refused()], "klaviyo_404"),
            (vec![Verdict::Conflict { duplicate: None }], "klaviyo_409"),
            (vec![Verdict::NotHeld], "not_held"),
            (vec![Verdict::NotHeld, Verdict::Accepted], "delivered"),
        ] {
            let code = match conclude(verdicts) {
                Conclusion::Delivered => "delivered".to_owned(),
                Conclusion::Ignored(why) => why.code().to_owned(),
                Conclusion::Later(passing) => passing.code,
                Conclusion::NotYet(not_yet) => not_yet.code().to_owned(),
                Conclusion::Never(fault) => fault.code,
            };
            assert_eq!(code, expected);
        }
    }
}
