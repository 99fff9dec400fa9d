// Catalogue models in the commercetools sandbox: the project names its model, which opens and
// closes queries. The shop in Modular form: shop-modular.test.mjs.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createCollection } from "../../sandbox/commercetools/collection.mjs";
import { change, cloudEvent, message } from "../../sandbox/commercetools/notifications.mjs";
import { parseSort } from "../../sandbox/commercetools/ordering.mjs";
import { parseWhere } from "../../sandbox/commercetools/predicate.mjs";
import { indexedFields } from "../../sandbox/commercetools/resources.mjs";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { modularForm } from "../../sandbox/shop/modular.mjs";
import { connect, ids, inBinaryOrder, shop, walk, withSandbox } from "./commercetools-client.mjs";

const modular = modularForm(shop);

describe("the project", () => {
  test("says what it is, and its catalogue model unless that is Classic", async () => {
    await withSandbox({}, async (sandbox) => {
      const get = await connect(sandbox);
      const { status, body } = await get("");
      assert.equal(status, 200);
      assert.deepEqual(body.messages, { enabled: true, deleteDaysAfterCreation: 15 });
      const { version, messages, ...rest } = body;
      assert.deepEqual(Object.keys(rest).sort(), [
        "countries",
        "createdAt",
        "currencies",
        "key",
        "languages",
        "name",
      ]);
      assert.equal(rest.key, "sandbox-shop");
      for (const model of ["InMigration", "Modular"]) {
        sandbox.setCatalogModel(model);
        const after = (await get("")).body;
        assert.equal(after.productCatalogModel, model);
        assert.ok(after.version > version);
      }
      sandbox.reset();
      assert.deepEqual((await get("")).body, body);
      assert.throws(() => sandbox.setCatalogModel("modular"), RangeError);
    });
    await assert.rejects(startCommercetools({ catalogModel: "Modern" }), RangeError);
  });

  for (const [scope, expected] of [
    ["view_project_settings", 200],
    ["manage_project_settings", 200],
    ["manage_project", 200],
    ["view_products", 403],
  ]) {
    test(`with ${scope} it answers ${expected}`, async () => {
      await withSandbox({ scopes: [scope], catalogModel: "Modular" }, async (sandbox) => {
        const { status, body } = await (await connect(sandbox))("");
        assert.equal(status, expected);
        if (status === 403)
          assert.match(body.message, /missing: view_project_settings:sandbox-shop/);
      });
    });
  }

  test("is changed, but not deleted; variants are only read here", async () => {
    await withSandbox({ scopes: ["manage_project"], catalogModel: "Modular" }, async (sandbox) => {
      const call = await connect(sandbox);
      assert.equal((await call("", {}, { method: "DELETE" })).status, 405);
      assert.equal((await call("variants", {}, { method: "POST" })).status, 405);
    });
  });
});

describe("a Classic project", () => {
  test("has no variants of their own, and products by the SKUs of theirs", async () => {
    await withSandbox({ shop: modular }, async (sandbox) => {
      const get = await connect(sandbox);
      for (const path of ["variants", `variants/${modular.variants[0].id}`, "variants/nobody"]) {
        const { status, body } = await get(path);
        assert.deepEqual([status, body.statusCode], [400, 400], path);
        assert.equal(body.errors[0].code, "InvalidOperation");
      }
    });
  });
});

const BY_SKU = [
  'masterData(current(masterVariant(sku in ("VIA-42"))))',
  'masterData(current(variants(sku = "VIA-42")))',
  'masterData(published = true) and not (masterData(current(masterVariant(sku = "A"))))',
];

for (const [model, allowed] of [
  ["Classic", true],
  ["InMigration", true],
  ["Modular", false],
]) {
  test(`of ${model} projects, products ${allowed ? "have" : "lack"} variants in predicates`, async () => {
    await withSandbox({ catalogModel: model }, async (sandbox) => {
      const get = await connect(sandbox);
      for (const where of BY_SKU) {
        const { status, body } = await get("products", { where });
        assert.equal(status, allowed ? 200 : 400, where);
        if (allowed) continue;
        assert.equal(body.statusCode, 400);
        assert.match(
          body.errors[0].message,
          /^Malformed parameter: where: .*(masterVariant|variants)/,
        );
      }
      assert.equal(
        (await get("products", { where: 'masterData(current(slug(en = "a")))' })).status,
        200,
      );
      const line = 'lineItems(variant(sku = "VIA-42"))';
      assert.equal((await get("orders", { where: line })).status, 200);
    });
  });
}

