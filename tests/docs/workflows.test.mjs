// The workflows of CI run elsewhere. Everything that they call must exist.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { ROOT } from "../../scripts/lib/project.mjs";

const FOLDER = join(ROOT, ".github", "workflows");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

for (const file of readdirSync(FOLDER)) {
  const { permissions, jobs } = parse(readFileSync(join(FOLDER, file), "utf8"));

  describe(file, () => {
    test("it says what it may do, and its jobs end", () => {
      assert.ok(permissions, "without permissions it has those of the repository's settings");
      for (const [name, job] of Object.entries(jobs)) {
        assert.ok(job["timeout-minutes"] > 0, `${name} has no time limit`);
      }
    });

    test("no code that it takes can change under it: each action is pinned by its commit", () => {
      const used = Object.values(jobs).flatMap(({ steps }) =>
        steps.flatMap(({ uses }) => uses ?? []),
      );
      for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    });

    test("every script that it runs is there", () => {
      const steps = Object.values(jobs).flatMap((job) => job.steps);
      const runs = steps.map((step) => step.run ?? "").join("\n");
      for (const [, name] of runs.matchAll(/npm run ([\w-]+)/g)) {
        assert.ok(name in scripts, `npm run ${name}`);
      }
      for (const [, filter] of runs.matchAll(/cargo test --test core -- (\S+)/g)) {
        assert.ok(isATest(filter), `no test is named ${filter}`);
      }
    });
  });
}

/** Whether a filter of cargo's, a module and the begin of a name, finds a test. */
function isATest(filter) {
  const [module, name] = filter.split("::");
  const text = readFileSync(join(ROOT, "tests", "core", module, "mod.rs"), "utf8");
  return new RegExp(`#\\[test\\]\\s+fn ${name}`).test(text);
}
