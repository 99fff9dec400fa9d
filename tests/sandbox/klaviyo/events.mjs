// Tests of events, one by one and in bulk.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bulkEvents, event, metric, pointers, profile, start } from "./help.mjs";

test("an event is a 202 without a body and upserts its profile", async (t) => {
  const { klaviyo, post } = await start(t);
  const answer = await post(
    "/api/events",
    event(
      { value: 24.98, value_currency: "EUR", backfill: true, properties: { OrderId: "o" } },
      { email: "A@example.com", external_id: "c1", first_name: "Ann" },
    ),
  );
  assert.equal(answer.status, 202);
  assert.equal(answer.text, "");
  const held = klaviyo.store.profileByExternalId("c1");
  assert.equal(held.attributes.email, "a@example.com");
  assert.equal(held.attributes.first_name, "Ann");
  const [{ id, ...kept }] = klaviyo.store.events();
  assert.deepEqual(kept, {
    profileId: held.id,
    metric: "Placed Order",
    uniqueId: "order-1",
    time: Date.parse("2026-08-01T10:15:30Z"),
    value: 24.98,
    valueCurrency: "EUR",
    backfill: true,
    properties: { OrderId: "o" },
  });
});

test("a unique_id counts once per profile and metric; without one the second does", async (t) => {
  const { klaviyo, post } = await start(t);
  const send = async (rest, person) =>
    assert.equal((await post("/api/events", event(rest, person))).status, 202);
  await send({ value: 1 });
  await send({ value: 2 });
  assert.deepEqual(
    klaviyo.store.events().map(({ value }) => value),
    [1],
  );
  await send({ metric: metric("Refunded Order") });
  await send({}, { email: "b@example.com" });
  assert.equal(klaviyo.store.events({ uniqueId: "order-1" }).length, 3);

  const time = (second, fraction) => `2026-08-02T10:00:0${second}.${fraction}Z`;
  await send({ unique_id: undefined, time: time(1, 100) });
  await send({ unique_id: undefined, time: time(1, 900) });
  await send({ unique_id: undefined, time: time(2, 100) });
  assert.equal(klaviyo.store.events().length, 5);
  const seconds = String(Date.parse("2026-08-02T10:00:01Z") / 1000);
  assert.equal(klaviyo.store.events({ uniqueId: seconds }).length, 1);
});

test("an event never conflicts: an identifier of another profile stays there", async (t) => {
  const { klaviyo, post } = await start(t);
  await post("/api/profiles", profile({ email: "a@example.com" }));
  await post("/api/profiles", profile({ external_id: "c1" }));
  const answer = await post(
    "/api/events",
    event({}, { email: "a@example.com", external_id: "c1" }),
  );
  assert.equal(answer.status, 202);
  assert.equal(klaviyo.store.profileByEmail("a@example.com").attributes.external_id, null);
  assert.equal(klaviyo.store.profiles().length, 2);
});

test("the limits of an event are refused just beyond, and accepted at the edge", async (t) => {
  const { klaviyo, post } = await start(t);
  const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, n]));
  const nested = (levels) => (levels === 1 ? { leaf: 1 } : { down: nested(levels - 1) });
  const properties = "/data/attributes/properties";
  const cases = [
    [{ metric: metric("m".repeat(127)) }, { metric: metric("m".repeat(128)) }],
    [{ properties: many(400) }, { properties: many(401) }, properties],
    [{ properties: nested(10) }, { properties: nested(11) }, properties + "/down".repeat(10)],
    [
      { properties: { list: Array(4000).fill(1) } },
      { properties: { list: Array(4001).fill(1) } },
      `${properties}/list`,
    ],
    [
      { properties: { text: "ü".repeat(50_000) } },
      { properties: { text: "ü".repeat(50_001) } },
      `${properties}/text`,
    ],
    [{ time: "1990-01-01T00:00:01Z" }, { time: "1989-12-31T23:59:59Z" }],
    [{ time: "2027-08-01T00:00:00Z" }, { time: "2027-09-01T00:00:00Z" }],
    [{ value: null }, { value: "1" }],
  ];
  for (const [edge, beyond, pointer] of cases) {
    assert.equal((await post("/api/events", event(edge))).status, 202, Object.keys(edge)[0]);
    const [key] = Object.keys(beyond);
    const expected = key === "metric" ? `${key}/data/attributes/name` : key;
    assert.deepEqual(pointers(await post("/api/events", event(beyond))), [
      pointer ?? `/data/attributes/${expected}`,
    ]);
  }
  assert.deepEqual(pointers(await post("/api/events", event({}, { first_name: "A" }))), [
    "/data/attributes/profile/data/attributes",
  ]);
  assert.equal(klaviyo.violations.length, cases.length + 1);
});