describe("variants", () => {
  let sandbox;
  let get;
  before(async () => {
    sandbox = await startCommercetools({ shop: modular, catalogModel: "Modular" });
    get = await connect(sandbox);
  });
  after(() => sandbox.close());
  beforeEach(() => sandbox.reset());

  const all = modular.variants;
  const [boots, merino] = ["via-boots", "merino-150"].map((key) =>
    modular.products.find((each) => each.key === key),
  );
  const found = async (where, parameters = {}) => {
    const answer = await get("variants", { where, sort: "id asc", limit: 500, ...parameters });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return ids(answer.body.results);
  };
  const expected = (test) => inBinaryOrder(ids(all.filter(test)));

  test("one is read by id and by key", async () => {
    const [one] = all;
    assert.deepEqual(await get(`variants/${one.id}`), { status: 200, body: one });
    assert.deepEqual((await get(`variants/key=${one.key}`)).body, one);
    for (const path of ["variants/nobody", "variants/key=nobody", `variants/${one.id}/more`]) {
      const { status, body } = await get(path);
      assert.deepEqual([status, body.errors[0].code], [404, "ResourceNotFound"], path);
    }
    const { body } = await get(`variants/${one.id}`, { expand: "product" });
    assert.equal(body.product.obj.id, one.product.id);
  });

  test("they can be queried as an import and a push do", async () => {
    const sorted = inBinaryOrder(ids(all));
    const middle = all[40];
    const PREDICATES = [
      [`product(id = "${merino.id}")`, (e) => e.product.id === merino.id],
      [
        `product(id in ("${merino.id}", "${boots.id}", "nobody"))`,
        (e) => [merino.id, boots.id].includes(e.product.id),
      ],
      ["published = true", (e) => e.published],
      ["published = false", (e) => !e.published],
      ['current(sku = "VIA-43")', (e) => e.current.sku === "VIA-43"],
      ['current(sku in ("VIA-43", "MUG-ENAMEL"))', (e) => /VIA-43|MUG/.test(e.current.sku)],
      ["current(sku is not defined)", (e) => e.current.sku === undefined],
      [`id > "${middle.id}"`, (e) => sorted.indexOf(e.id) > sorted.indexOf(middle.id)],
      [
        `lastModifiedAt >= "${middle.lastModifiedAt}"`,
        (e) => e.lastModifiedAt >= middle.lastModifiedAt,
      ],
      [`createdAt < "${middle.createdAt}"`, (e) => e.createdAt < middle.createdAt],
      [
        `product(id in ("${merino.id}")) and published = true and id > "${middle.id}"`,
        (e) => e.product.id === merino.id && sorted.indexOf(e.id) > sorted.indexOf(middle.id),
      ],
      [
        `product(id = "${merino.id}") or current(sku = "VIA-43")`,
        (e) => e.product.id === merino.id || e.current.sku === "VIA-43",
      ],
    ];
    for (const [where, matches] of PREDICATES) {
      assert.ok(all.some(matches) && !all.every(matches), `${where} tells nothing apart`);
      assert.deepEqual(await found(where), expected(matches), where);
    }
    const bound = await found("current(sku in :skus)", { "var.skus": ["VIA-42", "VIA-43"] });
    assert.deepEqual(
      bound,
      expected((e) => e.current.sku?.startsWith("VIA-")),
    );
  });

  test("they are walked and paged as everything else", async () => {
    assert.deepEqual(await walk(get, "variants", { limit: 7 }), inBinaryOrder(ids(all)));
    const { body } = await get("variants", { where: "published = true", limit: 3, offset: 1 });
    assert.deepEqual([body.limit, body.offset, body.count], [3, 1, 3]);
    assert.equal(body.total, all.filter(({ published }) => published).length);
    assert.equal("total" in (await get("variants", { withTotal: false })).body, false);
    assert.equal((await get("variants", { limit: 501 })).status, 400);
    assert.equal((await get("variants", { where: "id >" })).status, 400);
  });

  test("what a test puts or removes is seen by every way to find it", async () => {
    const [first] = all.filter(({ product }) => product.id === boots.id);
    const { sku } = first.current;
    const bySku = (wanted) => found(`current(sku = "${wanted}")`);
    const count = async () => (await found(`product(id = "${boots.id}")`)).length;
    assert.deepEqual([await bySku(sku), await count()], [[first.id], 2]);
    sandbox.put("variant", { ...first, current: { ...first.current, sku: "RENAMED" } });
    assert.deepEqual([await bySku(sku), await bySku("RENAMED")], [[], [first.id]]);
    sandbox.put("variant", { ...first, product: { typeId: "product", id: merino.id } });
    assert.deepEqual([await bySku(sku), await count()], [[first.id], 1]);
    sandbox.remove("variant", first.id);
    assert.deepEqual([await bySku(sku), await bySku("RENAMED"), await count()], [[], [], 1]);
    assert.equal((await get(`variants/${first.id}`)).status, 404);
    sandbox.put("variant", first);
    assert.deepEqual([await bySku(sku), await count()], [[first.id], 2]);
  });

  test("they need the scope for products", async () => {
    for (const [scopes, status] of [
      [["view_products"], 200],
      [["manage_products"], 200],
      [["view_standalone_prices", "view_project_settings"], 403],
    ]) {
      await withSandbox({ shop: modular, catalogModel: "InMigration", scopes }, async (other) => {
        assert.equal((await (await connect(other))("variants")).status, status, scopes.join());
      });
    }
  });

  test("those of a SKU or a product are found without a look at the others", () => {
    const collection = createCollection((id) => id, indexedFields("variant"));
    for (const variant of all) collection.put(variant);
    for (const [text, expected] of [
      ['current(sku in ("VIA-42", "VIA-43"))', 2],
      [`product(id = "${merino.id}") and published = true`, 100],
      [`product(id in ("${boots.id}")) and id > "0"`, 2],
    ]) {
      let looked = 0;
      const where = parseWhere([text], {}, (id) => id);
      const counted = (document) => {
        looked += 1;
        return where.matches(document);
      };
      const query = { sort: parseSort(["id asc"]), offset: 0, limit: 500, withTotal: false };
      const { documents } = collection.query({ ...query, where: { ...where, matches: counted } });
      assert.deepEqual([documents.length, looked], [expected, expected], text);
    }
  });
});

test("notifications about variants", () => {
  const [variant] = modular.variants;
  const resource = { typeId: "variant", id: variant.id };
  const published = message("VariantPublished", resource, { product: variant.product });
  assert.deepEqual([published.resource, published.product], [resource, variant.product]);
  const { source, type, subject } = cloudEvent(published);
  assert.deepEqual(
    [source, type, subject],
    ["/sandbox-shop/variants", "com.commercetools.variant.message.VariantPublished", variant.id],
  );
  const updated = cloudEvent(change("ResourceUpdated", resource));
  assert.equal(updated.type, "com.commercetools.variant.change.ResourceUpdated");
  assert.equal("product" in updated.data, false);
});
