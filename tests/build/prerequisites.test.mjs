// The tools that a machine lacks are named before anything is downloaded or compiled.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { requireCompilers, requireNode } from "../../scripts/lib/prerequisites.mjs";

const BUILD = fileURLToPath(new URL("../../scripts/build.mjs", import.meta.url));

for (const version of ["4.9.1", "18.20.8", "20.0.0"]) {
  test(`Node.js ${version} is too old`, () => {
    assert.throws(
      () => requireNode(version),
      new RegExp(`or newer is needed, and this is ${version}`),
    );
  });
}

for (const version of [process.versions.node, "100.0.0"]) {
  test(`Node.js ${version} will do`, () => requireNode(version));
}

test("both that are missing are named at once", () => {
  assert.throws(() => requireCompilers(() => false), /rustup[\s\S]*C linker/);
  assert.throws(
    () => requireCompilers((command) => command !== "cc"),
    ({ message }) => message.includes("C linker") && !message.includes("rustup"),
  );
  requireCompilers(() => true);
});

test("a build without Rust ends before its first step", () => {
  const bin = mkdtempSync(join(tmpdir(), "build-"));
  after(() => rmSync(bin, { recursive: true }));
  symlinkSync(process.execPath, join(bin, "node"));
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD, "--force"], {
    encoding: "utf8",
    env: { PATH: bin },
  });
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^error: to build the Worker, install:\n- rustup.*\n- `cc`/);
});
