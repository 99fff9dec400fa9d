//! Phone numbers that several customers share, such as a helpline's.
//!
//! A phone number identifies a person at Klaviyo: all customers who share it would become one
//! profile, and no two of them could go in one job. So the run sends it with the first customer who
//! has it, and leaves it out for the others.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;

/// How many phone numbers are remembered, at some 30 bytes each. In a shop with more, two customers
/// may still share one, and Klaviyo's answer decides.
const REMEMBERED: usize = 200_000;

/// The first customer of each phone number, both as digests. It need not survive a crash.
#[derive(Default)]
pub(super) struct PhoneBook {
    owners: HashMap<u64, u64>,
}

impl PhoneBook {
    /// Leaves out the phone numbers that were sent with another customer; returns how many.
    pub(super) fn keep_apart(&mut self, stages: &mut [Vec<WriteRequest>]) -> u64 {
        let mut left_out = 0;
        for request in stages.iter_mut().flatten() {
            if let WriteRequest::ImportProfile(profile) = request {
                left_out += u64::from(self.keep_profile_apart(profile));
            }
        }
        left_out
    }

    /// Leaves out the number if another customer has it; returns whether it did.
    fn keep_profile_apart(&mut self, profile: &mut Profile) -> bool {
        let (Some(phone), Some(id)) = (&profile.phone_number, &profile.external_id) else {
            return false;
        };
        if self.owners.len() >= REMEMBERED {
            self.owners.clear();
        }
        let owner = *self.owners.entry(digest(phone)).or_insert_with(|| digest(id));
        let is_shared = owner != digest(id);
        if is_shared {
            profile.phone_number = None;
        }
        is_shared
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_number_stays_with_the_first_who_had_it() {
        let mut phones = PhoneBook::default();
        let mut sent = |id: &str, phone: &str| {
            let profile = Profile {
                external_id: Some(id.to_owned()),
                phone_number: Some(phone.to_owned()),
                ..Profile::default()
            };
            let mut stages = [vec![WriteRequest::ImportProfile(Box::new(profile))]];
            let left_out = phones.keep_apart(&mut stages);
            let [WriteRequest::ImportProfile(profile)] = stages[0].as_slice() else {
                panic!("a profile")
            };
            assert_eq!(left_out, u64::from(profile.phone_number.is_none()));
            profile.phone_number.is_some()
        };
        assert!(sent("a", "+49301"));
        assert!(!sent("b", "+49301"));
        assert!(sent("b", "+49302"));
        assert!(sent("a", "+49301"), "read once more, it is still the first's");
    }
}
