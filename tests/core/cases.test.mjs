// The golden bodies (cases/) before independent judges: Klaviyo's official SDK loses nothing of
// them. mapping.rs shows that the core makes exactly these bodies.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findOperation } from "../../sandbox/klaviyo/operations.mjs";
import { loadSdk } from "../../sandbox/klaviyo/sdk.mjs";
import { isObject, problemsOf } from "../../sandbox/klaviyo/validate.mjs";
import { goldenBodies } from "./cases.mjs";

/** What the cases send: `file`, `operation` and `body` of each. */
function bodiesOfCases() {
  return goldenBodies()
    .filter(({ body }) => body !== null)
    .map(({ file, request, body }) => {
      const [method, path] = request.split(" ");
      const { operation } = findOperation(method, path);
      assert.ok(operation, `${file}: no operation of Klaviyo's is ${request}`);
      return { file, operation, body };
    });
}

const judge = await loadSdk();
const bodies = bodiesOfCases();

test("no golden body loses or changes a member in Klaviyo's SDK", () => {
  assert.ok(bodies.length > 50, "the cases were not found");
  for (const { file, operation, body } of bodies) {
    assert.equal(judge(operation.name, body), null, file);
    assert.deepEqual(problemsOf(operation.shape, body, 1), [], file);
  }
});

test("a golden body with an unknown member, or a misnamed one, is refused wherever it stands", () => {
  let wrong = 0;
  for (const { file, operation, body } of bodies) {
    for (const { at, mutant } of mutants(body)) {
      assert.ok(judge(operation.name, mutant), `${file}: ${at}`);
      wrong += 1;
    }
  }
  assert.ok(wrong > 500, `${wrong} wrong bodies`);
});

/** The contents of these are the shop's own: names in there are free. */
const FREE = ["properties", "custom_metadata"];

/** At every object: a member that is unknown, and each member named as the SDK names it in JavaScript. */
function* mutants(body, path = []) {
  const here = path.reduce((value, key) => value[key], body);
  const change = (at, edit) => {
    const mutant = structuredClone(body);
    edit(path.reduce((value, key) => value[key], mutant));
    return { at: [...path, at].join("/"), mutant };
  };
  if (isObject(here)) {
    yield change("unknown_member", (target) => Object.assign(target, { unknown_member: 1 }));
    for (const key of Object.keys(here)) {
      const renamed = key.replace(/[_-](\w)/g, (_, letter) => letter.toUpperCase());
      if (renamed === key) continue;
      yield change(renamed, (target) => {
        target[renamed] = target[key];
        delete target[key];
      });
    }
  }
  for (const key of Object.keys(here)) {
    const isNested = typeof here[key] === "object" && here[key] !== null;
    if (isNested && !FREE.includes(key)) yield* mutants(body, [...path, key]);
  }
}
