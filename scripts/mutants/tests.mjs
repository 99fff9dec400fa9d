// The native tests on one mutation of a build that has many.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { childEnv } from "../lib/project.mjs";
import { FEW_SEEDS, skipping, WITHOUT_LONG } from "../lib/quick-tests.mjs";
import { Failure, say } from "../lib/run.mjs";
import { COPY } from "./lots.mjs";

/** Tests of texts see a mutation's text and not what it does; some need what lies beside the checkout. */
const OF_TEXTS = ["architecture::", "docs::", "needs_shared"];

const SKIPPED = [...WITHOUT_LONG, ...skipping(OF_TEXTS)];

/** A test that hangs sees its mutation; one on a busy machine does not. */
const TIMES_AS_LONG = 10;

/** A mutation may allocate without an end. In KiB, as `ulimit` counts. */
const MEMORY_KIB = 8 * 1024 * 1024;

/** Runs the tests with no mutation on; gives how long a run with one may take. */
export async function testUnchanged(programs) {
  const began = performance.now();
  const { end, by } = await testMutated(programs, { id: 0 }, Number.POSITIVE_INFINITY);
  if (end !== "survives") throw new Failure(`without a mutation the tests fail: ${by ?? end}`);
  const tookMs = performance.now() - began;
  say(`mutants: the tests take ${(tookMs / 1_000).toFixed(1)} s`);
  return TIMES_AS_LONG * tookMs;
}

/** How a mutation ends (`killed`, `hangs`, `survives`), and the test that killed it. */
export async function testMutated(programs, { id }, limitMs) {
  for (const program of programs) {
    const outcome = await firstFailure(program, id, limitMs);
    if (outcome) return outcome;
  }
  return { end: "survives" };
}

/** Runs a test program up to its first failure; nothing if there is none. */
function firstFailure(program, id, limitMs) {
  const limited = `ulimit -v ${MEMORY_KIB} 2>/dev/null; exec "$0" "$@"`;
  const child = spawn("sh", ["-c", limited, program, ...SKIPPED], {
    cwd: COPY,
    env: childEnv({ ...FEW_SEEDS, MUTATION: String(id) }),
    stdio: ["ignore", "pipe", "ignore"],
  });
  return new Promise((resolve, reject) => {
    let outcome;
    const stop = (found) => {
      outcome ??= found;
      child.kill("SIGKILL");
    };
    const timer =
      Number.isFinite(limitMs) && setTimeout(() => stop({ end: "hangs" }), Math.ceil(limitMs));
    createInterface(child.stdout).on("line", (line) => {
      const failed = /^test (\S+) .*\bFAILED$/.exec(line);
      if (failed) stop({ end: "killed", by: failed[1] });
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      // A stack that overflows, or memory that is used up, ends the program and names no test.
      if (code !== 0) outcome ??= { end: "killed", by: "the program ended" };
      resolve(outcome);
    });
  });
}
