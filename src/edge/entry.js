// The module that the runtime loads: it passes each call to Rust. The build bundles it with the bindings.
//
// For: the classes of the runtime's objects, which wasm-bindgen does not generate.
// Not for: decisions. Those are in Rust.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as rust from "bindings";

// The stack of a panic contains many small functions.
Error.stackTraceLimit = 100;

export default class extends WorkerEntrypoint {
  fetch(request) {
    return rust.fetch.call(this, request, this.env, this.ctx);
  }

  scheduled(controller) {
    return rust.scheduled.call(this, controller, this.env, this.ctx);
  }
}

export const Feed = durable(rust.Feed);
export const Import = durable(rust.Import);
export const Outbox = durable(rust.Outbox);
export const Watch = durable(rust.Watch);

/**
 * The class of a Durable Object. Its Rust half lives in an instance of the module. If something ends that one, such as a
 * stack overflow, the crate `worker` continues in a new one, and so does the object.
 */
function durable(Half) {
  return class {
    #arguments;
    #half;
    #instance;

    constructor(...args) {
      this.#arguments = args;
      this.#current();
    }

    fetch(request) {
      return this.#current().fetch(request);
    }

    alarm() {
      return this.#current().alarm();
    }

    #current() {
      // Any call creates the new instance if necessary.
      const { instanceId } = rust.__worker_init_state();
      if (this.#instance !== instanceId) {
        this.#half = new Half(...this.#arguments);
        this.#instance = instanceId;
      }
      return this.#half;
    }
  };
}
