// Builds the deployable worker into build/, unless it exists and is current. wrangler calls this too, through the
// [build] table of wrangler.toml, perhaps several times at once.
//
//   node scripts/build.mjs [--force]

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sizeOfWorker, WORKER_FILES } from "./lib/built-worker.mjs";
import { compileTo } from "./lib/compile.mjs";
import {
  fingerprintOfInputs,
  isFresh,
  removeFingerprint,
  writeFingerprint,
} from "./lib/fingerprint.mjs";
import { withLock } from "./lib/lock.mjs";
import { npmProgram } from "./lib/npm.mjs";
import { requireMachine } from "./lib/prerequisites.mjs";
import { BUILD_DIR, ROOT, TOOLS_DIR } from "./lib/project.mjs";
import { asProgram, Failure, runQuietly, say } from "./lib/run.mjs";
import { functionBodies } from "./lib/wasm.mjs";
import { withPlaces, withShortNames } from "./lib/wasm-names.mjs";
import { likeBesideLike } from "./lib/wasm-order.mjs";
import { ensureTools, wasmCompiler, wasmCompilerVersion } from "./tools.mjs";

/** The compressed worker must stay under this. */
const SIZE_LIMIT = 1_250_000;

const [, WASM] = WORKER_FILES;

/** Makes sure that build/ holds the worker of the present sources. Throws a Failure when it cannot be built. */
export async function build({ force = false } = {}) {
  requireMachine();
  if (!force && isUpToDate()) return say(`build: nothing changed (${sizeText()})`);
  const steps = (await ensureTools({ more: 1 })) + 1;
  await withLock(join(TOOLS_DIR, "build.lock"), "build", async () => {
    if (!force && isUpToDate()) return say(`build: done by another process (${sizeText()})`);
    say(`${steps} of ${steps}: the Worker (about 3 minutes; less when little has changed)`);
    await make();
  });
}

async function make() {
  removeFingerprint();
  const inputs = currentInputs();
  await compileTo(BUILD_DIR, wasmCompiler());
  await arrange(join(ROOT, WASM));
  say(`build: ${sizeText()}`);
  if (sizeOfWorker().gzipped >= SIZE_LIMIT) {
    throw new Failure(`the compressed worker must stay under ${SIZE_LIMIT} bytes`);
  }
  writeFingerprint(inputs, WORKER_FILES);
}

/** Orders the functions of the module in a file so that it compresses well, and shortens their names. */
async function arrange(file) {
  const module = readFileSync(file);
  writeFileSync(file, withPlaces(module, likeBesideLike(functionBodies(module))));
  const sort = ["--reorder-functions-by-name", "--debuginfo", file, "--output", file];
  await runQuietly("ordering its functions", npmProgram("binaryen", "wasm-opt"), sort);
  writeFileSync(file, withShortNames(readFileSync(file)));
}

function isUpToDate() {
  return isFresh(currentInputs(), WORKER_FILES);
}

function currentInputs() {
  return fingerprintOfInputs(wasmCompilerVersion());
}

function sizeText() {
  const { total, gzipped } = sizeOfWorker();
  return `total upload ${kib(total)}, gzip ${kib(gzipped)}`;
}

function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

await asProgram(import.meta.url, (args) => build({ force: args.includes("--force") }));
