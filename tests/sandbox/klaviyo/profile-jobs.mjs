// Tests of later operations on profiles: bulk import, merge, deletion, and consent.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  event,
  importJob,
  item,
  NOW,
  PREFIX,
  pointers,
  profile,
  reference,
  refused,
  start,
  variant,
} from "./help.mjs";

test("bulk import: one bad row refuses all, and each bad row has its pointer", async (t) => {
  const { klaviyo, post } = await start(t);
  const rows = [
    { email: "a@example.com" },
    { email: "broken" },
    { email: "b@example.com" },
    { email: "c@example.com", phone_number: "12" },
    { first_name: "nobody" },
  ];
  const answer = await post("/api/profile-bulk-import-jobs", importJob(rows));
  assert.deepEqual(pointers(answer), [
    "/data/attributes/profiles/data/1/attributes/email",
    "/data/attributes/profiles/data/3/attributes/phone_number",
    "/data/attributes/profiles/data/4/attributes",
  ]);
  klaviyo.settings.maxErrors = 1;
  assert.equal(pointers(await post("/api/profile-bulk-import-jobs", importJob(rows))).length, 1);
  klaviyo.finishJobs();
  assert.deepEqual(klaviyo.store.profiles(), []);
  assert.deepEqual(klaviyo.store.jobs(), []);
});

test("bulk import: at most 10,000 profiles, none over 100 KB", async (t) => {
  const { klaviyo, post } = await start(t);
  const rows = (count) =>
    Array.from({ length: count }, (_, index) => ({ external_id: `c${index}` }));
  const send = (each) => post("/api/profile-bulk-import-jobs", importJob(each));
  assert.equal((await send(rows(10_000))).status, 202);
  assert.deepEqual(pointers(await send(rows(10_001))), ["/data/attributes/profiles/data"]);
  const large = { external_id: "x", properties: { text: "x".repeat(100_000) } };
  assert.deepEqual(pointers(await send([{ external_id: "y" }, large])), [
    "/data/attributes/profiles/data/1",
  ]);
  klaviyo.finishJobs();
  assert.equal(klaviyo.store.profiles().length, 10_000);
});

test("bulk import runs queued, processing, complete; it takes effect at its end and never clears", async (t) => {
  const { klaviyo, get, post, tick } = await start(t, { jobMs: { min: 300, max: 300 } });
  await post("/api/profiles", profile({ email: "a@example.com", first_name: "Ann" }));
  await post("/api/profiles", profile({ external_id: "c9" }));
  const answer = await post(
    "/api/profile-bulk-import-jobs",
    importJob([
      { email: "a@example.com", first_name: null, last_name: "Lee" },
      { email: "a@example.com", external_id: "c9" },
      { email: "new@example.com" },
    ]),
  );
  assert.equal(answer.status, 202);
  const { id, attributes, type } = answer.body.data;
  assert.equal(type, "profile-bulk-import-job");
  assert.equal(attributes.status, "queued");
  assert.equal(attributes.total_count, 3);
  assert.equal(attributes.created_at, "2026-08-10T12:00:00+00:00");
  assert.equal(attributes.expires_at, "2026-08-17T12:00:00+00:00");

  const path = `/api/profile-bulk-import-jobs/${id}`;
  const status = async () => (await get(path)).body.data.attributes.status;
  assert.equal(await status(), "queued");
  tick(150);
  assert.equal(await status(), "processing");
  assert.equal(klaviyo.store.profileByEmail("new@example.com"), undefined);
  tick(150);
  assert.equal(await status(), "complete");
  const done = (await get(path)).body.data.attributes;
  assert.equal(done.completed_count, 2);
  assert.equal(done.failed_count, 1);
  const ann = klaviyo.store.profileByEmail("a@example.com").attributes;
  assert.equal(ann.first_name, "Ann");
  assert.equal(ann.last_name, "Lee");

  const errors = (await get(`${path}/import-errors?page[size]=100`)).body.data;
  assert.equal(errors.length, 1);
  assert.equal(errors[0].type, "import-error");
  assert.equal(errors[0].attributes.code, "duplicate_profile");
  assert.equal(errors[0].attributes.original_payload.attributes.external_id, "c9");
  assert.equal((await get(`${path}/profiles`)).body.data.length, 2);
  refused(await get("/api/profile-bulk-import-jobs/NOPE01"), 404, "not_found");
});

test("the list of import jobs can be filtered, sorted and paged", async (t) => {
  const { get, post, tick } = await start(t, { jobMs: { min: 300, max: 300 } });
  const send = () => post("/api/profile-bulk-import-jobs", importJob([{ email: "a@example.com" }]));
  const first = (await send()).body.data.id;
  tick(250);
  const second = (await send()).body.data.id;
  tick(100);
  const ids = async (query) => {
    const { body } = await get(`/api/profile-bulk-import-jobs?${query}`);
    return body.data.map(({ id }) => id);
  };
  assert.deepEqual(await ids("sort=-created_at&page[size]=100"), [second, first]);
  assert.deepEqual(await ids('filter=any(status,["queued","processing"])'), [second]);
  assert.deepEqual(await ids('filter=equals(status,"complete")'), [first]);
  assert.deepEqual(await ids("page[size]=1"), [first]);
});

