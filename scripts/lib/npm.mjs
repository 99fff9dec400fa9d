// The npm packages of package-lock.json, and their programs that the build calls.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "./project.mjs";
import { runQuietly } from "./run.mjs";

/**
 * Whether node_modules differs from the lock file. The versions are compared and not the files' times, because a
 * checkout changes the times, and `npm ci` under a running wrangler would delete it.
 */
export function npmPackagesAreStale() {
  const installedFile = join(ROOT, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return true;
  const wanted = readPackages(join(ROOT, "package-lock.json"));
  const installed = readPackages(installedFile);
  return Object.entries(wanted).some(([path, { version, optional, devOptional }]) => {
    if (path === "") return false;
    return installed[path] ? installed[path].version !== version : !(optional || devOptional);
  });
}

export function installNpmPackages() {
  return runQuietly("npm ci", "npm", ["ci"]);
}

/** The path of a program that an installed package offers, found as node would find the package. */
export function npmProgram(packageName, program) {
  const manifest = createRequire(join(ROOT, "package.json")).resolve(`${packageName}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
  return join(dirname(manifest), bin[program]);
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}
