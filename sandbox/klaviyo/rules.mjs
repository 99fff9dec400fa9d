// The rules about values and sizes that Klaviyo's JSON Schemas lack.
//
// For: identifiers, event limits, flat metadata, sizes per record, batch rules. Each rule is a
// function `(…, path, report)`; `report(path, detail, { violation })` notes a problem at a path of
// keys.
// Not for: shapes (profile-shapes.mjs and its siblings) nor anything that needs the stored state
// (409, 404).

import { isObject } from "./validate.mjs";

const E164 = /^\+[1-9]\d{6,14}$/; // klaviyo.md §2.2, bulk import
const EMAIL = /^[^\s@<>()[\],;:"\\]+@[^\s@<>()[\],;:"\\.]+(\.[^\s@<>()[\],;:"\\.]+)+$/;

/** 100 KB per profile and per custom_metadata; read as decimal, the smaller reading. */
const MAX_RECORD_BYTES = 100_000;
/** Event limits: klaviyo.md §2.1, "events_api_overview#limitations". */
const MAX_EVENTS = 1000;
const MAX_METRIC_NAME = 127;
const MAX_PROPERTIES = 400;
const MAX_STRING_BYTES = 100_000;
const MAX_ARRAY = 4000;
const MAX_NESTING = 10;
const EARLIEST = Date.parse("1990-01-01T00:00:00Z");
const YEAR_MS = 366 * 24 * 3600 * 1000;

const DATA = { violation: false }; // wrong data of a shop's customer, not a mistake of the client

/** A profile resource: at least one identifier, each of them well formed. */
export function profileRules(resource, path, report, settings) {
  const { id, attributes } = resource;
  const at = [...path, "attributes"];
  const { email, phone_number: phone, external_id, anonymous_id, _kx } = attributes;
  if (!(id || email || phone || external_id || anonymous_id || _kx)) {
    report(at, "A profile needs at least one identifier.");
  }
  identifierRules(attributes, at, report, settings);
}

/** The identifiers that are there must be well formed; none needs to be there. */
export function identifierRules({ email, phone_number: phone }, at, report, settings) {
  const given = (value) => value !== undefined && value !== null;
  if (given(email) && !isEmail(email)) report([...at, "email"], "Invalid email address.", DATA);
  if (given(phone) && !E164.test(phone)) {
    report(
      [...at, "phone_number"],
      "Invalid phone number format (Example of a valid format: +12345678901).",
    );
  } else if (phone && settings.unsupportedPhonePrefixes.some((each) => phone.startsWith(each))) {
    report([...at, "phone_number"], "The phone number is in an unsupported region.", DATA);
  }
}

/** In a bulk import each profile is measured; the single endpoints measure the whole body. */
export function profileSizeRule(resource, path, report) {
  if (Buffer.byteLength(JSON.stringify(resource)) > MAX_RECORD_BYTES) {
    report(path, "A profile must not be larger than 100 KB.");
  }
}

/** The attributes of one event; its profile is checked by profileRules. */
export function eventRules(attributes, path, report, now) {
  const { properties, metric, time } = attributes;
  const { name } = metric.data.attributes;
  const namePath = [...path, "metric", "data", "attributes", "name"];
  if (name === "") report(namePath, "The metric name must not be empty.");
  if (name.length > MAX_METRIC_NAME) {
    report(namePath, "The metric name must have fewer than 128 characters.");
  }
  if (time) {
    const at = Date.parse(time);
    if (at < EARLIEST) report([...path, "time"], "The time must be after 1990.");
    if (at > now + YEAR_MS) {
      report([...path, "time"], "The time must not be more than a year in the future.");
    }
  }
  if (Object.keys(properties).length > MAX_PROPERTIES) {
    report([...path, "properties"], `An event has at most ${MAX_PROPERTIES} properties.`);
  }
  valueRules(properties, [...path, "properties"], report, 1);
}

// `properties` itself counts as the first level: the stricter reading of "nesting <= 10".
function valueRules(value, path, report, level) {
  if (typeof value === "string") {
    if (value.length * 3 > MAX_STRING_BYTES && Buffer.byteLength(value) > MAX_STRING_BYTES) {
      report(path, "A string must not be larger than 100 KB.");
    }
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (level > MAX_NESTING) {
    report(path, `Properties must not be nested deeper than ${MAX_NESTING} levels.`);
    return;
  }
  if (Array.isArray(value) && value.length > MAX_ARRAY) {
    report(path, `A list must not have more than ${MAX_ARRAY} elements.`);
    return;
  }
  for (const key of Object.keys(value)) {
    const child = value[key];
    if (typeof child !== "object" && typeof child !== "string") continue;
    path.push(key);
    valueRules(child, path, report, level + 1);
    path.pop();
  }
}

/**
 * A bulk request of events: at most 1,000 events (not groups), and no unique_id twice for one
 * profile and metric ("the request will fail and no events will be processed"). `personOf` names
 * the profile of a group.
 */
export function bulkEventRules(groups, path, report, personOf) {
  const seen = new Set();
  let count = 0;
  groups.forEach((group, index) => {
    const person = personOf(group.attributes.profile.data);
    group.attributes.events.data.forEach((event, position) => {
      count += 1;
      const { unique_id: uniqueId, metric } = event.attributes;
      if (!uniqueId) return;
      const key = JSON.stringify([person, metric.data.attributes.name, uniqueId]);
      if (seen.has(key)) {
        report(
          [...path, index, "attributes", "events", "data", position, "attributes", "unique_id"],
          `The unique_id '${uniqueId}' is repeated for the same profile and metric.`,
        );
      }
      seen.add(key);
    });
  });
  if (count > MAX_EVENTS) report(path, `At most ${MAX_EVENTS} events are accepted per request.`);
}

/** A catalogue resource of a create or an update; `custom_metadata` is flat and at most 100 KB. */
export function catalogRules({ attributes }, path, report) {
  const { catalog_type: type, custom_metadata: metadata } = attributes;
  const at = [...path, "attributes"];
  // Only `$custom` and `$default` exist for the API (klaviyo.md §2.3).
  if (type && type !== "$default") report([...at, "catalog_type"], "Only $default is supported.");
  if (attributes.external_id === "") report([...at, "external_id"], "This field may not be blank.");
  if (!metadata) return;
  for (const [key, value] of Object.entries(metadata)) {
    if (Array.isArray(value) || isObject(value)) {
      report([...at, "custom_metadata", key], "The custom metadata must be flat.");
    }
  }
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_RECORD_BYTES) {
    report([...at, "custom_metadata"], "The custom metadata must not be larger than 100 KB.");
  }
}

/** Consent: `consented_at` is required with `historical_import`, and refused without it. */
export function subscribeRules({ data }, report, now) {
  const historical = data.attributes.historical_import === true;
  data.attributes.profiles.data.forEach(({ attributes }, index) => {
    const at = ["data", "attributes", "profiles", "data", index, "attributes", "subscriptions"];
    for (const [channel, purposes] of Object.entries(attributes.subscriptions)) {
      for (const [purpose, consent] of Object.entries(purposes ?? {})) {
        if (!isObject(consent)) continue;
        const path = [...at, channel, purpose, "consented_at"];
        const time = consent.consented_at;
        if (!historical && time) report(path, "consented_at needs historical_import.");
        if (historical && purpose !== "open_tracking" && !(Date.parse(time) <= now)) {
          report(path, "historical_import needs a consented_at in the past.");
        }
      }
    }
  });
}

function isEmail(text) {
  const [local] = text.split("@", 1);
  return EMAIL.test(text) && !/^\.|\.\.|\.$/.test(local) && text.length <= 254;
}
