// The catalogue of the fake: items, variants and categories, and the relations between them.
//
// For: create, update and delete with Klaviyo's conflicts and missing parents; the same functions
// serve single calls and the rows of bulk jobs. Each either takes full effect or throws.
// Not for: HTTP (catalog-routes.mjs) and jobs (catalog-jobs.mjs).
// Source: klaviyo.md §2.3.

import { conflict, notFound } from "./errors.mjs";
import { withFraction } from "./time.mjs";

/** Before the external id; the API knows no other integration and no other catalogue. */
const PREFIX = "$custom:::$default:::";

const PICTURES = { image_full_url: "", image_thumbnail_url: "", images: [] };
const KINDS = {
  item: { price: null, ...PICTURES, custom_metadata: {}, published: true },
  variant: { inventory_policy: 0, ...PICTURES, custom_metadata: {}, published: true },
  category: {},
};

export function createCatalog({ now }) {
  const records = { item: new Map(), variant: new Map(), category: new Map() };
  let seq = 0;

  function get(kind, id) {
    const record = records[kind].get(id);
    if (!record) throw notFound(kind, id);
    return record;
  }

  function create(kind, resource) {
    const {
      external_id: externalId,
      integration_type,
      catalog_type,
      ...attributes
    } = resource.attributes;
    const id = PREFIX + externalId;
    if (records[kind].has(id)) throw conflict(`A ${kind} with id ${id} already exists.`);
    const links = linksOf(kind, resource.relationships);
    seq += 1;
    const at = now();
    const record = { kind, seq, id, externalId, createdAt: at, updatedAt: at };
    record.attributes = { ...KINDS[kind], ...withoutNulls(attributes) };
    if (kind === "item") Object.assign(record, { categories: new Set(), variants: new Set() });
    if (kind === "variant") {
      record.item = links.item;
      links.item.variants.add(record);
    }
    records[kind].set(id, record);
    relate(record, links);
    return record;
  }

  function update(kind, resource) {
    const record = get(kind, resource.id);
    const links = linksOf(kind, resource.relationships);
    Object.assign(record.attributes, withDefaults(KINDS[kind], resource.attributes));
    record.updatedAt = now();
    relate(record, links);
    return record;
  }

  function remove(kind, id) {
    const record = get(kind, id);
    records[kind].delete(id);
    if (kind === "item") for (const variant of record.variants) records.variant.delete(variant.id);
    if (kind === "variant") record.item.variants.delete(record);
    if (kind === "category")
      for (const item of records.item.values()) item.categories.delete(record);
  }

  // The related records of a create or an update, all of which must exist. What Klaviyo answers for
  // an unknown one is not recorded; "404 missing object" fits, and its detail and pointer tell
  // which object is meant.
  function linksOf(kind, relationships) {
    if (kind === "variant") {
      const id = relationships?.item?.data?.id;
      return relationships ? { item: related("item", id, "/data/relationships/item/data") } : {};
    }
    const [name, other] = kind === "item" ? ["categories", "category"] : ["items", "item"];
    const references = relationships?.[name]?.data;
    if (!references) return {};
    const all = references.map(({ id }, index) =>
      related(other, id, `/data/relationships/${name}/data/${index}/id`),
    );
    return { [name]: all };
  }

  function related(kind, id, pointer) {
    const record = records[kind].get(id);
    if (!record) throw notFound(kind, id, pointer);
    return record;
  }

  // Relationships in a create or an update are a full replacement.
  function relate(record, { categories, items }) {
    if (categories) record.categories = new Set(categories);
    if (!items) return;
    for (const item of records.item.values()) item.categories.delete(record);
    for (const item of items) item.categories.add(record);
  }

  /** Adding a category again is a conflict: the POST is not idempotent (seen live). */
  function addCategories(itemId, references) {
    const { item, categories } = itemAndCategories(itemId, references);
    const held = categories.find((category) => item.categories.has(category));
    if (held) throw conflict(`The item is already in the category ${held.id}.`, "/data");
    for (const category of categories) item.categories.add(category);
  }

  function replaceCategories(itemId, references) {
    const { item, categories } = itemAndCategories(itemId, references);
    item.categories = new Set(categories);
  }

  function removeCategories(itemId, references) {
    const { item, categories } = itemAndCategories(itemId, references);
    for (const category of categories) item.categories.delete(category);
  }

  function itemAndCategories(itemId, references) {
    const item = get("item", itemId);
    const categories = references.map(({ id }, index) =>
      related("category", id, `/data/${index}/id`),
    );
    return { item, categories };
  }

  return {
    get,
    find: (kind, id) => records[kind].get(id),
    list: (kind) => [...records[kind].values()],
    create,
    update,
    remove,
    addCategories,
    replaceCategories,
    removeCategories,
  };
}

/** The attributes as a response shows them. */
export function catalogAttributes({ externalId, attributes, createdAt, updatedAt, kind }) {
  const times = kind === "category" ? {} : { created: withFraction(createdAt) };
  return { external_id: externalId, ...attributes, ...times, updated: withFraction(updatedAt) };
}

/** A null clears: the attribute is then as if it had never been given. */
function withDefaults(defaults, attributes) {
  const given = ([name, value]) => [name, value ?? defaults[name] ?? null];
  return Object.fromEntries(Object.entries(attributes).map(given));
}

function withoutNulls(attributes) {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}
