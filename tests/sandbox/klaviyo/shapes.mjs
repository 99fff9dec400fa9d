// Tests of the shape of bodies: the tables, the schema file, and both against each other and
// against the official examples.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { OPERATIONS } from "../../../sandbox/klaviyo/operations.mjs";
import { DEFAULT_SCHEMA, loadSchema } from "../../../sandbox/klaviyo/schema.mjs";
import { problemsOf } from "../../../sandbox/klaviyo/validate.mjs";
import { needsShared } from "../../needs-shared.mjs";
import {
  category,
  event,
  item,
  PREFIX,
  pointers,
  profile,
  refused,
  start,
  variant,
} from "./help.mjs";

const EXAMPLES = join(DEFAULT_SCHEMA, "../examples");

test("unknown members, wrong types and missing fields are refused without any schema file", async (t) => {
  const { klaviyo, post } = await start(t, { schema: null });
  const answer = await post("/api/profile-import", profile({ email: "a@b.co", firstname: "A" }));
  const [error] = refused(answer, 400, "invalid");
  assert.equal(error.detail, "'firstname' is not a valid field for the resource 'profile'.");
  assert.equal(error.source.pointer, "/data/attributes/firstname");
  assert.deepEqual(pointers(await post("/api/events", event({ value: "10" }))), [
    "/data/attributes/value",
  ]);
  assert.deepEqual(pointers(await post("/api/events", event({ metric: undefined }))), [
    "/data/attributes/metric",
  ]);
  assert.deepEqual(pointers(await post("/api/events", event({ time: "yesterday" }))), [
    "/data/attributes/time",
  ]);
  assert.deepEqual(pointers(await post("/api/catalog-items", { data: item("a", { url: null }) })), [
    "/data/attributes/url",
  ]);
  assert.deepEqual(pointers(await post("/api/events", { ...event(), extra: 1 })), ["/extra"]);
  assert.equal(klaviyo.violations.length, 6);
  assert.deepEqual(klaviyo.violations[0], {
    operation: "POST /api/profile-import",
    status: 400,
    by: "rules",
    problems: [{ detail: error.detail, pointer: "/data/attributes/firstname" }],
  });
  assert.deepEqual(klaviyo.store.profiles(), []);
});

test("what the schema refuses and the tables accept is a 400 and a violation", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "klaviyo-schema-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const schema = join(folder, "schema.json");
  writeFileSync(
    schema,
    JSON.stringify({
      $id: "https://example.invalid/requests.json",
      $defs: { Never: { properties: { data: { required: ["never"] } } } },
      requests: { "POST /api/profiles": "Never" },
    }),
  );
  const { klaviyo, post } = await start(t, { schema });
  const answer = await post("/api/profiles", profile({ email: "a@b.co" }));
  assert.deepEqual(pointers(answer), ["/data"]);
  assert.deepEqual(
    klaviyo.violations.map(({ by, status }) => ({ by, status })),
    [{ by: "schema", status: 400 }],
  );
  assert.deepEqual(klaviyo.store.profiles(), []);
  assert.equal((await post("/api/profile-import", profile({ email: "a@b.co" }))).status, 201);
  await assert.rejects(loadSchema(join(folder, "absent.json")), { code: "ENOENT" });
});

test(
  "the tables refuse what the official schema refuses, and accept the official examples",
  needsShared,
  async () => {
    const checkSchema = await loadSchema();
    const tables = new Map(OPERATIONS.map(({ name, shape }) => [name, shape]));
    let mutations = 0;
    for (const { op, body } of examples()) {
      const accepts = (each) => problemsOf(tables.get(op), each, 1).length === 0;
      assert.ok(accepts(body), op);
      assert.equal(checkSchema(op, body), null, op);
      for (const { at, mutant } of mutants(body)) {
        const spec = checkSchema(op, mutant) === null;
        // The tables are stricter in one place: a to-one relationship must name what it relates to.
        if (spec && /relationships,(item|variant|profiles)$/.test(at)) continue;
        assert.equal(accepts(mutant), spec, `${op}: ${at}`);
        mutations += 1;
      }
    }
    assert.ok(mutations > 500, `${mutations} mutations`);
  },
);

function examples() {
  return readdirSync(EXAMPLES).map((file) => ({
    file,
    ...JSON.parse(readFileSync(join(EXAMPLES, file), "utf8")),
  }));
}

/** At every object: an unknown member, each member removed, each member of another type. */
function* mutants(body, path = []) {
  const here = path.reduce((value, key) => value[key], body);
  if (typeof here !== "object" || here === null) return;
  const change = (edit) => {
    const copy = structuredClone(body);
    edit(path.reduce((value, key) => value[key], copy));
    return { at: path.join(), mutant: copy };
  };
  if (!Array.isArray(here)) yield change((target) => Object.assign(target, { unknown_member: 1 }));
  for (const key of Object.keys(here)) {
    if (!Array.isArray(here)) yield change((target) => delete target[key]);
    for (const value of [null, 1.5, "text", true, [1.5], { unknown_member: 1 }]) {
      yield change((target) => Object.assign(target, { [key]: value }));
    }
    yield* mutants(body, [...path, key]);
  }
}

test("every official example is accepted", needsShared, async (t) => {
  const { klaviyo, call, post } = await start(t);
  for (const { file, op, body } of examples()) {
    klaviyo.reset();
    const [method, path] = op.split(" ");
    const isNew = (kind) => op === `POST /api/catalog-${kind}`;
    await post("/api/catalog-categories", { data: category("other") });
    if (!isNew("categories"))
      await post("/api/catalog-categories", { data: category("ct-category-id") });
    if (!isNew("items")) await post("/api/catalog-items", { data: item("ct-product-id-1") });
    if (!isNew("variants")) {
      await post("/api/catalog-variants", { data: variant("M0E20000000DHJ2", "ct-product-id-1") });
    }
    if (op !== "POST /api/profiles") {
      await post("/api/profiles", profile({ email: "sarah.mason@klaviyo-demo.com" }));
    }
    await post("/api/profiles", profile({ email: "other@example.com" }));
    const [first, second] = klaviyo.store.profiles();
    // Ids of profiles are Klaviyo's to give.
    const known = JSON.parse(
      JSON.stringify(body)
        .replace(/01GDDKASAP8TKDDA2GRZDSVP4H/g, first.id)
        .replace(/01GDDKASAP8TKDDA2GRZDSVP4I/g, second?.id),
    );
    const id = known.data.id ?? `${PREFIX}ct-product-id-1`;
    const answer = await call(method, path.replace("{id}", encodeURIComponent(id)), known);
    assert.ok(answer.status < 300, `${file}: ${answer.status} ${answer.text}`);
    klaviyo.finishJobs();
    assert.deepEqual(klaviyo.violations, [], file);
  }
});
