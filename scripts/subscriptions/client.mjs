// The installer's few calls to commercetools, and the meaning of their failures.
// https://docs.commercetools.com/api/projects/subscriptions
// https://docs.commercetools.com/api/projects/project

import { Failure } from "../lib/run.mjs";

/** No call may last longer. */
const TIME_LIMIT_MS = 30_000;

/** The variable of the API client's credentials, JSON `{"clientId","secret"}`. */
export const CREDENTIALS = "CT_SUBSCRIPTIONS_CLIENT";

/**
 * A call that failed: what happened and what to do, with a stable `code`. `passing` is whether it may
 * well succeed later, then after `retryAfterMs` if commercetools said so.
 */
export class CallFailure extends Failure {
  constructor(code, message, { passing = false, retryAfterMs } = {}) {
    super(`${message} (${code})`);
    this.code = code;
    this.passing = passing;
    this.retryAfterMs = retryAfterMs;
  }
}

const SUBSCRIPTIONS = "manage_subscriptions";
const PROJECT = "view_project_settings";

/** The right to change the project. Nothing less allows it. */
export const WHOLE_PROJECT = "manage_project";

/** What each right is for. */
const DOING = {
  [SUBSCRIPTIONS]: "manage subscriptions",
  [PROJECT]: "read the project",
  [WHOLE_PROJECT]: "change the project",
};

/** A token for `right` in this project and for nothing else, whatever the client may do. */
export async function fetchToken(
  { authUrl, projectKey },
  { clientId, secret },
  right = SUBSCRIPTIONS,
) {
  const scope = `${right}:${projectKey}`;
  const basic = Buffer.from(`${clientId}:${secret}`).toString("base64");
  const answer = await call(`${authUrl}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "client_credentials", scope }),
  });
  if (answer.status === 200) return answer.body.access_token;
  if (answer.body.error === "invalid_scope") throw scopeMissing(projectKey, right);
  throw new CallFailure(
    "client_refused",
    `commercetools refused the API client of ${CREDENTIALS}: ${words(answer)} Check its id and secret, and that authUrl is of the project's region`,
  );
}

/**
 * The catalogue model of the project, `Classic` if it says nothing; null where the client may not read
 * the project.
 */
export async function readCatalogModel(commercetools, credentials) {
  try {
    const token = await fetchToken(commercetools, credentials, PROJECT);
    const { productCatalogModel } = await createProject(commercetools, token, PROJECT).read();
    return productCatalogModel ?? "Classic";
  } catch (error) {
    if (error.code === "scope_missing") return null;
    throw error;
  }
}

/** The project itself, `{ read(), update(version, actions) }`, with a token for `right`. */
export function createProject(commercetools, token, right = WHOLE_PROJECT) {
  const request = requests(commercetools, token, right);
  return {
    read: () => request("GET", ""),
    update: (version, actions) => request("POST", "", { version, actions }),
  };
}

/** `{ read(key), create(draft), update(key, version, actions), remove(key, version) }` */
export function createClient(commercetools, token) {
  const within = requests(commercetools, token, SUBSCRIPTIONS);
  const request = (method, path, body) => within(method, `/subscriptions${path}`, body);
  return {
    /** The subscription, or null if there is none. */
    async read(key) {
      try {
        return await request("GET", `/key=${key}`);
      } catch (error) {
        if (error.code === "not_found") return null;
        throw error;
      }
    },
    create: (draft) => request("POST", "", draft),
    update: (key, version, actions) => request("POST", `/key=${key}`, { version, actions }),
    remove: (key, version) => request("DELETE", `/key=${key}?version=${version}`),
  };
}

/** `request(method, path, body)` for a path below the project. */
function requests({ apiUrl, projectKey }, token, right) {
  return async (method, path, body) => {
    const answer = await call(`${apiUrl}/${projectKey}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    if (answer.status < 300) return answer.body;
    throw explained(answer, projectKey, right);
  };
}

async function call(url, init) {
  let answer;
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIME_LIMIT_MS) });
    const text = await response.text();
    answer = { status: response.status, headers: response.headers, body: json(text) };
  } catch (error) {
    const reason = error.cause?.code ?? error.name;
    throw unavailable(`${new URL(url).origin} cannot be reached or did not answer (${reason}).`);
  }
  const { status, headers } = answer;
  if (status !== 429 && status < 500) return answer;
  const after = Number(headers.get("retry-after"));
  const retryAfterMs = after > 0 ? after * 1000 : undefined;
  throw unavailable(`commercetools answered ${status}: ${words(answer)}`, retryAfterMs);
}

function unavailable(text, retryAfterMs) {
  const advice = "Run this again: it goes on where it stopped";
  return new CallFailure("commercetools_unavailable", `${text} ${advice}`, {
    passing: true,
    retryAfterMs,
  });
}

function explained(answer, projectKey, right) {
  switch (answer.status) {
    case 401:
      return new CallFailure(
        "token_refused",
        `commercetools refused its own token: ${words(answer)} Check that authUrl and apiUrl are of the same region`,
      );
    case 403:
      return scopeMissing(projectKey, right);
    case 404:
      return new CallFailure(
        "not_found",
        `commercetools does not find it: ${words(answer)} Check projectKey`,
      );
    case 409:
      return new CallFailure("changed_meanwhile", `somebody else changed it: ${words(answer)}`, {
        passing: true,
      });
    default: {
      const code = /test message/i.test(words(answer)) ? "destination_refused" : "refused";
      return new CallFailure(code, `commercetools refused it: ${words(answer)}`);
    }
  }
}

function scopeMissing(projectKey, right) {
  return new CallFailure(
    "scope_missing",
    `the API client of ${CREDENTIALS} may not ${DOING[right]}. Give it the scope ${right}:${projectKey}, and check projectKey`,
  );
}

/** What commercetools says itself, as sentences. */
function words({ status, body }) {
  const message = body.message ?? body.error_description ?? `status ${status} without a message`;
  const details = (body.errors ?? []).map(({ detailedErrorMessage }) => detailedErrorMessage);
  const sentences = [message, ...details].filter(Boolean);
  return sentences.map((text) => `${text.replace(/\.$/, "")}.`).join(" ");
}

function json(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
