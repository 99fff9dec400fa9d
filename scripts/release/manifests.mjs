// The archive's own versions of package.json, its lock file, and wrangler.toml. They are generated from the project's,
// so that nothing is written twice.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/project.mjs";
import { runQuietly } from "../lib/run.mjs";

/** What the demo, the installer of Subscriptions and the deployment import or call. */
const PACKAGES = ["@labdigital/commercetools-mock", "ajv", "miniflare", "wrangler"];

/** What Cloudflare's Deploy button says of the names in .dev.vars.example. */
const SETTINGS = {
  CT_AUTH_URL: "commercetools: where tokens come from, `https://auth.<region>.commercetools.com`",
  CT_API_URL: "commercetools: where the project is, `https://api.<region>.commercetools.com`",
  CT_PROJECT_ID: "commercetools: the project key",
  CT_API_CLIENT: 'commercetools: the API client, as `{"clientId":"…","secret":"…"}`',
  KLAVIYO_AUTH_KEY: "Klaviyo: a private key (Settings, API keys)",
};

/** Members of package.json that are as in the project. */
const KEPT = ["name", "version", "private", "license", "type", "engines"];

/** The archive's package.json, of the project's. */
export function manifestOf(project) {
  return {
    ...Object.fromEntries(KEPT.map((member) => [member, project[member]])),
    scripts: {
      start: project.scripts.start,
      subscriptions: project.scripts.subscriptions,
      deploy: 'wrangler deploy --env=""',
    },
    dependencies: Object.fromEntries(
      PACKAGES.map((dependency) => [dependency, project.devDependencies[dependency]]),
    ),
    cloudflare: {
      bindings: Object.fromEntries(
        Object.entries(SETTINGS).map(([setting, description]) => [setting, { description }]),
      ),
    },
  };
}

/** The lock file of such a package.json: the project's without what it does not need. npm prunes it, without the network. */
export async function lockOf(manifest) {
  const folder = mkdtempSync(join(tmpdir(), "release-lock-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    for (const name of ["package-lock.json", ".npmrc"]) {
      writeFileSync(join(folder, name), readFileSync(join(ROOT, name)));
    }
    const args = ["install", "--package-lock-only", "--offline", "--ignore-scripts"];
    await runQuietly("package-lock.json of the archive", "npm", args, { cwd: folder });
    return JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** wrangler.toml without the table that has the worker built: in the archive it is. */
export function withoutBuild(wranglerToml) {
  return wranglerToml.replace(/^\[build\]\n(?:(?!\[).*\n)*/m, "");
}
