// LICENSES.txt of a release: the owners of the code in the worker, and its licences. A licence text that several share
// word by word occurs once.

const RULE = "=".repeat(80);

/** The text of the file. `crates` are those of crates.mjs. */
export function licencesOf(crates) {
  const owners = new Map();
  for (const { texts, ...crate } of crates) {
    for (const text of texts) {
      const key = text.replaceAll("\r\n", "\n").trim();
      owners.set(key, [...(owners.get(key) ?? []), named(crate)]);
    }
  }
  const without = crates.filter(({ texts }) => texts.length === 0).map(named);
  return [
    "The Worker in build/ is made of this project (LICENSE) and of what is named here.",
    ...(without.length > 0 ? [`Without a text of their licence: ${without.join(", ")}.`] : []),
    crates.map((crate) => `${named(crate)}: ${crate.licence ?? "not said"}`).join("\n"),
    ...[...owners].map(([text, names]) => `${RULE}\n${names.join(", ")}\n${RULE}\n\n${text}`),
    "",
  ].join("\n\n");
}

const named = ({ name, version }) => `${name} ${version}`;
