// The catalogue endpoints: one set of handlers for items, variants and categories.
//
// For: single create, update, delete and get, lists with filters, an item's variants and
// categories.
// Not for: the storage of the catalogue (catalog.mjs), and its bulk jobs (catalog-jobs.mjs).
// Source: klaviyo.md §2.3.

import { catalogAttributes } from "./catalog.mjs";
import { paginate, sparse } from "./query.mjs";
import { catalogRules } from "./rules.mjs";

const PAGE = { size: 100, max: 100 };
const FILTERS = {
  item: {
    ids: ["any"],
    "category.id": ["equals"],
    title: ["equals", "contains"],
    published: ["equals"],
  },
  variant: {
    ids: ["any"],
    "item.id": ["equals"],
    sku: ["equals"],
    title: ["equals", "contains"],
    published: ["equals"],
  },
  category: { ids: ["any"], name: ["equals", "contains"] },
};

export const referencesQuery = { page: PAGE };

/** The handlers of one kind, with what its operations allow in the query. */
export function catalogRoutes(kind) {
  const type = `catalog-${kind}`;
  const one = { fields: type };
  const many = { filter: FILTERS[kind], sort: ["created"], fields: type, page: PAGE };

  function check({ body, params, report }) {
    catalogRules(body.data, ["data"], report);
    if (params.id !== undefined && body.data.id !== params.id) {
      report(["data", "id"], "The id must match the id of the path.");
    }
  }

  function create({ state, body, query, url }) {
    return {
      status: 201,
      body: { data: render(state.catalog.create(kind, body.data), url, query) },
    };
  }

  function update({ state, body, query, url }) {
    return {
      status: 200,
      body: { data: render(state.catalog.update(kind, body.data), url, query) },
    };
  }

  function remove({ state, params }) {
    state.catalog.remove(kind, params.id);
    return { status: 204 };
  }

  function get({ state, params, query, url }) {
    return { status: 200, body: { data: render(state.catalog.get(kind, params.id), url, query) } };
  }

  function list({ state, query, url }) {
    return listed(candidates(state.catalog, kind, query.filters), query, url);
  }

  return { one, many, check, create, update, remove, get, list };
}

export function listVariantsOfItem({ state, params, query, url }) {
  const { variants } = state.catalog.get("item", params.id);
  const rows = [...variants].filter((record) => query.filters.every((each) => fits(record, each)));
  return listed(rows, query, url);
}

// --- An item's categories ------------------------------------------------------------------------

export function listCategoriesOfItem({ state, params, query, url }) {
  const rows = [...state.catalog.get("item", params.id).categories].sort((a, b) => a.seq - b.seq);
  const { page, links } = paginate(rows, query, url);
  return { status: 200, body: { data: page.map(reference), links } };
}

export function addCategoriesToItem({ state, params, body }) {
  state.catalog.addCategories(params.id, body.data);
  return { status: 204 };
}

export function replaceCategoriesOfItem({ state, params, body }) {
  state.catalog.replaceCategories(params.id, body.data);
  return { status: 204 };
}

export function removeCategoriesFromItem({ state, params, body }) {
  state.catalog.removeCategories(params.id, body.data);
  return { status: 204 };
}

// --- Lists and rendering -------------------------------------------------------------------------

function listed(rows, query, url) {
  const { page, links } = paginate(rows, query, url);
  return { status: 200, body: { data: page.map((record) => render(record, url, query)), links } };
}

// `any(ids, …)` names its records; looking them up spares a walk through a large catalogue.
function candidates(catalog, kind, filters) {
  const byId = filters.find(({ field }) => field === "ids");
  const rows = byId
    ? [...new Set(byId.value)].map((id) => catalog.find(kind, id)).filter(Boolean)
    : catalog.list(kind);
  return rows
    .filter((record) => filters.every((each) => fits(record, each)))
    .sort((a, b) => a.seq - b.seq);
}

function fits(record, { op, field, value }) {
  if (field === "ids") return value.includes(record.id);
  if (field === "category.id") return [...record.categories].some(({ id }) => id === value);
  if (field === "item.id") return record.item.id === value;
  const held = String(record.attributes[field]);
  return op === "contains" ? held.includes(value) : held === value;
}

function reference(record) {
  return { type: `catalog-${record.kind}`, id: record.id };
}

function render(record, url, query) {
  const { type, id } = reference(record);
  const plural = record.kind === "category" ? "categories" : `${record.kind}s`;
  return {
    type,
    id,
    attributes: sparse(catalogAttributes(record), query, type),
    relationships: relationships(record),
    links: { self: `${url.origin}/api/catalog-${plural}/${encodeURIComponent(id)}/` },
  };
}

function relationships(record) {
  return record.kind === "variant" ? { item: { data: reference(record.item) } } : {};
}
