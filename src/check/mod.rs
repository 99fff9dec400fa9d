//! `GET /check`: what is asked of the two systems, and what the answers say about this deployment.
//!
//! Every check stands for itself: one that fails hides no other. A detail says what to do, and holds
//! no value of a setting, no secret and no personal data. Not in scope: the calls (`edge::check`).

pub mod commercetools;
pub mod klaviyo;
pub mod metrics;
pub mod settings;
pub mod stock;

use serde::Serialize;

/// An id that nothing has, so that what is read holds nobody's data.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// How well it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckLevel {
    /// All is well.
    Ok,
    /// It works, and something is to be done.
    Warning,
    /// It does not work.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, which is stable.
    pub name: &'static str,
    /// Whether it works; a warning does not say that it does not.
    pub ok: bool,
    /// How well it is.
    pub level: CheckLevel,
    /// What was found, and what to do.
    pub detail: String,
}

impl Check {
    /// A check by what it found: what is well, or what is wrong.
    #[must_use]
    pub fn new(name: &'static str, found: Result<String, String>) -> Self {
        let level = if found.is_ok() { CheckLevel::Ok } else { CheckLevel::Failed };
        Self { name, ok: found.is_ok(), level, detail: found.unwrap_or_else(|wrong| wrong) }
    }

    /// A check that found something to do, while all works.
    #[must_use]
    pub fn warning(name: &'static str, detail: String) -> Self {
        Self { name, ok: true, level: CheckLevel::Warning, detail }
    }
}

/// All checks, as the endpoint shows them.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    ok: bool,
    checks: Vec<Check>,
}

impl From<Vec<Check>> for CheckReport {
    fn from(checks: Vec<Check>) -> Self {
        Self { ok: checks.iter().all(|check| check.ok), checks }
    }
}

/// Whether a Durable Object answered, by its status.
#[must_use]
pub fn object(name: &'static str, status: Option<u16>) -> Check {
    let found = match status {
        Some(200) => Ok("its Durable Object answers".to_owned()),
        Some(status) => Err(format!(
            "its Durable Object answers {status}: the log says why, in a line with \
             \"event\":\"failure\""
        )),
        None => Err("its Durable Object does not answer: look for its binding in wrangler.toml, \
                     and at Cloudflare's status page"
            .to_owned()),
    };
    Check::new(name, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_well_only_if_each_check_is() {
        let checks = |statuses: &[u16]| {
            let each = statuses.iter().map(|status| object("outbox", Some(*status)));
            CheckReport::from(each.collect::<Vec<_>>()).ok
        };
        assert!(checks(&[200, 200]));
        assert!(!checks(&[200, 500]));
        assert!(!object("import", None).ok);
    }
}
