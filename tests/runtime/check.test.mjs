// GET /check through the built worker, between the two sandboxes: it names each problem separately,
// and no secret.

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { DEFAULT_SCOPES } from "../../sandbox/commercetools/resources.mjs";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { ALL_SCOPES, MAPPED_METRICS } from "../../sandbox/klaviyo/server.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { ADMIN_TOKEN, PUSH_TOKEN, settingsFor } from "../../sandbox/worker.mjs";
import { startAlone, unreachable, useStack } from "./harness.mjs";

const AUTHORIZED = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
const NAMES = [
  ...["settings", "push_authentication", "shop"],
  ...["commercetools_token", "commercetools_scopes", "commercetools_api"],
  ...["commercetools_catalog", "commercetools_stock"],
  ...["klaviyo_key", "klaviyo_scopes", "klaviyo_api", "klaviyo_metrics"],
  ...["outbox", "watch", "import", "catalogue"],
];

const stack = useStack();
let key;
beforeEach(() => {
  key ??= stack.klaviyo.key;
  Object.assign(stack.klaviyo.settings, { key, scopes: ALL_SCOPES, mappedMetrics: MAPPED_METRICS });
});

async function check(call = stack.call) {
  const { status, body, text } = await call("/check", AUTHORIZED);
  assert.equal(status, 200, text);
  assert.equal(
    body.ok,
    body.checks.every(({ ok }) => ok),
  );
  return { text, ...body, of: Object.fromEntries(body.checks.map((one) => [one.name, one])) };
}

test("a metric that is not mapped to ours is a warning, and all is well", async () => {
  const cases = [
    [{}, "warning", /revenue to .*placedOrder.*refunded_sales to .*refundedOrder/],
    [{ ...MAPPED_METRICS, revenue: null }, "warning", /revenue.*is mapped to none/],
    [
      { ...MAPPED_METRICS, cancelled_sales: { name: "Cancelled Order", integration: "Shopify" } },
      "warning",
      /cancelled_sales.*another integration/,
    ],
    [{ ...MAPPED_METRICS, revenue: { name: "Sales", custom: true } }, "ok", /custom metric/],
  ];
  for (const [mappedMetrics, level, said] of cases) {
    // Klaviyo lets them be read once a second.
    stack.klaviyo.reset();
    stack.klaviyo.settings.mappedMetrics = mappedMetrics;
    const { ok, of, text } = await check();
    assert.equal(ok, true, text);
    assert.equal(of.klaviyo_metrics.level, level, text);
    assert.match(of.klaviyo_metrics.detail, said);
  }
});

test("stock in channels that nobody named is a warning, and all is well", async () => {
  const withStock = fixedId("channel", 1);
  const without = "00000000-0000-4000-8000-000000000000";
  for (const [useChannelInventory, level, said] of [
    ["", "warning", /stock lies in supply channels, and none is named/],
    [withStock, "ok", /in the supply channels that are named/],
    [[without, withStock], "ok", /in the supply channels that are named/],
    [[without], "warning", /no stock lies in the supply channels that .* names/],
  ]) {
    const CONFIG = JSON.stringify({ product: { inventory: { useChannelInventory } } });
    const settings = { ...settingsFor(stack.commercetools, stack.klaviyo), CONFIG };
    await alone(settings, async ({ call }) => {
      const { ok, of, text } = await check(call);
      assert.equal(ok, true, text);
      assert.equal(of.commercetools_stock.level, level, text);
      assert.match(of.commercetools_stock.detail, said);
    });
  }
});

test("the scope for the mapped metrics is optional", async () => {
  stack.klaviyo.settings.scopes = ALL_SCOPES.filter((scope) => scope !== "metrics:read");
  const { ok, of, text } = await check();
  assert.equal(ok, true, text);
  assert.equal(of.klaviyo_metrics.level, "ok");
  assert.match(of.klaviyo_metrics.detail, /metrics:read.*optional/);
});

/** Exactly these checks fail. */
function assertWrong({ checks, text }, wrong) {
  const found = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  assert.deepEqual(found, wrong, text);
}

