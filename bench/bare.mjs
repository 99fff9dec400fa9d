// The bare worker: it reads the body of a push, makes the same calls as our worker, and answers 204.
//
// For: the CPU that the runtime takes for a push whatever the worker does; the difference is ours.
// Not for: the meaning of a push. The calls are recorded ones, and the same for each push.

import { Log, LogLevel, Miniflare } from "miniflare";
import { COMPATIBILITY_DATE } from "../sandbox/worker.mjs";

const MODULE = `
  export default {
    async fetch(request, { STAGES }) {
      await request.arrayBuffer();
      for (const calls of STAGES) {
        const successes = await Promise.all(calls.map(make));
        if (successes.includes(false)) return new Response("a call was refused", { status: 502 });
      }
      return new Response(null, { status: 204 });
    },
  };

  async function make({ url, ...init }) {
    const response = await fetch(url, init);
    await response.arrayBuffer();
    return response.ok;
  }
`;

/** Starts it. `stages` are lists of calls, which it makes one list after the other, those of a list at once. */
export async function startBare(stages) {
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    compatibilityDate: COMPATIBILITY_DATE,
    modules: true,
    script: MODULE,
    bindings: { STAGES: stages },
  });
  const url = (await miniflare.ready).origin;
  return { url, close: () => miniflare.dispose() };
}
