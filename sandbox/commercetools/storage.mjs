// The mock's storage, with the real API's answers to queries.
//
// The mock's own storage copies every document for every query, so a walk over n documents costs n² / page; its
// services pass it neither `sort` nor `withTotal`. This one gets both beside the call, through `duringQuery`. It is a
// class because the mock requires one; nothing outside this module needs it.

import { AsyncLocalStorage } from "node:async_hooks";
import { InMemoryStorage } from "@labdigital/commercetools-mock";
import { createCollection } from "./collection.mjs";
import { expandReferences } from "./expansion.mjs";
import { parseWhere } from "./predicate.mjs";
import { indexedFields } from "./resources.mjs";

const DEFAULT_LIMIT = 20;
const MOST_COUNTED = 10_000;

export class SandboxStorage extends InMemoryStorage {
  #collections = new Map();
  #keyOf;
  #request = new AsyncLocalStorage();

  constructor(keyOf) {
    super();
    this.#keyOf = keyOf;
  }

  /** Runs `work` with what the mock's services do not pass on: `{ sort, withTotal }`. */
  duringQuery(parameters, work) {
    return this.#request.run(parameters, work);
  }

  collection(typeId) {
    if (!this.#collections.has(typeId)) {
      this.#collections.set(typeId, createCollection(this.#keyOf, indexedFields(typeId)));
    }
    return this.#collections.get(typeId);
  }

  async clear() {
    this.#collections.clear();
  }

  async all(_projectKey, typeId) {
    return Array.from(this.collection(typeId).all(), copy);
  }

  async count(_projectKey, typeId) {
    return this.collection(typeId).size;
  }

  async add(projectKey, typeId, document, { expand } = {}) {
    this.collection(typeId).put(copy(document));
    return this.expand(projectKey, copy(document), expand);
  }

  async get(projectKey, typeId, id, { expand } = {}) {
    const document = this.collection(typeId).get(id);
    return document ? this.expand(projectKey, copy(document), expand) : null;
  }

  async getByKey(projectKey, typeId, key, { expand } = {}) {
    for (const document of this.collection(typeId).all()) {
      if (document.key === key) return this.expand(projectKey, copy(document), expand);
    }
    return null;
  }

  async delete(projectKey, typeId, id, { expand } = {}) {
    const document = await this.get(projectKey, typeId, id, { expand });
    this.collection(typeId).remove(id);
    return document;
  }

  async query(projectKey, typeId, { where, expand, limit = DEFAULT_LIMIT, offset = 0, ...rest }) {
    const { sort = [], withTotal = true } = this.#request.getStore() ?? {};
    const { total, documents } = this.collection(typeId).query({
      where: parseWhere([where ?? []].flat(), variables(rest), this.#keyOf),
      sort,
      offset,
      limit,
      withTotal,
    });
    // Without expansion nothing below changes a document, so a page is served without a copy.
    const results = expand
      ? await Promise.all(documents.map((each) => this.expand(projectKey, copy(each), expand)))
      : documents;
    // Where there is a predicate, commercetools counts no further (its release note of 2020-10-12).
    const counted = where?.length > 0 ? Math.min(total, MOST_COUNTED) : total;
    return { limit, offset, count: results.length, ...(withTotal && { total: counted }), results };
  }

  async expand(_projectKey, document, expand) {
    const lookup = (typeId, id) => copy(this.collection(typeId).get(id));
    expandReferences(document, [expand ?? []].flat(), lookup);
    return document;
  }
}

/** `{"var.x": v}` → `{x: v}`. */
function variables(parameters) {
  const named = Object.entries(parameters).filter(([name]) => name.startsWith("var."));
  return Object.fromEntries(named.map(([name, value]) => [name.slice("var.".length), value]));
}

/** By way of JSON, since parts of a document may be shared (staged and current data, say). */
export function copy(document) {
  return document && JSON.parse(JSON.stringify(document));
}
