// The access token of commercetools: fetched once per isolate, however many pushes wait for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { changed } from "./documents.mjs";
import { start } from "./harness.mjs";

const { customers } = sampleShop();

/** A worker that has no token yet. */
async function cold(t, options) {
  const stack = await start(options);
  t.after(() => stack.close());
  return {
    ...stack,
    fetched: () =>
      stack.commercetools.requests.filter(({ path }) => path.startsWith("/oauth")).length,
  };
}

test("a burst of pushes on a cold isolate fetches one token", async (t) => {
  const { push, commercetools, fetched } = await cold(t);
  commercetools.faults.add({ path: "/oauth", latencyMs: 300 });
  const answers = await Promise.all(customers.map((one) => push(changed("customer", one))));
  for (const { status, text } of answers) assert.equal(status, 204, text);
  assert.equal(fetched(), 1);
});

test("of those who wait for a token that never comes one fetches another", async (t) => {
  // Long enough for the others on a busy machine, and not as long as a test waits.
  const { push, commercetools, fetched } = await cold(t, {
    settings: { PUSH_PATIENCE_MS: "20000" },
  });
  commercetools.faults.add({ path: "/oauth", hang: true, times: 1 });
  const answers = await Promise.all(customers.map((one) => push(changed("customer", one))));
  // Whose fetch never ended is parked, and lost neither.
  const parked = answers.filter(({ status }) => status === 202);
  assert.equal(parked.length, 1);
  assert.ok(answers.every(({ status }) => [202, 204].includes(status)));
  assert.equal(fetched(), 2);
});
