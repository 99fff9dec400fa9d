// Which nightly compiles the worker.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenNightly, PINNED_NIGHTLY } from "../../scripts/lib/rustup.mjs";

const PLATFORM = "x86_64-unknown-linux-gnu";
const PINNED = PINNED_NIGHTLY.toolchain;

for (const [installed, chosen] of [
  [[], PINNED],
  [["stable"], PINNED],
  [["stable", "nightly-2025-01-01"], PINNED],
  [["stable", "nightly"], "nightly"],
  [["nightly", PINNED], PINNED],
]) {
  test(`with ${installed.join(", ") || "nothing"} installed it is ${chosen}`, () => {
    assert.equal(chosenNightly(installed.map((name) => `${name}-${PLATFORM}`)), chosen);
  });
}
