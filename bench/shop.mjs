// A commercetools of any size that answers as fast as it can, after a settable latency: it makes its documents on
// request.
//
// For: the benchmark, in a process of its own. It knows the queries of an import and of a push, and no others.
// Not for: tests; those have sandbox/commercetools, which knows what commercetools refuses.
//
// Ids and times of creation ascend with the numbers, so it finds any page without a search.

import { createServer } from "node:http";
import { documentsOf, numberOf } from "./documents.mjs";
import { timesOf } from "./times.mjs";

/** What commercetools counts up to where there is a predicate. */
const MOST_COUNTED = 10_000;

/** A record was last modified when it was created. */
const TIME_TERM = /(?:createdAt|lastModifiedAt) (>=|<) "([^"]*)"/g;

const { sizes, latencyMs, shape } = JSON.parse(process.argv[2]);
const documents = documentsOf(sizes, shape);
let requests = 0;

/** The answer to a query of a resource. */
function queried(path, query) {
  const predicate = query.get("where") ?? "";
  const [, listed] = /^id in \((.*)\)$/.exec(predicate) ?? [];
  if (listed) return page(path, numbersIn(listed));
  const { from, to } = rangeOf(path, predicate);
  const total = query.get("withTotal") === "true" ? counted(to - from, predicate) : undefined;
  if (query.get("sort") === "createdAt desc")
    return page(path, numbers(Math.max(from, to - 1), to), total);
  const [, after] = /id > "([^"]*)"/.exec(predicate) ?? [];
  const first = after ? Math.max(from, numberOf(after) + 1) : from;
  return page(path, numbers(first, Math.min(to, first + Number(query.get("limit")))), total);
}

/** The records that the times in a predicate hold for: from the number `from` on, and below `to`. */
function rangeOf(path, predicate) {
  const total = sizes[path] ?? 0;
  const times = timesOf(total, shape);
  let [from, to] = [0, total];
  for (const [, operator, time] of predicate.matchAll(TIME_TERM)) {
    const first = times.firstSince(Date.parse(time));
    if (operator === ">=") from = Math.max(from, first);
    else to = Math.min(to, first);
  }
  return { from, to: Math.max(from, to) };
}

function counted(total, predicate) {
  return predicate ? Math.min(total, MOST_COUNTED) : total;
}

/** The numbers in ids, each in quotes. */
function numbersIn(ids) {
  return ids.split(",").map((id) => numberOf(id.slice(1)));
}

function numbers(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, place) => from + place);
}

function page(path, shown, total) {
  const results = shown.map(documents[path]).join(",");
  const told = total === undefined ? "" : `,"total":${total}`;
  return `{"limit":500,"offset":0,"count":${shown.length},"results":[${results}]${told}}`;
}

/** The status and the body of the answer to a request below the project. */
function answer([path, one], query) {
  if (path === undefined) return [200, `{"key":"shop","productCatalogModel":"Classic"}`];
  if (path in documents) return [200, one ? documents[path](numberOf(one)) : queried(path, query)];
  if (one) return [404, `{"statusCode":404,"message":"no such document","errors":[]}`];
  return [200, `{"results":[]}`];
}

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const url = new URL(request.url, "http://localhost");
    requests += 1;
    const send = ([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body);
    };
    if (url.pathname.endsWith("/token"))
      return send([200, `{"access_token":"t","expires_in":172800,"scope":""}`]);
    const sendAnswer = () => send(answer(url.pathname.split("/").slice(2), url.searchParams));
    if (latencyMs === 0) return sendAnswer();
    setTimeout(sendAnswer, latencyMs);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("message", () => process.send(requests));
