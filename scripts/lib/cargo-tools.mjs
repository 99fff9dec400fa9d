// The two Rust programs that build a worker, and the one that mutates it, installed from the crate registry into .tools/.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, TOOLS_DIR } from "./project.mjs";
import { capture, Failure, runQuietly } from "./run.mjs";

const WORKER_BUILD_VERSION = "0.8.7";
const CARGO_MUTANTS_VERSION = "27.1.0";

const BIN_DIR = join(TOOLS_DIR, "bin");
const TARGET_DIR = join(TOOLS_DIR, "target");

export const WORKER_BUILD = join(BIN_DIR, "worker-build");
export const WASM_BINDGEN = join(BIN_DIR, "wasm-bindgen");
export const CARGO_MUTANTS = join(BIN_DIR, "cargo-mutants");

/** The programs that are not there in the right version. */
export function missingCargoTools() {
  return [
    { crate: "worker-build", program: WORKER_BUILD, version: WORKER_BUILD_VERSION },
    { crate: "wasm-bindgen-cli", program: WASM_BINDGEN, version: lockedVersion("wasm-bindgen") },
  ].filter(({ program, version }) => versionOf(program) !== version);
}

/**
 * Installs them as debug builds, which take half the time and are fast enough. Without `--locked`: the lock file of
 * wasm-bindgen-cli pins a crate version that is not to be had. They share one target directory, of about 1 GB,
 * which is deleted at the end.
 */
export async function installCargoTools(tools) {
  for (const { crate, version } of tools) {
    await runQuietly(
      `cargo install ${crate} ${version}`,
      "cargo",
      ["install", crate, "--version", `=${version}`, "--debug", "--force", "--root", TOOLS_DIR],
      {
        env: {
          CARGO_TARGET_DIR: TARGET_DIR,
          CARGO_PROFILE_DEV_DEBUG: "0",
          CARGO_INCREMENTAL: "0",
        },
      },
    );
  }
  rmSync(TARGET_DIR, { recursive: true, force: true });
}

/** Installs what `npm run mutants` needs and nothing else does. */
export async function ensureCargoMutants() {
  if (versionOf(CARGO_MUTANTS, ["mutants"]) === CARGO_MUTANTS_VERSION) return;
  await installCargoTools([{ crate: "cargo-mutants", version: CARGO_MUTANTS_VERSION }]);
}

/** The last word of what `--version` prints; null when the program is missing or does not run. */
function versionOf(program, before = []) {
  const version = capture(program, [...before, "--version"]);
  return version?.split(" ").at(-1) ?? null;
}

/** The version of a crate in Cargo.lock. wasm-bindgen's own program must match it exactly. */
function lockedVersion(crate) {
  const file = join(ROOT, "Cargo.lock");
  const lock = existsSync(file) ? readFileSync(file, "utf8") : "";
  const match = new RegExp(`^name = "${crate}"\\nversion = "([^"]+)"`, "m").exec(lock);
  if (!match)
    throw new Failure(`Cargo.lock does not name ${crate}: run \`cargo generate-lockfile\``);
  return match[1];
}
