// The pages of this project, or of a release of it, and the targets of their links.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** The pages beside the README, the README and all of docs/, as paths within `root`. */
export function pagesOf(root) {
  const docs = readdirSync(join(root, "docs"), { recursive: true })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name))
    .sort();
  return ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ...docs];
}

/** What `[text](link)` and `<img src="link">` name, except for addresses elsewhere. */
export function linksOf(root, page) {
  const text = prose(root, page);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\bsrc="([^"]+)"/g)];
  return links.map(([, link]) => link).filter((link) => !/^[a-z]+:/.test(link));
}

/** Those that lead neither to a file nor to a heading. */
export function deadLinksOf(root, page) {
  return linksOf(root, page).filter((link) => {
    const { file, anchor } = targetOf(root, page, link);
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && !anchorsOf(root, file).has(anchor);
  });
}

/** The file within `root` that a link of a page names, and the heading in it. */
export function targetOf(root, page, link) {
  const [path, anchor] = link.split("#");
  const file = path === "" ? page : relative(root, resolve(root, dirname(page), path));
  return { file, anchor };
}

/** As GitHub makes them of headings: small letters, spaces as hyphens, no punctuation. */
function anchorsOf(root, file) {
  const headings = [...prose(root, file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
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
function prose(root, page) {
  return readFileSync(join(root, page), "utf8").replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
}
