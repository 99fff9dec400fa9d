// The answer to one request to commercetools, without HTTP: authorization, limits, and then the mock, called in
// process.
//
// Not here: the shape and behaviour of a resource (`@labdigital/commercetools-mock`, untouched; project.mjs and
// variants.mjs add what it lacks), the answers to queries (storage.mjs), faults and the log of requests (server.mjs).

import { CommercetoolsMock } from "@labdigital/commercetools-mock";
import { apiError, authError } from "./errors.mjs";
import { readMessages } from "./messages.mjs";
import { refuseForModel } from "./project.mjs";
import { parseQuery } from "./query.mjs";
import { openingScopes, servedAt } from "./resources.mjs";
import { completeSubscriptions, hideSecrets, refuseSubscription } from "./subscriptions.mjs";
import { readVariants } from "./variants.mjs";
import { refuseVersion } from "./versions.mjs";

const METHODS = ["GET", "POST", "DELETE"];

/** `async (request) => { status, body }`; `tokens` may be null, and then no token is asked for. */
export function createApi({ projectKey, project, storage, tokens, keyOf, now }) {
  const mock = createMock(projectKey, storage);

  async function respond({ method, url, authorization, body }) {
    if (url.pathname === "/oauth/token") {
      if (method !== "POST") return apiError(405, "MethodNotAllowed", "Only POST is allowed.");
      return tokens.issue({ authorization, form: new URLSearchParams(body.toString()) });
    }
    const refusal = refuse({ method, url, authorization }) ?? refuseWrite({ method, url, body });
    if (refusal) return refusal;
    const query = parseQuery(url.searchParams, keyOf);
    if (query.invalid) return apiError(400, "InvalidInput", query.invalid);
    const path = pathOf(url);
    if (path === "") {
      return method === "POST" ? project.update(body) : { status: 200, body: project.document() };
    }
    const closed = refuseForModel({ model: project.model(), path, fields: query.fields });
    if (closed) return closed;
    const own = { variants: readVariants, messages: readMessages }[path];
    const answer = await storage.duringQuery(query, () =>
      own ? own({ storage, projectKey, project, url, now }) : callMock(mock, { method, url, body }),
    );
    if (!isSubscriptions(url) || answer.status >= 300) return answer;
    return { ...answer, body: Buffer.from(hideSecrets(answer.body)) };
  }

  /** What the mock would let pass. */
  function refuseWrite({ method, url, body }) {
    const [, , path = "", name] = url.pathname.split("/");
    const { typeId } = servedAt(path);
    const known = () => [...storage.collection(typeId).all()];
    if (method === "DELETE") {
      const document = known().find(({ id, key }) => name === id || name === `key=${key}`);
      return refuseVersion(document, url.searchParams.get("version"));
    }
    if (method !== "POST" || !isSubscriptions(url)) return null;
    return refuseSubscription({ body, creates: name === undefined, known: known() });
  }

  function refuse({ method, url, authorization }) {
    const [, project] = url.pathname.split("/");
    const path = pathOf(url);
    const granted = tokens.scopesOf(authorization);
    if (!granted) return authError(401, "invalid_token", "invalid_token");
    const served = servedAt(path);
    if (!served) {
      return apiError(404, "ResourceNotFound", `The sandbox does not serve '${url.pathname}'.`);
    }
    const { methods = METHODS } = served;
    if (!methods.includes(method)) return apiError(405, "MethodNotAllowed", `No ${method} here.`);
    const opening = openingScopes(path, method).map((scope) => `${scope}:${project}`);
    if (!opening.some((scope) => granted.has(scope))) {
      const missing = `One of the following scopes is missing: ${opening.join(", ")}.`;
      return authError(403, "insufficient_scope", `Insufficient scope. ${missing}`);
    }
    if (project === projectKey) return null;
    return apiError(404, "ResourceNotFound", `The Project with key '${project}' was not found.`);
  }

  return { respond, close: () => mock.app.close() };
}

/** What the request is for, below the project; "" is the project itself. */
const pathOf = (url) => url.pathname.split("/")[2] ?? "";

const isSubscriptions = (url) => pathOf(url) === "subscriptions";

function createMock(projectKey, storage) {
  const mock = new CommercetoolsMock({ defaultProjectKey: projectKey, strict: true, storage });
  for (const typeId of ["category", "product"]) {
    // The mock would overwrite `ancestors` (nearest first, where the real API has the root first)
    // and `reviewRatingStatistics`.
    const repository = mock.project().getRepository(typeId);
    repository.postProcessResource = async (_context, document) => document;
  }
  completeSubscriptions(mock.project().getRepository("subscription"));
  return mock;
}

async function callMock(mock, { method, url, body }) {
  const headers = { "content-type": "application/json" };
  const request = { method, url: `${url.pathname}${url.search}`, headers, payload: body };
  const { statusCode, rawPayload } = await mock.app.inject(request);
  return { status: statusCode, body: rawPayload };
}
