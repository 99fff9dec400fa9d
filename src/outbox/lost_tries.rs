//! Tries of a row that never ended, since the runtime went down during them.
//!
//! A try is counted before it begins. Nobody knows which row of a round crashes the runtime. So a row that was lost
//! several times in company is tried alone, and a row that was lost several times alone is given up. Kills and
//! deployments hit whatever is under way: a try alone counts as lost only if rounds of others ended since the last such
//! loss, and after a try alone has ended, no earlier one counts.

/// After this many lost tries in company a row is tried alone; after this many alone it is given up.
const MOST: u32 = 3;

/// How often tries of a row were lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LostTries {
    /// In company of other rows.
    pub in_company: u32,
    /// Alone.
    pub alone: u32,
    /// How many rounds had ended when the last try alone was lost.
    pub rounds_ended: u64,
}

/// How the next try of a row happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// With others.
    InCompany,
    /// By itself.
    Alone,
    /// It does not.
    GivenUp,
}

impl LostTries {
    /// Another try was lost, `alone` or not, after `rounds_ended` rounds.
    #[must_use]
    pub fn and_another(self, alone: bool, rounds_ended: u64) -> Self {
        if !alone {
            return Self { in_company: self.in_company.saturating_add(1), ..self };
        }
        if self.alone > 0 && rounds_ended <= self.rounds_ended {
            // No round ended meanwhile: the row need not be to blame.
            return self;
        }
        Self { alone: self.alone.saturating_add(1), rounds_ended, ..self }
    }

    /// How the next try of the row happens.
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
