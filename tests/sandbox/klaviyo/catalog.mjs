// Tests of the catalogue and its jobs.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  catalogJob,
  category,
  item,
  jobsPath,
  PREFIX,
  pathOf,
  pointers,
  reference,
  refused,
  start,
  variant,
} from "./help.mjs";

test("items: create, 409, read, change, delete with their variants", async (t) => {
  const { klaviyo, get, post, patch, remove } = await start(t);
  const created = await post("/api/catalog-items", { data: item("p/1") });
  assert.equal(created.status, 201);
  assert.equal(created.body.data.id, `${PREFIX}p/1`);
  assert.deepEqual(created.body.data.attributes.images, []);
  assert.equal(created.body.data.attributes.published, true);
  refused(await post("/api/catalog-items", { data: item("p/1") }), 409, "conflict");
  const update = (id, attributes, rest) =>
    patch(pathOf("item", id), {
      data: { type: "catalog-item", id: PREFIX + id, attributes, ...rest },
    });
  assert.equal((await update("p/1", { title: "New" })).status, 200);
  assert.equal((await get(pathOf("item", "p/1"))).body.data.attributes.title, "New");
  refused(await update("none", { title: "New" }), 404, "not_found");
  assert.deepEqual(pointers(await update("p/1", { external_id: "p2" })), [
    "/data/attributes/external_id",
  ]);
  const mismatch = await patch(pathOf("item", "p/1"), {
    data: { ...reference("item", "other"), attributes: {} },
  });
  assert.deepEqual(pointers(mismatch), ["/data/id"]);

  const orphan = await post("/api/catalog-variants", { data: variant("v1", "none") });
  assert.equal(
    refused(orphan, 404, "not_found")[0].detail,
    `An item with id ${PREFIX}none does not exist.`,
  );
  await post("/api/catalog-variants", { data: variant("v1", "p/1") });
  const stock = await patch(pathOf("variant", "v1"), {
    data: { ...reference("variant", "v1"), attributes: { inventory_quantity: 7 } },
  });
  assert.equal(stock.body.data.attributes.inventory_quantity, 7);
  assert.deepEqual((await get(`${pathOf("item", "p/1")}/variants`)).body.data[0].id, `${PREFIX}v1`);
  const removed = await remove(pathOf("item", "p/1"));
  assert.equal(removed.status, 204);
  assert.equal(removed.text, "");
  assert.deepEqual(klaviyo.store.variants(), []);
  refused(await remove(pathOf("item", "p/1")), 404, "not_found");
  refused(await get(pathOf("variant", "v1")), 404, "not_found");
});

test("custom metadata is flat and at most 100 KB", async (t) => {
  const { post } = await start(t);
  const send = (metadata) =>
    post("/api/catalog-items", { data: item("p", { custom_metadata: metadata }) });
  const at = "/data/attributes/custom_metadata";
  assert.deepEqual(pointers(await send({ a: { b: 1 }, c: "d" })), [`${at}/a`]);
  assert.deepEqual(pointers(await send({ a: ["b"] })), [`${at}/a`]);
  assert.deepEqual(pointers(await send({ a: "x".repeat(100_000) })), [at]);
  assert.equal((await send({ a: "x".repeat(90_000), n: 1, b: true })).status, 201);
});

