// A row whose tries end with the runtime again and again: first in company, then alone, then it is a dead letter. The
// runtime is not killed here; a new outbox finds what it would find after each kill.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleShop } from "../../sandbox/shop/index.mjs";
import { changed } from "./documents.mjs";
import { useStack } from "./harness.mjs";

const ENTRY = `
  import worker, { Outbox as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Outbox {
    constructor(state, env) {
      this.state = state;
      this.env = env;
      this.sql = state.storage.sql;
      this.own = new Own(state, env);
    }
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname !== "/lose") return this.own.fetch(request);
      const { key, trying } = await request.json();
      // A round of others ended meanwhile. A try of the row that ended, alone, would clear it.
      this.sql.exec("UPDATE rounds SET ended = ended + 1");
      this.sql.exec("UPDATE parked SET trying = ?, due = 9e15 WHERE key = ?", trying, key);
      this.own = new Own(this.state, this.env);
      await this.own.alarm();
      return Response.json([...this.sql.exec("SELECT key, lost, lost_alone FROM parked")]);
    }
    alarm() {
      return this.own.alarm();
    }
  }
`;

const [culprit, other] = sampleShop().customers;
const key = `customer/${culprit.id}`;

const stack = useStack({ entry: ENTRY });

/** As after a runtime that went down while it tried the row: what is counted of it, if it is there. */
async function lose(trying) {
  const body = JSON.stringify({ key, trying });
  const response = await stack.worker.object("OUTBOX", "outbox", "/lose", { method: "POST", body });
  return (await response.json()).find((row) => row.key === key);
}

test("three lost tries in company and three alone make a dead letter", async () => {
  stack.klaviyo.faults.add({ path: "/api/profile-import", status: 503 });
  for (const customer of [culprit, other]) await stack.expectParked(changed("customer", customer));
  for (let lost = 1; lost <= 3; lost += 1) assert.equal((await lose(1)).lost, lost);
  for (let lost = 1; lost <= 2; lost += 1) assert.equal((await lose(2)).lost_alone, lost);
  assert.equal(await lose(2), undefined);
  assert.deepEqual(
    (await stack.letters()).map(({ code, resource }) => [code, resource]),
    [["never_finished", key]],
  );
});
