// The content of a release's archive, and its places: everything for trying, deploying and running the worker without
// Rust. The same folder is the repository that Cloudflare's Deploy button copies.
//
// Not for: what a change of the worker needs. The project's own repository has that.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sizeOfWorker, WORKER_FILES } from "../lib/built-worker.mjs";
import { ROOT } from "../lib/project.mjs";
import { licencesOf } from "./licences.mjs";
import { lockOf, manifestOf, withoutBuild } from "./manifests.mjs";
import { sbomOf } from "./sbom.mjs";

/** Files and folders that are as in the project. */
const COPIED = [
  ".dev.vars.example",
  ".npmrc",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  ...WORKER_FILES,
  "docs",
  "sandbox",
  "scripts/lib/npm.mjs",
  "scripts/lib/prerequisites.mjs",
  "scripts/lib/project.mjs",
  "scripts/lib/run.mjs",
  "scripts/start.mjs",
  "scripts/subscriptions",
  "scripts/subscriptions.mjs",
  "subscriptions.example.json",
];

const GIT_IGNORE = ".dev.vars\n.wrangler\nnode_modules\n";

/**
 * Lays a release out in `folder`, which is emptied first. `facts` are what release.json says beside version and size,
 * `crates` those of crates.mjs.
 */
export async function layOut(folder, { facts, crates }) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of COPIED) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
  const manifest = manifestOf(JSON.parse(projectFile("package.json")));
  const lock = await lockOf(manifest);
  const release = { version: manifest.version, ...facts, worker: sizeOfWorker() };
  const made = {
    ".gitignore": GIT_IGNORE,
    "LICENSES.txt": licencesOf(crates),
    "package.json": json(manifest),
    "package-lock.json": json(lock),
    "release.json": json(release),
    "sbom.cdx.json": sbomOf({ manifest, lock, crates }),
    "wrangler.toml": withoutBuild(projectFile("wrangler.toml")),
  };
  for (const [name, text] of Object.entries(made)) writeFileSync(join(folder, name), text);
}

const projectFile = (name) => readFileSync(join(ROOT, name), "utf8");

const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
