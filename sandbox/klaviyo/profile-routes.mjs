// The profile endpoints: single calls, the bulk import job and its errors, merge.
//
// For: the HTTP meaning of profile operations, with status codes, pointers and job resources.
// Not for: storing and matching profiles (profiles.mjs), and deletion and consent (consent-routes.mjs).
// Source: klaviyo.md §2.2.

import { notFound } from "./errors.mjs";
import { carryOutRows } from "./jobs.mjs";
import { profileAttributes } from "./profiles.mjs";
import { paginate, sparse } from "./query.mjs";
import { identifierRules, profileRules, profileSizeRule } from "./rules.mjs";
import { inSeconds } from "./time.mjs";

const JOB = "profile-bulk-import-job";

export const profileQuery = {
  filter: {
    id: ["equals", "any"],
    email: ["equals", "any"],
    external_id: ["equals", "any"],
    phone_number: ["equals", "any"],
  },
  sort: ["id", "created"], // both are the order of creation; `updated` and `email` are not modelled
  fields: "profile",
  page: { size: 20, max: 100 },
};
export const oneProfileQuery = { fields: "profile" };
export const oneImportJobQuery = { fields: JOB };
export const importJobQuery = {
  filter: { status: ["equals", "any"] },
  sort: ["created_at"],
  fields: JOB,
  page: { size: 20, max: 100 },
};
export const importErrorQuery = { page: { size: 20, max: 100 } };

// --- Single profiles -----------------------------------------------------------------------------

export function checkProfile({ body, report, settings }) {
  profileRules(body.data, ["data"], report, settings);
}

/** A PATCH needs no identifier in the body, but the id must be that of the path. */
export function checkProfileUpdate({ body, params, report, settings }) {
  if (body.data.id !== params.id) report(["data", "id"], "The id must match the id of the path.");
  identifierRules(body.data.attributes, ["data", "attributes"], report, settings);
}

export function createProfile({ state, body, query, url }) {
  return { status: 201, body: { data: render(state.profiles.create(body.data), url, query) } };
}

export function updateProfile({ state, body, params, query, url }) {
  const profile = state.profiles.update(params.id, body.data);
  return { status: 200, body: { data: render(profile, url, query) } };
}

export function importProfile({ state, body, query, url }) {
  const { profile, created } = state.profiles.upsert(body.data);
  return { status: created ? 201 : 200, body: { data: render(profile, url, query) } };
}

export function getProfile({ state, params, query, url }) {
  return { status: 200, body: { data: render(state.profiles.get(params.id), url, query) } };
}

export function listProfiles({ state, query, url }) {
  const rows =
    query.filters.length > 0 ? filtered(state.profiles, query.filters) : state.profiles.list();
  const { page, links } = paginate(rows, query, url);
  return { status: 200, body: { data: page.map((profile) => render(profile, url, query)), links } };
}

function filtered(profiles, filters) {
  const sets = filters.map(({ field, value }) => {
    const find = (each) => {
      if (field !== "id") return profiles.find(field, each);
      return profiles.has(each) ? profiles.get(each) : undefined;
    };
    return new Set([value].flat().map(find).filter(Boolean));
  });
  return [...sets[0]]
    .filter((profile) => sets.every((set) => set.has(profile)))
    .sort((a, b) => a.seq - b.seq);
}

// --- Bulk import ---------------------------------------------------------------------------------

export function checkProfileImportJob({ body, report, settings }) {
  body.data.attributes.profiles.data.forEach((resource, index) => {
    const path = ["data", "attributes", "profiles", "data", index];
    profileRules(resource, path, report, settings);
    profileSizeRule(resource, path, report);
  });
}

/** Any list id is taken as known: the fake holds no lists. */
export function createProfileImportJob({ state, body, query, url, settings }) {
  const rows = body.data.attributes.profiles.data;
  const lists = body.data.relationships?.lists?.data ?? [];
  const job = state.jobs.add({
    type: JOB,
    total: rows.length,
    details: { lists },
    run: () =>
      carryOutRows(rows, {
        effect: (row) => state.profiles.upsert(row, { nullClears: false }).profile.id,
        path: settings.rowPointers ? "/data/attributes/profiles/data" : null,
        more: (row) => ({ original_payload: row }),
      }),
  });
  return { status: 202, body: { data: renderJob(job, url, query) } };
}

