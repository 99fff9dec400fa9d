// Imports and what befalls the object: the runtime is killed (SIGKILL) at random moments, the alarm
// is lost, Klaviyo is out. The end is the same as that of a calm run.
//
//   IMPORT_SEED=7 node --test tests/runtime/import-crashes.test.mjs   repeats the moments of a run

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { seededRandom } from "../../sandbox/faults.mjs";
import { startKlaviyo } from "../../sandbox/klaviyo/server.mjs";
import { settingsFor, startWorker } from "../../sandbox/worker.mjs";
import { admin, eventually, killAndRestart } from "./harness.mjs";
import { counts, ended, imported, importedAll, KINDS, largeShop, sameEnd } from "./imports.mjs";

const KILLS = 3;
const seed = Number(process.env.IMPORT_SEED ?? Date.now() % 1_000_000);

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
  import worker, { Import as Own, Outbox } from "./index.js";
  export default worker;
  export { Outbox };
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
let commercetools;
let klaviyo;
let options;
let persist;
let worker;

before(async () => {
  commercetools = await startCommercetools({ shop: largeShop() });
  klaviyo = await startKlaviyo();
  persist = mkdtempSync(join(tmpdir(), "import-"));
  const settings = {
    ...settingsFor(commercetools, klaviyo),
    CONFIG: '{"import":{"pageSize":10}}',
  };
  options = { settings, persist, entry: FORGETFUL, log: (line) => lines.push(line) };
  worker = await startWorker(options);
});
after(async () => {
  await worker.close();
  await klaviyo.close();
  await commercetools.close();
  rmSync(persist, { recursive: true, force: true });
});

test(`killed at random moments (IMPORT_SEED=${seed})`, async () => {
  console.log(`IMPORT_SEED=${seed}`);
  const random = seededRandom(seed);
  const calm = await importedAll(worker.url);
  const held = klaviyo.snapshot();
  klaviyo.reset();

  await imported(worker.url, "categories");
  // Each call now takes a while, so that a kill finds some of them under way.
  klaviyo.faults.add({ latencyMs: 40 });
  for (const kind of KINDS.slice(1)) {
    assert.equal((await admin(worker.url, "POST", `/sync/${kind}`)).status, 202);
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    const seen = klaviyo.requests.length;
    await eventually(() => klaviyo.requests.length > seen);
    await new Promise((resolve) => setTimeout(resolve, random() * 1_000));
    worker = await killAndRestart(worker, options);
  }
  for (const kind of KINDS.slice(1)) {
    const run = await ended(worker.url, kind);
    assert.equal(run.state, "completed");
    assert.deepEqual(counts(run), counts(calm[kind]), kind);
  }
  sameEnd(klaviyo.snapshot(), held);
  assert.deepEqual(klaviyo.violations, []);
});

test("B9 B10 a run that was stopped is still so after a kill, and can be resumed", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ status: 503 });
  await admin(worker.url, "POST", "/sync/customers");
  await eventually(() => klaviyo.requests.length > 0);
  await admin(worker.url, "POST", "/sync/customers/stop");
  const stopped = await ended(worker.url, "customers");
  worker = await killAndRestart(worker, options);
  klaviyo.faults.clear();
  const { body } = await admin(worker.url, "GET", "/sync/customers");
  assert.equal(body.current.id, stopped.id);
  assert.equal(body.current.state, "stopped");
  assert.equal((await admin(worker.url, "POST", "/sync/customers/resume")).status, 202);
  const run = await ended(worker.url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.sent, run.read);
});

test("a stop works in an object that was just restarted", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await admin(worker.url, "POST", "/sync/customers");
  await eventually(() => klaviyo.requests.length > 0);
  worker = await killAndRestart(worker, options);
  klaviyo.faults.clear();
  const { status, body } = await admin(worker.url, "POST", "/sync/customers/stop");
  assert.equal(status, 200);
  assert.equal(body.state, "stopped");
});

test("a run whose alarm was lost goes on with the next tick", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await admin(worker.url, "POST", "/sync/customers");
  await eventually(() => klaviyo.requests.length > 0);
  worker = await killAndRestart(worker, options);
  klaviyo.faults.clear();
  klaviyo.requests.clear();
  const lost = await worker.object("IMPORT", "import", "/lose-alarm");
  assert.equal(await lost.json(), null);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const alarm = await worker.object("IMPORT", "import", "/alarm");
  assert.equal(await alarm.json(), null);
  assert.equal(klaviyo.requests.length, 0);
  await worker.tick();
  assert.equal((await ended(worker.url, "customers")).state, "completed");
});

test("an outage is waited out, without keeping the object at work", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ status: 503 });
  await admin(worker.url, "POST", "/sync/customers");
  await eventually(async () => {
    const { body } = await admin(worker.url, "GET", "/sync/customers");
    return body.current.waiting?.code === "klaviyo_503";
  });
  klaviyo.faults.clear();
  const run = await ended(worker.url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.waiting, null);
});

test("a panic in the alarm costs a pause, and no more", async () => {
  klaviyo.reset();
  await worker.object("IMPORT", "import", "/panic");
  const seen = lines.length;
  const run = await imported(worker.url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.sent, run.read);
  const panics = lines.slice(seen).filter((line) => line.includes("it panicked"));
  assert.equal(panics.length, 3);
});

test("a run whose slices are lost again and again fails, and can be resumed", async () => {
  klaviyo.reset();
  klaviyo.faults.add({ hang: true });
  await admin(worker.url, "POST", "/sync/customers");
  await eventually(() => klaviyo.requests.length > 0);
  worker = await killAndRestart(worker, options);
  klaviyo.faults.clear();
  await worker.object("IMPORT", "import", "/lose-slices");
  const failed = await ended(worker.url, "customers");
  assert.equal(failed.state, "failed");
  assert.equal(failed.error.code, "import_lost");
  assert.equal((await admin(worker.url, "POST", "/sync/customers/resume")).status, 202);
  const run = await ended(worker.url, "customers");
  assert.equal(run.state, "completed");
  assert.equal(run.id, failed.id);
});
