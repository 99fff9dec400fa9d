// One request from its bytes to its answer, without HTTP: who asks, how often, with what, and the result.
//
// For: the order of Klaviyo's refusals (route, key, rate, revision, scopes, body, state), and the list of violations of
// rules that a correct client never breaks.
// Not for: sockets, faults and the log of requests (server.mjs).
// Source: klaviyo.md §1.1, §1.2, §2.0 (errors), §3.1 (rate limit headers).

import * as errors from "./errors.mjs";
import { findOperation } from "./operations.mjs";
import { parseQuery } from "./query.mjs";
import { problemsOf, toPointer } from "./validate.mjs";

/** All are accepted; whichever is asked for, the answers are those of the last one. */
export const REVISIONS = [
  ...["2022-10-17", "2023-01-24", "2023-02-22", "2023-06-15", "2023-07-15", "2023-08-15"],
  ...["2023-09-15", "2023-10-15", "2023-12-15", "2024-02-15", "2024-05-15", "2024-06-15"],
  ...["2024-07-15", "2024-10-15", "2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15"],
  ...["2026-01-15", "2026-04-15", "2026-07-15", "2026-10-15"],
];
export const MAX_BODY_BYTES = 5_000_000; // "5 MB", read as decimal
const MAX_URL = 8192; // "keep query strings < ~8 KB"
const MEDIA_TYPES = new Set(["application/vnd.api+json", "application/json"]);
const MEDIA_TYPE = "application/vnd.api+json";
const OPT_OUT = "x-klaviyo-revision-fall-forward-opt-out";

/**
 * Answers a function `({ method, url, headers, raw, bytes }) => { status, headers, body, operation
 * }`, where `url` is a URL, `raw` the body as far as it was kept and `bytes` its whole length.
 * `opinions` are further judges of a body by their names: `(operation, body) => problem | null`.
 */
export function createResponder({ current, settings, limits, violations, opinions, now }) {
  return (request) => {
    const found = findOperation(request.method, request.url.pathname);
    const { operation } = found;
    const headers = { "content-type": MEDIA_TYPE };
    let status;
    let body;
    try {
      admit(request, found);
      if (settings.limits) Object.assign(headers, rate(operation));
      Object.assign(headers, revised(request.headers));
      authorise(operation);
      ({ status, body } = carryOut(request, found));
    } catch (error) {
      if (!error.errors) throw error;
      ({ status } = error);
      body = { errors: error.errors };
      Object.assign(headers, error.headers);
      if (error.violation)
        note(operation?.name ?? `${request.method} ${request.url.pathname}`, error);
    }
    return { status, headers, body, operation: operation?.name ?? null };
  };

  function admit({ method, url, headers }, { operation, allowed }) {
    if (url.href.length - url.origin.length > MAX_URL) throw errors.uriTooLong();
    if (!operation && allowed.length > 0) throw errors.methodNotAllowed(method, allowed);
    if (!operation) throw errors.noSuchRoute(url.pathname);
    if (headers.authorization !== `Klaviyo-API-Key ${settings.key}`) throw errors.unauthenticated();
  }

  function rate({ name, tier }) {
    const { headers, retryAfter } = limits.take(name, tier);
    if (retryAfter) throw errors.throttled(retryAfter);
    return headers;
  }

  // A revision is retired two years after its release; the live API names the day.
  function revised({ revision, [OPT_OUT]: optOut }) {
    if (!revision) throw errors.invalidRevision("The revision header is required.");
    if (!REVISIONS.includes(revision)) {
      throw errors.invalidRevision(`'${revision}' is not a valid revision.`);
    }
    if (optOut !== "1") throw errors.mayFallForward(OPT_OUT);
    const retired = `${Number(revision.slice(0, 4)) + 2}${revision.slice(4)}`;
    return { "x-klaviyo-api-retirement-date": retired };
  }

  function authorise({ scopes }) {
    const missing = scopes.filter((scope) => !settings.scopes.includes(scope));
    if (missing.length > 0) throw errors.forbidden(missing);
  }

  function carryOut(request, { operation, params }) {
    const query = parseQuery(request.url.search, operation.query);
    const context = { state: current(), settings, now, params, query, url: request.url };
    if (operation.shape) {
      context.body = parseBody(request, operation);
      checkBody(context, operation);
    }
    return operation.handler(context);
  }

  function parseBody({ headers, raw, bytes }, { maxBytes = MAX_BODY_BYTES }) {
    const type = (headers["content-type"] ?? "").split(";", 1)[0].trim().toLowerCase();
    if (!MEDIA_TYPES.has(type)) throw errors.unsupportedMediaType(type);
    if (bytes > maxBytes)
      throw errors.tooLarge(`The body must not be larger than ${maxBytes} bytes.`);
    try {
      return JSON.parse(raw.toString());
    } catch {
      throw errors.invalid([{ pointer: "/data", detail: "Invalid JSON.", violation: true }]);
    }
  }

  // Shape, then values, then the opinions of others: each only if the one before saw no violation, so
  // that the others see what depends on data, too.
  function checkBody(context, operation) {
    let problems = problemsOf(operation.shape, context.body, settings.maxErrors);
    if (problems.length === 0 && operation.check) {
      const report = (path, detail, { violation = true } = {}) => {
        problems.push({ pointer: toPointer(path), detail, violation });
      };
      operation.check({ ...context, report });
      problems = problems.slice(0, settings.maxErrors);
    }
    if (problems.some(({ violation }) => violation)) throw errors.invalid(problems);
    for (const [by, check] of Object.entries(opinions)) {
      const problem = check(operation.name, context.body);
      if (problem) throw Object.assign(errors.invalid([problem]), { by });
    }
    if (problems.length > 0) throw errors.invalid(problems);
  }

  function note(operation, { status, errors: list, by = "rules" }) {
    const problems = list.map(({ detail, source }) => ({ detail, ...source }));
    violations.push({ operation, status, by, problems });
  }
}
