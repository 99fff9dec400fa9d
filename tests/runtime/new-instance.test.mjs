// The end of a module's instance, such as by a stack overflow, ends neither the Worker nor its Durable Objects: both go
// on in a new instance. The first call after it may be a call of an object.

import assert from "node:assert/strict";
import { test } from "node:test";
import { useStack } from "./harness.mjs";

/** Stands before the worker's module: `/end` ends the instance as wasm-bindgen notes it; both paths count instances. */
const ENDING = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  const instances = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (module, imports) {
    const instance = new Instance(module, imports);
    instances.push(instance.exports);
    return instance;
  };
  const worker = await import("./index.js");
  export const { Feed, Import, Outbox, Watch } = worker;
  export default class extends WorkerEntrypoint {
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (!["/end", "/instances"].includes(pathname)) {
        return new worker.default(this.ctx, this.env).fetch(request);
      }
      if (pathname === "/end") {
        const { memory, __instance_terminated: ended } = instances.at(-1);
        new Int32Array(memory.buffer)[ended.value / 4] = 1;
      }
      return Response.json(instances.length);
    }
  }
`;

const stack = useStack({ entry: ENDING });

const instances = async (path) => (await fetch(stack.worker.url + path)).json();

/** Tells the outbox of a customer who was erased, whom it looks for again in an hour. */
async function erase(customer) {
  const again = JSON.stringify({ customers: [customer], wait_ms: 3_600_000 });
  for (const [path, body] of [
    ["/erasures", customer],
    ["/erasures/again", again],
  ]) {
    const answer = await stack.worker.object("OUTBOX", "outbox", path, { method: "POST", body });
    assert.equal(answer.status, 201);
  }
}

test("an object, and then the Worker, go on in a new instance", async () => {
  await erase("before");
  const before = await instances("/instances");
  assert.equal(await instances("/end"), before);
  await erase("after");
  assert.equal(await instances("/instances"), before + 1);
  assert.equal((await stack.outbox()).waiting, 2);
  assert.equal(await instances("/end"), before + 1);
  assert.equal((await stack.outbox()).waiting, 2);
  assert.equal(await instances("/instances"), before + 2);
});
