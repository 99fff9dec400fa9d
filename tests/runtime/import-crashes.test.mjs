// Imports during failures: the runtime is killed (SIGKILL) at random moments, the alarm is lost, Klaviyo is down.
// The end is the same as that of a calm run. A seed draws the moments:
// SEED=7 node --test tests/runtime/import-crashes.test.mjs

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { seededRandom } from "../../sandbox/faults.mjs";
import { eventually } from "../eventually.mjs";
import { seedFor } from "../seed.mjs";
import { HASTY, startLasting } from "./harness.mjs";
import {
  called,
  counts,
  current,
  ended,
  imported,
  importedAll,
  KINDS,
  largeShop,
  sameEnd,
} from "./imports.mjs";

const KILLS = 3;
const seed = seedFor("the moments of the kills");

/**
 * The worker, whose object can be told to lose its alarm, and asked for it; to panic in its next
 * slices, since the wait of a slice cannot be set up (the limits of the calls of 0.8, 10 and 30
 * seconds can); and that slices were lost.
 */
const FORGETFUL = `
  const setTimeout = globalThis.setTimeout;
  let panics = 0;
  globalThis.setTimeout = (callback, ms, ...rest) => {
    if (panics > 0 && ![800, 10_000, 30_000].includes(ms)) {
      panics -= 1;
      throw new Error("no timer");
    }
    return setTimeout(callback, ms, ...rest);
  };
  import worker, { Import as Own } from "./index.js";
  export default worker;
  export * from "./index.js";
  export class Import {
    constructor(state, env) {
      this.storage = state.storage;
      this.own = new Own(state, env);
    }
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/lose-alarm") await this.storage.deleteAlarm();
      else if (pathname === "/panic") panics = 3;
      else if (pathname === "/lose-slices") {
        this.storage.sql.exec("UPDATE slices SET lost = 8");
        await this.storage.setAlarm(Date.now());
      }
      else if (pathname !== "/alarm") return this.own.fetch(request);
      return Response.json(await this.storage.getAlarm());
    }
    alarm() {
      return this.own.alarm();
    }
  }
`;

const lines = [];
let stack;
let klaviyo;
let url;
before(async () => {
  stack = await startLasting({
    commercetools: { shop: largeShop() },
    // The worker's own time limits, which are those that the timer above lets through.
    settings: { ...HASTY, CONFIG: '{"import":{"pageSize":10}}' },
    entry: FORGETFUL,
    log: (line) => lines.push(line),
  });
  ({ klaviyo } = stack);
  url = stack.worker.url;
});
after(() => stack.close());

async function restart() {
  await stack.kill();
  url = stack.worker.url;
}

test(`killed at random moments (SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const calm = await importedAll(url);
  const held = klaviyo.snapshot();
  klaviyo.reset();

  await imported(url, "categories");
  // Each call now takes a while, so that a kill finds some of them under way.
  klaviyo.faults.add({ latencyMs: 40 });
  for (const kind of KINDS.slice(1)) {
    assert.equal((await stack.admin("POST", `/sync/${kind}`)).status, 202);
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    const seen = klaviyo.requests.length;
    await called(klaviyo, seen);
    await new Promise((resolve) => setTimeout(resolve, random() * 1_000));
    await restart();
  }
  for (const kind of KINDS.slice(1)) {
    const run = await ended(url, kind);
    assert.equal(run.state, "completed");
    assert.deepEqual(counts(run), counts(calm[kind]), kind);
  }
  sameEnd(klaviyo.snapshot(), held);
  assert.deepEqual(klaviyo.violations, []);
});

test("B9 B10 a run that was stopped is still so after a kill, and can be resumed", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ status: 503 });
  await stack.admin("POST", "/sync/customers");
  await called(klaviyo);
  await stack.admin("POST", "/sync/customers/stop");
  const stopped = await ended(url, "customers");
  await restart();
  klaviyo.faults.clear();
  const { body } = await stack.admin("GET", "/sync/customers");
  assert.equal(body.current.id, stopped.id);
  assert.equal(body.current.state, "stopped");
  assert.equal((await stack.admin("POST", "/sync/customers/resume")).status, 202);
  const run = await ended(url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.sent, run.read);
});

test("a stop works in an object that was just restarted", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await stack.admin("POST", "/sync/customers");
  await called(klaviyo);
  await restart();
  klaviyo.faults.clear();
  const { status, body } = await stack.admin("POST", "/sync/customers/stop");
  assert.equal(status, 200);
  assert.equal(body.state, "stopped");
});

test("a run whose alarm was lost goes on with the next tick", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await stack.admin("POST", "/sync/customers");
  await called(klaviyo);
  await restart();
  klaviyo.faults.clear();
  klaviyo.requests.clear();
  const lost = await stack.worker.object("IMPORT", "import", "/lose-alarm");
  assert.equal(await lost.json(), null);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const alarm = await stack.worker.object("IMPORT", "import", "/alarm");
  assert.equal(await alarm.json(), null);
  assert.equal(klaviyo.requests.length, 0);
  await stack.worker.tick();
  assert.equal((await ended(url, "customers")).state, "completed");
});

test("an outage is waited out, without keeping the object at work", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ status: 503 });
  await stack.admin("POST", "/sync/customers");
  await eventually(
    "the run to wait for Klaviyo",
    () => current(url, "customers"),
    ({ waiting }) => waiting?.code === "klaviyo_503",
  );
  klaviyo.faults.clear();
  const run = await ended(url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.waiting, null);
});

test("a panic in the alarm costs a pause, and no more", async () => {
  klaviyo.reset();
  await stack.worker.object("IMPORT", "import", "/panic");
  const seen = lines.length;
  const run = await imported(url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.sent, run.read);
  const panics = lines.slice(seen).filter((line) => line.includes("it panicked"));
  assert.equal(panics.length, 3);
});

test("a run whose slices are lost again and again fails, and can be resumed", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await stack.admin("POST", "/sync/customers");
  await called(klaviyo);
  await restart();
  klaviyo.faults.clear();
  await stack.worker.object("IMPORT", "import", "/lose-slices");
  const failed = await ended(url, "customers");
  assert.equal(failed.state, "failed");
  assert.equal(failed.error.code, "import_lost");
  assert.equal((await stack.admin("POST", "/sync/customers/resume")).status, 202);
  const run = await ended(url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.id, failed.id);
});