test("merge moves events and fills gaps; deletion takes the profile and its events", async (t) => {
  const { klaviyo, post } = await start(t);
  await post("/api/events", event({}, { email: "a@example.com", last_name: "Old" }));
  await post(
    "/api/events",
    event({ unique_id: "order-2" }, { external_id: "c1", last_name: "New" }),
  );
  const [source, destination] = klaviyo.store.profiles();
  const merge = (from, to) =>
    post("/api/profile-merge", {
      data: {
        type: "profile-merge",
        id: to,
        relationships: { profiles: { data: from.map((id) => ({ type: "profile", id })) } },
      },
    });
  refused(await merge([source.id], "NOPE01"), 404, "not_found");
  const path = "/data/relationships/profiles/data";
  assert.deepEqual(pointers(await merge([source.id, destination.id], destination.id)), [path]);
  assert.deepEqual(pointers(await merge([source.id], source.id)), [path]);
  assert.equal((await merge([source.id], destination.id)).status, 202);
  klaviyo.finishJobs();
  const [merged, ...others] = klaviyo.store.profiles();
  assert.deepEqual(others, []);
  assert.equal(merged.id, destination.id);
  assert.equal(merged.attributes.email, "a@example.com");
  assert.equal(merged.attributes.last_name, "New");
  assert.equal(klaviyo.store.events({ profileId: destination.id }).length, 2);

  const erase = (attributes, rest) =>
    post("/api/data-privacy-deletion-jobs", {
      data: {
        type: "data-privacy-deletion-job",
        attributes: { profile: profile(attributes, rest) },
      },
    });
  refused(await erase({ email: "nobody@example.com" }), 404, "not_found");
  const two = await erase({ email: "a@example.com" }, { id: merged.id });
  assert.deepEqual(pointers(two), ["/data/attributes/profile/data"]);
  assert.equal((await erase({ email: "a@example.com" })).status, 202);
  assert.equal(klaviyo.store.profiles().length, 1);
  klaviyo.finishJobs();
  assert.deepEqual(klaviyo.store.profiles(), []);
  assert.deepEqual(klaviyo.store.events(), []);
  assert.deepEqual(klaviyo.store.deletions(), [
    { identifier: { email: "a@example.com" }, profileIds: [merged.id], at: NOW },
  ]);
});

test("consent is kept, with its rules about history; back in stock needs its variant", async (t) => {
  const { klaviyo, post } = await start(t);
  const subscribe = (marketing, rest = {}, count = 1) =>
    post("/api/profile-subscription-bulk-create-jobs", {
      data: {
        type: "profile-subscription-bulk-create-job",
        attributes: {
          ...rest,
          profiles: {
            data: Array.from({ length: count }, (_, index) =>
              profile({ email: `A${index}@example.com`, subscriptions: { email: { marketing } } }),
            ).map(({ data }) => data),
          },
        },
      },
    });
  const given = { consent: "SUBSCRIBED" };
  const dated = { ...given, consented_at: "2024-01-15T00:00:00Z" };
  const at =
    "/data/attributes/profiles/data/0/attributes/subscriptions/email/marketing/consented_at";
  assert.equal((await subscribe(given)).status, 202);
  assert.equal((await subscribe(dated, { historical_import: true })).status, 202);
  assert.deepEqual(pointers(await subscribe(dated)), [at]);
  assert.deepEqual(pointers(await subscribe(given, { historical_import: true })), [at]);
  assert.deepEqual(pointers(await subscribe(given, {}, 1001)), ["/data/attributes/profiles/data"]);
  assert.deepEqual(
    klaviyo.store.subscriptions().map(({ email, historical }) => [email, historical]),
    [
      ["a0@example.com", false],
      ["a0@example.com", true],
    ],
  );
  const backInStock = {
    data: {
      type: "back-in-stock-subscription",
      attributes: { channels: ["EMAIL"], profile: profile({ email: "a@example.com" }) },
      relationships: { variant: { data: reference("variant", "v") } },
    },
  };
  refused(await post("/api/back-in-stock-subscriptions", backInStock), 404, "not_found");
  await post("/api/catalog-items", { data: item("p") });
  await post("/api/catalog-variants", { data: variant("v", "p") });
  assert.equal((await post("/api/back-in-stock-subscriptions", backInStock)).status, 202);
  assert.equal(klaviyo.store.backInStock()[0].variant, `${PREFIX}v`);
});
