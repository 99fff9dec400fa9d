// The notes of a release are its part of the changelog.

import assert from "node:assert/strict";
import { test } from "node:test";
import { notesOf } from "../../scripts/release/changelog.mjs";

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- Something new.

## [0.2.0] - 2026-12-24

### Fixed

- A fault.

## [0.1.0] - 2026-11-30

- The first.

## [0.0.1]

- Without a date.

## [0.0.0] - 2026-01-01
`;

for (const [version, notes] of [
  ["0.2.0", "### Fixed\n\n- A fault.\n"],
  ["0.1.0", "- The first.\n"],
]) {
  test(`the notes of ${version}`, () => assert.equal(notesOf(version, CHANGELOG), notes));
}

for (const [version, why] of [
  ["0.3.0", /no heading `## \[0\.3\.0\] - yyyy-mm-dd`/],
  ["0.2", /no heading/],
  ["0.0.1", /no heading/],
  ["0.0.0", /says nothing of 0\.0\.0/],
]) {
  test(`${version} has none`, () => assert.throws(() => notesOf(version, CHANGELOG), why));
}
