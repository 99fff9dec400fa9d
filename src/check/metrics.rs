//! The check of the mapped metrics: which metrics Klaviyo's own analytics use for revenue, ordered products, cancelled
//! and refunded sales.
//!
//! Events arrive whatever the mapping, so nothing here fails. Klaviyo distinguishes metrics by their integration as
//! well as by their name: a shop that moved here has a `Placed Order` of its former integration beside ours, and may
//! have mapped that one.

use serde::Deserialize;
use serde_json::Value;

use super::Check;
use crate::config::Config;
use crate::config::order::OrderMetrics;
use crate::fault::{Setback, System};
use crate::http::{HttpAnswer, NoAnswer};

/// The path and query of the reading, below Klaviyo's address.
pub const MAPPED: &str = "/api/mapped-metrics?include=metric%2Ccustom-metric";

const NAME: &str = "klaviyo_metrics";

/// A slot of Klaviyo, the setting of the metric that belongs in it, and that metric's name.
type MetricSlot = (&'static str, &'static str, fn(&OrderMetrics) -> &str);

const SLOTS: [MetricSlot; 4] = [
    ("revenue", "placedOrder", |metrics| &metrics.placed_order),
    ("ordered_product", "orderedProduct", |metrics| &metrics.ordered_product),
    ("cancelled_sales", "cancelledOrder", |metrics| &metrics.cancelled_order),
    ("refunded_sales", "refundedOrder", |metrics| &metrics.refunded_order),
];

/// The content of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotContent {
    /// The metric of this Worker's events.
    Ours,
    /// A metric that somebody combined from others; only they know whether ours is among them.
    Custom,
    /// No metric.
    Empty,
    /// A metric with our name, sent by another integration.
    OtherIntegration,
    /// A metric with another name.
    OtherName,
    /// A metric that the answer does not describe.
    Unknown,
}

#[derive(Deserialize)]
struct MappedAnswer {
    data: Vec<MappedMetric>,
    #[serde(default)]
    included: Vec<IncludedMetric>,
}

