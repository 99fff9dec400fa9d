// The built worker: its files and its size. A checkout builds it (build.mjs); the archive of a release contains it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "./project.mjs";

/** What is uploaded: the worker's entry, which wrangler.toml names, and the module that it loads. */
export const WORKER_FILES = ["build/index.js", "build/index_bg.wasm"];

/** Bytes as wrangler counts them: all files together, and the same compressed in one piece. */
export function sizeOfWorker() {
  const upload = Buffer.concat(WORKER_FILES.map((name) => readFileSync(join(ROOT, name))));
  return { total: upload.length, gzipped: gzipSync(upload, { level: 9 }).length };
}
