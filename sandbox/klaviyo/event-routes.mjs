// The event and metric endpoints.
//
// For: checking and recording events, one by one and in bulk, and reading them back.
// Not for: the storage of events (events.mjs).
// An event exists as soon as its request is answered, but can be read only after
// `settings.eventsReadableAfterMs`: Klaviyo takes up to a few minutes. An included resource needs a scope
// of its own. Source: klaviyo.md §2.1.

import { forbidden, invalidQuery } from "./errors.mjs";
import { profileAttributes } from "./profiles.mjs";
import { paginate } from "./query.mjs";
import { bulkEventRules, eventRules, profileRules } from "./rules.mjs";
import { inSeconds } from "./time.mjs";

export const eventQuery = {
  filter: {
    metric_id: ["equals"],
    profile_id: ["equals"],
    datetime: ["greater-than", "greater-or-equal", "less-than", "less-or-equal"],
  },
  sort: ["datetime"],
  include: ["profile", "metric"],
  page: { size: 200, max: 1000 },
};

export const metricQuery = { page: { size: 200 } };
export const mappedMetricQuery = { include: ["metric", "custom-metric"] };

/** What Klaviyo's own analytics look for, each mapped to one metric or to none. */
const SLOTS = [
  ...["added_to_cart", "cancelled_sales", "ordered_product", "refunded_sales", "revenue"],
  ...["started_checkout", "viewed_product"],
];

const COMPARE = {
  equals: (a, b) => a === b,
  "greater-than": (a, b) => a > b,
  "greater-or-equal": (a, b) => a >= b,
  "less-than": (a, b) => a < b,
  "less-or-equal": (a, b) => a <= b,
};

export function checkEvent({ body, report, settings, now }) {
  const { attributes } = body.data;
  const path = ["data", "attributes"];
  eventRules(attributes, path, report, now());
  profileRules(attributes.profile.data, [...path, "profile", "data"], report, settings);
}

export function createEvent({ state, body }) {
  const { attributes } = body.data;
  record(state, attributes.profile.data, [attributes], attributes.backfill);
  return { status: 202 };
}

export function checkBulkEvents({ state, body, report, settings, now }) {
  const path = ["data", "attributes", "events-bulk-create", "data"];
  const groups = body.data.attributes["events-bulk-create"].data;
  groups.forEach(({ attributes }, index) => {
    const at = [...path, index, "attributes"];
    profileRules(attributes.profile.data, [...at, "profile", "data"], report, settings);
    attributes.events.data.forEach((event, position) => {
      eventRules(
        event.attributes,
        [...at, "events", "data", position, "attributes"],
        report,
        now(),
      );
    });
  });
  bulkEventRules(groups, path, report, state.profiles.namer());
}

export function createEventsInBulk({ state, body }) {
  for (const { attributes } of body.data.attributes["events-bulk-create"].data) {
    const rows = attributes.events.data.map((event) => event.attributes);
    record(state, attributes.profile.data, rows, attributes.backfill);
  }
  return { status: 202 };
}

const INCLUDE_SCOPES = { profile: "profiles:read", metric: "metrics:read" };

export function listEvents({ state, query, url, settings, now }) {
  const scopes = query.include.map((each) => INCLUDE_SCOPES[each]);
  const missing = scopes.filter((scope) => !settings.scopes.includes(scope));
  if (missing.length > 0) throw forbidden(missing);
  const readable = now() - settings.eventsReadableAfterMs;
  const metricIds = new Map(state.events.metrics().map((metric) => [metric.name, metric.id]));
  const fits = (event) =>
    query.filters.every(({ op, field, value, quoted }) => {
      if (field === "profile_id") return event.profileId === value;
      if (field === "metric_id") return metricIds.get(event.metric) === value;
      return COMPARE[op](event.time, instant(value, quoted));
    });
  const rows = state.events
    .list()
    .filter((event) => event.acceptedAt <= readable && fits(event))
    .map((event) => ({ ...event, seq: byTime(event) }))
    .sort((a, b) => a.seq - b.seq);
  // Newest first, unless asked otherwise.
  const sort = query.sort ?? { field: "datetime", descending: true };
  const { page, links } = paginate(rows, { ...query, sort }, url);
  const data = page.map((event) => renderEvent(event, metricIds.get(event.metric)));
  return { status: 200, body: { data, included: included(state, page, query), links } };
}

