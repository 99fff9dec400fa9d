// The access rules of the commercetools sandbox, and the failures that a test can request.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";
import { connect, requestToken, withSandbox } from "./commercetools-client.mjs";

describe("tokens and scopes", () => {
  const error = async (answer) => {
    const body = await answer.json();
    assert.equal(body.statusCode, answer.status);
    assert.equal(body.errors[0].code, body.error);
    return [answer.status, body.error];
  };

  test("client credentials give a bearer token for the client's scopes, or for some", async () => {
    await withSandbox({ scopes: ["view_orders", "view_customers"] }, async (sandbox) => {
      const scope = "view_orders:sandbox-shop view_customers:sandbox-shop";
      assert.equal(sandbox.credentials.scopes, scope);
      const { access_token: token, ...rest } = await (await requestToken(sandbox)).json();
      assert.ok(token.length > 20);
      assert.deepEqual(rest, { token_type: "Bearer", expires_in: 172_800, scope });
      const some = { scope: "view_orders:sandbox-shop" };
      assert.equal((await (await requestToken(sandbox, some)).json()).scope, some.scope);
      const get = await connect(sandbox, some);
      assert.deepEqual([(await get("orders")).status, (await get("customers")).status], [200, 403]);
      const foreign = await requestToken(sandbox, { scope: "view_payments:sandbox-shop" });
      assert.deepEqual(await error(foreign), [400, "invalid_scope"]);
    });
  });

  test("wrong credentials and grants are refused", async () => {
    await withSandbox({}, async (sandbox) => {
      const wrong = { credentials: { ...sandbox.credentials, secret: "guess" } };
      assert.deepEqual(await error(await requestToken(wrong)), [401, "invalid_client"]);
      const without = await fetch(`${sandbox.url}/oauth/token`, { method: "POST" });
      assert.deepEqual(await error(without), [401, "invalid_client"]);
      const grant = await requestToken(sandbox, { grant_type: "password" });
      assert.deepEqual(await error(grant), [400, "unsupported_grant_type"]);
      const url = `${sandbox.url}/sandbox-shop/customers`;
      assert.deepEqual(await error(await fetch(url)), [401, "invalid_token"]);
      const headers = { authorization: "Bearer guess" };
      assert.deepEqual(await error(await fetch(url, { headers })), [401, "invalid_token"]);
    });
  });

  test("a token ends when revoked, expired, or its time is over; a new one works", async () => {
    let clock = 1_000;
    await withSandbox({ tokenSeconds: 60, now: () => clock }, async (sandbox) => {
      const endings = [
        sandbox.revokeTokens,
        sandbox.expireTokens,
        () => {
          clock += 60_000;
        },
      ];
      for (const end of endings) {
        const get = await connect(sandbox);
        assert.equal((await get("orders")).status, 200);
        end();
        assert.equal((await get("orders")).status, 401);
      }
      const get = await connect(sandbox);
      clock += 59_999;
      assert.equal((await get("orders")).status, 200);
    });
  });

  test("without authorization nothing is asked for", async () => {
    await withSandbox({ auth: false }, async ({ url }) => {
      assert.equal((await fetch(`${url}/sandbox-shop/orders`)).status, 200);
      assert.equal((await fetch(`${url}/another-shop/orders`)).status, 404);
    });
  });

  // Reference §5.4: which one scope, left out, closes which endpoints.
  const CLOSES = {
    view_customers: ["customers"],
    view_orders: ["orders"],
    view_payments: ["payments"],
    view_products: ["products", "categories", "inventory", "channels", "product-types"],
    view_standalone_prices: ["standalone-prices"],
    view_discount_codes: ["discount-codes"],
    view_stores: ["stores"],
    view_types: ["types"],
  };
  const ALL = Object.keys(CLOSES);

  for (const [scope, closed] of Object.entries(CLOSES)) {
    test(`without ${scope}, ${closed.join(", ")} answer 403`, async () => {
      const scopes = ALL.filter((each) => each !== scope);
      await withSandbox({ scopes }, async (sandbox) => {
        const get = await connect(sandbox);
        for (const path of Object.values(CLOSES).flat()) {
          const { status, body } = await get(path, { limit: 1 });
          assert.equal(status, closed.includes(path) ? 403 : 200, path);
          if (status === 403) {
            assert.equal(body.errors[0].code, "insufficient_scope");
            assert.match(body.message, new RegExp(`missing: .*${scope}:sandbox-shop`));
          }
        }
      });
    });
  }

  test("other scopes that open an endpoint", async () => {
    const scopes = ["view_categories", "manage_orders", "view_customer_groups"];
    await withSandbox({ scopes }, async (sandbox) => {
      const get = await connect(sandbox);
      for (const path of ["categories", "orders", "customer-groups"]) {
        assert.equal((await get(path)).status, 200, path);
      }
      assert.equal((await get("products")).status, 403);
    });
    await withSandbox({ scopes: ["manage_project"] }, async (sandbox) => {
      const get = await connect(sandbox);
      assert.equal((await get("payments")).status, 200);
    });
  });

  test("who may view may not change", async () => {
    const remove = { method: "DELETE" };
    const path = `customers/${fixedId("customer", 1)}`;
    await withSandbox({}, async (sandbox) => {
      const call = await connect(sandbox);
      assert.equal((await call(path, { version: 4 }, remove)).status, 403);
      assert.equal((await call(path)).status, 200);
    });
    await withSandbox({ scopes: ["manage_customers"] }, async (sandbox) => {
      const call = await connect(sandbox);
      assert.equal((await call(path, { version: 4 }, remove)).status, 200);
      assert.equal((await call(path)).status, 404);
    });
  });
});

test("faults of one route, before and after the request took effect", async () => {
  await withSandbox({}, async (sandbox) => {
    const get = await connect(sandbox);
    const body = { statusCode: 503, message: "over", errors: [{ code: "OverCapacity" }] };
    const path = "/sandbox-shop/orders";
    sandbox.faults.add({ path, times: 2, status: 503, headers: { "retry-after": "1" }, body });
    const statuses = [];
    for (let n = 0; n < 3; n += 1) statuses.push((await get("orders")).status);
    assert.deepEqual(statuses, [503, 503, 200]);
    assert.equal((await get("customers")).status, 200);
    sandbox.requests.clear();
    sandbox.faults.add({ path, times: 1, reset: true });
    await assert.rejects(get("orders"));
    sandbox.faults.add({
      path: "/oauth/token",
      method: "POST",
      times: 1,
      status: 502,
      after: true,
    });
    assert.equal((await requestToken(sandbox)).status, 502);
    const logged = sandbox.requests.map(({ path, status }) => [path, status]);
    assert.deepEqual(logged, [
      [path, null],
      ["/oauth/token", 502],
    ]);
  });
});

test("closing does not wait for a request that hangs", async () => {
  const sandbox = await startCommercetools();
  const get = await connect(sandbox);
  sandbox.faults.add({ path: "/sandbox-shop/orders", hang: true });
  const hanging = assert.rejects(get("orders"));
  await get("customers");
  await sandbox.close();
  await hanging;
});
