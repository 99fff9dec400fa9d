// Tests of single profiles.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pointers, profile, refused, start } from "./help.mjs";

test("POST /api/profiles creates once; a known identifier is a 409 that names the profile", async (t) => {
  const { klaviyo, post } = await start(t);
  const first = await post(
    "/api/profiles",
    profile({ email: "Sarah@Example.com", external_id: "c1" }),
  );
  assert.equal(first.status, 201);
  assert.match(first.body.data.id, /^[0-9A-Z]{26}$/);
  assert.equal(first.body.data.attributes.email, "sarah@example.com");
  for (const same of [
    { email: "SARAH@example.com" },
    { email: "new@example.com", external_id: "c1" },
  ]) {
    const [error] = refused(await post("/api/profiles", profile(same)), 409, "duplicate_profile");
    assert.deepEqual(
      { ...error, id: null },
      {
        id: null,
        status: 409,
        code: "duplicate_profile",
        title: "Conflict.",
        detail: "A profile already exists with one of these identifiers.",
        source: { pointer: "/data/attributes" },
        links: {},
        meta: { duplicate_profile_id: first.body.data.id },
      },
    );
  }
  assert.equal(klaviyo.store.profiles().length, 1);
  assert.deepEqual(klaviyo.violations, []);
});

test("PATCH /api/profiles/{id}: 200, 404, 409, and the ids must match", async (t) => {
  const { klaviyo, post, patch } = await start(t);
  const create = async (attributes) =>
    (await post("/api/profiles", profile(attributes))).body.data.id;
  const a = await create({ email: "a@example.com" });
  const b = await create({ email: "b@example.com" });
  const answer = await patch(`/api/profiles/${a}`, profile({ first_name: "A" }, { id: a }));
  assert.equal(answer.status, 200);
  assert.equal(answer.body.data.attributes.first_name, "A");
  const taken = await patch(`/api/profiles/${a}`, profile({ email: "b@example.com" }, { id: a }));
  assert.equal(refused(taken, 409, "duplicate_profile")[0].meta.duplicate_profile_id, b);
  const [missing] = refused(
    await patch("/api/profiles/NOPE01", profile({}, { id: "NOPE01" })),
    404,
    "not_found",
  );
  assert.equal(missing.detail, "A profile with id NOPE01 does not exist.");
  assert.deepEqual(pointers(await patch(`/api/profiles/${a}`, profile({}, { id: b }))), [
    "/data/id",
  ]);
  assert.equal(klaviyo.store.profileByEmail("a@example.com").id, a);
});

test("profile-import: 201 then 200; null clears, absent leaves, properties are merged and patched", async (t) => {
  const { klaviyo, post } = await start(t);
  const send = (attributes, meta) =>
    post(
      "/api/profile-import",
      profile(attributes, meta ? { meta: { patch_properties: meta } } : {}),
    );
  const created = await send({
    email: "a@example.com",
    external_id: "c1",
    first_name: "Ann",
    last_name: "Lee",
    location: { city: "Bonn", zip: "53111" },
    properties: { tier: "gold", old: 1, tags: ["x"] },
  });
  assert.equal(created.status, 201);
  const updated = await send(
    {
      email: "A@EXAMPLE.com",
      first_name: null,
      location: { city: "Berlin" },
      properties: { tier: "silver", more: 2 },
    },
    { unset: "old", append: { tags: ["x", "y"] } },
  );
  assert.equal(updated.status, 200);
  assert.equal(updated.body.data.id, created.body.data.id);
  await send({ external_id: "c1" }, { unappend: { tags: "x" } });
  const { attributes } = klaviyo.store.profileByExternalId("c1");
  assert.equal(attributes.first_name, null);
  assert.equal(attributes.last_name, "Lee");
  assert.equal(attributes.location.city, "Berlin");
  assert.equal(attributes.location.zip, "53111");
  assert.deepEqual(attributes.properties, { tier: "silver", more: 2, tags: ["y"] });
  assert.equal((await send({ email: "b@example.com", external_id: "c1" })).status, 200);
  assert.equal(klaviyo.store.profileByEmail("a@example.com"), undefined);
  assert.equal(klaviyo.store.profiles().length, 1);
});

