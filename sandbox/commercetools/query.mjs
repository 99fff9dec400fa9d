// The parameters of a query, with the checks of the real API (reference §5.1); the mock accepts any
// `limit` and `offset`, and answers a malformed `sort` with everything.

import { parseSort } from "./ordering.mjs";
import { parseWhere } from "./predicate.mjs";

const MAX = { limit: 500, offset: 10_000 };

/**
 * `{ sort, withTotal }` for the storage, beside the `fields` that the predicates name, or `{ invalid }`
 * with the reason. The text for `offset` is the real one (§5.1); the other texts are in its manner.
 */
export function parseQuery(parameters, keyOf) {
  for (const [name, max] of Object.entries(MAX)) {
    const text = parameters.get(name);
    if (text !== null && !(/^\d+$/.test(text) && Number(text) <= max)) {
      const range = `The ${name} parameter must be in the range of [0..${max}]`;
      return { invalid: `Malformed parameter: ${name}: ${range}` };
    }
  }
  try {
    const { fields } = parseWhere(parameters.getAll("where"), variables(parameters), keyOf);
    const sort = parseSort(parameters.getAll("sort"));
    return { sort, withTotal: parameters.get("withTotal") !== "false", fields };
  } catch (error) {
    if (error instanceof SyntaxError) return { invalid: error.message };
    throw error;
  }
}

/** `var.x=a` → `{x: "a"}`; repeated, a list. */
function variables(parameters) {
  const names = [...new Set(parameters.keys())].filter((name) => name.startsWith("var."));
  return Object.fromEntries(
    names.map((name) => [name.slice("var.".length), parameters.getAll(name)]),
  );
}
