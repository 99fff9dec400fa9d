// The table of all operations: method, path, rate tier, scopes, and the functions for checks and
// effects.
//
// For: finding the operation of a request, and the allowed methods of a path.
// Not for: behaviour; every function named here lives in one of the *-routes.mjs.
// Source of tiers and scopes: klaviyo.md §2.0 (from the official spec, revision 2026-07-15).

import { catalogJobRoutes } from "./catalog-jobs.mjs";
import * as catalog from "./catalog-routes.mjs";
import { catalogShapes, categoryReferencesShape } from "./catalog-shapes.mjs";
import * as consent from "./consent-routes.mjs";
import { consentShapes } from "./consent-shapes.mjs";
import * as events from "./event-routes.mjs";
import { eventShapes } from "./event-shapes.mjs";
import * as profiles from "./profile-routes.mjs";
import { profileShapes } from "./profile-shapes.mjs";

const PLURALS = { item: "items", variant: "variants", category: "categories" };
const PROFILE_BYTES = 100_000; // "maximum allowed payload size is 100KB", read as decimal
const READ = ["catalogs:read"];
const WRITE = ["catalogs:write"];

function op(method, path, tier, scopes, handler, rest = {}) {
  return { name: `${method} ${path}`, method, path, tier, scopes, handler, ...rest };
}

const eventOperations = [
  op("POST", "/api/events", "XL", ["events:write"], events.createEvent, {
    shape: eventShapes.create,
    check: events.checkEvent,
  }),
  op("POST", "/api/event-bulk-create-jobs", "M", ["events:write"], events.createEventsInBulk, {
    shape: eventShapes.bulk,
    check: events.checkBulkEvents,
  }),
  op("GET", "/api/events", "XL", ["events:read"], events.listEvents, { query: events.eventQuery }),
  op("GET", "/api/metrics", "M", ["metrics:read"], events.listMetrics, {
    query: events.metricQuery,
  }),
  op("GET", "/api/mapped-metrics", "S", ["metrics:read"], events.listMappedMetrics, {
    query: events.mappedMetricQuery,
  }),
];

const JOBS = "/api/profile-bulk-import-jobs";
const JOB_READ = ["lists:read", "profiles:read"];
const profileOperations = [
  op("POST", "/api/profiles", "L", ["profiles:write"], profiles.createProfile, {
    shape: profileShapes.create,
    check: profiles.checkProfile,
    maxBytes: PROFILE_BYTES,
    query: profiles.oneProfileQuery,
  }),
  op("PATCH", "/api/profiles/{id}", "L", ["profiles:write"], profiles.updateProfile, {
    shape: profileShapes.update,
    check: profiles.checkProfileUpdate,
    maxBytes: PROFILE_BYTES,
    query: profiles.oneProfileQuery,
  }),
  op("POST", "/api/profile-import", "L", ["profiles:write"], profiles.importProfile, {
    shape: profileShapes.upsert,
    check: profiles.checkProfile,
    maxBytes: PROFILE_BYTES,
    query: profiles.oneProfileQuery,
  }),
  op("GET", "/api/profiles", "L", ["profiles:read"], profiles.listProfiles, {
    query: profiles.profileQuery,
  }),
  op("GET", "/api/profiles/{id}", "L", ["profiles:read"], profiles.getProfile, {
    query: profiles.oneProfileQuery,
  }),
  op("POST", JOBS, "M", ["lists:write", "profiles:write"], profiles.createProfileImportJob, {
    shape: profileShapes.bulkImport,
    check: profiles.checkProfileImportJob,
  }),
  op("GET", JOBS, "M", JOB_READ, profiles.listProfileImportJobs, {
    query: profiles.importJobQuery,
  }),
  op("GET", `${JOBS}/{id}`, "M", JOB_READ, profiles.getProfileImportJob, {
    query: profiles.oneImportJobQuery,
  }),
  op("GET", `${JOBS}/{id}/import-errors`, "M", ["profiles:read"], profiles.listImportErrors, {
    query: profiles.importErrorQuery,
  }),
  op("GET", `${JOBS}/{id}/profiles`, "M", ["profiles:read"], profiles.listImportedProfiles, {
    query: { fields: "profile", page: profiles.profileQuery.page },
  }),
  op("POST", "/api/profile-merge", "M", ["profiles:write"], profiles.mergeProfiles, {
    shape: profileShapes.merge,
    check: profiles.checkMerge,
  }),
];

