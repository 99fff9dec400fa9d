// A stateful fake of Klaviyo's API, for development and tests: with the same answers, refusals and limits as far as
// they are known, and all data in memory.
//
// For: the sandbox, the tests and the benchmarks of this project, on loopback only. Rules come from the research in
// klaviyo.md; if a rule is unknown there, the fake takes the stricter reading, with a comment at the place.
// Not for: proof that Klaviyo itself would accept a request.
//
//   const klaviyo = await startKlaviyo({ port: 0 });
//   klaviyo.url, .port, .key   where it listens and the private key it wants
//   klaviyo.store              what it holds (store.mjs)
//   klaviyo.hold(kind, object) adds an object to the catalogue, without a request
//   klaviyo.loseEvents(wanted) removes events, by the members of `store.events()`, without a request
//   klaviyo.snapshot()         all of it in a form for comparing two runs (snapshot.mjs)
//   klaviyo.requests           the log: { method, path, search, status, bytes, at, operation },
//                              `fault` where there was one, with `recordBodies` also `headers` and
//                              `body`; the status is null until there is an answer; it has `clear()`
//   klaviyo.violations         rules broken by the client: { operation, status, by, problems }
//   klaviyo.broken             the same since the start, across resets
//   klaviyo.takeViolations()   returns the violations and forgets them, also in `broken`: for a test that
//                              breaks a rule on purpose
//   klaviyo.faults             rules for latency, errors, resets and silence (../faults.mjs)
//   klaviyo.settings           the settings that may change while it runs; see `settings` below
//   klaviyo.finishJobs()       completes all open jobs at once
//   klaviyo.reset(), .close()
//
// The same over HTTP, without a key:
//   GET    /sandbox/state        the snapshot
//   GET    /sandbox/requests     the log
//   GET    /sandbox/violations
//   POST   /sandbox/faults       a rule as JSON: {"path":"/api/events","status":503,"times":3};
//                                instead of `path` also `pathPattern`, a regular expression
//   DELETE /sandbox/faults
//   POST   /sandbox/reset        forgets state, log, violations, faults and rate limit windows

import { createServer } from "node:http";
import { createFaults, seededRandom } from "../faults.mjs";
import { createCatalog } from "./catalog.mjs";
import { createConsent } from "./consent-routes.mjs";
import { control } from "./control.mjs";
import { createEvents } from "./events.mjs";
import { createIds } from "./ids.mjs";
import { createJobs } from "./jobs.mjs";
import { createLimits } from "./limits.mjs";
import { ALL_SCOPES } from "./operations.mjs";
import { createProfiles } from "./profiles.mjs";
import { createResponder, MAX_BODY_BYTES } from "./respond.mjs";
import { loadSchema } from "./schema.mjs";
import { loadSdk } from "./sdk.mjs";
import { takeSnapshot } from "./snapshot.mjs";
import { createStore } from "./store.mjs";

export { ALL_SCOPES };

export const MAPPED_METRICS = {
  revenue: "Placed Order",
  ordered_product: "Ordered Product",
  cancelled_sales: "Cancelled Order",
  refunded_sales: "Refunded Order",
};

/** Longer than a client keeps an idle connection, so that none is cut in use. */
const KEEP_ALIVE_MS = 65_000;

