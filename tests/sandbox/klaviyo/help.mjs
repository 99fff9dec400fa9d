// The shared parts of the fake Klaviyo's tests: its start, calls, request bodies, and the shape of
// a refusal.

import assert from "node:assert/strict";
import { startKlaviyo } from "../../../sandbox/klaviyo/server.mjs";

export const NOW = Date.parse("2026-08-10T12:00:00Z");
export const PREFIX = "$custom:::$default:::";

/** A fake whose clock stands still until `tick` moves it; without rate limits unless asked for. */
export async function start(t, options = {}) {
  let time = NOW;
  const klaviyo = await startKlaviyo({ limits: false, now: () => time, ...options });
  t.after(() => klaviyo.close());

  async function call(method, path, body, headers = {}) {
    const response = await fetch(klaviyo.url + path, {
      method,
      headers: {
        authorization: `Klaviyo-API-Key ${klaviyo.key}`,
        revision: "2026-10-15",
        "x-klaviyo-revision-fall-forward-opt-out": "1",
        "content-type": "application/vnd.api+json",
        ...headers,
      },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === "" ? undefined : JSON.parse(text),
    };
  }

  const get = (path) => call("GET", path);
  const post = (path, body) => call("POST", path, body);
  const patch = (path, body) => call("PATCH", path, body);
  const remove = (path, body) => call("DELETE", path, body);
  const tick = (ms) => {
    time += ms;
  };
  return { klaviyo, call, get, post, patch, remove, tick };
}

export const profile = (attributes, rest = {}) => ({
  data: { type: "profile", attributes, ...rest },
});

export const importJob = (rows) => ({
  data: {
    type: "profile-bulk-import-job",
    attributes: { profiles: { data: rows.map((row) => profile(row).data) } },
  },
});

export const metric = (name) => ({ data: { type: "metric", attributes: { name } } });

export const eventAttributes = (rest = {}) => ({
  properties: {},
  metric: metric("Placed Order"),
  time: "2026-08-01T10:15:30+00:00",
  value: 10,
  unique_id: "order-1",
  ...rest,
});

export const event = (rest = {}, person = { email: "a@example.com" }) => ({
  data: { type: "event", attributes: { ...eventAttributes(rest), profile: profile(person) } },
});

export const bulkEvents = (groups) => ({
  data: {
    type: "event-bulk-create-job",
    attributes: {
      "events-bulk-create": {
        data: groups.map(({ person = { email: "a@example.com" }, events, backfill }) => ({
          type: "event-bulk-create",
          attributes: {
            ...(backfill === undefined ? {} : { backfill }),
            profile: profile(person),
            events: {
              data: events.map((rest) => ({ type: "event", attributes: eventAttributes(rest) })),
            },
          },
        })),
      },
    },
  },
});

export const reference = (kind, id) => ({ type: `catalog-${kind}`, id: PREFIX + id });

export const item = (id, { categories, ...rest } = {}) => ({
  type: "catalog-item",
  attributes: {
    external_id: id,
    title: id,
    description: "",
    url: `https://s.example/${id}`,
    ...rest,
  },
  ...(categories && {
    relationships: { categories: { data: categories.map((each) => reference("category", each)) } },
  }),
});

export const variant = (id, parent, rest = {}) => ({
  type: "catalog-variant",
  attributes: { ...item(id).attributes, sku: id, inventory_quantity: 1, price: 5, ...rest },
  relationships: { item: { data: reference("item", parent) } },
});

export const category = (id, name = id) => ({
  type: "catalog-category",
  attributes: { external_id: id, name },
});

const plural = (kind) => (kind === "category" ? "categories" : `${kind}s`);

export const catalogJob = (kind, action, rows) => ({
  data: {
    type: `catalog-${kind}-bulk-${action}-job`,
    attributes: { [plural(kind)]: { data: rows } },
  },
});

export const jobsPath = (kind, action) => `/api/catalog-${kind}-bulk-${action}-jobs`;
export const pathOf = (kind, id) =>
  `/api/catalog-${plural(kind)}/${encodeURIComponent(PREFIX + id)}`;

/** Asserts a refusal in Klaviyo's shape and returns its errors. */
export function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  const { errors } = answer.body;
  for (const error of errors) {
    assert.match(error.id, /^[0-9a-f-]{36}$/);
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    assert.equal(typeof error.title, "string");
    assert.equal(typeof error.detail, "string");
  }
  return errors;
}

export const pointers = (answer) =>
  refused(answer, 400, "invalid").map((error) => error.source.pointer);
