//! A point in time in whole ms, as the Worker stores and compares it.
//!
//! chrono handles dates with a time zone and texts for people.

use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A point in time in ms since 1970 UTC. Arithmetic saturates at the ends of the range.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixMs(u64);

impl UnixMs {
    /// The beginning of 1970. In storage it means that there is no such time.
    pub const EPOCH: Self = Self(0);

    /// The time this many ms after 1970 began.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Its ms since 1970 began.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// The duration since an earlier time; zero if that time is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same time as a date, if it is in chrono's range.
    #[must_use]
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        i64::try_from(self.0).ok().and_then(DateTime::from_timestamp_millis)
    }

    /// The time as the endpoints show it (RFC 3339).
    #[must_use]
    pub fn shown(self) -> Option<String> {
        Some(self.to_utc()?.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl From<DateTime<Utc>> for UnixMs {
    fn from(time: DateTime<Utc>) -> Self {
        Self(u64::try_from(time.timestamp_millis()).unwrap_or(0))
    }
}

impl Add<Duration> for UnixMs {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(millis(length)))
    }
}

impl Sub<Duration> for UnixMs {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(millis(length)))
    }
}

/// A duration in ms.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration, serialised in ms.
pub(crate) mod in_ms {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::millis(*duration))
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// An optional time, as the endpoints show it.
pub(crate) mod rfc3339 {
    use chrono::{DateTime, Utc};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::UnixMs;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<UnixMs>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.and_then(UnixMs::shown).serialize(serializer)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(
        deserializer: D,
    ) -> Result<Option<UnixMs>, D::Error> {
        let time: Option<DateTime<Utc>> = Option::deserialize(deserializer)?;
        Ok(time.map(UnixMs::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_stored_as_its_ms() {
        let time = UnixMs::from_ms(1_780_272_000_000);
        assert_eq!(serde_json::to_string(&time).ok().as_deref(), Some("1780272000000"));
        assert_eq!(serde_json::from_str("1780272000000").ok(), Some(time));
        assert_eq!(time.shown().as_deref(), Some("2026-06-01T00:00:00.000Z"));
        assert_eq!(time.to_utc().map(UnixMs::from), Some(time));
    }

    #[test]
    fn a_time_stays_in_its_range() {
        let [first, second, last] = [0, 1_000, u64::MAX].map(UnixMs::from_ms);
        let second_long = Duration::from_secs(1);
        assert_eq!((first + second_long, second - second_long), (second, first));
        assert_eq!((last + second_long, first - second_long), (last, first));
        assert_eq!((second.since(first), first.since(second)), (second_long, Duration::ZERO));
        assert_eq!(last.to_utc(), None);
        assert_eq!(UnixMs::from(DateTime::<Utc>::MIN_UTC), UnixMs::EPOCH);
    }
}
