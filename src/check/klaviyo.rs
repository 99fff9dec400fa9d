//! The checks of Klaviyo: the key, its scopes as far as reads show them, and the end of the API's
//! revision.

use chrono::{DateTime, FixedOffset, Utc};

use super::{Check, NOBODY};
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::fault::{Setback, System};
use crate::http::{HttpAnswer, NoAnswer};
use crate::klaviyo::REVISION;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::job::JobType;
use crate::klaviyo::query::KlaviyoLookup;

/// From this many days before its end on, a detail says to update.
const SOON: i64 = 180;

/// A read that needs a scope. It finds nothing, or no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KlaviyoProbe {
    scope: &'static str,
    /// The path and query below Klaviyo's address, encoded.
    pub path: String,
}

/// The reads to make.
#[must_use]
pub fn probes() -> Vec<KlaviyoProbe> {
    let nobody = KlaviyoLookup::ProfilesOfCustomer { customer: NOBODY.to_owned() };
    let nothing = KlaviyoLookup::Existing { kind: CatalogKind::Item, ids: vec![NOBODY.to_owned()] };
    let jobs = format!("{}?page%5Bsize%5D=1", JobType::Profiles.path());
    [
        ("profiles:read", nobody.path_and_query()),
        ("catalogs:read", nothing.path_and_query()),
        ("lists:read", jobs),
    ]
    .map(|(scope, path)| KlaviyoProbe { scope, path })
    .into()
}

type ProbeAnswers = [(KlaviyoProbe, Result<HttpAnswer, NoAnswer>)];

/// Whether Klaviyo accepts the key. A 403 proves that as well: then only the key's scopes are insufficient.
#[must_use]
pub fn key(probed: &ProbeAnswers) -> Check {
    let refused = statuses(probed).any(|status| status == 401);
    let accepted = statuses(probed).any(|status| matches!(status, 200..=299 | 403));
    let found = if refused {
        Err("Klaviyo refuses KLAVIYO_AUTH_KEY (401): set a private key of the account; what was \
             parked meanwhile is delivered then"
            .to_owned())
    } else if accepted {
        Ok("Klaviyo accepts KLAVIYO_AUTH_KEY".to_owned())
    } else {
        let why = probed.first().map(|(_, answer)| why(answer)).unwrap_or_default();
        Err(format!("not known: {why}; see KLAVIYO_API_URL, and Klaviyo's status page"))
    };
    Check::new("klaviyo_key", found)
}

/// Whether the key has the required scopes. Only writes could prove the scopes for writing.
#[must_use]
pub fn scopes(config: &Config, probed: &ProbeAnswers) -> Check {
    let with = |wanted: fn(u16) -> bool| {
        let scopes = probed
            .iter()
            .filter(move |(_, answer)| answer.as_ref().is_ok_and(|answer| wanted(answer.status)));
        scopes.map(|(probe, _)| probe.scope).collect::<Vec<_>>()
    };
    let missing = with(|status| status == 403);
    let there = with(|status| (200..=299).contains(&status));
    let mut write = vec!["events:write", "profiles:write", "lists:write", "catalogs:write"];
    if config.rules.customer.deletion == CustomerDeletion::Erase {
        write.push("data-privacy:write");
    }
    let found = if !missing.is_empty() {
        Err(format!(
            "missing: {}; the scopes of a key cannot be changed, so make a new one that has these \
             and {}",
            missing.join(", "),
            write.join(", ")
        ))
    } else if there.len() < probed.len() {
        let untold = probed.iter().find(|(probe, _)| !there.contains(&probe.scope));
        let why = untold.map(|(probe, answer)| format!("{}: {}", probe.scope, why(answer)));
        Err(format!("not known: {}", why.unwrap_or_default()))
    } else {
        Ok(format!(
            "{} are there; {} are needed too, and do not show without writing",
            there.join(", "),
            write.join(", ")
        ))
    };
    Check::new("klaviyo_scopes", found)
}

/// Until when the API supports the revision that the Worker uses. `now` is UTC.
#[must_use]
pub fn api(probed: &ProbeAnswers, now: DateTime<Utc>) -> Check {
    let answers = || probed.iter().filter_map(|(_, answer)| answer.as_ref().ok());
    let retires = answers().find_map(|answer| answer.retires.as_deref());
    let gone = answers().any(|answer| answer.status == 410);
    let update = "update this Worker to a version that speaks a newer one";
    let left = |day: &str| Some((midnight(day)?.date_naive() - now.date_naive()).num_days());
    let found = match retires.and_then(|day| Some((day, left(day)?))) {
        Some((day, left)) if gone || left <= 0 => {
            Err(format!("revision {REVISION} is retired since {day}: {update}"))
        }
        None if gone => Err(format!("revision {REVISION} is retired: {update}")),
        Some((day, left)) => {
            let found = format!("revision {REVISION} is retired on {day}, in {left} days");
            if left <= SOON {
                return Check::warning("klaviyo_api", format!("{found}: {update}"));
            }
            Ok(found)
        }
        None if statuses(probed).any(|status| matches!(status, 200..=299)) => {
            Ok(format!("revision {REVISION}; Klaviyo's answers do not say when it is retired"))
        }
        None => Err(format!("revision {REVISION}; Klaviyo does not say when it is retired")),
    };
    Check::new("klaviyo_api", found)
}