test("all is well, and it is said what that means", async () => {
  const { ok, checks, of, text } = await check();
  assert.equal(ok, true, text);
  assert.deepEqual(
    checks.map(({ name }) => name),
    NAMES,
  );
  for (const [name, said] of [
    [
      "settings",
      /present: CT_API_CLIENT, KLAVIYO_AUTH_KEY, PUSH_TOKEN, ADMIN_TOKEN, READ_TOKEN; missing: ALERT_URL/,
    ],
    ["push_authentication", /PUSH_TOKEN/],
    ["shop", /PREFERRED_CURRENCY/],
    ["commercetools_scopes", /view_customers, view_orders, view_payments, view_products are there/],
    ["commercetools_api", /customers, orders, payments, products, categories, inventory/],
    ["commercetools_catalog", /the catalogue is Classic/],
    ["catalogue", /no products were imported yet/],
    ["klaviyo_scopes", /profiles:read, catalogs:read, lists:read are there/],
    ["klaviyo_api", /revision 2026-10-15 is retired on 2028-10-15, in \d+ days/],
  ]) {
    assert.match(of[name].detail, said);
  }
  assert.deepEqual(stack.klaviyo.violations, []);
  assert.deepEqual([...new Set(stack.klaviyo.requests.map(({ method }) => method))], ["GET"]);
});

describe("what is wrong is named, and hides nothing else", () => {
  for (const [what, wrong, said, damage] of [
    [
      "a wrong Klaviyo key",
      ["klaviyo_key", "klaviyo_scopes", "klaviyo_api"],
      { klaviyo_key: /refuses KLAVIYO_AUTH_KEY/ },
      ({ klaviyo }) => {
        klaviyo.settings.key = "pk_another";
      },
    ],
    [
      "a missing scope of Klaviyo's",
      ["klaviyo_scopes"],
      { klaviyo_scopes: /missing: lists:read;.*make a new one/ },
      ({ klaviyo }) => {
        klaviyo.settings.scopes = ALL_SCOPES.filter((scope) => scope !== "lists:read");
      },
    ],
    [
      "a Klaviyo that is out",
      ["klaviyo_key", "klaviyo_scopes", "klaviyo_api"],
      { klaviyo_key: /klaviyo_503/ },
      ({ klaviyo }) => klaviyo.faults.add({ status: 503 }),
    ],
    [
      "a revision that is retired",
      ["klaviyo_api"],
      { klaviyo_api: /is retired since 2020-01-31: update/ },
      ({ klaviyo }) => {
        const headers = { "x-klaviyo-api-retirement-date": "2020-01-31" };
        klaviyo.faults.add({ status: 200, headers, body: { data: [] } });
      },
    ],
    [
      "a client that commercetools refuses",
      ["commercetools_token", "commercetools_scopes", "commercetools_api"],
      { commercetools_token: /CT_API_CLIENT/ },
      ({ commercetools }) => commercetools.faults.add({ path: "/oauth", status: 401 }),
    ],
    [
      "a commercetools that is out",
      ["commercetools_api"],
      { commercetools_api: /orders: commercetools answers 502/ },
      ({ commercetools }) => commercetools.faults.add({ path: "/sandbox-shop", status: 502 }),
    ],
    [
      "a resource that breaks off",
      ["commercetools_api"],
      { commercetools_api: /^payments: commercetools_network, see CT_API_URL$/ },
      ({ commercetools }) =>
        commercetools.faults.add({ path: "/sandbox-shop/payments", reset: true }),
    ],
  ]) {
    test(what, async () => {
      damage(stack);
      const answer = await check();
      assertWrong(answer, wrong);
      for (const [name, pattern] of Object.entries(said)) {
        assert.match(answer.of[name].detail, pattern);
      }
    });
  }

  test("neither system can be reached", async () => {
    await alone(unreachable, async ({ call }) => {
      const answer = await check(call);
      const klaviyo = ["klaviyo_key", "klaviyo_scopes", "klaviyo_api"];
      assertWrong(answer, [
        ...["commercetools_token", "commercetools_scopes", "commercetools_api"],
        ...klaviyo,
      ]);
      assert.match(
        answer.of.commercetools_token.detail,
        /commercetools_token_network.*CT_AUTH_URL/,
      );
      assert.match(answer.of.klaviyo_key.detail, /klaviyo_network.*KLAVIYO_API_URL/);
      assert.ok(!answer.text.includes("hidden"), answer.text);
    });
  });

  test("systems that never answer", async () => {
    stack.klaviyo.faults.add({ hang: true });
    stack.commercetools.faults.add({ path: "/sandbox-shop/orders", hang: true });
    const answer = await check();
    assertWrong(answer, ["commercetools_api", "klaviyo_key", "klaviyo_scopes", "klaviyo_api"]);
    assert.match(answer.of.commercetools_api.detail, /orders: commercetools_timeout/);
    assert.match(answer.of.klaviyo_key.detail, /klaviyo_timeout/);
  });
});

