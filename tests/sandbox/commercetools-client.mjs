// The shared parts of the commercetools sandbox's tests: a client, the walk of an import, and the
// expected order of ids.

import assert from "node:assert/strict";
import { RESOURCES } from "../../sandbox/commercetools/resources.mjs";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { sampleShop } from "../../sandbox/shop/index.mjs";

export const PATHS = [
  "customers",
  "orders",
  "payments",
  "categories",
  "products",
  "inventory",
  "standalone-prices",
];

export const shop = sampleShop();
export const documentsAt = (path, of = shop) =>
  of[RESOURCES.find((known) => known.path === path).shop];
export const ids = (documents) => documents.map(({ id }) => id);
export const byText = (list) => [...list].sort();

/** The order of reference §5.2, written another way than the sandbox does it. */
export function inBinaryOrder(list) {
  const bytes = (id) => {
    const plain = Buffer.from(id.replaceAll("-", ""), "hex");
    const swapped = Buffer.alloc(16);
    swapped.writeBigUInt64BE(plain.readBigUInt64LE(0), 0);
    swapped.writeBigUInt64BE(plain.readBigUInt64LE(8), 8);
    return swapped;
  };
  return [...list].sort((left, right) => Buffer.compare(bytes(left), bytes(right)));
}

export function requestToken({ credentials: { clientId, secret, authUrl } }, form = {}) {
  const basic = Buffer.from(`${clientId}:${secret}`).toString("base64");
  return fetch(`${authUrl}/oauth/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: "client_credentials", ...form }),
  });
}

/** `get(path, parameters)` → `{ status, body }`, with a token of its own. */
export async function connect(sandbox, form) {
  const { access_token: token } = await (await requestToken(sandbox, form)).json();
  const call = async (path, parameters = {}, init = {}) => {
    const pairs = Object.entries(parameters).flatMap(([name, values]) =>
      [values].flat().map((value) => [name, value]),
    );
    const answer = await fetch(
      `${sandbox.url}/${sandbox.projectKey}/${path}?${new URLSearchParams(pairs)}`,
      { ...init, headers: { authorization: `Bearer ${token}` } },
    );
    return { status: answer.status, body: await answer.json() };
  };
  return call;
}

/** All ids, the way an import walks: the cursor is the id of the last document as returned. */
export async function walk(get, path, { limit, where = [], each = () => {} }) {
  const seen = [];
  for (let cursor = []; ; cursor = [`id > "${seen.at(-1)}"`]) {
    const parameters = { limit, withTotal: false, sort: "id asc", where: [...where, ...cursor] };
    const { body } = await get(path, parameters);
    assert.ok(body.results, JSON.stringify(body));
    seen.push(...ids(body.results));
    if (body.count < limit) return seen;
    each();
  }
}

export async function withSandbox(options, work) {
  const sandbox = await startCommercetools(options);
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}
