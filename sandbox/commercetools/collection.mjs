// The documents of one resource type, and the answer to a query over them.
//
// It keeps them in the order of their ids, so that a page of a walk (`sort=id asc`, `id > "…"`)
// costs a page and not the whole collection, and indexes the fields of many queries (`indexed`);
// everything else is a plain scan. Not here: HTTP, expansion.

import { comparator } from "./ordering.mjs";

/** `indexed` are paths of fields, such as "current.sku". */
export function createCollection(keyOf, indexed = []) {
  const documents = new Map();
  const indexes = indexed.map((path) => createIndex(documents, path.split(".")));
  let sorted = null;

  const byId = () => {
    sorted ??= [...documents.keys()]
      .map((id) => ({ id, key: keyOf(id) }))
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    return sorted;
  };

  return {
    get size() {
      return documents.size;
    },
    get: (id) => documents.get(id),
    all: () => documents.values(),
    put(document) {
      const before = documents.get(document.id);
      if (!before) sorted = null;
      documents.set(document.id, document);
      for (const index of indexes) index.replaced(before, document);
    },
    remove(id) {
      const before = documents.get(id);
      if (!documents.delete(id)) return;
      sorted = null;
      for (const index of indexes) index.replaced(before, undefined);
    },
    clear() {
      documents.clear();
      sorted = null;
      for (const index of indexes) index.clear();
    },
    /** `{ total, documents }`; without `withTotal` it stops at the page's end, so knows none. */
    query({ where, sort, offset, limit, withTotal }) {
      const walksIds = sort.length > 0 && sort[0].path.join(".") === "id";
      const some = named(documents, indexes, where);
      const candidates =
        some ??
        (walksIds
          ? idWalk(documents, byId(), keyOf, where.ids, sort[0].descending)
          : documents.values());
      const inOrder = sort.length === 0 || (walksIds && !some);
      const matching = matches(candidates, where.matches);
      if (inOrder && !withTotal) return { documents: page(matching, offset, limit) };
      const all = [...matching];
      if (!inOrder) all.sort(comparator(sort, keyOf));
      return { total: all.length, documents: all.slice(offset, offset + limit) };
    },
  };
}

/** The documents of which a query names the ids or an indexed field, or undefined. */
function named(documents, indexes, where) {
  if (where.ids.among) return found(documents, where.ids.among);
  for (const index of indexes) {
    const values = where.among(index.path);
    if (values) return index.find(values);
  }
  return undefined;
}

function found(documents, ids) {
  return [...new Set(ids)].flatMap((id) => documents.get(id) ?? []);
}

/** Which documents hold which value at `path`; made when it is first asked for, and then kept. */
function createIndex(documents, path) {
  let ids = null;
  const fieldOf = (document) => path.reduce((value, name) => value?.[name], document);
  const add = (document) => {
    const value = fieldOf(document);
    if (!ids.has(value)) ids.set(value, new Set());
    ids.get(value).add(document.id);
  };
  return {
    path,
    find(values) {
      if (!ids) {
        ids = new Map();
        for (const document of documents.values()) add(document);
      }
      return [...new Set(values)].flatMap((value) => found(documents, ids.get(value) ?? []));
    },
    replaced(before, now) {
      if (!ids) return;
      if (before) ids.get(fieldOf(before))?.delete(before.id);
      if (now) add(now);
    },
    clear() {
      ids = null;
    },
  };
}

function* idWalk(documents, sorted, keyOf, { after, from }, descending) {
  const lowest = after ?? from;
  const start = lowest === undefined ? 0 : lowerBound(sorted, keyOf(lowest));
  if (descending) {
    for (let at = sorted.length - 1; at >= start; at -= 1) yield documents.get(sorted[at].id);
  } else {
    for (let at = start; at < sorted.length; at += 1) yield documents.get(sorted[at].id);
  }
}

/** The first place whose key is not below `key`. */
function lowerBound(sorted, key) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* matches(candidates, test) {
  for (const document of candidates) if (test(document)) yield document;
}

function page(matching, offset, limit) {
  const documents = [];
  if (limit === 0) return documents;
  let skipped = 0;
  for (const document of matching) {
    if (skipped < offset) {
      skipped += 1;
      continue;
    }
    documents.push(document);
    if (documents.length === limit) break;
  }
  return documents;
}
