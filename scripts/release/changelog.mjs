// The notes of a release: its part of CHANGELOG.md, which follows Keep a Changelog.
//
// Not for: writing the changelog. A person does that together with the change.

import { Failure } from "../lib/run.mjs";

/** What the changelog says of a version, without its heading. Throws a Failure when it does not have the version. */
export function notesOf(version, changelog) {
  const sections = changelog.split(/^## /m).map((text) => {
    const [heading, ...lines] = text.split("\n");
    return { heading, notes: lines.join("\n").trim() };
  });
  const section = sections.find(({ heading }) => heading.startsWith(`[${version}]`));
  if (!/ - \d{4}-\d\d-\d\d$/.test(section?.heading)) {
    throw new Failure(`CHANGELOG.md has no heading \`## [${version}] - yyyy-mm-dd\``);
  }
  const { notes } = section;
  if (notes === "") throw new Failure(`CHANGELOG.md says nothing of ${version}`);
  return `${notes}\n`;
}
