// Most other tests depend on the commercetools sandbox, so this tests how clients read it: paging
// in commercetools' order, predicates, expansion, limits, and the data that a test adds.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { seedFor } from "../seed.mjs";
import {
  byText,
  connect,
  documentsAt,
  ids,
  inBinaryOrder,
  PATHS,
  shop,
  walk,
  withSandbox,
} from "./commercetools-client.mjs";

describe("reading the sample shop", () => {
  let sandbox;
  let get;
  before(async () => {
    sandbox = await startCommercetools();
    get = await connect(sandbox);
  });
  after(() => sandbox.close());

  for (const path of PATHS) {
    test(`a walk over ${path} finds every document once, in binary order`, async () => {
      const expected = inBinaryOrder(ids(documentsAt(path)));
      assert.ok(expected.length > 6);
      assert.notDeepEqual(expected, byText(expected), "else the order would prove nothing");
      for (const limit of [1, 3, 7, 500]) {
        assert.deepEqual(await walk(get, path, { limit }), expected);
      }
    });

    test(`predicates and sorting on ${path}`, async () => {
      const all = documentsAt(path);
      const found = async (where, sort = "id asc") => {
        const { status, body } = await get(path, { where, sort, limit: 500 });
        assert.equal(status, 200, JSON.stringify(body));
        return ids(body.results);
      };
      const expected = (test) => inBinaryOrder(ids(all.filter(test)));
      const sorted = inBinaryOrder(ids(all));
      const [first, middle] = [all[0], all[Math.floor(all.length / 2)]];
      const T = middle.lastModifiedAt;
      const C = middle.createdAt;
      const after = (id) => sorted.slice(sorted.indexOf(id) + 1);

      assert.deepEqual(await found(`id > "${middle.id}"`), after(middle.id));
      assert.deepEqual(await found(`id >= "${middle.id}"`), [middle.id, ...after(middle.id)]);
      assert.deepEqual(
        await found(`id < "${middle.id}"`),
        sorted.slice(0, sorted.indexOf(middle.id)),
      );
      assert.deepEqual(
        await found(`id in ("${first.id}", "${middle.id}", "nobody")`),
        inBinaryOrder([first.id, middle.id]),
      );
      assert.deepEqual(
        await found(`id in ("${first.id}", "${middle.id}") and id > "${first.id}"`),
        after(first.id).filter((id) => id === middle.id),
      );
      assert.deepEqual(
        await found(`lastModifiedAt > "${T}"`),
        expected((each) => each.lastModifiedAt > T),
      );
      assert.deepEqual(
        await found(`createdAt >= "${C}" and createdAt < "2030-01-01T00:00:00.000Z"`),
        expected((each) => each.createdAt >= C),
      );
      assert.deepEqual(
        await found(
          `(lastModifiedAt > "${T}" or (lastModifiedAt = "${T}" and id > "${middle.id}"))`,
        ),
        expected(
          (each) =>
            each.lastModifiedAt > T ||
            (each.lastModifiedAt === T && after(middle.id).includes(each.id)),
        ),
      );
      const newestFirst = await found("version > 0", ["lastModifiedAt desc", "id asc"]);
      const ranked = sorted.map((id) => all.find((each) => each.id === id));
      ranked.sort((a, b) => Date.parse(b.lastModifiedAt) - Date.parse(a.lastModifiedAt));
      assert.deepEqual(newestFirst, ids(ranked));
      assert.deepEqual(await found("version > 0", "id desc"), [...sorted].reverse());
    });
  }

  test("the keyset over time finds every order once", async () => {
    const seen = [];
    for (let where = []; ; ) {
      const sort = ["lastModifiedAt asc", "id asc"];
      const { body } = await get("orders", { limit: 4, withTotal: false, sort, where });
      seen.push(...ids(body.results));
      if (body.count < 4) break;
      const { lastModifiedAt: T, id } = body.results.at(-1);
      where = [`(lastModifiedAt > "${T}" or (lastModifiedAt = "${T}" and id > "${id}"))`];
    }
    assert.equal(seen.length, shop.orders.length);
    assert.equal(new Set(seen).size, seen.length);
  });

  test("what lacks the sort field comes last, or first the other way round", async () => {
    const numbers = async (sort) =>
      (await get("orders", { sort })).body.results.map(({ orderNumber }) => orderNumber);
    const rising = await numbers("orderNumber asc");
    assert.deepEqual(rising.slice(0, -1), byText(rising.slice(0, -1)));
    assert.equal(rising.at(-1), undefined);
    assert.deepEqual(await numbers("orderNumber desc"), [...rising].reverse());
  });

  test("a walk with a filter", async () => {
    const published = shop.products.filter(({ masterData }) => masterData.published);
    const where = ["masterData(published = true)"];
    const walked = await walk(get, "products", { limit: 2, where });
    assert.deepEqual(walked, inBinaryOrder(ids(published)));
    assert.equal(walked.length, shop.products.length - 1);
  });

  const skuOf = (document) => document.sku;
  const payment = (n) => fixedId("payment", n);
  const paysWith =
    (...wanted) =>
    (order) =>
      order.paymentInfo?.payments.some(({ id }) => wanted.includes(id)) ?? false;
  const PREDICATES = [
    ["inventory", 'sku in ("CAIRN-28-GRY", "VIA-43")', (e) => /CAIRN-28-GRY|VIA-43/.test(e.sku)],
    ["inventory", "supplyChannel is not defined", (e) => !e.supplyChannel],
    [
      "inventory",
      `supplyChannel(id = "${fixedId("channel", 1)}")`,
      (e) => e.supplyChannel?.id === fixedId("channel", 1),
    ],
    [
      "inventory",
      "quantityOnStock > -1 and not (availableQuantity = 0)",
      (e) => e.availableQuantity > 0,
    ],
    [
      "standalone-prices",
      'sku in ("VIA-42") and active = true',
      (e) => e.sku === "VIA-42" && e.active,
    ],
    ["standalone-prices", 'sku not in ("VIA-42")', (e) => e.sku !== "VIA-42"],
    ["orders", `paymentInfo(payments(id = "${payment(3)}"))`, paysWith(payment(3))],
    [
      "orders",
      `paymentInfo(payments(id in ("${payment(3)}", "${payment(4)}")))`,
      paysWith(payment(3), payment(4)),
    ],
    [
      "orders",
      'orderState = "Open" or orderState = "Complete" and country = "US"',
      (e) => e.orderState === "Open" || (e.orderState === "Complete" && e.country === "US"),
    ],
    [
      "orders",
      'country = "US" and orderState = "Complete" or orderState = "Open"',
      (e) => e.orderState === "Open" || (e.orderState === "Complete" && e.country === "US"),
    ],
    [
      "orders",
      '(orderState = "Open" or orderState = "Complete") and country = "DE"',
      (e) => /Open|Complete/.test(e.orderState) && e.country === "DE",
    ],
    ["orders", 'orderState != "Open"', (e) => e.orderState !== "Open"],
    [
      "orders",
      "customerId is defined and discountCodes is not empty",
      (e) => e.customerId && e.discountCodes.length > 0,
    ],
    [
      "orders",
      "customLineItems(money(centAmount < -1000))",
      (e) => e.customLineItems.some((l) => l.money.centAmount < -1000),
    ],
    [
      "orders",
      'lineItems(variant(sku = "CAIRN-28-GRY") and quantity = 1)',
      (e) => e.lineItems.some((l) => l.variant.sku === "CAIRN-28-GRY"),
    ],
    [
      "orders",
      'createdAt >= "2026-05-28T11:30:00+02:00"',
      (e) => Date.parse(e.createdAt) >= Date.parse("2026-05-28T09:30:00Z"),
    ],
    ["orders", 'lastModifiedAt = "2026-05-28T09:30:00Z"', (e) => e.orderNumber === "F-2600010"],
    [
      "customers",
      'email matches ignore case "sean.obrien+SHOP@example.com"',
      (e) => e.email.startsWith("Sean"),
    ],
    [
      "customers",
      'lowercaseEmail = "sean.obrien+shop@example.com"',
      (e) => e.email.startsWith("Sean"),
    ],
    ["customers", 'firstName = "Seán \\"Shay\\""', (e) => e.lastName === "O'Brien"],
    [
      "customers",
      "custom(fields(loyaltyPoints > 1000.5))",
      (e) => e.custom?.fields.loyaltyPoints > 1000.5,
    ],
    [
      "customers",
      'custom(fields(interests contains any ("ski touring", "x")))',
      (e) => e.custom?.fields.interests?.includes("ski touring"),
    ],
    ["customers", 'custom(fields(interests contains all ("ski touring", "x")))', () => false],
    ["customers", "middleName is empty and addresses is not empty", (e) => e.addresses.length > 0],
    [
      "products",
      'masterData(current(masterVariant(sku in ("MUG-ENAMEL")) or variants(sku in ("VIA-43"))))',
      (e) => /enamel|via/.test(e.key),
    ],
    ["products", "masterData(published = false)", (e) => e.key === "frostline-parka"],
    ["products", 'masterData(current(slug(en = "cairn-28")))', (e) => e.key === "cairn-28"],
    [
      "categories",
      `parent(id = "${fixedId("category", 2)}")`,
      (e) => e.parent?.id === fixedId("category", 2),
    ],
    [
      "payments",
      'transactions(type = "Refund" and state = "Success")',
      (e) => e.transactions.some((t) => t.type === "Refund" && t.state === "Success"),
    ],
  ];

  for (const [path, where, matches] of PREDICATES) {
    test(`${path} where ${where}`, async () => {
      const { status, body } = await get(path, { where, sort: "id asc", limit: 500 });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(ids(body.results), inBinaryOrder(ids(documentsAt(path).filter(matches))));
    });
  }

  test("the predicates of the table tell documents apart", () => {
    for (const [path, where, matches] of PREDICATES) {
      const found = documentsAt(path).filter(matches);
      const nothing = where.includes("contains all");
      assert.ok(nothing ? found.length === 0 : found.length > 0, where);
      assert.ok(found.length < documentsAt(path).length, where);
    }
  });

  test("several `where` are a conjunction; variables are bound, also inside `not`", async () => {
    const where = ["sku in :skus", "not (sku = :other)"];
    const parameters = { "var.skus": ["VIA-42", "VIA-43"], "var.other": "VIA-42" };
    const { body } = await get("standalone-prices", { where, ...parameters });
    assert.deepEqual([...new Set(body.results.map(skuOf))], ["VIA-43"]);
    assert.equal(body.total, shop.standalonePrices.filter(({ sku }) => sku === "VIA-43").length);
  });

  test("paging parameters", async () => {
    const total = shop.customers.length;
    const page = async (parameters) => (await get("customers", parameters)).body;
    const { results, ...standard } = await page({});
    assert.deepEqual(standard, { limit: 20, offset: 0, count: total, total });
    assert.deepEqual(results, shop.customers, "whole documents, as they were put");
    const sorted = inBinaryOrder(ids(shop.customers));
    const second = await page({ sort: "id", limit: 5, offset: 5 });
    assert.deepEqual([second.total, ids(second.results)], [total, sorted.slice(5, 10)]);
    const without = await page({ sort: "id asc", limit: 5, offset: 10, withTotal: false });
    assert.equal("total" in without, false);
    assert.deepEqual(ids(without.results), sorted.slice(10, 15));
    assert.deepEqual((await page({ limit: 0, withTotal: false })).results, []);
    assert.equal((await page({ limit: 500, offset: 10_000 })).count, 0);
  });

  for (const parameters of [
    { limit: 501 },
    { limit: -1 },
    { limit: "many" },
    { offset: 10_001 },
    { sort: "id upwards" },
    { where: "id >" },
    { where: 'id > "1" or' },
    { where: 'id ~ "1"' },
    { where: '(id > "1"' },
    { where: 'id > "1" email = "x"' },
    { where: "email = :nobody" },
    { where: "email = nobody" },
  ]) {
    test(`400 for ${JSON.stringify(parameters)}`, async () => {
      const { status, body } = await get("customers", parameters);
      assert.equal(status, 400);
      assert.equal(body.statusCode, 400);
      assert.equal(body.errors[0].code, "InvalidInput");
      assert.match(body.message, /^Malformed parameter: (limit|offset|sort|where): /);
    });
  }

  test("expansion", async () => {
    const one = async (path, where, expand) => (await get(path, { where, expand })).body.results[0];
    const category = await one("categories", 'key = "women-rain-jackets"', "ancestors[*]");
    assert.deepEqual(
      category.ancestors.map(({ obj }) => obj.key),
      ["women", "women-jackets"],
      "from the root",
    );
    const path = "masterData.current.categories[*].ancestors[*]";
    const jacket = await one("products", 'key = "storm-hollow-w"', path);
    const [rain, sale] = jacket.masterData.current.categories;
    assert.deepEqual(
      rain.obj.ancestors.map(({ obj }) => obj.name.en),
      ["Women", "Jackets"],
    );
    assert.deepEqual([sale.obj.key, sale.obj.ancestors], ["sale", []]);
    assert.equal(jacket.masterData.staged.categories[0].obj, undefined);
    const order = await one("orders", 'orderNumber = "F-2600001"', [
      "paymentInfo.payments[*]",
      "discountCodes[*].discountCode",
    ]);
    assert.equal(order.paymentInfo.payments[0].obj.amountPlanned.centAmount, 32827);
    assert.equal(order.discountCodes[0].discountCode.obj.code, "FELL10");
    assert.equal(
      sandbox.get("order", order.id).paymentInfo.payments[0].obj,
      undefined,
      "what is stored stays as it was",
    );
  });

  test("a single document, with and without expansion", async () => {
    const id = fixedId("category", 3);
    const { status, body } = await get(`categories/${id}`);
    assert.deepEqual([status, body], [200, shop.categories.find((each) => each.id === id)]);
    const expanded = await get(`categories/${id}`, { expand: "ancestors[*]" });
    assert.equal(expanded.body.ancestors[1].obj.key, "women-jackets");
    const product = shop.products[0];
    assert.deepEqual((await get(`products/${product.id}`)).body, product);
    const missing = await get(`customers/${id}`);
    assert.equal(missing.status, 404);
    assert.equal(missing.body.errors[0].code, "ResourceNotFound");
  });

  test("what is not served says so", async () => {
    assert.equal((await get("product-projections")).status, 404);
    assert.equal((await get("custom-objects/container/key")).status, 404);
    assert.equal((await get("customers", {}, { method: "PUT" })).status, 405);
  });

  test("documents can be put, replaced and removed", async () => {
    const id = "ffffffff-0000-4000-8000-000000000001";
    const document = { id, version: 7, email: "new@example.com", addresses: [] };
    sandbox.put("customer", document);
    document.email = "changed@example.com";
    assert.equal((await get(`customers/${id}`)).body.email, "new@example.com");
    sandbox.put("customer", { ...document, version: 8 });
    assert.equal(sandbox.get("customer", id).version, 8);
    const walked = await walk(get, "customers", { limit: 5 });
    assert.deepEqual(walked, inBinaryOrder([...ids(shop.customers), id]));
    sandbox.remove("customer", id);
    assert.equal(sandbox.get("customer", id), undefined);
    assert.equal((await get(`customers/${id}`)).status, 404);
    assert.deepEqual(
      await walk(get, "customers", { limit: 5 }),
      inBinaryOrder(ids(shop.customers)),
    );
    assert.throws(() => sandbox.put("inventory", document), /no resource type "inventory"/);
  });

  test("a reference to a document that is gone stays unexpanded", async () => {
    const code = sandbox.get("discount-code", fixedId("discount-code", 1));
    sandbox.remove("discount-code", code.id);
    const where = 'orderNumber = "F-2600001"';
    const { status, body } = await get("orders", {
      where,
      expand: "discountCodes[*].discountCode",
    });
    assert.equal(status, 200);
    assert.deepEqual(body.results[0].discountCodes[0].discountCode, {
      typeId: "discount-code",
      id: code.id,
    });
    sandbox.put("discount-code", code);
  });

  test("requests are logged", async () => {
    sandbox.requests.clear();
    await get("orders", { limit: 1, where: ['country = "DE"', 'orderState = "Open"'] });
    await get("orders/nothing");
    const logged = sandbox.requests.map(({ at, ...rest }) => rest);
    const where = ['country = "DE"', 'orderState = "Open"'];
    assert.deepEqual(logged, [
      { method: "GET", path: "/sandbox-shop/orders", query: { limit: "1", where }, status: 200 },
      { method: "GET", path: "/sandbox-shop/orders/nothing", query: {}, status: 404 },
    ]);
    assert.ok(Number.isFinite(Date.parse(sandbox.requests[0].at)));
  });
});

