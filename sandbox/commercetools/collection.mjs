// The documents of one resource type, and the answer to a query over them.
//
// Kept in the order of their ids, so that a page of a walk (`sort=id asc`, `id > "…"`) costs a
// page and not the whole collection, and found by their SKU, where they have one of their own;
// everything else is a plain scan. Not here: HTTP, expansion.

import { comparator } from "./ordering.mjs";

export function createCollection(keyOf) {
  const documents = new Map();
  let sorted = null;
  let skus = null;

  const byId = () => {
    sorted ??= [...documents.keys()]
      .map((id) => ({ id, key: keyOf(id) }))
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    return sorted;
  };

  const ofSkus = (wanted) => {
    if (!skus) {
      skus = new Map();
      for (const document of documents.values()) {
        if (!skus.has(document.sku)) skus.set(document.sku, new Set());
        skus.get(document.sku).add(document.id);
      }
    }
    return [...new Set(wanted)].flatMap((sku) =>
      [...(skus.get(sku) ?? [])].map((id) => documents.get(id)),
    );
  };

  return {
    get size() {
      return documents.size;
    },
    get: (id) => documents.get(id),
    all: () => documents.values(),
    put(document) {
      if (!documents.has(document.id)) sorted = null;
      if (!documents.has(document.id) || documents.get(document.id).sku !== document.sku) {
        skus = null;
      }
      documents.set(document.id, document);
    },
    remove(id) {
      if (documents.delete(id)) {
        sorted = null;
        skus = null;
      }
    },
    clear() {
      documents.clear();
      sorted = null;
      skus = null;
    },
    /** `{ total, documents }`; without `withTotal` it stops at the page's end, so knows none. */
    query({ where, sort, offset, limit, withTotal }) {
      const walksIds = sort.length > 0 && sort[0].path.join(".") === "id";
      const candidates = where.ids.among
        ? found(documents, where.ids.among)
        : where.skus.among
          ? ofSkus(where.skus.among)
          : walksIds
            ? idWalk(documents, byId(), keyOf, where.ids, sort[0].descending)
            : documents.values();
      const inOrder = sort.length === 0 || (walksIds && !where.ids.among && !where.skus.among);
      const matching = matches(candidates, where.matches);
      if (inOrder && !withTotal) return { documents: page(matching, offset, limit) };
      const all = [...matching];
      if (!inOrder) all.sort(comparator(sort, keyOf));
      return { total: all.length, documents: all.slice(offset, offset + limit) };
    },
  };
}

function found(documents, ids) {
  return [...new Set(ids)].flatMap((id) => documents.get(id) ?? []);
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
