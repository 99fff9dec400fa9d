// Klaviyo's error bodies: one function per kind of refusal, each returning an Error to be thrown.
//
// For: the exact shapes recorded from the live API (klaviyo.md §2.0, "Error shape"). If no body was ever recorded (403,
// 405, 413, 415, catalogue 409), the shape is the common one and only the status is certain.
// Not for: deciding when something is refused.
//
// `violation: true` marks a rule that a correct client never breaks (an unknown field, a batch that is too large). A
// refusal that depends on data or on state (404, 409, a malformed e-mail) is no violation.

import { randomUUID } from "node:crypto";

/** @returns {Error & {status: number, errors: object[], headers: object, violation: boolean}} */
function apiError(status, errors, { headers = {}, violation = false } = {}) {
  return Object.assign(new Error(errors[0].detail), { status, errors, headers, violation });
}

function entry(status, code, title, detail, rest = {}) {
  return { id: randomUUID(), status, code, title, detail, ...rest };
}

/** 400 with one error per problem: `{ pointer | parameter, detail, violation }`. */
export function invalid(problems) {
  const errors = problems.map(({ pointer, parameter, detail }) =>
    entry(400, "invalid", "Invalid input.", detail, {
      source: parameter === undefined ? { pointer } : { parameter },
      links: {},
      meta: {},
    }),
  );
  return apiError(400, errors, { violation: problems.some((problem) => problem.violation) });
}

/** 400 for a query parameter, which a correct client never sends. */
export function invalidQuery(parameter, detail) {
  return invalid([{ parameter, detail, violation: true }]);
}

/** 400 for the `revision` header, a required parameter of every operation (klaviyo.md §1.1). */
export function invalidRevision(detail) {
  return invalid([{ parameter: "revision", detail, violation: true }]);
}

/**
 * 400 where the header is missing that makes a retired revision fail. Klaviyo itself takes such a call,
 * and falls forward to a newer revision in silence; a client of this fake must not let it.
 */
export function mayFallForward(header) {
  return invalid([
    { parameter: header, detail: `The header ${header}: 1 is missing.`, violation: true },
  ]);
}

export function unauthenticated() {
  const text = "Incorrect authentication credentials.";
  return apiError(401, [
    entry(401, "authentication_failed", text, text, { source: { pointer: "/data/" } }),
  ]);
}

// The code of a missing scope is not recorded: klaviyo.md gives `permission_denied` [?].
export function forbidden(scopes) {
  const detail = `The key lacks the scopes ${scopes.join(", ")}.`;
  return apiError(403, [
    entry(403, "permission_denied", "Permission denied.", detail, {
      source: { pointer: "/data/" },
    }),
  ]);
}

export function notFound(what, id, pointer = "/data/") {
  const detail = `${what === "item" ? "An" : "A"} ${what} with id ${id} does not exist.`;
  return apiError(404, [entry(404, "not_found", "Not found.", detail, { source: { pointer } })]);
}

export function noSuchProfile() {
  const detail = "No profile matches the given identifier.";
  return apiError(404, [
    entry(404, "not_found", "Not found.", detail, { source: { pointer: "/data/" } }),
  ]);
}

export function noSuchRoute(path) {
  const detail = `The path ${path} could not be found.`;
  return apiError(404, [entry(404, "not_found", "Not found.", detail, { source: {} })], {
    violation: true,
  });
}

export function methodNotAllowed(method, allowed) {
  const detail = `Method "${method}" not allowed.`;
  return apiError(405, [entry(405, "method_not_allowed", "Method not allowed.", detail)], {
    headers: { allow: allowed.join(", ") },
    violation: true,
  });
}

export function duplicateProfile(id) {
  return apiError(409, [
    entry(
      409,
      "duplicate_profile",
      "Conflict.",
      "A profile already exists with one of these identifiers.",
      { source: { pointer: "/data/attributes" }, links: {}, meta: { duplicate_profile_id: id } },
    ),
  ]);
}

// Only the status of a catalogue conflict is known (klaviyo.md §2.3, §6.1).
export function conflict(detail, pointer = "/data/attributes") {
  return apiError(409, [entry(409, "conflict", "Conflict.", detail, { source: { pointer } })]);
}

// Neither the status nor the body for an oversized request is documented (klaviyo.md §6.7); 413 it
// is.
export function tooLarge(detail) {
  return apiError(
    413,
    [
      entry(413, "payload_too_large", "Payload too large.", detail, {
        source: { pointer: "/data" },
      }),
    ],
    { violation: true },
  );
}

export function uriTooLong() {
  const detail = "The request URL is longer than 8 KB.";
  return apiError(414, [entry(414, "uri_too_long", "URI too long.", detail)], { violation: true });
}

export function unsupportedMediaType(contentType) {
  const detail = `Unsupported media type "${contentType}" in request.`;
  return apiError(415, [entry(415, "unsupported_media_type", "Unsupported media type.", detail)], {
    violation: true,
  });
}

export function throttled(seconds) {
  const unit = seconds === 1 ? "second" : "seconds";
  const detail = `Request was throttled. Expected available in ${seconds} ${unit}.`;
  return apiError(
    429,
    [
      entry(429, "throttled", "Request was throttled.", detail, {
        source: { pointer: "/data" },
        links: {
          type: "https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling#rate-limits",
        },
        meta: {},
      }),
    ],
    { headers: { "retry-after": String(seconds) } },
  );
}

// "The maximum number of jobs in progress at one time is 500." What happens then is documented
// nowhere (klaviyo.md §6.4); a 429 is the milder of the two expected answers, and the violation is
// recorded.
export function tooManyJobs(limit) {
  const detail = `The maximum number of jobs in progress at one time is ${limit}.`;
  return apiError(
    429,
    [entry(429, "throttled", "Request was throttled.", detail, { source: { pointer: "/data" } })],
    { headers: { "retry-after": "5" }, violation: true },
  );
}

/** The fields of a refused row, as they stand in a job's `errors[]` and in an import error. */
export function rowError(error, pointer) {
  const [{ id, code, title, detail }] = error.errors;
  return { id, code, title, detail, source: { pointer } };
}