const SUBSCRIBE = ["lists:write", "profiles:write", "subscriptions:write"];
const consentOperations = [
  op(
    "POST",
    "/api/data-privacy-deletion-jobs",
    "S",
    ["data-privacy:write"],
    consent.requestDeletion,
    { shape: profileShapes.deletion, check: consent.checkDeletion },
  ),
  op(
    "POST",
    "/api/profile-subscription-bulk-create-jobs",
    "L",
    SUBSCRIBE,
    consent.keepSubscriptions,
    { shape: consentShapes.subscribe, check: consent.checkSubscription },
  ),
  op(
    "POST",
    "/api/profile-subscription-bulk-delete-jobs",
    "L",
    SUBSCRIBE,
    consent.keepSubscriptions,
    { shape: consentShapes.unsubscribe, check: consent.checkSubscription },
  ),
  op(
    "POST",
    "/api/back-in-stock-subscriptions",
    "XL",
    ["catalogs:write", "profiles:write"],
    consent.keepBackInStock,
    { shape: consentShapes.backInStock, check: consent.checkBackInStock },
  ),
  op("GET", "/api/accounts", "XS", ["accounts:read"], consent.listAccounts),
];

function catalogOperations(kind) {
  const routes = catalog.catalogRoutes(kind);
  const shapes = catalogShapes[kind];
  const path = `/api/catalog-${PLURALS[kind]}`;
  const { check } = routes;
  return [
    op("GET", path, "XL", READ, routes.list, { query: routes.many }),
    op("POST", path, "L", WRITE, routes.create, { shape: shapes.create, check }),
    op("GET", `${path}/{id}`, "XL", READ, routes.get, { query: routes.one }),
    op("PATCH", `${path}/{id}`, "L", WRITE, routes.update, { shape: shapes.update, check }),
    op("DELETE", `${path}/{id}`, "L", WRITE, routes.remove),
    ...["create", "update", "delete"].flatMap((action) => jobOperations(kind, action)),
  ];
}

function jobOperations(kind, action) {
  const routes = catalogJobRoutes(kind, action);
  const path = `/api/catalog-${kind}-bulk-${action}-jobs`;
  const shape = catalogShapes[kind][`bulk${action[0].toUpperCase()}${action.slice(1)}`];
  // Job GETs: those of item and variant create/update are L since 2026-04-15, all others are XL.
  const tier = kind === "category" || action === "delete" ? "XL" : "L";
  return [
    op("POST", path, "L", WRITE, routes.create, { shape, check: routes.check }),
    op("GET", path, tier, READ, routes.list, { query: routes.many }),
    op("GET", `${path}/{id}`, tier, READ, routes.get, { query: routes.one }),
  ];
}

const ITEM = "/api/catalog-items/{id}";
const CATEGORIES = `${ITEM}/relationships/categories`;
const shape = categoryReferencesShape;
const itemOperations = [
  op("GET", `${ITEM}/variants`, "XL", READ, catalog.listVariantsOfItem, {
    query: catalog.catalogRoutes("variant").many,
  }),
  op("GET", CATEGORIES, "XL", READ, catalog.listCategoriesOfItem, {
    query: catalog.referencesQuery,
  }),
  op("POST", CATEGORIES, "L", WRITE, catalog.addCategoriesToItem, { shape }),
  op("PATCH", CATEGORIES, "L", WRITE, catalog.replaceCategoriesOfItem, { shape }),
  op("DELETE", CATEGORIES, "L", WRITE, catalog.removeCategoriesFromItem, { shape }),
];

export const OPERATIONS = [
  ...eventOperations,
  ...profileOperations,
  ...consentOperations,
  ...Object.keys(PLURALS).flatMap(catalogOperations),
  ...itemOperations,
];

export const ALL_SCOPES = [...new Set(OPERATIONS.flatMap(({ scopes }) => scopes))].sort();

const routes = OPERATIONS.map((operation) => ({
  operation,
  segments: operation.path.split("/"),
}));

/** The operation of a request and its path parameters, or `{ allowed }`, the path's methods. */
export function findOperation(method, pathname) {
  // A trailing slash is accepted, as it is live.
  const given = pathname.replace(/\/$/, "").split("/");
  const matching = routes.filter(({ segments }) => fits(segments, given));
  const found = matching.find(({ operation }) => operation.method === method);
  if (!found) return { allowed: matching.map(({ operation }) => operation.method) };
  const position = found.segments.indexOf("{id}");
  return {
    operation: found.operation,
    params: position < 0 ? {} : { id: decodeSegment(given[position]) },
  };
}

// Decoded after the split, so that an encoded slash stays inside its id. What cannot be decoded is
// no known id.
function decodeSegment(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function fits(segments, given) {
  return (
    segments.length === given.length &&
    segments.every(
      (each, index) => each === given[index] || (each === "{id}" && given[index] !== ""),
    )
  );
}
