// Every link of README.md and docs/ to a file or a heading of this repository has a target.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { deadLinksOf, linksOf, pagesOf, targetOf } from "./links.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const pages = pagesOf(ROOT);

test("the pages are found", () => assert.ok(pages.length > 10, pages.join(", ")));

for (const page of pages) {
  test(`the links of ${page} lead somewhere`, () => {
    assert.deepEqual(deadLinksOf(ROOT, page), []);
  });
}

test("every page of docs/ can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const link of linksOf(ROOT, page)) {
      const target = targetOf(ROOT, page, link).file;
      if (pages.includes(target)) reached.add(target);
    }
  }
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  );
});
