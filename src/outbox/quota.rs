//! One budget of Klaviyo's limits for the outbox and the imports of a Worker.
//!
//! Once a slice an import asks the outbox for the needs of its waiting rows: they come first, but the import keeps at
//! least a quarter. While an import asks, the outbox leaves it that quarter. Pushes and other deployments cannot be
//! asked; they show as 429 ([`crate::klaviyo::pacing`]).

use std::time::Duration;

use crate::klaviyo::catalog::{CatalogAction, CatalogKind};
use crate::klaviyo::job::{JobType, PROFILES_PER_JOB};
use crate::klaviyo::limits::EVENTS_PER_JOB;
use crate::klaviyo::pacing::{Operation, QuotaParts};
use crate::push::parking::RowGroup;
use crate::time::UnixMs;

/// The minimum share of every limit for an import.
const FOR_IMPORT: f64 = 0.25;

/// The share of an import if the outbox does not say what it needs.
const UNTOLD: f64 = 0.5;

/// How long after an import asked the outbox leaves it its quarter: a slice and a half.
pub const LEFT_FOR: Duration = Duration::from_secs(90);

/// Events that an order has on average.
const EVENTS_PER_FACT: u64 = 3;

/// Rows of a catalogue job.
const ROWS: u64 = 100;

/// The calls that this many waiting rows of each group need, by operation.
#[must_use]
pub fn needed(counts: &[(RowGroup, u64)]) -> Vec<(Operation, u64)> {
    let job = |kind, action| Operation::StartJob(JobType::Catalog(kind, action));
    let needs = counts.iter().flat_map(|(group, rows)| {
        let (group, rows) = (*group, *rows);
        let jobs = rows.div_ceil(ROWS);
        match group {
            RowGroup::Customers => {
                let profiles = u64::try_from(PROFILES_PER_JOB).unwrap_or(u64::MAX);
                let jobs = rows.div_ceil(profiles);
                vec![
                    (Operation::ImportProfile, rows),
                    (Operation::StartJob(JobType::Profiles), jobs),
                ]
            }
            RowGroup::Facts => {
                let events = u64::try_from(EVENTS_PER_JOB).unwrap_or(u64::MAX);
                let bulk = (rows * EVENTS_PER_FACT).div_ceil(events);
                vec![(Operation::CreateEvent, rows), (Operation::CreateEvents, bulk)]
            }
            RowGroup::Stock => vec![
                (Operation::ListCatalog(CatalogKind::Variant), jobs),
                (job(CatalogKind::Variant, CatalogAction::Update), jobs),
            ],
            RowGroup::Categories => vec![(job(CatalogKind::Category, CatalogAction::Update), jobs)],
            RowGroup::Products | RowGroup::PriceEdges | RowGroup::StandalonePrices => vec![
                (Operation::VariantsOfItem, rows),
                (Operation::CategoriesOfItem, rows),
                (job(CatalogKind::Item, CatalogAction::Update), jobs),
                (job(CatalogKind::Variant, CatalogAction::Update), jobs),
            ],
            RowGroup::BroughtBack => vec![(Operation::ListProfiles, rows)],
            RowGroup::CategoryProducts | RowGroup::Changes | RowGroup::Variants => Vec::new(),
        }
    });
    needs.filter(|(_, calls)| *calls > 0).collect()
}

/// The share of an import: the part of each operation that waiting rows do not need in a minute, and at least a
/// quarter. If the outbox does not answer, it is half.
#[must_use]
pub fn left_for_import(needed: Option<&[(Operation, u64)]>) -> QuotaParts {
    let Some(needed) = needed else { return QuotaParts::of_all(UNTOLD) };
    let mut parts = QuotaParts::of_all(1.0);
    for (operation, calls) in needed {
        let calls = u32::try_from(*calls).unwrap_or(u32::MAX);
        let part = parts.of.entry(*operation).or_insert(1.0);
        *part = (*part - f64::from(calls) / f64::from(operation.per_minute())).max(FOR_IMPORT);
    }
    parts
}

/// The share of the outbox at this time, if an import last asked at `asked`.
#[must_use]
pub fn left_for_outbox(asked: Option<UnixMs>, now: UnixMs) -> QuotaParts {
    let imports = asked.is_some_and(|asked| now.since(asked) < LEFT_FOR);
    QuotaParts::of_all(if imports { 1.0 - FOR_IMPORT } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_rows_come_first_with_a_quarter_for_the_import() {
        let part = |counts: &[(RowGroup, u64)], operation| {
            let parts = left_for_import(Some(&needed(counts)));
            parts.of.get(&operation).copied().unwrap_or(parts.rest)
        };
        let stock =
            Operation::StartJob(JobType::Catalog(CatalogKind::Variant, CatalogAction::Update));
        for (counts, operation, expected) in [
            (vec![], Operation::CreateEvents, 1.0),
            (vec![(RowGroup::Facts, 10_000)], Operation::CreateEvents, 1.0 - 30.0 / 150.0),
            (vec![(RowGroup::Facts, 10_000)], stock, 1.0),
            (vec![(RowGroup::Stock, 50_000)], stock, 1.0 - 500.0 / 750.0),
            (vec![(RowGroup::Stock, 50_000), (RowGroup::Products, 30_000)], stock, FOR_IMPORT),
            (vec![(RowGroup::Customers, 5_000)], Operation::ImportProfile, FOR_IMPORT),
        ] {
            let part = part(&counts, operation);
            assert!((part - expected).abs() < 1e-9, "{counts:?} {operation:?}: {part}");
        }
        assert_eq!(left_for_import(None), QuotaParts::of_all(UNTOLD));
    }

    #[test]
    fn the_outbox_leaves_a_quarter_while_an_import_asks() {
        let asked = UnixMs::from_ms(9_000);
        for (asked, now, part) in [
            (None, asked, 1.0),
            (Some(asked), asked, 0.75),
            (Some(asked), asked + LEFT_FOR - Duration::from_millis(1), 0.75),
            (Some(asked), asked + LEFT_FOR, 1.0),
        ] {
            assert_eq!(left_for_outbox(asked, now), QuotaParts::of_all(part), "{asked:?} {now:?}");
        }
    }
}
