//! What Klaviyo accepted lately, as far as this isolate remembers. Nothing is stored, so another isolate may have sent
//! it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::time::UnixMs;

/// How long Klaviyo may take until accepted data can be read ("up to a few minutes", by its overview of the events
/// API), with a margin.
pub const READABLE_AFTER: Duration = Duration::from_mins(10);

/// How many records are remembered, 16 bytes each.
const MOST: usize = 10_000;

/// Records of which Klaviyo accepted something less than [`READABLE_AFTER`] ago, in the order of acceptance.
#[derive(Debug, Default)]
pub struct RecentlyAccepted {
    seen: VecDeque<(u64, UnixMs)>,
}

impl RecentlyAccepted {
    /// Remembers that Klaviyo accepted something of `{typeId}/{id}` `now`. Of too many it forgets the oldest.
    pub fn remember(&mut self, resource: &str, now: UnixMs) {
        while self.seen.len() >= MOST
            || self.seen.front().is_some_and(|(_, at)| now.since(*at) >= READABLE_AFTER)
        {
            self.seen.pop_front();
        }
        self.seen.push_back((digest(resource), now));
    }

    /// When Klaviyo last accepted something of one of these, if that is less than [`READABLE_AFTER`] ago.
    #[must_use]
    pub fn last(&self, resources: &[String], now: UnixMs) -> Option<UnixMs> {
        let wanted: Vec<_> = resources.iter().map(|resource| digest(resource)).collect();
        let mut newest_first = self.seen.iter().rev();
        let (_, at) = newest_first.find(|(digest, _)| wanted.contains(digest))?;
        Some(*at).filter(|at| now.since(*at) < READABLE_AFTER)
    }
}

fn digest(resource: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    resource.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_is_known_for_ten_minutes() {
        let mut accepted = RecentlyAccepted::default();
        let (order, began) = (["order/o".to_owned()], UnixMs::from_ms(1_000));
        assert_eq!(accepted.last(&order, began), None);
        accepted.remember("order/o", began);
        accepted.remember("order/p", began + Duration::from_secs(1));
        let end = began + READABLE_AFTER;
        assert_eq!(accepted.last(&order, end - Duration::from_millis(1)), Some(began));
        assert_eq!(accepted.last(&order, end), None);
        let payment_first = ["payment/x".to_owned(), "order/p".to_owned()];
        assert_eq!(accepted.last(&payment_first, end), Some(began + Duration::from_secs(1)));
        accepted.remember("order/q", end);
        assert_eq!(accepted.seen.len(), 2, "what can be read is forgotten");
    }

    #[test]
    fn it_stays_small() {
        let mut accepted = RecentlyAccepted::default();
        let now = UnixMs::from_ms(1);
        for n in 0..=MOST {
            accepted.remember(&format!("order/{n}"), now);
        }
        assert_eq!(accepted.seen.len(), MOST);
        assert_eq!(accepted.last(&["order/0".to_owned()], now), None);
        assert_eq!(accepted.last(&["order/1".to_owned()], now), Some(now));
    }
}