test("an item's categories: in the item, added, replaced, removed", async (t) => {
  const { klaviyo, get, post, patch, remove, call } = await start(t);
  for (const id of ["a", "b", "c"]) await post("/api/catalog-categories", { data: category(id) });
  const unknown = await post("/api/catalog-items", { data: item("p", { categories: ["a", "z"] }) });
  const [error] = refused(unknown, 404, "not_found");
  assert.equal(error.source.pointer, "/data/relationships/categories/data/1/id");
  assert.deepEqual(klaviyo.store.items(), []);
  await post("/api/catalog-items", { data: item("p", { categories: ["a"] }) });
  const path = `${pathOf("item", "p")}/relationships/categories`;
  const list = (...ids) => ({ data: ids.map((id) => reference("category", id)) });
  const held = async () =>
    (await get(path)).body.data.map(({ id }) => id.slice(PREFIX.length)).join();
  assert.equal((await post(path, list("b"))).status, 204);
  refused(await post(path, list("c", "b")), 409, "conflict");
  assert.equal(await held(), "a,b");
  assert.equal((await patch(path, list("c", "a"))).status, 204);
  assert.equal(await held(), "a,c");
  assert.equal((await remove(path, list("a"))).status, 204);
  assert.equal(await held(), "c");
  refused(await patch(path, list("z")), 404, "not_found");
  const update = {
    data: {
      ...reference("item", "p"),
      attributes: {},
      relationships: { categories: list("a", "b") },
    },
  };
  await patch(pathOf("item", "p"), update);
  assert.equal(await held(), "a,b");
  await call("DELETE", pathOf("category", "a"));
  assert.equal(await held(), "b");
});

test("catalogue lists: any(ids), sparse fields, cursor", async (t) => {
  const { get, post } = await start(t);
  for (const id of ['a"]', "b", "c"]) await post("/api/catalog-items", { data: item(id) });
  const ids = ['a"]', "c", "none"].map((id) => PREFIX + id);
  const filter = encodeURIComponent(`any(ids,${JSON.stringify(ids)})`);
  const found = await get(`/api/catalog-items?filter=${filter}&fields[catalog-item]=external_id`);
  assert.deepEqual(
    found.body.data.map(({ attributes }) => attributes),
    [{ external_id: 'a"]' }, { external_id: "c" }],
  );
  const first = await get("/api/catalog-items?page[size]=2");
  const second = await get(
    new URL(first.body.links.next).pathname + new URL(first.body.links.next).search,
  );
  assert.deepEqual(
    second.body.data.map(({ id }) => id),
    [`${PREFIX}c`],
  );
  assert.equal(second.body.links.next, null);
  const tooMany = JSON.stringify(Array.from({ length: 101 }, (_, index) => `${index}`));
  refused(await get(`/api/catalog-items?filter=any(ids,${tooMany})`), 400, "invalid");
});

test("catalogue jobs: rows take effect later, each with its own fate", async (t) => {
  const { klaviyo, get, post, tick } = await start(t, { jobMs: { min: 300, max: 300 } });
  await post("/api/catalog-items", { data: item("held") });
  const rows = [item("new"), item("held"), item("lost", { categories: ["none"] })];
  const answer = await post(jobsPath("item", "create"), catalogJob("item", "create", rows));
  assert.equal(answer.status, 202);
  assert.deepEqual(
    { ...answer.body.data.attributes, created_at: null, expires_at: null },
    {
      status: "queued",
      created_at: null,
      total_count: 3,
      completed_count: 0,
      failed_count: 0,
      completed_at: null,
      errors: [],
      expires_at: null,
    },
  );
  const path = `${jobsPath("item", "create")}/${answer.body.data.id}`;
  tick(150);
  assert.equal((await get(path)).body.data.attributes.status, "processing");
  assert.equal(klaviyo.store.items().length, 1);
  tick(150);
  const { attributes, relationships } = (await get(`${path}?include=items`)).body.data;
  assert.equal(attributes.status, "complete");
  assert.equal(attributes.completed_count, 1);
  assert.equal(attributes.failed_count, 2);
  assert.deepEqual(
    attributes.errors.map(({ code, source }) => [code, source.pointer]),
    [
      ["conflict", "/data/"],
      ["not_found", "/data/"],
    ],
  );
  assert.deepEqual(relationships.items.data, [reference("item", "new")]);

  klaviyo.settings.rowPointers = true;
  const update = { ...reference("variant", "none"), attributes: { price: 1 } };
  const second = await post(
    jobsPath("variant", "update"),
    catalogJob("variant", "update", [update]),
  );
  tick(300);
  const job = await get(`${jobsPath("variant", "update")}/${second.body.data.id}`);
  const [error] = job.body.data.attributes.errors;
  assert.equal(error.source.pointer, "/data/attributes/variants/data/0");
  refused(await get(`${jobsPath("item", "create")}/${second.body.data.id}`), 404, "not_found");
});

