// The commercetools sandbox: an HTTP server on loopback that behaves like a commercetools project
// towards a client that reads it. For development and tests.
//
// It pushes nothing: notifications.mjs builds what a subscription would deliver.

import { once } from "node:events";
import { createServer } from "node:http";
import { createFaults } from "../faults.mjs";
import { sampleShop } from "../shop/index.mjs";
import { createApi } from "./api.mjs";
import { apiError } from "./errors.mjs";
import { keepMessage } from "./messages.mjs";
import { message } from "./notifications.mjs";
import { idKeyFor } from "./ordering.mjs";
import { createProject } from "./project.mjs";
import { DEFAULT_SCOPES, RESOURCES } from "./resources.mjs";
import { copy, SandboxStorage } from "./storage.mjs";
import { createTokens, DEFAULT_TOKEN_SECONDS, openTokens } from "./tokens.mjs";

/**
 * Starts a project that holds `shop`. Documents are served as they were put: nothing is derived,
 * so a test decides what is stale or missing. `scopes` are bare names ("view_orders") and belong to
 * the API client; `catalogModel` is the project's ("Classic", "InMigration" or "Modular"), which
 * changes no document; `now` is the clock of its tokens, in milliseconds; `idOrder: "text"` sorts ids as
 * strings, which the real API does not.
 */
export async function startCommercetools({
  port = 0,
  projectKey = "sandbox-shop",
  shop = sampleShop(),
  auth = true,
  clientId = "sandbox-client",
  clientSecret = "sandbox-secret",
  scopes = DEFAULT_SCOPES,
  tokenSeconds = DEFAULT_TOKEN_SECONDS,
  idOrder = "binary",
  catalogModel = "Classic",
  faults = createFaults(),
  now = Date.now,
} = {}) {
  const keyOf = idKeyFor(idOrder);
  const storage = new SandboxStorage(keyOf);
  const documents = (typeId) => storage.collection(knownTypeId(typeId));
  const put = (typeId, document) => documents(typeId).put(copy(document));
  seed(shop, storage);

  const clientScopes = scopes.map((scope) => `${scope}:${projectKey}`);
  const client = { clientId, clientSecret, scopes: clientScopes, tokenSeconds, now };
  const tokens = auth ? createTokens(client) : openTokens(client);
  const project = createProject({ projectKey, catalogModel });
  const api = createApi({ projectKey, project, storage, tokens, keyOf, now });
  const delayed = createDelay(now);
  let told = 0;
  const requests = createLog();

  async function handle(req, res) {
    const url = new URL(req.url, "http://sandbox");
    const entry = requests.add(req.method, url, now());
    const faulted = async (phase) => {
      const ended = await faults.apply(req, res, phase);
      if (ended && res.headersSent) entry.status = res.statusCode;
      return ended;
    };
    const body = await readBody(req);
    if (await faulted("before")) return;
    const { authorization } = req.headers;
    delayed.settle();
    const answer = await api.respond({ method: req.method, url, authorization, body });
    if (await faulted("after")) return;
    entry.status = answer.status;
    send(res, answer, now());
  }

  const server = createServer((req, res) => {
    handle(req, res).catch((error) => send(res, apiError(500, "General", error.stack)));
  });
  server.keepAliveTimeout = 600_000; // a client that reuses a connection never meets its end
  await once(server.listen(port, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${server.address().port}`;

  return {
    url,
    port: server.address().port,
    projectKey,
    credentials: {
      clientId,
      secret: clientSecret,
      authUrl: url,
      apiUrl: url,
      scopes: clientScopes.join(" "),
    },
    faults,
    requests,
    put,
    /**
     * Tells of something by a message, as a change of the resource would: `type`, `resource` and `fields` as
     * those of `message` in notifications.mjs, whose result it gives back. It is stamped `skewMs` off the clock
     * unless `createdAt` says otherwise, and becomes readable after `delayMs`.
     */
    tell(type, resource, fields = {}, { skewMs = 0, delayMs = 0, ...options } = {}) {
      const createdAt = new Date(now() + skewMs).toISOString();
      told += 1;
      const stamp = { projectKey, createdAt, sequenceNumber: told, resourceVersion: 1 };
      const telling = message(type, resource, fields, { ...stamp, ...options });
      delayed.after(delayMs, () => keepMessage({ storage, project }, telling));
      return telling;
    },
    /**
     * Changes a document as somebody who saves it does: the next version, stamped `skewMs` off the clock, which
     * becomes readable after `delayMs`.
     */
    change(typeId, id, members, { skewMs = 0, delayMs = 0 } = {}) {
      const before = copy(documents(typeId).get(id));
      const lastModifiedAt = new Date(now() + skewMs).toISOString();
      const changed = { ...before, ...members, version: before.version + 1, lastModifiedAt };
      delayed.after(delayMs, () => put(typeId, changed));
      return changed;
    },
    setMessages: project.setMessages,
    /** The MessagesConfiguration of the project. */
    messages: project.messages,
    get: (typeId, id) => copy(documents(typeId).get(id)),
    remove: (typeId, id) => documents(typeId).remove(id),
    setCatalogModel: project.setModel,
    revokeTokens: tokens.revoke,
    issuedTokens: tokens.issued,
    expireTokens: tokens.expire,
    /** Holds the shop again as it was; forgets faults and the log. */
    reset() {
      delayed.clear();
      storage.clear();
      seed(shop, storage);
      project.reset();
      faults.clear();
      requests.clear();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await api.close();
    },
  };
}

/** Without a copy, for the sake of large shops: stored documents are never changed, only replaced. */
function seed(shop, storage) {
  for (const [member, documents] of Object.entries(shop)) {
    const resource = RESOURCES.find((known) => known.shop === member);
    if (!resource) throw new TypeError(`A shop has no "${member}"`);
    for (const document of documents) storage.collection(resource.typeId).put(document);
  }
}

function knownTypeId(typeId) {
  if (RESOURCES.some((resource) => resource.typeId === typeId)) return typeId;
  throw new TypeError(`The sandbox has no resource type "${typeId}"`);
}

/** What is done when its time has come, at the latest with the next request. */
function createDelay(now) {
  let waiting = [];
  const settle = () => {
    // One time for both: what came due between two of them would be in neither.
    const time = now();
    const due = waiting.filter(({ at }) => at <= time);
    waiting = waiting.filter(({ at }) => at > time);
    for (const { work } of due) work();
  };
  return {
    after(delayMs, work) {
      waiting.push({ at: now() + delayMs, work });
      settle();
    },
    settle,
    clear() {
      waiting = [];
    },
  };
}

/** The requests so far; `status` stays null where none was sent. Repeated parameters are lists. */
function createLog() {
  return Object.assign([], {
    add(method, { pathname, searchParams }, at) {
      const query = {};
      for (const [name, value] of searchParams) {
        query[name] = name in query ? [query[name], value].flat() : value;
      }
      const entry = { method, path: pathname, query, status: null, at: new Date(at).toISOString() };
      this.push(entry);
      return entry;
    },
    clear() {
      this.length = 0;
    },
  });
}

async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function send(res, { status, body }, at = Date.now()) {
  if (res.headersSent || res.destroyed) return;
  const date = new Date(at).toUTCString();
  res.writeHead(status, { "content-type": "application/json; charset=utf-8", date });
  res.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
}
