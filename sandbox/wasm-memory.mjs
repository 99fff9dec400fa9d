// The size of the worker's WebAssembly memory: an entry in front of the worker's own module, and a call that asks for
// it. The memory never shrinks, so its size is its maximum.
//
// For: the benchmark, and the tests that limit the memory of large bodies. In the local runtime, Worker and Durable
// Objects are in one isolate and share the memory; so they may in production.

const PATH = "/wasm-memory";

/** The text of the entry, for `startWorker`. */
export const MEASURED = `
  import { WorkerEntrypoint } from "cloudflare:workers";
  let memory;
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (module, imports) {
    const instance = new Instance(module, imports);
    memory = instance.exports.memory;
    return instance;
  };
  const worker = await import("./index.js");
  export const Outbox = worker.Outbox;
  export const Import = worker.Import;
  export default class extends WorkerEntrypoint {
    fetch(request) {
      if (new URL(request.url).pathname === "${PATH}") return Response.json(memory.buffer.byteLength);
      return new worker.default(this.ctx, this.env).fetch(request);
    }
    scheduled(event) {
      return new worker.default(this.ctx, this.env).scheduled(event);
    }
  }
`;

/** The bytes that the WebAssembly memory of the worker at this address has. */
export async function wasmMemory(url) {
  return (await fetch(url + PATH)).json();
}
