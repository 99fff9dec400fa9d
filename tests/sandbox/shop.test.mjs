// The sample shop is consistent and has what its tests rely on; a generated one follows from its
// seed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RESOURCES } from "../../sandbox/commercetools/resources.mjs";
import { generateShop } from "../../sandbox/shop/generate.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { byText, documentsAt, ids, inBinaryOrder, PATHS, shop } from "./commercetools-client.mjs";

describe("the sample shop", () => {
  const every = Object.values(shop).flat();

  /** Each `{ typeId, id }` inside `value`. */
  function references(value) {
    if (typeof value !== "object" || value === null) return [];
    const inner = Object.values(value).flatMap(references);
    return typeof value.typeId === "string" && value.id ? [value, ...inner] : inner;
  }

  test("ids are unique UUIDs, and documents are not in their order", () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    assert.ok(every.every(({ id }) => uuid.test(id)));
    assert.equal(new Set(ids(every)).size, every.length);
    for (const path of PATHS) {
      assert.notDeepEqual(ids(documentsAt(path)), inBinaryOrder(ids(documentsAt(path))), path);
    }
  });

  test("every reference leads to a document of the shop", () => {
    for (const { typeId, id } of every.flatMap(references)) {
      const { shop: member } = RESOURCES.find((known) => known.typeId === typeId);
      assert.ok(
        shop[member].some((document) => document.id === id),
        `${typeId} ${id}`,
      );
    }
  });

  test("each call gives a shop of its own", () => {
    const mine = sampleShop();
    mine.customers[0].email = "changed@example.com";
    mine.orders[0].lineItems[0].variant.sku = "CHANGED";
    assert.deepEqual(sampleShop(), shop);
  });

  test("money is typed, and has the digits of its currency", () => {
    const money = (value) => {
      if (typeof value !== "object" || value === null) return [];
      return "centAmount" in value ? [value] : Object.values(value).flatMap(money);
    };
    const all = every.flatMap(money);
    const digits = (each) => (each.currencyCode === "JPY" ? 0 : 2);
    for (const each of all.filter(({ type }) => type === "centPrecision")) {
      assert.equal(each.fractionDigits, digits(each));
      assert.ok(Number.isInteger(each.centAmount));
    }
    const precise = all.filter(({ type }) => type === "highPrecision");
    assert.ok(precise.length > 0);
    for (const { preciseAmount, fractionDigits, centAmount } of precise) {
      assert.equal(centAmount, Math.round(preciseAmount / 10 ** (fractionDigits - 2)));
    }
  });

  const totalsOf = ({ lineItems, customLineItems, shippingInfo }) => [
    ...[...lineItems, ...customLineItems].map(({ totalPrice }) => totalPrice.centAmount),
    shippingInfo?.price.centAmount ?? 0,
  ];

  test("what an order costs is the sum of its parts, and its payment is over that", () => {
    const generated = generateShop({ seed: 3, customers: 5, orders: 20, products: 5 });
    for (const { orders, payments } of [shop, generated]) {
      for (const order of orders) {
        const off = order.discountOnTotalPrice?.discountedAmount.centAmount ?? 0;
        const sum = totalsOf(order).reduce((total, cents) => total + cents, 0);
        assert.equal(order.totalPrice.centAmount, sum - off, order.orderNumber);
        const { totalNet, totalGross, totalTax } = order.taxedPrice;
        assert.equal(totalNet.centAmount + totalTax.centAmount, totalGross.centAmount);
        for (const { id } of order.paymentInfo?.payments ?? []) {
          assert.deepEqual(payments.find((each) => each.id === id).amountPlanned, totalGross);
        }
      }
    }
  });

  test("customers show the five address situations", () => {
    const situation = ({ addresses, defaultBillingAddressId, billingAddressIds }) => {
      if (addresses.length === 0) return "none";
      const stands = addresses.some(({ id }) => id === defaultBillingAddressId);
      if (defaultBillingAddressId) return stands ? "default" : "default is gone";
      return billingAddressIds.length > 0 ? "billing" : "plain";
    };
    const situations = new Set(shop.customers.map(situation));
    assert.deepEqual(byText(situations), [
      "billing",
      "default",
      "default is gone",
      "none",
      "plain",
    ]);
    const countries = new Set(
      shop.customers.flatMap(({ addresses }) =>
        addresses.filter(({ phone, mobile }) => phone ?? mobile).map(({ country }) => country),
      ),
    );
    for (const country of ["DE", "GB", "US", "CH"]) assert.ok(countries.has(country), country);
  });

  test("orders show every state, identity and kind of line", () => {
    const distinct = (of) => byText(new Set(shop.orders.flatMap(of)));
    assert.deepEqual(
      distinct(({ orderState }) => orderState),
      ["Cancelled", "Complete", "Confirmed", "Open"],
    );
    assert.deepEqual(
      distinct(({ totalPrice }) => totalPrice.currencyCode),
      ["CHF", "EUR", "GBP", "JPY", "USD"],
    );
    const identity = (order) =>
      ["customerId", "customerEmail", "anonymousId"].filter((name) => order[name]).join("+");
    assert.deepEqual(
      distinct(identity),
      [
        "",
        "anonymousId",
        "customerEmail",
        "customerEmail+anonymousId",
        "customerId+customerEmail",
      ].sort(),
    );
    const lines = shop.orders.flatMap(({ lineItems }) => lineItems);
    assert.ok(lines.some(({ lineItemMode }) => lineItemMode === "GiftLineItem"));
    assert.ok(lines.some(({ price }) => price.value.type === "highPrecision"));
    assert.ok(lines.some(({ price }) => price.discounted));
    assert.ok(
      lines.some(({ discountedPricePerQuantity }) => discountedPricePerQuantity.length > 0),
    );
    assert.ok(
      lines.every(
        ({ variant }) =>
          variant.attributes.some(({ name }) => name === "brand") ||
          variant.sku === "DISCONTINUED-TENT",
      ),
    );
    const custom = shop.orders.flatMap(({ customLineItems }) => customLineItems);
    assert.ok(custom.some(({ money }) => money.centAmount < 0));
    assert.ok(shop.orders.some(({ completedAt, createdAt }) => completedAt < createdAt));
    assert.ok(shop.orders.some(({ discountCodes }) => discountCodes.length > 0));
  });

  test("payments show no refund, one, several in different states", () => {
    const refunds = shop.payments.map(({ transactions }) =>
      transactions
        .filter(({ type }) => type === "Refund")
        .map(({ state }) => state)
        .join(),
    );
    assert.deepEqual(byText(new Set(refunds)), [
      "",
      "Failure,Success",
      "Success",
      "Success,Pending",
    ]);
  });

  test("the catalogue shows what a catalogue sync must get right", () => {
    assert.equal(Math.max(...shop.categories.map(({ ancestors }) => ancestors.length)), 2);
    for (const { ancestors, parent } of shop.categories) {
      assert.deepEqual(ancestors.at(-1), parent);
    }
    const data = shop.products.map(({ masterData }) => masterData.current);
    const variants = data.flatMap(({ masterVariant, variants }) => [masterVariant, ...variants]);
    assert.equal(Math.max(...data.map(({ variants }) => variants.length)), 99);
    assert.equal(variants.filter(({ sku }) => !sku).length, 1);
    assert.equal(data.filter(({ name }) => !name.en).length, 1);
    assert.equal(shop.products.filter(({ masterData }) => !masterData.published).length, 1);
    assert.equal(shop.products.filter(({ masterData }) => masterData.hasStagedChanges).length, 1);
    const standalone = shop.products.filter(({ priceMode }) => priceMode === "Standalone");
    const { masterVariant, variants: others } = standalone[0].masterData.current;
    const skus = [masterVariant, ...others].map(({ sku, prices }) => prices.length === 0 && sku);
    assert.deepEqual([...new Set(shop.standalonePrices.map(({ sku }) => sku))], skus);
    const scopes = new Set(variants.flatMap(({ prices }) => prices.flatMap(Object.keys)));
    for (const scope of [
      "country",
      "customerGroup",
      "channel",
      "validFrom",
      "validUntil",
      "discounted",
    ]) {
      assert.ok(scopes.has(scope), scope);
    }
    const stock = new Set(
      variants.map(({ availability }) =>
        availability
          ? [availability.isOnStock, Boolean(availability.channels)].join()
          : "untracked",
      ),
    );
    assert.deepEqual(byText(stock), [
      ",true",
      "false,false",
      "true,false",
      "true,true",
      "untracked",
    ]);
  });
});

describe("generated shops", () => {
  const sizes = {
    seed: 5,
    customers: 30,
    orders: 20,
    products: 4,
    variantsPerProduct: 100,
    linesPerOrder: 3,
  };

  test("have the sizes asked for", () => {
    const { customers, orders, products, inventory } = generateShop(sizes);
    assert.deepEqual([customers.length, orders.length, products.length], [30, 20, 4]);
    assert.equal(products[0].masterData.current.variants.length, 99);
    assert.equal(inventory.length, 400);
    assert.ok(orders.every(({ lineItems }) => lineItems.length === 3));
    assert.throws(() => generateShop({ ...sizes, variantsPerProduct: 101 }), RangeError);
    assert.deepEqual(generateShop({ customers: 1, orders: 0, products: 0 }).products, []);
  });

  test("follow from their seed", () => {
    assert.deepEqual(generateShop(sizes), generateShop(sizes));
    assert.notDeepEqual(generateShop(sizes).orders, generateShop({ ...sizes, seed: 6 }).orders);
  });
});
