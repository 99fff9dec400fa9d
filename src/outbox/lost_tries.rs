//! Tries of a row that never ended, since the runtime went down in the middle of one.
//!
//! A try is counted before it is made. Which of the rows of a round brings the runtime down nobody
//! knows, so one that was lost again and again in company is tried alone, and one that was lost again
//! and again alone is given up. Kills and deployments strike whatever is under way: a try alone counts
//! as lost only if rounds of others ended since the last one that was, and none does any more when one
//! alone has ended.

/// After so many lost tries in company a row is tried alone, and after so many alone it is given up.
const MOST: u32 = 3;

/// How often tries of a row were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostTries {
    /// In company of other rows.
    pub in_company: u32,
    /// Alone.
    pub alone: u32,
    /// How many rounds had ended when the last one alone was lost.
    pub rounds_ended: u64,
}

/// How a row is to be tried next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// With others.
    InCompany,
    /// By itself.
    Alone,
    /// Not any more.
    GivenUp,
}

impl LostTries {
    /// Another try was lost, `alone` or not, when so many rounds had ended.
    #[must_use]
    pub fn and_another(self, alone: bool, rounds_ended: u64) -> Self {
        if !alone {
            return Self { in_company: self.in_company.saturating_add(1), ..self };
        }
        if self.alone > 0 && rounds_ended <= self.rounds_ended {
            // Nothing of anybody's ended meanwhile: the row need not be to blame.
            return self;
        }
        Self { alone: self.alone.saturating_add(1), rounds_ended, ..self }
    }

    /// How the row is to be tried next.
    #[must_use]
    pub fn next_try(self) -> NextTry {
        match self {
            Self { alone: MOST.., .. } => NextTry::GivenUp,
            Self { in_company: MOST.., .. } => NextTry::Alone,
            Self { .. } => NextTry::InCompany,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_company_and_three_alone_are_the_end() {
        let mut lost = LostTries::default();
        for _ in 0..3 {
            assert_eq!(lost.next_try(), NextTry::InCompany);
            lost = lost.and_another(false, 7);
        }
        for rounds in 8..11 {
            assert_eq!(lost.next_try(), NextTry::Alone);
            lost = lost.and_another(true, rounds);
        }
        assert_eq!(lost.next_try(), NextTry::GivenUp);
    }

    #[test]
    fn kills_alone_give_nothing_up() {
        let mut lost = LostTries { in_company: 3, ..LostTries::default() };
        for _ in 0..100 {
            lost = lost.and_another(true, 7);
        }
        assert_eq!(lost.next_try(), NextTry::Alone);
        for _ in 0..100 {
            lost = lost.and_another(true, 8);
        }
        assert_eq!(lost.next_try(), NextTry::Alone);
        assert_eq!(lost.and_another(true, 9).next_try(), NextTry::GivenUp);
    }
}
