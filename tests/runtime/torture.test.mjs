// The torture in short: each fault once, and each way with some of them, on one stack. The whole table is
// `npm run torture`; what is promised stands in docs/reliability.md. The moments are drawn with a seed:
// SEED=7 node --test tests/runtime/torture.test.mjs

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { seededRandom } from "../../sandbox/faults.mjs";
import { expectedOf, isGood, openStack, run } from "../../torture/cell.mjs";
import { FAULTS } from "../../torture/faults.mjs";
import { tortureShop } from "../../torture/shop.mjs";
import { WAYS } from "../../torture/ways.mjs";
import { seedFor } from "../seed.mjs";

const CELLS = [
  ["realtime", "429 with Retry-After"],
  ["realtime", "429 without"],
  ["realtime", "token expired"],
  ["import of categories", "truncated"],
  ["import of categories", "reset after"],
  ["import of products", "key wrong, then right"],
  ["import of products", "SIGKILL"],
  ["import of customers", "latency"],
  ["import of customers", "foreign"],
  ["import of orders", "5xx"],
  ["import of orders", "reset before"],
  ["import of orders", "upgrade"],
  ["realtime", "clock of the Worker"],
  ["feed", "token revoked"],
  ["feed", "clock of commercetools"],
];

const SIZES = { customers: 12, orders: 15, products: 4, linesPerOrder: 1 };
const random = seededRandom(seedFor("the moments of the faults"));

test("each way and each fault is among the cells", () => {
  const named = (place) => new Set(CELLS.map((cell) => cell[place]));
  assert.deepEqual(named(0), new Set(Object.keys(WAYS)));
  assert.deepEqual(named(1), new Set(Object.keys(FAULTS)));
});

for (const [which, isOne] of [
  ["pushes and imports", (way) => way !== "feed"],
  ["the feed", (way) => way === "feed"],
]) {
  describe(which, () => {
    const cells = CELLS.filter(([wayName]) => isOne(wayName));
    const expected = new Map();
    let stack;
    before(async () => {
      const [[wayName]] = cells;
      const shop = tortureShop(SIZES);
      stack = await openStack({
        shop,
        wayName,
        faultName: "clock of the Worker",
        told: "messages",
      });
    });
    after(() => stack.close());

    for (const [wayName, faultName] of cells) {
      test(`${wayName}, ${faultName}`, async () => {
        const reset = () => {
          stack.klaviyo.reset();
          stack.commercetools.reset();
        };
        if (!expected.has(wayName)) {
          reset();
          expected.set(wayName, await expectedOf(stack, { wayName }));
        }
        reset();
        const cell = { wayName, faultName, lengthName: "once", expected: expected.get(wayName) };
        const row = await run(stack, { ...cell, random });
        assert.ok(isGood(row), JSON.stringify(row));
      });
    }
  });
}
