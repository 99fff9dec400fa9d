// The events and metrics of the fake.
//
// For: recording an event once per profile, metric and unique_id.
// Not for: HTTP (event-routes.mjs), flows, currencies, segments.
// Source: klaviyo.md §2.1.

import { createHash } from "node:crypto";

/** `keepProperties: false` keeps only a digest of an event's properties, for very large runs. */
export function createEvents({ now, newId, keepProperties }) {
  const events = new Map();
  const metrics = new Map();
  let seq = 0;

  /** The first event of a profile, metric and unique_id wins; answers whether this was it. */
  function record(profile, attributes, backfill) {
    const seconds = Math.floor((attributes.time ? Date.parse(attributes.time) : now()) / 1000);
    const metric = metricNamed(attributes.metric.data.attributes.name);
    // "Default = time in seconds": two events of one metric and profile in one second collapse into
    // one.
    const uniqueId = attributes.unique_id || String(seconds);
    const key = keyOf(profile.id, metric.name, uniqueId);
    if (events.has(key)) return false;
    seq += 1;
    events.set(key, {
      seq,
      id: newId(),
      profileId: profile.id,
      metric: metric.name,
      uniqueId,
      time: seconds * 1000,
      acceptedAt: now(),
      value: attributes.value ?? null,
      valueCurrency: attributes.value_currency ?? null,
      backfill: Boolean(attributes.backfill || backfill),
      properties: keepProperties ? attributes.properties : digest(attributes.properties),
    });
    profile.lastEventAt = Math.max(profile.lastEventAt ?? 0, seconds * 1000);
    return true;
  }

  function metricNamed(name) {
    let metric = metrics.get(name);
    if (!metric) {
      const id = newId().slice(-6);
      metric = { seq: metrics.size, id, name, createdAt: now() };
      metrics.set(name, metric);
    }
    return metric;
  }

  /** After a merge: the events of the source are the destination's, unless it has them already. */
  function move(fromId, toId) {
    for (const [key, event] of events) {
      if (event.profileId !== fromId) continue;
      events.delete(key);
      const target = keyOf(toId, event.metric, event.uniqueId);
      if (events.has(target)) continue;
      seq += 1;
      events.set(target, { ...event, seq, profileId: toId });
    }
  }

  function removeOf(profileId) {
    for (const [key, event] of events) if (event.profileId === profileId) events.delete(key);
  }

  /** As if those that fit had never been recorded. */
  function lose(fits) {
    for (const [key, event] of events) if (fits(event)) events.delete(key);
  }

  return {
    record,
    move,
    removeOf,
    lose,
    list: () => [...events.values()],
    metrics: () => [...metrics.values()],
    metric: (name) => metrics.get(name),
  };
}

function keyOf(profileId, metric, uniqueId) {
  return `${profileId}\n${metric}\n${uniqueId}`;
}

// As sent: the order of the keys counts, which no client changes from run to run.
function digest(properties) {
  return { $digest: createHash("sha1").update(JSON.stringify(properties)).digest("base64url") };
}
