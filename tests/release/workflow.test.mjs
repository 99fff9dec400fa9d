// The workflow that publishes a release gives no rights to what builds.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";

const file = new URL("../../.github/workflows/release.yml", import.meta.url);
const { permissions, jobs } = parse(readFileSync(file, "utf8"));

test("only the job that publishes may write, and it runs nothing of this project", () => {
  assert.deepEqual(permissions, {});
  assert.deepEqual(jobs.build.permissions, { contents: "read" });
  const commands = jobs.publish.steps.flatMap(({ run }) => run ?? []);
  assert.equal(commands.length, 1);
  assert.match(commands[0], /^gh release create /);
});
