// The subscribed messages and changes, and that the pages with these lists agree. tests/runtime/subscriptions.test.mjs
// tests that the worker acts on each of them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { DEFAULT_RESOURCES, resourcesFor, wanted } from "../../scripts/subscriptions/wanted.mjs";

const ALL = [...DEFAULT_RESOURCES, "standalone-price", "variant"];

/** The defaults of `CONFIG`'s lists of messages, from the table of docs/configuration.md. */
function documentedMessages() {
  const config = {};
  const page = readFileSync("docs/configuration.md", "utf8");
  for (const [, section, name, list] of page.matchAll(
    /^\| `(\w+)\.messages\.(\w+)` \| `(\[.*?\])` \|/gm,
  )) {
    config[section] ??= { messages: {} };
    config[section].messages[name] = JSON.parse(list);
  }
  return config;
}

test("the defaults are those of CONFIG, as docs/configuration.md has them", () => {
  const config = documentedMessages();
  assert.deepEqual(wanted(ALL, config), wanted(ALL));
  for (const section of ["order", "payment", "category", "product"]) {
    const { messages } = config[section];
    const { types } = wanted([section]).messages[0];
    const named = Object.values(messages).flat();
    assert.deepEqual(
      named.filter((type) => !types.includes(type)),
      section === "product" ? ["ResourceDeleted"] : [],
    );
  }
});

test("the table of docs/realtime.md is this list", () => {
  const page = readFileSync("docs/realtime.md", "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (.*) \| (yes|no) \|$/gm)];
  const named = rows.map(([, resource, messages, changes]) => ({
    resource,
    types: messages.startsWith("all") ? [] : messages.split(", ").map((type) => type.slice(1, -1)),
    changes: changes === "yes",
  }));
  const { messages, changes } = wanted(ALL);
  const subscribed = messages.map(({ resourceTypeId, types }) => ({
    resource: resourceTypeId,
    types,
    changes: changes.some((each) => each.resourceTypeId === resourceTypeId),
  }));
  const sorted = named.map((row) => ({ ...row, types: row.types.toSorted() }));
  assert.deepEqual(sorted, subscribed);
});

describe("CONFIG", () => {
  const cases = [
    [
      "a list of it stands in place of the default list, others stay",
      "order",
      { order: { messages: { created: ["OrderPaid"] }, states: {} } },
      ["OrderEditApplied", "OrderPaid", "OrderStateChanged"],
    ],
    [
      "changes that it names are no messages",
      "product",
      { product: { messages: { deleted: ["ResourceDeleted"] } } },
      ["ProductPublished"],
    ],
    [
      "a type that it names twice is subscribed to once",
      "category",
      { category: { messages: { created: ["CategoryCreated", "CategoryCreated"] } } },
      ["CategoryCreated"],
    ],
  ];
  for (const [name, resource, config, types] of cases) {
    test(name, () => {
      const { messages } = wanted([resource], config);
      assert.deepEqual(messages, [{ resourceTypeId: resource, types }]);
    });
  }

  test("no type left is no subscription, since an empty list would mean every message", () => {
    const config = { category: { messages: { created: [] } } };
    assert.deepEqual(wanted(["category"], config), {
      messages: [],
      changes: [{ resourceTypeId: "category" }],
    });
  });
});

test("standalone prices are not among the defaults, and have every message", () => {
  assert.ok(!DEFAULT_RESOURCES.includes("standalone-price"));
  assert.deepEqual(wanted(["standalone-price"]), {
    messages: [{ resourceTypeId: "standalone-price", types: [] }],
    changes: [],
  });
});

describe("the catalogue model", () => {
  const modular = [...DEFAULT_RESOURCES, "standalone-price", "variant"];
  for (const [model, named, elsewhere, expected] of [
    [undefined, undefined, [], DEFAULT_RESOURCES],
    [null, undefined, [], DEFAULT_RESOURCES],
    ["Classic", undefined, [], DEFAULT_RESOURCES],
    ["Classic", ["product"], [], ["product"]],
    ["InMigration", undefined, [], modular],
    ["Modular", undefined, [], modular],
    ["Modular", undefined, ["standalone-price"], [...DEFAULT_RESOURCES, "variant"]],
    ["Modular", ["product", "order"], [], ["product", "order", "variant"]],
    ["Modular", ["order", "standalone-price"], [], ["order", "standalone-price"]],
  ]) {
    test(`${model}, named: ${named}, elsewhere: ${elsewhere.join()}`, () => {
      assert.deepEqual(resourcesFor(model, named, elsewhere), expected);
    });
  }
});
