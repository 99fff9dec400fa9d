// Builds the deployable worker into build/, unless it is there already. wrangler calls this too, through the [build]
// table of wrangler.toml, perhaps several times at once.
//
//   node scripts/build.mjs [--force]

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sizeOfWorker, WORKER_FILES } from "./lib/built-worker.mjs";
import {
  fingerprintOfInputs,
  isFresh,
  removeFingerprint,
  writeFingerprint,
} from "./lib/fingerprint.mjs";
import { withLock } from "./lib/lock.mjs";
import { npmProgram } from "./lib/npm.mjs";
import { ROOT, TOOLS_DIR, WORKER_TARGET_DIR } from "./lib/project.mjs";
import { asProgram, Failure, runQuietly, say } from "./lib/run.mjs";
import { functionBodies } from "./lib/wasm.mjs";
import { withPlaces, withShortNames } from "./lib/wasm-names.mjs";
import { likeBesideLike } from "./lib/wasm-order.mjs";
import { ensureTools, wasmCompilerVersion, workerBuildCommand } from "./tools.mjs";

/** The compressed worker must stay under this. */
const SIZE_LIMIT = 1_250_000;

/**
 * No path of this machine in the module, where a panic says its place: the same sources give the same bytes in every
 * folder. In Cargo.toml the stable toolchain would not know it.
 */
const WITHOUT_PATHS = [
  "--config",
  "unstable.trim-paths=true",
  "--config",
  "profile.release.trim-paths=true",
];

/**
 * Of the standard library, which is compiled with the worker, what a push spends its time in. In Cargo.toml every native
 * build would warn of them.
 */
const STD_FOR_SPEED = ["alloc", "core", "dlmalloc", "std"].flatMap((name) => [
  "--config",
  `profile.release.package.${name}.opt-level=3`,
]);

const [, WASM] = WORKER_FILES;

/** Makes sure that build/ holds the worker of the present sources. Throws a Failure when it cannot be built. */
export async function build({ force = false } = {}) {
  if (!force && isUpToDate()) return say(`build: nothing changed (${sizeText()})`);
  await ensureTools();
  await withLock(join(TOOLS_DIR, "build.lock"), "build", async () => {
    if (!force && isUpToDate()) return say(`build: done by another process (${sizeText()})`);
    await compile();
  });
}

async function compile() {
  removeFingerprint();
  const inputs = currentInputs();
  const { program, env } = workerBuildCommand();
  await runQuietly(
    "worker-build",
    program,
    ["--release", "--panic-unwind", "--", ...WITHOUT_PATHS, ...STD_FOR_SPEED],
    {
      env: { ...env, CARGO_TARGET_DIR: WORKER_TARGET_DIR, RUST_BACKTRACE: "0" },
    },
  );
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
  await runQuietly("wasm-opt", npmProgram("binaryen", "wasm-opt"), sort);
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
