// Installs what the other commands need and this machine lacks: npm packages, Rust toolchains, and the programs that
// build a worker. Imports nothing but node's own modules, because it runs before `npm ci`.
//
//   node scripts/tools.mjs

import { join } from "node:path";
import {
  debianRustEnv,
  debianRustIsSetUp,
  debianRustVersion,
  setUpDebianRust,
} from "./debian-fallback.mjs";
import {
  installCargoTools,
  missingCargoTools,
  WASM_BINDGEN,
  WORKER_BUILD,
} from "./lib/cargo-tools.mjs";
import { withLock } from "./lib/lock.mjs";
import { installNpmPackages, npmPackagesAreStale, npmProgram } from "./lib/npm.mjs";
import { TOOLS_DIR } from "./lib/project.mjs";
import { asProgram, Failure, say } from "./lib/run.mjs";
import {
  describe,
  install as installRustParts,
  missingNative,
  missingWasm,
  nightlyVersion,
} from "./lib/rustup.mjs";

/** Set to any value, this takes Debian's compiler even where rustup could do it; for testing the fallback. */
const forcesDebian = Boolean(process.env.CTK_FORCE_DEBIAN_RUST);

/** Installs everything that is missing. Does nothing, quickly, when nothing is. */
export async function ensureTools() {
  if (isComplete()) return;
  await withLock(join(TOOLS_DIR, "install.lock"), "installing tools", installMissing);
}

/** The worker is compiled by Debian's compiler, and rustup has no wasm target. */
export function usesDebianRust() {
  return forcesDebian || missingWasm().length > 0;
}

/** The version of the compiler that the worker is compiled by. */
export function wasmCompilerVersion() {
  return (usesDebianRust() ? debianRustVersion() : nightlyVersion()) ?? "none";
}

/** How to call worker-build: its path, and an environment in which it downloads nothing. */
export function workerBuildCommand() {
  return {
    program: WORKER_BUILD,
    env: {
      WASM_BINDGEN_BIN: WASM_BINDGEN,
      WASM_OPT_BIN: npmProgram("binaryen", "wasm-opt"),
      ESBUILD_BIN: npmProgram("esbuild", "esbuild"),
      ...(usesDebianRust() ? debianRustEnv() : {}),
    },
  };
}

function isComplete() {
  return (
    !npmPackagesAreStale() &&
    missingNative().length === 0 &&
    (!usesDebianRust() || debianRustIsSetUp()) &&
    missingCargoTools().length === 0
  );
}

async function installMissing() {
  if (npmPackagesAreStale()) await installNpmPackages();
  await installRustParts(missingNative());
  if (!forcesDebian && !debianRustIsSetUp()) await installWasmRust();
  if (usesDebianRust()) await setUpDebianRust();
  await installCargoTools(missingCargoTools());
}

async function installWasmRust() {
  const needs = missingWasm();
  try {
    await installRustParts(needs);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`rustup could not install ${describe(needs)}`);
  }
}

await asProgram(import.meta.url, async () => {
  await ensureTools();
  say("tools: all there");
});
