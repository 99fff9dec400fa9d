// The torture in short: each fault once, and each way with some of them, on one stack. The whole table is
// `npm run torture`; docs/reliability.md has the promises. A seed draws the moments:
// SEED=7 node --test tests/runtime/torture.test.mjs

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { seededRandom } from "../../sandbox/faults.mjs";
import { expectedOf, isGood, openStack, run } from "../../torture/cell.mjs";
import { compare, leaks } from "../../torture/compare.mjs";
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

test("what is lost, doubled or different is counted, and the first of each is named", () => {
  const expected = { profiles: { a: { n: 1 }, b: { n: 2 }, c: { n: 3 } }, events: {} };
  const held = { profiles: { b: { n: 5 }, c: { n: 3 } }, events: { x: {}, y: {} } };
  const { lost, doubled, different, first } = compare(held, expected);
  assert.deepEqual([lost, doubled, different], [1, 2, 1]);
  assert.deepEqual(first, [
    "lost: profiles a",
    'different: profiles b {"n":[5,2]}',
    "doubled: events x",
  ]);
});

test("a leak is found in whatever form", () => {
  const value = 'Zoë "Q" & co';
  for (const form of [value, JSON.stringify(value), encodeURIComponent(value), inBase64(value)]) {
    assert.deepEqual(leaks(["a line", `{"of": ${form}}`], [value, "somebody else"]), [value], form);
  }
  assert.deepEqual(leaks(["a line"], [value]), []);
});

const inBase64 = (value) => Buffer.from(value).toString("base64");

test("a cell shows nothing if its fault never acted, or if it leaves a dead letter", () => {
  const good = { hits: 1, lost: 0, doubled: 0, different: 0, leaked: 0, letters: 0, notes: [] };
  assert.ok(isGood(good));
  const wrong = ["lost", "doubled", "different", "leaked", "letters"].map((name) => ({
    [name]: 1,
  }));
  for (const change of [...wrong, { hits: 0 }, { notes: ["it waits"] }]) {
    assert.ok(!isGood({ ...good, ...change }), JSON.stringify(change));
  }
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