test("ids are in the order of the real API, or of the text where a test asks for it", async () => {
  const early = "00010203-0405-4007-8009-0a0b0c0d0e0f"; // 0740… (reference §5.2)
  const late = "00000000-0000-4008-8009-0a0b0c0d0e0f"; // 0840…
  const customers = [early, late].map((id) => ({ id, version: 1, email: `${id}@example.com` }));
  for (const [idOrder, expected] of [
    ["binary", [early, late]],
    ["text", [late, early]],
  ]) {
    await withSandbox({ shop: { customers }, idOrder }, async (sandbox) => {
      const get = await connect(sandbox);
      assert.deepEqual(await walk(get, "customers", { limit: 1 }), expected);
    });
  }
  await assert.rejects(startCommercetools({ idOrder: "random" }), RangeError);
  await assert.rejects(startCommercetools({ shop: { customer: [] } }), /A shop has no "customer"/);
});

test("any shop is walked completely, whatever the page size", async () => {
  const generated = generateShop({ seed: 7, customers: 60, orders: 40, products: 10 });
  await withSandbox({ shop: generated }, async (sandbox) => {
    const get = await connect(sandbox);
    const sizes = {
      path: fc.constantFrom("customers", "orders", "products", "inventory", "payments"),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.record({ ...sizes, limit: fc.integer({ min: 1, max: 70 }) }),
        async (run) => {
          const expected = inBinaryOrder(ids(documentsAt(run.path, generated)));
          assert.deepEqual(await walk(get, run.path, { limit: run.limit }), expected);
        },
      ),
      { numRuns: 20, seed: seedFor("the walks") },
    );
  });
});

test("a document that comes during a walk does not disturb it", async () => {
  await withSandbox({}, async (sandbox) => {
    const get = await connect(sandbox);
    let n = 0;
    const each = () => {
      n += 1;
      const id = `0000000${n}-aaaa-4bbb-8ccc-00000000000${n}`;
      sandbox.put("customer", { id, version: 1, email: `${n}@example.com` });
    };
    const walked = await walk(get, "customers", { limit: 5, each });
    assert.ok(ids(shop.customers).every((id) => walked.filter((seen) => seen === id).length === 1));
    assert.equal(new Set(walked).size, walked.length);
  });
});
