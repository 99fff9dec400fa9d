// The wait itself: its result, and how it fails.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "./eventually.mjs";

test("it gives what it saw when that held", async () => {
  let looks = 0;
  const look = () => ({ looks: ++looks });
  assert.deepEqual(await eventually("three looks", look, (seen) => seen.looks === 3), { looks: 3 });
});

test("what never comes fails with what was waited for and what was seen last", async () => {
  const look = async () => ({ waiting: 3 });
  await assert.rejects(
    eventually("the outbox to be empty", look, ({ waiting }) => waiting === 0, { limitMs: 50 }),
    { message: "waited 0.05 s for the outbox to be empty; saw last: { waiting: 3 }" },
  );
});

test("a fault is not waited out, and a wait without a name is refused", async () => {
  const fault = new Error("broken");
  await assert.rejects(
    eventually("nothing", () => Promise.reject(fault)),
    fault,
  );
  await assert.rejects(
    eventually(() => true),
    TypeError,
  );
});
