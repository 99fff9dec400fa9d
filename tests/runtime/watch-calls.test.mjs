// The cost of the watch for a push: nothing before its answer, and one call of an object in ten seconds after it,
// however many pushes there were.

import assert from "node:assert/strict";
import { test } from "node:test";
import { change } from "../../sandbox/commercetools/notifications.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { useStack } from "./harness.mjs";

/** A watch that says by which paths it was called. */
const COUNTED = `
  import worker, { Watch as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Watch {
    constructor(state, env) {
      this.own = new Own(state, env);
      this.paths = [];
    }
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/paths") return Response.json(this.paths);
      this.paths.push(pathname);
      return this.own.fetch(request);
    }
    alarm() {
      return this.own.alarm();
    }
  }
`;

const stack = useStack({ entry: COUNTED });

const paths = async () => (await stack.worker.object("WATCH", "watch", "/paths")).json();

test("twenty pushes are handed over in one call, after they are answered", async () => {
  const [customer] = sampleShop().customers;
  const changed = change("ResourceUpdated", { typeId: "customer", id: customer.id });
  const began = Date.now();
  await stack.expectStatus(204, changed);
  assert.deepEqual(await paths(), [], "before the answer");
  for (let pushes = 1; pushes < 20; pushes++) await stack.expectStatus(204, changed);
  await eventually("the counts to be handed over", paths, (all) => all.length > 0, {
    limitMs: 60_000,
  });
  const windows = Math.ceil((Date.now() - began) / 10_000);
  const called = await paths();
  assert.ok(called.length <= windows, `${called.length} calls in ${windows} windows`);
  assert.ok(called.every((path) => path === "/counts"));
  const { realtime } = (await stack.admin("GET", "/sync/status")).body;
  assert.equal(realtime.counts.delivered, 20);
});
