//! `GET /check`: the questions to the two systems, and what the answers say about this deployment.
//!
//! Each check is independent: a failed one hides no other. A detail says what to do, and holds no
//! value of a setting, no secret and no personal data. Not in scope: the calls (`edge::check`).

pub mod commercetools;
pub mod klaviyo;
pub mod metrics;
pub mod settings;
pub mod stock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mapping::body::CutCode;

/// An id that nothing has, so that a read returns no personal data.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The level of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckLevel {
    /// No problem.
    Ok,
    /// It works, but there is something to do.
    Warning,
    /// It does not work.
    Failed,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// Whether it works; a warning works, too.
    pub ok: bool,
    /// Its level.
    pub level: CheckLevel,
    /// The result, and what to do.
    pub detail: String,
}

impl Check {
    /// A check by its result: what is fine, or what is wrong.
    #[must_use]
    pub fn new(name: &'static str, found: Result<String, String>) -> Self {
        let level = if found.is_ok() { CheckLevel::Ok } else { CheckLevel::Failed };
        Self { name, ok: found.is_ok(), level, detail: found.unwrap_or_else(|wrong| wrong) }
    }

    /// A check that works, but found something to do.
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

impl CheckReport {
    /// Each of them.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
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

/// What the last import of products left out, according to the runs of its Durable Object.
#[must_use]
pub fn left_out(runs: Option<&Value>) -> Option<Check> {
    const NAME: &str = "catalogue";
    let run = &runs?["products"];
    let number = |code: CutCode| run["leftOut"][code.code()].as_u64().filter(|number| *number > 0);
    let of = |code, what: &str| number(code).map(|number| format!("{number} {what}"));
    let found: Vec<_> = [
        of(CutCode::NoPrice, "variants have no price that counts, and are not shown"),
        of(CutCode::NoLink, "addresses lack what PRODUCT_URL_TEMPLATE names"),
        of(CutCode::VariantsKept, "variants were not found, and stay at Klaviyo"),
        of(CutCode::TooManyVariants, "products have more variants than are read"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(if run["id"].is_null() {
        Check::new(NAME, Ok("no products were imported yet".to_owned()))
    } else if found.is_empty() {
        Check::new(NAME, Ok("the last import of products left nothing out".to_owned()))
    } else {
        let detail = format!(
            "in the last import of products: {}. The log names them (\"event\":\"import_cut\")",
            found.join("; ")
        );
        Check::warning(NAME, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_import_left_out_is_counted() {
        let level = |products: Value| {
            let check = left_out(Some(&json!({ "products": products }))).expect("a check");
            (check.level, check.detail)
        };
        assert_eq!(left_out(None), None);
        assert_eq!(level(json!({"id": null})).0, CheckLevel::Ok);
        assert_eq!(level(json!({"id": "1", "leftOut": {"no_price": 0}})).0, CheckLevel::Ok);
        let (level, detail) = level(json!({"id": "1", "leftOut": {"no_price": 3, "no_link": 2}}));
        assert_eq!(level, CheckLevel::Warning);
        assert!(detail.contains("3 variants have no price") && detail.contains("2 addresses"));
    }

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
