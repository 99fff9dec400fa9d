// commercetools' order of documents: which of two values is smaller, and what the `sort` parameter
// means. Predicates compare with the same function, since a cursor (`sort=id asc` with `id > "…"`)
// is only right if both agree.
//
// Not here: reading documents (collection.mjs) and predicates (predicate.mjs).

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
const FIELD = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/**
 * The key by which an id is ordered. "binary" is the order of the real API (reference §5.2): ids
 * are stored as two little-endian halves of eight bytes, so 00010203-0405-4007-8009-0a0b0c0d0e0f
 * is ordered as 0740050403020100 0f0e0d0c0b0a0980, which is not the order of the strings.
 */
export function idKeyFor(name) {
  const keys = { binary: binaryKey, text: (id) => id };
  if (!(name in keys)) {
    throw new RangeError(`idOrder is "binary" or "text", not ${JSON.stringify(name)}`);
  }
  return keys[name];
}

function binaryKey(id) {
  if (!UUID.test(id)) return id;
  const bytes = id.toLowerCase().replaceAll("-", "").match(/../g);
  return [...bytes.slice(0, 8).reverse(), ...bytes.slice(8).reverse()].join("");
}

/**
 * Negative, zero or positive. Ids by `keyOf`; timestamps as instants, since
 * "2026-01-01T00:00:00Z" and "2026-01-01T01:00:00.000+01:00" are the same one.
 */
export function compareValues(field, left, right, keyOf) {
  if (field === "id") return compare(keyOf(left), keyOf(right));
  if (isTimestamp(left) && isTimestamp(right)) return Date.parse(left) - Date.parse(right);
  return compare(left, right);
}

/** `["createdAt desc", "id"]` → clauses. Throws a `SyntaxError` in commercetools' words. */
export function parseSort(sorts) {
  return sorts.map((text) => {
    const [field, direction = "asc", ...rest] = text.trim().split(/\s+/);
    if (!FIELD.test(field) || !["asc", "desc"].includes(direction) || rest.length > 0) {
      throw new SyntaxError(`Malformed parameter: sort: cannot sort by '${text}'`);
    }
    return { path: field.split("."), descending: direction === "desc" };
  });
}

/** A comparator of documents for parsed clauses. What is absent comes last, or first in "desc". */
export function comparator(clauses, keyOf) {
  return (left, right) => {
    for (const { path, descending } of clauses) {
      const result = compareFields(path, left, right, keyOf);
      if (result !== 0) return descending ? -result : result;
    }
    return 0;
  };
}

function compareFields(path, left, right, keyOf) {
  const [a, b] = [left, right].map((document) =>
    path.reduce((value, name) => value?.[name], document),
  );
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareValues(path.at(-1), a, b, keyOf);
}

function compare(left, right) {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function isTimestamp(value) {
  return typeof value === "string" && TIMESTAMP.test(value);
}
