// The paths of this checkout, and the environment of every child process.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the checkout, whatever directory the command was started in. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Whether this is the archive of a release, which holds the built worker and nothing to build it from. */
export const IS_RELEASE = !existsSync(join(ROOT, "Cargo.toml"));

/**
 * What the workspace of this project's developers keeps beside the checkout: records of the plugin,
 * Klaviyo's specification. A plain clone has none, and skips the tests that need them.
 */
export const SHARED_DIR = join(ROOT, "..", "shared");

/** Tools that belong to this checkout; ignored by git. */
export const TOOLS_DIR = join(ROOT, ".tools");

/** The deployable worker: `main` of wrangler.toml lies here. */
export const BUILD_DIR = join(ROOT, "build");

/**
 * Cargo's directory for the worker alone. The build sets WASM_BINDGEN_USE_JS_SYS, which cargo does
 * not track, so its output must not mix with that of plain cargo calls.
 */
export const WORKER_TARGET_DIR = join(ROOT, "target", "worker");

/** The parent's environment plus `extra`, with wrangler's telemetry off. */
export function childEnv(extra = {}) {
  return { ...process.env, WRANGLER_SEND_METRICS: "false", ...extra };
}
