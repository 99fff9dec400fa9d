// The result of a run: compares Klaviyo with a run without faults, record by record, and searches all output of the
// worker for forbidden content.

import { isDeepStrictEqual } from "node:util";

/**
 * `lost`: records that a run without faults has and this one has not; `doubled`: the other way round, and events that
 * Klaviyo took twice; `different`: records with other content. The first of each is named.
 */
export function compare(held, expected) {
  const result = { lost: 0, doubled: 0, different: 0, first: [] };
  const note = (what, kind, key, more = "") => {
    result[what] += 1;
    if (result[what] === 1) result.first.push(`${what}: ${kind} ${key}${more}`);
  };
  for (const [kind, records] of Object.entries(expected)) {
    for (const key of Object.keys(records)) {
      if (!Object.hasOwn(held[kind], key)) note("lost", kind, key);
      else if (!isDeepStrictEqual(held[kind][key], records[key])) {
        note("different", kind, key, ` ${difference(held[kind][key], records[key])}`);
      }
    }
    for (const key of Object.keys(held[kind])) {
      if (!Object.hasOwn(records, key)) note("doubled", kind, key);
    }
  }
  return result;
}

/** The members of two records that differ, the one that is held before the one that is expected. */
function difference(held, expected) {
  const names = [...new Set([...Object.keys(held), ...Object.keys(expected)])];
  const differ = names.filter((name) => !isDeepStrictEqual(held[name], expected[name]));
  return JSON.stringify(
    Object.fromEntries(differ.map((name) => [name, [held[name], expected[name]]])),
  );
}

/** Nothing is lost, doubled or different. */
export const isSame = ({ lost, doubled, different }) => lost + doubled + different === 0;

/** The values that are in one of the texts, as they are, in JSON, in an address or in base64. */
export function leaks(texts, values) {
  const forms = (value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    Buffer.from(value).toString("base64").replace(/=+$/, ""),
  ];
  const all = texts.join("\n");
  return values.filter((value) => forms(value).some((form) => all.includes(form)));
}