describe("commercetools' scopes", () => {
  for (const [what, scopes, wrong, said] of [
    [
      "a needed one",
      DEFAULT_SCOPES.filter((scope) => scope !== "view_payments"),
      ["commercetools_scopes", "commercetools_api"],
      [/missing: view_payments;/, /^payments: give the API client the scope view_payments$/],
    ],
    [
      "those that can be left out",
      ["view_customers", "view_orders", "view_payments", "view_products"],
      [],
      [
        /without view_discount_codes, .* without view_standalone_prices/,
        /customers, orders, payments, products, categories, inventory can be read/,
      ],
    ],
    [
      "none, since it may manage all",
      ["manage_project"],
      [],
      [/are there$/, /discount codes, types, project can/],
    ],
  ]) {
    test(`missing: ${what}`, async () => {
      const shop = await startCommercetools({ scopes });
      try {
        await alone(settingsFor(shop, stack.klaviyo), async ({ call }) => {
          const answer = await check(call);
          assertWrong(answer, wrong);
          assert.match(answer.of.commercetools_scopes.detail, said[0]);
          assert.match(answer.of.commercetools_api.detail, said[1]);
        });
      } finally {
        await shop.close();
      }
    });
  }

  for (const [what, changes, wrong, said] of [
    [
      "a scope that the client does not have",
      { CT_SCOPES: "view_orders:sandbox-shop manage_stars:sandbox-shop" },
      ["commercetools_token", "commercetools_scopes", "commercetools_api"],
      ["commercetools_token", /CT_SCOPES/],
    ],
    [
      "another project",
      { CT_PROJECT_ID: "another", CT_SCOPES: undefined },
      ["commercetools_scopes", "commercetools_api"],
      ["commercetools_scopes", /missing: view_customers, view_orders/],
    ],
  ]) {
    test(`asked for: ${what}`, () =>
      alone(withSettings(changes), async ({ call }) => {
        const answer = await check(call);
        assertWrong(answer, wrong);
        const [name, pattern] = said;
        assert.match(answer.of[name].detail, pattern);
      }));
  }
});

describe("each mode", () => {
  for (const [APP_TYPE, names, said] of [
    ["EVENT", NAMES.slice(0, -2), /takes pushes and runs no imports/],
    ["BULK_IMPORT", NAMES, /runs imports and takes no pushes/],
  ]) {
    test(`${APP_TYPE} has its checks`, () =>
      alone(withSettings({ APP_TYPE }), async ({ call }) => {
        const { ok, checks, of, text } = await check(call);
        assert.equal(ok, true, text);
        assert.deepEqual(
          checks.map(({ name }) => name),
          names,
        );
        assert.match(of.settings.detail, said);
      }));
  }

  test("pushes that nothing lets in are wrong only where pushes are taken", async () => {
    for (const [APP_TYPE, wrong] of [
      [undefined, ["push_authentication"]],
      ["BULK_IMPORT", []],
    ]) {
      await alone(withSettings({ APP_TYPE, PUSH_TOKEN: undefined }), async ({ call }) => {
        const answer = await check(call);
        assertWrong(answer, wrong);
        assert.match(answer.of.settings.detail, /missing: PUSH_TOKEN/);
      });
    }
  });
});

test("no secret and nobody's data is shown or logged, whatever is wrong", async () => {
  const texts = [(await check()).text];
  stack.klaviyo.faults.add({ status: 401, body: { errors: [{ detail: stack.klaviyo.key }] } });
  stack.commercetools.faults.add({ status: 400, body: { message: "sandbox-secret" } });
  texts.push((await check()).text, stack.lines.join("\n"));
  const { clientId, secret } = stack.commercetools.credentials;
  for (const hidden of [clientId, secret, stack.klaviyo.key, PUSH_TOKEN, ADMIN_TOKEN, "@"]) {
    for (const text of texts) assert.ok(!text.includes(hidden), `${hidden} in ${text}`);
  }
});

test("it is for the admin token, and for settings that are in order", async () => {
  assert.equal((await stack.call("/check")).status, 401);
  const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
  assert.equal((await stack.call("/check", { headers })).status, 401);
  const wrong = await stack.call("/check", { method: "POST", ...AUTHORIZED });
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "GET"]);
  await alone(withSettings({ CONFIG: "{", APP_TYPE: "x" }), async ({ call }) => {
    const { status, body } = await call("/check", AUTHORIZED);
    assert.deepEqual([status, body.code, body.problems.length], [503, "not_configured", 2]);
  });
});

function withSettings(changes) {
  return { ...settingsFor(stack.commercetools, stack.klaviyo), ...changes };
}

async function alone(settings, use) {
  const worker = await startAlone(settings);
  try {
    await use(worker);
  } finally {
    await worker.close();
  }
}
