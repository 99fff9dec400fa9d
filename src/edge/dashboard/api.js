// Calls to the Worker, with the admin token. The token stays in the tab's session storage, so it
// disappears with the tab, and goes to this origin only.

const KEY = "admin-token";

/** How long a call may take, in ms. The Worker itself gives up on its objects after 10 s. */
const PATIENCE = 20_000;

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** An answer that is not 2xx. `status` is the answer's, `code` its stable code, if any. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.message ?? `The Worker answered ${status}.`);
    this.status = status;
    this.code = body?.code;
    this.problems = body?.problems ?? [];
  }
}

/** There was no answer. */
export class Offline extends Error {
  constructor() {
    super("The Worker did not answer. Is the network available?");
  }
}

/** Calls the Worker; returns the body. Throws Refused or Offline. */
export async function call(method, path, body) {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const { text } = await exchange(method, path, type, body);
  return parsed(text);
}

/** A table (CSV) as text, and the query of its next page, if there is one. */
export async function table(path) {
  const { text, headers } = await exchange("GET", path, { accept: "text/csv" });
  const [, next] = /^<([^>]*)>; rel="next"$/.exec(headers.get("link") ?? "") ?? [];
  return { text, next };
}

async function exchange(method, path, more, body) {
  const carried = token.get();
  const headers = { ...(carried && { authorization: `Bearer ${carried}` }), ...more };
  const signal = AbortSignal.timeout(PATIENCE);
  const init = { method, headers, cache: "no-store", signal, body };
  let response;
  let text;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch {
    throw new Offline();
  }
  if (!response.ok) throw new Refused(response.status, parsed(text));
  return { text, headers: response.headers };
}

export const get = (path) => call("GET", path);
export const post = (path, body) =>
  call("POST", path, body === undefined ? undefined : JSON.stringify(body));

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
