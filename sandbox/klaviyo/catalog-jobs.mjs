// The nine bulk job endpoints of the catalogue: create, update and delete of items, variants and
// categories.
//
// For: accepting up to 100 rows at once, carrying them out later, and reporting per row.
// Not for: the time when a job takes effect (jobs.mjs), and the effect of a row (catalog.mjs).
// Source: klaviyo.md §2.3 ("Bulk jobs").

import { notFound, tooManyJobs } from "./errors.mjs";
import { carryOutRows } from "./jobs.mjs";
import { paginate, sparse } from "./query.mjs";
import { catalogRules } from "./rules.mjs";
import { withFraction } from "./time.mjs";

/** Per type or per account is not stated; per account is the stricter reading. */
const MAX_OPEN_JOBS = 500;

const ROWS = { item: "items", variant: "variants", category: "categories" };
const ACTIONS = {
  create: (catalog, kind, row) => catalog.create(kind, row).id,
  update: (catalog, kind, row) => catalog.update(kind, row).id,
  delete: (catalog, kind, row) => {
    catalog.remove(kind, row.id);
    return row.id;
  },
};

/** The handlers of one job type, with what its operations allow in the query. */
export function catalogJobRoutes(kind, action) {
  const type = `catalog-${kind}-bulk-${action}-job`;
  const rowsName = ROWS[kind];
  const fields = { fields: type, include: [rowsName] };
  // A cursor is all that the lists take: `page[size]` is a 400 (seen live).
  const many = { ...fields, filter: { status: ["equals", "any"] }, page: { size: 100 } };

  function check({ body, report }) {
    if (action === "delete") return;
    body.data.attributes[rowsName].data.forEach((row, index) => {
      catalogRules(row, ["data", "attributes", rowsName, "data", index], report);
    });
  }

  function create({ state, body, query, url, settings }) {
    if (state.jobs.openCatalogJobs() >= MAX_OPEN_JOBS) throw tooManyJobs(MAX_OPEN_JOBS);
    const rows = body.data.attributes[rowsName].data;
    const job = state.jobs.add({
      type,
      total: rows.length,
      // "Item-create jobs stayed `processing` > 4 min though the items were readable" (seen live).
      lingerMs: type === "catalog-item-bulk-create-job" ? settings.itemCreateLingerMs : 0,
      run: () =>
        carryOutRows(rows, {
          effect: (row) => ACTIONS[action](state.catalog, kind, row),
          path: settings.rowPointers ? `/data/attributes/${rowsName}/data` : null,
        }),
    });
    return { status: 202, body: { data: render(job, url, query) } };
  }

  function get({ state, params, query, url }) {
    const job = state.jobs.get(params.id);
    if (job?.type !== type) throw notFound(type, params.id);
    return { status: 200, body: { data: render(job, url, query) } };
  }

  function list({ state, query, url }) {
    const rows = state.jobs
      .ofType(type)
      .filter((job) => query.filters.every(({ value }) => [value].flat().includes(job.status)));
    const { page, links } = paginate(rows, query, url);
    return { status: 200, body: { data: page.map((job) => render(job, url, query)), links } };
  }

  function render(job, url, query) {
    const ids = job.created.map((id) => ({ type: `catalog-${kind}`, id }));
    const shown = query.include.includes(rowsName);
    return {
      type,
      id: job.id,
      attributes: sparse(jobAttributes(job), query, type),
      ...(shown && { relationships: { [rowsName]: { data: ids } } }),
      links: { self: `${url.origin}/api/${type}s/${job.id}/` },
    };
  }

  return { one: fields, many, check, create, get, list };
}

function jobAttributes(job) {
  return {
    status: job.status,
    created_at: withFraction(job.createdAt),
    total_count: job.total,
    completed_count: job.completed,
    failed_count: job.failed,
    completed_at: job.status === "complete" ? withFraction(job.completesAt) : null,
    errors: job.errors,
    expires_at: withFraction(job.expiresAt),
  };
}
