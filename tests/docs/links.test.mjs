// Every link of README.md and docs/ to a file or a heading of this repository leads there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const pages = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort(),
];

test("the pages are found", () => assert.ok(pages.length > 10, pages.join(", ")));

for (const page of pages) {
  test(`the links of ${page} lead somewhere`, () => {
    const dead = linksOf(page).filter((link) => !leadsSomewhere(page, link));
    assert.deepEqual(dead, []);
  });
}

test("every page of docs/ can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const link of linksOf(page)) {
      const target = targetOf(page, link).file;
      if (pages.includes(target)) reached.add(target);
    }
  }
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  );
});

/** What `[text](link)` and `<img src="link">` name, but for addresses elsewhere. */
function linksOf(page) {
  const text = prose(page);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\bsrc="([^"]+)"/g)];
  return links.map(([, link]) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page, link) {
  const { file, anchor } = targetOf(page, link);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || anchorsOf(file).has(anchor);
}

function targetOf(page, link) {
  const [path, anchor] = link.split("#");
  const file = path === "" ? page : relative(ROOT, resolve(ROOT, dirname(page), path));
  return { file, anchor };
}

/** As GitHub makes them of headings: small letters, spaces as hyphens, no punctuation. */
function anchorsOf(file) {
  const headings = [...prose(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
  const counts = new Map();
  const anchors = headings.map((heading) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    const before = counts.get(anchor) ?? 0;
    counts.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return new Set(anchors);
}

/** The page without its blocks of code, in which a line may look like a heading or a link. */
function prose(page) {
  return readFileSync(join(ROOT, page), "utf8").replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
}