export function listMetrics({ state, query, url }) {
  const { page, links } = paginate(state.events.metrics(), query, url);
  return { status: 200, body: { data: page.map(renderMetric), links } };
}

/**
 * `settings.mappedMetrics` has the name of the metric in each slot; of another integration than the API
 * it is `{ name, integration }`, and a custom one is `{ name, custom: true }`.
 */
export function listMappedMetrics({ settings, query, url }) {
  const mapped = SLOTS.map((slot) => [slot, settings.mappedMetrics[slot]]);
  const included = mapped
    .filter(([, metric]) => metric)
    .map(([slot, metric]) => renderMapped(slot, metric))
    .filter(({ type }) => query.include.includes(type));
  const data = mapped.map(([slot, metric]) => {
    const to = (type) => {
      const found = metric && renderMapped(slot, metric);
      return { data: found?.type === type ? { type, id: found.id } : null };
    };
    return {
      type: "mapped-metric",
      id: slot,
      attributes: { updated: "2026-01-01T00:00:00+00:00" },
      relationships: { metric: to("metric"), "custom-metric": to("custom-metric") },
      links: { self: `${url.origin}/api/mapped-metrics/${slot}` },
    };
  });
  return { status: 200, body: { data, included, links: { self: url.href } } };
}

function renderMapped(slot, metric) {
  const {
    name,
    integration = "API",
    custom,
  } = typeof metric === "string" ? { name: metric } : metric;
  const id = `MM${slot}`;
  if (custom) return { type: "custom-metric", id, attributes: { name } };
  const owner = {
    object: "integration",
    id: `I${integration}`,
    name: integration,
    category: integration,
  };
  return { type: "metric", id, attributes: { name, integration: owner } };
}

function record(state, resource, rows, backfill) {
  const profile = state.profiles.resolve(resource);
  if (!profile) return;
  for (const attributes of rows) state.events.record(profile, attributes, backfill);
}

function renderEvent(event, metricId) {
  return {
    type: "event",
    id: event.id,
    attributes: {
      timestamp: event.time / 1000,
      datetime: inSeconds(event.time),
      uuid: event.id,
      event_properties: {
        ...event.properties,
        $event_id: event.uniqueId,
        $value: event.value,
        $value_currency: event.valueCurrency,
      },
    },
    relationships: {
      profile: { data: { type: "profile", id: event.profileId } },
      metric: { data: { type: "metric", id: metricId } },
    },
  };
}

function renderMetric({ id, name, createdAt }) {
  const created = inSeconds(createdAt);
  return { type: "metric", id, attributes: { name, created, updated: created, integration: null } };
}

function included(state, page, query) {
  const profiles = query.include.includes("profile") ? page.map((event) => event.profileId) : [];
  const metrics = query.include.includes("metric") ? page.map((event) => event.metric) : [];
  return [
    ...[...new Set(profiles)].map((id) => ({
      type: "profile",
      id,
      attributes: profileAttributes(state.profiles.get(id)),
    })),
    ...[...new Set(metrics)].map((name) => renderMetric(state.events.metric(name))),
  ];
}

/** By time, and of those of one second by when they were recorded. */
const byTime = ({ time, seq }) => (time / 1000) * 1_000_000 + (seq % 1_000_000);

function instant(value, quoted) {
  if (quoted) throw invalidQuery("filter", "A datetime stands without quotes.");
  const at = Date.parse(value);
  if (Number.isNaN(at)) throw invalidQuery("filter", `'${value}' is not a valid datetime.`);
  return at;
}
