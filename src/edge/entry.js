// The module that the runtime loads: it hands each call to Rust. The build bundles it with the bindings.
//
// For: what wasm-bindgen does not write, the classes that the runtime makes objects of.
// Not for: anything that decides. That is in Rust.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as rust from "bindings";

// The stack of a panic passes through many small functions.
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
 * The class of a Durable Object. Its Rust half is in an instance of the module. When something has ended that one, such as
 * a stack that is too deep, the crate `worker` goes on in a new one, and so does the object.
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
      // Any call makes the new instance if it has to be made.
      const { instanceId } = rust.__worker_init_state();
      if (this.#instance !== instanceId) {
        this.#half = new Half(...this.#arguments);
        this.#instance = instanceId;
      }
      return this.#half;
    }
  };
}