test("bulk events: recorded per profile, with the group's backfill, all or nothing", async (t) => {
  const { klaviyo, post } = await start(t);
  const send = (groups) => post("/api/event-bulk-create-jobs", bulkEvents(groups));
  const answer = await send([
    { events: [{ unique_id: "1" }, { unique_id: "2", backfill: true }], backfill: false },
    { person: { email: "b@example.com" }, events: [{ unique_id: "1" }], backfill: true },
  ]);
  assert.equal(answer.status, 202);
  assert.equal(answer.text, "");
  assert.deepEqual(
    klaviyo.store.events().map(({ uniqueId, backfill }) => [uniqueId, backfill]),
    [
      ["1", false],
      ["2", true],
      ["1", true],
    ],
  );
  const bad = await send([
    { events: [{ unique_id: "3" }] },
    { person: { email: "broken" }, events: [{ unique_id: "4" }, { unique_id: "5", value: true }] },
  ]);
  const group = "/data/attributes/events-bulk-create/data/1/attributes";
  assert.deepEqual(pointers(bad), [`${group}/events/data/1/attributes/value`]);
  const broken = await send([
    { events: [{ unique_id: "3" }] },
    { person: { email: "broken" }, events: [{ unique_id: "4" }] },
  ]);
  assert.deepEqual(pointers(broken), [`${group}/profile/data/attributes/email`]);
  assert.equal(klaviyo.store.events().length, 3);
});

test("bulk events: at most 1,000 events, counted over all groups", async (t) => {
  const { klaviyo, post } = await start(t);
  const rows = (from, count) =>
    Array.from({ length: count }, (_, index) => ({ unique_id: String(from + index) }));
  const send = (counts) =>
    post(
      "/api/event-bulk-create-jobs",
      bulkEvents(counts.map((count, index) => ({ events: rows(index * 1000, count) }))),
    );
  assert.deepEqual(pointers(await send([600, 401])), ["/data/attributes/events-bulk-create/data"]);
  assert.deepEqual(klaviyo.store.events(), []);
  assert.equal((await send([600, 400])).status, 202);
  assert.equal(klaviyo.store.events().length, 1000);
});

test("bulk events: a unique_id twice for one profile and metric refuses the request", async (t) => {
  const { klaviyo, post } = await start(t);
  const send = (groups) => post("/api/event-bulk-create-jobs", bulkEvents(groups));
  const pointer = (group, row) =>
    `/data/attributes/events-bulk-create/data/${group}/attributes/events/data/${row}/attributes/unique_id`;
  const one = { unique_id: "1" };
  assert.deepEqual(pointers(await send([{ events: [one, one] }])), [pointer(0, 1)]);
  // The same person in two groups, once by e-mail and once by external id, which the first group
  // ties together.
  const tied = await send([
    { person: { email: "x@example.com", external_id: "x" }, events: [one] },
    { person: { external_id: "x" }, events: [one] },
  ]);
  assert.deepEqual(pointers(tied), [pointer(1, 0)]);
  await post("/api/profiles", profile({ email: "y@example.com", external_id: "y" }));
  const stored = await send([
    { person: { email: "Y@example.com" }, events: [one] },
    { person: { external_id: "y" }, events: [one] },
  ]);
  assert.deepEqual(pointers(stored), [pointer(1, 0)]);
  assert.deepEqual(klaviyo.store.events(), []);
  const distinct = await send([
    { events: [one, { ...one, metric: metric("Fulfilled Order") }] },
    { person: { email: "b@example.com" }, events: [one] },
  ]);
  assert.equal(distinct.status, 202);
  assert.equal((await send([{ events: [{ ...one, value: 99 }] }])).status, 202);
  assert.deepEqual(
    klaviyo.store.events().map(({ value }) => value),
    [10, 10, 10],
  );
});