#[derive(Deserialize)]
struct MappedMetric {
    id: String,
    #[serde(default)]
    relationships: MappedTo,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct MappedTo {
    metric: Option<MetricLink>,
    custom_metric: Option<MetricLink>,
}

#[derive(Deserialize)]
struct MetricLink {
    data: Option<MetricRef>,
}

#[derive(Deserialize)]
struct MetricRef {
    id: String,
}

#[derive(Deserialize)]
struct IncludedMetric {
    #[serde(rename = "type")]
    resource: String,
    id: String,
    #[serde(default)]
    attributes: IncludedAttributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IncludedAttributes {
    name: Option<String>,
    integration: Value,
}

/// Whether the slots are mapped to this Worker's metrics.
#[must_use]
pub fn mapped(config: &Config, answer: &Result<HttpAnswer, NoAnswer>) -> Check {
    let answer = match answer {
        Ok(answer) if answer.status == 403 => {
            return Check::new(
                NAME,
                Ok("not looked at: the key lacks metrics:read, which is optional; see in Klaviyo \
                    whether its metrics are mapped (docs/installation.md)"
                    .to_owned()),
            );
        }
        Ok(answer) if answer.status == 200 => serde_json::from_str::<MappedAnswer>(&answer.body)
            .map_err(|_| Setback::foreign(System::Klaviyo, answer)),
        Ok(answer) => Err(Setback::answered(System::Klaviyo, answer)),
        Err(why) => Err(Setback::no_answer(System::Klaviyo, *why)),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return Check::warning(NAME, format!("not known: {}", why.fault.code())),
    };
    let metrics = &config.rules.order.metrics;
    let found =
        SLOTS.map(|(slot, setting, name)| (slot, setting, content(&answer, slot, name(metrics))));
    let to_do: Vec<_> = found
        .iter()
        .filter_map(|(slot, setting, content)| to_do(slot, setting, *content))
        .collect();
    if !to_do.is_empty() {
        return Check::warning(
            NAME,
            format!(
                "Klaviyo's analytics miss what is sent from here: {}. Map them in Klaviyo: Settings, \
                 Metric mapping; a metric can be chosen once its first event is there",
                to_do.join("; ")
            ),
        );
    }
    let custom: Vec<_> = found
        .iter()
        .filter(|(_, _, content)| *content == SlotContent::Custom)
        .map(|(slot, ..)| *slot)
        .collect();
    let custom = if custom.is_empty() {
        String::new()
    } else {
        format!("; see that the custom metric of {} has ours in it", custom.join(", "))
    };
    Check::new(
        NAME,
        Ok(format!("revenue, ordered products, cancelled and refunded sales are mapped{custom}")),
    )
}

/// The advice about a slot.
fn to_do(slot: &str, setting: &str, content: SlotContent) -> Option<String> {
    let found = match content {
        SlotContent::Ours | SlotContent::Custom => return None,
        SlotContent::Empty => "it is mapped to none",
        SlotContent::OtherIntegration => {
            "it is mapped to the metric of the same name of another integration; take the one of \
             the API"
        }
        SlotContent::OtherName => "it is mapped to a metric of another name",
        SlotContent::Unknown => "what it is mapped to is not known",
    };
    Some(format!("{slot} to the metric of CONFIG.order.metrics.{setting} ({found})"))
}

fn content(answer: &MappedAnswer, slot: &str, name: &str) -> SlotContent {
    let Some(mapped) = answer.data.iter().find(|mapped| mapped.id == slot) else {
        return SlotContent::Empty;
    };
    let MappedTo { metric, custom_metric } = &mapped.relationships;
    let id = |link: &Option<MetricLink>| {
        link.as_ref().and_then(|link| link.data.as_ref()).map(|metric| metric.id.clone())
    };
    let Some(id) = id(metric) else {
        return if id(custom_metric).is_some() { SlotContent::Custom } else { SlotContent::Empty };
    };
    let metric = answer.included.iter().find(|one| one.resource == "metric" && one.id == id);
    match metric.map(|metric| &metric.attributes) {
        Some(IncludedAttributes { name: Some(found), integration }) if found == name => {
            if is_api(integration) { SlotContent::Ours } else { SlotContent::OtherIntegration }
        }
        Some(IncludedAttributes { name: Some(_), .. }) => SlotContent::OtherName,
        _ => SlotContent::Unknown,
    }
}

/// Whether an integration is the API, through which this Worker sends; one without any is no other's.
fn is_api(integration: &Value) -> bool {
    integration.is_null()
        || ["key", "name", "category"].iter().any(|member| {
            let text = integration.get(member).and_then(Value::as_str);
            text.is_some_and(|text| text.eq_ignore_ascii_case("api"))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::CheckLevel;
    use super::*;
    use crate::config::test_config_with;

    /// An answer in which each slot has a metric with this name and integration.
    fn answer(slots: &[(&str, &str, &Value)]) -> HttpAnswer {
        let data: Vec<_> = slots
            .iter()
            .map(|(slot, ..)| {
                json!({"type": "mapped-metric", "id": slot, "attributes": {"updated": "2026-01-01"},
                    "relationships": {"metric": {"data": {"type": "metric", "id": slot}}}})
            })
            .collect();
        let included: Vec<_> = slots
            .iter()
            .map(|(slot, name, integration)| {
                json!({"type": "metric", "id": slot,
                    "attributes": {"name": name, "integration": integration}})
            })
            .collect();
        let body = json!({"data": data, "included": included}).to_string();
        HttpAnswer { status: 200, body, ..HttpAnswer::default() }
    }

    fn check(body: HttpAnswer) -> Check {
        mapped(&test_config_with("{}"), &Ok(body))
    }

    #[test]
    fn what_is_mapped_to_ours_is_well() {
        let api = json!({"object": "integration", "id": "7", "name": "API", "category": "API"});
        for integration in [&api, &Value::Null, &json!({"key": "api"})] {
            let all = [
                ("revenue", "Placed Order", integration),
                ("ordered_product", "Ordered Product", integration),
                ("cancelled_sales", "Cancelled Order", integration),
                ("refunded_sales", "Refunded Order", integration),
            ];
            let check = check(answer(&all));
            assert_eq!((check.ok, check.level), (true, CheckLevel::Ok), "{check:?}");
        }
    }

    #[test]
    fn what_is_mapped_to_another_metric_is_a_warning() {
        let (api, shopify) = (json!({"name": "API"}), json!({"name": "Shopify"}));
        for (name, integration, said) in [
            (
                "Placed Order",
                &shopify,
                "revenue to the metric of CONFIG.order.metrics.placedOrder (it is mapped to the metric of the same name",
            ),
            ("placed order", &api, "(it is mapped to a metric of another name)"),
            ("Sales", &api, "another name"),
        ] {
            let check = check(answer(&[("revenue", name, integration)]));
            assert_eq!((check.ok, check.level), (true, CheckLevel::Warning), "{check:?}");
            assert!(check.detail.contains(said), "{check:?}");
            assert!(check.detail.contains("refunded_sales"), "{check:?}");
        }
        let config = test_config_with(r#"{"order":{"metrics":{"placedOrder":"Sale"}}}"#);
        let sale = answer(&[("revenue", "Sale", &api)]);
        assert!(!mapped(&config, &Ok(sale)).detail.contains("revenue to"));
    }

    #[test]
    fn every_shape_of_none_is_empty() {
        for body in [
            json!({"data": []}),
            json!({"data": [{"id": "revenue"}]}),
            json!({"data": [{"id": "revenue", "relationships": {}}]}),
            json!({"data": [{"id": "revenue", "relationships":
                {"metric": {"data": null}, "custom-metric": {"data": null}}}], "included": []}),
        ] {
            let answer =
                HttpAnswer { status: 200, body: body.to_string(), ..HttpAnswer::default() };
            let check = check(answer);
            assert_eq!(check.level, CheckLevel::Warning, "{body}");
            assert!(check.detail.contains("placedOrder (it is mapped to none)"), "{check:?}");
        }
    }

    #[test]
    fn without_the_scope_nothing_is_wrong() {
        let of = |status| check(HttpAnswer { status, ..HttpAnswer::default() });
        let denied = of(403);
        assert_eq!((denied.ok, denied.level), (true, CheckLevel::Ok));
        assert!(denied.detail.contains("optional"));
        for (status, code) in [(401, "klaviyo_401"), (503, "klaviyo_503"), (200, "klaviyo")] {
            let check = of(status);
            assert_eq!((check.ok, check.level), (true, CheckLevel::Warning), "{check:?}");
            assert!(check.detail.contains(code), "{check:?}");
        }
        let check = mapped(&test_config_with("{}"), &Err(NoAnswer::Timeout));
        assert!(check.ok && check.detail.contains("klaviyo_timeout"), "{check:?}");
    }
}