test("profile-import: identifiers of two profiles are a 409, an unknown id a 404", async (t) => {
  const { klaviyo, post } = await start(t);
  await post("/api/profiles", profile({ email: "a@example.com" }));
  const other = await post("/api/profiles", profile({ external_id: "c1" }));
  const both = await post(
    "/api/profile-import",
    profile({ email: "a@example.com", external_id: "c1" }),
  );
  const [error] = refused(both, 409, "duplicate_profile");
  assert.equal(error.meta.duplicate_profile_id, other.body.data.id);
  const unknown = profile({ email: "z@example.com" }, { id: "NOPE01" });
  refused(await post("/api/profile-import", unknown), 404, "not_found");
  assert.equal(klaviyo.store.profiles().length, 2);
});

test("malformed identifiers are refused with their pointer; only the client's own are violations", async (t) => {
  const { klaviyo, post } = await start(t);
  klaviyo.settings.unsupportedPhonePrefixes = ["+999"];
  const send = (attributes) => post("/api/profile-import", profile(attributes));
  for (const email of ["nobody", " a@b.co", "a@b", "a b@c.de", "a@@b.de", ".a@b.de", "a@b..de"]) {
    assert.deepEqual(pointers(await send({ email })), ["/data/attributes/email"], email);
  }
  const refusedPhone = await send({ email: "a@b.co", phone_number: "+9991234567" });
  assert.deepEqual(pointers(refusedPhone), ["/data/attributes/phone_number"]);
  assert.deepEqual(klaviyo.violations, []);
  for (const phone of ["030 123", "+0123456789", "+1234", "0049301234567", "+1234567890123456"]) {
    const answer = await send({ email: "a@b.co", phone_number: phone });
    assert.deepEqual(pointers(answer), ["/data/attributes/phone_number"], phone);
  }
  const blank = await send({ external_id: "c1", email: "", phone_number: "" });
  assert.deepEqual(pointers(blank), ["/data/attributes/email", "/data/attributes/phone_number"]);
  assert.deepEqual(pointers(await send({ first_name: "A" })), ["/data/attributes"]);
  assert.equal(klaviyo.violations.length, 7);
  assert.equal((await send({ email: "a+b@c.co", phone_number: "+15005550006" })).status, 201);
});

test("GET /api/profiles: filters, pages, sparse fields, and a 400 for what it does not know", async (t) => {
  const { get, post } = await start(t);
  for (let index = 0; index < 5; index += 1) {
    await post(
      "/api/profiles",
      profile({ email: `p${index}@example.com`, external_id: `c${index}` }),
    );
  }
  const emails = (answer) => answer.body.data.map(({ attributes }) => attributes.email);
  const filter = (text) => get(`/api/profiles?filter=${encodeURIComponent(text)}`);
  assert.deepEqual(emails(await filter('equals(email,"P1@example.com")')), ["p1@example.com"]);
  assert.deepEqual(emails(await filter('any(external_id,["c3","c1","none"])')), [
    "p1@example.com",
    "p3@example.com",
  ]);
  const seen = [];
  let next = "/api/profiles?page[size]=2&fields[profile]=email";
  while (next) {
    const { body } = await get(next);
    seen.push(...body.data.map(({ attributes }) => attributes));
    next = body.links.next?.replace(/^http:\/\/[^/]+/, "");
  }
  assert.deepEqual(
    seen,
    [0, 1, 2, 3, 4].map((index) => ({ email: `p${index}@example.com` })),
  );
  assert.equal(emails(await get("/api/profiles?sort=-created&page[size]=1"))[0], "p4@example.com");
  for (const [query, parameter] of [
    ["page[size]=101", "page[size]"],
    ["page[size]=0", "page[size]"],
    ["filter=equals(first_name,%22A%22)", "filter"],
    ["filter=equals(email", "filter"],
    ["fields[profile]=nothing", "fields[profile]"],
    ["sort=first_name", "sort"],
    ["colour=red", "colour"],
  ]) {
    const [error] = refused(await get(`/api/profiles?${query}`), 400, "invalid");
    assert.deepEqual(error.source, { parameter }, query);
  }
});