/// The beginning of a day in the form `YYYY-MM-DD`.
fn midnight(day: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(&format!("{day}T00:00:00Z")).ok()
}

fn statuses(probed: &ProbeAnswers) -> impl Iterator<Item = u16> {
    probed.iter().filter_map(|(_, answer)| answer.as_ref().ok().map(|answer| answer.status))
}

/// The name of an answer, or of its absence.
fn why(answer: &Result<HttpAnswer, NoAnswer>) -> String {
    match answer {
        Ok(answer) => Setback::answered(System::Klaviyo, answer).fault.code().into_owned(),
        Err(why) => Setback::no_answer(System::Klaviyo, *why).fault.code().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::test_config_with;

    fn config(deletion: &str) -> Config {
        test_config_with(&format!(r#"{{"customer":{{"deletion":"{deletion}"}}}}"#))
    }

    type Row = (KlaviyoProbe, Result<HttpAnswer, NoAnswer>);

    /// All probes, with these statuses; 0 means no answer.
    fn probed(statuses: [u16; 3]) -> Vec<Row> {
        let answer = |status| match status {
            0 => Err(NoAnswer::Timeout),
            status => Ok(HttpAnswer { status, ..HttpAnswer::default() }),
        };
        probes().into_iter().zip(statuses.map(answer)).collect()
    }

    #[test]
    fn the_key_and_its_scopes_are_told_apart() {
        for (statuses, key_ok, key_said, scopes_ok, scopes_said) in [
            ([200; 3], true, "accepts", true, "profiles:read, catalogs:read, lists:read are there"),
            ([401; 3], false, "refuses KLAVIYO_AUTH_KEY", false, "klaviyo_401"),
            ([403; 3], true, "accepts", false, "missing: profiles:read, catalogs:read, lists:read"),
            ([200, 403, 200], true, "accepts", false, "missing: catalogs:read;"),
            ([200, 0, 403], true, "accepts", false, "missing: lists:read;"),
            ([200, 200, 429], true, "accepts", false, "lists:read: klaviyo_429"),
            ([0; 3], false, "klaviyo_timeout", false, "profiles:read: klaviyo_timeout"),
            ([503; 3], false, "klaviyo_503", false, "klaviyo_503"),
        ] {
            let probed = probed(statuses);
            let check = key(&probed);
            assert_eq!(check.ok, key_ok, "{statuses:?} {check:?}");
            assert!(check.detail.contains(key_said), "{statuses:?} {check:?}");
            let check = scopes(&config("ignore"), &probed);
            assert_eq!(check.ok, scopes_ok, "{statuses:?} {check:?}");
            assert!(check.detail.contains(scopes_said), "{statuses:?} {check:?}");
            assert!(!check.detail.contains("data-privacy"), "{check:?}");
        }
        assert!(scopes(&config("erase"), &probed([200; 3])).detail.contains("data-privacy:write"));
    }

    #[test]
    fn the_end_of_the_revision_is_told() {
        let now = DateTime::parse_from_rfc3339("2028-01-17T23:59:59Z").expect("a time").to_utc();
        for (status, retires, ok, said) in [
            (200, Some("2028-07-16"), true, "is retired on 2028-07-16, in 181 days"),
            (403, Some("2028-07-15"), true, "in 180 days: update this Worker"),
            (200, Some("2028-01-18"), true, "in 1 days: update"),
            (200, Some("2028-01-17"), false, "is retired since 2028-01-17: update"),
            (410, Some("2028-07-15"), false, "is retired since"),
            (410, None, false, "is retired: update"),
            (200, None, true, "do not say"),
            (200, Some("soon"), true, "do not say"),
            (401, None, false, "does not say"),
        ] {
            let retires = retires.map(ToOwned::to_owned);
            let answer = HttpAnswer { status, retires, ..HttpAnswer::default() };
            let probed: Vec<Row> =
                probes().into_iter().map(|probe| (probe, Ok(answer.clone()))).collect();
            let check = api(&probed, now);
            assert_eq!(check.ok, ok, "{check:?}");
            assert!(check.detail.contains(said), "{said}: {check:?}");
        }
        assert!(!api(&probed([0; 3]), now).ok);
    }

    #[test]
    fn what_is_asked_finds_nobody() {
        for KlaviyoProbe { path, .. } in probes() {
            assert!(path.contains(NOBODY) || path.contains("bulk-import-jobs?"), "{path}");
        }
    }
}