export async function startKlaviyo({
  port = 0,
  key = "pk_sandbox_0123456789abcdef0123456789abcdef",
  scopes = ALL_SCOPES,
  limits: limited = true,
  jobMs = { min: 200, max: 500 },
  schema,
  sdk = true, // false: bodies are not shown to Klaviyo's SDK, in runs that measure time
  now = Date.now,
  log = () => {},
  recordBodies = false,
  keepProperties = true, // false: only a digest of an event's properties, for large runs
} = {}) {
  const settings = {
    key,
    scopes,
    limits: limited,
    jobMs,
    recordBodies,
    eventsReadableAfterMs: 0, // how long an event that was accepted cannot be read
    itemCreateLingerMs: 0, // how long an item-create job outlives its effect
    rowPointers: false, // whether row errors of jobs name the row; not known of Klaviyo
    maxErrors: 100, // how many problems one 400 names; Klaviyo's number is not known
    mappedMetrics: { ...MAPPED_METRICS }, // event-routes.mjs; as after the step of installation.md
    unsupportedPhonePrefixes: [], // valid E.164 numbers that are refused all the same
  };
  const random = seededRandom(1);
  const faults = createFaults({ random });
  const limits = createLimits({ now });
  const requests = Object.defineProperty([], "clear", { value: () => empty(requests) });
  const violations = [];
  const earlierViolations = [];
  let state = createState({ now, random, settings, keepProperties });

  /** The state of this moment, with all due jobs carried out. */
  function current() {
    state.jobs.settle();
    return state;
  }

  const respond = createResponder({
    current,
    settings,
    limits,
    violations,
    opinions: { schema: await loadSchema(schema), ...(sdk && { sdk: await loadSdk() }) },
    now,
  });

  const server = createServer((req, res) => {
    handle(req, res).catch((error) => {
      // A mistake of the fake itself must not look like Klaviyo's.
      violations.push({ operation: req.url, status: 500, by: "fake", problems: [error.stack] });
      if (!res.headersSent) res.writeHead(500);
      res.end(error.stack);
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;

  async function handle(req, res) {
    const at = now();
    const received = await read(req);
    if (!received) return; // the client went away while it was sending
    const { raw, bytes } = received;
    const url = new URL(req.url, klaviyo.url);
    if (url.pathname.startsWith("/sandbox/")) {
      const answer = control(klaviyo, req.method, url.pathname, raw);
      return send(res, {
        headers: { "content-type": "application/json" },
        ...(answer ?? { status: 404 }),
      });
    }
    const entry = {
      method: req.method,
      path: url.pathname,
      search: url.search,
      status: null,
      bytes,
      at,
    };
    if (settings.recordBodies) Object.assign(entry, { headers: req.headers, body: parsed(raw) });
    requests.push(entry);

    let fault = await faults.apply(req, res, "before");
    if (!fault) {
      const { method, headers } = req;
      const answer = respond({ method, url, headers, raw, bytes });
      entry.operation = answer.operation;
      fault = await faults.apply(req, res, "after");
      if (!fault) send(res, answer);
    }
    if (fault) entry.fault = fault;
    if (res.headersSent) entry.status = res.statusCode;
    log(entry);
  }

  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  const klaviyo = {
    url: `http://127.0.0.1:${server.address().port}`,
    port: server.address().port,
    get key() {
      return settings.key;
    },
    store: createStore(current),
    requests,
    violations,
    get broken() {
      return [...earlierViolations, ...violations];
    },
    faults,
    settings,
    hold: (kind, object) => void state.catalog.create(kind, object),
    loseEvents: (wanted) =>
      current().events.lose((event) =>
        Object.entries(wanted).every(([name, value]) => event[name] === value),
      ),
    snapshot: () => takeSnapshot(current()),
    takeViolations: () => violations.splice(0),
    finishJobs: () => state.jobs.finish(),
    reset() {
      state = createState({ now, random, settings, keepProperties });
      requests.clear();
      earlierViolations.push(...violations.splice(0));
      faults.clear();
      limits.reset();
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  return klaviyo;
}

function createState({ now, random, settings, keepProperties }) {
  const newId = createIds({ now });
  return {
    profiles: createProfiles({ now, newId }),
    events: createEvents({ now, newId, keepProperties }),
    catalog: createCatalog({ now }),
    consent: createConsent(),
    jobs: createJobs({ now, random, newId, settings }),
  };
}

/** The whole length of the body, and as much of it as can be accepted; the rest is let go. */
function read(req) {
  return new Promise((resolve) => {
    const chunks = [];
    let bytes = 0;
    req.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    req.on("end", () => resolve({ raw: Buffer.concat(chunks), bytes }));
    req.on("error", () => resolve(null));
  });
}

function send(res, { status, headers, body }) {
  res.writeHead(status, body === undefined ? withoutType(headers) : headers);
  res.end(body === undefined ? undefined : JSON.stringify(body));
}

function withoutType({ "content-type": _type, ...headers }) {
  return headers;
}

function parsed(raw) {
  try {
    return JSON.parse(raw.toString());
  } catch {
    return raw.toString();
  }
}

function empty(list) {
  list.length = 0;
}