test("events and metrics can be read back", async (t) => {
  const { get, post } = await start(t);
  await post("/api/events", event({ properties: { a: 1 } }));
  await post(
    "/api/events",
    event({ metric: metric("Refunded Order"), time: "2026-08-05T00:00:00Z" }),
  );
  const metrics = (await get("/api/metrics")).body.data;
  assert.deepEqual(
    metrics.map(({ attributes }) => attributes.name),
    ["Placed Order", "Refunded Order"],
  );
  const placed = await get(
    `/api/events?filter=equals(metric_id,"${metrics[0].id}")&include=profile,metric&page[size]=1000`,
  );
  assert.equal(placed.body.data.length, 1);
  const [{ attributes, relationships }] = placed.body.data;
  assert.equal(attributes.event_properties.$event_id, "order-1");
  assert.equal(attributes.event_properties.a, 1);
  assert.equal(attributes.datetime, "2026-08-01T10:15:30+00:00");
  assert.deepEqual(
    placed.body.included.map(({ type, id }) => ({ type, id })),
    [relationships.profile.data, relationships.metric.data],
  );
  const late = await get("/api/events?filter=greater-than(datetime,2026-08-02T00:00:00Z)");
  assert.equal(late.body.data.length, 1);
});

test("events are read by their time, and filters are joined", async (t) => {
  const { klaviyo, get, post } = await start(t);
  for (const [unique_id, time] of [
    ["late", "2026-08-03T00:00:00Z"],
    ["early", "2026-08-01T00:00:00Z"],
    ["between", "2026-08-02T00:00:00Z"],
  ]) {
    await post("/api/events", event({ unique_id, time }));
  }
  await post("/api/events", event({ unique_id: "other" }, { email: "b@example.com" }));
  const { id } = klaviyo.store.profileByEmail("a@example.com");
  const read = async (query) => {
    const { body } = await get(`/api/events?${query}`);
    return body.data.map(({ attributes }) => attributes.event_properties.$event_id);
  };
  const since = `and(equals(profile_id,"${id}"),greater-or-equal(datetime,2026-08-02T00:00:00Z))`;
  assert.deepEqual(await read(`filter=${since}&sort=datetime`), ["between", "late"]);
  const page = await get(
    `/api/events?filter=equals(profile_id,"${id}")&sort=datetime&page[size]=2`,
  );
  const { search } = new URL(page.body.links.next);
  assert.deepEqual(await read(search.slice(1)), ["late"]);
  assert.deepEqual(klaviyo.violations, []);
  const quoted = since.replace("2026-08-02T00:00:00Z", '"2026-08-02T00:00:00Z"');
  assert.equal((await get(`/api/events?filter=${quoted}`)).status, 400);
  assert.equal((await get(`/api/events?filter=${since.slice(0, -1)}`)).status, 400);
  assert.equal(klaviyo.takeViolations().length, 2);
  klaviyo.loseEvents({ uniqueId: "between" });
  assert.deepEqual(await read(`filter=${since}`), ["late"]);
});

test("an event can be read after a while, and what is included takes its own scope", async (t) => {
  const { klaviyo, get, post, tick } = await start(t);
  klaviyo.settings.eventsReadableAfterMs = 60_000;
  await post("/api/events", event());
  const count = async () => (await get("/api/events")).body.data.length;
  tick(59_999);
  assert.equal(await count(), 0);
  const [kept] = Object.values(klaviyo.snapshot().events);
  assert.ok(!("acceptedAt" in kept), "runs at different times are to be compared");
  tick(1);
  assert.equal(await count(), 1);
  assert.equal((await get("/api/events?include=metric")).status, 200);
  klaviyo.settings.scopes = ["events:read", "events:write"];
  assert.equal(await count(), 1);
  for (const included of ["metric", "profile"]) {
    assert.equal((await get(`/api/events?include=${included}`)).status, 403, included);
  }
  klaviyo.settings.scopes = ["events:write", "metrics:read"];
  assert.equal((await get("/api/events")).status, 403);
});