test("catalogue jobs exist for all three kinds and actions", async (t) => {
  const { klaviyo, post } = await start(t);
  const made = { category: category("c"), item: item("p"), variant: variant("v", "p") };
  const changed = { category: { name: "C" }, item: { title: "P" }, variant: { price: 9 } };
  const id = { category: "c", item: "p", variant: "v" };
  const run = async (action, row) => {
    for (const kind of ["category", "item", "variant"]) {
      const answer = await post(jobsPath(kind, action), catalogJob(kind, action, [row(kind)]));
      assert.equal(answer.status, 202, answer.text);
      klaviyo.finishJobs();
    }
  };
  await run("create", (kind) => made[kind]);
  await run("update", (kind) => ({ ...reference(kind, id[kind]), attributes: changed[kind] }));
  const { items, variants, categories } = klaviyo.snapshot();
  assert.equal(categories.c.name, "C");
  assert.equal(items.p.title, "P");
  assert.equal(variants.v.price, 9);
  await run("delete", (kind) => reference(kind, id[kind]));
  assert.deepEqual(klaviyo.store.items(), []);
  assert.deepEqual(klaviyo.store.categories(), []);
  // The variant went with its item, so its own deletion found nothing.
  assert.deepEqual(
    klaviyo.store.jobs().map(({ failed }) => failed),
    [0, 0, 0, 0, 0, 0, 0, 0, 1],
  );
});

test("an item-create job can stay open long after its items are there", async (t) => {
  const { klaviyo, get, post, tick } = await start(t, { jobMs: { min: 300, max: 300 } });
  klaviyo.settings.itemCreateLingerMs = 240_000;
  const answer = await post(jobsPath("item", "create"), catalogJob("item", "create", [item("p")]));
  tick(300);
  assert.equal((await get(pathOf("item", "p"))).status, 200);
  const list = (status) => get(`${jobsPath("item", "create")}?filter=equals(status,"${status}")`);
  assert.equal((await list("processing")).body.data[0].id, answer.body.data.id);
  tick(240_000);
  assert.equal((await list("processing")).body.data.length, 0);
  assert.equal((await list("complete")).body.data.length, 1);
  const one = `${jobsPath("item", "create")}/${answer.body.data.id}`;
  const fields = "fields[catalog-item-bulk-create-job]";
  const { attributes } = (await get(`${one}?${fields}=status,failed_count`)).body.data;
  assert.deepEqual(attributes, { status: "complete", failed_count: 0 });
  refused(await get(`${one}?${fields}=colour`), 400, "invalid");
});

test("catalogue jobs: no page[size], 100 rows, bad rows by pointer, 500 open jobs", async (t) => {
  const { klaviyo, get, post } = await start(t);
  const [error] = refused(await get(`${jobsPath("item", "create")}?page[size]=10`), 400, "invalid");
  assert.deepEqual(error.source, { parameter: "page[size]" });
  const rows = (count) => Array.from({ length: count }, (_, index) => item(`p${index}`));
  const send = (each) => post(jobsPath("item", "create"), catalogJob("item", "create", each));
  assert.deepEqual(pointers(await send(rows(101))), ["/data/attributes/items/data"]);
  assert.deepEqual(pointers(await send([item("a"), item("b", { price: "1" })])), [
    "/data/attributes/items/data/1/attributes/price",
  ]);
  assert.deepEqual(pointers(await send([item("a", { custom_metadata: { a: {} } })])), [
    "/data/attributes/items/data/0/attributes/custom_metadata/a",
  ]);
  for (let count = 0; count < 500; count += 1) assert.equal((await send(rows(1))).status, 202);
  const full = await send(rows(1));
  refused(full, 429, "throttled");
  assert.ok(full.headers.get("retry-after"));
  klaviyo.finishJobs();
  assert.equal((await send(rows(1))).status, 202);
});