export function getProfileImportJob({ state, params, query, url }) {
  return { status: 200, body: { data: renderJob(jobOf(state, params.id), url, query) } };
}

export function listProfileImportJobs({ state, query, url }) {
  const rows = state.jobs
    .ofType(JOB)
    .filter((job) => query.filters.every(({ value }) => [value].flat().includes(job.status)));
  const { page, links } = paginate(rows, query, url);
  return { status: 200, body: { data: page.map((job) => renderJob(job, url, query)), links } };
}

export function listImportErrors({ state, params, query, url }) {
  const rows = jobOf(state, params.id).errors.map((error, seq) => ({ ...error, seq }));
  const { page, links } = paginate(rows, query, url);
  const data = page.map(({ id, seq, ...attributes }) => ({ type: "import-error", id, attributes }));
  return { status: 200, body: { data, links } };
}

export function listImportedProfiles({ state, params, query, url }) {
  const ids = new Set(jobOf(state, params.id).created);
  const rows = state.profiles.list().filter((profile) => ids.has(profile.id));
  const { page, links } = paginate(rows, query, url);
  return { status: 200, body: { data: page.map((profile) => render(profile, url, query)), links } };
}

// --- Merge ---------------------------------------------------------------------------------------

export function checkMerge({ body, report }) {
  const [source, ...others] = body.data.relationships.profiles.data;
  const path = ["data", "relationships", "profiles", "data"];
  if (!source || others.length > 0) report(path, "Exactly one source profile is required.");
  else if (source.id === body.data.id) report(path, "A profile cannot be merged into itself.");
}

/** Asynchronous: the source's id keeps resolving for a while. The spec says 201, live it is 202. */
export function mergeProfiles({ state, body }) {
  const destination = state.profiles.get(body.data.id);
  const source = state.profiles.get(body.data.relationships.profiles.data[0].id);
  state.jobs.add({
    type: "profile-merge",
    total: 1,
    run: () => {
      const gone = [source, destination].some(({ id }) => !state.profiles.has(id));
      if (gone) return { failed: 1 };
      state.profiles.merge(destination, source);
      state.events.move(source.id, destination.id);
      return { completed: 1 };
    },
  });
  return { status: 202, body: { data: { type: "profile-merge", id: destination.id } } };
}

// --- Rendering -----------------------------------------------------------------------------------

function render(profile, url, query) {
  const self = `${url.origin}/api/profiles/${profile.id}/`;
  const related = (name) => ({
    links: { self: `${self}relationships/${name}/`, related: `${self}${name}/` },
  });
  return {
    type: "profile",
    id: profile.id,
    attributes: sparse(profileAttributes(profile), query, "profile"),
    relationships: { lists: related("lists"), segments: related("segments") },
    links: { self },
  };
}

function jobOf(state, id) {
  const job = state.jobs.get(id);
  if (job?.type !== JOB) throw notFound(JOB, id);
  return job;
}

function renderJob(job, url, query) {
  const self = `${url.origin}/api/${JOB}s/${job.id}/`;
  return {
    type: JOB,
    id: job.id,
    attributes: sparse(jobAttributes(job), query, JOB),
    relationships: {
      lists: { data: job.details.lists },
      profiles: { links: { self: `${self}relationships/profiles/`, related: `${self}profiles/` } },
      "import-errors": { links: { related: `${self}import-errors/` } },
    },
    links: { self },
  };
}

function jobAttributes(job) {
  return {
    status: job.status,
    created_at: inSeconds(job.createdAt),
    total_count: job.total,
    completed_count: job.completed,
    failed_count: job.failed,
    completed_at: job.status === "complete" ? inSeconds(job.completesAt) : null,
    expires_at: inSeconds(job.expiresAt),
    started_at: job.status === "queued" ? null : inSeconds(job.startsAt),
  };
}
