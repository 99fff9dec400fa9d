// The built worker: its files, its size, and how the demo gets it. A checkout builds it; the archive of a release
// contains it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { installNpmPackages, npmPackagesAreStale } from "./npm.mjs";
import { requireNode } from "./prerequisites.mjs";
import { IS_RELEASE, ROOT } from "./project.mjs";

/** What is uploaded: the worker's entry, which wrangler.toml names, and the module that it loads. */
export const WORKER_FILES = ["build/index.js", "build/index_bg.wasm"];

/** Makes sure that build/ holds the worker, and that the npm packages of package-lock.json are installed. */
export async function ensureWorker() {
  if (IS_RELEASE) {
    requireNode();
    if (npmPackagesAreStale()) await installNpmPackages();
  } else {
    const { build } = await import("../build.mjs");
    await build();
  }
}

/** Bytes as wrangler counts them: all files together, and the same compressed in one piece. */
export function sizeOfWorker() {
  const upload = Buffer.concat(WORKER_FILES.map((name) => readFileSync(join(ROOT, name))));
  return { total: upload.length, gzipped: gzipSync(upload, { level: 9 }).length };
}
