// The platform drops an alarm that fails six times, and waiting rows would wait for ever: the cron
// trigger wakes the outbox. (import-crashes.test.mjs has the test for the imports.)

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { eventually } from "../eventually.mjs";
import { changed } from "./documents.mjs";
import { useStack } from "./harness.mjs";

/** An outbox that does not hear its alarms until it is asked to. */
const DEAF = `
  import worker, { Outbox as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Outbox {
    constructor(state, env) {
      this.storage = state.storage;
      this.own = new Own(state, env);
      this.hears = false;
    }
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/hear") this.hears = true;
      else if (pathname !== "/alarm") return this.own.fetch(request);
      return Response.json(await this.storage.getAlarm());
    }
    alarm() {
      if (this.hears) return this.own.alarm();
    }
  }
`;

const stack = useStack({ entry: DEAF });

const alarm = async () => (await stack.worker.object("OUTBOX", "outbox", "/alarm")).json();

test("what waits in an outbox whose alarm was lost goes on with the next tick", async () => {
  stack.klaviyo.faults.add({ path: "/api/profile-import", status: 503, times: 1 });
  const [customer] = sampleShop().customers;
  await stack.expectParked(changed("customer", customer));
  await eventually("the alarm to be lost", alarm, (time) => time === null);
  await stack.worker.object("OUTBOX", "outbox", "/hear");
  assert.equal((await stack.outbox()).waiting, 1);
  await stack.worker.tick();
  await stack.drained();
  assert.equal(stack.klaviyo.store.profiles().length, 1);
});
